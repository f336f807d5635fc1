/**
 * SYSCALL and SYSRET in 64-bit mode (Intel SDM 2B): the way of ring 3 into the kernel and back.
 *
 *   STAR:  63-48 base of SYSRET's selectors | 47-32 base of SYSCALL's | 31-0 not used
 *          SYSCALL: CS = base, SS = base + 8      SYSRET: CS = base + 16, SS = base + 8, RPL 3
 */
import { Cpu, SEGMENT_CS, SEGMENT_SS, segmentAt } from "./cpu";
import { in64BitMode } from "./control";
import { canonical } from "./mmu";
import {
  refuse,
  SEGMENT_ACCESSED,
  SEGMENT_BIG,
  SEGMENT_CODE,
  SEGMENT_GRANULAR,
  SEGMENT_LONG,
  SEGMENT_PRESENT,
  SEGMENT_USER,
  SEGMENT_WRITABLE,
  setPrivilege,
} from "./segments";
import { EFER_SCE, RFLAGS_FIXED, VECTOR_GP, VECTOR_UD } from "../../spec/x86";

/** Hidden parts are fixed; no descriptor is read (SDM 2B, SYSCALL, operation). */
const FLAT: u32 =
  SEGMENT_ACCESSED | SEGMENT_WRITABLE | SEGMENT_USER | SEGMENT_PRESENT | SEGMENT_GRANULAR;
const FLAT_CODE: u32 = FLAT | SEGMENT_CODE | SEGMENT_LONG;
const FLAT_DATA: u32 = FLAT | SEGMENT_BIG;
const DPL_3: u32 = 3 << 5;

/** Flags that SYSRET loads from R11: all but RF, VM and what is reserved. */
const FLAGS_LOADED: u64 = 0x3c_7fd7;

/** Sets CS and SS to the flat segments of `selector` and `stack`, and the privilege to theirs. */
function setFlat(cpu: Cpu, selector: u32, stack: u32, level: u32): void {
  setFlatSegment(cpu, SEGMENT_CS, selector, level == 3 ? FLAT_CODE | DPL_3 : FLAT_CODE);
  setFlatSegment(cpu, SEGMENT_SS, stack, level == 3 ? FLAT_DATA | DPL_3 : FLAT_DATA);
  setPrivilege(cpu, level);
}

function setFlatSegment(cpu: Cpu, index: u32, selector: u32, attributes: u32): void {
  const segment = segmentAt(cpu, index);
  segment.base = 0;
  segment.limit = 0xffff_ffff;
  segment.selector = <u16>selector;
  segment.attributes = <u16>attributes;
}

@inline
function enabled(cpu: Cpu): bool {
  return (cpu.efer & EFER_SCE) != 0 && in64BitMode(cpu);
}

/**
 * SYSCALL, whose following instruction is at `next`. False for #UD, which is left in `cpu.fault`;
 * then nothing has changed.
 */
export function systemCall(cpu: Cpu, next: u64): bool {
  if (!enabled(cpu)) return refuse(cpu, VECTOR_UD, 0);
  cpu.rcx = next;
  cpu.r11 = cpu.rflags;
  cpu.rip = cpu.lstar;
  cpu.rflags = (cpu.rflags & ~cpu.fmask) | RFLAGS_FIXED;
  const selector = <u32>(cpu.star >> 32) & 0xfffc;
  setFlat(cpu, selector, selector + 8, 0);
  return true;
}

/**
 * SYSRET with a 64-bit operand. False for #UD or #GP(0), which is left in `cpu.fault` and raised in
 * ring 0; then nothing has changed.
 */
export function systemReturn(cpu: Cpu): bool {
  if (!enabled(cpu)) return refuse(cpu, VECTOR_UD, 0);
  if (cpu.cpl != 0 || !canonical(cpu.rcx)) return refuse(cpu, VECTOR_GP, 0);
  cpu.rip = cpu.rcx;
  cpu.rflags = (cpu.r11 & FLAGS_LOADED) | RFLAGS_FIXED;
  const base = <u32>(cpu.star >> 48);
  setFlat(cpu, (base + 16) | 3, (base + 8) | 3, 3);
  return true;
}
