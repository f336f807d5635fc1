/**
 * CLI, STI, CLAC and STAC as a kernel executes them all the time: without leaving the block when
 * nothing follows from them. Each says whether that is so; else it has changed nothing.
 */
import { Cpu } from "../cpu/cpu";
import { interruptsWait } from "../cpu/interrupts";
import { selectFastLines } from "../cpu/tlb";
import { RFLAGS_AC, RFLAGS_IF } from "../../spec/x86";

/** CLI at CPL 0. */
@inline
export function clearInterruptFlag(cpu: Cpu): void {
  cpu.rflags &= ~(<u64>RFLAGS_IF);
}

/** STI at CPL 0 while no interrupt waits: then its shadow is over before one can come. */
export function setInterruptFlag(cpu: Cpu): bool {
  if (cpu.cpl != 0 || interruptsWait(cpu)) return false;
  cpu.rflags |= RFLAGS_IF;
  return true;
}

/** CLAC or STAC at CPL 0. */
export function setAccess(cpu: Cpu, set: u32): bool {
  if (cpu.cpl != 0) return false;
  cpu.rflags = set != 0 ? cpu.rflags | RFLAGS_AC : cpu.rflags & ~(<u64>RFLAGS_AC);
  selectFastLines(cpu);
  return true;
}
