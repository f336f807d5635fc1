/**
 * The scheduler with nothing but agents around it: tests make agents, say when they can run and for
 * how long they want to, and let CPUs choose at any time that they like.
 */
import { Agent, agentFind } from "../agent/agent";
import { agentCreate } from "../agent/create";
import { Image } from "../agent/image";
import { AGENT_DEAD } from "../agent/states";
import { kernelCpu } from "../cpu/cpu";
import { Pool } from "../mm/pool";
import { objectFree } from "../object/slab";
import { admissible, Reservation } from "../sched/admission";
import { ScheduleAttributes } from "../sched/attributes";
import { schedConfigure } from "../sched/create";
import { fairEffectiveWeight } from "../sched/fair_class";
import { FairQueue, fairLag } from "../sched/fair";
import { ON_FAIR } from "../sched/schedulable";
import {
  schedAdmit,
  schedDonate,
  schedForget,
  schedReady,
  schedSliceEnd,
  schedStop,
  schedUndonate,
  schedYield,
} from "../sched/scheduler";
import { schedCpu } from "../sched/sched";
import { kernel, rootAllocate } from "../state";
import { scheduling } from "./invariants";

/** Number of the first invariant of the scheduler that does not hold, or INVARIANTS_HOLD. */
export function schedInvariant(): u32 {
  return scheduling();
}

@inline
function find(id: u64): Agent {
  const agent = agentFind(id);
  assert(agent != null, "no such agent");
  return agent!;
}

/** Everything that follows happens on CPU `cpu` at `now` ns. */
export function schedEnter(cpu: u32, now: u64): void {
  kernel().entered = cpu;
  kernel().now = now;
}

export function schedConfig(epoch: u64, quantum: u32, foreground: u32, fairReserve: u32, ageing: u32): u32 {
  return <u32>schedConfigure(epoch, quantum, foreground, fairReserve, ageing);
}

/** A new agent, a child of `parent` (0: of the first one), that can't run yet. */
export function schedMake(parent: u64): u64 {
  const above = parent == 0 ? changetype<Agent>(kernel().init) : find(parent);
  const made = agentCreate(above, changetype<Pool>(kernel().pool), changetype<Image>(above.image), 0);
  return made == 0 ? 0 : changetype<Agent>(made).id;
}

/** Memory for the attributes of the next `schedSet`, as a linear address. */
export function schedAttributes(): usize {
  return rootAllocate(offsetof<ScheduleAttributes>());
}

export function schedSet(id: u64, attributes: usize): u32 {
  return schedAdmit(find(id), changetype<ScheduleAttributes>(attributes));
}

export function schedWake(id: u64): void {
  schedReady(find(id));
}

export function schedHalt(id: u64, state: u32): void {
  schedStop(find(id), state);
}

export function schedGiveUp(id: u64): void {
  schedYield(find(id));
}

export function schedGive(from: u64, to: u64): u32 {
  return schedDonate(find(from), find(to));
}

export function schedTakeBack(from: u64): void {
  schedUndonate(find(from));
}

/** The end of an agent, which no CPU runs any more. */
export function schedEnd(id: u64): void {
  const agent = find(id);
  schedStop(agent, AGENT_DEAD);
  schedForget(agent);
  const parent = changetype<Agent>(agent.parent);
  if (parent.firstChild == changetype<usize>(agent)) parent.firstChild = agent.nextSibling;
  else changetype<Agent>(agent.previousSibling).nextSibling = agent.nextSibling;
  if (agent.nextSibling != 0) changetype<Agent>(agent.nextSibling).previousSibling = agent.previousSibling;
  parent.childCount -= 1;
  objectFree(changetype<usize>(agent));
}

export function schedNext(cpu: u32): u64 {
  return schedSliceEnd(cpu);
}

export function schedAsked(cpu: u32): u32 {
  return kernelCpu(cpu).reschedule;
}

/** Linear address of an agent's control block. */
export function schedAgent(id: u64): usize {
  return changetype<usize>(find(id));
}

/** Lag of an agent in its queue, in cycles. */
export function schedLag(id: u64): i64 {
  const agent = find(id);
  return agent.queue == 0 ? 0 : fairLag(changetype<FairQueue>(agent.queue), agent);
}

export function schedEffective(id: u64): u64 {
  const agent = find(id);
  return agent.on == ON_FAIR ? fairEffectiveWeight(schedCpu(agent.cpu), agent) : 0;
}

/** Room for `count` reservations (u64 budget, period, deadline), as a linear address. */
export function admissionSet(count: u32): usize {
  return rootAllocate(<usize>count * offsetof<Reservation>());
}

export function admissionTest(set: usize, count: u32): u32 {
  return admissible(set, count);
}
