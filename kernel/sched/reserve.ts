/**
 * Which CPU takes a real-time agent: the first of its affinity on which all deadlines are still met
 * (admission.ts). A reservation that is given up keeps its place in the test until the period that it
 * last began is over: what it has already had of that would else be given out a second time.
 */
import { Agent } from "../agent/agent";
import { CLASS_REALTIME } from "../agent/states";
import { DEPARTED_PER_CPU_MAX, RESERVATIONS_PER_CPU_MAX } from "../limits";
import { STATUS_ADMISSION_UNDECIDED, STATUS_LIMIT, STATUS_NOT_ADMITTED } from "../syscall/status";
import { settle } from "./account";
import { ADMIT_OK, ADMIT_UNDECIDED, admissible, Reservation } from "./admission";
import { affinityOf, deadlineOf, ScheduleAttributes } from "./attributes";
import { Schedulable } from "./schedulable";
import { CAPACITY, Departed, sched, SchedCpu, schedCpu } from "./sched";

/** No CPU: plus the status that says why. */
export const NO_CPU: u32 = 0x1_0000;

/** The CPU that takes the agent with these attributes; NO_CPU + status when none does. */
export function reserveFind(agent: Agent, wish: ScheduleAttributes): u32 {
  let refusal: u32 = STATUS_NOT_ADMITTED;
  for (let left = affinityOf(wish); left != 0; left &= left - 1) {
    const cpu = schedCpu(<u32>ctz(left));
    const others = cpu.reservationCount - (holdsHere(cpu, agent) ? 1 : 0);
    if (others >= RESERVATIONS_PER_CPU_MAX) {
      refusal = STATUS_LIMIT;
      continue;
    }
    const verdict = test(cpu, agent, wish, false);
    if (verdict == ADMIT_OK) return cpu.index;
    if (verdict == ADMIT_UNDECIDED) refusal = STATUS_ADMISSION_UNDECIDED;
  }
  return NO_CPU + refusal;
}

/**
 * When the agent's first period can begin on the CPU that takes it: at once, unless that is one
 * period too many beside those of reservations just given up.
 */
export function reserveBegin(cpu: SchedCpu, agent: Agent, wish: ScheduleAttributes): u64 {
  settle(cpu);
  forgetDeparted(cpu);
  let begin = cpu.quietUntil > cpu.time ? cpu.quietUntil : 0;
  if (test(cpu, agent, wish, true) == ADMIT_OK) return begin;
  if (holdsHere(cpu, agent)) begin = max(begin, agent.nextRelease);
  for (let index: u32 = 0; index < cpu.departedCount; index++) begin = max(begin, departed(cpu, index).until);
  return begin;
}

/** Enters the agent, whose reservation is set, into the CPU's list. */
export function reserveAdd(cpu: SchedCpu, agent: Agent): void {
  agent.previousReserved = 0;
  agent.nextReserved = cpu.reservations;
  if (cpu.reservations != 0) changetype<Agent>(cpu.reservations).previousReserved = changetype<usize>(agent);
  cpu.reservations = changetype<usize>(agent);
  cpu.reservationCount += 1;
  cpu.reserved += bandwidth(agent);
}

/** The agent gives its reservation up. */
export function reserveRemove(cpu: SchedCpu, agent: Agent): void {
  if (agent.previousReserved == 0) cpu.reservations = agent.nextReserved;
  else changetype<Agent>(agent.previousReserved).nextReserved = agent.nextReserved;
  if (agent.nextReserved != 0) changetype<Agent>(agent.nextReserved).previousReserved = agent.previousReserved;
  agent.nextReserved = 0;
  agent.previousReserved = 0;
  cpu.reservationCount -= 1;
  cpu.reserved -= bandwidth(agent);
  if (agent.nextRelease <= cpu.time) return;
  forgetDeparted(cpu);
  if (cpu.departedCount == DEPARTED_PER_CPU_MAX) {
    cpu.quietUntil = max(cpu.quietUntil, agent.nextRelease);
    return;
  }
  const gone = departed(cpu, cpu.departedCount);
  cpu.departedCount += 1;
  copyReservation(gone, agent);
  gone.until = agent.nextRelease;
}

/** What the agent's reservation takes of a CPU, in parts of CAPACITY. */
@inline
function bandwidth(agent: Agent): u32 {
  return <u32>((agent.budget * CAPACITY) / agent.period);
}

@inline
function holdsHere(cpu: SchedCpu, agent: Agent): bool {
  return agent.class == CLASS_REALTIME && agent.cpu == cpu.index;
}

@inline
function departed(cpu: SchedCpu, index: u32): Departed {
  return changetype<Departed>(cpu.departed + <usize>index * offsetof<Departed>());
}

function forgetDeparted(cpu: SchedCpu): void {
  for (let index: u32 = 0; index < cpu.departedCount; ) {
    if (departed(cpu, index).until > cpu.time) index++;
    else {
      cpu.departedCount -= 1;
      memory.copy(
        changetype<usize>(departed(cpu, index)),
        changetype<usize>(departed(cpu, cpu.departedCount)),
        offsetof<Departed>(),
      );
    }
  }
}

@inline
function copyReservation(to: Reservation, from: Schedulable): void {
  to.budget = from.budget;
  to.period = from.period;
  to.deadline = from.relativeDeadline;
}

/** Tests the CPU's reservations, without the agent's own, with what it asks for. */
function test(cpu: SchedCpu, agent: Agent, wish: ScheduleAttributes, withDeparted: bool): u32 {
  let end = sched().set;
  const first = changetype<Reservation>(end);
  first.budget = wish.budget;
  first.period = wish.period;
  first.deadline = deadlineOf(wish);
  end += offsetof<Reservation>();
  end = add(end, changetype<Schedulable>(cpu.server));
  for (let at = cpu.reservations; at != 0; at = changetype<Agent>(at).nextReserved)
    if (at != changetype<usize>(agent)) end = add(end, changetype<Schedulable>(at));
  if (withDeparted) {
    if (holdsHere(cpu, agent) && agent.nextRelease > cpu.time) end = add(end, agent);
    for (let index: u32 = 0; index < cpu.departedCount; index++) {
      memory.copy(end, changetype<usize>(departed(cpu, index)), offsetof<Reservation>());
      end += offsetof<Reservation>();
    }
  }
  const bytes = end - sched().set;
  const verdict = admissible(sched().set, <u32>(bytes / offsetof<Reservation>()));
  // A refusal leaves nothing behind, not even here.
  memory.fill(sched().set, 0, bytes);
  return verdict;
}

@inline
function add(end: usize, it: Schedulable): usize {
  if (it.budget == 0) return end;
  copyReservation(changetype<Reservation>(end), it);
  return end + offsetof<Reservation>();
}
