/**
 * High precision event timer (IA-PC HPET 1.0a): a 64-bit up-counter of 10 ns and three comparators.
 *
 * The counter is never stepped: it is `base` plus the number of 10 ns ticks since power-on. A timer
 * remembers the tick up to which its comparator was compared, so matches are found by subtraction
 * and any number of periods that went by costs one division.
 */
import { allocate, allocateOne } from "../arena";
import { addRegion } from "../bus/bus";
import { cancelEvent, createEvent, currentTime, NEVER, scheduleAt } from "../events";
import { setLine } from "../interrupts/lines";
import { requestInterrupt } from "../iommu/remap";
import { DEVICE_HPET, EVENT_HPET } from "../kinds";
import { machine, Ptr } from "../machine";
import { allOnes } from "../ram";
import { trace } from "../trace";
import * as Spec from "../../spec/hpet";
import { GSI_COUNT, GSI_PIT, GSI_RTC, HPET_BASE, HPET_REQUESTER } from "../../spec/platform";
import { TRACE_MSI } from "../../spec/trace";
import { disconnectPit } from "./pit";
import { disconnectRtc } from "./rtc";

const TIMERS: u32 = 3;
const FIRST_TIMER: u32 = Spec.HPET_TIMER;
const NOWHERE: u32 = GSI_COUNT;
const TICK_CYCLES: u64 = 10;
/**
 * Matches of a periodic timer within a microsecond are one event: they would meet in the same IRR
 * bit. Bounds what a guest can ask for.
 */
const MERGE_TICKS: u64 = 100;
/** A distance that no run ends: 2^60 ticks are 365 years. */
const FAR: u64 = 1 << 60;

/** Intel, revision 1, three 64-bit timers, legacy replacement, 10 ns. */
const CAPABILITIES: u64 =
  (<u64>Spec.HPET_PERIOD_FEMTOSECONDS << 32) |
  (<u64>0x8086 << 16) |
  <u64>Spec.HPET_CAP_LEGACY |
  <u64>Spec.HPET_CAP_64BIT |
  <u64>((TIMERS - 1) << Spec.HPET_CAP_TIMERS_SHIFT) |
  1;
/** GSIs that a timer can be routed to: 20-23, which no PCI slot of the platform uses. */
const ROUTES: u32 = 0x00f0_0000;
const ROUTE_MASK: u32 = 31 << Spec.HPET_TIMER_ROUTE_SHIFT;
const TIMER_CAPABILITIES: u32 =
  Spec.HPET_TIMER_PERIODIC_CAP | Spec.HPET_TIMER_64BIT_CAP | Spec.HPET_TIMER_FSB_CAP;
const TIMER_WRITABLE: u32 =
  Spec.HPET_TIMER_LEVEL |
  Spec.HPET_TIMER_INTERRUPT |
  Spec.HPET_TIMER_PERIODIC |
  Spec.HPET_TIMER_VALUE_SET |
  Spec.HPET_TIMER_32BIT |
  Spec.HPET_TIMER_FSB_ENABLE;

@unmanaged
export class HpetTimer {
  comparator: u64;
  /** Value last written to the comparator: what periodic mode adds at each match. */
  period: u64;
  /** Matches up to and including this tick are dealt with. */
  checkedTick: u64;
  /** Writable bits and route. */
  config: u32;
  fsbValue: u32;
  fsbAddress: u32;
  /** Event slot for the next match. */
  event: u32;
}

@unmanaged
export class Hpet {
  /** Counter minus ticks since power-on while it runs; the counter itself while it is halted. */
  base: u64;
  config: u32;
  /** Interrupt status of level-triggered timers. */
  status: u32;
  /** Bit n: GSI n is held high for a level-triggered timer. */
  lines: u32;
  timers: Ptr<HpetTimer>;
}

@inline
function hpet(): Hpet {
  return changetype<Hpet>(machine().hpet);
}

