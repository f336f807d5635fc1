/**
 * One counter of the 8254 (Intel 8254 data sheet, 231164), evaluated only when somebody looks.
 *
 * The counting element changes at each tick of CLK, but between a load and the next change of OUT it
 * is a straight line, so `advanceCounter` walks from one bend to the next and skips whole cycles:
 * any stretch of time costs a handful of steps.
 */
import { NEVER } from "../events";

/** Access modes: bits 5-4 of the control word. */
const ACCESS_LOW: u32 = 1;
const ACCESS_HIGH: u32 = 2;
const ACCESS_BOTH: u32 = 3;
const CONTROL_BCD: u32 = 1;

@unmanaged
export class PitCounter {
  /** Ticks since power-on up to which the fields below hold. */
  tick: u64;
  /** Access mode, mode and BCD as programmed: bits 5-0 of the control word. */
  control: u32;
  /** Mode 0 to 5; the control word's modes 6 and 7 are 2 and 3. */
  mode: u32;
  /** 65,536, or 10,000 when counting in BCD. */
  modulus: u32;
  /** Count register CR: 1 to modulus. */
  reload: u32;
  /** Counting element CE: 0 to modulus, which reads as 0. */
  count: u32;
  /** Count with which the current cycle of modes 2 and 3 began. */
  loaded: u32;
  gate: u32;
  out: u32;
  /** A whole count was written since the control word. */
  armed: u32;
  /** The next tick loads CE from CR. */
  loadNext: u32;
  /** CE was loaded since the control word. */
  running: u32;
  /** The terminal count is past: OUT waits for another load (modes 0, 1, 4, 5). */
  done: u32;
  /** OUT is low for this one tick (modes 4 and 5). */
  strobe: u32;
  /** CR holds a count that CE has not taken yet. */
  nullCount: u32;
  /** OUT rose at least once since the flag was last cleared. */
  rose: u32;
  /** The low byte of a two-byte count waits for the high one. */
  writeHigh: u32;
  lowByte: u32;
  /** The next read of a two-byte count gives the high byte. */
  readHigh: u32;
  countLatched: u32;
  latch: u32;
  statusLatched: u32;
  status: u32;
}

function setOut(counter: PitCounter, level: u32): void {
  if (level > counter.out) counter.rose = 1;
  counter.out = level;
}

/** Writes a control word: the control logic resets at once, CE stands still until a count comes. */
export function programCounter(counter: PitCounter, control: u32): void {
  const mode = (control >> 1) & 7;
  counter.control = control & 0x3f;
  counter.mode = mode > 5 ? mode - 4 : mode;
  counter.modulus = (control & CONTROL_BCD) != 0 ? 10_000 : 65_536;
  counter.armed = 0;
  counter.loadNext = 0;
  counter.running = 0;
  counter.done = 0;
  counter.strobe = 0;
  counter.nullCount = 1;
  counter.writeHigh = 0;
  counter.readHigh = 0;
  counter.countLatched = 0;
  counter.statusLatched = 0;
  setOut(counter, counter.mode == 0 ? 0 : 1);
}

/** Drives GATE: a level for modes 0 and 4, a trigger for 1 and 5, both for 2 and 3. */
export function setGate(counter: PitCounter, level: u32): void {
  if (level == counter.gate) return;
  counter.gate = level;
  const mode = counter.mode;
  if (mode == 0 || mode == 4) return;
  if (level != 0) {
    if (counter.armed) counter.loadNext = 1;
  } else if (mode == 2 || mode == 3) setOut(counter, 1);
}

@inline
function counting(counter: PitCounter): bool {
  if (!counter.running) return false;
  if (counter.mode == 1 || counter.mode == 5) return true;
  return counter.gate != 0 && !(counter.mode == 0 && counter.writeHigh != 0);
}

/** Takes CE from CR. */
function loadCount(counter: PitCounter): void {
  const mode = counter.mode;
  counter.loadNext = 0;
  counter.running = 1;
  counter.nullCount = 0;
  counter.done = 0;
  counter.strobe = 0;
  counter.loaded = counter.reload;
  if (mode == 2 || mode == 3) {
    // A count of 1 is illegal here (data sheet, mode 2 and table of minimum counts): the least is 2.
    counter.loaded = max(counter.reload, 2);
  }
  counter.count = mode == 3 ? counter.loaded & ~1 : counter.loaded;
  if (mode != 0) setOut(counter, mode == 1 ? 0 : 1);
}

/** Half a cycle of mode 3 that begins now is this long; an odd count gives the high half one more. */
@inline
function halfTicks(counter: PitCounter): u32 {
  return (counter.loaded + counter.out) >> 1;
}

/** Ticks of the current half cycle that are left: CE falls by two a tick. */
@inline
function halfLeft(counter: PitCounter): u32 {
  return halfTicks(counter) - (((counter.loaded & ~1) - counter.count) >> 1);
}

/** Modes 0, 1, 4 and 5: down to the terminal count, then on around the modulus. */
function countDown(counter: PitCounter, span: u64): void {
  const count = counter.count;
  if (!counter.done && span >= <u64>count) {
    counter.tick += count;
    counter.count = 0;
    counter.done = 1;
    if (counter.mode >= 4) {
      counter.strobe = 1;
      setOut(counter, 0);
    } else setOut(counter, 1);
    return;
  }
  const modulus = counter.modulus;
  counter.tick += span;
  counter.count = (count + modulus - <u32>(span % modulus)) % modulus;
}

