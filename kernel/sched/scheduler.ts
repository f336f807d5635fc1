/** Who runs where: the run queues of every CPU. */
import { Agent } from "../agent/agent";
import { AGENT_READY, AGENT_RUNNING } from "../agent/states";
import { kernelCpu } from "../cpu/cpu";
import { kick } from "../cpu/switch";
import { now } from "../time";

/** Longest stretch that an agent runs before the others get their turn, ns. */
const QUANTUM: u64 = 1_000_000;

/** Puts a new or woken agent into the run queue of its CPU. */
export function schedReady(agent: Agent): void {
  agent.state = AGENT_READY;
  const cpu = kernelCpu(agent.cpu);
  agent.runNext = 0;
  if (cpu.runFirst == 0) cpu.runFirst = changetype<usize>(agent);
  else changetype<Agent>(cpu.runLast).runNext = changetype<usize>(agent);
  cpu.runLast = changetype<usize>(agent);
  kick(agent.cpu);
}

/** The running agent gives its CPU up, or may not go on: `state` says why. */
export function schedStop(agent: Agent, state: u32): void {
  agent.state = state;
  kernelCpu(agent.cpu).reschedule = 1;
}

/** The agent that CPU `index` is to run next, out of the queue; 0 when there is none. */
export function schedPick(index: u32): usize {
  const cpu = kernelCpu(index);
  if (cpu.current != 0 && changetype<Agent>(cpu.current).state == AGENT_RUNNING)
    schedReady(changetype<Agent>(cpu.current));
  const first = cpu.runFirst;
  if (first == 0) return 0;
  cpu.runFirst = changetype<Agent>(first).runNext;
  changetype<Agent>(first).state = AGENT_RUNNING;
  cpu.sliceEnd = now() + QUANTUM;
  return first;
}
