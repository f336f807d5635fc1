/**
 * SYSCALL and SYSRET, SYSENTER and SYSEXIT (Intel SDM 2B): the ways of ring 3 into the kernel and
 * back that read no descriptor.
 *
 *   STAR:  63-48 base of SYSRET's selectors | 47-32 base of SYSCALL's | 31-0 not used
 *          SYSCALL: CS = base, SS = base + 8      SYSRET: CS = base + 16, SS = base + 8, RPL 3
 *                                                  with a 32-bit operand CS = base
 */
import { Cpu, SEGMENT_CS, SEGMENT_SS, segmentAt } from "./cpu";
import { in64BitMode } from "./control";
import { singleStep } from "./exceptions";
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
import {
  CR0_PE,
  EFER_LMA,
  EFER_SCE,
  RFLAGS_FIXED,
  RFLAGS_IF,
  RFLAGS_RF,
  RFLAGS_TF,
  RFLAGS_VM,
  VECTOR_GP,
  VECTOR_UD,
} from "../../spec/x86";

/** Hidden parts are fixed; no descriptor is read (SDM 2B, SYSCALL, operation). */
const FLAT: u32 =
  SEGMENT_ACCESSED | SEGMENT_WRITABLE | SEGMENT_USER | SEGMENT_PRESENT | SEGMENT_GRANULAR;
const FLAT_DATA: u32 = FLAT | SEGMENT_BIG;
const DPL_3: u32 = 3 << 5;

/** Flags that SYSRET loads from R11: all but RF, VM and what is reserved. */
const FLAGS_LOADED: u64 = 0x3c_7fd7;

/** Sets CS and SS to the flat segments of `selector` and `stack`, and the privilege to theirs. */
function setFlat(cpu: Cpu, selector: u32, stack: u32, level: u32, size: u32): void {
  const privilege = level == 3 ? DPL_3 : 0;
  setFlatSegment(cpu, SEGMENT_CS, selector, FLAT | SEGMENT_CODE | size | privilege);
  setFlatSegment(cpu, SEGMENT_SS, stack, FLAT_DATA | privilege);
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
  cpu.r11 = cpu.rflags & ~(<u64>RFLAGS_RF);
  cpu.rip = cpu.lstar;
  cpu.rflags = (cpu.rflags & ~(cpu.fmask | RFLAGS_RF)) | RFLAGS_FIXED;
  const selector = <u32>(cpu.star >> 32) & 0xfffc;
  setFlat(cpu, selector, selector + 8, 0, SEGMENT_LONG);
  return true;
}

/**
 * SYSRET with an operand of 8 bytes to 64-bit mode, of 4 bytes to compatibility mode. False for #UD
 * or #GP(0), which is left in `cpu.fault` and raised in ring 0; then nothing has changed.
 */
export function systemReturn(cpu: Cpu, bytes: u32 = 8): bool {
  if (!enabled(cpu)) return refuse(cpu, VECTOR_UD, 0);
  const wide = bytes == 8;
  if (cpu.cpl != 0 || (wide && !canonical(cpu.rcx))) return refuse(cpu, VECTOR_GP, 0);
  cpu.rip = wide ? cpu.rcx : cpu.rcx & 0xffff_ffff;
  cpu.rflags = (cpu.r11 & FLAGS_LOADED) | RFLAGS_FIXED;
  const base = <u32>(cpu.star >> 48);
  const selector = (wide ? base + 16 : base) | 3;
  setFlat(cpu, selector, (base + 8) | 3, 3, wide ? SEGMENT_LONG : SEGMENT_BIG);
  // TF traps as if the SYSCALL had just ended (SDM 3B, 17.3.1.4).
  if (cpu.rflags & RFLAGS_TF) singleStep(cpu);
  return true;
}

/** SYSENTER (SDM 2B): to level 0 by the three MSRs; nothing is saved. */
export function systemEnter(cpu: Cpu): bool {
  const selector = <u32>cpu.sysenterCs & 0xfffc;
  if (!(cpu.cr0 & CR0_PE) || selector == 0) return refuse(cpu, VECTOR_GP, 0);
  const wide = (cpu.efer & EFER_LMA) != 0;
  cpu.rflags &= ~(<u64>(RFLAGS_VM | RFLAGS_IF | RFLAGS_RF));
  cpu.rsp = wide ? cpu.sysenterEsp : cpu.sysenterEsp & 0xffff_ffff;
  cpu.rip = wide ? cpu.sysenterEip : cpu.sysenterEip & 0xffff_ffff;
  setFlat(cpu, selector, selector + 8, 0, wide ? SEGMENT_LONG : SEGMENT_BIG);
  return true;
}

/** SYSEXIT: to level 3 at rDX with the stack at rCX; an operand of 8 bytes goes to 64-bit mode. */
export function systemExit(cpu: Cpu, bytes: u32): bool {
  const base = <u32>cpu.sysenterCs & 0xfffc;
  if (!(cpu.cr0 & CR0_PE) || cpu.cpl != 0 || base == 0) return refuse(cpu, VECTOR_GP, 0);
  const wide = bytes == 8;
  if (wide && (!canonical(cpu.rcx) || !canonical(cpu.rdx))) return refuse(cpu, VECTOR_GP, 0);
  cpu.rsp = wide ? cpu.rcx : cpu.rcx & 0xffff_ffff;
  cpu.rip = wide ? cpu.rdx : cpu.rdx & 0xffff_ffff;
  const code = base + (wide ? 32 : 16);
  setFlat(cpu, code | 3, (code + 8) | 3, 3, wide ? SEGMENT_LONG : SEGMENT_BIG);
  return true;
}
