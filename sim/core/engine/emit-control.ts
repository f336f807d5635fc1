/** Micro-ops of jumps, calls, returns, stack instructions, and pairs of a compare and a jump. */
import { Instruction } from "../decode/instruction";
import { Block } from "./blocks";
import {
  emit,
  emitCall,
  emitMemory,
  emitStore,
  emitWide,
  in64,
  inFlat,
  isMemory,
  linearAddress,
  operandSlot,
  SLOT_RBP,
  SLOT_RSP,
  SLOT_T0,
  SLOT_T1,
  SLOT_ZERO,
  slotOf,
  sourceSlot,
  IN_FLAT,
  IN_STACK,
  widthIndex,
} from "./emitter";
import { integerCall } from "./emit-integer";
import { RARE } from "./improve.generated";
import { engine } from "./memory";
import {
  M_ADD_RI_32,
  M_ADD_RI_32_JZ,
  M_AND_RI_32,
  M_AND_RI_32_JZ,
  M_CALL,
  M_CALL_32,
  M_CALL_INTEGER,
  M_CALL_R,
  M_CMOV_32,
  M_CMOVB_32,
  M_CMP_RI_8,
  M_CMP_RI_8_JB,
  M_CMP_RR_8,
  M_CMP_RR_8_JB,
  M_DEC_32,
  M_DEC_32_JZ,
  M_JO,
  M_JUMP,
  M_JUMP_IF,
  M_JUMP_R,
  M_LEA_32,
  M_LEA_64,
  M_LOAD_B_32,
  M_LOAD_B_64,
  M_MOV_32,
  M_MOV_64,
  M_POP,
  M_POP_32,
  M_PUSH,
  M_PUSH_32,
  M_PUSH_I,
  M_PUSH_I_32,
  M_RET,
  M_RET_32,
  M_SETO,
  M_STORE_B_8,
  M_STORE_X_8,
  M_SUB_RI_32,
  M_SUB_RI_32_JZ,
  M_TEST_RI_8,
  M_TEST_RI_8_JZ,
  M_TEST_RR_8,
  M_TEST_RR_8_JZ,
  M_ZX16,
} from "./micro.generated";
import { MODE_LIMITED } from "./mode";
import {
  INTEGER_CHECK_DIRECT,
  INTEGER_CHECK_TAKEN,
  INTEGER_CHECK_TARGET,
  INTEGER_DROP,
  INTEGER_PEEK,
  INTEGER_POP,
  INTEGER_PUSH,
  INTEGER_PUSH_CONSTANT,
} from "./operations";
import { KIND_I } from "../../spec/isa/operands";

/** No pair of micro-ops. */
const NONE: u32 = 0xffff;

/** Place of a condition among those behind CMP: B, NB, Z, NZ, BE, NBE, L, NL, LE, NLE. */
function afterCompare(condition: u32): u32 {
  if (condition >= 2 && condition < 8) return condition - 2;
  return condition >= 12 ? condition - 6 : NONE;
}

/** Place among those behind an operation that clears CF and OF: Z, NZ, S, NS, LE, NLE. */
function afterLogic(condition: u32): u32 {
  switch (condition >> 1) {
    case 2:
    case 3:
      return condition & 1;
    case 4:
    case 6:
      return 2 + (condition & 1);
    case 7:
      return 4 + (condition & 1);
    default:
      return NONE;
  }
}

/** Place of a width among 8, 32 and 64 bits, from its place among all four. */
@inline
function comparedWidth(index: u32): u32 {
  return index == 1 ? NONE : index == 0 ? 0 : index - 1;
}

function pairOf(family: u32, index: u32, places: u32, place: u32): u32 {
  const width = comparedWidth(index);
  return width == NONE || place == NONE ? NONE : family + width * places + place;
}

