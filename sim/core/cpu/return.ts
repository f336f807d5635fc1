/**
 * IRET and RET to another segment (Intel SDM 2A, IRET/IRETD/IRETQ; 2B, RET; 3A, 5.8.6, 6.14.3). The
 * frame is read from the stack before anything changes; callers keep the state (undo.ts).
 */
import {
  Cpu,
  SEGMENT_CS,
  SEGMENT_DS,
  SEGMENT_ES,
  SEGMENT_FS,
  SEGMENT_GS,
  SEGMENT_SS,
  segmentAt,
} from "./cpu";
import { in64BitMode } from "./control";
import { canonical } from "./mmu";
import {
  attributesOf,
  limitOf,
  privilegeOf,
  readDescriptor,
  realAddresses,
  refuse,
  SEGMENT_BIG,
  SEGMENT_CODE,
  SEGMENT_CONFORMING,
  SEGMENT_LONG,
  SEGMENT_PRESENT,
  SEGMENT_USER,
  SEGMENT_WRITABLE,
  setNullSegment,
  setPrivilege,
  setRealSegment,
  setSegment,
} from "./segments";
import { returnTask } from "./task";
import { selectFastLines } from "./tlb";
import { keepState, putBack } from "./undo";
import { setStackPointer, stackPeek } from "../engine/stack";
import { engine } from "../engine/memory";
import {
  EFER_LMA,
  RFLAGS_FIXED,
  RFLAGS_IF,
  RFLAGS_IOPL,
  RFLAGS_NT,
  RFLAGS_VM,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_SS,
} from "../../spec/x86";

/** Status flags, TF, DF, NT, RF, AC, ID: what IRET loads at every level. */
const FLAGS_ALWAYS: u64 = 0x25_4dd5;

/** The flags among `RFLAGS` that code at this privilege may load by IRET and POPF. */
export function loadableFlags(cpu: Cpu): u64 {
  if (realAddresses(cpu) && cpu.cpl == 3) return FLAGS_ALWAYS | RFLAGS_IF;
  let flags = FLAGS_ALWAYS;
  if (cpu.cpl <= ioPrivilege(cpu)) flags |= RFLAGS_IF;
  return cpu.cpl == 0 ? flags | RFLAGS_IOPL : flags;
}

@inline
export function ioPrivilege(cpu: Cpu): u32 {
  return (<u32>cpu.rflags & RFLAGS_IOPL) >> 12;
}

/** Loads those of `mask` among the flags, as far as the operand has them. */
export function setFlagsFrom(cpu: Cpu, bytes: u32, value: u64, mask: u64): void {
  const loaded = bytes == 2 ? mask & 0xffff : mask;
  cpu.rflags = (cpu.rflags & ~loaded) | (value & loaded) | RFLAGS_FIXED;
  selectFastLines(cpu);
}

/**
 * IRETQ of kernel.wasm's entries. False when a check fails: `cpu.fault` and `cpu.faultCode` say
 * which, and only the NMI blocking has changed.
 */
export function returnFromInterrupt(cpu: Cpu): bool {
  cpu.fault = 0;
  if (!(cpu.efer & EFER_LMA)) return refuse(cpu, VECTOR_GP, 0);
  const state = engine();
  state.alone = 1;
  keepState(cpu);
  interruptReturn(cpu, 8);
  state.alone = 0;
  if (cpu.fault == 0) return true;
  putBack(cpu);
  return false;
}

/** IRET, IRETD, IRETQ: a frame of words of `bytes` bytes. NMIs are let in again. */
export function interruptReturn(cpu: Cpu, bytes: u32): bool {
  cpu.nmiBlocked = 0;
  const virtual = (cpu.rflags & RFLAGS_VM) != 0;
  if (virtual && ioPrivilege(cpu) != 3) return refuse(cpu, VECTOR_GP, 0);
  // NT: back to another task, which IA-32e mode doesn't have.
  if (cpu.rflags & RFLAGS_NT && !realAddresses(cpu))
    return cpu.efer & EFER_LMA ? refuse(cpu, VECTOR_GP, 0) : returnTask(cpu);
  const rip = frameWord(cpu, bytes, 0);
  const codeSelector = <u32>frameWord(cpu, bytes, 1) & 0xffff;
  const flags = frameWord(cpu, bytes, 2);
  if (cpu.fault != 0) return false;
  const loadable = loadableFlags(cpu);
  if (realAddresses(cpu)) {
    if (!returnReal(cpu, rip, codeSelector, 3 * bytes)) return false;
  } else if (flags & RFLAGS_VM && bytes == 4 && cpu.cpl == 0 && !(cpu.efer & EFER_LMA))
    return returnToVirtual(cpu, rip, codeSelector, flags);
  else {
    const outward = in64BitMode(cpu) || (codeSelector & 3) > cpu.cpl;
    if (!returnProtected(cpu, bytes, rip, codeSelector, 3 * bytes, outward, 0)) return false;
  }
  setFlagsFrom(cpu, bytes, flags, loadable);
  return true;
}

