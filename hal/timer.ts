/**
 * A timer: a clock that only goes forward, in nanoseconds, and one deadline that interrupts.
 *
 * The clock is a counter of known frequency; time is its whole count times a fraction, so it does
 * not drift. A deadline further away than the hardware reaches is approached in steps: the interrupt
 * handler asks `timerInterrupt` whether the deadline is past, which rearms when it is not.
 */
import { hpetArm, hpetCounter, hpetDisarm, hpetStart } from "./x86_64/hpet";
import { lapicTimerArm, lapicTimerCounter, lapicTimerDisarm, lapicTimerStart } from "./x86_64/lapic_timer";

export const TIMER_DRIVER_HPET: u32 = 1;
export const TIMER_DRIVER_LAPIC: u32 = 2;

export const TIMER_OK: u32 = 0;
/** Nothing answers where the device should be. */
export const TIMER_ERROR_ABSENT: u32 = 1;
/** The device lacks something this driver needs. */
export const TIMER_ERROR_UNSUPPORTED: u32 = 2;
/** The device answers in a way that its specification excludes. */
export const TIMER_ERROR_PROTOCOL: u32 = 3;
/** `timerAt` before `timerStart`. */
export const TIMER_ERROR_NOT_STARTED: u32 = 4;

/** No deadline. */
export const TIMER_NEVER: u64 = 0xffff_ffff_ffff_ffff;

/** The caller fills in the first part and calls `timerStart` on the CPU that gets the interrupts. */
@unmanaged
export class Timer {
  /** Physical address of the registers; the local APIC's driver finds them itself. */
  base: u64;
  /** TIMER_DRIVER_…; 0 after a start that failed. */
  driver: u32;
  /** Interrupt vector of the deadline. */
  vector: u32;
  /** APIC ID of the CPU that gets it (HPET). */
  destination: u32;
  /** Which of the device's comparators (HPET). */
  comparator: u32;
  /** Counts a second of the counter; the HPET says so itself, for the TSC `calibrate` does. */
  frequency: u64;
  /** Counts a second of a count-down beside the counter (LAPIC without TSC-deadline), or 0. */
  eventFrequency: u64;

  /** Time = count * nsNumerator / nsDenominator. */
  nsNumerator: u64;
  nsDenominator: u64;
  /** Nearest and furthest distance of a deadline that the hardware takes, in ns. */
  minNs: u64;
  maxNs: u64;
  /** The deadline in ns, or TIMER_NEVER. */
  deadline: u64;
  /** Latest time that `timerNow` returned. */
  last: u64;
  /** The driver's own. */
  mode: u32;
}

/** Starts the clock; no deadline is set. */
export function timerStart(timer: Timer): u32 {
  timer.deadline = TIMER_NEVER;
  timer.last = 0;
  let error = TIMER_ERROR_UNSUPPORTED;
  if (timer.driver == TIMER_DRIVER_HPET) error = hpetStart(timer);
  else if (timer.driver == TIMER_DRIVER_LAPIC) error = lapicTimerStart(timer);
  if (error != TIMER_OK) timer.driver = 0;
  return error;
}

/** The raw counter. */
export function timerCounter(timer: Timer): u64 {
  switch (timer.driver) {
    case TIMER_DRIVER_HPET:
      return hpetCounter(timer);
    case TIMER_DRIVER_LAPIC:
      return lapicTimerCounter();
    default:
      return 0;
  }
}

/** Nanoseconds of `count` counts, rounded down; no product leaves 64 bits in 292 years. */
export function nsOfCount(timer: Timer, count: u64): u64 {
  const per = timer.nsDenominator;
  return (count / per) * timer.nsNumerator + ((count % per) * timer.nsNumerator) / per;
}

/** Counts after which `ns` have passed, rounded up. */
export function countOfNs(timer: Timer, ns: u64): u64 {
  const per = timer.nsNumerator;
  return (ns / per) * timer.nsDenominator + ((ns % per) * timer.nsDenominator + per - 1) / per;
}

/** The time in ns since the counter was 0; never less than the last time it said. */
export function timerNow(timer: Timer): u64 {
  if (timer.driver == 0) return timer.last;
  const now = nsOfCount(timer, timerCounter(timer));
  if (now > timer.last) timer.last = now;
  return timer.last;
}

/** Sets the one deadline, in the clock's ns; one that is past interrupts as soon as it can. */
export function timerAt(timer: Timer, deadline: u64): u32 {
  if (timer.driver == 0) return TIMER_ERROR_NOT_STARTED;
  timer.deadline = deadline;
  if (deadline == TIMER_NEVER) disarm(timer);
  else arm(timer, timerNow(timer));
  return TIMER_OK;
}

/** Sets the deadline `ns` from now. */
export function timerAfter(timer: Timer, ns: u64): u32 {
  const now = timerNow(timer);
  return timerAt(timer, ns < TIMER_NEVER - now ? now + ns : TIMER_NEVER);
}

/** Takes the deadline back; an interrupt already on its way is told apart by `timerInterrupt`. */
export function timerCancel(timer: Timer): void {
  timer.deadline = TIMER_NEVER;
  disarm(timer);
}

/** To be called on the timer's vector: true when the deadline is past, which takes it back. */
export function timerInterrupt(timer: Timer): bool {
  if (timer.driver == 0 || timer.deadline == TIMER_NEVER) return false;
  const now = timerNow(timer);
  if (now < timer.deadline) {
    arm(timer, now);
    return false;
  }
  timer.deadline = TIMER_NEVER;
  return true;
}

/** Aims the hardware at the deadline, or as far towards it as it reaches. */
function arm(timer: Timer, now: u64): void {
  const distance = timer.deadline > now ? timer.deadline - now : 0;
  const step = min(max(distance, timer.minNs), timer.maxNs);
  if (timer.driver == TIMER_DRIVER_HPET) hpetArm(timer, now + step);
  else lapicTimerArm(timer, now + step, step);
}

function disarm(timer: Timer): void {
  if (timer.driver == TIMER_DRIVER_HPET) hpetDisarm(timer);
  else if (timer.driver == TIMER_DRIVER_LAPIC) lapicTimerDisarm(timer);
}
