/** A test's hands on a boot: images to boot from, and the kernel's structures afterwards. */
import { RAM_BASE } from "../../../sim/host/core.ts";
import type { DriveOptions } from "../../../sim/host/drives.ts";
import { Machine, type MachineOptions } from "../../../sim/host/machine.ts";
import type { StopReason } from "../../../sim/host/reasons.ts";
import { KERNEL_ADDRESS, KERNEL_BYTES } from "../../../sim/spec/platform.ts";
import { STAGE_IDLE } from "../../boot/stage_numbers.ts";
import * as errors from "../../errors.ts";
import * as Views from "../views.generated.ts";

/** Virtual time in which a boot must come to an end, whatever goes wrong; ns. */
export const BOOT_LIMIT = 1_200_000_000_000n;
/** Virtual time for an orderly shutdown after the button. */
export const STOP_LIMIT = 600_000_000_000n;

/** What a boot has set up by its end, without a null check for each structure. */
export class BootViews {
  readonly data: DataView;
  readonly root: Views.Kernel;

  constructor(machine: Machine) {
    this.data = machine.core.data;
    this.root = new Views.Kernel(this.data, RAM_BASE + KERNEL_ADDRESS + KERNEL_BYTES / 2);
  }

  get boot(): Views.Boot {
    return new Views.Boot(this.data, this.root.boot);
  }

  get frames(): Views.Frames {
    return new Views.Frames(this.data, this.root.frames);
  }

  get panic(): Views.Panic {
    return new Views.Panic(this.data, this.root.panic);
  }

  get partitions(): Views.Partition[] {
    const table = this.boot.partitionsAt(0);
    return Array.from({ length: table.count }, (_, index) => table.entriesAt(index));
  }

  get bundle(): Views.Bundle {
    return this.boot.bundleAt(0);
  }

  /** Controllers that the kernel drives, in the order in which it found them. */
  get controllers(): Views.BlockController[] {
    const storage = this.boot.storageAt(0);
    return Array.from({ length: this.boot.storage === 0 ? 0 : storage.count }, (_, index) =>
      storage.controllersAt(index).blockAt(0),
    );
  }

  /** Name and content of each verified entry of the bundle. */
  get entries(): { name: string; data: Uint8Array; digest: string }[] {
    const bytes = (at: number, count: number) => new Uint8Array(this.data.buffer, at, count);
    return Array.from({ length: this.bundle.entryCount }, (_, index) => {
      const entry = this.bundle.entriesAt(index);
      return {
        name: new TextDecoder().decode(bytes(entry.name, entry.nameBytes)),
        data: bytes(entry.content, entry.dataBytes),
        digest: Buffer.from(bytes(entry.digest, 32)).toString("hex"),
      };
    });
  }
}

/** How a boot came out. */
export interface Outcome {
  readonly machine: Machine;
  readonly kernel: BootViews;
  readonly reason: StopReason;
  readonly console: string;
  /** `"booted"`, or the name of the error on the console; anything else is a defect. */
  readonly result: string;
}

const ERROR_NAMES = new Map(
  Object.entries(errors).map(([name, code]) => [
    code,
    name.replace("ERROR_", "").toLowerCase().replaceAll("_", "-"),
  ]),
);

/** Runs a machine from power-on to idle or panic. */
export function runBoot(machine: Machine): Outcome {
  const reason = machine.boot({ until: BOOT_LIMIT });
  const kernel = new BootViews(machine);
  const console = machine.consoleText;
  return { machine, kernel, reason, console, result: resultOf(kernel, reason, console) };
}

function resultOf(kernel: BootViews, reason: StopReason, console: string): string {
  if (reason === "idle") {
    if (kernel.boot.stage !== STAGE_IDLE) return `stands still in stage ${kernel.boot.stage}`;
    return kernel.bundle.complete === 1 ? "booted" : "idle without a bundle";
  }
  if (reason !== "panic") return `ended with ${reason}`;
  const name = ERROR_NAMES.get(kernel.panic.error) ?? "unknown";
  const printed = /^panic: ([a-z-]+) \(detail \d+, place 0x[0-9a-f]+, cpu \d+\)\r?$/m.exec(console);
  return printed?.[1] === name ? name : `printed ${printed?.[1]}, recorded ${name}`;
}

export type BootOptions = Omit<MachineOptions, "drives"> & {
  readonly drives?: readonly (Uint8Array | DriveOptions)[];
};

/** Boots a machine with these drives (none by default). */
export async function bootWith(options: BootOptions = {}): Promise<Outcome> {
  const drives = (options.drives ?? []).map((drive) =>
    drive instanceof Uint8Array ? { data: drive } : drive,
  );
  return runBoot(await Machine.create({ memory: 64 << 20, ...options, drives }));
}

/** Presses the power button; how the machine ended. */
export function pressButton(machine: Machine): StopReason {
  machine.input.powerButton();
  return machine.run(machine.time + STOP_LIMIT);
}
