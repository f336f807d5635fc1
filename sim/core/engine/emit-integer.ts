/** Micro-ops of moves, arithmetic, shifts and bits (Intel SDM 2A-2B). */
import { Instruction } from "../decode/instruction";
import {
  addressFromT3,
  emit,
  emitCall,
  emitLoad,
  emitLoadKind,
  emitMemory,
  emitModify,
  emitModifyEnd,
  emitStore,
  emitWide,
  effectiveAddress,
  isMemory,
  linearAddress,
  modifyOf,
  operandSlot,
  SLOT_RAX,
  SLOT_T0,
  SLOT_T2,
  SLOT_T3,
  SLOT_ZERO,
  slotOf,
  sourceSlot,
  widthIndex,
} from "./emitter";
import { engine } from "./memory";
import {
  M_ADD_RI_8,
  M_ADD_RR_8,
  M_CALL_INTEGER,
  M_DEC_8,
  M_IMUL_RI_32,
  M_IMUL_RR_32,
  M_INC_8,
  M_LEA_16,
  M_LEA_32,
  M_LEA_64,
  M_LOAD_B_SX16_32,
  M_LOAD_B_SX16_64,
  M_LOAD_B_SX32_64,
  M_LOAD_B_SX8_32,
  M_LOAD_B_SX8_64,
  M_LOAD_B_ZX16,
  M_LOAD_B_ZX8,
  M_LOAD_B_8,
  M_MOV_8,
  M_MOV_I_16,
  M_MOV_I_64,
  M_MOV_I_8,
  M_NEG_8,
  M_NOP,
  M_NOT_8,
  M_ROL_CL_32,
  M_ROL_I_8,
  M_ROR_CL_32,
  M_ROR_I_8,
  M_SAR_CL_32,
  M_SAR_I_8,
  M_SHL_CL_32,
  M_SHL_I_8,
  M_SHR_CL_32,
  M_SHR_I_8,
  M_STORE_I_8,
  M_SX16_32,
  M_SX16_64,
  M_SX32_64,
  M_SX8_16,
  M_SX8_32,
  M_SX8_64,
  M_TEST_RR_8,
  M_ZX16,
  M_ZX8,
  M_ZX8_16,
} from "./micro.generated";
import { KIND_CL, KIND_I, KIND_NONE, KIND_ONE } from "../../spec/isa/operands";
import {
  OP_BT,
  OP_CMP,
  OP_DEC,
  OP_INC,
  OP_NEG,
  OP_ROL,
  OP_ROR,
  OP_SAR,
  OP_SHL,
  OP_SHR,
} from "../../spec/isa/operations.generated";
import { INTEGER_BIT_OFFSET } from "./operations";

/** The operation of CALL_INTEGER: its number, and log2 of the width from bit 16 on. */
@inline
export function integerCall(operation: u32, bytes: u32): u32 {
  return operation | (widthIndex(bytes) << 16);
}

/** ADD, OR, ADC, SBB, AND, SUB, XOR, CMP, TEST: `index` is the place among them. */
export function emitArithmetic(ins: Instruction, index: u32): void {
  const bytes = ins.operandBytes;
  const place = index * 4 + widthIndex(bytes);
  const reads = ins.operation == OP_CMP || index == (M_TEST_RR_8 - M_ADD_RR_8) / 4;
  const memory = isMemory(ins, ins.kind0);
  let slot: u32;
  if (!memory) slot = operandSlot(ins, ins.kind0, bytes);
  else {
    slot = SLOT_T0;
    if (reads) emitLoad(ins, bytes, SLOT_T0);
    else emitModify(ins, bytes);
  }
  if (ins.kind1 == KIND_I) emit(M_ADD_RI_8 + place, slot, 0, constantOf(ins, bytes));
  else emit(M_ADD_RR_8 + place, slot, sourceSlot(ins, ins.kind1, bytes));
  if (!memory || reads) engine().fusible = engine().emitTop - 16;
  if (memory && !reads) emitModifyEnd(bytes);
}

/** The immediate, sign-extended from the operand's width. */
function constantOf(ins: Instruction, bytes: u32): i32 {
  const value = <i32>ins.immediate;
  return bytes == 1 ? (value << 24) >> 24 : bytes == 2 ? (value << 16) >> 16 : value;
}

