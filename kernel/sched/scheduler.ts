/**
 * Who runs where and when: the calls of the rest of the kernel.
 *
 *   schedReady    an agent can run: it is new, was woken, or is resumed
 *   schedStop     an agent can't run any more: it waits, is suspended, or is over
 *   schedYield    the running agent lets others go first
 *   schedPick     the choice at the end of an entry; schedSliceEnd says when the next one is due
 *   schedAdmit    class, weight, reservation, CPUs (admit.ts); schedForget: the agent is gone
 *   schedDonate   another one runs on an agent's time (donation.ts)
 *
 * All takes place in the present of the running entry, `now()`.
 */
import { Agent } from "../agent/agent";
import { AGENT_READY, AGENT_RUNNING } from "../agent/states";
import { kick } from "../cpu/switch";
import { kernelTrace, TRACE_DESCHEDULE, TRACE_DISPATCH, TRACE_WAKE } from "../trace";
import { now } from "../time";
import { settle } from "./account";
import { balance, pullFair, pullIdle } from "./balance";
import { dequeue, park, refresh, runsOn, unpark } from "./contexts";
import { fairServe, fairYield } from "./fair_class";
import { idleYield, updateServer } from "./idle_class";
import { place } from "./place";
import { choiceEnd, pickContext } from "./pick";
import { realtimeRelease, realtimeYield } from "./realtime";
import { ON_EDF, ON_IDLE, Schedulable } from "./schedulable";
import { MODE_IDLE, sched, SchedCpu, schedCpu } from "./sched";
import { WHY_PREEMPTED, WHY_STOPPED, WHY_YIELDED } from "./why";

export { schedDonate, schedDonateStatus, schedUndonate } from "./donation";
export { schedAdmit, schedBegin, schedBury, schedForget } from "./admit";

/** The agent, which could not run, can from now on. */
export function schedReady(agent: Agent): void {
  assert(agent.state != AGENT_RUNNING, "schedReady: it runs");
  place(agent);
  agent.state = AGENT_READY;
  kernelTrace(TRACE_WAKE, agent.cpu, agent.id, 0);
  refresh(agent);
}

/** The agent can't run any more; `state` says why. A CPU that runs it chooses again. */
export function schedStop(agent: Agent, state: u32): void {
  agent.state = state;
  refresh(agent);
  if (agent.running != 0) kick(agent.running - 1);
}

/** The running agent lets those go first whose turn could be now. */
export function schedYield(agent: Agent): void {
  if (agent.running == 0) return;
  const cpu = schedCpu(agent.running - 1);
  settle(cpu);
  cpu.yielded = 1;
  kick(cpu.index);
  if (cpu.current == 0) return;
  const payer = changetype<Agent>(cpu.current);
  if (payer.on == ON_EDF) realtimeYield(cpu, payer);
  else if (payer.on == ON_IDLE) idleYield(cpu, payer);
  else fairYield(payer);
}

/** The agent that CPU `index` is to run from now on; 0 when there is none. */
export function schedPick(index: u32): usize {
  const cpu = schedCpu(index);
  if (cpu.decisions == 0) begin(cpu);
  settle(cpu);
  if (cpu.balance != 0) {
    cpu.balance = 0;
    balance(cpu);
  }
  realtimeRelease(cpu);
  const next = choose(cpu);
  cpu.decisions += 1;
  if (next != cpu.running) exchange(cpu, next);
  // It may have stopped and been woken without any choice in between.
  else if (next != 0) changetype<Agent>(next).state = AGENT_RUNNING;
  cpu.yielded = 0;
  return next;
}

/** When CPU `index` must choose again at the latest, ns; TIMER_NEVER when only an event can change its choice. */
export function schedSliceEnd(index: u32): u64 {
  return choiceEnd(schedCpu(index));
}

/** The CPU's first choice: before, the boot had it, and nobody was promised anything. */
function begin(cpu: SchedCpu): void {
  fairServe(cpu, false);
  cpu.time = max(cpu.time, now());
  settle(cpu);
  updateServer(cpu);
}

function choose(cpu: SchedCpu): usize {
  while (true) {
    const payer = pickContext(cpu);
    cpu.current = payer;
    // Before a CPU idles, or its idle class runs, it helps the others.
    if ((payer == 0 || cpu.mode == MODE_IDLE) && pullFair(cpu)) continue;
    if (payer == 0) {
      if (pullIdle(cpu)) continue;
      sched().idle |= <u64>1 << cpu.index;
      return 0;
    }
    const owner = changetype<Agent>(payer);
    const runs = runsOn(owner);
    if (runs == 0) dequeue(owner);
    else if (canRunHere(cpu, changetype<Agent>(runs))) return runs;
    else park(cpu, owner, changetype<Agent>(runs));
  }
}

/** Whether no other CPU has the agent's registers, and it may run on this one. */
function canRunHere(cpu: SchedCpu, agent: Agent): bool {
  if (agent.running != 0 && agent.running != cpu.index + 1) return false;
  return ((agent.affinity >> cpu.index) & 1) != 0;
}

/** The CPU goes from one agent to another. */
function exchange(cpu: SchedCpu, next: usize): void {
  const previous = cpu.running;
  if (previous != 0) {
    const agent = changetype<Agent>(previous);
    const why = whyStopped(cpu, agent);
    kernelTrace(TRACE_DESCHEDULE, cpu.index | (why << 8), agent.id, cpu.time - cpu.runningSince);
    if (agent.state == AGENT_RUNNING) agent.state = AGENT_READY;
  }
  cpu.running = next;
  cpu.runningSince = cpu.time;
  sched().idle &= ~(<u64>(next != 0 ? 1 : 0) << cpu.index);
  if (next != 0) {
    changetype<Agent>(next).state = AGENT_RUNNING;
    kernelTrace(TRACE_DISPATCH, cpu.index, changetype<Agent>(next).id, changetype<Schedulable>(cpu.current).id);
  }
  if (previous != 0) unpark(changetype<Agent>(previous));
}

function whyStopped(cpu: SchedCpu, agent: Agent): u32 {
  if (agent.state == AGENT_RUNNING || agent.state == AGENT_READY)
    return cpu.yielded != 0 ? WHY_YIELDED : WHY_PREEMPTED;
  return WHY_STOPPED;
}
