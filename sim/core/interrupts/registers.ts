/**
 * The registers of the local APIC behind both of its doors, the xAPIC page and the x2APIC MSRs
 * (Intel SDM 3A, tables 10-1 and 10-6). `slot` is the page offset divided by 16.
 */
import { cpuSignal } from "../cpu/cpu";
import {
  APIC_DFR,
  APIC_EOI,
  APIC_ESR,
  APIC_ICR_HIGH,
  APIC_ICR_LOW,
  APIC_ID,
  APIC_IRR,
  APIC_ISR,
  APIC_LDR,
  APIC_LVT_TIMER,
  APIC_PPR,
  APIC_SVR,
  APIC_TIMER_CURRENT,
  APIC_TIMER_DIVIDE,
  APIC_TIMER_INITIAL,
  APIC_TMR,
  APIC_TPR,
  APIC_VERSION,
  APIC_VERSION_VALUE,
  ICR_BUSY,
  LVT_LEVEL,
  LVT_MASKED,
  LVT_REMOTE_IRR,
  SVR_ENABLE,
} from "../../spec/apic";
import { ioapicRetry } from "./ioapic";
import { evaluateLint0 } from "./local";
import { endOfInterrupt, processorPriority } from "./priority";
import {
  IRR,
  ISR,
  isX2apic,
  Lapic,
  logicalId,
  lvt,
  LVT_COUNT,
  LVT_LINT0,
  LVT_TIMER,
  maskLvts,
  setLvt,
  TMR,
  vectorWord,
} from "./state";
import {
  currentCount,
  timerModeChanged,
  writeDivide,
  writeInitialCount,
} from "./timer";

/** What the registers of each slot allow. */
export const ACCESS_NONE: u8 = 0;
export const ACCESS_READ: u8 = 1;
export const ACCESS_WRITE: u8 = 2;
const R: u8 = ACCESS_READ;
const W: u8 = ACCESS_WRITE;
const RW: u8 = ACCESS_READ | ACCESS_WRITE;

/** xAPIC page, slots 0x00-0x3f; everything above is reserved. */
const XAPIC_ACCESS: StaticArray<u8> = [
  0, 0, R, R, 0, 0, 0, 0, RW, R, R, W, R, RW, RW, RW, // ID version TPR APR PPR EOI RRD LDR DFR SVR
  R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, // ISR TMR
  R, R, R, R, R, R, R, R, RW, 0, 0, 0, 0, 0, 0, 0, // IRR ESR
  RW, RW, RW, RW, RW, RW, RW, RW, RW, R, 0, 0, 0, 0, RW, 0, // ICR LVT counts divide
];
/** x2APIC MSRs 0x800-0x83f: one ICR, no APR, RRD and DFR, a self-IPI register. */
const X2APIC_ACCESS: StaticArray<u8> = [
  0, 0, R, R, 0, 0, 0, 0, RW, 0, R, W, 0, R, 0, RW,
  R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R,
  R, R, R, R, R, R, R, R, RW, 0, 0, 0, 0, 0, 0, 0,
  RW, 0, RW, RW, RW, RW, RW, RW, RW, R, 0, 0, 0, 0, RW, W,
];

@inline
export function xapicAccess(slot: u32): u8 {
  return slot < 64 ? unchecked(XAPIC_ACCESS[slot]) : ACCESS_NONE;
}

@inline
export function x2apicAccess(slot: u32): u8 {
  return slot < 64 ? unchecked(X2APIC_ACCESS[slot]) : ACCESS_NONE;
}

/** Writable bits of the local vector table: vector, delivery mode, LINT polarity and trigger, mask. */
const LVT_WRITABLE: StaticArray<u32> = [0x7_00ff, 0x1_07ff, 0x1_07ff, 0x1_a7ff, 0x1_a7ff, 0x1_00ff];
/** Delivery status and remote IRR: a read-modify-write carries them along. */
const LVT_READ_ONLY: u32 = 0x5000;
const ICR_WRITABLE: u32 = 0xc_cfff;
const SVR_WRITABLE: u32 = 0x3ff;
const DFR_ONES: u32 = 0x0fff_ffff;
const SLOT_ISR: u32 = APIC_ISR / 16;
const SLOT_TMR: u32 = APIC_TMR / 16;
const SLOT_IRR: u32 = APIC_IRR / 16;
const SLOT_ESR: u32 = APIC_ESR / 16;
const SLOT_LVT: u32 = APIC_LVT_TIMER / 16;

@inline
function isLvt(slot: u32): bool {
  return slot - SLOT_LVT < LVT_COUNT;
}

@inline
function lvtIndex(slot: u32): u32 {
  return slot - SLOT_LVT;
}

