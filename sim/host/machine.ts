/** A simulated x86_64 machine: create it, run or step it, look inside. */

import * as Stop from "../spec/stops.ts";
import { type Core, type HostFunctions, instantiate, STATE_BASE } from "./core.ts";
import { Drive, type DriveOptions } from "./drives.ts";
import { loadModules, type Modules } from "./modules.ts";
import { Machine as MachineState } from "./views.generated.ts";

export interface MachineOptions {
  /** Logical processors, 1 to 64. Default 1. */
  readonly cpus?: number;
  /** RAM in bytes, a multiple of 64 KiB. Default 256 MiB. */
  readonly memory?: number;
  /** Wall-clock time at power-on, in seconds since 1970. Default 2025-01-01. */
  readonly epochSeconds?: number;
  /** Drives, in the order in which the guest finds them. */
  readonly drives?: readonly DriveOptions[];
  /** MAC address of a network controller as six bytes; none by default. */
  readonly nic?: readonly number[];
  /** False: devices exist, but no CPU ever runs, for tests of devices. Default true. */
  readonly start?: boolean;
  /** Modules other than the project's own build. */
  readonly modules?: Modules;
}

const DEFAULT_MEMORY = 256 * 1024 * 1024;
/** 2025-01-01T00:00:00Z */
const DEFAULT_EPOCH = 1_735_689_600;
const NEVER = 0xffff_ffff_ffff_ffffn;

export class Machine {
  readonly core: Core;
  /** What the first serial port sent so far. */
  readonly consoleBytes: number[] = [];
  /** Frames that the network controller sent. */
  readonly framesSent: Uint8Array[] = [];
  /** What went wrong on the host's side of a drive; the guest saw a medium error. */
  readonly driveErrors: { readonly drive: number; readonly error: unknown }[] = [];

  readonly drives: readonly Drive[];

  private constructor(modules: Modules, options: MachineOptions) {
    const ramBytes = options.memory ?? DEFAULT_MEMORY;
    this.drives = (options.drives ?? []).map((drive) => new Drive(drive));
    this.core = instantiate(modules, ramBytes, this.hostFunctions());
    const { sim } = this.core;
    sim.create(options.cpus ?? 1, ramBytes, options.epochSeconds ?? DEFAULT_EPOCH);
    for (const { options: drive, bytes } of this.drives)
      sim.addDrive(
        drive.interface === "ahci" ? 1 : 0,
        bytes,
        drive.blockBytes ?? 512,
        drive.readOnly ?? false,
      );
    if (options.nic) sim.addNic(macNumber(options.nic));
    sim.powerOn(options.start ?? true);
  }

  private hostFunctions(): HostFunctions {
    const span = (at: number, bytes: number) => this.core.bytes.subarray(at, at + bytes);
    const attempt = (drive: number, act: (drive: Drive) => void): number => {
      const target = this.drives[drive];
      if (!target) return 1;
      try {
        act(target);
        return 0;
      } catch (error) {
        this.driveErrors.push({ drive, error });
        return 1;
      }
    };
    return {
      driveRead: (n, offset, bytes, to) => attempt(n, (d) => d.read(offset, span(to, bytes))),
      driveWrite: (n, offset, bytes, from) => attempt(n, (d) => d.write(offset, span(from, bytes))),
      driveZero: (n, offset, bytes) => attempt(n, (d) => d.zero(offset, bytes)),
      driveFlush: (n) => attempt(n, (d) => d.flush()),
      consoleWrite: (_port, byte) => void this.consoleBytes.push(byte),
      frameSend: (_nic, from, bytes) => void this.framesSent.push(span(from, bytes).slice()),
    };
  }

  static async create(options: MachineOptions = {}): Promise<Machine> {
    return new Machine(options.modules ?? (await loadModules()), options);
  }

  /** The root structure of the machine's state. */
  get state(): MachineState {
    return new MachineState(this.core.data, STATE_BASE);
  }

  get consoleText(): string {
    return new TextDecoder().decode(Uint8Array.from(this.consoleBytes));
  }

  /** Runs until the machine stops or `limit` cycles of virtual time; returns a reason of Stop. */
  run(limit: bigint = NEVER): number {
    for (;;) {
      const reason = this.core.sim.run(limit, 100_000);
      if (reason !== Stop.STOP_STEPS) return reason;
    }
  }
}

function macNumber(bytes: readonly number[]): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte & 0xff), 0n);
}
