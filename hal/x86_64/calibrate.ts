/**
 * Measures the TSC and the local APIC's timer against a reference: the HPET, or the 8254 where there
 * is none. One stretch of bounded work: the reads themselves let the time pass.
 */
import { mmioRead32, mmioRead64, mmioWrite64, portRead8, portWrite8, timestamp } from "./machine";
import { lapicPage, lapicRead, lapicWrite } from "./lapic";
import { lapicTimerRun } from "./lapic_timer";
import { APIC_TIMER_CURRENT, APIC_TIMER_INITIAL } from "../../sim/spec/apic";
import { HPET_CAPABILITIES, HPET_CONFIGURATION, HPET_COUNTER, HPET_ENABLE } from "../../sim/spec/hpet";
import { PIT_PORT, SYSTEM_CONTROL_PORT } from "../../sim/spec/platform";

export const REFERENCE_NONE: u32 = 0;
export const REFERENCE_HPET: u32 = 1;
export const REFERENCE_PIT: u32 = 2;

/** What `calibrate` found. */
@unmanaged
export class Calibration {
  /** Counts a second; 0 when there is no usable reference. */
  tscFrequency: u64;
  lapicFrequency: u64;
  /** REFERENCE_… that was used. */
  reference: u32;
}

const NS_PER_SECOND: u64 = 1_000_000_000;
const PIT_HZ: u64 = 1_193_182;
const FEMTOSECONDS_PER_NS: u64 = 1_000_000;
const HPET_PERIOD_MAX: u64 = 100_000_000;
/** Length of the measurement: 10 ns of 2 ms are 5 ppm; 838 ns of 20 ms are 42 ppm. */
const HPET_WINDOW_NS: u64 = 2_000_000;
const PIT_WINDOW_NS: u64 = 20_000_000;
/** Reads after which a reference that does not get there counts as broken. */
const READS_MAX: u32 = 100_000;
/** Counter 2: low and high byte, mode 2, binary, from 65,536; latch command for it. */
const PIT_PROGRAM: u32 = 0xb4;
const PIT_LATCH: u32 = 0x80;
const PIT_COUNTER: u32 = PIT_PORT + 2;
const PIT_COMMAND: u32 = PIT_PORT + 3;
const GATE_ON: u32 = 1;
const SPEAKER_ON: u32 = 2;

/** Period of the HPET's counter in femtoseconds, or 0 when there is no usable HPET. */
function hpetPeriod(base: u64): u64 {
  if (base == 0) return 0;
  const period = mmioRead64(base + HPET_CAPABILITIES) >> 32;
  return period > HPET_PERIOD_MAX ? 0 : period;
}

function startReference(hpet: u64, reference: u32): void {
  if (reference == REFERENCE_HPET) {
    const general = mmioRead64(hpet + HPET_CONFIGURATION);
    mmioWrite64(hpet + HPET_CONFIGURATION, general | HPET_ENABLE);
    return;
  }
  const control = portRead8(SYSTEM_CONTROL_PORT) & ~SPEAKER_ON;
  portWrite8(SYSTEM_CONTROL_PORT, control | GATE_ON);
  portWrite8(PIT_COMMAND, PIT_PROGRAM);
  portWrite8(PIT_COUNTER, 0);
  portWrite8(PIT_COUNTER, 0);
  // The count is taken over by the next tick of 838 ns.
  portRead8(SYSTEM_CONTROL_PORT);
  portRead8(SYSTEM_CONTROL_PORT);
}

/** Counts up; only differences within one turn (2^32, 2^16) mean something. */
function readReference(hpet: u64, reference: u32): u32 {
  if (reference == REFERENCE_HPET) return mmioRead32(hpet + HPET_COUNTER);
  const low = portRead8(PIT_COUNTER) & 0xff;
  return 0xffff - (low | ((portRead8(PIT_COUNTER) & 0xff) << 8));
}

/**
 * Measures for 2 ms (HPET) or 20 ms (8254), on the running CPU, whose local APIC timer is stopped
 * afterwards. False when neither reference moves.
 * @param hpet physical address of the HPET, 0 when there is none
 */
export function calibrate(result: Calibration, hpet: u64): bool {
  const lapic = lapicPage();
  const period = hpetPeriod(hpet);
  if (period != 0 && measure(result, REFERENCE_HPET, hpet, period, lapic)) return true;
  if (measure(result, REFERENCE_PIT, hpet, 0, lapic)) return true;
  result.reference = REFERENCE_NONE;
  result.tscFrequency = 0;
  result.lapicFrequency = 0;
  return false;
}

/** The latch holds the 8254's count of the moment of the command, just before the TSC is read. */
@inline
function prepareRead(reference: u32): void {
  if (reference == REFERENCE_PIT) portWrite8(PIT_COMMAND, PIT_LATCH);
}

function elapsedNs(reference: u32, period: u64, counts: u32): u64 {
  if (reference == REFERENCE_HPET) return (<u64>counts * period) / FEMTOSECONDS_PER_NS;
  return (<u64>(counts & 0xffff) * NS_PER_SECOND) / PIT_HZ;
}

function measure(result: Calibration, reference: u32, hpet: u64, period: u64, lapic: u64): bool {
  const window = reference == REFERENCE_HPET ? HPET_WINDOW_NS : PIT_WINDOW_NS;
  startReference(hpet, reference);
  lapicTimerRun(lapic);
  prepareRead(reference);
  const tscStart = timestamp();
  const lapicStart = lapicRead(lapic, APIC_TIMER_CURRENT);
  const start = readReference(hpet, reference);
  for (let read: u32 = 0; read < READS_MAX; read++) {
    prepareRead(reference);
    const tsc = timestamp();
    const lapicNow = lapicRead(lapic, APIC_TIMER_CURRENT);
    const passed = elapsedNs(reference, period, readReference(hpet, reference) - start);
    if (passed < window) continue;
    lapicWrite(lapic, APIC_TIMER_INITIAL, 0);
    result.reference = reference;
    result.tscFrequency = ((tsc - tscStart) * NS_PER_SECOND) / passed;
    result.lapicFrequency = (<u64>(lapicStart - lapicNow) * NS_PER_SECOND) / passed;
    return true;
  }
  lapicWrite(lapic, APIC_TIMER_INITIAL, 0);
  return false;
}