@inline
function timerAt(index: u32): HpetTimer {
  return changetype<HpetTimer>(hpet().timers + <usize>index * offsetof<HpetTimer>());
}

@inline
function presentTick(): u64 {
  return currentTime() / TICK_CYCLES;
}

@inline
function enabled(): bool {
  return (hpet().config & Spec.HPET_ENABLE) != 0;
}

@inline
function legacy(): bool {
  const both: u32 = Spec.HPET_ENABLE | Spec.HPET_LEGACY;
  return (hpet().config & both) == both;
}

/** The bits that the timer compares. */
@inline
function widthMask(timer: HpetTimer): u64 {
  return (timer.config & Spec.HPET_TIMER_32BIT) != 0 ? 0xffff_ffff : 0xffff_ffff_ffff_ffff;
}

export function createHpet(): void {
  const state = allocateOne<Hpet>();
  machine().hpet = changetype<usize>(state);
  state.timers = allocate(TIMERS * offsetof<HpetTimer>());
  for (let index: u32 = 0; index < TIMERS; index++) {
    const timer = timerAt(index);
    timer.comparator = 0xffff_ffff_ffff_ffff;
    timer.event = createEvent(EVENT_HPET, index);
  }
  addRegion(DEVICE_HPET, 0, <u64>HPET_BASE, Spec.HPET_BYTES, true);
}

/** First tick after `checkedTick` at which the counter equals the comparator, or NEVER. */
function matchTick(timer: HpetTimer): u64 {
  const mask = widthMask(timer);
  let distance = (timer.comparator - (hpet().base + timer.checkedTick)) & mask;
  if (distance == 0) distance = mask == 0xffff_ffff ? mask + 1 : FAR;
  return distance >= FAR ? NEVER : timer.checkedTick + distance;
}

/** Deals with the matches up to now; several of one timer that nobody saw are one interrupt. */
function synchronize(): void {
  if (!enabled()) return;
  const now = presentTick();
  for (let index: u32 = 0; index < TIMERS; index++) {
    const timer = timerAt(index);
    const match = matchTick(timer);
    const due = match != NEVER && match <= now;
    if (due && (timer.config & Spec.HPET_TIMER_PERIODIC) != 0 && timer.period != 0) {
      const periods = (now - match) / timer.period + 1;
      timer.comparator = (timer.comparator + periods * timer.period) & widthMask(timer);
    }
    // A CPU may see an earlier time than another has seen; matches are never taken twice.
    if (<i64>(now - timer.checkedTick) > 0) timer.checkedTick = now;
    if (due) fire(index);
  }
}

function fire(index: u32): void {
  const timer = timerAt(index);
  const level = (timer.config & Spec.HPET_TIMER_LEVEL) != 0;
  if (level) hpet().status |= 1 << index;
  if ((timer.config & Spec.HPET_TIMER_INTERRUPT) == 0) return;
  if ((timer.config & Spec.HPET_TIMER_FSB_ENABLE) != 0)
    sendMessage(timer);
  else if (level) updateLines();
  else pulse(route(index));
}

/** FSB interrupt delivery (2.4.2): the value is written to the address. */
function sendMessage(timer: HpetTimer): void {
  trace(<u16>TRACE_MSI, HPET_REQUESTER, 0, <u64>timer.fsbAddress, <u64>timer.fsbValue);
  requestInterrupt(HPET_REQUESTER, <u64>timer.fsbAddress, timer.fsbValue);
}

/** GSI of the timer; NOWHERE when its route leads nowhere (as after reset). */
function route(index: u32): u32 {
  if (index < 2 && legacy()) return index == 0 ? GSI_PIT : GSI_RTC;
  const gsi = (timerAt(index).config & ROUTE_MASK) >> Spec.HPET_TIMER_ROUTE_SHIFT;
  return ((ROUTES >> gsi) & 1) != 0 ? gsi : NOWHERE;
}

