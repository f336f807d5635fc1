/** A simulated x86_64 machine: create it, run or step it, look inside. */

import * as Stop from "../spec/stops.ts";
import { type Core, instantiate, STATE_BASE } from "./core.ts";
import { loadModules, type Modules } from "./modules.ts";
import { Machine as MachineState } from "./views.generated.ts";

export interface MachineOptions {
  /** Logical processors, 1 to 64. Default 1. */
  readonly cpus?: number;
  /** RAM in bytes, a multiple of 64 KiB. Default 256 MiB. */
  readonly memory?: number;
  /** Wall-clock time at power-on, in seconds since 1970. Default 2025-01-01. */
  readonly epochSeconds?: number;
  /** Modules other than the project's own build. */
  readonly modules?: Modules;
}

const NEVER = 0xffff_ffff_ffff_ffffn;

export class Machine {
  readonly core: Core;
  /** What the first serial port sent so far. */
  consoleBytes: number[] = [];

  private constructor(modules: Modules, options: MachineOptions) {
    const ramBytes = options.memory ?? 256 * 1024 * 1024;
    this.core = instantiate(modules, ramBytes, {
      driveRead: () => 1,
      driveWrite: () => 1,
      driveZero: () => 1,
      driveFlush: () => 1,
      consoleWrite: (_port, byte) => void this.consoleBytes.push(byte),
      frameSend: () => undefined,
    });
    this.core.sim.create(options.cpus ?? 1, ramBytes, options.epochSeconds ?? 1_735_689_600);
    this.core.sim.powerOn();
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
