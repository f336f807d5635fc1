/** What must hold of the scheduler between entries; each function is one named invariant. */
import { Agent } from "../agent/agent";
import { AGENT_RUNNING, CLASS_FAIR, CLASS_IDLE, CLASS_REALTIME } from "../agent/states";
import { kernelCpu } from "../cpu/cpu";
import { DONATION_DEPTH_MAX, DONORS_MAX, RESERVATIONS_PER_CPU_MAX } from "../limits";
import { KIND_AGENT } from "../object/kinds";
import { objectNext } from "../object/slab";
import { ADMIT_OK, admissible, Reservation } from "./admission";
import { runnable, runsOn } from "./contexts";
import { ENTITY_QUEUED } from "./entity";
import { FairQueue } from "./fair";
import { fairValid } from "./fair_valid";
import { Group, GroupCpu } from "./group";
import { Heap, heapValid } from "./heap";
import { ON_EDF, ON_FAIR, ON_IDLE, ON_NONE, ON_PARKED, ON_THROTTLED, Schedulable } from "./schedulable";
import { sched, SchedCpu, schedCpu } from "./sched";

/**
 * sched-queues-match-states: a context is in a queue exactly when an agent that can run would run on
 * its time.
 */
export function schedQueuesMatchStates(): bool {
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at))
    if ((changetype<Agent>(at).on != ON_NONE) != (runsOn(changetype<Agent>(at)) != 0)) return false;
  return true;
}

/**
 * sched-one-queue-each: each context is in the queue that it says it is in, of its class, and in no
 * other; the lists and heaps have nobody else.
 */
export function schedOneQueueEach(): bool {
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at))
    if (!placeHolds(changetype<Agent>(at))) return false;
  for (let index: u32 = 0; index < sched().cpuCount; index++) if (!countsHold(schedCpu(index))) return false;
  return true;
}

function placeHolds(agent: Agent): bool {
  const fair = (agent.queueFlags & ENTITY_QUEUED) != 0;
  const heaped = agent.on == ON_EDF || agent.on == ON_THROTTLED || agent.draining != 0;
  if (fair != (agent.on == ON_FAIR) || heaped != (agent.position != 0)) return false;
  if (agent.on == ON_FAIR) return agent.class == CLASS_FAIR;
  if (agent.on == ON_IDLE) return agent.class == CLASS_IDLE;
  if (agent.on == ON_PARKED) return agent.parkedAt != 0;
  if (agent.on != ON_NONE && agent.class != CLASS_REALTIME) return false;
  return agent.on != ON_EDF || agent.left > 0;
}

/** Counts those who say that they are on a CPU, and those whom the CPU has. */
function countsHold(cpu: SchedCpu): bool {
  let fair: u32 = 0;
  let idle: u32 = 0;
  let heaped: u32 = 0;
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    if (agent.cpu != cpu.index) continue;
    fair += agent.on == ON_FAIR ? 1 : 0;
    idle += agent.on == ON_IDLE ? 1 : 0;
    heaped += agent.position != 0 ? 1 : 0;
  }
  const server = changetype<Schedulable>(cpu.server).position != 0 ? 1 : 0;
  const inHeaps =
    changetype<Heap>(cpu.edf).count + changetype<Heap>(cpu.draining).count + changetype<Heap>(cpu.throttled).count;
  return (
    fair == cpu.fairCount &&
    idle == cpu.idleCount &&
    heaped + server == inHeaps &&
    fair == listLength(cpu.fairFirst, cpu.fairLast) &&
    idle == listLength(cpu.idleFirst, cpu.idleLast)
  );
}

/** Length of a list whose links agree; an impossible one when they don't. */
function listLength(first: usize, last: usize): u32 {
  let count: u32 = 0;
  let previous: usize = 0;
  for (let at = first; at != 0; at = changetype<Schedulable>(at).next) {
    if (changetype<Schedulable>(at).previous != previous) return u32.MAX_VALUE;
    previous = at;
    count += 1;
  }
  return previous == last ? count : u32.MAX_VALUE;
}

/** sched-weights-sum: the load of a CPU, and of a group on it, is the weight of what is runnable there. */
export function schedWeightsSum(): bool {
  for (let index: u32 = 0; index < sched().cpuCount; index++) {
    const cpu = schedCpu(index);
    let top: u64 = 0;
    for (let at = cpu.fairFirst; at != 0; at = changetype<Schedulable>(at).next)
      if (changetype<Agent>(at).group == 0) top += changetype<Schedulable>(at).load;
    for (let at = cpu.groupFirst; at != 0; at = changetype<GroupCpu>(at).nextGroup) {
      const it = changetype<GroupCpu>(at);
      if (changetype<Group>(it.group).parent == 0) top += it.load;
      if (it.innerLoad != membersLoad(cpu, it)) return false;
    }
    if (top != cpu.load) return false;
  }
  return true;
}