/** INC, DEC, NEG, NOT. */
export function emitUnary(ins: Instruction): void {
  const bytes = ins.operandBytes;
  const family =
    ins.operation == OP_INC
      ? M_INC_8
      : ins.operation == OP_DEC
        ? M_DEC_8
        : ins.operation == OP_NEG
          ? M_NEG_8
          : M_NOT_8;
  if (isMemory(ins, ins.kind0)) {
    emitModify(ins, bytes);
    emit(family + widthIndex(bytes), SLOT_T0);
    return emitModifyEnd(bytes);
  }
  emit(family + widthIndex(bytes), operandSlot(ins, ins.kind0, bytes));
  if (ins.operation <= <u32>OP_DEC) engine().fusible = engine().emitTop - 16;
}

/** The family of shifts by an immediate; 0 for rotations through carry, which are functions. */
function shiftFamily(operation: u32): u32 {
  switch (operation) {
    case OP_ROL:
      return M_ROL_I_8;
    case OP_ROR:
      return M_ROR_I_8;
    case OP_SHL:
      return M_SHL_I_8;
    case OP_SHR:
      return M_SHR_I_8;
    case OP_SAR:
      return M_SAR_I_8;
    default:
      return 0;
  }
}

function shiftFamilyByCl(operation: u32): u32 {
  switch (operation) {
    case OP_ROL:
      return M_ROL_CL_32;
    case OP_ROR:
      return M_ROR_CL_32;
    case OP_SHL:
      return M_SHL_CL_32;
    case OP_SHR:
      return M_SHR_CL_32;
    default:
      return M_SAR_CL_32;
  }
}

/** ROL, ROR, RCL, RCR, SHL, SHR, SAR by 1, CL or an immediate. */
export function emitShift(ins: Instruction): void {
  const bytes = ins.operandBytes;
  const memory = isMemory(ins, ins.kind0);
  if (memory) emitModify(ins, bytes);
  shiftSlot(ins, memory ? SLOT_T0 : operandSlot(ins, ins.kind0, bytes), bytes);
  if (memory) emitModifyEnd(bytes);
}

function shiftSlot(ins: Instruction, slot: u32, bytes: u32): void {
  const family = shiftFamily(ins.operation);
  const byCl = ins.kind1 == KIND_CL;
  if (byCl && bytes >= 4 && family != 0)
    return emit(shiftFamilyByCl(ins.operation) + widthIndex(bytes) - 2, slot);
  const mask: u32 = bytes == 8 ? 63 : 31;
  const count: u32 = ins.kind1 == KIND_ONE ? 1 : <u32>ins.immediate & mask;
  if (byCl || family == 0) {
    const by: i32 = byCl ? -1 : <i32>count;
    return emitCall(M_CALL_INTEGER, slot, 0, by, integerCall(ins.operation, bytes));
  }
  if (count != 0) emit(family + widthIndex(bytes), slot, 0, <i32>count);
  else emitMove(bytes, slot, slot);
}

/** Register to register; with 4 bytes the upper half of the destination goes. */
export function emitMove(bytes: u32, to: u32, from: u32): void {
  emit(M_MOV_8 + widthIndex(bytes), to, from);
}

export function emitConstant(bytes: u32, slot: u32, value: u64): void {
  if (bytes == 1) emitWide(M_MOV_I_8, slot, 0, 0, 0, value);
  else if (bytes == 2) emitWide(M_MOV_I_16, slot, 0, 0, 0, value);
  else emitWide(M_MOV_I_64, slot, 0, 0, 0, bytes == 4 ? value & 0xffff_ffff : value);
}

/** MOV of general registers, memory and immediates; MOVNTI. */
export function emitMov(ins: Instruction): void {
  const bytes = ins.operandBytes;
  if (!isMemory(ins, ins.kind0)) {
    const slot = operandSlot(ins, ins.kind0, bytes);
    if (ins.kind1 == KIND_I) emitConstant(bytes, slot, ins.immediate);
    else if (isMemory(ins, ins.kind1)) emitLoad(ins, bytes, slot);
    else emitMove(bytes, slot, operandSlot(ins, ins.kind1, bytes));
    return;
  }
  if (ins.kind1 != KIND_I) return emitStore(ins, bytes, operandSlot(ins, ins.kind1, bytes));
  linearAddress(ins, bytes, true);
  const state = engine();
  const displacement = state.memoryDisplacement;
  if (<u64>(<i64>(<i32>displacement)) != displacement) {
    emitMemory(M_LEA_64, SLOT_T3);
    state.memoryBase = SLOT_T3;
    state.memoryIndex = SLOT_ZERO;
    state.memoryDisplacement = 0;
  }
  const imm = (state.memoryDisplacement & 0xffff_ffff) | (ins.immediate << 32);
  const op = M_STORE_I_8 + widthIndex(bytes);
  emitWide(op, 0, state.memoryBase, state.memoryIndex, state.memoryScale, imm);
}

