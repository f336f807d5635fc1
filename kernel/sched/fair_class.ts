/**
 * The fair class of a CPU: a tree of fair queues (groups inside of groups), and the server through
 * which the class is one of the CPU's real-time reservations, so that a part of each epoch is its own.
 */
import { Agent } from "../agent/agent";
import { AGENT_FOREGROUND } from "../agent/states";
import { SHARES_PER_EPOCH_MAX, TRAP_NS } from "../limits";
import { Entity } from "./entity";
import {
  FairQueue,
  fairCharge,
  fairEligible,
  fairForget,
  fairJoin,
  fairLeave,
  fairMigrate,
  fairPick,
  fairRequeue,
  fairRest,
  fairReweigh,
} from "./fair";
import { Group, GroupCpu, groupCpu, groupShare } from "./group";
import { listAppend, listRemove } from "./list";
import { realtimeDequeue, realtimeEnqueue } from "./realtime";
import { CONTEXT_AGENT, CONTEXT_GROUP, ON_FAIR, ON_NONE, Schedulable } from "./schedulable";
import { sched, SchedCpu } from "./sched";

@inline
function queueOf(it: Schedulable): FairQueue {
  return changetype<FairQueue>(it.queue);
}

/** The context of the group that `it` is in, on the CPU; 0 at the top. */
@inline
function above(cpu: SchedCpu, it: Schedulable): usize {
  const group = it.context == CONTEXT_AGENT ? changetype<Agent>(it).group : groupOf(it).parent;
  return group == 0 ? 0 : changetype<usize>(groupCpu(group, cpu.index));
}

@inline
function groupOf(it: Schedulable): Group {
  return changetype<Group>(changetype<GroupCpu>(it).group);
}

/**
 * Length of the requests with which `most` ns are made use of: what runs until the timer's interrupt
 * has been handled is not longer than that.
 */
@inline
function requestOf(most: u32): u32 {
  return most - TRAP_NS;
}

/** Puts an agent, and the groups above it that had nobody to run, into their queues. */
export function fairEnqueue(cpu: SchedCpu, agent: Agent): void {
  agent.slice = requestOf((agent.flags & AGENT_FOREGROUND) != 0 ? sched().foreground : sched().quantum);
  let it: Schedulable = agent;
  while (true) {
    const outer = above(cpu, it);
    it.queue = outer == 0 ? cpu.fair : changetype<GroupCpu>(outer).inner;
    it.on = ON_FAIR;
    const first = queueOf(it).runnable == 0;
    const joined = fairJoin(queueOf(it), it);
    assert(joined, "fairEnqueue: nodes were reserved at admission");
    it.load = it.weight;
    addLoad(cpu, outer, it.load);
    if (outer == 0 || !first) break;
    it = changetype<Schedulable>(outer);
    setWeight(it, groupShare(changetype<GroupCpu>(outer)));
    addGroup(cpu, changetype<GroupCpu>(outer));
  }
  listAppend(changetype<usize>(cpu) + offsetof<SchedCpu>("fairFirst"), agent);
  cpu.fairCount += 1;
}

/** Takes an agent out, and the groups above it that have nobody to run any more. */
export function fairDequeue(cpu: SchedCpu, agent: Agent): void {
  let it: Schedulable = agent;
  while (true) {
    fairLeave(queueOf(it), it);
    it.on = ON_NONE;
    const outer = above(cpu, it);
    addLoad(cpu, outer, -<i64>it.load);
    if (outer == 0 || queueOf(it).runnable != 0) break;
    it = changetype<Schedulable>(outer);
    removeGroup(cpu, changetype<GroupCpu>(outer));
  }
  listRemove(changetype<usize>(cpu) + offsetof<SchedCpu>("fairFirst"), agent);
  cpu.fairCount -= 1;
}

/**
 * An agent that is in no queue will be in one of another CPU, or another group: what it has had in
 * advance goes along. False, with nothing changed, when no frame is left.
 */
export function fairMove(agent: Agent, to: SchedCpu): bool {
  if (agent.queue == 0) return true;
  const outer = above(to, agent);
  const queue = outer == 0 ? to.fair : changetype<GroupCpu>(outer).inner;
  if (queue != agent.queue && !fairMigrate(queueOf(agent), changetype<FairQueue>(queue), agent)) return false;
  agent.queue = queue;
  return true;
}

/** An agent that is in no queue leaves the class, with nothing that points to it and no memory held for it. */
export function fairDrop(cpu: SchedCpu, agent: Agent): void {
  assert(agent.on != ON_FAIR, "fairDrop: in a queue");
  fairForget(changetype<FairQueue>(agent.queue == 0 ? cpu.fair : agent.queue), agent);
  agent.queue = 0;
}

/** The agent with the earliest virtual deadline among the eligible, in the group that has it, …. */
export function fairChoose(cpu: SchedCpu): Schedulable {
  let it = changetype<Schedulable>(fairPick(changetype<FairQueue>(cpu.fair))!);
  while (it.context == CONTEXT_GROUP)
    it = changetype<Schedulable>(fairPick(changetype<FairQueue>(changetype<GroupCpu>(it).inner))!);
  return it;
}