function membersLoad(cpu: SchedCpu, group: GroupCpu): u64 {
  let sum: u64 = 0;
  for (let at = cpu.fairFirst; at != 0; at = changetype<Schedulable>(at).next)
    if (changetype<Agent>(at).group == group.group) sum += changetype<Schedulable>(at).load;
  for (let at = cpu.groupFirst; at != 0; at = changetype<GroupCpu>(at).nextGroup)
    if (changetype<Group>(changetype<GroupCpu>(at).group).parent == group.group) sum += changetype<GroupCpu>(at).load;
  return sum;
}

/** sched-queues-in-order: each fair queue and each heap has its order, sums and positions. */
export function schedQueuesInOrder(): bool {
  for (let index: u32 = 0; index < sched().cpuCount; index++) {
    const cpu = schedCpu(index);
    if (!heapValid(changetype<Heap>(cpu.edf)) || !heapValid(changetype<Heap>(cpu.draining))) return false;
    if (!heapValid(changetype<Heap>(cpu.throttled)) || !fairValid(changetype<FairQueue>(cpu.fair))) return false;
    for (let at = cpu.groupFirst; at != 0; at = changetype<GroupCpu>(at).nextGroup)
      if (!fairValid(changetype<FairQueue>(changetype<GroupCpu>(at).inner))) return false;
  }
  return true;
}

/**
 * sched-time-conserved: what agents ran on others' time is what others gave, and each context was
 * charged what its agent ran, less what it got, plus what it gave.
 */
export function schedTimeConserved(): bool {
  let gave = sched().gaveGone;
  let got = sched().gotGone;
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    gave += agent.gave;
    got += agent.got;
    if (agent.charged != agent.ran - agent.got + agent.gave) return false;
  }
  return gave == got;
}

/** sched-donations-a-forest: no ring, no chain or crowd beyond its limit, all counts right. */
export function schedDonationsForest(): bool {
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    let donors: u32 = 0;
    const agent = changetype<Agent>(at);
    for (let donor = agent.donorFirst; donor != 0; donor = changetype<Agent>(donor).donorNext) {
      if (changetype<Agent>(donor).donee != at) return false;
      donors += changetype<Agent>(donor).donorCount + 1;
      if (donors > DONORS_MAX) return false;
    }
    if (donors != agent.donorCount) return false;
    let depth: u32 = 0;
    for (let next = agent.donee; next != 0; next = changetype<Agent>(next).donee)
      if (++depth > DONATION_DEPTH_MAX) return false;
  }
  return true;
}

/** sched-reservations-fit: what was admitted on each CPU passes the admission test, as it did then. */
export function schedReservationsFit(): bool {
  for (let index: u32 = 0; index < sched().cpuCount; index++) {
    const cpu = schedCpu(index);
    let count: u32 = 0;
    if (changetype<Schedulable>(cpu.server).budget != 0) put(count++, changetype<Schedulable>(cpu.server));
    for (let at = cpu.reservations; at != 0; at = changetype<Agent>(at).nextReserved) {
      const agent = changetype<Agent>(at);
      if (agent.class != CLASS_REALTIME || agent.cpu != index || count > RESERVATIONS_PER_CPU_MAX) return false;
      put(count++, agent);
    }
    const verdict = admissible(sched().set, count);
    memory.fill(sched().set, 0, <usize>count * offsetof<Reservation>());
    if (verdict != ADMIT_OK) return false;
  }
  return true;
}

function put(index: u32, it: Schedulable): void {
  const at = changetype<Reservation>(sched().set + <usize>index * offsetof<Reservation>());
  at.budget = it.budget;
  at.period = it.period;
  at.deadline = it.relativeDeadline;
}

/**
 * sched-current-runs: the agent that a CPU runs is RUNNING, or the CPU is about to choose again;
 * nobody else is RUNNING, and no agent is run by two.
 */
export function schedCurrentRuns(): bool {
  for (let index: u32 = 0; index < sched().cpuCount; index++) {
    const cpu = schedCpu(index);
    if (cpu.running == 0) continue;
    const agent = changetype<Agent>(cpu.running);
    if (agent.state != AGENT_RUNNING && kernelCpu(index).reschedule == 0) return false;
    if (cpu.current != 0 && runnable(agent) && runsOn(changetype<Agent>(cpu.current)) != cpu.running)
      if (kernelCpu(index).reschedule == 0) return false;
  }
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    let holders: u32 = 0;
    for (let index: u32 = 0; index < sched().cpuCount; index++) holders += schedCpu(index).running == at ? 1 : 0;
    if (holders > 1 || (holders == 0 && changetype<Agent>(at).state == AGENT_RUNNING)) return false;
  }
  return true;
}
