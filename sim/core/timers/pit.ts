/**
 * Intel 8254 programmable interval timer behind ports 0x40-0x43, and system control port B (0x61).
 *
 * CLK runs at 1,193,182 Hz. Tick n falls on the first nanosecond at or after n / 1,193,182 s since
 * power-on, in integers and always from power-on, so nothing accumulates.
 */
import { allocate, allocateOne } from "../arena";
import { addPorts } from "../bus/bus";
import { cancelEvent, createEvent, currentTime, NEVER, scheduleAt } from "../events";
import { setLine } from "../interrupts/lines";
import { DEVICE_PIT, EVENT_PIT } from "../kinds";
import { machine, Ptr } from "../machine";
import { CYCLES_PER_SECOND, GSI_PIT, PIT_PORT, SYSTEM_CONTROL_PORT } from "../../spec/platform";
import {
  advanceCounter,
  latchCount,
  latchStatus,
  nextOutTick,
  PitCounter,
  programCounter,
  readCounter,
  setGate,
  writeCounter,
} from "./counter";

const PIT_HZ: u64 = 1_193_182;
const COUNTERS: u32 = 3;
/** Which of the two port ranges: the chip itself, or port 0x61. */
const PORTS_CHIP: u32 = 0;
const PORTS_CONTROL: u32 = 1;
/** Port 0x61: gate of counter 2, speaker data, and the two NMI sources' masks are writable. */
const CONTROL_B_WRITABLE: u32 = 0x0f;
/** A refresh request every 18 ticks (about 15 microseconds) toggles bit 4. */
const REFRESH_TICKS: u64 = 18;
/** Mode 3, two-byte access: what firmware leaves, but no count, so that no interrupt comes. */
const CONTROL_AT_RESET: u32 = 0x36;

@unmanaged
export class Pit {
  counters: Ptr<PitCounter>;
  /** Event slot for the next change of OUT of counter 0. */
  event: u32;
  /** Writable bits of port 0x61. */
  controlB: u32;
  /** IRQ0 as last driven. */
  line: u32;
  /** The HPET has taken IRQ0 over (legacy replacement route). */
  disconnected: u32;
}

@inline
function pit(): Pit {
  return changetype<Pit>(machine().pit);
}

@inline
function counterAt(index: u32): PitCounter {
  return changetype<PitCounter>(pit().counters + <usize>index * offsetof<PitCounter>());
}

/** Ticks of CLK between power-on and `time`. */
export function pitTicks(time: u64): u64 {
  const second: u64 = CYCLES_PER_SECOND;
  return (time / second) * PIT_HZ + ((time % second) * PIT_HZ) / second;
}

/** Time of tick `tick`. */
function tickTime(tick: u64): u64 {
  const second: u64 = CYCLES_PER_SECOND;
  return (tick / PIT_HZ) * second + ((tick % PIT_HZ) * second + PIT_HZ - 1) / PIT_HZ;
}

export function createPit(): void {
  const state = allocateOne<Pit>();
  machine().pit = changetype<usize>(state);
  state.counters = allocate(COUNTERS * offsetof<PitCounter>());
  state.event = createEvent(EVENT_PIT, 0);
  for (let index: u32 = 0; index < COUNTERS; index++) {
    const counter = counterAt(index);
    // Gates 0 and 1 are tied high; gate 2 is bit 0 of port 0x61.
    counter.gate = index < 2 ? 1 : 0;
    programCounter(counter, CONTROL_AT_RESET | (index << 6));
  }
  addPorts(DEVICE_PIT, PORTS_CHIP, <u16>PIT_PORT, 4);
  addPorts(DEVICE_PIT, PORTS_CONTROL, <u16>SYSTEM_CONTROL_PORT, 1);
  update();
}

/** Brings the counters up to the present. */
function synchronize(): void {
  const now = pitTicks(currentTime());
  for (let index: u32 = 0; index < COUNTERS; index++) advanceCounter(counterAt(index), now);
}

/** Carries OUT of counter 0 to IRQ0 and asks to be called at its next change. */
function update(): void {
  const state = pit();
  const counter = counterAt(0);
  // A whole pulse that went by unseen is still an edge.
  if (counter.rose && state.line) drive(0);
  if (counter.rose && !counter.out) drive(1);
  counter.rose = 0;
  drive(counter.out);
  const next = nextOutTick(counter);
  if (next == NEVER) cancelEvent(state.event);
  else scheduleAt(state.event, tickTime(next));
}

function drive(level: u32): void {
  const state = pit();
  if (level == state.line) return;
  state.line = level;
  if (!state.disconnected) setLine(GSI_PIT, level != 0);
}

/** Takes IRQ0 away from counter 0 or gives it back (HPET 1.0a, 2.3.5, LEG_RT_CNF). */
export function disconnectPit(disconnected: bool): void {
  const state = pit();
  state.disconnected = disconnected ? 1 : 0;
  setLine(GSI_PIT, !disconnected && state.line != 0);
}

export function pitEvent(): void {
  synchronize();
  update();
}

export function pitPortRead(range: u32, offset: u32, bytes: u32): u32 {
  synchronize();
  let value: u32 = 0;
  for (let lane: u32 = 0; lane < bytes; lane++) value |= readByte(range, offset + lane) << (lane << 3);
  update();
  return value;
}

export function pitPortWrite(range: u32, offset: u32, bytes: u32, value: u32): void {
  synchronize();
  for (let lane: u32 = 0; lane < bytes; lane++)
    writeByte(range, offset + lane, (value >> (lane << 3)) & 0xff);
  update();
}

function readByte(range: u32, offset: u32): u32 {
  if (range == PORTS_CONTROL) return offset == 0 ? readControlB() : 0xff;
  return offset < COUNTERS ? readCounter(counterAt(offset)) : 0xff;
}

function writeByte(range: u32, offset: u32, byte: u32): void {
  if (range == PORTS_CONTROL) {
    if (offset == 0) writeControlB(byte);
  } else if (offset < COUNTERS) writeCounter(counterAt(offset), byte);
  else if (offset == COUNTERS) writeControl(byte);
}

/**
 * Control word (port 0x43).
 *
 *   7-6 counter, 5-4 access (0 = latch count), 3-1 mode, 0 BCD
 *   7-6 = 3: read-back; 5 = 0 latch counts, 4 = 0 latch statuses, 3-1 = counters 2-0
 */
function writeControl(byte: u32): void {
  const select = byte >> 6;
  if (select < COUNTERS) {
    if ((byte & 0x30) == 0) latchCount(counterAt(select));
    else programCounter(counterAt(select), byte);
    return;
  }
  for (let index: u32 = 0; index < COUNTERS; index++) {
    if (((byte >> (index + 1)) & 1) == 0) continue;
    if ((byte & 0x20) == 0) latchCount(counterAt(index));
    if ((byte & 0x10) == 0) latchStatus(counterAt(index));
  }
}

/**
 * System control port B (Intel ICH9, 13.7.1 NMI_SC).
 *
 *   0 gate of counter 2, 1 speaker data, 2-3 SERR# and IOCHK# NMI masks: writable
 *   4 refresh toggle, 5 OUT of counter 2, 6-7 IOCHK# and SERR# NMI: none here
 */
function readControlB(): u32 {
  const refresh = <u32>(pitTicks(currentTime()) / REFRESH_TICKS) & 1;
  return pit().controlB | (refresh << 4) | (counterAt(2).out << 5);
}

function writeControlB(byte: u32): void {
  pit().controlB = byte & CONTROL_B_WRITABLE;
  setGate(counterAt(2), byte & 1);
}
