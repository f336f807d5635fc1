/**
 * Control registers, EFER and XCR0: what software may write to them (Intel SDM 3A, 2.5, 2.6). What
 * isn't allowed is left in `cpu.fault`, and nothing has changed then.
 */
import { Cpu, SEGMENT_CS, SEGMENT_TR, segmentAt } from "./cpu";
import { canonical, loadPdptes } from "./mmu";
import { refuse, SEGMENT_LONG } from "./segments";
import { currentPcid, dropFastLines, flushAll, flushContext, flushNonGlobal, flushPage } from "./tlb";
import { lapicReadPriority, lapicWritePriority } from "../interrupts/lapic";
import {
  CR0_AM,
  CR0_CD,
  CR0_EM,
  CR0_ET,
  CR0_MP,
  CR0_NE,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_TS,
  CR0_WP,
  CR4_DE,
  CR4_FSGSBASE,
  CR4_OSFXSR,
  CR4_OSXMMEXCPT,
  CR4_OSXSAVE,
  CR4_PAE,
  CR4_PCE,
  CR4_PCIDE,
  CR4_PGE,
  CR4_PSE,
  CR4_SMAP,
  CR4_SMEP,
  CR4_TSD,
  CR4_UMIP,
  EFER_LMA,
  EFER_LME,
  EFER_NXE,
  EFER_SCE,
  INVALIDATE_ADDRESS,
  INVALIDATE_ALL,
  INVALIDATE_ALL_GLOBAL,
  INVALIDATE_CONTEXT,
  PHYSICAL_ADDRESS_BITS,
  VECTOR_GP,
  VECTOR_UD,
} from "../../spec/x86";

/** Bits of CR0 that exist; writes to the other low 32 are ignored. */
const CR0_BITS: u64 =
  CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
const CR4_BITS: u64 =
  CR4_TSD |
  CR4_DE |
  CR4_PSE |
  CR4_PAE |
  CR4_PGE |
  CR4_PCE |
  CR4_OSFXSR |
  CR4_OSXMMEXCPT |
  CR4_UMIP |
  CR4_FSGSBASE |
  CR4_PCIDE |
  CR4_OSXSAVE |
  CR4_SMEP |
  CR4_SMAP;
const CR3_BITS: u64 = (1 << PHYSICAL_ADDRESS_BITS) - 1;
/** In the operand of MOV to CR3 while PCIDs are on: keep the new context's translations. */
const CR3_NO_FLUSH: u64 = 1 << 63;
const EFER_BITS: u64 = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

/** Types of a TSS of 16 bits, available and busy. */
const TASK_TYPE: u16 = 0xf;
const TASK_16: u16 = 1;
const TASK_16_BUSY: u16 = 3;

/** MOV from CR0, 2, 3, 4, 8; another number is #UD and reads 0. */
export function readControlRegister(cpu: Cpu, number: u32): u64 {
  switch (number) {
    case 0:
      return cpu.cr0;
    case 2:
      return cpu.cr2;
    case 3:
      return cpu.cr3;
    case 4:
      return cpu.cr4;
    case 8:
      return <u64>lapicReadPriority(cpu) >> 4;
    default:
      refuse(cpu, VECTOR_UD, 0);
      return 0;
  }
}

/** MOV to CR0, 2, 3, 4, 8: #GP(0) for a value that it can't hold, #UD for another number. */
export function writeControlRegister(cpu: Cpu, number: u32, value: u64): void {
  let valid = true;
  switch (number) {
    case 0:
      valid = writeCr0(cpu, value);
      break;
    case 2:
      cpu.cr2 = value;
      break;
    case 3:
      valid = writeCr3(cpu, value);
      break;
    case 4:
      valid = writeCr4(cpu, value);
      break;
    case 8:
      valid = value <= 15;
      if (valid) lapicWritePriority(cpu, <u32>value << 4);
      break;
    default:
      refuse(cpu, VECTOR_UD, 0);
  }
  if (!valid) refuse(cpu, VECTOR_GP, 0);
}

/** True while the CPU executes 64-bit code: in long mode, with CS.L. */
export function in64BitMode(cpu: Cpu): bool {
  return (cpu.efer & EFER_LMA) != 0 && (segmentAt(cpu, SEGMENT_CS).attributes & SEGMENT_LONG) != 0;
}

/** Turning paging on or off, and with EFER.LME long mode. */
function writeCr0(cpu: Cpu, value: u64): bool {
  if (value >> 32 != 0) return false;
  const next = (value & CR0_BITS) | CR0_ET;
  if (next & CR0_PG && !(next & CR0_PE)) return false;
  if (next & CR0_NW && !(next & CR0_CD)) return false;
  const changed = cpu.cr0 ^ next;
  if (changed & CR0_PG) {
    if (next & CR0_PG ? !activate(cpu) : !mayDeactivate(cpu)) return false;
    if (!(next & CR0_PG)) cpu.efer &= ~EFER_LMA;
    cpu.cr0 = next;
    flushAll(cpu);
    return true;
  }
  cpu.cr0 = next;
  if (changed & CR0_WP) dropFastLines(cpu);
  return true;
}

/**
 * Activates IA-32e mode (Intel SDM 3A, 9.8.5.1 and 4.1.2), which a 16-bit TSS forbids too, or another
 * kind of paging.
 */
