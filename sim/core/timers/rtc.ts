/**
 * MC146818A real-time clock and 128 bytes of CMOS RAM behind ports 0x70 and 0x71.
 *
 * The clock registers are the truth, as on the chip. They are advanced when somebody looks, by the
 * whole number of update cycles that went by; what a guest leaves in them that is no time or date
 * stands still. Updates fall on whole seconds of virtual time until the guest resets the divider.
 */
import { allocate, allocateOne } from "../arena";
import { addPorts } from "../bus/bus";
import { cancelEvent, createEvent, currentTime, NEVER, scheduleAt } from "../events";
import { setLine } from "../interrupts/lines";
import { DEVICE_RTC, EVENT_RTC } from "../kinds";
import { machine } from "../machine";
import { noteRtcInterrupt } from "../platform/power";
import { CYCLES_PER_SECOND, GSI_RTC, RTC_PORT } from "../../spec/platform";
import * as Spec from "../../spec/rtc";
import { advanceRegisters, alarmInLast, setRegisters } from "./rtc_registers";

const CMOS_BYTES: u32 = 128;
const SECOND: u64 = CYCLES_PER_SECOND;
const HALF_SECOND: u64 = CYCLES_PER_SECOND / 2;
const CRYSTAL_HZ: u64 = 32_768;
/** UIP rises 244 us before the update cycle, which takes 1,984 us (data sheet, table 5). */
const UPDATE_CYCLES: u64 = 2_228_000;
const FLAGS: u32 = Spec.RTC_PERIODIC | Spec.RTC_ALARM | Spec.RTC_UPDATE;

@unmanaged
export class Rtc {
  /** 128 bytes: clock, alarm and control registers, then RAM. */
  cmos: usize;
  /** Byte that port 0x71 reaches. */
  index: u32;
  /** Bit 7 of port 0x70: NMI sources of the platform are masked (it has none). */
  nmiMasked: u32;
  /** Flags of register C. */
  flags: u32;
  /** IRQ8 as last driven. */
  line: u32;
  /** The HPET has taken IRQ8 over (legacy replacement route). */
  disconnected: u32;
  event: u32;
  /** Time up to which updates and periodic ticks are dealt with. */
  synchronizedAt: u64;
  /** An update falls on this time and on every second after it. */
  firstUpdate: u64;
}

@inline
function rtc(): Rtc {
  return changetype<Rtc>(machine().rtc);
}

@inline
function cmos(index: u32): u32 {
  return <u32>load<u8>(rtc().cmos + <usize>index);
}

@inline
function dividerRuns(): bool {
  return (cmos(Spec.RTC_A) & Spec.RTC_DIVIDER_MASK) == Spec.RTC_DIVIDER_32768;
}

@inline
function updating(): bool {
  return dividerRuns() && (cmos(Spec.RTC_B) & Spec.RTC_SET) == 0;
}

export function createRtc(): void {
  const state = allocateOne<Rtc>();
  machine().rtc = changetype<usize>(state);
  state.cmos = allocate(CMOS_BYTES);
  state.event = createEvent(EVENT_RTC, 0);
  state.firstUpdate = SECOND;
  store<u8>(state.cmos + Spec.RTC_A, Spec.RTC_DIVIDER_32768 | 6);
  store<u8>(state.cmos + Spec.RTC_B, Spec.RTC_24_HOURS);
  setRegisters(state.cmos, machine().epochSeconds);
  addPorts(DEVICE_RTC, 0, <u16>RTC_PORT, 2);
}

/** Update cycles that end between power-on and `time`, inclusive. */
function updatesBy(time: u64): u64 {
  const first = rtc().firstUpdate;
  return time < first ? 0 : (time - first) / SECOND + 1;
}

/** Crystal periods a periodic interrupt takes (data sheet, table 4); 0 when it is off. */
function periodicUnits(): u64 {
  const rate = cmos(Spec.RTC_A) & Spec.RTC_RATE_MASK;
  if (rate == 0) return 0;
  return <u64>1 << (rate < 3 ? rate + 6 : rate - 1);
}

/** Periodic ticks fall on multiples of their period, which all divide half a second. */
@inline
function periodicOrigin(): u64 {
  return rtc().firstUpdate % HALF_SECOND;
}

/** Periods of `units` crystal periods that end between the origin and `time`, inclusive. */
function periodsBy(time: u64, units: u64): u64 {
  const origin = periodicOrigin();
  if (time < origin) return 0;
  const span = time - origin;
  return ((span / SECOND) * CRYSTAL_HZ + ((span % SECOND) * CRYSTAL_HZ) / SECOND) / units;
}

/** First nanosecond at or after the end of period `index`. */
function periodTime(index: u64, units: u64): u64 {
  const ticks = index * units;
  const part = ((ticks % CRYSTAL_HZ) * SECOND + CRYSTAL_HZ - 1) / CRYSTAL_HZ;
  return periodicOrigin() + (ticks / CRYSTAL_HZ) * SECOND + part;
}