/** Charges `cycles` to an agent and to the groups above it. */
export function fairPay(cpu: SchedCpu, agent: Agent, cycles: u64): void {
  let at = changetype<usize>(agent);
  while (at != 0) {
    const it = changetype<Schedulable>(at);
    fairCharge(queueOf(it), it, cycles);
    at = above(cpu, it);
  }
}

/** Cycles until the first request of an agent or a group above it is served. */
export function fairLeft(cpu: SchedCpu, agent: Agent): u64 {
  let least: u64 = agent.slice;
  for (let at = changetype<usize>(agent); at != 0; at = above(cpu, changetype<Schedulable>(at))) {
    const it = changetype<Schedulable>(at);
    least = min(least, fairRest(it));
  }
  return max(least, 1);
}

/** Gives an agent another weight; its lag stays. */
export function fairChangeWeight(cpu: SchedCpu, agent: Agent, weight: u32): void {
  if (agent.on == ON_FAIR) {
    addLoad(cpu, above(cpu, agent), <i64>weight - <i64>agent.load);
    agent.load = weight;
  }
  fairReweigh(changetype<FairQueue>(agent.queue == 0 ? cpu.fair : agent.queue), agent, weight);
}

/**
 * What an agent in a queue weighs on its CPU: within groups, its part of theirs.
 */
export function fairEffectiveWeight(cpu: SchedCpu, agent: Agent): u64 {
  let weight: u64 = agent.load;
  for (let at = above(cpu, agent); at != 0; at = above(cpu, changetype<Schedulable>(at))) {
    const outer = changetype<GroupCpu>(at);
    weight = (weight * outer.load) / max(outer.innerLoad, 1);
  }
  return max(weight, 1);
}

/**
 * The current agent lets the others go first: it gives up what it is owed, and is eligible again as
 * soon as anybody else has been served.
 */
export function fairYield(agent: Agent): void {
  const queue = queueOf(agent);
  if (!fairEligible(queue, agent)) return;
  agent.v = queue.v + 1 + <u64>(queue.part != 0);
  agent.remainder = 0;
  fairRequeue(queue, agent);
}

/** Whether an agent that is in a queue, but does not run, would be chosen before what runs there. */
export function fairPrecedes(cpu: SchedCpu, agent: Agent): bool {
  let result = true;
  for (let at = changetype<usize>(agent); at != 0; at = above(cpu, changetype<Schedulable>(at))) {
    const it = changetype<Schedulable>(at);
    const current = queueOf(it).current;
    if (current == at) continue;
    result = fairEligible(queueOf(it), it) && (current == 0 || isFirst(queueOf(it), it, changetype<Entity>(current)));
  }
  return result;
}

function isFirst(queue: FairQueue, a: Entity, b: Entity): bool {
  if (!fairEligible(queue, b)) return true;
  const difference = <i64>(a.deadline - b.deadline);
  return difference < 0 || (difference == 0 && a.id < b.id);
}

/** The server wants to run exactly while the class has work; `work` says whether it has. */
export function fairServe(cpu: SchedCpu, work: bool): void {
  const server = changetype<Schedulable>(cpu.server);
  if (server.budget == 0 || work == (server.on != ON_NONE)) return;
  if (work) realtimeEnqueue(cpu, server);
  else realtimeDequeue(cpu, server);
}

/** Divides the weights of groups that have somebody to run here anew, so many in an epoch, in turn. */
export function fairDivide(cpu: SchedCpu): void {
  for (let count = min(cpu.groupCount, SHARES_PER_EPOCH_MAX); count > 0; count--) {
    const it = changetype<GroupCpu>(cpu.groupFirst);
    removeGroup(cpu, it);
    addGroup(cpu, it);
    const share = groupShare(it);
    if (share == it.load) continue;
    addLoad(cpu, above(cpu, it), <i64>share - <i64>it.load);
    it.load = share;
    fairReweigh(queueOf(it), it, share);
  }
}

/** Weight that becomes runnable (or, negative, ceases to be) in the group `outer`, or at the top. */
function addLoad(cpu: SchedCpu, outer: usize, weight: i64): void {
  if (outer == 0) {
    cpu.load += weight;
    return;
  }
  changetype<GroupCpu>(outer).innerLoad += weight;
  changetype<Group>(changetype<GroupCpu>(outer).group).load += weight;
}

/** Gives a context that is in no queue, but may be a ghost, its weight. */
function setWeight(it: Schedulable, weight: u32): void {
  fairReweigh(queueOf(it), it, weight);
}

function addGroup(cpu: SchedCpu, it: GroupCpu): void {
  it.nextGroup = 0;
  it.previousGroup = cpu.groupLast;
  if (cpu.groupLast == 0) cpu.groupFirst = changetype<usize>(it);
  else changetype<GroupCpu>(cpu.groupLast).nextGroup = changetype<usize>(it);
  cpu.groupLast = changetype<usize>(it);
  cpu.groupCount += 1;
}

function removeGroup(cpu: SchedCpu, it: GroupCpu): void {
  if (it.previousGroup == 0) cpu.groupFirst = it.nextGroup;
  else changetype<GroupCpu>(it.previousGroup).nextGroup = it.nextGroup;
  if (it.nextGroup == 0) cpu.groupLast = it.previousGroup;
  else changetype<GroupCpu>(it.nextGroup).previousGroup = it.previousGroup;
  cpu.groupCount -= 1;
}
