/**
 * Delivery of one interrupt or exception in IA-32e mode (Intel SDM 3A, 6.14; 2A, INT n).
 *
 *   gate, low quadword:  63-48 offset 31-16 | 47 P | 46-45 DPL | 43-40 type | 34-32 IST |
 *                        31-16 selector | 15-0 offset 15-0
 *   high quadword:       31-0 offset 63-32
 *
 * Outside IA-32e mode nothing can be delivered: no 64-bit gate exists there, and code that could
 * load another kind of table doesn't run on this processor yet.
 */
import { Cpu, SEGMENT_CS, SEGMENT_SS, SEGMENT_TR, segmentAt } from "./cpu";
import { hasErrorCode } from "./exceptions";
import { ACCESS_READ, ACCESS_SYSTEM, canonical, loadLinear, storeLinear } from "./mmu";
import {
  attributesOf,
  privilegeOf,
  readDescriptor,
  refuse,
  SEGMENT_BIG,
  SEGMENT_CODE,
  SEGMENT_CONFORMING,
  SEGMENT_LONG,
  SEGMENT_PRESENT,
  SEGMENT_USER,
  setNullSegment,
  setPrivilege,
  setSegment,
} from "./segments";
import {
  EFER_LMA,
  RFLAGS_IF,
  RFLAGS_NT,
  RFLAGS_RF,
  RFLAGS_TF,
  RFLAGS_VM,
  VECTOR_BP,
  VECTOR_DB,
  VECTOR_DF,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_OF,
  VECTOR_SS,
  VECTOR_TS,
} from "../../spec/x86";

/** Where an event comes from decides about DPL, EXT and the saved RF. */
export const SOURCE_EXTERNAL: u32 = 0;
export const SOURCE_EXCEPTION: u32 = 1;
/** INT n, INT3, INTO: checked against the gate's DPL. */
export const SOURCE_SOFTWARE: u32 = 2;

const GATE_BYTES: u32 = 16;
const GATE_INTERRUPT: u32 = 0xe;
const GATE_TRAP: u32 = 0xf;
/** In an error code: the index is one of the IDT. */
const ERROR_IDT: u32 = 2;
/** RSP0 and IST1 in a 64-bit TSS (Intel SDM 3A, figure 7-11). */
const TSS_RSP0: u32 = 4;
const TSS_IST1: u32 = 36;

/**
 * Enters the handler of `vector`: switches stacks when it must, pushes the frame, goes to the
 * gate's target. False when that faults: then `cpu.fault` and `cpu.faultCode` say how, and RIP, RSP,
 * CS, SS and RFLAGS are as before.
 */
export function deliver(cpu: Cpu, vector: u32, errorCode: u32, source: u32): bool {
  cpu.fault = 0;
  const external: u32 = source == SOURCE_SOFTWARE ? 0 : 1;
  cpu.deliveryExternal = external;
  const error = (vector << 3) | ERROR_IDT | external;
  if (!(cpu.efer & EFER_LMA) || vector * GATE_BYTES + GATE_BYTES - 1 > cpu.idtLimit)
    return refuse(cpu, VECTOR_GP, error);
  const at = cpu.idtBase + <u64>(vector * GATE_BYTES);
  const low = loadLinear(cpu, at, 8, ACCESS_READ | ACCESS_SYSTEM);
  if (cpu.fault != 0) return false;
  const high = loadLinear(cpu, at + 8, 8, ACCESS_READ | ACCESS_SYSTEM);
  if (cpu.fault != 0) return false;
  const type = <u32>(low >> 40) & 0x1f;
  if (type != GATE_INTERRUPT && type != GATE_TRAP) return refuse(cpu, VECTOR_GP, error);
  if (source == SOURCE_SOFTWARE && (<u32>(low >> 45) & 3) < cpu.cpl)
    return refuse(cpu, VECTOR_GP, error);
  if (!(low & (1 << 47))) return refuse(cpu, VECTOR_NP, error);
  const target = (low & 0xffff) | ((low >> 32) & 0xffff_0000) | (high << 32);
  return enter(cpu, low, target, savedFlags(cpu, vector, source), withCode(vector, source), errorCode);
}

@inline
function withCode(vector: u32, source: u32): bool {
  return source == SOURCE_EXCEPTION && hasErrorCode(vector);
}

/** A fault's saved flags have RF set, so that the instruction isn't broken into again (17.3.1.1). */
function savedFlags(cpu: Cpu, vector: u32, source: u32): u64 {
  const trap = vector == VECTOR_DB || vector == VECTOR_BP || vector == VECTOR_OF;
  return source != SOURCE_EXCEPTION || trap || vector == VECTOR_DF
    ? cpu.rflags
    : cpu.rflags | RFLAGS_RF;
}