/** Z and NZ behind ADD, SUB, AND, DEC of 32 and 64 bits. */
function pairOfZero(op: u32, family: u32, pairs: u32, condition: u32): u32 {
  const zero = condition == 4 || condition == 5;
  return zero && op - family < 2 ? pairs + (op - family) * 2 + (condition & 1) : NONE;
}

/** The micro-op that does what `op` and a jump on `condition` do, or NONE. */
function pairWith(op: u32, condition: u32): u32 {
  if (op - M_CMP_RR_8 < 4)
    return pairOf(M_CMP_RR_8_JB, op - M_CMP_RR_8, 10, afterCompare(condition));
  if (op - M_CMP_RI_8 < 4)
    return pairOf(M_CMP_RI_8_JB, op - M_CMP_RI_8, 10, afterCompare(condition));
  if (op - M_TEST_RR_8 < 4)
    return pairOf(M_TEST_RR_8_JZ, op - M_TEST_RR_8, 6, afterLogic(condition));
  if (op - M_TEST_RI_8 < 4)
    return pairOf(M_TEST_RI_8_JZ, op - M_TEST_RI_8, 6, afterLogic(condition));
  if (op - M_ADD_RI_32 < 2) return pairOfZero(op, M_ADD_RI_32, M_ADD_RI_32_JZ, condition);
  if (op - M_SUB_RI_32 < 2) return pairOfZero(op, M_SUB_RI_32, M_SUB_RI_32_JZ, condition);
  if (op - M_AND_RI_32 < 2) return pairOfZero(op, M_AND_RI_32, M_AND_RI_32_JZ, condition);
  if (op - M_DEC_32 < 2) return pairOfZero(op, M_DEC_32, M_DEC_32_JZ, condition);
  return NONE;
}

/** RIP is cut to the operand size (SDM 2A, JMP; 1, 6.3.7). */
@inline
function targetOf(ins: Instruction): u64 {
  const rip = engine().emitNextRip + ins.immediate;
  return ins.operandBytes == 8 ? rip : ins.operandBytes == 4 ? rip & 0xffff_ffff : rip & 0xffff;
}

/** Whether a direct branch may lead beyond the limit of CS, so that it must be checked. */
@inline
function limited(): bool {
  return (engine().emitMode & MODE_LIMITED) != 0;
}

/** #GP(0) is the branch's own, not that of the fetch behind it (SDM 2A, JMP, CALL, Jcc). */
function checkDirect(block: Block): void {
  if (limited()) emitCall(M_CALL_INTEGER, 0, 0, <i32>block.takenRip, INTEGER_CHECK_DIRECT);
}

/** Jcc; together with the compare in front of it, if there is one. True when it has become a pair. */
export function emitJumpOn(ins: Instruction, block: Block): bool {
  const state = engine();
  const condition = ins.opcode & 15;
  block.takenRip = targetOf(ins);
  const before = state.fusible;
  if (limited()) {
    emit(M_MOV_64, SLOT_T0, SLOT_ZERO);
    emit(M_SETO + condition, SLOT_T0);
    emitCall(M_CALL_INTEGER, SLOT_T0, 0, <i32>block.takenRip, INTEGER_CHECK_TAKEN);
    emit(M_JUMP_IF, 0);
    return false;
  }
  if (before != 0) {
    const pair = pairWith(load<u16>(before), condition);
    if (pair != NONE && unchecked(RARE[pair]) == 0) {
      store<u16>(before, <u16>pair);
      return true;
    }
  }
  emit(M_JO + condition, 0);
  return false;
}

/** LOOP, LOOPE, LOOPNE, JCXZ: a function finds out into T0 whether they jump. */
export function emitLoop(ins: Instruction, block: Block): void {
  block.takenRip = targetOf(ins);
  const checked = limited() ? <i32>block.takenRip : 0;
  emitCall(M_CALL_INTEGER, SLOT_T0, 0, checked, integerCall(ins.operation, ins.addressBytes));
  emit(M_JUMP_IF, 0);
}

