/** Instructions that compute with the stack: two operands, one, and comparisons. */
import {
  float80Add,
  float80Divide,
  float80Multiply,
  float80SquareRoot,
} from "../float/extended_arithmetic";
import {
  copyFloat80,
  Float80,
  isNegative80,
  KIND_DENORMAL,
  KIND_INFINITY,
  KIND_NORMAL,
  KIND_QUIET,
  KIND_SIGNALLING,
  KIND_ZERO,
  kindOf,
  setZero,
} from "../float/extended";
import {
  float80Compare,
  float80Extract,
  float80Remainder,
  float80Round,
  float80Scale,
  REMAINDER_NONE,
  REMAINDER_PARTIAL,
} from "../float/extended_misc";
import { UNORDERED } from "../float/compare";
import {
  finish,
  isEmpty,
  isFull,
  overflow,
  pop,
  push,
  setMissing,
  setStatus,
  setTag,
  stack,
  STATUS_C0,
  STATUS_C1,
  STATUS_C2,
  STATUS_C3,
  stopped,
  temporary,
  underflows,
  Unit,
} from "./unit";

/** Where COMISD's relation goes to: C0, C2, C3. */
const RELATION_SHIFT: u32 = 8;
const RELATION: u32 = UNORDERED << RELATION_SHIFT;

/** Digits of the escape opcodes' arithmetic: ST(0) is the left operand, or the right one with R. */
export const ARITHMETIC_ADD: u32 = 0;
export const ARITHMETIC_MUL: u32 = 1;
export const ARITHMETIC_COM: u32 = 2;
export const ARITHMETIC_COMP: u32 = 3;
export const ARITHMETIC_SUB: u32 = 4;
export const ARITHMETIC_SUBR: u32 = 5;
export const ARITHMETIC_DIV: u32 = 6;

function compute(unit: Unit, digit: u32, a: Float80, b: Float80, to: Float80): void {
  switch (digit) {
    case ARITHMETIC_ADD:
      return float80Add(unit, a, b, false, to);
    case ARITHMETIC_MUL:
      return float80Multiply(unit, a, b, to);
    case ARITHMETIC_SUB:
      return float80Add(unit, a, b, true, to);
    case ARITHMETIC_SUBR:
      return float80Add(unit, b, a, true, to);
    case ARITHMETIC_DIV:
      return float80Divide(unit, a, b, to);
    default:
      return float80Divide(unit, b, a, to);
  }
}

/** ST(`to`) = ST(0) op `operand`, and a pop if nothing has stopped that. */
export function operate(unit: Unit, digit: u32, operand: Float80, to: u32, pops: bool): void {
  const result = temporary(unit, 1);
  compute(unit, digit, stack(unit, 0), operand, result);
  finish(unit);
  if (stopped(unit)) return;
  copyFloat80(result, stack(unit, to));
  if (pops) pop(unit);
}

/** The same with ST(`index`) as the operand. */
export function operateStack(unit: Unit, digit: u32, index: u32, to: u32, pops: bool): void {
  if (!isEmpty(unit, 0) && !isEmpty(unit, index))
    return operate(unit, digit, stack(unit, index), to, pops);
  if (!underflows(unit)) return;
  setMissing(unit, to);
  if (pops) pop(unit);
}

/** FCOM and FUCOM with `operand`; then `pops` registers go. */
export function compareWith(unit: Unit, operand: Float80, signals: bool, pops: u32): void {
  const relation = float80Compare(unit, stack(unit, 0), operand, signals);
  finish(unit);
  setStatus(unit, RELATION, relation << RELATION_SHIFT);
  if (stopped(unit)) return;
  for (; pops != 0; pops--) pop(unit);
}

export function compareStack(unit: Unit, index: u32, signals: bool, pops: u32): void {
  if (!isEmpty(unit, 0) && !isEmpty(unit, index))
    return compareWith(unit, stack(unit, index), signals, pops);
  compareMissing(unit, pops);
}

/** A comparison without an operand: unordered. */
export function compareMissing(unit: Unit, pops: u32): void {
  const goes = underflows(unit);
  setStatus(unit, RELATION, RELATION);
  if (!goes) return;
  for (; pops != 0; pops--) pop(unit);
}

/** FCOMI and FUCOMI: the relation goes to `flags`, an unmasked exception or not. */
export function compareFlags(unit: Unit, index: u32, signals: bool, pops: bool): void {
  let goes: bool;
  if (isEmpty(unit, 0) || isEmpty(unit, index)) {
    unit.flags = UNORDERED;
    goes = underflows(unit);
  } else {
    unit.flags = float80Compare(unit, stack(unit, 0), stack(unit, index), signals);
    finish(unit);
    goes = !stopped(unit);
  }
  if (goes && pops) pop(unit);
}

/** FTST: ST(0) with zero. */
export function test(unit: Unit): void {
  if (isEmpty(unit, 0)) return compareMissing(unit, 0);
  const zero = temporary(unit, 0);
  setZero(zero, 0);
  compareWith(unit, zero, true, 0);
}

/** FXAM: what ST(0) is (Intel SDM 2A, FXAM, table 3-53). C1 is its sign, even of an empty register. */
export function examine(unit: Unit): void {
  const a = stack(unit, 0);
  const sign = isNegative80(a) != 0 ? STATUS_C1 : 0;
  let code: u32 = 0;
  const kind = kindOf(a);
  if (isEmpty(unit, 0)) code = STATUS_C3 | STATUS_C0;
  else if (kind == KIND_ZERO) code = STATUS_C3;
  else if (kind == KIND_NORMAL) code = STATUS_C2;
  else if (kind == KIND_DENORMAL) code = STATUS_C3 | STATUS_C2;
  else if (kind == KIND_INFINITY) code = STATUS_C2 | STATUS_C0;
  else if (kind == KIND_QUIET || kind == KIND_SIGNALLING) code = STATUS_C0;
  setStatus(unit, STATUS_C0 | STATUS_C1 | STATUS_C2 | STATUS_C3, code | sign);
}

