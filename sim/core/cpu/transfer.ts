/**
 * JMP and CALL to another segment, directly and by call gates, or to another task (Intel SDM 2A, CALL and JMP; 3A, 5.8).
 * What isn't allowed is left in `cpu.fault`; callers keep the state (undo.ts).
 *
 *   call gate:  63-48 offset 31-16 | 47 P | 46-45 DPL | 44-40 type | 36-32 parameters |
 *               31-16 selector | 15-0 offset 15-0      in IA-32e mode 64 bits more: 31-0 offset 63-32
 */
import { Cpu, SEGMENT_CS, SEGMENT_SS, segmentAt } from "./cpu";
import { enterInnerStack, taskPointer } from "./inner-stack";
import { ACCESS_SYSTEM, canonical, loadLinear } from "./mmu";
import {
  attributesOf,
  descriptorAddress,
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
  setNullSegment,
  setPrivilege,
  setRealSegment,
  setSegment,
} from "./segments";
import { farGateTask, farTask, isTask, TASK_JUMP, TASK_NEST, TYPE_TASK_GATE } from "./task";
import { gateParameters } from "../engine/memory";
import { stackPeek, stackPush } from "../engine/stack";
import { EFER_LMA, VECTOR_GP, VECTOR_NP, VECTOR_SS } from "../../spec/x86";

/** Types of system descriptors; bit 3 makes a gate one of 32 bits, in IA-32e mode of 64. */
const GATE_CALL: u32 = 4;
const GATE_WIDE: u32 = 8;
const TYPE_MASK: u32 = 0x1f;
const RSP0: u32 = 4;

@inline
function longMode(cpu: Cpu): bool {
  return (cpu.efer & EFER_LMA) != 0;
}

/** JMP to `offset`, cut to the operand size, in the segment of `selector`. */
export function farJump(cpu: Cpu, selector: u32, offset: u64): bool {
  if (realAddresses(cpu)) return goReal(cpu, selector, offset);
  const descriptor = readTarget(cpu, selector);
  if (cpu.fault != 0) return false;
  const attributes = attributesOf(descriptor);
  if (!(attributes & SEGMENT_USER)) return throughGate(cpu, selector, descriptor, false);
  if (!directly(cpu, attributes, selector)) return false;
  return goTo(cpu, selector, descriptor, cpu.cpl, offset);
}

/** CALL: `bytes` is the operand size, in which CS and RIP are pushed. */
export function farCall(cpu: Cpu, selector: u32, offset: u64, bytes: u32): bool {
  const real = realAddresses(cpu);
  const descriptor = real ? 0 : readTarget(cpu, selector);
  if (cpu.fault != 0) return false;
  const attributes = attributesOf(descriptor);
  if (!real && !(attributes & SEGMENT_USER)) return throughGate(cpu, selector, descriptor, true);
  if (!real && !directly(cpu, attributes, selector)) return false;
  if (!pushReturn(cpu, bytes, segmentAt(cpu, SEGMENT_CS).selector, cpu.rip)) return false;
  return real ? goReal(cpu, selector, offset) : goTo(cpu, selector, descriptor, cpu.cpl, offset);
}

function pushReturn(cpu: Cpu, bytes: u32, selector: u32, rip: u64): bool {
  stackPush(cpu, bytes, selector);
  if (cpu.fault == 0) stackPush(cpu, bytes, rip);
  return cpu.fault == 0;
}

function goReal(cpu: Cpu, selector: u32, offset: u64): bool {
  if (offset > <u64>segmentAt(cpu, SEGMENT_CS).limit) return refuse(cpu, VECTOR_GP, 0);
  setRealSegment(cpu, SEGMENT_CS, selector);
  cpu.rip = offset;
  return true;
}

function readTarget(cpu: Cpu, selector: u32): u64 {
  if ((selector & 0xfffc) != 0) return readDescriptor(cpu, selector);
  refuse(cpu, VECTOR_GP, 0);
  return 0;
}

/** Whether a code segment may be gone to without a gate: privilege stays as it is. */
function directly(cpu: Cpu, attributes: u32, selector: u32): bool {
  const dpl = privilegeOf(attributes);
  const conforming = (attributes & SEGMENT_CONFORMING) != 0;
  const allowed = conforming ? dpl <= cpu.cpl : (selector & 3) <= cpu.cpl && dpl == cpu.cpl;
  const both = SEGMENT_LONG | SEGMENT_BIG;
  if (!(attributes & SEGMENT_CODE) || !allowed || (longMode(cpu) && (attributes & both) == both))
    return refuse(cpu, VECTOR_GP, selector & 0xfffc);
  return true;
}

/** Enters a code segment, whose type and privilege have been checked, at `level`. */
function goTo(cpu: Cpu, selector: u32, descriptor: u64, level: u32, offset: u64): bool {
  const attributes = attributesOf(descriptor);
  if (!(attributes & SEGMENT_PRESENT)) return refuse(cpu, VECTOR_NP, selector & 0xfffc);
  const wide = longMode(cpu) && (attributes & SEGMENT_LONG) != 0;
  if (wide ? !canonical(offset) : offset > <u64>limitOf(descriptor))
    return refuse(cpu, VECTOR_GP, 0);
  if (!setSegment(cpu, SEGMENT_CS, (selector & 0xfffc) | level, descriptor)) return false;
  cpu.rip = offset;
  return true;
}

