/** Driver for one comparator of an HPET (IA-PC HPET 1.0a), delivered as a message (2.4.2). */
import {
  countOfNs,
  nsOfCount,
  Timer,
  TIMER_ERROR_ABSENT,
  TIMER_ERROR_PROTOCOL,
  TIMER_ERROR_UNSUPPORTED,
  TIMER_OK,
} from "../timer";
import { mmioRead64, mmioWrite32, mmioWrite64 } from "./machine";
import * as Spec from "../../sim/spec/hpet";

const ABSENT: u64 = 0xffff_ffff_ffff_ffff;
/** Longest period that the specification allows: 100 ns (2.3.4). */
const PERIOD_MAX: u64 = 100_000_000;
const FEMTOSECONDS_PER_NS: u64 = 1_000_000;
const FEMTOSECONDS_PER_SECOND: u64 = 1_000_000_000_000_000;
/** Counts that pass, at most, between the choice of a comparator value and its taking effect. */
const MIN_COUNTS: u64 = 128;
/** A comparator is never set further ahead, so that "behind" and "ahead" stay different. */
const MAX_COUNTS_32: u64 = 1 << 31;
const MAX_COUNTS_64: u64 = 1 << 56;
/** Attempts to set a comparator ahead of the counter; the distance doubles with each. */
const ATTEMPTS: u32 = 16;
/** Messages to physical destinations (Intel SDM 3A, 10.11.1). */
const MESSAGE_ADDRESS: u64 = 0xfee0_0000;
const DESTINATION_SHIFT: u64 = 12;

@inline
function register(timer: Timer, offset: u32): u64 {
  return timer.base + Spec.HPET_TIMER + <u64>(timer.comparator * Spec.HPET_TIMER_BYTES + offset);
}

@inline
function configuration(timer: Timer): u64 {
  return register(timer, Spec.HPET_TIMER_CONFIGURATION);
}

@inline
function narrow(timer: Timer): bool {
  return (timer.mode & Spec.HPET_TIMER_32BIT) != 0;
}

export function hpetStart(timer: Timer): u32 {
  const capabilities = mmioRead64(timer.base + Spec.HPET_CAPABILITIES);
  if (capabilities == ABSENT) return TIMER_ERROR_ABSENT;
  const period = capabilities >> 32;
  if (period == 0 || period > PERIOD_MAX) return TIMER_ERROR_PROTOCOL;
  const last = <u32>(capabilities >> Spec.HPET_CAP_TIMERS_SHIFT) & 31;
  if ((capabilities & Spec.HPET_CAP_64BIT) == 0 || timer.comparator > last) return TIMER_ERROR_UNSUPPORTED;
  const own = <u32>mmioRead64(configuration(timer));
  if ((own & Spec.HPET_TIMER_FSB_CAP) == 0) return TIMER_ERROR_UNSUPPORTED;
  timer.mode = (own & Spec.HPET_TIMER_64BIT_CAP) != 0 ? 0 : Spec.HPET_TIMER_32BIT;
  timer.frequency = FEMTOSECONDS_PER_SECOND / period;
  timer.nsNumerator = period;
  timer.nsDenominator = FEMTOSECONDS_PER_NS;
  timer.minNs = nsOfCount(timer, MIN_COUNTS);
  timer.maxNs = nsOfCount(timer, narrow(timer) ? MAX_COUNTS_32 : MAX_COUNTS_64);
  hpetDisarm(timer);
  const address = MESSAGE_ADDRESS | (<u64>timer.destination << DESTINATION_SHIFT);
  mmioWrite64(register(timer, Spec.HPET_TIMER_FSB), (address << 32) | <u64>timer.vector);
  const general = mmioRead64(timer.base + Spec.HPET_CONFIGURATION);
  mmioWrite64(timer.base + Spec.HPET_CONFIGURATION, general | Spec.HPET_ENABLE);
  return TIMER_OK;
}

export function hpetCounter(timer: Timer): u64 {
  return mmioRead64(timer.base + Spec.HPET_COUNTER);
}

/** The comparator matches only on equality: a value that has been passed meanwhile is moved on. */
export function hpetArm(timer: Timer, at: u64): void {
  const on: u32 = Spec.HPET_TIMER_FSB_ENABLE | Spec.HPET_TIMER_INTERRUPT | timer.mode;
  mmioWrite32(configuration(timer), on);
  const comparator = register(timer, Spec.HPET_TIMER_COMPARATOR);
  let target = countOfNs(timer, at);
  let ahead = MIN_COUNTS;
  for (let attempt: u32 = 0; attempt < ATTEMPTS; attempt++) {
    if (narrow(timer)) mmioWrite32(comparator, <u32>target);
    else mmioWrite64(comparator, target);
    const count = hpetCounter(timer);
    if (<i64>(target - count) > 0) return;
    target = count + ahead;
    ahead <<= 1;
  }
}

export function hpetDisarm(timer: Timer): void {
  mmioWrite32(configuration(timer), timer.mode);
}