/** FCHS and FABS: the sign alone, of anything. */
export function setSign(unit: Unit, keep: u32, flip: u32): void {
  if (isEmpty(unit, 0)) {
    if (underflows(unit)) setMissing(unit, 0);
    return;
  }
  finish(unit);
  const a = stack(unit, 0);
  a.signExponent = <u16>((<u32>a.signExponent & (0x7fff | keep)) ^ flip);
}

/** Writes `result` to ST(0), if nothing has stopped that. */
export function replaceTop(unit: Unit, result: Float80): void {
  finish(unit);
  if (!stopped(unit)) copyFloat80(result, stack(unit, 0));
}

/** FSQRT. */
export function squareRoot(unit: Unit): void {
  if (isEmpty(unit, 0)) return missingTop(unit);
  const result = temporary(unit, 1);
  float80SquareRoot(unit, stack(unit, 0), result);
  replaceTop(unit, result);
}

/** FFREE. */
export function free(unit: Unit, index: u32): void {
  finish(unit);
  setTag(unit, index, false);
}

/** FRNDINT. */
export function roundTop(unit: Unit): void {
  if (isEmpty(unit, 0)) return missingTop(unit);
  const result = temporary(unit, 1);
  float80Round(unit, stack(unit, 0), result);
  replaceTop(unit, result);
}

/** FSCALE. */
export function scaleTop(unit: Unit): void {
  if (isEmpty(unit, 0) || isEmpty(unit, 1)) return missingTop(unit);
  const result = temporary(unit, 1);
  float80Scale(unit, stack(unit, 0), stack(unit, 1), result);
  replaceTop(unit, result);
}

export function missingTop(unit: Unit): void {
  if (underflows(unit)) setMissing(unit, 0);
}

/** FPREM and FPREM1: the quotient's low bits go to C0, C3, C1, from bit 2 down; C2: not complete. */
export function remainder(unit: Unit, nearest: bool): void {
  const flags = STATUS_C0 | STATUS_C1 | STATUS_C2 | STATUS_C3;
  setStatus(unit, STATUS_C2, 0);
  if (isEmpty(unit, 0) || isEmpty(unit, 1)) return missingTop(unit);
  const result = temporary(unit, 1);
  float80Remainder(unit, stack(unit, 0), stack(unit, 1), nearest, result);
  replaceTop(unit, result);
  const quotient = unit.quotient;
  if (stopped(unit) || quotient == REMAINDER_NONE) return;
  let code: u32 = (quotient & REMAINDER_PARTIAL) != 0 ? STATUS_C2 : 0;
  if ((quotient & 4) != 0) code |= STATUS_C0;
  if ((quotient & 2) != 0) code |= STATUS_C3;
  if ((quotient & 1) != 0) code |= STATUS_C1;
  setStatus(unit, flags, code);
}

/** FXTRACT: the exponent replaces ST(0), the significand is pushed. */
export function extract(unit: Unit): void {
  if (isEmpty(unit, 0)) {
    if (underflows(unit)) {
      setMissing(unit, 0);
      push(unit);
      setMissing(unit, 0);
    }
    return;
  }
  if (isFull(unit)) {
    overflow(unit);
    if (!stopped(unit)) setMissing(unit, 1);
    return;
  }
  const exponent = temporary(unit, 1);
  const part = temporary(unit, 2);
  float80Extract(unit, stack(unit, 0), exponent, part);
  finish(unit);
  if (stopped(unit)) return;
  copyFloat80(exponent, stack(unit, 0));
  copyFloat80(part, push(unit));
}

/** FXCH. */
export function exchange(unit: Unit, index: u32): void {
  if (isEmpty(unit, 0) || isEmpty(unit, index)) {
    if (!underflows(unit)) return;
    if (isEmpty(unit, 0)) setMissing(unit, 0);
    if (isEmpty(unit, index)) setMissing(unit, index);
  } else finish(unit);
  const kept = temporary(unit, 1);
  copyFloat80(stack(unit, 0), kept);
  copyFloat80(stack(unit, index), stack(unit, 0));
  copyFloat80(kept, stack(unit, index));
}

/** FCMOVcc. The registers have to be there even if nothing is moved. C1 stays as it is. */
export function moveIf(unit: Unit, index: u32, condition: bool): void {
  if (isEmpty(unit, 0) || isEmpty(unit, index)) return missingTop(unit);
  if (condition) copyFloat80(stack(unit, index), stack(unit, 0));
}

/** FST and FSTP ST(index). */
export function copyTop(unit: Unit, index: u32, pops: bool): void {
  if (isEmpty(unit, 0)) {
    if (!underflows(unit)) return;
    setMissing(unit, index);
  } else {
    finish(unit);
    copyFloat80(stack(unit, 0), stack(unit, index));
    setTag(unit, index, true);
  }
  if (pops) pop(unit);
}

/** FLD ST(index). */
export function loadStack(unit: Unit, index: u32): void {
  if (isEmpty(unit, index)) {
    if (underflows(unit)) {
      push(unit);
      setMissing(unit, 0);
    }
    return;
  }
  if (isFull(unit)) return overflow(unit);
  finish(unit);
  const value = temporary(unit, 1);
  copyFloat80(stack(unit, index), value);
  copyFloat80(value, push(unit));
}
