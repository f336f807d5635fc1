/** Operand size and the widths of the operands (Intel SDM 2A, 2.2.1.2; SDM 1, 3.6). */
import { Form } from "./forms";
import { CODE_16, CODE_64, Instruction } from "./instruction";
import {
  FORM_DEFAULT_64,
  FORM_FORCED_64,
  FORM_MODRM,
  PREFIX_66,
} from "../../spec/isa/conditions";
import {
  KIND_A,
  KIND_C,
  KIND_CL,
  KIND_D,
  KIND_DX,
  KIND_I,
  KIND_J,
  KIND_N,
  KIND_NONE,
  KIND_ONE,
  KIND_P,
  KIND_Q,
  KIND_S,
  KIND_STI,
  SIZE_A,
  SIZE_B,
  SIZE_BS,
  SIZE_D,
  SIZE_DQ,
  SIZE_E,
  SIZE_FX,
  SIZE_P,
  SIZE_Q,
  SIZE_S,
  SIZE_ST,
  SIZE_T,
  SIZE_V,
  SIZE_W,
  SIZE_Y,
  SIZE_Z,
} from "../../spec/isa/operands";

const REX_W: u32 = 8;
const SEGMENT_CS: u32 = 1;
const SEGMENT_LAST: u32 = 5;
/** Bit n: control register n exists. */
const CONTROL_REGISTERS: u32 = 0b1_0001_1101;
const DEBUG_REGISTERS: u32 = 8;

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
  const size = into.operandBytes;
  cutRegisters(form, into);
  const wide = (into.rex & REX_W) != 0 || (size == 8 && (form.flags & FORM_FORCED_64) != 0);
  into.kind0 = form.kind0;
  into.kind1 = form.kind1;
  into.kind2 = form.kind2;
  into.kind3 = form.kind3;
  into.bytes0 = widthOf(form.size0, size, wide);
  into.bytes1 = widthOf(form.size1, size, wide);
  into.bytes2 = widthOf(form.size2, size, wide);
  into.bytes3 = widthOf(form.size3, size, wide);
  if (tellsWidth(form.kind0, form.size0)) into.operandBytes = into.bytes0;
  else if (tellsWidth(form.kind1, form.size1)) into.operandBytes = into.bytes1;
}

/** Whether the width of the operation is that of this operand. */
function tellsWidth(kind: u32, size: u32): bool {
  switch (kind) {
    case KIND_NONE:
    case KIND_I:
    case KIND_J:
    case KIND_A:
    case KIND_S:
    case KIND_DX:
    case KIND_CL:
    case KIND_ONE:
      return false;
    default:
      return size != <u32>SIZE_P && size != <u32>SIZE_A && size < <u32>SIZE_S;
  }
}

/** Width in bytes of type `size` at the operand size `operand`; `wide`: y means 8 bytes. */
function widthOf(size: u32, operand: u32, wide: bool): u16 {
  switch (size) {
    case SIZE_B:
    case SIZE_BS:
      return 1;
    case SIZE_W:
      return 2;
    case SIZE_D:
      return 4;
    case SIZE_Q:
      return 8;
    case SIZE_T:
      return 10;
    case SIZE_DQ:
      return 16;
    case SIZE_V:
      return <u16>operand;
    case SIZE_Z:
      return <u16>min(operand, 4);
    case SIZE_Y:
      return wide ? 8 : 4;
    case SIZE_P:
      return <u16>operand + 2;
    case SIZE_A:
      return <u16>operand * 2;
    case SIZE_S:
      return operand == 8 ? 10 : 6;
    case SIZE_E:
      return operand == 2 ? 14 : 28;
    case SIZE_ST:
      return operand == 2 ? 94 : 108;
    case SIZE_FX:
      return 512;
    default:
      return 0;
  }
}

/**
 * REX.R and REX.B do nothing where there are only eight registers: x87, MMX and segment registers
 * (Intel SDM 2A, 2.2.1.2).
 */
function cutRegisters(form: Form, into: Instruction): void {
  if (eightOnly(form.kind0, true) || eightOnly(form.kind1, true)) into.reg &= 7;
  if (eightOnly(form.kind0, false) || eightOnly(form.kind1, false)) into.rm &= 7;
}

/** Whether an operand is one of eight registers, by ModR/M reg or by r/m. */
@inline
function eightOnly(kind: u32, reg: bool): bool {
  if (reg) return kind == KIND_P || kind == KIND_S;
  return kind == KIND_Q || kind == KIND_N || kind == KIND_STI;
}

/** False when an operand names a segment, control or debug register that doesn't exist. */
export function registersAllowed(form: Form, into: Instruction): bool {
  if ((form.flags & FORM_MODRM) == 0) return true;
  const reg = into.reg;
  if (form.kind0 == KIND_S) return reg <= SEGMENT_LAST && reg != SEGMENT_CS;
  if (form.kind1 == KIND_S) return reg <= SEGMENT_LAST;
  if (form.kind0 == KIND_C || form.kind1 == KIND_C) return ((CONTROL_REGISTERS >> reg) & 1) != 0;
  if (form.kind0 == KIND_D || form.kind1 == KIND_D) return reg < DEBUG_REGISTERS;
  return true;
}