/** SETcc. */
export function emitSetOn(ins: Instruction): void {
  const op = M_SETO + (ins.opcode & 15);
  if (!isMemory(ins, ins.kind0)) return emit(op, operandSlot(ins, ins.kind0, 1));
  emit(op, SLOT_T0);
  emitStore(ins, 1, SLOT_T0);
}

/** CMOVcc: memory is read whatever the condition. */
export function emitMoveOn(ins: Instruction): void {
  const bytes = ins.operandBytes;
  const source = sourceSlot(ins, ins.kind1, bytes);
  const target = slotOf(ins.reg);
  const condition = ins.opcode & 15;
  if (bytes >= 4) {
    const wide: u32 = bytes == 8 ? 1 : 0;
    // Conditions 2 to 5, B to NZ, have micro-ops of their own.
    if (condition - 2 < 4) return emit(M_CMOVB_32 + ((condition - 2) << 1) + wide, target, source);
    emit(M_SETO + condition, SLOT_T1);
    emit(M_CMOV_32 + wide, target, source);
  } else emitCall(M_CALL_INTEGER, target, source, <i32>condition, integerCall(ins.operation, 2));
}

/** The target of an indirect near branch, zero-extended in a slot. */
function targetSlot(ins: Instruction): u32 {
  const bytes = ins.operandBytes;
  const slot = sourceSlot(ins, ins.kind0, bytes);
  if (bytes == 8) return slot;
  emit(bytes == 4 ? M_MOV_32 : M_ZX16, SLOT_T0, slot);
  if (limited()) emitCall(M_CALL_INTEGER, SLOT_T0, 0, 0, INTEGER_CHECK_TARGET);
  return SLOT_T0;
}

/** JMP near, direct or indirect. */
export function emitJump(ins: Instruction, block: Block): void {
  if (ins.kind0 <= 2) return emit(M_JUMP_R, targetSlot(ins));
  block.takenRip = targetOf(ins);
  checkDirect(block);
  emit(M_JUMP, 0);
}

/** s of micro-ops on a flat stack of 32 bits. */
const FLAT_STACK: u32 = IN_FLAT | IN_STACK;

/** Doublewords on such a stack, as 32-bit code mostly pushes them. */
@inline
function flatStack(ins: Instruction): bool {
  return inFlat() && ins.operandBytes == 4;
}

/** CALL near. */
export function emitNearCall(ins: Instruction, block: Block): void {
  const indirect = ins.kind0 <= 2;
  if (!indirect) block.takenRip = targetOf(ins);
  if (in64()) {
    if (indirect) emitWide(M_CALL_R, targetSlot(ins), 0, 0, IN_STACK, 0);
    else emitWide(M_CALL, 0, 0, 0, IN_STACK, 0);
    return;
  }
  if (indirect) targetSlot(ins);
  else checkDirect(block);
  const next = <i32>engine().emitNextRip;
  if (flatStack(ins)) {
    if (!indirect) return emitWide(M_CALL_32, 0, 0, 0, FLAT_STACK, 0);
    emitWide(M_PUSH_I_32, 0, 0, 0, FLAT_STACK, <u64>(<u32>next));
    return emit(M_JUMP_R, SLOT_T0);
  }
  emitCall(M_CALL_INTEGER, 0, 0, next, integerCall(INTEGER_PUSH_CONSTANT, ins.operandBytes));
  if (indirect) emit(M_JUMP_R, SLOT_T0);
  else emit(M_JUMP, 0);
}

/** RET near, with the bytes of arguments that it drops. */
export function emitReturn(ins: Instruction): void {
  const extra: i32 = ins.kind0 == KIND_I ? <i32>ins.immediate : 0;
  const bytes = ins.operandBytes;
  if (in64()) return emitWide(M_RET, 0, 0, 0, IN_STACK, <u64>(<u32>extra));
  if (flatStack(ins)) return emitWide(M_RET_32, 0, 0, 0, FLAT_STACK, <u64>(<u32>extra));
  emitCall(M_CALL_INTEGER, SLOT_T0, 0, 0, integerCall(INTEGER_PEEK, bytes));
  emitCall(M_CALL_INTEGER, SLOT_T0, 0, 0, INTEGER_CHECK_TARGET);
  emitCall(M_CALL_INTEGER, 0, 0, extra + <i32>bytes, INTEGER_DROP);
  emit(M_JUMP_R, SLOT_T0);
}

