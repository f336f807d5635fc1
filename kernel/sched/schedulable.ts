/**
 * Scheduling contexts: whatever time is given to. An agent has one, each group has one a CPU, and each
 * CPU's fair class has one among the real-time reservations, its server.
 */
import { FairQueue } from "./fair";
import { Entity } from "./entity";
import { Ptr } from "../state";

/** What a context belongs to. An agent's is 0: a new agent is zeroed memory. */
export const CONTEXT_AGENT: u32 = 0;
export const CONTEXT_GROUP: u32 = 1;
export const CONTEXT_SERVER: u32 = 2;

/** Where a context is. In no queue: its agent, or whoever runs on its time, can't run. */
export const ON_NONE: u32 = 0;
/** In a fair queue. */
export const ON_FAIR: u32 = 1;
/** In the EDF heap, with budget left. */
export const ON_EDF: u32 = 2;
/** Out of budget, until its next release. */
export const ON_THROTTLED: u32 = 3;
/** In the list of the idle class. */
export const ON_IDLE: u32 = 4;
/** Whoever would run on its time is running on another CPU; in the list of that agent. */
export const ON_PARKED: u32 = 5;

@unmanaged
export class Schedulable extends Entity {
  /** CONTEXT_…. */
  context: u32;
  /** ON_…. */
  on: u32;
  /** Idle class: cycles that it has had of its quantum. */
  used: u32;
  /** 1 while its unused budget runs out although it can't run (realtime.ts). */
  draining: u32;
  /** What it added to the load of its CPU when it became runnable in the fair class. */
  load: u32;
  /** The fair queue that it is in, or was in last. */
  queue: Ptr<FairQueue>;
  /** Neighbours in the list of its CPU's fair or idle agents, or of the agent where it is parked. */
  next: Ptr<Schedulable>;
  previous: Ptr<Schedulable>;
  /** Cycles charged to it, whoever ran. */
  charged: u64;

  // --- the reservation of the real-time class; ns ---
  /** Left of this period's budget; below 0 by what it ran too long, which the next period repays. */
  left: i64;
  budget: u64;
  period: u64;
  relativeDeadline: u64;
  /** When the next period can begin. */
  nextRelease: u64;
  /** `nextRelease` when a missed deadline was reported last: once a period. */
  missed: u64;
  /** Idle class: when it came to the end of the list. */
  waitingSince: u64;
}
