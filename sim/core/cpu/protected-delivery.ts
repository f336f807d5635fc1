/**
 * Delivery by the gates of protected mode, 16 and 32 bits, from virtual-8086 mode too (Intel SDM 3A,
 * 6.11, 6.12, 20.3; 2A, INT n).
 *
 *   63-48 offset 31-16 | 47 P | 46-45 DPL | 44-40 type | 31-16 selector | 15-0 offset 15-0
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
import { ERROR_IDT } from "./delivery";
import { enterInnerStack } from "./inner-stack";
import { ACCESS_SYSTEM, loadLinear } from "./mmu";
import {
  attributesOf,
  limitOf,
  privilegeOf,
  readDescriptor,
  refuse,
  SEGMENT_CODE,
  SEGMENT_CONFORMING,
  SEGMENT_PRESENT,
  SEGMENT_USER,
  setNullSegment,
  setSegment,
} from "./segments";
import { gateTask, TASK_NEST, taskBytes, TYPE_TASK_GATE } from "./task";
import { stackPush } from "../engine/stack";
import {
  RFLAGS_IF,
  RFLAGS_NT,
  RFLAGS_RF,
  RFLAGS_TF,
  RFLAGS_VM,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_SS,
} from "../../spec/x86";

const GATE_BYTES: u32 = 8;
/** Types: interrupt and trap gates of 16 bits, and with bit 3 of 32. */
const GATE_INTERRUPT_16: u32 = 6;
const GATE_TRAP_16: u32 = 7;
const GATE_32: u32 = 8;

/** As `deliver`; what fails is in `cpu.fault`, without EXT. */
export function deliverProtected(
  cpu: Cpu,
  vector: u32,
  flags: u64,
  code: bool,
  errorCode: u32,
  software: bool,
): bool {
  const error = (vector << 3) | ERROR_IDT;
  if (vector * GATE_BYTES + GATE_BYTES - 1 > cpu.idtLimit) return refuse(cpu, VECTOR_GP, error);
  const gate = loadLinear(cpu, cpu.idtBase + vector * GATE_BYTES, 8, ACCESS_SYSTEM);
  if (cpu.fault != 0) return false;
  const type = <u32>(gate >> 40) & 0x1f;
  const size = type & ~GATE_32;
  const ordinary = size == GATE_INTERRUPT_16 || size == GATE_TRAP_16;
  if (!ordinary && type != TYPE_TASK_GATE) return refuse(cpu, VECTOR_GP, error);
  if (software && (<u32>(gate >> 45) & 3) < cpu.cpl) return refuse(cpu, VECTOR_GP, error);
  if (!(gate & (1 << 47))) return refuse(cpu, VECTOR_NP, error);
  if (!ordinary) return deliverToTask(cpu, gate, flags, code, errorCode);
  const bytes: u32 = type & GATE_32 ? 4 : 2;
  if (!enter(cpu, gate, bytes, flags)) return false;
  if (size == GATE_INTERRUPT_16) cpu.rflags &= ~(<u64>RFLAGS_IF);
  if (code) stackPush(cpu, bytes, errorCode);
  return cpu.fault == 0;
}

/** The task of a task gate finds the error code on its stack, in words of its TSS (6.12.2, 6.13). */
function deliverToTask(cpu: Cpu, gate: u64, flags: u64, code: bool, errorCode: u32): bool {
  if (!gateTask(cpu, gate, TASK_NEST, flags)) return false;
  if (code) stackPush(cpu, taskBytes(cpu), errorCode);
  return cpu.fault == 0;
}

/** Pushes the frame without the error code, and goes to the gate's target. */
function enter(cpu: Cpu, gate: u64, bytes: u32, flags: u64): bool {
  const selector = <u32>(gate >> 16) & 0xffff;
  const error = selector & 0xfffc;
  if (error == 0) return refuse(cpu, VECTOR_GP, 0);
  const descriptor = readDescriptor(cpu, selector);
  if (cpu.fault != 0) return false;
  const attributes = attributesOf(descriptor);
  const code = SEGMENT_USER | SEGMENT_CODE;
  if ((attributes & code) != code || privilegeOf(attributes) > cpu.cpl)
    return refuse(cpu, VECTOR_GP, error);
  if (!(attributes & SEGMENT_PRESENT)) return refuse(cpu, VECTOR_NP, error);
  const level = attributes & SEGMENT_CONFORMING ? cpu.cpl : privilegeOf(attributes);
  const virtual = (cpu.rflags & RFLAGS_VM) != 0;
  if (virtual && level != 0) return refuse(cpu, VECTOR_GP, error);
  const offset = <u32>(bytes == 4 ? (gate & 0xffff) | ((gate >> 32) & 0xffff_0000) : gate & 0xffff);
  const oldCode = segmentAt(cpu, SEGMENT_CS).selector;
  const returnTo = cpu.rip;
  const inward = level < cpu.cpl;
  if (inward && !switchStack(cpu, level, bytes, virtual)) return false;
  pushWord(cpu, bytes, flags);
  pushWord(cpu, bytes, oldCode);
  pushWord(cpu, bytes, returnTo);
  // On the stack of another level, what doesn't fit is told by its selector.
  if (inward && cpu.fault == VECTOR_SS)
    cpu.faultCode = <u32>segmentAt(cpu, SEGMENT_SS).selector & 0xfffc;
  if (cpu.fault != 0) return false;
  if (offset > limitOf(descriptor)) return refuse(cpu, VECTOR_GP, 0);
  if (!setSegment(cpu, SEGMENT_CS, error | level, descriptor)) return false;
  cpu.rip = offset;
  cpu.rflags &= ~(<u64>(RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM));
  return true;
}

/** Pushes a word, unless an earlier one has faulted. */
@inline
function pushWord(cpu: Cpu, bytes: u32, value: u64): void {
  if (cpu.fault == 0) stackPush(cpu, bytes, value);
}

/** The stack of `level` with the old one's place; from virtual-8086 mode with the data segments. */
function switchStack(cpu: Cpu, level: u32, bytes: u32, virtual: bool): bool {
  const oldStack = segmentAt(cpu, SEGMENT_SS).selector;
  const pointer = cpu.rsp;
  cpu.rflags &= ~(<u64>RFLAGS_VM);
  if (!enterInnerStack(cpu, level)) return false;
  if (virtual) {
    pushWord(cpu, bytes, segmentAt(cpu, SEGMENT_GS).selector);
    pushWord(cpu, bytes, segmentAt(cpu, SEGMENT_FS).selector);
    pushWord(cpu, bytes, segmentAt(cpu, SEGMENT_DS).selector);
    pushWord(cpu, bytes, segmentAt(cpu, SEGMENT_ES).selector);
    setNullSegment(cpu, SEGMENT_GS, 0);
    setNullSegment(cpu, SEGMENT_FS, 0);
    setNullSegment(cpu, SEGMENT_DS, 0);
    setNullSegment(cpu, SEGMENT_ES, 0);
  }
  pushWord(cpu, bytes, oldStack);
  pushWord(cpu, bytes, pointer);
  return true;
}
