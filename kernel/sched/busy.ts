/** How long agents have run, to the present: what is charged, and what is not yet. */
import { Agent } from "../agent/agent";
import { now } from "../time";
import { sched, SchedCpu, schedCpu } from "./sched";

/** ns for which the CPU has run an agent since its queues were brought to the present. */
function unchargedOn(cpu: SchedCpu): u64 {
  return cpu.current == 0 || cpu.time >= now() ? 0 : now() - cpu.time;
}

/** ns for which `agent` runs already and nobody has been charged. */
export function schedUncharged(agent: Agent): u64 {
  if (agent.running == 0) return 0;
  const cpu = schedCpu(agent.running - 1);
  return cpu.running == changetype<usize>(agent) ? unchargedOn(cpu) : 0;
}

/** ns for which all CPUs together have run agents. */
export function schedBusy(): u64 {
  let sum: u64 = 0;
  for (let index: u32 = 0; index < sched().cpuCount; index++)
    sum += schedCpu(index).busy + unchargedOn(schedCpu(index));
  return sum;
}
