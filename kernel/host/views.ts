/**
 * Typed views of the kernel's structures, from its root in RAM. RAM is the guest's: before the
 * kernel has set a structure up, its view is null.
 */
import { RAM_BASE } from "../../sim/host/core.ts";
import type { View } from "../../sim/host/view.ts";
import { KERNEL_ADDRESS, KERNEL_BYTES } from "../../sim/spec/platform.ts";
import * as stages from "../boot/stage_numbers.ts";
import * as errors from "../errors.ts";
import { KIND_AGENT } from "../object/kinds.ts";
import { AgentView, agentSlot, agentSlots } from "./agents.ts";
import { RunQueue } from "./runqueues.ts";
import * as Views from "./views.generated.ts";

/** Linear address of the kernel's root (kernel/state.ts). */
export const KERNEL_ROOT = RAM_BASE + KERNEL_ADDRESS + KERNEL_BYTES / 2;

/** Limits of the kernel's tables (kernel/limits.ts): what is in RAM may say anything. */
const PARTITIONS_MAX = 128;
const BUNDLE_ENTRIES_MAX = 1024;
const DIGEST_BYTES = 32;

type ViewClass<T extends View> = {
  new (data: DataView, address: number): T;
  readonly size: number;
};

/** The view at `address`, or null when that is not an address of RAM. */
export function viewInRam<T extends View>(
  Class: ViewClass<T>,
  data: DataView,
  address: number,
): T | null {
  const inside = address >= RAM_BASE && address + Class.size <= data.byteLength;
  return inside ? new Class(data, address) : null;
}

/** "ERROR_NOT_GPT" becomes "not-gpt". */
function names(constants: Readonly<Record<string, unknown>>, prefix: string): Map<number, string> {
  return new Map(
    Object.entries(constants).map(([key, value]) => [
      Number(value),
      key.slice(prefix.length).toLowerCase().replaceAll("_", "-"),
    ]),
  );
}

const ERROR_NAMES = names(errors, "ERROR_");
const STAGE_NAMES = names(stages, "STAGE_");

/** Why the kernel gave up. */
export interface KernelPanic {
  /** The error's name, as the console has it. */
  readonly error: string;
  readonly detail: number;
  readonly place: bigint;
  readonly cpu: number;
}

/** A file of the boot bundle that has been verified. */
export interface BundleFile {
  readonly name: string;
  /** The file itself, in RAM: no copy. */
  readonly bytes: Uint8Array;
  /** SHA-256, hexadecimal. */
  readonly digest: string;
}

export class KernelViews {
  private readonly data: DataView;
  readonly root: Views.Kernel;

  constructor(data: DataView) {
    this.data = data;
    this.root = new Views.Kernel(data, KERNEL_ROOT);
  }

  get boot(): Views.Boot | null {
    return viewInRam(Views.Boot, this.data, this.root.boot);
  }
  /** Name of the stage that the boot is in; "idle" once all is up. */
  get stage(): string {
    return STAGE_NAMES.get(this.boot?.stage ?? 0) ?? "unknown";
  }

  /** Whether the boot is over and the kernel waits for the power button. */
  get idle(): boolean {
    const { boot } = this;
    return boot !== null && boot.stage === stages.STAGE_IDLE && boot.phase !== 0;
  }

  /** Why the kernel gave up; null while all is well. */
  get panic(): KernelPanic | null {
    const panic = viewInRam(Views.Panic, this.data, this.root.panic);
    if (!panic || panic.error === 0) return null;
    const { error, detail, place, cpu } = panic;
    return { error: ERROR_NAMES.get(error) ?? "unknown", detail, place, cpu };
  }
  get frames(): Views.Frames | null {
    return viewInRam(Views.Frames, this.data, this.root.frames);
  }
  get paging(): Views.Paging | null {
    return viewInRam(Views.Paging, this.data, this.root.paging);
  }
  get clock(): Views.Timer | null {
    return viewInRam(Views.Timer, this.data, this.root.clock);
  }
  get console(): Views.Console | null {
    return viewInRam(Views.Console, this.data, this.root.console);
  }
  get trace(): Views.KernelTrace | null {
    return viewInRam(Views.KernelTrace, this.data, this.root.trace);
  }

  /** Partitions of all drives, in the order in which they were found. */
  get partitions(): Views.Partition[] {
    const table = viewInRam(Views.Partitions, this.data, this.boot?.partitions ?? 0);
    if (!table) return [];
    const count = Math.min(table.count, PARTITIONS_MAX);
    return Array.from({ length: count }, (_, index) => table.entriesAt(index));
  }

  /** Verified files of the boot bundle, in the archive's order. */
  get bundle(): BundleFile[] {
    const bundle = viewInRam(Views.Bundle, this.data, this.boot?.bundle ?? 0);
    if (!bundle) return [];
    const count = Math.min(bundle.entryCount, BUNDLE_ENTRIES_MAX);
    return Array.from({ length: count }, (_, index) => this.file(bundle.entriesAt(index)));
  }

  private file(entry: Views.BundleEntry): BundleFile {
    return {
      name: new TextDecoder().decode(this.bytes(entry.name, entry.nameBytes)),
      bytes: this.bytes(entry.content, entry.dataBytes),
      digest: Array.from(this.bytes(entry.digest, DIGEST_BYTES), (byte) =>
        byte.toString(16).padStart(2, "0"),
      ).join(""),
    };
  }

  /** A view of bytes in RAM; none when they would not all be there. */
  private bytes(at: number, length: number): Uint8Array {
    const inside = at >= RAM_BASE && at + length <= this.data.byteLength;
    return new Uint8Array(this.data.buffer as ArrayBuffer, inside ? at : 0, inside ? length : 0);
  }

  /** All agents, in the order of their slots; none before there is a table of them. */
  get agents(): AgentView[] {
    const slab = this.agentSlab();
    if (!slab) return [];
    const slots = agentSlots(slab, this.data, (at) => viewInRam(Views.Agent, this.data, at));
    return [...slots].map((block) => new AgentView(block));
  }

  /** The agent with this identifier; null when there is none, or none any more. */
  agent(id: number): AgentView | null {
    const slab = this.agentSlab();
    const block =
      slab && agentSlot(slab, this.data, id, (at) => viewInRam(Views.Agent, this.data, at));
    return block ? new AgentView(block) : null;
  }

  private agentSlab(): Views.Slab | null {
    const { slabs } = this.root;
    return slabs === 0
      ? null
      : viewInRam(Views.Slab, this.data, slabs + KIND_AGENT * Views.Slab.size);
  }

  /** Run queues, one a processor; none before agents are scheduled. */
  get runqueues(): RunQueue[] {
    const sched = viewInRam(Views.Sched, this.data, this.root.sched);
    if (!sched) return [];
    return Array.from(
      { length: Math.min(sched.cpuCount, 64) },
      (_, index) => new RunQueue(this.data, sched.cpusAt(index)),
    );
  }

  /** The kernel's own record of each processor that it knows. */
  get cpus(): Views.KernelCpu[] {
    const { cpus, cpuCount } = this.root;
    return Array.from({ length: Math.min(cpuCount, 64) }, (_, n) =>
      viewInRam(Views.KernelCpu, this.data, cpus + n * Views.KernelCpu.size),
    ).filter((cpu) => cpu !== null);
  }
}