/** A selector that isn't one of code or data: a gate or a task, when it may be used (5.8.4, 7.2.2). */
function throughGate(cpu: Cpu, selector: u32, gate: u64, call: bool): bool {
  const error = selector & 0xfffc;
  const type = <u32>(gate >> 40) & TYPE_MASK;
  const wide = (type & GATE_WIDE) != 0;
  const tasks = !longMode(cpu);
  const task = tasks && isTask(attributesOf(gate));
  const taskGate = tasks && type == TYPE_TASK_GATE;
  const callGate = (type & ~GATE_WIDE) == GATE_CALL && (tasks || wide);
  if (!task && !taskGate && !callGate) return refuse(cpu, VECTOR_GP, error);
  const dpl = <u32>(gate >> 45) & 3;
  if (dpl < cpu.cpl || dpl < (selector & 3)) return refuse(cpu, VECTOR_GP, error);
  const kind = call ? TASK_NEST : TASK_JUMP;
  if (task) return farTask(cpu, selector, kind);
  if (!(gate & (1 << 47))) return refuse(cpu, VECTOR_NP, error);
  if (taskGate) return farGateTask(cpu, gate, kind);
  let offset = gate & 0xffff;
  if (wide) offset |= (gate >> 32) & 0xffff_0000;
  if (longMode(cpu)) {
    const upper = gateUpperHalf(cpu, selector);
    if (cpu.fault != 0) return false;
    offset |= upper << 32;
  }
  return enterGate(cpu, gate, offset, call, longMode(cpu) ? 8 : wide ? 4 : 2);
}

/** Of a gate in IA-32e mode, which takes two places of its table; its type field must be 0. */
function gateUpperHalf(cpu: Cpu, selector: u32): u64 {
  const at = descriptorAddress(cpu, selector, 16);
  const upper = at == 0 ? 0 : loadLinear(cpu, at + 8, 8, ACCESS_SYSTEM);
  if (cpu.fault == 0 && (at == 0 || (upper >> 40) & TYPE_MASK))
    refuse(cpu, VECTOR_GP, selector & 0xfffc);
  return upper;
}

/** To the code segment that a call gate names, with frames of `bytes` bytes. */
function enterGate(cpu: Cpu, gate: u64, offset: u64, call: bool, bytes: u32): bool {
  const selector = <u32>(gate >> 16) & 0xffff;
  const error = selector & 0xfffc;
  const descriptor = readTarget(cpu, selector);
  if (cpu.fault != 0) return false;
  const attributes = attributesOf(descriptor);
  const dpl = privilegeOf(attributes);
  const code = SEGMENT_USER | SEGMENT_CODE;
  const conforming = (attributes & SEGMENT_CONFORMING) != 0;
  if ((attributes & code) != code || dpl > cpu.cpl || (!call && !conforming && dpl != cpu.cpl))
    return refuse(cpu, VECTOR_GP, error);
  const size = attributes & (SEGMENT_LONG | SEGMENT_BIG);
  if (bytes == 8 && size != SEGMENT_LONG) return refuse(cpu, VECTOR_GP, error);
  if (!(attributes & SEGMENT_PRESENT)) return refuse(cpu, VECTOR_NP, error);
  if (!call) return goTo(cpu, selector, descriptor, cpu.cpl, offset);
  const oldCode = segmentAt(cpu, SEGMENT_CS).selector;
  const returnTo = cpu.rip;
  // The pushes are those of 64-bit mode, also when the caller's mode is another.
  if (bytes == 8) segmentAt(cpu, SEGMENT_CS).attributes |= <u16>SEGMENT_LONG;
  const level = conforming ? cpu.cpl : dpl;
  const inward = level < cpu.cpl;
  if (inward && !switchStack(cpu, level, bytes, <u32>(gate >> 32) & 0x1f)) return false;
  const pushed = pushReturn(cpu, bytes, oldCode, returnTo);
  if (!pushed && inward && cpu.fault == VECTOR_SS) tellStack(cpu);
  return pushed && goTo(cpu, selector, descriptor, level, offset);
}

/** The stack of an inner level: the old one's place, and the parameters that were on it. */
function switchStack(cpu: Cpu, level: u32, bytes: u32, parameters: u32): bool {
  const oldStack = segmentAt(cpu, SEGMENT_SS).selector;
  const pointer = cpu.rsp;
  if (bytes == 8) {
    const stack = taskPointer(cpu, RSP0 + level * 8);
    if (cpu.fault != 0) return false;
    setPrivilege(cpu, level);
    setNullSegment(cpu, SEGMENT_SS, level);
    cpu.rsp = stack;
    return pushReturn(cpu, 8, oldStack, pointer);
  }
  for (let n: u32 = 0; n < parameters && cpu.fault == 0; n++)
    store<u32>(gateParameters() + (<usize>n << 2), <u32>stackPeek(cpu, bytes, n * bytes));
  if (cpu.fault != 0 || !enterInnerStack(cpu, level)) return false;
  pushReturn(cpu, bytes, oldStack, pointer);
  for (let n = parameters; n > 0 && cpu.fault == 0; n--)
    stackPush(cpu, bytes, load<u32>(gateParameters() + (<usize>(n - 1) << 2)));
  if (cpu.fault == VECTOR_SS) tellStack(cpu);
  return cpu.fault == 0;
}

/** On the stack of another level, what doesn't fit is told by its selector. */
function tellStack(cpu: Cpu): void {
  cpu.faultCode = <u32>segmentAt(cpu, SEGMENT_SS).selector & 0xfffc;
}
