/**
 * The local APIC as its CPU sees it: the xAPIC page, the x2APIC MSRs and IA32_APIC_BASE
 * (Intel SDM 3A, 10.4 and 10.12).
 */
import { addRegion, moveRegion } from "../bus/bus";
import { Cpu, cpuSignal } from "../cpu/cpu";
import { createEvent } from "../events";
import { DEVICE_LAPIC, EVENT_LAPIC_TIMER } from "../kinds";
import { machine, NO_CPU } from "../machine";
import { LAPIC_BASE } from "../../spec/platform";
import { PHYSICAL_ADDRESS_BITS } from "../../spec/x86";
import {
  APIC_BASE_BSP,
  APIC_BASE_ENABLE,
  APIC_BASE_EXTD,
  APIC_ICR_HIGH,
  APIC_ICR_LOW,
  APIC_SELF_IPI,
  DELIVERY_FIXED,
  DELIVERY_SHIFT,
  ESR_ILLEGAL_REGISTER,
  ICR_SHORTHAND_SHIFT,
  MSR_APIC_BASE,
  MSR_TSC_DEADLINE,
  SHORTHAND_SELF,
  X2APIC_MSR_FIRST,
} from "../../spec/apic";
import { sendCommand } from "./ipi";
import { lapicError } from "./local";
import {
  ACCESS_NONE,
  ACCESS_READ,
  ACCESS_WRITE,
  icrValue,
  readRegister,
  writePriority,
  writeRegister,
  x2apicAccess,
  x2apicBits,
  xapicAccess,
} from "./registers";
import { resetLapic } from "./reset";
import { allocateLapics, isEnabled, isX2apic, Lapic, lapicAt, lapicOf } from "./state";
import { writeDeadline } from "./timer";

export { lapicAcknowledge, lapicPendingVector, PENDING_EXTINT } from "./priority";
export { lapicTimerEvent, lapicTscChanged } from "./timer";

const PAGE_BYTES: u64 = 4096;
const BASE_ADDRESS: u64 = ((1 << PHYSICAL_ADDRESS_BITS) - 1) & ~0xfff;
const BASE_BITS: u64 = BASE_ADDRESS | APIC_BASE_BSP | APIC_BASE_EXTD | APIC_BASE_ENABLE;

export function createLapics(): void {
  allocateLapics();
  addRegion(DEVICE_LAPIC, 0, LAPIC_BASE, PAGE_BYTES, true);
  for (let index: u32 = 0; index < machine().cpuCount; index++) {
    const lapic = lapicAt(index);
    lapic.id = index;
    lapic.base = <u64>LAPIC_BASE | APIC_BASE_ENABLE | (index == 0 ? APIC_BASE_BSP : 0);
    lapic.timerSlot = createEvent(EVENT_LAPIC_TIMER, index);
    resetLapic(lapic);
  }
}

/**
 * The APIC that answers an access to a page: the running CPU's own, if it is there and in xAPIC
 * mode; else null. With no CPU running the host asks, and gets CPU 0's.
 * @param device 0 for the page at the default address, else the CPU whose moved page it is, plus one
 */
function pageOwner(device: u32): Lapic | null {
  const running = machine().running;
  const lapic = lapicAt(running == NO_CPU ? 0 : running);
  if (!isEnabled(lapic) || isX2apic(lapic)) return null;
  const page: u64 = device == 0 ? <u64>LAPIC_BASE : lapicAt(device - 1).base & BASE_ADDRESS;
  return (lapic.base & BASE_ADDRESS) == page ? lapic : null;
}

/** Reads the page: each register is the first four bytes of 16; the other bytes read as 0. */
export function lapicRead(device: u32, offset: u32, bytes: u32): u64 {
  const lapic = pageOwner(device);
  if (lapic == null) return 0xffff_ffff_ffff_ffff;
  const slot = offset >> 4;
  if (xapicAccess(slot) == ACCESS_NONE) {
    lapicError(lapic, ESR_ILLEGAL_REGISTER);
    return 0;
  }
  const within = offset & 15;
  if (within >= 4) return 0;
  return <u64>readRegister(lapic, slot) >> (within << 3);
}

/** Writes the page: only aligned writes of at least 32 bits reach a register (10.4.1). */
export function lapicWrite(device: u32, offset: u32, bytes: u32, value: u64): void {
  const lapic = pageOwner(device);
  if (lapic == null) return;
  const slot = offset >> 4;
  const access = xapicAccess(slot);
  if (access == ACCESS_NONE) return lapicError(lapic, ESR_ILLEGAL_REGISTER);
  if ((offset & 15) != 0 || bytes < 4 || !(access & ACCESS_WRITE)) return;
  switch (slot) {
    case APIC_ICR_LOW / 16:
      lapic.icrLow = icrValue(<u32>value);
      sendCommand(lapic, lapic.icrLow, lapic.icrHigh >> 24, false);
      break;
    case APIC_ICR_HIGH / 16:
      lapic.icrHigh = <u32>value & 0xff00_0000;
      break;
    default:
      writeRegister(lapic, slot, <u32>value);
  }
}