/** MOVZX, MOVSX, MOVSXD: from `bytes1` to `operandBytes` bytes. */
export function emitExtend(ins: Instruction, signed: bool): void {
  const to = ins.operandBytes;
  const from: u32 = ins.bytes1;
  const target = operandSlot(ins, ins.kind0, to);
  const memory = isMemory(ins, ins.kind1);
  if (from >= to) {
    // MOVZX r16, r/m16 and MOVSXD without REX.W only copy.
    if (memory) emitLoad(ins, to, target);
    else emitMove(to, target, operandSlot(ins, ins.kind1, to));
  } else if (memory && to != 2) {
    linearAddress(ins, from, false);
    emitLoadKind(extendingLoad(from, to, signed) - M_LOAD_B_8, target);
  } else emit(extension(from, to, signed), target, sourceSlot(ins, ins.kind1, from));
}

function extendingLoad(from: u32, to: u32, signed: bool): u32 {
  if (from == 4) return M_LOAD_B_SX32_64;
  if (from == 1) return !signed ? M_LOAD_B_ZX8 : to == 4 ? M_LOAD_B_SX8_32 : M_LOAD_B_SX8_64;
  return !signed ? M_LOAD_B_ZX16 : to == 4 ? M_LOAD_B_SX16_32 : M_LOAD_B_SX16_64;
}

function extension(from: u32, to: u32, signed: bool): u32 {
  if (from == 4) return M_SX32_64;
  if (from == 1) {
    if (to == 2) return signed ? M_SX8_16 : M_ZX8_16;
    return !signed ? M_ZX8 : to == 4 ? M_SX8_32 : M_SX8_64;
  }
  return !signed ? M_ZX16 : to == 4 ? M_SX16_32 : M_SX16_64;
}

/** CBW, CWDE, CDQE: rAX from its lower half. */
export function emitWidenAccumulator(ins: Instruction): void {
  emit(extension(ins.operandBytes >> 1, ins.operandBytes, true), SLOT_RAX, SLOT_RAX);
}

/** LEA: the effective address, cut to the address size and then to the operand size. */
export function emitLea(ins: Instruction): void {
  effectiveAddress(ins);
  const target = slotOf(ins.reg);
  const bytes = min(ins.operandBytes, ins.addressBytes);
  // An address of 16 bits leaves nothing in the upper half of a 32-bit destination.
  if (bytes == 2 && ins.operandBytes > 2) {
    emitMemory(M_LEA_16, SLOT_T0);
    return emit(M_ZX16, target, SLOT_T0);
  }
  emitMemory(bytes == 8 ? M_LEA_64 : bytes == 4 ? M_LEA_32 : M_LEA_16, target);
}

/** XCHG: a register with a register or memory. */
export function emitExchange(ins: Instruction): void {
  const bytes = ins.operandBytes;
  const other = operandSlot(ins, ins.kind1, bytes);
  if (isMemory(ins, ins.kind0)) {
    emitModify(ins, bytes);
    emitModifyEnd(bytes, other);
    return emitMove(bytes, other, SLOT_T0);
  }
  const slot = operandSlot(ins, ins.kind0, bytes);
  emitMove(bytes, SLOT_T0, slot);
  emitMove(bytes, slot, other);
  emitMove(bytes, other, SLOT_T0);
}

/** IMUL of two or three operands. */
export function emitProduct(ins: Instruction): void {
  const bytes = ins.operandBytes;
  const target = operandSlot(ins, ins.kind0, bytes);
  const source = sourceSlot(ins, ins.kind1, bytes);
  const three = ins.kind2 == KIND_I;
  // Families have two members a width, RR and RI.
  const place = (widthIndex(bytes) - 2) * (M_IMUL_RI_32 - M_IMUL_RR_32) * 2;
  if (bytes == 2) {
    const first = three ? SLOT_T2 : target;
    if (three) emitConstant(2, SLOT_T2, ins.immediate);
    emitWide(M_CALL_INTEGER, target, source, first, 0, <u64>integerCall(ins.operation, 2) << 32);
  } else if (three) emit(M_IMUL_RI_32 + place, target, source, <i32>ins.immediate);
  else emit(M_IMUL_RR_32 + place, target, source);
}

