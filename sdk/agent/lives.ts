/** Agents: what is known of them, how they end, change and are scheduled. */
import {
  DEFAULT_AGEING,
  DEFAULT_EPOCH,
  DEFAULT_FAIR_RESERVE,
  DEFAULT_FOREGROUND,
  DEFAULT_QUANTUM,
} from "../../kernel/sched/defaults.ts";
import { REVOKE_ITSELF } from "../../kernel/syscall/cap_layouts.ts";
import * as layouts from "../../kernel/syscall/layouts.ts";
import { UPGRADE_BEGIN, UPGRADE_CONFIRM, UPGRADE_ROLL_BACK } from "../../kernel/syscall/modes.ts";
import type { Integer } from "../../sim/host/programs.ts";
import { Births, type Schedule, type SchedulerConfiguration, writeSchedule } from "./births.ts";
import { type Step, Structure } from "./calls.ts";
import { type AgentInfo, type KernelInfo, readInfo, readKernelInfo } from "./info.ts";

/** An image is made of so many bytes at a time. */
const PIECE_BYTES = 64 * 1024;

export class Lives extends Births {
  /** What can be known of an agent, also of one that is over. */
  *info(agent: number): Step<AgentInfo> {
    const at = yield* this.scratch();
    yield* this.call("AGENT_INFO", agent, at, layouts.INFO_BYTES);
    return readInfo(new Structure(yield* this.load(at, layouts.INFO_BYTES)));
  }

  /** Figures of the whole machine, for who has INFO on the kernel. */
  *kernelInfo(kernel: number): Step<KernelInfo> {
    const at = yield* this.scratch();
    yield* this.call("KERNEL_INFO", kernel, at, layouts.KERNEL_INFO_BYTES);
    return readKernelInfo(new Structure(yield* this.load(at, layouts.KERNEL_INFO_BYTES)));
  }

  /** Virtual time, ns. */
  *now(): Step<bigint> {
    return (yield* this.info(this.self)).time;
  }

  /** Ends an agent and all below it; how many agents that are. */
  *kill(agent: number, code: Integer = 0): Step<number> {
    return (yield* this.call("AGENT_KILL", agent, code)).value;
  }

  /** Ends the caller; nothing comes after it. */
  *exit(code: Integer = 0): Step<never> {
    yield* this.call("AGENT_KILL", this.self, code);
    throw new Error("an agent that has ended goes on");
  }

  *suspend(agent: number): Step<void> {
    yield* this.call("AGENT_SUSPEND", agent);
  }

  *resume(agent: number): Step<void> {
    yield* this.call("AGENT_RESUME", agent);
  }

  /** Gives up all rights but these, for good. */
  *specialize(agent: number, rights: number): Step<void> {
    yield* this.call("AGENT_SPECIALIZE", agent, rights);
  }

  /** Puts an agent into another one: how many mappings and messages have moved. */
  *merge(agent: number, survivor: number): Step<number> {
    return (yield* this.call("AGENT_MERGE", agent, survivor)).value;
  }

  /** Starts another image in an agent; it can be taken back until it is confirmed. */
  *upgrade(agent: number, image: number, argument: Integer = 0): Step<void> {
    yield* this.call("AGENT_UPGRADE", agent, image, UPGRADE_BEGIN, argument);
  }

  *confirmUpgrade(agent: number): Step<void> {
    yield* this.call("AGENT_UPGRADE", agent, 0, UPGRADE_CONFIRM);
  }

  /** Goes back to the image, the registers and the memory before an upgrade. */
  *rollBack(agent: number, reason: Integer = 0): Step<void> {
    yield* this.call("AGENT_UPGRADE", agent, 0, UPGRADE_ROLL_BACK, reason);
  }

  /** A capability to an image of the boot bundle; `kernel` is what the first agent has as argument. */
  *image(name: string, kernel: Integer = this.argument): Step<number> {
    const bytes = new TextEncoder().encode(name);
    const at = yield* this.put(bytes);
    return (yield* this.call("IMAGE_OPEN", kernel, at, bytes.length)).value;
  }

  /**
   * Makes an image of the bytes of a file: an ELF file, or what `agentImage` gives. A capability to it; the
   * image ends when no capability names it and no agent runs it any more.
   * @throws SyscallError BAD_IMAGE, QUOTA, TOO_LARGE and the like; nothing is left of the image then
   */
  *createImage(
    file: Uint8Array,
    { pool = this.pool, kernel = this.argument }: { pool?: number; kernel?: Integer } = {},
  ): Step<number> {
    const image = (yield* this.call("IMAGE_CREATE", kernel, pool, file.length)).value;
    try {
      for (let done = 0; done < file.length; done += PIECE_BYTES) {
        const piece = file.subarray(done, done + PIECE_BYTES);
        const at = yield* this.room(piece.length);
        yield* this.store(at, piece);
        yield* this.call("IMAGE_APPEND", image, at, piece.length);
      }
      yield* this.call("IMAGE_SEAL", image);
      return image;
    } catch (error) {
      yield* this.call("CAP_REVOKE", image, REVOKE_ITSELF);
      throw error;
    }
  }

  /** How an agent is scheduled from now on. */
  *schedule(agent: number, schedule: Schedule): Step<void> {
    const structure = new Structure(layouts.SCHEDULE_BYTES);
    writeSchedule(structure, 0, schedule);
    yield* this.call("AGENT_SCHEDULE", agent, yield* this.put(structure.bytes));
  }

  /**
   * How agents are scheduled: for the first agent, before it makes others. `kernel` is what it has as
   * argument; what isn't said is as kernel/sched/defaults.ts has it.
   */
  *configureScheduler(
    { epoch, quantum, foreground, fairReserve, ageing }: SchedulerConfiguration,
    kernel: Integer = this.argument,
  ): Step<void> {
    const longest = quantum ?? DEFAULT_QUANTUM;
    const structure = new Structure(layouts.CONFIGURE_BYTES)
      .setU64(layouts.CONFIGURE_EPOCH, epoch ?? DEFAULT_EPOCH)
      .setU32(layouts.CONFIGURE_QUANTUM, longest)
      .setU32(layouts.CONFIGURE_FOREGROUND, foreground ?? Math.min(DEFAULT_FOREGROUND, longest))
      .setU32(layouts.CONFIGURE_FAIR_RESERVE, fairReserve ?? DEFAULT_FAIR_RESERVE)
      .setU32(layouts.CONFIGURE_AGEING, ageing ?? DEFAULT_AGEING);
    yield* this.call("SCHED_CONFIGURE", kernel, yield* this.put(structure.bytes));
  }
}
