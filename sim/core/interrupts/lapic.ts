/** The local APIC as its CPU sees it. */
import { Cpu } from "../cpu/cpu";

/** What interrupts the CPU once it lets interrupts in, for `lapicAcknowledge`; -1: nothing. */
export function lapicPendingVector(cpu: Cpu): i32 {
  return -1;
}

/** The CPU takes what `lapicPendingVector` answered; returns the vector. */
export function lapicAcknowledge(cpu: Cpu, pending: i32): u32 {
  return <u32>pending;
}

/** Whether RDMSR of `index` (APIC_BASE, TSC_DEADLINE, 0x800-0x8ff) is allowed now; else #GP. */
export function lapicMsrReadable(cpu: Cpu, index: u32): bool {
  return false;
}

/** RDMSR of an MSR of the local APIC that is readable. */
export function lapicMsrRead(cpu: Cpu, index: u32): u64 {
  return 0;
}

/** WRMSR of an MSR of the local APIC; false is #GP, and nothing has changed. */
export function lapicMsrWrite(cpu: Cpu, index: u32, value: u64): bool {
  return false;
}

/** Task-priority register, bits 7-0; CR8 is its upper four. */
export function lapicReadPriority(cpu: Cpu): u32 {
  return 0;
}
export function lapicWritePriority(cpu: Cpu, value: u32): void {}