/** A function of slots: a is the E operand (T0 when it is memory), b the other register. */
export function emitFunction(ins: Instruction, writes: bool): void {
  const bytes = ins.operandBytes;
  const memory = isMemory(ins, ins.kind0);
  let slot: u32 = 0;
  if (ins.kind0 != KIND_NONE && !memory) slot = operandSlot(ins, ins.kind0, bytes);
  if (memory) {
    slot = SLOT_T0;
    if (writes) emitModify(ins, bytes);
    else emitLoad(ins, bytes, SLOT_T0);
  }
  const registers = ins.kind1 != KIND_NONE && ins.kind1 != KIND_I;
  const other = registers ? operandSlot(ins, ins.kind1, bytes) : 0;
  const third: i32 = ins.kind2 == KIND_CL ? -1 : <i32>ins.immediate;
  emitCall(M_CALL_INTEGER, slot, other, third, integerCall(ins.operation, bytes));
  if (memory && writes) emitModifyEnd(bytes);
}

/** A function into register a of source b: BSF, BSR, POPCNT, CRC32. */
export function emitScan(ins: Instruction): void {
  const target = operandSlot(ins, ins.kind0, ins.operandBytes);
  const from: u32 = ins.bytes1;
  const source = sourceSlot(ins, ins.kind1, from);
  const y = integerCall(ins.operation, from) | (widthIndex(ins.operandBytes) << 20);
  emitCall(M_CALL_INTEGER, target, source, 0, y);
}

/** BT, BTS, BTR, BTC. With a register as offset, memory is a string of bits (SDM 2A, 3.1.1.9). */
export function emitBitTest(ins: Instruction): void {
  const bytes = ins.operandBytes;
  const y = integerCall(ins.operation, bytes);
  const constant = ins.kind1 == KIND_I;
  const offset = constant ? SLOT_ZERO : slotOf(ins.reg);
  const imm = constant ? <i32>ins.immediate : 0;
  if (!isMemory(ins, ins.kind0))
    return emitCall(M_CALL_INTEGER, operandSlot(ins, ins.kind0, bytes), offset, imm, y);
  if (constant) linearAddress(ins, bytes, ins.operation != OP_BT);
  else bitStringAddress(ins, bytes, offset);
  if (ins.operation == OP_BT) emitLoadKind(widthIndex(bytes), SLOT_T0);
  else emitMemory(modifyOf(bytes), SLOT_T0);
  emitCall(M_CALL_INTEGER, SLOT_T0, offset, imm, y);
  if (ins.operation != OP_BT) emitModifyEnd(bytes);
}

/** The address moves by whole operands, forward or back: T2 = that distance in bytes. */
function bitStringAddress(ins: Instruction, bytes: u32, offset: u32): void {
  emitCall(M_CALL_INTEGER, SLOT_T2, offset, 0, integerCall(INTEGER_BIT_OFFSET, bytes));
  effectiveAddress(ins);
  const size = ins.addressBytes;
  emitMemory(M_LEA_64, SLOT_T3);
  emitWide(size == 8 ? M_LEA_64 : M_LEA_32, SLOT_T3, SLOT_T3, SLOT_T2, 0, 0);
  if (size == 2) emit(M_ZX16, SLOT_T3, SLOT_T3);
  addressFromT3(ins, bytes, ins.operation != OP_BT);
}

/** XLAT: AL = byte at rBX + AL. */
export function emitTranslate(ins: Instruction): void {
  emit(M_ZX8, SLOT_T2, SLOT_RAX);
  const rbx = slotOf(3);
  emitWide(ins.addressBytes == 8 ? M_LEA_64 : M_LEA_32, SLOT_T3, rbx, SLOT_T2, 0, 0);
  if (ins.addressBytes == 2) emit(M_ZX16, SLOT_T3, SLOT_T3);
  addressFromT3(ins, 1, false);
  emitLoadKind(0, SLOT_RAX);
}

/** What does nothing, or nothing that can be seen. */
export function emitNothing(): void {
  emit(M_NOP, 0);
}

/** CLFLUSH: its address must be readable (SDM 2A). */
export function emitTouch(ins: Instruction): void {
  linearAddress(ins, 1, false);
  emitLoadKind(M_LOAD_B_ZX8 - M_LOAD_B_8, SLOT_T0);
}
