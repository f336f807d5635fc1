/**
 * The real-time class: constant bandwidth servers under EDF (Abeni, Buttazzo 1998), with hard
 * reservations: a context that has used its budget up waits for its next period.
 *
 * Admission (admission.ts) counts each context as a sporadic task that runs its whole budget in each
 * period, as early as EDF lets it. What a context that stops in mid-period and comes back may still
 * claim must fit that picture, or somebody else's deadline is missed. So its unused budget *drains*
 * while it can't run: it is used up by time in which EDF would have run it, i.e. in which nobody with
 * an earlier deadline ran. A context that comes back finds what that left it. (The wake-up rule of the
 * original CBS, budget against remaining bandwidth, is sound for deadlines at the periods' ends only;
 * docs/decisions/0013-unused-budget-drains.md has the counterexample.)
 *
 *               budget left            budget used up
 *   runnable    heap `edf`             heap `throttled`, until the next period
 *   not         heap `draining`        in no heap
 */
import { TRACE_MISS, kernelTrace } from "../trace";
import { Heap, heapFirst, heapInsert, heapRemove } from "./heap";
import { ON_EDF, ON_NONE, ON_THROTTLED, Schedulable } from "./schedulable";
import { MODE_FAIR, MODE_REALTIME, SchedCpu } from "./sched";

/** A context of the class wants to run from now on. */
export function realtimeEnqueue(cpu: SchedCpu, it: Schedulable): void {
  assert(it.on == ON_NONE, "realtimeEnqueue: in a queue");
  stopDraining(cpu, it);
  if (cpu.time >= it.nextRelease) beginPeriod(it, cpu.time);
  insert(cpu, it);
}

/** A context of the class can't run any more: what it has left drains. */
export function realtimeDequeue(cpu: SchedCpu, it: Schedulable): void {
  remove(cpu, it);
  it.on = ON_NONE;
  if (it.left <= 0) return;
  startDraining(cpu, it);
}

/** Takes a context out of everything. */
export function realtimeForget(cpu: SchedCpu, it: Schedulable): void {
  if (it.on != ON_NONE) realtimeDequeue(cpu, it);
  stopDraining(cpu, it);
}

/** Charges `cycles` to a context that ran. */
export function realtimeCharge(cpu: SchedCpu, it: Schedulable, cycles: u64): void {
  it.left -= <i64>cycles;
  if (it.left > 0 || it.on != ON_EDF) return;
  remove(cpu, it);
  insert(cpu, it);
}

/** The rest of the budget is given up. */
export function realtimeYield(cpu: SchedCpu, it: Schedulable): void {
  remove(cpu, it);
  it.left = min(it.left, 0);
  insert(cpu, it);
}

/** Time in which `ran` paid, or nobody, takes the budgets that EDF would have spent in it. */
export function realtimeDrain(cpu: SchedCpu, ran: usize, cycles: u64): void {
  for (let top = heapFirst(changetype<Heap>(cpu.draining)); top != 0 && cycles > 0; top = heapFirst(changetype<Heap>(cpu.draining))) {
    const it = changetype<Schedulable>(top);
    if (ran != 0 && isBefore(changetype<Schedulable>(ran), it)) return;
    const taken = min(cycles, <u64>it.left);
    cycles -= taken;
    it.left -= <i64>taken;
    if (it.left == 0) stopDraining(cpu, it);
  }
}

/** Begins the periods that are due. */
export function realtimeRelease(cpu: SchedCpu): void {
  for (let top = heapFirst(changetype<Heap>(cpu.throttled)); top != 0; top = heapFirst(changetype<Heap>(cpu.throttled))) {
    const it = changetype<Schedulable>(top);
    if (it.nextRelease > cpu.time) return;
    remove(cpu, it);
    beginPeriod(it, it.nextRelease);
    insert(cpu, it);
  }
}

/** The context with budget and the earliest deadline; 0 when there is none. */
export function realtimePick(cpu: SchedCpu): usize {
  const top = heapFirst(changetype<Heap>(cpu.edf));
  if (top != 0) reportMiss(cpu, changetype<Schedulable>(top));
  return top;
}

/** When the next period begins that somebody waits for; `never` when nobody does. */
export function realtimeNextRelease(cpu: SchedCpu, never: u64): u64 {
  const top = heapFirst(changetype<Heap>(cpu.throttled));
  return top == 0 ? never : changetype<Schedulable>(top).nextRelease;
}

/** The context of the EDF heap that pays for what runs; 0 when none does. */
export function realtimePayer(cpu: SchedCpu): usize {
  if (cpu.mode == MODE_REALTIME) return changetype<usize>(cpu.current);
  return cpu.mode == MODE_FAIR ? cpu.server : 0;
}

/**
 * A new period at `time`. A budget that was run over is repaid, one that was not used is lost.
 */
export function beginPeriod(it: Schedulable, time: u64): void {
  it.left = min(it.left, 0) + <i64>it.budget;
  it.nextRelease = time + it.period;
  it.deadline = time + it.relativeDeadline;
}

/** Lets what a context has left drain, although it never wanted to run in this period. */
export function realtimeIdlePeriod(cpu: SchedCpu, it: Schedulable, time: u64): void {
  stopDraining(cpu, it);
  beginPeriod(it, time);
  if (it.left <= 0) return;
  startDraining(cpu, it);
}

/** Into the heap where it belongs; the key of `throttled` is the next release. */
function insert(cpu: SchedCpu, it: Schedulable): void {
  if (it.left > 0) {
    it.on = ON_EDF;
    return push(cpu.edf, it);
  }
  it.on = ON_THROTTLED;
  it.deadline = it.nextRelease;
  push(cpu.throttled, it);
}

function remove(cpu: SchedCpu, it: Schedulable): void {
  assert(it.on == ON_EDF || it.on == ON_THROTTLED, "realtime: in no heap");
  heapRemove(changetype<Heap>(it.on == ON_EDF ? cpu.edf : cpu.throttled), changetype<usize>(it));
}

@inline
function push(heap: usize, it: Schedulable): void {
  heapInsert(changetype<Heap>(heap), changetype<usize>(it), it.deadline);
}

function startDraining(cpu: SchedCpu, it: Schedulable): void {
  it.draining = 1;
  push(cpu.draining, it);
}

function stopDraining(cpu: SchedCpu, it: Schedulable): void {
  if (it.draining == 0) return;
  it.draining = 0;
  heapRemove(changetype<Heap>(cpu.draining), changetype<usize>(it));
}

@inline
function isBefore(a: Schedulable, b: Schedulable): bool {
  return a.deadline < b.deadline || (a.deadline == b.deadline && a.id < b.id);
}

/** A context with budget left, that wants to run, past its deadline: reported once a period. */
function reportMiss(cpu: SchedCpu, it: Schedulable): void {
  if (it.deadline >= cpu.time || it.missed == it.nextRelease) return;
  it.missed = it.nextRelease;
  cpu.misses += 1;
  kernelTrace(TRACE_MISS, cpu.index, it.id, it.deadline);
}
