/** IRETQ: the way back from a handler (Intel SDM 2A, IRET/IRETD/IRETQ; 3A, 6.14.3). */
import { Cpu, SEGMENT_CS, SEGMENT_DS, SEGMENT_ES, SEGMENT_FS, SEGMENT_GS, SEGMENT_SS, segmentAt } from "./cpu";
import { accessOf, ACCESS_READ, canonical, loadLinear } from "./mmu";
import {
  attributesOf,
  limitOf,
  markAccessed,
  privilegeOf,
  readDescriptor,
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
  setSegment,
} from "./segments";
import {
  EFER_LMA,
  RFLAGS_FIXED,
  RFLAGS_NT,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_SS,
} from "../../spec/x86";

/** Flags that IRETQ at CPL 0 loads: status flags, TF, IF, DF, IOPL, NT, RF, AC, ID. */
const FLAGS_LOADED: u64 = 0x25_7fd5;

/**
 * Pops RIP, CS, RFLAGS, RSP and SS and goes there; lets NMIs in again. False when a check fails:
 * `cpu.fault` and `cpu.faultCode` say which, and only the NMI blocking has changed.
 */
export function returnFromInterrupt(cpu: Cpu): bool {
  cpu.nmiBlocked = 0;
  cpu.fault = 0;
  if (!(cpu.efer & EFER_LMA) || cpu.rflags & RFLAGS_NT) return refuse(cpu, VECTOR_GP, 0);
  const rip = frameWord(cpu, 0);
  const codeSelector = <u32>frameWord(cpu, 1) & 0xffff;
  const flags = frameWord(cpu, 2);
  const rsp = frameWord(cpu, 3);
  const stackSelector = <u32>frameWord(cpu, 4) & 0xffff;
  if (cpu.fault != 0) return false;
  const code = checkCode(cpu, codeSelector);
  if (cpu.fault != 0) return false;
  const longCode = (attributesOf(code) & SEGMENT_LONG) != 0;
  if (longCode ? !canonical(rip) : rip > <u64>limitOf(code)) return refuse(cpu, VECTOR_GP, 0);
  const level = codeSelector & 3;
  const stack = checkStack(cpu, stackSelector, level, longCode);
  if (cpu.fault != 0) return false;
  const nullStack = (stackSelector & 0xfffc) == 0;
  if (!markAccessed(cpu, codeSelector, code)) return false;
  if (!nullStack && !markAccessed(cpu, stackSelector, stack)) return false;
  setSegment(cpu, SEGMENT_CS, codeSelector, code);
  if (nullStack) setNullSegment(cpu, SEGMENT_SS, stackSelector);
  else setSegment(cpu, SEGMENT_SS, stackSelector, stack);
  cpu.rip = rip;
  cpu.rsp = longCode ? rsp : rsp & 0xffff_ffff;
  cpu.rflags = (cpu.rflags & ~FLAGS_LOADED) | (flags & FLAGS_LOADED) | RFLAGS_FIXED;
  if (level > cpu.cpl) lowerPrivilege(cpu, level);
  return true;
}

/** Word `n` of the frame at RSP; 0 after a fault. */
function frameWord(cpu: Cpu, n: u64): u64 {
  if (cpu.fault != 0) return 0;
  const at = cpu.rsp + (n << 3);
  if (!canonical(at)) refuse(cpu, VECTOR_SS, 0);
  return cpu.fault != 0 ? 0 : loadLinear(cpu, at, 8, accessOf(cpu, ACCESS_READ));
}

/** Descriptor of the code segment to return to, checked. */
function checkCode(cpu: Cpu, selector: u32): u64 {
  if ((selector & 0xfffc) == 0) {
    refuse(cpu, VECTOR_GP, 0);
    return 0;
  }
  const descriptor = readDescriptor(cpu, selector, 0);
  if (cpu.fault != 0) return 0;
  const attributes = attributesOf(descriptor);
  const level = selector & 3;
  const dpl = privilegeOf(attributes);
  const isCode = (attributes & SEGMENT_USER) != 0 && (attributes & SEGMENT_CODE) != 0;
  const both = (attributes & SEGMENT_LONG) != 0 && (attributes & SEGMENT_BIG) != 0;
  const fits = attributes & SEGMENT_CONFORMING ? dpl <= level : dpl == level;
  if (!isCode || both || level < cpu.cpl || !fits) refuse(cpu, VECTOR_GP, selector & 0xfffc);
  else if (!(attributes & SEGMENT_PRESENT)) refuse(cpu, VECTOR_NP, selector & 0xfffc);
  return descriptor;
}

/** Descriptor of the stack segment to return to, checked; a null one will do for 64-bit CPL 0-2. */
function checkStack(cpu: Cpu, selector: u32, level: u32, longCode: bool): u64 {
  if ((selector & 0xfffc) == 0) {
    if (!longCode || level == 3 || (selector & 3) != level) refuse(cpu, VECTOR_GP, 0);
    return 0;
  }
  const descriptor = readDescriptor(cpu, selector, 0);
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