function pulse(gsi: u32): void {
  if (gsi >= NOWHERE || ((hpet().lines >> gsi) & 1) != 0) return;
  setLine(gsi, true);
  setLine(gsi, false);
}

/** Drives the lines of level-triggered timers: the OR of those that share one. */
function updateLines(): void {
  const state = hpet();
  let lines: u32 = 0;
  for (let index: u32 = 0; index < TIMERS; index++) {
    const config = timerAt(index).config;
    const wanted: u32 = Spec.HPET_TIMER_LEVEL | Spec.HPET_TIMER_INTERRUPT;
    const mask: u32 = wanted | Spec.HPET_TIMER_FSB_ENABLE;
    const gsi = route(index);
    if ((config & mask) != wanted || !enabled() || gsi >= NOWHERE) continue;
    lines |= ((state.status >> index) & 1) << gsi;
  }
  let changed = lines ^ state.lines;
  state.lines = lines;
  while (changed != 0) {
    const gsi = <u32>ctz(changed);
    changed &= changed - 1;
    setLine(gsi, ((lines >> gsi) & 1) != 0);
  }
}

/** From the next match of a periodic timer to the last that is merged with it. */
function mergedTicks(timer: HpetTimer): u64 {
  const period = timer.period;
  const periodic = (timer.config & Spec.HPET_TIMER_PERIODIC) != 0;
  return periodic && period != 0 && period < MERGE_TICKS ? (MERGE_TICKS / period) * period : 0;
}

/** Asks to be called at the next match of every timer that interrupts; the others can wait. */
function schedule(): void {
  for (let index: u32 = 0; index < TIMERS; index++) {
    const timer = timerAt(index);
    const live = enabled() && (timer.config & Spec.HPET_TIMER_INTERRUPT) != 0;
    const match = live ? matchTick(timer) : NEVER;
    if (match == NEVER) cancelEvent(timer.event);
    else scheduleAt(timer.event, (match + mergedTicks(timer)) * TICK_CYCLES);
  }
}

export function hpetEvent(): void {
  synchronize();
  schedule();
}

function counterValue(): u64 {
  const state = hpet();
  return enabled() ? state.base + presentTick() : state.base;
}

/** The 64-bit register at `offset`, a multiple of 8. */
function readRegister(offset: u32): u64 {
  const state = hpet();
  if (offset == Spec.HPET_CAPABILITIES) return CAPABILITIES;
  if (offset == Spec.HPET_CONFIGURATION) return <u64>state.config;
  if (offset == Spec.HPET_STATUS) return <u64>state.status;
  if (offset == Spec.HPET_COUNTER) return counterValue();
  const index = (offset - Spec.HPET_TIMER) / Spec.HPET_TIMER_BYTES;
  if (offset < FIRST_TIMER || index >= TIMERS) return 0;
  const timer = timerAt(index);
  switch (offset & (Spec.HPET_TIMER_BYTES - 1)) {
    case Spec.HPET_TIMER_CONFIGURATION:
      return (<u64>ROUTES << 32) | <u64>((timer.config | TIMER_CAPABILITIES) & ~Spec.HPET_TIMER_VALUE_SET);
    case Spec.HPET_TIMER_COMPARATOR:
      return timer.comparator;
    case Spec.HPET_TIMER_FSB:
      return (<u64>timer.fsbAddress << 32) | <u64>timer.fsbValue;
    default:
      return 0;
  }
}

/** Reads 1 to 8 bytes; the specification knows aligned 4 and 8, the others read the bytes there. */
export function hpetRead(offset: u32, bytes: u32): u64 {
  // The counter is read often, and no match changes it.
  if ((offset & ~7) != Spec.HPET_COUNTER) {
    synchronize();
    schedule();
  }
  return (readRegister(offset & ~7) >> ((offset & 7) << 3)) & allOnes(bytes);
}

