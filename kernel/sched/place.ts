/** On which CPU an agent that can run again is queued. */
import { Agent } from "../agent/agent";
import { CLASS_REALTIME } from "../agent/states";
import { moveTo } from "./contexts";
import { ON_NONE } from "./schedulable";
import { CAPACITY, sched, SchedCpu, schedCpu } from "./sched";

/**
 * A new agent goes where the fair class has the least weight for its capacity. One that comes back stays where its
 * memory is warm, unless somebody else runs there and another CPU has nothing to do. Real-time agents
 * stay where they were admitted.
 */
export function place(agent: Agent): void {
  if (agent.on != ON_NONE || agent.class == CLASS_REALTIME) return;
  const allowed = agent.affinity & allCpus();
  const isNew = agent.placed == 0;
  agent.placed = 1;
  if (!isNew && schedCpu(agent.cpu).running == 0) return;
  const idle = sched().idle & allowed;
  let target = agent.cpu;
  if (idle != 0) target = ((idle >> agent.cpu) & 1) != 0 ? agent.cpu : <u32>ctz(idle);
  else if (isNew) target = leastLoaded(allowed);
  if (target == agent.cpu) return;
  moveTo(agent, target);
}

@inline
export function allCpus(): u64 {
  return u64.MAX_VALUE >> (64 - sched().cpuCount);
}

/**
 * What reservations leave of the CPU for the fair class, in parts of CAPACITY; a 64th at least, so that
 * it can be divided by.
 */
@inline
export function capacityOf(cpu: SchedCpu): u64 {
  return cpu.reserved > CAPACITY - (CAPACITY >> 6) ? CAPACITY >> 6 : CAPACITY - cpu.reserved;
}

/** Whether the fair class of `a` has less weight than that of `b` for what reservations leave of each. */
export function lighter(a: SchedCpu, b: SchedCpu): bool {
  const ofA = a.load * capacityOf(b);
  const ofB = b.load * capacityOf(a);
  return ofA < ofB || (ofA == ofB && capacityOf(a) > capacityOf(b));
}

/** The CPU of `allowed` with the least weight in its fair class for its capacity, lowest index first. */
export function leastLoaded(allowed: u64): u32 {
  let best = <u32>ctz(allowed);
  for (let left = allowed; left != 0; left &= left - 1) {
    const index = <u32>ctz(left);
    if (lighter(schedCpu(index), schedCpu(best))) best = index;
  }
  return best;
}