/** Bits that a write of the register may set in x2APIC mode; any other is #GP (10.12.1.3). */
export function x2apicBits(slot: u32): u64 {
  if (isLvt(slot))
    return <u64>(unchecked(LVT_WRITABLE[lvtIndex(slot)]) | LVT_READ_ONLY);
  switch (slot) {
    case APIC_TPR / 16:
      return 0xff;
    case APIC_EOI / 16:
    case APIC_ESR / 16:
      return 0;
    case APIC_SVR / 16:
      return SVR_WRITABLE;
    case APIC_ICR_LOW / 16:
      return 0xffff_ffff_0000_0000 | <u64>(ICR_WRITABLE | ICR_BUSY);
    case APIC_TIMER_DIVIDE / 16:
      return 0xb;
    case APIC_TIMER_INITIAL / 16:
      return 0xffff_ffff;
    default:
      return 0xff; // self IPI: a vector
  }
}

/** Value of a register that both modes have; what is write-only or not modelled reads as 0. */
export function readRegister(lapic: Lapic, slot: u32): u32 {
  if (slot >= SLOT_ISR && slot < SLOT_ESR) return readVectors(lapic, slot);
  if (isLvt(slot)) return lvt(lapic, lvtIndex(slot));
  const x2apic = isX2apic(lapic);
  switch (slot) {
    case APIC_ID / 16:
      return x2apic ? lapic.id : lapic.id << 24;
    case APIC_VERSION / 16:
      return APIC_VERSION_VALUE;
    case APIC_TPR / 16:
      return lapic.tpr;
    case APIC_PPR / 16:
      return processorPriority(lapic);
    case APIC_LDR / 16:
      return x2apic ? logicalId(lapic.id) : lapic.ldr;
    case APIC_DFR / 16:
      return lapic.dfr;
    case APIC_SVR / 16:
      return lapic.svr;
    case APIC_ESR / 16:
      return lapic.esr;
    case APIC_ICR_LOW / 16:
      return lapic.icrLow;
    case APIC_ICR_HIGH / 16:
      return lapic.icrHigh;
    case APIC_TIMER_INITIAL / 16:
      return lapic.timerInitial;
    case APIC_TIMER_CURRENT / 16:
      return currentCount(lapic);
    case APIC_TIMER_DIVIDE / 16:
      return lapic.timerDivide;
    default:
      return 0;
  }
}

function readVectors(lapic: Lapic, slot: u32): u32 {
  if (slot >= SLOT_IRR) return vectorWord(lapic, IRR, slot);
  if (slot >= SLOT_TMR) return vectorWord(lapic, TMR, slot);
  return vectorWord(lapic, ISR, slot);
}

/** Writes a register that both modes have, except for the ICR; unknown and reserved bits fall off. */
export function writeRegister(lapic: Lapic, slot: u32, value: u32): void {
  if (isLvt(slot)) {
    writeLvt(lapic, lvtIndex(slot), value);
    return;
  }
  switch (slot) {
    case APIC_TPR / 16:
      writePriority(lapic, value);
      break;
    case APIC_EOI / 16:
      endOfInterrupt(lapic);
      break;
    case APIC_LDR / 16:
      lapic.ldr = value & 0xff00_0000;
      break;
    case APIC_DFR / 16:
      lapic.dfr = value | DFR_ONES;
      break;
    case APIC_SVR / 16:
      writeSpurious(lapic, value);
      break;
    case APIC_ESR / 16:
      lapic.esr = lapic.errors;
      lapic.errors = 0;
      break;
    case APIC_TIMER_INITIAL / 16:
      writeInitialCount(lapic, value);
      break;
    case APIC_TIMER_DIVIDE / 16:
      writeDivide(lapic, value);
      break;
    default:
  }
}

export function writePriority(lapic: Lapic, value: u32): void {
  lapic.tpr = value & 0xff;
  cpuSignal(lapic.id);
}

/** What the ICR keeps of a write; delivery is immediate, so its status bit never reads 1. */
@inline
export function icrValue(value: u32): u32 {
  return value & ICR_WRITABLE;
}

function writeSpurious(lapic: Lapic, value: u32): void {
  const enabledBefore = (lapic.svr & SVR_ENABLE) != 0;
  lapic.svr = value & SVR_WRITABLE;
  const enabled = (value & SVR_ENABLE) != 0;
  if (!enabled) maskLvts(lapic);
  else if (!enabledBefore) ioapicRetry();
}

/** While the APIC is disabled by software, the mask bits can't be cleared (10.4.7.2). */
function writeLvt(lapic: Lapic, index: u32, value: u32): void {
  const before = lvt(lapic, index);
  let after = value & unchecked(LVT_WRITABLE[index]);
  if (!(lapic.svr & SVR_ENABLE)) after |= LVT_MASKED;
  // Remote IRR belongs to a level-triggered entry; one turned to edge forgets it.
  if (after & LVT_LEVEL) after |= before & LVT_REMOTE_IRR;
  setLvt(lapic, index, after);
  if (index == LVT_TIMER) timerModeChanged(lapic, before);
  if (index == LVT_LINT0) {
    evaluateLint0(lapic);
    cpuSignal(lapic.id);
  }
}
