/** Operand size, widths of the operands, and what REX can't reach (Intel SDM 2A, 2.2.1.2; SDM 1, 3.6). */
import { Form } from "./forms";
import { CODE_16, CODE_64, Instruction } from "./instruction";
import {
  FORM_DEFAULT_64,
  FORM_FORCED_64,
  FORM_MODRM,
  PREFIX_66,
  WIDTH_OF_FIRST,
  WIDTH_OF_SECOND,
} from "../../spec/isa/conditions";
import {
  KIND_C,
  KIND_D,
  KIND_N,
  KIND_P,
  KIND_Q,
  KIND_S,
  KIND_STI,
} from "../../spec/isa/operands";

const REX_W: u32 = 8;
const SEGMENT_CS: u32 = 1;
const SEGMENT_LAST: u32 = 5;
/** Bit n: control register n exists. */
const CONTROL_REGISTERS: u32 = 0b1_0001_1101;
const DEBUG_REGISTERS: u32 = 8;

/** Widths in bytes by type (SIZE_…), for operand sizes of 2, 4 and 8 bytes; 0 when it isn't fixed. */
const WIDTHS: usize = memory.data<u16>([
  0, 0, 0, 0, // none
  1, 1, 1, 0, // b
  1, 1, 1, 0, // bs
  2, 2, 2, 0, // w
  4, 4, 4, 0, // d
  8, 8, 8, 0, // q
  10, 10, 10, 0, // t
  16, 16, 16, 0, // dq
  2, 4, 8, 0, // v
  2, 4, 4, 0, // z
  4, 4, 8, 0, // y
  4, 6, 10, 0, // p
  4, 8, 16, 0, // a
  6, 6, 10, 0, // s
  14, 28, 28, 0, // e
  94, 108, 108, 0, // st
  512, 512, 512, 0, // fx
  0, 0, 0, 0, // xs
  0, 0, 0, 0, // an address only
]);

/**
 * The operand size, 2, 4 or 8, into `operandBytes` for the time being: immediates have it. A prefix
 * 66 that is part of the opcode doesn't change it. REX.W comes before 66.
 */
export function setOperandSize(form: Form, mode: u32, into: Instruction): void {
  const small = into.prefix66 != 0 && form.prefix != PREFIX_66;
  const flags = <u32>form.flags;
  if (mode != CODE_64) {
    into.operandBytes = (mode == CODE_16) != small ? 2 : 4;
    return;
  }
  const wide = (into.rex & REX_W) != 0 || (flags & FORM_FORCED_64) != 0;
  into.operandBytes = wide ? 8 : small ? 2 : (flags & FORM_DEFAULT_64) != 0 ? 8 : 4;
}

/** Kinds and widths of the operands, and the width of the operation. */
export function setOperands(form: Form, into: Instruction): void {
  const column = WIDTHS + <usize>(into.operandBytes >> 2) * 2;
  into.kind0 = form.kind0;
  into.kind1 = form.kind1;
  into.kind2 = form.kind2;
  into.kind3 = form.kind3;
  into.bytes0 = load<u16>(column + <usize>form.size0 * 8);
  into.bytes1 = load<u16>(column + <usize>form.size1 * 8);
  into.bytes2 = load<u16>(column + <usize>form.size2 * 8);
  into.bytes3 = load<u16>(column + <usize>form.size3 * 8);
  const from = <u32>form.widthOf;
  if (from == WIDTH_OF_FIRST) into.operandBytes = into.bytes0;
  else if (from == WIDTH_OF_SECOND) into.operandBytes = into.bytes1;
}

/**
 * REX.R and REX.B do nothing where there are only eight registers: x87, MMX and segment registers
 * (Intel SDM 2A, 2.2.1.2).
 */
function cutRegisters(form: Form, into: Instruction): void {
  const first = <u32>form.kind0;
  const second = <u32>form.kind1;
  if (first == KIND_P || first == KIND_S || second == KIND_P || second == KIND_S) into.reg &= 7;
  if (eightByRm(first) || eightByRm(second)) into.rm &= 7;
}

@inline
function eightByRm(kind: u32): bool {
  return kind == KIND_Q || kind == KIND_N || kind == KIND_STI;
}

/**
 * For rows with FORM_FEW_REGISTERS: cuts numbers to those that there are; false when an operand names
 * a segment, control or debug register that doesn't exist.
 */
export function registersExist(form: Form, into: Instruction): bool {
  if ((form.flags & FORM_MODRM) == 0) return true;
  cutRegisters(form, into);
  const reg = into.reg;
  if (form.kind0 == KIND_S) return reg <= SEGMENT_LAST && reg != SEGMENT_CS;
  if (form.kind1 == KIND_S) return reg <= SEGMENT_LAST;
  if (form.kind0 == KIND_C || form.kind1 == KIND_C) return ((CONTROL_REGISTERS >> reg) & 1) != 0;
  if (form.kind0 == KIND_D || form.kind1 == KIND_D) return reg < DEBUG_REGISTERS;
  return true;
}
