/** How an agent asks to be scheduled (kernel/syscall/layouts.ts has the same for TypeScript). */
import { Agent } from "../agent/agent";
import { AGENT_FOREGROUND, AGENT_GROUP, CLASS_FAIR, CLASS_IDLE, CLASS_REALTIME } from "../agent/states";
import { BUDGET_MIN, PERIOD_MAX } from "../limits";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_BUDGET_TOO_SMALL,
  STATUS_OK,
  STATUS_OUT_OF_RANGE,
  STATUS_WOULD_WIDEN,
} from "../syscall/status";
import { WEIGHT_MAX } from "./entity";
import { allCpus } from "./place";

@unmanaged
export class ScheduleAttributes {
  /** CLASS_…. */
  class: u32;
  /** 1 to 65,536 in the fair class; else not looked at. */
  weight: u32;
  /** ns, in the real-time class; a deadline of 0 is the period. Else not looked at. */
  budget: u64;
  period: u64;
  deadline: u64;
  /** A bit for each CPU that it may run on; 0 for all. */
  affinity: u64;
  /** AGENT_GROUP, AGENT_FOREGROUND. */
  flags: u32;
  reserved: u32;
}

/** Whether the attributes make sense by themselves. */
export function attributesStatus(wish: ScheduleAttributes): u32 {
  if (wish.class > <u32>CLASS_IDLE || wish.reserved != 0) return STATUS_BAD_ARGUMENT;
  if ((wish.flags & ~(AGENT_GROUP | AGENT_FOREGROUND)) != 0) return STATUS_BAD_ARGUMENT;
  if (affinityOf(wish) == 0) return STATUS_OUT_OF_RANGE;
  if (wish.class == CLASS_FAIR && (wish.weight == 0 || wish.weight > WEIGHT_MAX)) return STATUS_OUT_OF_RANGE;
  if (wish.class != CLASS_REALTIME) return STATUS_OK;
  if (wish.budget < BUDGET_MIN) return STATUS_BUDGET_TOO_SMALL;
  if (wish.period > PERIOD_MAX || deadlineOf(wish) > wish.period) return STATUS_OUT_OF_RANGE;
  return wish.budget > deadlineOf(wish) ? STATUS_OUT_OF_RANGE : STATUS_OK;
}

/** The CPUs of this machine that are asked for. */
@inline
export function affinityOf(wish: ScheduleAttributes): u64 {
  return wish.affinity == 0 ? allCpus() : wish.affinity & allCpus();
}

/**
 * A new agent may be placed only where `parent`, which makes it, may run: no affinity stands for all
 * of these CPUs.
 */
export function confine(wish: ScheduleAttributes, parent: Agent): u32 {
  if (wish.affinity == 0) wish.affinity = parent.affinity;
  return (affinityOf(wish) & ~parent.affinity) == 0 ? STATUS_OK : STATUS_WOULD_WIDEN;
}

@inline
export function deadlineOf(wish: ScheduleAttributes): u64 {
  return wish.deadline == 0 ? wish.period : wish.deadline;
}
