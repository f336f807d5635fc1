/** Driver of the local APIC of the running CPU, as a page or as MSRs (Intel SDM 3A, 10). */
import { cpuid, mmioRead32, mmioWrite32, readMsr, readRegister, writeMsr } from "./machine";
import {
  APIC_BASE_ENABLE,
  APIC_BASE_EXTD,
  APIC_EOI,
  APIC_ESR,
  APIC_ICR_HIGH,
  APIC_ICR_LOW,
  APIC_ID,
  APIC_LVT_ERROR,
  APIC_LVT_LINT0,
  APIC_LVT_LINT1,
  APIC_LVT_PERFORMANCE,
  APIC_LVT_THERMAL,
  APIC_LVT_TIMER,
  APIC_SVR,
  APIC_TPR,
  DELIVERY_NMI,
  DELIVERY_SHIFT,
  ICR_BUSY,
  LVT_MASKED,
  MSR_APIC_BASE,
  SVR_ENABLE,
  X2APIC_MSR_FIRST,
} from "../../sim/spec/apic";

/** Address of the page in xAPIC mode, or X2APIC. */
export const X2APIC: u64 = 0;
/** CPUID.1:ECX bit 21. */
const CPUID_X2APIC: u64 = 0x20_0000;
const REGISTER_RCX: u32 = 1;
const PAGE_BITS: u64 = 0xffff_ffff_f000;
/** Reads of the command register before an xAPIC counts as stuck. */
const IDLE_READS: u32 = 1000;

/** Where the running CPU's APIC is now: its page, or X2APIC. */
export function lapicPage(): u64 {
  const base = readMsr(MSR_APIC_BASE);
  return base & APIC_BASE_EXTD ? X2APIC : base & PAGE_BITS;
}

/**
 * Turns the APIC on, in x2APIC mode where the processor has it unless `paged` asks for the page;
 * returns where it is. From x2APIC mode there is no way back to the page (10.12.5).
 */
export function lapicEnable(paged: bool): u64 {
  if (lapicPage() == X2APIC) return X2APIC;
  cpuid(1, 0);
  const extended = !paged && (readRegister(REGISTER_RCX) & CPUID_X2APIC) != 0;
  let base = readMsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;
  writeMsr(MSR_APIC_BASE, base);
  if (!extended) return base & PAGE_BITS;
  base |= APIC_BASE_EXTD;
  writeMsr(MSR_APIC_BASE, base);
  return X2APIC;
}

@inline
function msr(register: u32): u32 {
  return <u32>X2APIC_MSR_FIRST + (register >> 4);
}

export function lapicRead(page: u64, register: u32): u32 {
  return page == X2APIC ? <u32>readMsr(msr(register)) : mmioRead32(page + register);
}

export function lapicWrite(page: u64, register: u32, value: u32): void {
  if (page == X2APIC) writeMsr(msr(register), value);
  else mmioWrite32(page + register, value);
}

/** This CPU's APIC ID. */
export function lapicId(page: u64): u32 {
  const id = lapicRead(page, APIC_ID);
  return page == X2APIC ? id : id >> 24;
}

/**
 * Brings the APIC to a known state: all local sources masked but NMI, no priority threshold,
 * enabled by software, errors reported by `errorVector`.
 */
export function lapicStart(page: u64, spuriousVector: u32, errorVector: u32): void {
  lapicWrite(page, APIC_SVR, SVR_ENABLE | spuriousVector);
  lapicWrite(page, APIC_TPR, 0);
  lapicWrite(page, APIC_LVT_TIMER, LVT_MASKED);
  lapicWrite(page, APIC_LVT_THERMAL, LVT_MASKED);
  lapicWrite(page, APIC_LVT_PERFORMANCE, LVT_MASKED);
  lapicWrite(page, APIC_LVT_LINT0, LVT_MASKED);
  lapicWrite(page, APIC_LVT_LINT1, DELIVERY_NMI << DELIVERY_SHIFT);
  lapicErrors(page);
  lapicWrite(page, APIC_LVT_ERROR, errorVector);
}

@inline
export function lapicEnd(page: u64): void {
  lapicWrite(page, APIC_EOI, 0);
}

/** The errors (APIC ESR bits) since the last call; re-arms the error interrupt. */
export function lapicErrors(page: u64): u32 {
  lapicWrite(page, APIC_ESR, 0);
  return lapicRead(page, APIC_ESR);
}

/** Sends an interrupt command; false when an xAPIC never got rid of the one before. */
export function lapicCommand(page: u64, low: u32, destination: u32): bool {
  if (page == X2APIC) {
    writeMsr(msr(APIC_ICR_LOW), ((<u64>destination) << 32) | low);
    return true;
  }
  for (let n: u32 = 0; lapicRead(page, APIC_ICR_LOW) & ICR_BUSY; n++)
    if (n == IDLE_READS) return false;
  lapicWrite(page, APIC_ICR_HIGH, destination << 24);
  lapicWrite(page, APIC_ICR_LOW, low);
  return true;
}
