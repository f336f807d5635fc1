/** How an agent is scheduled: from its beginning, through changes, to its end. */
import { Agent } from "../agent/agent";
import { AGENT_FOREGROUND, AGENT_GROUP, CLASS_FAIR, CLASS_REALTIME } from "../agent/states";
import { FIRST_SLOT } from "../object/slab";
import { STATUS_NO_MEMORY, STATUS_OK, STATUS_TOO_DEEP, STATUS_WRONG_STATE } from "../syscall/status";
import { settle } from "./account";
import { affinityOf, attributesStatus, deadlineOf, ScheduleAttributes } from "./attributes";
import { dequeue, enqueue, runsOn } from "./contexts";
import { schedUndonate } from "./donation";
import { WEIGHT_DEFAULT } from "./defaults";
import { ENTITY_RESERVED } from "./entity";
import { fairChangeWeight, fairDrop, fairMove } from "./fair_class";
import { Group, groupCreate, groupDiscard, groupFits, groupRelease } from "./group";
import { nodesRelease, nodesReserve } from "./nodes";
import { allCpus, leastLoaded } from "./place";
import { realtimeForget } from "./realtime";
import { NO_CPU, reserveAdd, reserveBegin, reserveFind, reserveRemove } from "./reserve";
import { ON_NONE } from "./schedulable";
import { sched, schedCpu } from "./sched";

/** Flags of an agent that say how it is scheduled. */
const FLAGS: u32 = AGENT_GROUP | AGENT_FOREGROUND;

/**
 * A new agent begins in the fair class with the default weight, in the group and on the CPUs of its
 * parent (null: none, all); false, and nothing changed, when no frame is left.
 */
export function schedBegin(agent: Agent, parent: Agent | null): bool {
  if (!nodesReserve(1, 0)) return false;
  agent.queueFlags = ENTITY_RESERVED;
  agent.class = CLASS_FAIR;
  agent.weight = WEIGHT_DEFAULT;
  agent.affinity = parent == null ? allCpus() : parent.affinity;
  if (parent != null) joinGroup(agent, parent.group);
  return true;
}

/**
 * Gives an agent, in whatever state, the class, weight, reservation and CPUs that it asks for; the
 * status when that cannot be, with nothing changed.
 */
export function schedAdmit(agent: Agent, wish: ScheduleAttributes): u32 {
  let status = attributesStatus(wish);
  if (status == STATUS_OK) status = groupStatus(agent, wish);
  if (status != STATUS_OK) return status;
  const index = wish.class == CLASS_REALTIME ? reserveFind(agent, wish) : cpuFor(agent, affinityOf(wish));
  if (index >= NO_CPU) return index - NO_CPU;
  const makes = (wish.flags & AGENT_GROUP) != 0 && agent.ownGroup == 0;
  const weight = wish.weight == 0 ? WEIGHT_DEFAULT : wish.weight;
  const group: usize = makes ? groupCreate(agent, agent.group, weight) : 0;
  if (makes && group < FIRST_SLOT) return <u32>group;
  // Memory for the queue that it moves to, beside the one that it leaves.
  if (!nodesReserve(2, 0)) {
    if (makes) groupDiscard(group);
    return STATUS_NO_MEMORY;
  }
  nodesRelease(2, 0);
  if (makes) agent.ownGroup = group;
  change(agent, wish, index);
  return STATUS_OK;
}

/** Whether the agent may become or cease to be the leader of a group. */
function groupStatus(agent: Agent, wish: ScheduleAttributes): u32 {
  const leads = (wish.flags & AGENT_GROUP) != 0;
  if (leads == (agent.ownGroup != 0)) return STATUS_OK;
  if (leads) {
    if (agent.childCount != 0) return STATUS_WRONG_STATE;
    return groupFits(agent.group) ? STATUS_OK : STATUS_TOO_DEEP;
  }
  return changetype<Group>(agent.ownGroup).members == 1 ? STATUS_OK : STATUS_WRONG_STATE;
}

/** Where an agent of the fair or idle class goes that may run on `allowed`: it stays if it can. */
function cpuFor(agent: Agent, allowed: u64): u32 {
  return ((allowed >> agent.cpu) & 1) != 0 ? agent.cpu : leastLoaded(allowed);
}