/** Writes 1 to 8 bytes of one 64-bit register; bytes beyond its end are dropped. */
export function hpetWrite(offset: u32, bytes: u32, value: u64): void {
  synchronize();
  const shift = (offset & 7) << 3;
  writeRegister(offset & ~7, value << shift, allOnes(bytes) << shift);
  updateLines();
  schedule();
}

/** Writes the bits `mask` of a register. */
function writeRegister(offset: u32, value: u64, mask: u64): void {
  const state = hpet();
  if (offset == Spec.HPET_CONFIGURATION) {
    writeConfiguration(<u32>merge(<u64>state.config, value, mask) & (Spec.HPET_ENABLE | Spec.HPET_LEGACY));
  } else if (offset == Spec.HPET_STATUS) {
    state.status &= ~<u32>(value & mask);
  } else if (offset == Spec.HPET_COUNTER) {
    // A running counter cannot be written (2.3.7).
    if (!enabled()) state.base = merge(state.base, value, mask);
  } else if (offset >= FIRST_TIMER) {
    const index = (offset - Spec.HPET_TIMER) / Spec.HPET_TIMER_BYTES;
    if (index < TIMERS) writeTimer(timerAt(index), offset & (Spec.HPET_TIMER_BYTES - 1), value, mask);
  }
}

@inline
function merge(old: u64, value: u64, mask: u64): u64 {
  return (old & ~mask) | (value & mask);
}

function writeConfiguration(config: u32): void {
  const state = hpet();
  const wasEnabled = enabled();
  const wasLegacy = legacy();
  state.config = config;
  const now = presentTick();
  if (enabled() && !wasEnabled) {
    state.base -= now;
    // The value at which the counter starts is compared too.
    for (let index: u32 = 0; index < TIMERS; index++) timerAt(index).checkedTick = now - 1;
  } else if (!enabled() && wasEnabled) state.base += now;
  if (legacy() == wasLegacy) return;
  // Our own lines leave IRQ0 and IRQ8 before the 8254 and the RTC come back to them.
  updateLines();
  disconnectPit(legacy());
  disconnectRtc(legacy());
}

function writeTimer(timer: HpetTimer, register: u32, value: u64, mask: u64): void {
  switch (register) {
    case Spec.HPET_TIMER_CONFIGURATION:
      writeTimerConfiguration(timer, <u32>merge(<u64>timer.config, value, mask));
      break;
    case Spec.HPET_TIMER_COMPARATOR:
      writeComparator(timer, value, mask & widthMask(timer));
      break;
    case Spec.HPET_TIMER_FSB:
      timer.fsbValue = <u32>merge(<u64>timer.fsbValue, value, mask);
      timer.fsbAddress = <u32>merge(<u64>timer.fsbAddress, value >> 32, mask >> 32);
      break;
    default:
  }
}

/** A route that the timer does not have is not taken: software reads back what it got (2.3.8). */
function writeTimerConfiguration(timer: HpetTimer, config: u32): void {
  const gsi = (config & ROUTE_MASK) >> Spec.HPET_TIMER_ROUTE_SHIFT;
  const routed = ((ROUTES >> gsi) & 1) != 0 ? config : timer.config;
  timer.config = (config & TIMER_WRITABLE) | (routed & ROUTE_MASK);
  timer.comparator &= widthMask(timer);
  timer.period &= widthMask(timer);
}

/**
 * In periodic mode the accumulator changes only with VAL_SET, which clears itself; without, a write
 * gives the period alone (2.3.9.2.2).
 */
function writeComparator(timer: HpetTimer, value: u64, mask: u64): void {
  const periodic = (timer.config & Spec.HPET_TIMER_PERIODIC) != 0;
  if (!periodic || (timer.config & Spec.HPET_TIMER_VALUE_SET) != 0) {
    timer.comparator = merge(timer.comparator, value, mask);
    // A comparator equal to the counter matches at once.
    timer.checkedTick = presentTick() - 1;
  }
  timer.period = merge(timer.period, value, mask);
  timer.config &= ~Spec.HPET_TIMER_VALUE_SET;
}
