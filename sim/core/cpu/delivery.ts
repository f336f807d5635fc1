/**
 * Delivery of one interrupt or exception: by the gates of IA-32e mode here (Intel SDM 3A, 6.14; 2A,
 * INT n), by those of protected mode in protected-delivery.ts, by the vectors of real mode.
 *
 *   gate, low quadword:  63-48 offset 31-16 | 47 P | 46-45 DPL | 43-40 type | 34-32 IST |
 *                        31-16 selector | 15-0 offset 15-0
 *   high quadword:       31-0 offset 63-32
 */
import { Cpu, SEGMENT_CS, SEGMENT_SS, segmentAt } from "./cpu";
import { DR7_GD } from "./debug";
import { hasErrorCode } from "./exceptions";
import { taskPointer } from "./inner-stack";
import { accessOf, ACCESS_READ, ACCESS_SYSTEM, canonical, loadLinear, storeLinear } from "./mmu";
import { deliverProtected } from "./protected-delivery";
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
  setRealSegment,
  setSegment,
} from "./segments";
import { keepState, putBack } from "./undo";
import { engine } from "../engine/memory";
import { stackPush } from "../engine/stack";
import {
  CR0_PE,
  EFER_LMA,
  RFLAGS_AC,
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
export const ERROR_IDT: u32 = 2;
/** RSP0 and IST1 in a 64-bit TSS (Intel SDM 3A, figure 7-11). */
const TSS_RSP0: u32 = 4;
const TSS_IST1: u32 = 36;

/**
 * Enters the handler of `vector`: switches stacks when it must, pushes the frame, goes to the
 * gate's target. False when that faults: then `cpu.fault` and `cpu.faultCode` say how, and the
 * registers are as before, or those of the task that a task gate has led to.
 */
export function deliver(cpu: Cpu, vector: u32, errorCode: u32, source: u32): bool {
  const state = engine();
  const alone = state.alone;
  cpu.fault = 0;
  state.alone = 1;
  state.switched = 0;
  keepState(cpu);
  const flags = savedFlags(cpu, vector, source);
  const code = (cpu.cr0 & CR0_PE) != 0 && withCode(vector, source);
  if (!(cpu.cr0 & CR0_PE)) deliverReal(cpu, vector);
  else if (cpu.efer & EFER_LMA) deliverLong(cpu, vector, flags, code, errorCode, source);
  else deliverProtected(cpu, vector, flags, code, errorCode, source == SOURCE_SOFTWARE);
  state.alone = alone;
  if (cpu.fault == 0) {
    // The debugger's handler may touch the debug registers (17.2.4).
    if (vector == VECTOR_DB && source != SOURCE_SOFTWARE) cpu.dr7 &= ~DR7_GD;
    return true;
  }
  // Behind a task switch the fault is the new task's.
  if (state.switched == 0) putBack(cpu);
  // EXT: the fault is not the fault of the program (6.13).
  if (source != SOURCE_SOFTWARE && isSelectorFault(cpu.fault)) cpu.faultCode |= 1;
  return false;
}

/** #TS, #NP, #SS, #GP: their error codes name a selector, and what it is about. */
@inline
function isSelectorFault(vector: u32): bool {
  return vector >= <u32>VECTOR_TS && vector <= <u32>VECTOR_GP;
}

/** Real mode: four bytes a vector, offset and segment; no error code is pushed (20.1.4). */
function deliverReal(cpu: Cpu, vector: u32): void {
  if (vector * 4 + 3 > cpu.idtLimit) {
    refuse(cpu, VECTOR_GP, (vector << 3) | ERROR_IDT);
    return;
  }
  const target = <u32>loadLinear(cpu, cpu.idtBase + vector * 4, 4, ACCESS_SYSTEM);
  if (cpu.fault == 0) stackPush(cpu, 2, cpu.rflags);
  if (cpu.fault == 0) stackPush(cpu, 2, segmentAt(cpu, SEGMENT_CS).selector);
  if (cpu.fault == 0) stackPush(cpu, 2, cpu.rip);
  if (cpu.fault != 0) return;
  setRealSegment(cpu, SEGMENT_CS, target >> 16);
  cpu.rip = target & 0xffff;
  cpu.rflags &= ~(<u64>(RFLAGS_IF | RFLAGS_TF | RFLAGS_RF | RFLAGS_AC));
}

function deliverLong(
  cpu: Cpu,
  vector: u32,
  flags: u64,
  code: bool,
  errorCode: u32,
  source: u32,
): bool {
  const error = (vector << 3) | ERROR_IDT;
  if (vector * GATE_BYTES + GATE_BYTES - 1 > cpu.idtLimit) return refuse(cpu, VECTOR_GP, error);
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
  return enter(cpu, low, target, flags, code, errorCode);
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
  const selector = <u32>(gate >> 16) & 0xffff;
  if (selector < 4) return refuse(cpu, VECTOR_GP, 0);
  const descriptor = readDescriptor(cpu, selector);
  if (cpu.fault != 0) return false;
  const attributes = attributesOf(descriptor);
  if (!isHandlerCode(cpu, attributes)) return refuse(cpu, VECTOR_GP, selector & 0xfffc);
  if (!(attributes & SEGMENT_PRESENT)) return refuse(cpu, VECTOR_NP, selector & 0xfffc);
  const level = attributes & SEGMENT_CONFORMING ? cpu.cpl : privilegeOf(attributes);
  const stack = handlerStack(cpu, <u32>(gate >> 32) & 7, level);
  if (cpu.fault != 0) return false;
  if (!canonical(target)) return refuse(cpu, VECTOR_GP, 0);
  const oldLevel = cpu.cpl;
  setPrivilege(cpu, level);
  const top = pushFrame(cpu, stack & ~(<u64>15), flags, code, errorCode);
  if (cpu.fault != 0) return false;
  if (!setSegment(cpu, SEGMENT_CS, (selector & 0xfffc) | level, descriptor)) return false;
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
  return taskPointer(cpu, ist == 0 ? TSS_RSP0 + level * 8 : TSS_IST1 + (ist - 1) * 8);
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
  if (!canonical(top)) refuse(cpu, VECTOR_SS, 0);
  else storeLinear(cpu, top, 8, value, accessOf(cpu, ACCESS_READ));
  return top;
}