/** All has been checked and reserved: the change itself. */
function change(agent: Agent, wish: ScheduleAttributes, index: u32): void {
  const leads = (wish.flags & AGENT_GROUP) != 0;
  const group = leads ? agent.ownGroup : outerGroup(agent);
  if (agent.ownGroup != 0 && wish.weight != 0) changetype<Group>(agent.ownGroup).weight = wish.weight;
  const stays = agent.class == wish.class && agent.cpu == index && agent.group == group;
  if (stays && wish.class != CLASS_REALTIME) {
    settle(schedCpu(index));
    setAttributes(agent, wish);
    if (wish.class == CLASS_FAIR) fairChangeWeight(schedCpu(index), agent, wish.weight);
    return;
  }
  if (agent.on != ON_NONE) dequeue(agent);
  const begin = wish.class == CLASS_REALTIME ? reserveBegin(schedCpu(index), agent, wish) : 0;
  leaveClass(agent, wish.class, index, group);
  setAttributes(agent, wish);
  agent.cpu = index;
  enterClass(agent, wish, begin);
  if (runsOn(agent) != 0) enqueue(agent);
}

@inline
function setAttributes(agent: Agent, wish: ScheduleAttributes): void {
  agent.affinity = affinityOf(wish);
  agent.flags = (agent.flags & ~FLAGS) | wish.flags;
}

/** The group in which the agent's own group is, or else the agent. */
@inline
function outerGroup(agent: Agent): usize {
  return agent.ownGroup == 0 ? agent.group : changetype<Group>(agent.ownGroup).parent;
}

/** Takes what the agent has in its class and on its CPU along, or gives it up. */
function leaveClass(agent: Agent, next: u32, index: u32, group: usize): void {
  const cpu = schedCpu(agent.cpu);
  settle(cpu);
  realtimeForget(cpu, agent);
  if (agent.class == CLASS_REALTIME) reserveRemove(cpu, agent);
  const old = agent.group;
  const oldOwn = agent.ownGroup;
  if (agent.class == CLASS_FAIR && next != CLASS_FAIR) fairDrop(cpu, agent);
  if (group != old) joinGroup(agent, group);
  if (agent.class == CLASS_FAIR && next == CLASS_FAIR) fairMove(agent, schedCpu(index));
  if (group == old) return;
  if (group == oldOwn) {
    // Its new group is a member of the old one in its stead.
    groupRelease(old);
  } else {
    agent.ownGroup = 0;
    groupRelease(oldOwn);
  }
}

function joinGroup(agent: Agent, group: usize): void {
  agent.group = group;
  if (group != 0) changetype<Group>(group).members += 1;
}

function enterClass(agent: Agent, wish: ScheduleAttributes, begin: u64): void {
  const cpu = schedCpu(agent.cpu);
  if (wish.class == CLASS_FAIR && agent.class != CLASS_FAIR) {
    const reserved = nodesReserve(1, 0);
    assert(reserved, "enterClass: nodes were reserved before");
    agent.queueFlags = ENTITY_RESERVED;
  }
  agent.class = wish.class;
  if (wish.class == CLASS_FAIR) fairChangeWeight(cpu, agent, wish.weight);
  if (wish.class != CLASS_REALTIME) return;
  agent.budget = wish.budget;
  agent.period = wish.period;
  agent.relativeDeadline = deadlineOf(wish);
  agent.left = 0;
  agent.nextRelease = begin;
  reserveAdd(cpu, agent);
}

/** The agent is gone: nothing of the scheduler points to it any more. No CPU has its registers. */
export function schedForget(agent: Agent): void {
  assert(agent.running == 0, "schedForget: a CPU has its registers");
  schedUndonate(agent);
  while (agent.donorFirst != 0) schedUndonate(changetype<Agent>(agent.donorFirst));
  const cpu = schedCpu(agent.cpu);
  if (agent.on != ON_NONE) dequeue(agent);
  settle(cpu);
  realtimeForget(cpu, agent);
  if (agent.class == CLASS_REALTIME) reserveRemove(cpu, agent);
  if (agent.class == CLASS_FAIR) fairDrop(cpu, agent);
  groupRelease(agent.group);
  agent.group = 0;
  agent.ownGroup = 0;
}

/** The agent's control block goes as well: what it gave and got stays in the sums. */
export function schedBury(agent: Agent): void {
  sched().gaveGone += agent.gave;
  sched().gotGone += agent.got;
}