/** Does the updates and sets the flags of everything that happened up to now. */
function synchronize(): void {
  const state = rtc();
  const now = currentTime();
  if (now <= state.synchronizedAt) return;
  const last = state.synchronizedAt;
  state.synchronizedAt = now;
  if (!dividerRuns()) return;
  const units = periodicUnits();
  if (units != 0 && periodsBy(now, units) != periodsBy(last, units)) state.flags |= Spec.RTC_PERIODIC;
  if (!updating()) return;
  const updates = updatesBy(now) - updatesBy(last);
  if (updates == 0) return;
  advanceRegisters(state.cmos, updates);
  state.flags |= Spec.RTC_UPDATE;
  if (alarmInLast(state.cmos, updates)) state.flags |= Spec.RTC_ALARM;
}

/** Drives IRQ8 and asks to be called when a flag may be set that interrupts. */
function update(): void {
  const state = rtc();
  drive((state.flags & cmos(Spec.RTC_B) & FLAGS) != 0 ? 1 : 0);
  const wanted = cmos(Spec.RTC_B) & ~state.flags & FLAGS;
  let next = NEVER;
  if ((wanted & (Spec.RTC_UPDATE | Spec.RTC_ALARM)) != 0 && updating())
    next = state.firstUpdate + updatesBy(state.synchronizedAt) * SECOND;
  const units = periodicUnits();
  if ((wanted & Spec.RTC_PERIODIC) != 0 && units != 0 && dividerRuns())
    next = min(next, periodTime(periodsBy(state.synchronizedAt, units) + 1, units));
  if (next == NEVER) cancelEvent(state.event);
  else scheduleAt(state.event, next);
}

function drive(level: u32): void {
  const state = rtc();
  if (level == state.line) return;
  state.line = level;
  if (level != 0) noteRtcInterrupt();
  if (!state.disconnected) setLine(GSI_RTC, level != 0);
}

/** Takes IRQ8 away from the clock or gives it back (HPET 1.0a, 2.3.5, LEG_RT_CNF). */
export function disconnectRtc(disconnected: bool): void {
  const state = rtc();
  state.disconnected = disconnected ? 1 : 0;
  setLine(GSI_RTC, !disconnected && state.line != 0);
}

export function rtcEvent(): void {
  synchronize();
  update();
}

export function rtcPortRead(offset: u32, bytes: u32): u32 {
  synchronize();
  let value: u32 = 0;
  for (let lane: u32 = 0; lane < bytes; lane++) {
    // The index port cannot be read (ICH9, 13.6.1).
    const byte: u32 = offset + lane == 1 ? readCmos(rtc().index) : 0xff;
    value |= byte << (lane << 3);
  }
  update();
  return value;
}

export function rtcPortWrite(offset: u32, bytes: u32, value: u32): void {
  synchronize();
  for (let lane: u32 = 0; lane < bytes; lane++) {
    const byte = (value >> (lane << 3)) & 0xff;
    if (offset + lane == 0) {
      rtc().index = byte & 0x7f;
      rtc().nmiMasked = byte >> 7;
    } else if (offset + lane == 1) writeCmos(rtc().index, byte);
  }
  update();
}

function readCmos(index: u32): u32 {
  const state = rtc();
  if (index == Spec.RTC_A) return cmos(index) | (updateInProgress() ? Spec.RTC_UPDATE_IN_PROGRESS : 0);
  if (index == Spec.RTC_D) return Spec.RTC_VALID;
  if (index != Spec.RTC_C) return cmos(index);
  const flags = state.flags;
  state.flags = 0;
  return flags | ((flags & cmos(Spec.RTC_B)) != 0 ? Spec.RTC_INTERRUPT : 0);
}

function updateInProgress(): bool {
  if (!updating()) return false;
  const now = currentTime();
  return rtc().firstUpdate + updatesBy(now) * SECOND - now <= UPDATE_CYCLES;
}

function writeCmos(index: u32, byte: u32): void {
  if (index == Spec.RTC_C || index == Spec.RTC_D) return;
  const at = rtc().cmos + <usize>index;
  if (index == Spec.RTC_A) {
    const ran = dividerRuns();
    store<u8>(at, <u8>(byte & ~Spec.RTC_UPDATE_IN_PROGRESS));
    // Out of reset, the first update comes half a second later (data sheet, divider control).
    if (dividerRuns() && !ran) rtc().firstUpdate = rtc().synchronizedAt + HALF_SECOND;
  } else if (index == Spec.RTC_B && (byte & Spec.RTC_SET) != 0) {
    // SET going high clears the update interrupt enable.
    store<u8>(at, <u8>(byte & ~Spec.RTC_UPDATE));
  } else store<u8>(at, <u8>byte);
}
