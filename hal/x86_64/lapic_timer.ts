/**
 * Driver for the local APIC's timer (Intel SDM 3A, 10.5.4) with the TSC as its clock: TSC-deadline
 * mode where CPUID has it, else one-shot. One instance a CPU, used on that CPU only,
 * whose APIC keeps the mode that it has when the timer starts.
 */
import {
  countOfNs,
  Timer,
  TIMER_ERROR_ABSENT,
  TIMER_ERROR_UNSUPPORTED,
  TIMER_OK,
} from "../timer";
import { lapicPage, lapicWrite } from "./lapic";
import { cpuid, readMsr, readRegister, timestamp, writeMsr } from "./machine";
import * as Spec from "../../sim/spec/apic";

const NS_PER_SECOND: u64 = 1_000_000_000;
/** CPUID leaf 1: TSC deadline in ECX bit 24, APIC in EDX bit 9. */
const ECX_TSC_DEADLINE: u64 = 1 << 24;
const EDX_APIC: u64 = 1 << 9;
const REGISTER_RCX: u32 = 1;
const REGISTER_RDX: u32 = 2;
/** Divide configuration: by 1. */
const DIVIDE_BY_1: u32 = 0xb;
const COUNT_MAX: u64 = 0xffff_ffff;
/** How far ahead a TSC deadline may lie: 2^56 counts are years. */
const DEADLINE_COUNTS_MAX: u64 = 1 << 56;
/** No interrupt comes sooner than the code that asks for it goes on. */
const MIN_NS: u64 = 1_000;

/** `Timer.mode`. Set by the caller before the start: do not use TSC-deadline mode. */
export const LAPIC_ONE_SHOT: u32 = 1;
const MODE_DEADLINE: u32 = 2;

/** Lets the timer count down from the top with its interrupt masked, for calibration. */
export function lapicTimerRun(page: u64): void {
  lapicWrite(page, Spec.APIC_LVT_TIMER, Spec.LVT_MASKED);
  lapicWrite(page, Spec.APIC_TIMER_DIVIDE, DIVIDE_BY_1);
  lapicWrite(page, Spec.APIC_TIMER_INITIAL, <u32>COUNT_MAX);
}

export function lapicTimerStart(timer: Timer): u32 {
  cpuid(1, 0);
  const features = readRegister(REGISTER_RCX);
  if ((readRegister(REGISTER_RDX) & EDX_APIC) == 0) return TIMER_ERROR_ABSENT;
  const enabled = (readMsr(Spec.MSR_APIC_BASE) & Spec.APIC_BASE_ENABLE) != 0;
  if (!enabled || timer.frequency == 0) return TIMER_ERROR_UNSUPPORTED;
  const deadline = (features & ECX_TSC_DEADLINE) != 0 && timer.mode != LAPIC_ONE_SHOT;
  if (!deadline && timer.eventFrequency == 0) return TIMER_ERROR_UNSUPPORTED;
  timer.base = lapicPage();
  timer.mode = deadline ? MODE_DEADLINE : LAPIC_ONE_SHOT;
  timer.nsNumerator = NS_PER_SECOND;
  timer.nsDenominator = timer.frequency;
  timer.minNs = MIN_NS;
  timer.maxNs = deadline
    ? (DEADLINE_COUNTS_MAX / timer.frequency) * NS_PER_SECOND
    : (COUNT_MAX * NS_PER_SECOND) / timer.eventFrequency;
  lapicTimerDisarm(timer);
  const mode: u32 = deadline ? Spec.TIMER_TSC_DEADLINE : Spec.TIMER_ONE_SHOT;
  lapicWrite(timer.base, Spec.APIC_LVT_TIMER, timer.vector | (mode << Spec.LVT_TIMER_MODE_SHIFT));
  lapicWrite(timer.base, Spec.APIC_TIMER_DIVIDE, DIVIDE_BY_1);
  return TIMER_OK;
}

export function lapicTimerCounter(): u64 {
  return timestamp();
}

/** A TSC deadline that is past interrupts at once; a count-down of 0 would be none. */
export function lapicTimerArm(timer: Timer, at: u64, distance: u64): void {
  if (timer.mode == MODE_DEADLINE) {
    writeMsr(Spec.MSR_TSC_DEADLINE, countOfNs(timer, at));
    return;
  }
  // `distance` is at most maxNs, so the product stays below 2^32 * 10^9.
  const counts = (distance * timer.eventFrequency + NS_PER_SECOND - 1) / NS_PER_SECOND;
  lapicWrite(timer.base, Spec.APIC_TIMER_INITIAL, <u32>min(max<u64>(counts, 1), COUNT_MAX));
}

export function lapicTimerDisarm(timer: Timer): void {
  if (timer.mode == MODE_DEADLINE) writeMsr(Spec.MSR_TSC_DEADLINE, 0);
  else lapicWrite(timer.base, Spec.APIC_TIMER_INITIAL, 0);
}
