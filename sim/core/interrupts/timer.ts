/**
 * The local APIC's timer (Intel SDM 3A, 10.5.4): one-shot and periodic from a count register that
 * falls by one every `divide` cycles, or at an absolute value of the TSC.
 *
 * The count is never stored while it runs: it follows from virtual time.
 */
import { Cpu } from "../cpu/cpu";
import { cancelEvent, currentTime, NEVER, scheduleAt } from "../events";
import {
  LVT_TIMER_MODE_SHIFT,
  TIMER_PERIODIC,
  TIMER_TSC_DEADLINE,
} from "../../spec/apic";
import { raiseLocal } from "./local";
import { Lapic, lapicAt, lapicOf, lvt, LVT_TIMER } from "./state";

/**
 * Expiries of a periodic timer nearer together than this are one event: they would meet in the
 * same IRR bit, since not even an empty handler is faster. Bounds what a guest can ask for.
 */
const MERGE_CYCLES: u64 = 1000;

@inline
function mode(lapic: Lapic): u32 {
  return (lvt(lapic, LVT_TIMER) >> LVT_TIMER_MODE_SHIFT) & 3;
}

/** Bits 3, 1, 0 of the divide configuration: 000 by 2, 001 by 4 ... 110 by 128, 111 by 1. */
@inline
function divideShift(lapic: Lapic): u32 {
  const code = ((lapic.timerDivide >> 1) & 4) | (lapic.timerDivide & 3);
  return (code + 1) & 7;
}

/** Cycles until a count of `count` reaches zero. */
@inline
function cyclesOf(lapic: Lapic, count: u32): u64 {
  return (<u64>count) << divideShift(lapic);
}

export function stopTimer(lapic: Lapic): void {
  lapic.timerInitial = 0;
  lapic.timerCount = 0;
  lapic.tscDeadline = 0;
  lapic.timerDue = NEVER;
  cancelEvent(lapic.timerSlot);
}

function arm(lapic: Lapic, due: u64): void {
  lapic.timerDue = due;
  scheduleAt(lapic.timerSlot, due);
}

/** Starts a countdown from `count` now. */
function countFrom(lapic: Lapic, count: u32): void {
  lapic.timerCount = count;
  lapic.timerStart = currentTime();
  arm(lapic, lapic.timerStart + cyclesOf(lapic, count));
}

/** A write of the initial count: starts the timer, or stops it with 0. Ignored in TSC mode. */
export function writeInitialCount(lapic: Lapic, count: u32): void {
  if (mode(lapic) == TIMER_TSC_DEADLINE) return;
  stopTimer(lapic);
  if (count == 0) return;
  lapic.timerInitial = count;
  countFrom(lapic, count);
}

/** The current count, from the time that has passed since it was known. */
export function currentCount(lapic: Lapic): u32 {
  if (mode(lapic) == TIMER_TSC_DEADLINE || lapic.timerDue == NEVER) return 0;
  const passed = (currentTime() - lapic.timerStart) >> divideShift(lapic);
  const count = <u64>lapic.timerCount;
  if (passed < count) return <u32>(count - passed);
  if (mode(lapic) != TIMER_PERIODIC) return 0;
  const initial = <u64>lapic.timerInitial;
  return <u32>(initial - (passed - count) % initial);
}

/** A write of the divide configuration: the count stands where it is and goes on at the new rate. */
export function writeDivide(lapic: Lapic, value: u32): void {
  const running = mode(lapic) != TIMER_TSC_DEADLINE && lapic.timerDue != NEVER;
  const count = running ? currentCount(lapic) : 0;
  lapic.timerDivide = value & 0xb;
  // A one-shot that has reached zero keeps its expiry, which is due already.
  if (count != 0) countFrom(lapic, count);
}

/** Between the counting modes and TSC-deadline mode a change of the entry disarms the timer. */
export function timerModeChanged(lapic: Lapic, before: u32): void {
  const old = (before >> LVT_TIMER_MODE_SHIFT) & 3;
  if ((old == TIMER_TSC_DEADLINE) != (mode(lapic) == TIMER_TSC_DEADLINE)) stopTimer(lapic);
}

/** IA32_TSC_DEADLINE: arms the timer, or disarms it with 0; other modes ignore it. */
export function writeDeadline(cpu: Cpu, deadline: u64): void {
  const lapic = lapicOf(cpu);
  if (mode(lapic) != TIMER_TSC_DEADLINE) return;
  stopTimer(lapic);
  if (deadline == 0) return;
  lapic.tscDeadline = deadline;
  armDeadline(cpu);
}

/** The deadline in virtual time; one that the TSC has passed is due at once. */
function armDeadline(cpu: Cpu): void {
  const lapic = lapicOf(cpu);
  const now = currentTime();
  const tsc = now + cpu.tscOffset;
  if (lapic.tscDeadline <= tsc) return arm(lapic, now);
  const left = lapic.tscDeadline - tsc;
  // Beyond the end of virtual time: armed, and never due.
  if (left >= NEVER - now) {
    cancelEvent(lapic.timerSlot);
    lapic.timerDue = NEVER;
    return;
  }
  arm(lapic, now + left);
}

/** To be called when software has moved the TSC: a deadline is a value of the TSC, not a time. */
export function lapicTscChanged(cpu: Cpu): void {
  if (lapicOf(cpu).tscDeadline != 0) armDeadline(cpu);
}

/** The timer of CPU `index` has expired. */
export function lapicTimerEvent(index: u32): void {
  const lapic = lapicAt(index);
  const due = lapic.timerDue;
  if (due == NEVER) return;
  const now = currentTime();
  switch (mode(lapic)) {
    case TIMER_PERIODIC: {
      const period = cyclesOf(lapic, lapic.timerInitial);
      // The first expiry of the series that is far enough away.
      const earliest = max(now, due) + (period < MERGE_CYCLES ? MERGE_CYCLES : 1);
      const skip = (earliest - due + period - 1) / period;
      lapic.timerCount = lapic.timerInitial;
      lapic.timerStart = due;
      arm(lapic, due + max(skip, 1) * period);
      break;
    }
    case TIMER_TSC_DEADLINE:
      stopTimer(lapic);
      break;
    default:
      // The initial count stays readable.
      lapic.timerDue = NEVER;
      lapic.timerCount = 0;
  }
  raiseLocal(lapic, LVT_TIMER);
}
