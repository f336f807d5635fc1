/**
 * Which contexts are in the queues. A context wants to run when the agent that would run on its time
 * can: its own agent, or the one that agent waits for and donates to, and so on along the chain.
 *
 * Whatever changes an agent's state or donation ends with `refresh`, which brings its context and
 * those of its donors into line; everything in here charges the CPU concerned first, so that queues
 * are only changed at the present.
 */
import { Agent } from "../agent/agent";
import { AGENT_READY, AGENT_RUNNING, AGENT_WAITING, CLASS_FAIR, CLASS_IDLE, CLASS_REALTIME } from "../agent/states";
import { kick } from "../cpu/switch";
import { kernelTrace, TRACE_MIGRATE } from "../trace";
import { settle } from "./account";
import { fairDequeue, fairEnqueue, fairMove } from "./fair_class";
import { idleDequeue, idleEnqueue, updateServer } from "./idle_class";
import { listAppend, listRemove } from "./list";
import { preempts } from "./pick";
import { realtimeDequeue, realtimeEnqueue } from "./realtime";
import { ON_FAIR, ON_IDLE, ON_NONE, ON_PARKED } from "./schedulable";
import { MODE_NONE, sched, SchedCpu, schedCpu } from "./sched";

@inline
export function runnable(agent: Agent): bool {
  return agent.state == AGENT_READY || agent.state == AGENT_RUNNING;
}

/** The agent that runs on the time of `owner`; 0 when none can. Chains have a bounded length. */
export function runsOn(owner: Agent): usize {
  let it = owner;
  while (!runnable(it)) {
    if (it.state != AGENT_WAITING || it.donee == 0) return 0;
    it = changetype<Agent>(it.donee);
  }
  return changetype<usize>(it);
}

/** Brings the contexts of an agent and of all that donate to it into line with who can run. */
export function refresh(agent: Agent): void {
  const wanted = runsOn(agent) != 0;
  if (wanted && agent.on == ON_NONE) enqueue(agent);
  else if (!wanted && agent.on != ON_NONE) dequeue(agent);
  for (let at = agent.donorFirst; at != 0; at = changetype<Agent>(at).donorNext) refresh(changetype<Agent>(at));
}

/** Into the queue of its class on its CPU, which may have to choose again. */
export function enqueue(agent: Agent): void {
  const cpu = schedCpu(agent.cpu);
  settle(cpu);
  sched().idle &= ~(<u64>1 << cpu.index);
  if (agent.class == CLASS_REALTIME) realtimeEnqueue(cpu, agent);
  else if (agent.class == CLASS_IDLE) idleEnqueue(cpu, agent);
  else fairEnqueue(cpu, agent);
  updateServer(cpu);
  if (preempts(cpu, agent)) kick(cpu.index);
}

/** Out of whatever it is in. The CPU that runs on its time chooses again. */
export function dequeue(agent: Agent): void {
  const cpu = schedCpu(agent.cpu);
  settle(cpu);
  takeOut(cpu, agent);
  updateServer(cpu);
  if (cpu.current == changetype<usize>(agent)) {
    cpu.current = 0;
    cpu.mode = MODE_NONE;
    kick(cpu.index);
  }
}

function takeOut(cpu: SchedCpu, agent: Agent): void {
  if (agent.on == ON_FAIR) return fairDequeue(cpu, agent);
  if (agent.on == ON_IDLE) return idleDequeue(cpu, agent);
  if (agent.on != ON_PARKED) return realtimeDequeue(cpu, agent);
  listRemove(agent.parkedAt, agent);
  agent.parkedAt = 0;
  agent.on = ON_NONE;
}

/** The context stands aside while another CPU has the registers of `runs`, who would run on its time. */
export function park(cpu: SchedCpu, it: Agent, runs: Agent): void {
  takeOut(cpu, it);
  updateServer(cpu);
  it.on = ON_PARKED;
  it.parkedAt = changetype<usize>(runs) + offsetof<Agent>("parkedFirst");
  listAppend(it.parkedAt, it);
}

/** A CPU lets go of `agent`: the contexts that stood aside for it want to run again. */
export function unpark(agent: Agent): void {
  while (agent.parkedFirst != 0) {
    const it = changetype<Agent>(agent.parkedFirst);
    dequeue(it);
    if (runsOn(it) != 0) enqueue(it);
  }
}

/** Moves an agent of the fair or idle class to another CPU; false, with nothing changed, without a frame. */
export function moveTo(agent: Agent, index: u32): bool {
  assert(agent.class != CLASS_REALTIME, "moveTo: it was admitted where it is");
  settle(schedCpu(index));
  const queued = agent.on != ON_NONE;
  if (queued) dequeue(agent);
  const moved = agent.class != CLASS_FAIR || fairMove(agent, schedCpu(index));
  if (moved) {
    agent.cpu = index;
    kernelTrace(TRACE_MIGRATE, index, agent.id, 0);
  }
  if (queued) enqueue(agent);
  return moved;
}
