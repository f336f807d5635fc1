/**
 * Timers of agents. A timer is two numbers, when it expires next and its period: whether it has
 * expired is a comparison with the time, made when somebody asks. Nothing happens at an expiry that
 * nobody waits for, so an agent with many fast timers costs the others nothing; an agent that waits
 * for one has the expiry as its key in the heap of deadlines.
 *
 * Expiries are first + n * period, exactly: no lateness adds up.
 */
import { Agent } from "../agent/agent";
import { Pool } from "../mm/pool";
import { KernelObject } from "../object/slab";
import { Ptr } from "../state";
import { NEVER } from "../time";
import { WaitNode } from "./wait_node";
import { WaitQueue } from "./wait_queue";

/** Most expiries that are reported as unseen: with the index they fit into a JavaScript number. */
const UNSEEN_MAX: u64 = (1 << 20) - 1;

@unmanaged
export class IntervalTimer extends KernelObject {
  /** Next expiry that nobody has seen, ns; NEVER when it is off. */
  expiry: u64;
  /** ns between expiries; 0: it expires once. */
  period: u64;
  owner: Ptr<Agent>;
  /** Who pays for it. */
  pool: Ptr<Pool>;
  /** Neighbours in the owner's list. */
  next: Ptr<IntervalTimer>;
  previous: Ptr<IntervalTimer>;
  /** The fields of `WaitQueue`. */
  waitFirst: Ptr<WaitNode>;
  waitLast: Ptr<WaitNode>;
  waitCount: u32;
}

@inline
export function timerWaiters(timer: IntervalTimer): WaitQueue {
  return changetype<WaitQueue>(changetype<usize>(timer) + offsetof<IntervalTimer>("waitFirst"));
}

/** Takes all expiries up to `now`, of which there is one at least; how many besides the first. */
export function timerTake(timer: IntervalTimer, now: u64): u32 {
  assert(timer.expiry <= now, "timerTake: not yet");
  if (timer.period == 0) {
    timer.expiry = NEVER;
    return 0;
  }
  const unseen = (now - timer.expiry) / timer.period;
  // The last expiry that has passed is at most `now`; only the one after it can be beyond all time.
  const last = timer.expiry + unseen * timer.period;
  timer.expiry = timer.period < NEVER - last ? last + timer.period : NEVER;
  return <u32>min(unseen, UNSEEN_MAX);
}
