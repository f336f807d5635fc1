/** Writes micro-ops (sdk/build/engine/micro-ops.ts), and the operands that instructions share. */
import { Cpu, Segment, SEGMENT_CS, SEGMENT_FS, SEGMENT_SS } from "../cpu/cpu";
import { BASE_RIP, CODE_64, Instruction, NO_REGISTER } from "../decode/instruction";
import { MICRO_BYTES } from "./blocks";
import { engine } from "./memory";
import {
  M_CALL_ADDRESS,
  M_LEA_32,
  M_LEA_64,
  M_LOAD_B_8,
  M_LOAD_X_8,
  M_MODIFY_8,
  M_MODIFY_END_8,
  M_SEGMENT_BASE,
  M_STORE_B_8,
  M_STORE_X_8,
} from "./micro.generated";
import { MODE_CODE, MODE_FLAT } from "./mode";
import { KIND_ACCUMULATOR, KIND_G, KIND_S, KIND_Z } from "../../spec/isa/operands";

/** Slots that are no general register. */
export const SLOT_ZERO: u32 = <u32>offsetof<Cpu>("zero");
export const SLOT_T0: u32 = <u32>offsetof<Cpu>("t0");
export const SLOT_T1: u32 = <u32>offsetof<Cpu>("t1");
export const SLOT_T2: u32 = <u32>offsetof<Cpu>("t2");
export const SLOT_T3: u32 = <u32>offsetof<Cpu>("t3");
export const SLOT_RAX: u32 = 0;
export const SLOT_RCX: u32 = 8;
export const SLOT_RSP: u32 = 32;
export const SLOT_RBP: u32 = 40;

/** Bit 7 of a memory operand's scale: it is in the stack segment. */
export const IN_STACK: u32 = 0x80;
/** Bit 6: it is in a flat segment of 32-bit code (MODE_FLAT). Shifts take bits 5-0 only. */
export const IN_FLAT: u32 = 0x40;
/** Further below its base than this no operand is meant to be: such a displacement is an address. */
const BELOW_BASE: i64 = -0x100_0000;
/** In y of CALL_ADDRESS: segment in bits 7-0, bytes in 15-8, address size in 23-16, then these. */
export const ADDRESS_WRITE: u32 = 1 << 24;
/** In the place of the bytes: the 512 of FXSAVE's area. */
export const ADDRESS_OF_AREA: u32 = 255;
export const AREA_BYTES: u32 = 512;
/** The next micro-op is SYSTEM's: whether it may be executed at all is asked before its operand matters. */
export const ADDRESS_OF_SYSTEM: u32 = 1 << 25;
/** The next micro-op is X87's: an exception that is pending comes before those of its operand. */
export const ADDRESS_OF_X87: u32 = 1 << 26;

@inline
export function slotOf(register: u32): u32 {
  return register << 3;
}

/** AH, CH, DH and BH are the second bytes of their registers; with REX there are none of them. */
@inline
export function slotOfWidth(ins: Instruction, register: u32, bytes: u32): u32 {
  if (bytes == 1 && ins.rex == 0 && register >= 4 && register < 8) return ((register - 4) << 3) + 1;
  return register << 3;
}

/** 0, 1, 2, 3 for 1, 2, 4, 8 bytes: the place in a family of micro-ops. */
@inline
export function widthIndex(bytes: u32): u32 {
  return <u32>ctz(bytes);
}

/** Appends a micro-op; its second immediate is 0. */
export function emit(op: u32, a: u32, b: u32 = 0, imm: i32 = 0): void {
  emitWide(op, a, b, 0, 0, <u64>(<u32>imm));
}

/** Appends a micro-op with 64 bits of immediate or displacement. */
export function emitWide(op: u32, a: u32, b: u32, c: u32, s: u32, imm: u64): void {
  const state = engine();
  const at = state.emitTop;
  store<u32>(at, op | (a << 16) | (b << 24));
  store<u32>(at, c | (s << 8), 4);
  store<u64>(at, imm, 8);
  state.emitTop = at + MICRO_BYTES;
}

/** Appends a call of a function: y is the operation. */
export function emitCall(op: u32, a: u32, b: u32, imm: i32, y: u32): void {
  emitWide(op, a, b, 0, 0, <u64>(<u32>imm) | (<u64>y << 32));
}

@inline
export function in64(): bool {
  return (engine().emitMode & MODE_CODE) == CODE_64;
}

/** The slot of an operand that is a register, or of E when it isn't memory. */
export function operandSlot(ins: Instruction, kind: u32, bytes: u32): u32 {
  if (kind == KIND_ACCUMULATOR) return SLOT_RAX;
  const register = kind == KIND_G || kind == KIND_Z || kind == KIND_S ? ins.reg : ins.rm;
  return slotOfWidth(ins, register, bytes);
}

function setMemory(base: u32, index: u32, scale: u32, displacement: u64): void {
  const state = engine();
  state.memoryBase = base;
  state.memoryIndex = index;
  state.memoryScale = scale;
  state.memoryDisplacement = displacement;
}

@inline
export function inFlat(): bool {
  return (engine().emitMode & MODE_FLAT) != 0;
}

/** The effective address, without its segment, as a memory operand; it may need more than one. */
export function effectiveAddress(ins: Instruction): void {
  const ripRelative = ins.base == BASE_RIP;
  const none = ripRelative || ins.base == NO_REGISTER;
  const displacement = ripRelative ? engine().emitNextRip + ins.displacement : <u64>ins.displacement;
  const index = ins.index == NO_REGISTER ? SLOT_ZERO : slotOf(ins.index);
  setMemory(none ? SLOT_ZERO : slotOf(ins.base), index, ins.scale, displacement);
}

