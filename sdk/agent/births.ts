/** How agents come to be: spawn, clone, split. */
import {
  AGENT_FOREGROUND,
  AGENT_GROUP,
  CLASS_FAIR,
  CLASS_IDLE,
  CLASS_REALTIME,
} from "../../kernel/agent/states.ts";
import { RIGHTS_ALL } from "../../kernel/cap/rights.ts";
import { WEIGHT_DEFAULT } from "../../kernel/sched/defaults.ts";
import * as layouts from "../../kernel/syscall/layouts.ts";
import type { Integer } from "../../sim/host/programs.ts";
import { type CallName, Calls, type Step, Structure } from "./calls.ts";

/** Behind the structure, in the scratch page. */
const GRANTS = 512;
const RANGES = 1024;
const PAGE = 2048;

const CLASSES = { fair: CLASS_FAIR, realtime: CLASS_REALTIME, idle: CLASS_IDLE } as const;

/** How an agent is scheduled. Times in ns of virtual time. */
export interface Schedule {
  /** Default "fair". */
  readonly class?: keyof typeof CLASSES;
  /** Share in the fair class, 1 to 65,536; default 1,024. */
  readonly weight?: number;
  /** Real-time: what it may run in each period, before the deadline (default: the period's end). */
  readonly budget?: Integer;
  readonly period?: Integer;
  readonly deadline?: Integer;
  /** A bit for each CPU that it may run on; default all. */
  readonly affinity?: Integer;
  /** Short turns: the same share at a lower latency. */
  readonly foreground?: boolean;
  /** Its children share its weight. */
  readonly group?: boolean;
}

/** How all agents are scheduled (kernel/sched/defaults.ts has what holds otherwise). */
export interface SchedulerConfiguration {
  /** ns */
  readonly epoch?: number;
  readonly quantum?: number;
  readonly foreground?: number;
  /** 0 to 1,024. */
  readonly fairReserve?: number;
  /** Epochs. */
  readonly ageing?: number;
}

/** A capability of the caller's that the new agent gets, with at most these rights. */
export interface Grant {
  readonly capability: number;
  /** Default: all that the caller's has. */
  readonly rights?: number;
}

/** What a new agent is given, whichever way it comes to be. */
export interface Birth {
  /** Capability to the pool that pays; default the caller's own pool. */
  readonly pool?: number;
  readonly argument?: Integer;
  readonly grants?: readonly Grant[];
  /** Rights of its capability to itself; default all. */
  readonly selfRights?: number;
  /** Rights of its capability to its pool; default all that the payer's has, 0 for none. */
  readonly poolRights?: number;
  /** Capabilities that it may hold, 1 to 1,024, and messages that may wait for it, 1 to 256; default the caller's. */
  readonly capabilities?: number;
  readonly messages?: number;
}

export interface Spawn extends Birth, Schedule {
  /** Capability to the image. */
  readonly image: number;
  /** Bytes of a pool of its own, cut out of the payer's; default: it shares the payer's. */
  readonly quota?: Integer;
}

/** An agent that has come to be. */
export interface Child {
  readonly id: number;
  /** The caller's capability to it. */
  readonly capability: number;
  /** Its own capabilities, in the order of the grants. */
  readonly grants: readonly number[];
}

/** A range of addresses, in whole pages. */
export interface Range {
  readonly address: number;
  readonly bytes: number;
}

/** Fills `schedule` in at `at`. */
export function writeSchedule(into: Structure, at: number, schedule: Schedule): void {
  const flags = (schedule.foreground ? AGENT_FOREGROUND : 0) | (schedule.group ? AGENT_GROUP : 0);
  into
    .setU32(at + layouts.SCHEDULE_CLASS, CLASSES[schedule.class ?? "fair"])
    .setU32(at + layouts.SCHEDULE_WEIGHT, schedule.weight ?? WEIGHT_DEFAULT)
    .setU64(at + layouts.SCHEDULE_BUDGET, schedule.budget ?? 0)
    .setU64(at + layouts.SCHEDULE_PERIOD, schedule.period ?? 0)
    .setU64(at + layouts.SCHEDULE_DEADLINE, schedule.deadline ?? 0)
    .setU64(at + layouts.SCHEDULE_AFFINITY, schedule.affinity ?? 0)
    .setU32(at + layouts.SCHEDULE_FLAGS, flags);
}