function activate(cpu: Cpu): bool {
  if (!(cpu.efer & EFER_LME)) return !(cpu.cr4 & CR4_PAE) || loadPdptes(cpu, cpu.cr3);
  if (!(cpu.cr4 & CR4_PAE) || segmentAt(cpu, SEGMENT_CS).attributes & SEGMENT_LONG) return false;
  const task = segmentAt(cpu, SEGMENT_TR).attributes & TASK_TYPE;
  if (task == TASK_16 || task == TASK_16_BUSY) return false;
  cpu.efer |= EFER_LMA;
  return true;
}

/** Whether the PDPTE registers are in use: PAE paging outside of IA-32e mode. */
@inline
function usesPdptes(cpu: Cpu, cr4: u64): bool {
  return (cpu.cr0 & CR0_PG) != 0 && (cr4 & CR4_PAE) != 0 && !(cpu.efer & EFER_LMA);
}

/** PG can't be cleared in 64-bit mode or while PCIDs are on (Intel SDM 3A, 4.1.2). */
function mayDeactivate(cpu: Cpu): bool {
  return !in64BitMode(cpu) && !(cpu.cr4 & CR4_PCIDE);
}

/** What is dropped: Intel SDM 3A, 4.10.4.1. */
function writeCr3(cpu: Cpu, value: u64): bool {
  const pcids = (cpu.cr4 & CR4_PCIDE) != 0;
  const keep = pcids && (value & CR3_NO_FLUSH) != 0;
  const next = pcids ? value & ~CR3_NO_FLUSH : value;
  if (next & ~CR3_BITS) return false;
  if (usesPdptes(cpu, cpu.cr4) && !loadPdptes(cpu, next)) return false;
  cpu.cr3 = next;
  if (keep) dropFastLines(cpu);
  else if (pcids) flushContext(cpu, next & 0xfff);
  else flushNonGlobal(cpu);
  return true;
}

/** What a task switch loads from the new TSS: translations go when it is another (4.10.4.1). */
export function loadPageDirectory(cpu: Cpu, value: u64): bool {
  return cpu.cr3 == value || writeCr3(cpu, value);
}

/** CR0.TS: x87 and SSE state is still the old task's (2.5). */
@inline
export function setTaskSwitched(cpu: Cpu): void {
  cpu.cr0 |= CR0_TS;
}

function writeCr4(cpu: Cpu, value: u64): bool {
  if (value & ~CR4_BITS) return false;
  const changed = cpu.cr4 ^ value;
  const longMode = (cpu.efer & EFER_LMA) != 0;
  if (longMode && !(value & CR4_PAE)) return false;
  if (changed & value & CR4_PCIDE && (!longMode || (cpu.cr3 & 0xfff) != 0)) return false;
  const reloads = (changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)) != 0;
  if (reloads && usesPdptes(cpu, value) && !loadPdptes(cpu, cpu.cr3)) return false;
  cpu.cr4 = value;
  if (changed & (CR4_PGE | CR4_PAE | CR4_PSE | CR4_SMEP | CR4_PCIDE)) flushAll(cpu);
  else if (changed & CR4_SMAP) dropFastLines(cpu);
  return true;
}

/**
 * WRMSR to EFER (Intel SDM 4, table 2-2): false for reserved bits, and for LME while paging is on.
 * LMA is read-only.
 */
export function writeEfer(cpu: Cpu, value: u64): bool {
  if (value & ~EFER_BITS) return false;
  const changed = cpu.efer ^ value;
  if (changed & EFER_LME && cpu.cr0 & CR0_PG) return false;
  cpu.efer = (value & ~EFER_LMA) | (cpu.efer & EFER_LMA);
  if (changed & EFER_NXE) flushAll(cpu);
  return true;
}

/** XSETBV: x87 state is always on, SSE may be; #UD without OSXSAVE (Intel SDM 3A, 2.6). */
export function writeXcr(cpu: Cpu, index: u32, value: u64): void {
  if (!(cpu.cr4 & CR4_OSXSAVE)) refuse(cpu, VECTOR_UD, 0);
  else if (index != 0 || (value & 1) == 0 || value > 3) refuse(cpu, VECTOR_GP, 0);
  else cpu.xcr0 = value;
}

/** INVLPG: an address that isn't canonical is no error and names nothing. */
export function invalidateAddress(cpu: Cpu, va: u64): void {
  if (!canonical(va)) return;
  flushPage(cpu, va, currentPcid(cpu), true);
  // Half of a page of 4 MiB has an entry of its own (paging32.ts).
  if (!(cpu.cr4 & CR4_PAE)) flushPage(cpu, va ^ 0x20_0000, 0, true);
}

/** INVPCID (Intel SDM 2A): #GP(0) for a bad type, PCID or address. */
export function invalidatePcid(cpu: Cpu, type: u32, pcid: u64, va: u64): void {
  const named = type == INVALIDATE_ADDRESS || type == INVALIDATE_CONTEXT;
  if (
    type > <u32>INVALIDATE_ALL ||
    pcid > 0xfff ||
    (named && pcid != 0 && !(cpu.cr4 & CR4_PCIDE)) ||
    (type == INVALIDATE_ADDRESS && !canonical(va))
  ) {
    refuse(cpu, VECTOR_GP, 0);
    return;
  }
  switch (type) {
    case INVALIDATE_ADDRESS:
      return flushPage(cpu, va, pcid, false);
    case INVALIDATE_CONTEXT:
      return flushContext(cpu, pcid);
    case INVALIDATE_ALL_GLOBAL:
      return flushAll(cpu);
    default:
      return flushNonGlobal(cpu);
  }
}