/** The handler's code segment, the stack, the frame, and then the switch itself. */
function enter(cpu: Cpu, gate: u64, target: u64, flags: u64, code: bool, errorCode: u32): bool {
  const external = cpu.deliveryExternal;
  const selector = <u32>(gate >> 16) & 0xffff;
  if (selector < 4) return refuse(cpu, VECTOR_GP, external);
  const descriptor = readDescriptor(cpu, selector, external);
  if (cpu.fault != 0) return false;
  const attributes = attributesOf(descriptor);
  if (!isHandlerCode(cpu, attributes)) return refuse(cpu, VECTOR_GP, (selector & 0xfffc) | external);
  if (!(attributes & SEGMENT_PRESENT)) return refuse(cpu, VECTOR_NP, (selector & 0xfffc) | external);
  const level = attributes & SEGMENT_CONFORMING ? cpu.cpl : privilegeOf(attributes);
  const stack = handlerStack(cpu, <u32>(gate >> 32) & 7, level);
  if (cpu.fault != 0) return false;
  if (!canonical(target)) return refuse(cpu, VECTOR_GP, external);
  const oldLevel = cpu.cpl;
  setPrivilege(cpu, level);
  const top = pushFrame(cpu, stack & ~(<u64>15), flags, code, errorCode);
  if (cpu.fault != 0 || !setSegment(cpu, SEGMENT_CS, (selector & 0xfffc) | level, descriptor)) {
    setPrivilege(cpu, oldLevel);
    return false;
  }
  if (level != oldLevel) setNullSegment(cpu, SEGMENT_SS, level);
  cpu.rsp = top;
  cpu.rip = target;
  let mask: u64 = RFLAGS_TF | RFLAGS_VM | RFLAGS_RF | RFLAGS_NT;
  if ((<u32>(gate >> 40) & 0xf) == GATE_INTERRUPT) mask |= RFLAGS_IF;
  cpu.rflags &= ~mask;
  return true;
}

/** 64-bit code that may run at this privilege or a higher one. */
function isHandlerCode(cpu: Cpu, attributes: u32): bool {
  if ((attributes & (SEGMENT_USER | SEGMENT_CODE)) != (SEGMENT_USER | SEGMENT_CODE)) return false;
  if (!(attributes & SEGMENT_LONG) || attributes & SEGMENT_BIG) return false;
  return privilegeOf(attributes) <= cpu.cpl;
}

/** The stack to push on: the IST's, the TSS's for a higher privilege, or the present one. */
function handlerStack(cpu: Cpu, ist: u32, level: u32): u64 {
  if (ist == 0 && level == cpu.cpl) return cpu.rsp;
  const task = segmentAt(cpu, SEGMENT_TR);
  const offset = ist == 0 ? TSS_RSP0 + level * 8 : TSS_IST1 + (ist - 1) * 8;
  if (!(task.attributes & SEGMENT_PRESENT) || offset + 7 > task.limit) {
    refuse(cpu, VECTOR_TS, (<u32>task.selector & 0xfffc) | cpu.deliveryExternal);
    return 0;
  }
  const stack = loadLinear(cpu, task.base + offset, 8, ACCESS_READ | ACCESS_SYSTEM);
  if (cpu.fault == 0 && !canonical(stack)) refuse(cpu, VECTOR_SS, cpu.deliveryExternal);
  return stack;
}

/** Pushes SS, RSP, RFLAGS, CS, RIP and the error code; returns the new RSP. */
function pushFrame(cpu: Cpu, stack: u64, flags: u64, code: bool, errorCode: u32): u64 {
  let top = push(cpu, stack, segmentAt(cpu, SEGMENT_SS).selector);
  top = push(cpu, top, cpu.rsp);
  top = push(cpu, top, flags);
  top = push(cpu, top, segmentAt(cpu, SEGMENT_CS).selector);
  top = push(cpu, top, cpu.rip);
  return code ? push(cpu, top, errorCode) : top;
}

/** Pushes one quadword, unless an earlier push has faulted. */
function push(cpu: Cpu, stack: u64, value: u64): u64 {
  if (cpu.fault != 0) return stack;
  const top = stack - 8;
  if (!canonical(top)) refuse(cpu, VECTOR_SS, cpu.deliveryExternal);
  else storeLinear(cpu, top, 8, value, ACCESS_READ);
  return top;
}