/** Whether RDMSR of `index` (APIC_BASE, TSC_DEADLINE, 0x800-0x8ff) is allowed now; else #GP. */
export function lapicMsrReadable(cpu: Cpu, index: u32): bool {
  if (index == MSR_APIC_BASE || index == MSR_TSC_DEADLINE) return true;
  if (!isX2apic(lapicOf(cpu))) return false;
  return (x2apicAccess(index - X2APIC_MSR_FIRST) & ACCESS_READ) != 0;
}

/** RDMSR of an MSR of the local APIC that is readable. */
export function lapicMsrRead(cpu: Cpu, index: u32): u64 {
  const lapic = lapicOf(cpu);
  if (index == MSR_APIC_BASE) return lapic.base;
  if (index == MSR_TSC_DEADLINE) return lapic.tscDeadline;
  const slot = index - X2APIC_MSR_FIRST;
  const value = <u64>readRegister(lapic, slot);
  return slot == APIC_ICR_LOW / 16 ? value | ((<u64>lapic.icrHigh) << 32) : value;
}

/** WRMSR of an MSR of the local APIC; false is #GP, and nothing has changed. */
export function lapicMsrWrite(cpu: Cpu, index: u32, value: u64): bool {
  if (index == MSR_APIC_BASE) return lapicBaseWrite(cpu, value);
  if (index == MSR_TSC_DEADLINE) {
    writeDeadline(cpu, value);
    return true;
  }
  const lapic = lapicOf(cpu);
  const slot = index - X2APIC_MSR_FIRST;
  if (!isX2apic(lapic) || !(x2apicAccess(slot) & ACCESS_WRITE)) return false;
  if (value & ~x2apicBits(slot)) return false;
  switch (slot) {
    case APIC_ICR_LOW / 16:
      lapic.icrLow = icrValue(<u32>value);
      lapic.icrHigh = <u32>(value >> 32);
      sendCommand(lapic, lapic.icrLow, lapic.icrHigh, true);
      break;
    case APIC_SELF_IPI / 16:
      sendCommand(lapic, selfCommand(<u32>value), 0, true);
      break;
    default:
      writeRegister(lapic, slot, <u32>value);
  }
  return true;
}

/** The interrupt command that a write of the self-IPI register stands for (10.12.11). */
@inline
function selfCommand(vector: u32): u32 {
  return (SHORTHAND_SELF << ICR_SHORTHAND_SHIFT) | (DELIVERY_FIXED << DELIVERY_SHIFT) | vector;
}

/**
 * Modes and the ways between them (10.12.5):
 *
 *   off (EN 0, EXTD 0)  <->  xAPIC (1, 0)  ->  x2APIC (1, 1)  ->  off;  everything else is #GP
 */
function transitionAllowed(before: u64, after: u64): bool {
  const enabled = (after & APIC_BASE_ENABLE) != 0;
  const extended = (after & APIC_BASE_EXTD) != 0;
  if (!enabled) return !extended;
  if (before & APIC_BASE_EXTD) return extended;
  return !extended || (before & APIC_BASE_ENABLE) != 0;
}

/** WRMSR of IA32_APIC_BASE; false is #GP, and nothing has changed. */
export function lapicBaseWrite(cpu: Cpu, value: u64): bool {
  const lapic = lapicOf(cpu);
  const before = lapic.base;
  if (value & ~BASE_BITS || !transitionAllowed(before, value)) return false;
  lapic.base = value;
  // Turned off, it forgets its state, as after a reset (10.4.3). LDR and ICR are x2APIC's own.
  if (!(value & APIC_BASE_ENABLE)) resetLapic(lapic);
  if (((value ^ before) & APIC_BASE_EXTD) != 0) {
    lapic.icrLow = 0;
    lapic.icrHigh = 0;
  }
  if (((value ^ before) & BASE_ADDRESS) != 0) movePage(lapic);
  cpuSignal(cpu.index);
  return true;
}

/**
 * Gives a page that has left the default address a region of its own. RAM under it stays RAM, and
 * another device under it is hidden for all CPUs.
 */
function movePage(lapic: Lapic): void {
  const page = lapic.base & BASE_ADDRESS;
  const moved = page != <u64>LAPIC_BASE;
  if (lapic.region != 0) moveRegion(lapic.region - 1, page, PAGE_BYTES, moved);
  else if (moved) lapic.region = addRegion(DEVICE_LAPIC, lapic.id + 1, page, PAGE_BYTES, true) + 1;
}

/** Task-priority register, bits 7-0; CR8 is its upper four. */
export function lapicReadPriority(cpu: Cpu): u32 {
  return lapicOf(cpu).tpr;
}
export function lapicWritePriority(cpu: Cpu, value: u32): void {
  writePriority(lapicOf(cpu), value);
}
