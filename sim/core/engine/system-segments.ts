/** Instructions that load segment registers, far transfers and SWAPGS. */
import {
  charge,
  Cpu,
  Segment,
  SEGMENT_FS,
  SEGMENT_GS,
  SEGMENT_SS,
  segmentAt,
  SHADOW_STACK,
} from "../cpu/cpu";
import { canonical } from "../cpu/mmu";
import { SEGMENT_CYCLES } from "../cpu/prices";
import { farReturn, interruptReturn } from "../cpu/return";
import { loadSegmentRegister, refuse } from "../cpu/segments";
import { farCall, farJump } from "../cpu/transfer";
import { keepState, putBack } from "../cpu/undo";
import { readSlot, writeSlot } from "./integer";
import { setStackPointer, stackPeek, stackPush } from "./stack";
import {
  aboveOf,
  hasMemory,
  immediateOf,
  loadOperand,
  operandBytes,
  readRm,
  registerSlot,
  regOf,
  rmOf,
  writeRm,
} from "./system-operands";
import {
  OP_CALL_FAR,
  OP_IRET,
  OP_JMP_FAR,
  OP_LDS,
  OP_LES,
  OP_LFS,
  OP_LSS,
  OP_MOV_FROM_SEGMENT,
  OP_MOV_TO_SEGMENT,
  OP_POP_SEGMENT,
  OP_PUSH_SEGMENT,
  OP_RDFSBASE,
  OP_RDGSBASE,
  OP_RETF,
  OP_SWAPGS,
  OP_WRFSBASE,
  OP_WRGSBASE,
} from "../../spec/isa/operations.generated";
import {
  CR4_FSGSBASE,
  SEGMENT_NUMBER_DS,
  SEGMENT_NUMBER_ES,
  SEGMENT_NUMBER_FS,
  VECTOR_GP,
  VECTOR_UD,
} from "../../spec/x86";

export function executeSegment(cpu: Cpu, ip: usize, operation: u32): void {
  const bytes = operandBytes(ip);
  switch (operation) {
    case OP_MOV_FROM_SEGMENT:
      return writeRm(cpu, ip, bytes, segmentAt(cpu, regOf(ip)).selector);
    case OP_MOV_TO_SEGMENT: {
      const selector = readRm(cpu, ip, 2);
      if (cpu.fault == 0) loadVisible(cpu, regOf(ip), <u32>selector);
      return;
    }
    case OP_PUSH_SEGMENT:
      return stackPush(cpu, bytes, segmentAt(cpu, regOf(ip)).selector);
    case OP_POP_SEGMENT:
      return popSegment(cpu, regOf(ip), bytes);
    case OP_SWAPGS:
      return swapGs(cpu);
    case OP_RDFSBASE:
    case OP_RDGSBASE:
    case OP_WRFSBASE:
    case OP_WRGSBASE:
      return moveBase(cpu, ip, operation, bytes);
    case OP_JMP_FAR:
    case OP_CALL_FAR:
    case OP_RETF:
    case OP_IRET:
      return transfer(cpu, ip, operation, bytes);
    default:
      loadPointer(cpu, ip, pointerSegment(operation), bytes);
  }
}

function loadVisible(cpu: Cpu, index: u32, selector: u32): void {
  if (!loadSegmentRegister(cpu, index, selector & 0xffff)) return;
  charge(cpu, SEGMENT_CYCLES);
  if (index == SEGMENT_SS) cpu.interruptShadow = SHADOW_STACK;
}

/** The stack pointer moves by the operand size of the old stack, also when SS is popped. */
function popSegment(cpu: Cpu, index: u32, bytes: u32): void {
  const selector = stackPeek(cpu, bytes);
  if (cpu.fault != 0) return;
  const top = cpu.rsp;
  setStackPointer(cpu, top + bytes);
  loadVisible(cpu, index, <u32>selector);
  if (cpu.fault != 0) cpu.rsp = top;
}

function pointerSegment(operation: u32): u32 {
  switch (operation) {
    case OP_LES:
      return SEGMENT_NUMBER_ES;
    case OP_LDS:
      return SEGMENT_NUMBER_DS;
    case OP_LSS:
      return SEGMENT_SS;
    case OP_LFS:
      return SEGMENT_NUMBER_FS;
    default:
      return SEGMENT_GS;
  }
}

/** LDS and its kin: a far pointer from memory, its selector first, because that can be refused. */
function loadPointer(cpu: Cpu, ip: usize, index: u32, bytes: u32): void {
  const offset = loadOperand(cpu, ip, 0, bytes);
  const selector = cpu.fault == 0 ? <u32>loadOperand(cpu, ip, bytes, 2) : 0;
  if (cpu.fault != 0 || !loadSegmentRegister(cpu, index, selector)) return;
  charge(cpu, SEGMENT_CYCLES);
  writeSlot(registerSlot(cpu, regOf(ip)), bytes, offset);
}

/** SWAPGS: only in 64-bit mode, where the description has it. */
function swapGs(cpu: Cpu): void {
  const at = changetype<usize>(segmentAt(cpu, SEGMENT_GS)) + offsetof<Segment>("base");
  const base = load<u64>(at);
  store<u64>(at, cpu.kernelGsBase);
  cpu.kernelGsBase = base;
}

/** RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE: at every level, when CR4.FSGSBASE lets them. */
function moveBase(cpu: Cpu, ip: usize, operation: u32, bytes: u32): void {
  if (!(cpu.cr4 & CR4_FSGSBASE)) {
    refuse(cpu, VECTOR_UD, 0);
    return;
  }
  const fs = operation == OP_RDFSBASE || operation == OP_WRFSBASE;
  const segment = segmentAt(cpu, fs ? SEGMENT_FS : SEGMENT_GS);
  const slot = registerSlot(cpu, rmOf(ip));
  if (operation == OP_RDFSBASE || operation == OP_RDGSBASE) return writeSlot(slot, bytes, segment.base);
  const base = readSlot(slot, bytes);
  if (canonical(base)) segment.base = base;
  else refuse(cpu, VECTOR_GP, 0);
}

function transfer(cpu: Cpu, ip: usize, operation: u32, bytes: u32): void {
  let offset: u64 = immediateOf(ip);
  let selector = aboveOf(ip);
  if (hasMemory(ip)) {
    offset = loadOperand(cpu, ip, 0, bytes);
    selector = cpu.fault == 0 ? <u32>loadOperand(cpu, ip, bytes, 2) : 0;
    if (cpu.fault != 0) return;
  }
  charge(cpu, SEGMENT_CYCLES);
  keepState(cpu);
  if (operation == OP_IRET) interruptReturn(cpu, bytes);
  else if (operation == OP_RETF) farReturn(cpu, bytes, immediateOf(ip) & 0xffff);
  else if (operation == OP_CALL_FAR) farCall(cpu, selector, offset, bytes);
  else farJump(cpu, selector, offset);
  if (cpu.fault != 0) putBack(cpu);
}