/** The common PUSH and POP: quadwords in 64-bit mode. */
@inline
function quadwords(ins: Instruction): bool {
  return in64() && ins.operandBytes == 8;
}

export function emitPush(ins: Instruction): void {
  const bytes: u32 = ins.operandBytes;
  if (ins.kind0 == KIND_I) {
    if (quadwords(ins)) return emitWide(M_PUSH_I, 0, 0, 0, IN_STACK, <u64>(<u32>ins.immediate));
    if (flatStack(ins)) return emitWide(M_PUSH_I_32, 0, 0, 0, FLAT_STACK, <u64>(<u32>ins.immediate));
    const y = integerCall(INTEGER_PUSH_CONSTANT, bytes);
    return emitCall(M_CALL_INTEGER, 0, 0, <i32>ins.immediate, y);
  }
  const slot = sourceSlot(ins, ins.kind0, bytes);
  if (quadwords(ins)) emitWide(M_PUSH, slot, 0, 0, IN_STACK, 0);
  else if (flatStack(ins)) emitWide(M_PUSH_32, slot, 0, 0, FLAT_STACK, 0);
  else emitCall(M_CALL_INTEGER, slot, 0, 0, integerCall(INTEGER_PUSH, bytes));
}

export function emitPop(ins: Instruction): void {
  const bytes = ins.operandBytes;
  if (isMemory(ins, ins.kind0)) return popMemory(ins);
  const slot = operandSlot(ins, ins.kind0, bytes);
  if (quadwords(ins)) emitWide(M_POP, slot, 0, 0, IN_STACK, 0);
  else if (flatStack(ins)) emitWide(M_POP_32, slot, 0, 0, FLAT_STACK, 0);
  else emitCall(M_CALL_INTEGER, slot, 0, 0, integerCall(INTEGER_POP, bytes));
}

/** An address with rSP is worked out after the increment; a fault leaves RSP as it was (SDM 2B, POP). */
function popMemory(ins: Instruction): void {
  const bytes = ins.operandBytes;
  emitCall(M_CALL_INTEGER, SLOT_T0, 0, 0, integerCall(INTEGER_PEEK, bytes));
  if (ins.base == 4) ins.displacement += bytes;
  linearAddress(ins, bytes, true);
  const family = engine().memoryIndex == SLOT_ZERO ? M_STORE_B_8 : M_STORE_X_8;
  emitMemory(family + widthIndex(bytes), SLOT_T0);
  emitCall(M_CALL_INTEGER, 0, 0, <i32>bytes, INTEGER_DROP);
}

/** LEAVE. */
export function emitLeave(ins: Instruction): void {
  if (flatStack(ins)) {
    emitWide(M_LOAD_B_32, SLOT_T0, SLOT_RBP, SLOT_ZERO, FLAT_STACK, 0);
    emitWide(M_LEA_32, SLOT_RSP, SLOT_RBP, SLOT_ZERO, 0, 4);
    return emit(M_MOV_32, SLOT_RBP, SLOT_T0);
  }
  if (!quadwords(ins))
    return emitCall(M_CALL_INTEGER, 0, 0, 0, integerCall(ins.operation, ins.operandBytes));
  emitWide(M_LOAD_B_64, SLOT_T0, SLOT_RBP, SLOT_ZERO, IN_STACK, 0);
  emitWide(M_LEA_64, SLOT_RSP, SLOT_RBP, SLOT_ZERO, 0, 8);
  emit(M_MOV_64, SLOT_RBP, SLOT_T0);
}
