/**
 * The exact admission test for EDF on one CPU: the processor demand criterion (Baruah, Rosier, Howell
 * 1990), searched backwards from the end of the busy period by QPA (Zhang, Burns: Schedulability
 * Analysis for Real-Time Systems with EDF Scheduling, IEEE Transactions on Computers 58, 2009).
 *
 * A set is schedulable when its utilisation is at most 1 and, for every deadline t in the first busy
 * period of the synchronous release, what must be done by then fits: h(t) <= t, where
 *
 *   h(t) = sum over the reservations with deadline D <= t of (floor((t - D) / T) + 1) * C
 *
 * All is exact in integers. A test makes at most ADMISSION_STEPS_MAX steps of O(n); one that has not
 * ended by then is undecided, and nobody is admitted on a guess.
 */
import { ADMISSION_STEPS_MAX } from "../limits";

/** Budget C in every period T, by D after the release; C <= D <= T; all in ns. */
@unmanaged
export class Reservation {
  budget: u64;
  period: u64;
  deadline: u64;
}

export const ADMIT_OK: u32 = 0;
/** More is asked for than there is time. */
export const ADMIT_OVERLOAD: u32 = 1;
/** Some deadline is missed when all are released together. */
export const ADMIT_MISS: u32 = 2;
/** The bound on steps was reached, or the periods have no common multiple that fits. */
export const ADMIT_UNDECIDED: u32 = 3;

/** Least common multiples above this are given up; products of it stay within 64 bits. */
const HYPERPERIOD_MAX: u64 = 1 << 61;
/** Fraction bits of the utilisation when there is no exact common denominator. */
const FRACTION_BITS: u64 = 24;
const UNKNOWN: u64 = 0;

@inline
function at(set: usize, index: u32): Reservation {
  return changetype<Reservation>(set + <usize>index * offsetof<Reservation>());
}

/** Whether `count` reservations at `set` all meet their deadlines under EDF on one CPU: ADMIT_…. */
export function admissible(set: usize, count: u32): u32 {
  if (count == 0) return ADMIT_OK;
  const hyperperiod = commonMultiple(set, count);
  const load = hyperperiod == UNKNOWN ? loadAbout(set, count) : loadExactly(set, count, hyperperiod);
  if (load != ADMIT_OK) return load;
  // Liu and Layland 1973: with deadlines at the periods' ends the utilisation decides.
  if (implicitDeadlines(set, count)) return ADMIT_OK;
  const length = busyPeriod(set, count, hyperperiod);
  return length == UNKNOWN ? ADMIT_UNDECIDED : searchBack(set, count, length);
}

function implicitDeadlines(set: usize, count: u32): bool {
  for (let index: u32 = 0; index < count; index++)
    if (at(set, index).deadline != at(set, index).period) return false;
  return true;
}

function greatestCommonDivisor(a: u64, b: u64): u64 {
  while (b != 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/** The hyperperiod; UNKNOWN above HYPERPERIOD_MAX. */
function commonMultiple(set: usize, count: u32): u64 {
  let result: u64 = 1;
  for (let index: u32 = 0; index < count; index++) {
    const factor = at(set, index).period / greatestCommonDivisor(result, at(set, index).period);
    if (factor > HYPERPERIOD_MAX / result) return UNKNOWN;
    result *= factor;
  }
  return result;
}

/** Compares the sum of C/T with 1 over the common denominator. */
function loadExactly(set: usize, count: u32, hyperperiod: u64): u32 {
  let sum: u64 = 0;
  for (let index: u32 = 0; index < count; index++) {
    sum += (hyperperiod / at(set, index).period) * at(set, index).budget;
    if (sum > hyperperiod) return ADMIT_OVERLOAD;
  }
  return ADMIT_OK;
}

/** Encloses the sum of C/T between two fractions; undecided when 1 lies between them. */
function loadAbout(set: usize, count: u32): u32 {
  let least: u64 = 0;
  let most: u64 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const scaled = at(set, index).budget << FRACTION_BITS;
    least += scaled / at(set, index).period;
    most += (scaled + at(set, index).period - 1) / at(set, index).period;
  }
  if (least > 1 << FRACTION_BITS) return ADMIT_OVERLOAD;
  return most <= 1 << FRACTION_BITS ? ADMIT_OK : ADMIT_UNDECIDED;
}

/**
 * Length of the first busy period of the synchronous release: the least fixed point of
 * w = sum of ceil(w / T) * C. It ends at the hyperperiod at the latest, so that will do when the
 * iteration is long.
 */
function busyPeriod(set: usize, count: u32, hyperperiod: u64): u64 {
  let length: u64 = 0;
  for (let index: u32 = 0; index < count; index++) length += at(set, index).budget;
  for (let step: u32 = 0; step < ADMISSION_STEPS_MAX; step++) {
    let next: u64 = 0;
    for (let index: u32 = 0; index < count; index++) {
      const period = at(set, index).period;
      next += ((length + period - 1) / period) * at(set, index).budget;
    }
    if (next == length) return length;
    length = next;
  }
  return hyperperiod;
}

/** QPA, theorem 5: from the last deadline before `length` down to the first deadline of all. */
function searchBack(set: usize, count: u32, length: u64): u32 {
  let first = at(set, 0).deadline;
  for (let index: u32 = 1; index < count; index++) first = min(first, at(set, index).deadline);
  // A deadline at the very end of the busy period is met if all work in it is done.
  let time = lastDeadlineBefore(set, count, length + 1);
  for (let step: u32 = 0; step < ADMISSION_STEPS_MAX; step++) {
    if (time < first) return ADMIT_OK;
    const demand = demandBy(set, count, time);
    if (demand > time) return ADMIT_MISS;
    if (demand <= first) return ADMIT_OK;
    time = demand < time ? demand : lastDeadlineBefore(set, count, time);
  }
  return ADMIT_UNDECIDED;
}

/** h(time). */
function demandBy(set: usize, count: u32, time: u64): u64 {
  let sum: u64 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const it = at(set, index);
    if (it.deadline <= time) sum += ((time - it.deadline) / it.period + 1) * it.budget;
  }
  return sum;
}

/** The last deadline of any job strictly before `time`; 0 when there is none. */
function lastDeadlineBefore(set: usize, count: u32, time: u64): u64 {
  let last: u64 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const it = at(set, index);
    if (it.deadline >= time) continue;
    last = max(last, it.deadline + ((time - 1 - it.deadline) / it.period) * it.period);
  }
  return last;
}
