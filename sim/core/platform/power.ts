/**
 * Power management: the PM1 block and PM timer of ACPI 6.3, 4.8; the reset control register of the
 * ICH9 (data sheet, 13.7.5); pvpanic (QEMU docs/specs/pvpanic); a debug exit port, for machines that
 * are made with one (QEMU's isa-debug-exit).
 *
 *   PM1_EVENT_PORT + 0   status    W1C   0 TMR_STS  5 GBL_STS  8 PWRBTN_STS  10 RTC_STS
 *                  + 2   enable    R/W   0 TMR_EN   5 GBL_EN   8 PWRBTN_EN   10 RTC_EN
 *                  + 4   control         0 SCI_EN (always 1)  1 BM_RLD  2 GBL_RLS (reads 0)
 *                                        10-12 SLP_TYP  13 SLP_EN (reads 0)
 *                  + 8   PM timer  R/O   32 bits
 *
 * SCI_EN can't be cleared: the platform has no legacy mode and the FADT no SMI_CMD.
 */
import { allocateOne } from "../arena";
import { addPorts } from "../bus/bus";
import { cancelEvent, createEvent, currentTime, scheduleAt } from "../events";
import { setLine } from "../interrupts/lines";
import { DEVICE_POWER, EVENT_POWER } from "../kinds";
import { machine } from "../machine";
import { allOnes } from "../ram";
import { stopMachine } from "../stop";
import { pmTimerCycles, pmTimerTicks } from "./pmtimer";
import {
  PM1_BUS_MASTER_RELOAD,
  PM1_CONTROL_AT,
  PM1_ENABLE_AT,
  PM1_GLOBAL_LOCK,
  PM1_POWER_BUTTON,
  PM1_RTC,
  PM1_SCI_ENABLE,
  PM1_SLEEP_ENABLE,
  PM1_SLEEP_TYPE_MASK,
  PM1_SLEEP_TYPE_SHIFT,
  PM1_STATUS_AT,
  PM1_TIMER,
  PM_PORTS,
  PM_TIMER_AT,
  PVPANIC_CRASH_LOADED,
  PVPANIC_PANICKED,
  RESET_CPU,
  RESET_FULL,
  RESET_SYSTEM,
  SLEEP_TYPE_S5,
} from "../../spec/acpi";
import { GSI_SCI, PM1_EVENT_PORT, PVPANIC_PORT, RESET_PORT } from "../../spec/platform";
import { STOP_DEBUG_EXIT, STOP_PANIC, STOP_POWER_OFF, STOP_RESET } from "../../spec/stops";

/** Which group of ports an access belongs to. */
const GROUP_PM: u32 = 0;
const GROUP_RESET: u32 = 1;
const GROUP_PANIC: u32 = 2;
const GROUP_DEBUG_EXIT: u32 = 3;
/** Ports that the debug exit takes, as QEMU's when it is given `iosize=4`. */
const DEBUG_EXIT_PORTS: u32 = 4;

const TIMER_OFFSET: u32 = PM_TIMER_AT;
const EVENTS: u32 = PM1_TIMER | PM1_GLOBAL_LOCK | PM1_POWER_BUTTON | PM1_RTC;
const CONTROL_STORED: u32 = PM1_BUS_MASTER_RELOAD | PM1_SLEEP_TYPE_MASK;
const PVPANIC_SUPPORTED: u32 = PVPANIC_PANICKED | PVPANIC_CRASH_LOADED;
/** TMR_STS is set whenever the timer's highest bit changes: every 2^31 ticks, about 600 s. */
const TIMER_TOP_BIT: u64 = 31;

@unmanaged
export class Power {
  pm1Status: u16;
  pm1Enable: u16;
  pm1Control: u16;
  resetControl: u8;
  /** The guest said that its crash kernel takes over. */
  crashLoaded: u8;
  /** Level of the SCI line. */
  sci: u32;
  /** Changes of the timer's highest bit that TMR_STS has taken note of. */
  timerHalves: u32;
  timerEvent: u32;
}

@inline
function power(): Power {
  return changetype<Power>(machine().power);
}

/** To be called before the PCI ports are added: 0xCF9 lies among them, and the first one keeps it. */
export function createPower(): void {
  const state = allocateOne<Power>();
  machine().power = changetype<usize>(state);
  state.pm1Control = <u16>PM1_SCI_ENABLE;
  state.timerEvent = createEvent(EVENT_POWER, 0);
  addPorts(DEVICE_POWER, GROUP_PM, <u16>PM1_EVENT_PORT, PM_PORTS);
  addPorts(DEVICE_POWER, GROUP_RESET, <u16>RESET_PORT, 1);
  addPorts(DEVICE_POWER, GROUP_PANIC, <u16>PVPANIC_PORT, 1);
  const debugExit = machine().debugExitPort;
  if (debugExit != 0) addPorts(DEVICE_POWER, GROUP_DEBUG_EXIT, <u16>debugExit, DEBUG_EXIT_PORTS);
}