/** RET to another segment, with words of `bytes` bytes, that drops `extra` bytes of parameters. */
export function farReturn(cpu: Cpu, bytes: u32, extra: u32): bool {
  const rip = frameWord(cpu, bytes, 0);
  const selector = <u32>frameWord(cpu, bytes, 1) & 0xffff;
  if (cpu.fault != 0) return false;
  if (realAddresses(cpu)) return returnReal(cpu, rip, selector, 2 * bytes + extra);
  const outward = (selector & 3) > cpu.cpl;
  return returnProtected(cpu, bytes, rip, selector, 2 * bytes + extra, outward, extra);
}

/** Word `n` of the frame at the stack's top; 0 after a fault. */
function frameWord(cpu: Cpu, bytes: u32, n: u32): u64 {
  return cpu.fault != 0 ? 0 : stackPeek(cpu, bytes, n * bytes);
}

function returnReal(cpu: Cpu, rip: u64, selector: u32, frameBytes: u32): bool {
  if (rip > <u64>segmentAt(cpu, SEGMENT_CS).limit) return refuse(cpu, VECTOR_GP, 0);
  setRealSegment(cpu, SEGMENT_CS, selector);
  cpu.rip = rip;
  setStackPointer(cpu, cpu.rsp + frameBytes);
  return true;
}

/**
 * Goes to `rip` in the segment of `selector`. An outward return takes the stack from the frame, whose
 * second part is `at` bytes above the top; it drops `extra` bytes from that stack too.
 */
function returnProtected(
  cpu: Cpu,
  bytes: u32,
  rip: u64,
  selector: u32,
  at: u32,
  outward: bool,
  extra: u32,
): bool {
  const code = checkCode(cpu, selector);
  if (cpu.fault != 0) return false;
  const longCode = (cpu.efer & EFER_LMA) != 0 && (attributesOf(code) & SEGMENT_LONG) != 0;
  const level = selector & 3;
  let pointer = cpu.rsp + at;
  let stackSelector: u32 = 0;
  let stack: u64 = 0;
  if (outward) {
    pointer = stackPeek(cpu, bytes, at);
    if (cpu.fault == 0) stackSelector = <u32>stackPeek(cpu, bytes, at + bytes) & 0xffff;
    if (cpu.fault == 0) stack = checkStack(cpu, stackSelector, level, longCode);
    if (cpu.fault != 0) return false;
    pointer += extra;
  }
  if (longCode ? !canonical(rip) : rip > <u64>limitOf(code)) return refuse(cpu, VECTOR_GP, 0);
  if (!setSegment(cpu, SEGMENT_CS, selector, code)) return false;
  const nullStack = (stackSelector & 0xfffc) == 0;
  if (outward && nullStack) setNullSegment(cpu, SEGMENT_SS, stackSelector);
  else if (outward && !setSegment(cpu, SEGMENT_SS, stackSelector, stack)) return false;
  cpu.rip = rip;
  if (level > cpu.cpl) lowerPrivilege(cpu, level);
  setStackPointer(cpu, pointer);
  return true;
}