/** Skips cycles of modes 2 and 3 that begin now, end by `target` and begin like this one. */
function skipCycles(counter: PitCounter, target: u64): void {
  const period = <u64>counter.loaded;
  const left = target - counter.tick;
  if (left < period) return;
  counter.tick += left - (left % period);
  counter.rose = 1;
}

/** Mode 2: OUT is low while CE is 1. */
function divide(counter: PitCounter, span: u64): void {
  if (span < <u64>counter.count) {
    counter.tick += span;
    counter.count -= <u32>span;
    if (counter.count == 1) setOut(counter, 0);
    return;
  }
  const target = counter.tick + span;
  setOut(counter, 0);
  counter.tick += counter.count;
  loadCount(counter);
  skipCycles(counter, target);
}

/** Mode 3: OUT changes at the end of each half cycle. */
function square(counter: PitCounter, span: u64): void {
  const left = halfLeft(counter);
  if (span < <u64>left) {
    counter.tick += span;
    counter.count -= <u32>span << 1;
    return;
  }
  const target = counter.tick + span;
  const level = counter.out ^ 1;
  counter.tick += left;
  loadCount(counter);
  setOut(counter, level);
  skipCycles(counter, target);
}

/** One step of at least one tick and at most `span` ticks. */
function advanceStep(counter: PitCounter, span: u64): void {
  if (counter.loadNext) {
    counter.tick += 1;
    loadCount(counter);
  } else if (counter.strobe) {
    counter.tick += 1;
    counter.strobe = 0;
    if (counting(counter)) counter.count = counter.modulus - 1;
    setOut(counter, 1);
  } else if (!counting(counter)) counter.tick += span;
  else if (counter.mode == 2) divide(counter, span);
  else if (counter.mode == 3) square(counter, span);
  else countDown(counter, span);
}

/** Brings the counter up to `target` ticks since power-on; a target in its past changes nothing. */
export function advanceCounter(counter: PitCounter, target: u64): void {
  while (counter.tick < target) {
    advanceStep(counter, target - counter.tick);
  }
}

/** Tick at which OUT may change next if nobody touches the counter; NEVER when it will not. */
export function nextOutTick(counter: PitCounter): u64 {
  if (counter.loadNext || counter.strobe) return counter.tick + 1;
  if (!counting(counter)) return NEVER;
  if (counter.mode == 3) return counter.tick + halfLeft(counter);
  if (counter.mode == 2) return counter.tick + (counter.count == 1 ? 1 : counter.count - 1);
  return counter.done ? NEVER : counter.tick + counter.count;
}

/** BCD digits to a number; a digit above 9 has no meaning on the chip and just weighs more here. */
function fromBcd(value: u32): u32 {
  return (
    (value & 15) + ((value >> 4) & 15) * 10 + ((value >> 8) & 15) * 100 + (value >> 12) * 1000
  );
}

function toBcd(value: u32): u32 {
  return (
    (value % 10) |
    (((value / 10) % 10) << 4) |
    (((value / 100) % 10) << 8) |
    (((value / 1000) % 10) << 12)
  );
}

/** A byte written to the counter's port. */
export function writeCounter(counter: PitCounter, byte: u32): void {
  const access = counter.control >> 4;
  if (access == ACCESS_BOTH && !counter.writeHigh) {
    counter.lowByte = byte;
    counter.writeHigh = 1;
    // Mode 0: the first byte stops the count and takes OUT low without a tick.
    if (counter.mode == 0) setOut(counter, 0);
    return;
  }
  counter.writeHigh = 0;
  if (access == ACCESS_BOTH) setReload(counter, counter.lowByte | (byte << 8));
  else setReload(counter, access == ACCESS_HIGH ? byte << 8 : byte);
}

function setReload(counter: PitCounter, value: u32): void {
  const modulus = counter.modulus;
  const count = modulus == 10_000 ? fromBcd(value) % modulus : value;
  counter.reload = count == 0 ? modulus : count;
  counter.armed = 1;
  counter.nullCount = 1;
  const mode = counter.mode;
  if (mode == 0) setOut(counter, 0);
  if (mode == 0 || mode == 4 || ((mode == 2 || mode == 3) && !counter.running)) counter.loadNext = 1;
}

function currentCount(counter: PitCounter): u32 {
  const count = counter.count % counter.modulus;
  return counter.modulus == 10_000 ? toBcd(count) : count;
}

/** Counter latch command: the count is held until it is read; a second command changes nothing. */
export function latchCount(counter: PitCounter): void {
  if (counter.countLatched) return;
  counter.countLatched = 1;
  counter.latch = currentCount(counter);
}

/**
 * Status half of the read-back command.
 *
 *   bit 7 OUT, 6 null count, 5-4 access, 3-1 mode, 0 BCD
 */
export function latchStatus(counter: PitCounter): void {
  if (counter.statusLatched) return;
  counter.statusLatched = 1;
  counter.status = (counter.out << 7) | (counter.nullCount << 6) | counter.control;
}

/** A byte read from the counter's port: latched status first, then a latched or the live count. */
export function readCounter(counter: PitCounter): u32 {
  if (counter.statusLatched) {
    counter.statusLatched = 0;
    return counter.status;
  }
  const value = counter.countLatched ? counter.latch : currentCount(counter);
  const access = counter.control >> 4;
  if (access == ACCESS_BOTH) {
    counter.readHigh ^= 1;
    if (counter.readHigh) return value & 0xff;
  }
  counter.countLatched = 0;
  return access == ACCESS_LOW ? value & 0xff : value >> 8;
}
