/**
 * Timers for the tests: takes interrupts for real, in long mode. a = the HPET's address (0 = none).
 * The script at SCRIPT is a count and so many delays in ns; RESULTS gets what came of them.
 */
import { pointer } from "../memory";
import {
  Timer,
  TIMER_DRIVER_HPET,
  TIMER_DRIVER_LAPIC,
  TIMER_OK,
  timerAfter,
  timerCancel,
  timerInterrupt,
  timerNow,
  timerStart,
} from "../timer";
import { calibrate, Calibration } from "../x86_64/calibrate";
import { lapicEnd, lapicPage, lapicWrite } from "../x86_64/lapic";
import { LAPIC_ONE_SHOT } from "../x86_64/lapic_timer";
import {
  enableInterrupts,
  loadGdt,
  loadIdt,
  loadSegment,
  readControl,
  readMsr,
  writeControl,
  writeMsr,
  writeRegister,
} from "../x86_64/machine";
import { APIC_SVR, SVR_ENABLE } from "../../sim/spec/apic";
import { ENTRY_BYTES } from "../../sim/spec/entries";
import {
  CR0_PG,
  CR4_PAE,
  EFER_LME,
  MSR_EFER,
  PAGE_PRESENT,
  PAGE_SIZE,
  PAGE_WRITE,
  REGISTER_RSP,
  SEGMENT_NUMBER_CS,
  SEGMENT_NUMBER_SS,
} from "../../sim/spec/x86";
import { Mailbox, mailbox } from "./mailbox";

const OPERATION_CALIBRATE: u32 = 0x20;
const OPERATION_HPET: u32 = 0x21;
const OPERATION_DEADLINE: u32 = 0x22;
const OPERATION_ONE_SHOT: u32 = 0x23;

const GDT: u64 = 0x1_1000;
const IDT: u64 = 0x1_2000;
const PML4: u64 = 0x1_3000;
const DIRECTORY: u64 = 0x1_4000;
const STACK_TOP: u64 = 0x1_6000;
const STATE: u64 = 0x1_7000;
const SCRIPT: u64 = 0x1_8000;
const RESULTS: u64 = 0x1_9000;
/** In a delay: first set a deadline at half of it, and take that back. */
const CANCEL_FIRST: u64 = 1 << 63;
const RESULT_BYTES: usize = 16;

const KERNEL_TEXT: u64 = 0xffff_ffff_8000_0000;
const CODE: u64 = 0x00af_9b00_0000_ffff;
const DATA: u64 = 0x00cf_9300_0000_ffff;
const SELECTOR_CODE: u32 = 8;
const SELECTOR_DATA: u32 = 16;
const VECTOR: u32 = 0x40;
const SPURIOUS: u32 = 0xff;

@unmanaged
class TimerTest {
  timer: Timer;
  calibration: Calibration;
  shot: u32;
}

@inline
function state(): TimerTest {
  return changetype<TimerTest>(pointer(STATE));
}

/** Long mode over the first GiB, mapped to itself, with one gate. */
function enterLongMode(): void {
  const present: u64 = PAGE_PRESENT | PAGE_WRITE;
  store<u64>(pointer(PML4), DIRECTORY | present);
  store<u64>(pointer(DIRECTORY), present | PAGE_SIZE);
  writeControl(4, readControl(4) | CR4_PAE);
  writeControl(3, PML4);
  writeMsr(<u32>MSR_EFER, readMsr(<u32>MSR_EFER) | EFER_LME);
  writeControl(0, readControl(0) | <u64>CR0_PG);
  store<u64>(pointer(GDT + SELECTOR_CODE), CODE);
  store<u64>(pointer(GDT + SELECTOR_DATA), DATA);
  loadGdt(GDT, 0x17);
  loadSegment(SEGMENT_NUMBER_CS, SELECTOR_CODE);
  loadSegment(SEGMENT_NUMBER_SS, SELECTOR_DATA);
  const entry = KERNEL_TEXT + <u64>(VECTOR * ENTRY_BYTES);
  const gate = pointer(IDT + <u64>VECTOR * 16);
  store<u64>(
    gate,
    (entry & 0xffff) | (<u64>SELECTOR_CODE << 16) | (<u64>0x8e << 40) | (((entry >> 16) & 0xffff) << 48),
  );
  store<u64>(gate + 8, entry >> 32);
  loadIdt(IDT, 0xfff);
  writeRegister(REGISTER_RSP, STACK_TOP);
}

export function testTimers(box: Mailbox): void {
  const test = state();
  test.timer = changetype<Timer>(pointer(STATE) + 0x100);
  test.calibration = changetype<Calibration>(pointer(STATE) + 0x200);
  const calibration = test.calibration;
  lapicWrite(lapicPage(), APIC_SVR, SVR_ENABLE | SPURIOUS);
  const calibrated = calibrate(calibration, box.a);
  if (box.operation == OPERATION_CALIBRATE) {
    box.a = calibration.tscFrequency;
    box.b = calibration.lapicFrequency;
    box.c = calibration.reference;
    box.result = calibrated ? 1 : 0;
    return;
  }
  enterLongMode();
  const timer = test.timer;
  timer.vector = VECTOR;
  if (box.operation == OPERATION_HPET) {
    timer.driver = TIMER_DRIVER_HPET;
    timer.base = box.a;
    timer.comparator = 2;
  } else {
    timer.driver = TIMER_DRIVER_LAPIC;
    timer.frequency = calibration.tscFrequency;
    timer.eventFrequency = calibration.lapicFrequency;
    if (box.operation == OPERATION_ONE_SHOT) timer.mode = LAPIC_ONE_SHOT;
  }
  box.result = timerStart(timer);
  box.a = timer.frequency;
  box.b = timer.maxNs;
  if (box.result != TIMER_OK) return;
  shoot();
  enableInterrupts();
}

/** Sets the next deadline of the script, if there is one. */
function shoot(): void {
  const test = state();
  if (<u64>test.shot >= load<u64>(pointer(SCRIPT))) return;
  const timer = test.timer;
  const word = load<u64>(pointer(SCRIPT) + 8 + (<usize>test.shot << 3));
  const delay = word & ~CANCEL_FIRST;
  if (word != delay) {
    timerAfter(timer, delay >> 1);
    timerCancel(timer);
  }
  timerAfter(timer, delay);
  store<u64>(pointer(RESULTS) + <usize>test.shot * RESULT_BYTES, timer.deadline);
}

/** The timer's vector: `c` counts its interrupts. */
export function timersInterrupt(entry: u32): void {
  if (entry != VECTOR) return;
  const test = state();
  mailbox().c += 1;
  if (timerInterrupt(test.timer)) {
    store<u64>(pointer(RESULTS) + <usize>test.shot * RESULT_BYTES + 8, timerNow(test.timer));
    test.shot += 1;
    shoot();
  }
  lapicEnd(lapicPage());
}
