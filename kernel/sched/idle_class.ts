/**
 * The idle class: a list; the first one runs a quantum and goes to the end. It gets what no other
 * class wants, and by ageing a little more: when the first has waited for so many epochs, the rest of
 * its quantum comes out of the fair class's time, once an epoch. So the k-th in the list begins to
 * run within ageingEpochs + k epochs, however busy the CPU is, if the fair class gets any time.
 */
import { Agent } from "../agent/agent";
import { fairServe } from "./fair_class";
import { listAppend, listRemove } from "./list";
import { ON_IDLE, ON_NONE, Schedulable } from "./schedulable";
import { sched, SchedCpu } from "./sched";

export function idleEnqueue(cpu: SchedCpu, agent: Agent): void {
  agent.on = ON_IDLE;
  cpu.idleCount += 1;
  append(cpu, agent);
}

export function idleDequeue(cpu: SchedCpu, agent: Agent): void {
  if (cpu.idleFirst == changetype<usize>(agent)) cpu.agedLeft = 0;
  listRemove(changetype<usize>(cpu) + offsetof<SchedCpu>("idleFirst"), agent);
  cpu.idleCount -= 1;
  agent.on = ON_NONE;
}

function append(cpu: SchedCpu, it: Schedulable): void {
  it.used = 0;
  it.waitingSince = cpu.time;
  listAppend(changetype<usize>(cpu) + offsetof<SchedCpu>("idleFirst"), it);
}

/** Charges the first of the list; `cpu.time` is the end of what it ran. */
export function idlePay(cpu: SchedCpu, it: Schedulable, cycles: u64): void {
  cpu.agedLeft -= min(cpu.agedLeft, <u32>min(cycles, <u64>u32.MAX_VALUE));
  it.used += <u32>min(cycles, <u64>sched().quantum);
  if (it.used < sched().quantum) return;
  cpu.agedLeft = 0;
  listRemove(changetype<usize>(cpu) + offsetof<SchedCpu>("idleFirst"), it);
  append(cpu, it);
}

/** The running one goes to the end of the list. */
export function idleYield(cpu: SchedCpu, it: Schedulable): void {
  idlePay(cpu, it, sched().quantum);
}

/** Cycles until the quantum of the first is over. */
export function idleLeft(it: Schedulable): u64 {
  return sched().quantum - it.used;
}

/** An epoch begins: whoever is first has perhaps waited long enough. */
export function idleAge(cpu: SchedCpu): void {
  const first = cpu.idleFirst;
  if (first == 0) return;
  const it = changetype<Schedulable>(first);
  if (it.waitingSince + sched().epoch * sched().ageingEpochs > cpu.time) return;
  cpu.agedLeft = sched().quantum - it.used;
}

/** Whether the fair class, with those of the idle class that are served in its turn, has work. */
@inline
export function fairWork(cpu: SchedCpu): bool {
  return cpu.fairCount != 0 || cpu.agedLeft != 0;
}

/** To be called when the work of the fair class may have come or gone. */
export function updateServer(cpu: SchedCpu): void {
  fairServe(cpu, fairWork(cpu));
}