export function powerPortRead(group: u32, offset: u32, bytes: u32): u32 {
  if (group == GROUP_RESET) return power().resetControl;
  if (group == GROUP_PANIC) return PVPANIC_SUPPORTED;
  if (group == GROUP_DEBUG_EXIT) return 0;
  noteTimer();
  const state = power();
  const timer = pmTimerTicks(currentTime()) & 0xffff_ffff;
  const low =
    <u64>state.pm1Status | (<u64>state.pm1Enable << 16) | (<u64>state.pm1Control << 32);
  const image = offset < TIMER_OFFSET ? low >> (offset << 3) : timer >> ((offset - TIMER_OFFSET) << 3);
  return <u32>(image & allOnes(bytes));
}

/**
 * A write may cover a part of a register or several registers: each gets the bits that are its own.
 */
export function powerPortWrite(group: u32, offset: u32, bytes: u32, value: u32): void {
  if (group == GROUP_RESET) return writeReset(value & 0xff);
  if (group == GROUP_PANIC) return writePanic(value);
  if (group == GROUP_DEBUG_EXIT) return writeDebugExit(value);
  if (offset >= TIMER_OFFSET) return;
  const written = (<u64>value & allOnes(bytes)) << (offset << 3);
  const mask = allOnes(bytes) << (offset << 3);
  noteTimer();
  const state = power();
  state.pm1Status &= ~(<u16>(written >> (PM1_STATUS_AT << 3)));
  const enableMask = <u16>(mask >> (PM1_ENABLE_AT << 3)) & <u16>EVENTS;
  state.pm1Enable = (state.pm1Enable & ~enableMask) | (<u16>(written >> (PM1_ENABLE_AT << 3)) & enableMask);
  eventsChanged();
  const control = <u32>(mask >> (PM1_CONTROL_AT << 3)) & 0xffff;
  if (control != 0) writeControl(control, <u32>(written >> (PM1_CONTROL_AT << 3)) & 0xffff);
}

function writeControl(mask: u32, value: u32): void {
  const state = power();
  const stored = mask & CONTROL_STORED;
  state.pm1Control = <u16>(((<u32>state.pm1Control & ~stored) | (value & stored)));
  if ((value & PM1_SLEEP_ENABLE) == 0) return;
  // S1 to S4 do not exist here: the request has no effect, and WAK_STS stays clear.
  const sleepType = (<u32>state.pm1Control & PM1_SLEEP_TYPE_MASK) >> PM1_SLEEP_TYPE_SHIFT;
  if (sleepType == SLEEP_TYPE_S5) stopMachine(STOP_POWER_OFF);
}

/**
 * A reset begins when RST_CPU goes from 0 to 1; SYS_RST and FULL_RST say which. A soft one would
 * pulse INIT# and enter the firmware at the reset vector, which ends the run like a hard one.
 */
function writeReset(value: u32): void {
  const state = power();
  const before: u32 = state.resetControl;
  state.resetControl = <u8>(value & (RESET_SYSTEM | RESET_CPU | RESET_FULL));
  if ((before & RESET_CPU) == 0 && (value & RESET_CPU) != 0) stopMachine(STOP_RESET);
}

function writePanic(value: u32): void {
  if (value & PVPANIC_CRASH_LOADED) power().crashLoaded = 1;
  if (value & PVPANIC_PANICKED) stopMachine(STOP_PANIC);
}

function writeDebugExit(value: u32): void {
  machine().debugExitValue = value;
  stopMachine(STOP_DEBUG_EXIT);
}

/** Brings TMR_STS up to date: it is computed when somebody looks, so an idle timer costs nothing. */
function noteTimer(): void {
  const state = power();
  const halves = <u32>(pmTimerTicks(currentTime()) >> TIMER_TOP_BIT);
  // Another CPU may be a little behind the one that looked last.
  if (halves <= state.timerHalves) return;
  state.timerHalves = halves;
  state.pm1Status |= <u16>PM1_TIMER;
}

/** SCI is a level: high while an enabled event's status bit is set. */
function eventsChanged(): void {
  const state = power();
  const pending = <u32>state.pm1Status & <u32>state.pm1Enable & EVENTS;
  const level: u32 = pending != 0 ? 1 : 0;
  if (level != state.sci) {
    state.sci = level;
    setLine(GSI_SCI, level != 0);
  }
  if ((state.pm1Enable & PM1_TIMER) == 0 || (state.pm1Status & PM1_TIMER) != 0)
    return cancelEvent(state.timerEvent);
  const next = (<u64>state.timerHalves + 1) << TIMER_TOP_BIT;
  scheduleAt(state.timerEvent, pmTimerCycles(next));
}

/** The timer's highest bit changes while its event is enabled. */
export function powerEvent(argument: u32): void {
  noteTimer();
  eventsChanged();
}

/** The real-time clock asserts its interrupt: RTC_STS, and SCI when the guest enabled it (ICH9, 13.8.3.1). */
export function noteRtcInterrupt(): void {
  power().pm1Status |= <u16>PM1_RTC;
  eventsChanged();
}

/** The host presses the power button: PWRBTN_STS, and SCI when the guest enabled it. */
export function pressPowerButton(): void {
  noteTimer();
  power().pm1Status |= <u16>PM1_POWER_BUTTON;
  eventsChanged();
}