export class Births extends Calls {
  /**
   * Starts a new agent; it runs a moment later, of which a notice tells.
   * @throws SyscallError QUOTA, LIMIT, WOULD_WIDEN, NOT_ADMITTED and the like (docs/syscalls.md)
   */
  *spawn(options: Spawn): Step<Child> {
    const page = yield* this.birth(options);
    page.setU64(layouts.SPAWN_IMAGE, options.image).setU64(layouts.SPAWN_QUOTA, options.quota ?? 0);
    writeSchedule(page, layouts.SPAWN_SCHEDULE, options);
    return yield* this.born("AGENT_SPAWN", options.pool ?? this.pool, page, options);
  }

  /** A copy of an agent, which is this one or stands still. A program that can't be frozen begins anew. */
  *clone(original: number, options: Birth = {}): Step<Child> {
    const page = yield* this.birth(options);
    page.setU64(layouts.CLONE_POOL, options.pool ?? this.pool);
    return yield* this.born("AGENT_CLONE", original, page, options);
  }

  /** Makes the memory in the ranges that of a new agent, which runs the same image from its entry. */
  *split(original: number, ranges: readonly Range[], options: Birth = {}): Step<Child> {
    const page = yield* this.birth(options);
    page
      .setU64(layouts.CLONE_POOL, options.pool ?? this.pool)
      .setU64(layouts.SPLIT_RANGES, (yield* this.scratch()) + RANGES)
      .setU64(layouts.SPLIT_RANGE_COUNT, ranges.length);
    ranges.slice(0, layouts.RANGES_MAX).forEach(({ address, bytes }, index) => {
      const at = RANGES + index * layouts.RANGE_BYTES;
      page.setU64(at + layouts.RANGE_ADDRESS, address).setU64(at + layouts.RANGE_LENGTH, bytes);
    });
    return yield* this.born("AGENT_SPLIT", original, page, options);
  }

  /** The part of the arguments that all three share, with the grants behind it. */
  private *birth(options: Birth): Step<Structure> {
    const page = new Structure(PAGE);
    const grants = options.grants ?? [];
    page
      .setU64(layouts.SPAWN_GRANTS, (yield* this.scratch()) + GRANTS)
      .setU32(layouts.SPAWN_GRANT_COUNT, grants.length)
      .setU32(layouts.SPAWN_SELF_RIGHTS, options.selfRights ?? RIGHTS_ALL)
      .setU32(layouts.SPAWN_POOL_RIGHTS, options.poolRights ?? RIGHTS_ALL)
      .setU16(layouts.SPAWN_CAPABILITIES, options.capabilities ?? 0)
      .setU16(layouts.SPAWN_MESSAGES, options.messages ?? 0)
      .setU64(layouts.SPAWN_ARGUMENT, options.argument ?? 0);
    grants.slice(0, layouts.GRANTS_MAX).forEach(({ capability, rights }, index) => {
      const at = GRANTS + index * layouts.GRANT_BYTES;
      page
        .setU64(at + layouts.GRANT_CAPABILITY, capability)
        .setU32(at + layouts.GRANT_RIGHTS, rights ?? RIGHTS_ALL);
    });
    return page;
  }

  private *born(call: CallName, capability: number, page: Structure, options: Birth): Step<Child> {
    const at = yield* this.put(page.bytes);
    const id = (yield* this.call(call, capability, at)).value;
    const answer = new Structure(yield* this.load(at, PAGE));
    const grants = (options.grants ?? []).map((_, index) =>
      answer.id(GRANTS + index * layouts.GRANT_BYTES + layouts.GRANT_HANDLE),
    );
    return { id, capability: answer.id(layouts.SPAWN_CHILD), grants };
  }
}