/**
 * Makes the memory operand of `ins` one of linear memory, where `bytes` bytes are to be read or
 * written. Code of the common form needs no micro-op for that.
 */
export function linearAddress(ins: Instruction, bytes: u32, write: bool, flags: u32 = 0): void {
  effectiveAddress(ins);
  if (inFlat() && ins.addressBytes == 4 && ins.segment < SEGMENT_FS && ins.segment != SEGMENT_CS)
    return flat(ins);
  const plain = in64() && ins.addressBytes == 8;
  if (!plain || ins.segment >= SEGMENT_FS) segmented(ins, bytes, write, flags);
  else if (ins.segment == SEGMENT_SS) engine().memoryScale |= IN_STACK;
}

/** The sum is cut where no fast line has it: so it should be right without, as mostly it can be. */
function flat(ins: Instruction): void {
  const state = engine();
  const displacement = <i64>state.memoryDisplacement;
  const alone = state.memoryBase == SLOT_ZERO && state.memoryIndex == SLOT_ZERO;
  if (alone || displacement < BELOW_BASE) state.memoryDisplacement = <u64>displacement & 0xffff_ffff;
  state.memoryScale |= ins.segment == SEGMENT_SS ? IN_FLAT | IN_STACK : IN_FLAT;
}

/** The same for an effective address that is in T3 already. */
export function addressFromT3(ins: Instruction, bytes: u32, write: bool): void {
  setMemory(SLOT_T3, SLOT_ZERO, 0, 0);
  if (!in64() || ins.segment >= SEGMENT_FS) segmented(ins, bytes, write);
  else if (ins.segment == SEGMENT_SS) engine().memoryScale = IN_STACK;
}

@inline
export function modifyOf(bytes: u32): u32 {
  return M_MODIFY_8 + widthIndex(bytes);
}

/** Puts the linear address into T3. */
function segmented(ins: Instruction, bytes: u32, write: bool, flags: u32 = 0): void {
  if (in64()) {
    emitMemory(ins.addressBytes == 8 ? M_LEA_64 : M_LEA_32, SLOT_T3);
    if (ins.segment >= SEGMENT_FS) {
      const base = ins.segment * <u32>offsetof<Segment>();
      emitCall(M_SEGMENT_BASE, 0, 0, 0, base);
    }
  } else {
    const state = engine();
    const how = write ? flags | ADDRESS_WRITE : flags;
    const y = ins.segment | (bytes << 8) | (ins.addressBytes << 16) | how;
    const imm = (state.memoryDisplacement & 0xffff_ffff) | (<u64>y << 32);
    emitWide(M_CALL_ADDRESS, 0, state.memoryBase, state.memoryIndex, state.memoryScale, imm);
  }
  setMemory(SLOT_T3, SLOT_ZERO, in64() && ins.segment == SEGMENT_SS ? IN_STACK : 0, 0);
}

/** For functions that take the address of their memory operand from T3, checked. */
export function addressInT3(ins: Instruction, bytes: u32, write: bool, flags: u32 = 0): void {
  if (!in64()) {
    effectiveAddress(ins);
    return segmented(ins, bytes, write, flags);
  }
  linearAddress(ins, bytes, write, flags);
  if (engine().memoryBase != SLOT_T3) emitMemory(M_LEA_64, SLOT_T3);
}

/** IN_STACK when the memory operand is there, else 0. */
export function inStack(): u32 {
  return engine().memoryScale & IN_STACK;
}

/** A micro-op with the memory operand. */
export function emitMemory(op: u32, a: u32): void {
  const state = engine();
  const s = state.memoryScale;
  emitWide(op, a, state.memoryBase, state.memoryIndex, s, state.memoryDisplacement);
}

@inline
function hasIndex(): bool {
  return engine().memoryIndex != SLOT_ZERO;
}

/** Loads the operand by a micro-op of the family of loads: `kind` is its place there. */
export function emitLoadKind(kind: u32, slot: u32): void {
  emitMemory((hasIndex() ? M_LOAD_X_8 : M_LOAD_B_8) + kind, slot);
}

/** Loads the memory operand into a slot of its width. */
export function emitLoad(ins: Instruction, bytes: u32, slot: u32): void {
  linearAddress(ins, bytes, false);
  emitLoadKind(widthIndex(bytes), slot);
}

export function emitStore(ins: Instruction, bytes: u32, slot: u32): void {
  linearAddress(ins, bytes, true);
  emitMemory((hasIndex() ? M_STORE_X_8 : M_STORE_B_8) + widthIndex(bytes), slot);
}

/** Loads the operand into T0 for a result that `emitModifyEnd` stores. */
export function emitModify(ins: Instruction, bytes: u32): void {
  linearAddress(ins, bytes, true);
  emitMemory(modifyOf(bytes), SLOT_T0);
}

export function emitModifyEnd(bytes: u32, slot: u32 = SLOT_T0): void {
  emit(M_MODIFY_END_8 + widthIndex(bytes), slot);
}

/** The slot from which the E operand can be read: its register, or T0 when it is memory. */
export function sourceSlot(ins: Instruction, kind: u32, bytes: u32): u32 {
  if (!isMemory(ins, kind)) return operandSlot(ins, kind, bytes);
  emitLoad(ins, bytes, SLOT_T0);
  return SLOT_T0;
}

/** Whether the operand of this kind is in memory, which at most one operand is. */
export function isMemory(ins: Instruction, kind: u32): bool {
  return ins.memory != 0 && kind != KIND_G && kind != KIND_ACCUMULATOR && kind != KIND_Z;
}