/** Descriptor of the code segment to return to, checked. */
function checkCode(cpu: Cpu, selector: u32): u64 {
  const error = selector & 0xfffc;
  if (error == 0) {
    refuse(cpu, VECTOR_GP, 0);
    return 0;
  }
  const descriptor = readDescriptor(cpu, selector);
  if (cpu.fault != 0) return 0;
  const attributes = attributesOf(descriptor);
  const level = selector & 3;
  const dpl = privilegeOf(attributes);
  const isCode = (attributes & SEGMENT_USER) != 0 && (attributes & SEGMENT_CODE) != 0;
  const wide = (cpu.efer & EFER_LMA) != 0 && (attributes & SEGMENT_LONG) != 0;
  const both = wide && (attributes & SEGMENT_BIG) != 0;
  const fits = attributes & SEGMENT_CONFORMING ? dpl <= level : dpl == level;
  if (!isCode || both || level < cpu.cpl || !fits) refuse(cpu, VECTOR_GP, error);
  else if (!(attributes & SEGMENT_PRESENT)) refuse(cpu, VECTOR_NP, error);
  return descriptor;
}

/** Descriptor of the stack segment to return to, checked; a null one will do for 64-bit CPL 0-2. */
function checkStack(cpu: Cpu, selector: u32, level: u32, longCode: bool): u64 {
  if ((selector & 0xfffc) == 0) {
    if (!longCode || level == 3 || (selector & 3) != level) refuse(cpu, VECTOR_GP, 0);
    return 0;
  }
  const descriptor = readDescriptor(cpu, selector);
  if (cpu.fault != 0) return 0;
  const attributes = attributesOf(descriptor);
  const kind = attributes & (SEGMENT_USER | SEGMENT_CODE | SEGMENT_WRITABLE);
  const writable = kind == (SEGMENT_USER | SEGMENT_WRITABLE);
  if (!writable || (selector & 3) != level || privilegeOf(attributes) != level)
    refuse(cpu, VECTOR_GP, selector & 0xfffc);
  else if (!(attributes & SEGMENT_PRESENT)) refuse(cpu, VECTOR_SS, selector & 0xfffc);
  return descriptor;
}

/** An outer level must not keep data segments that it couldn't have loaded. */
function lowerPrivilege(cpu: Cpu, level: u32): void {
  setPrivilege(cpu, level);
  dropForbidden(cpu, SEGMENT_ES);
  dropForbidden(cpu, SEGMENT_DS);
  dropForbidden(cpu, SEGMENT_FS);
  dropForbidden(cpu, SEGMENT_GS);
}

function dropForbidden(cpu: Cpu, index: u32): void {
  const attributes = <u32>segmentAt(cpu, index).attributes;
  const conforming = SEGMENT_CODE | SEGMENT_CONFORMING;
  if ((attributes & conforming) == conforming || privilegeOf(attributes) >= cpu.cpl) return;
  // FS and GS keep their bases: those are MSRs in 64-bit mode.
  const base = segmentAt(cpu, index).base;
  setNullSegment(cpu, index, 0);
  if (index >= SEGMENT_FS) segmentAt(cpu, index).base = base;
}

/** IRETD at level 0 to virtual-8086 mode: nine doublewords (SDM 3A, 20.2.5). */
function returnToVirtual(cpu: Cpu, rip: u64, codeSelector: u32, flags: u64): bool {
  const pointer = frameWord(cpu, 4, 3);
  const stack = <u32>frameWord(cpu, 4, 4);
  const es = <u32>frameWord(cpu, 4, 5);
  const ds = <u32>frameWord(cpu, 4, 6);
  const fs = <u32>frameWord(cpu, 4, 7);
  const gs = <u32>frameWord(cpu, 4, 8);
  if (cpu.fault != 0) return false;
  if (rip > 0xffff) return refuse(cpu, VECTOR_GP, 0);
  setFlagsFrom(cpu, 4, flags, FLAGS_ALWAYS | RFLAGS_IF | RFLAGS_IOPL | RFLAGS_VM);
  setPrivilege(cpu, 3);
  setRealSegment(cpu, SEGMENT_CS, codeSelector);
  setRealSegment(cpu, SEGMENT_SS, stack & 0xffff);
  setRealSegment(cpu, SEGMENT_ES, es & 0xffff);
  setRealSegment(cpu, SEGMENT_DS, ds & 0xffff);
  setRealSegment(cpu, SEGMENT_FS, fs & 0xffff);
  setRealSegment(cpu, SEGMENT_GS, gs & 0xffff);
  cpu.rip = rip;
  cpu.rsp = pointer & 0xffff_ffff;
  return true;
}
