/** Instructions without an operand in memory (Intel SDM 2D, tables, ModR/M from C0 on). */
import { setFloat80 } from "../float/extended";
import { ROUND_NEAREST, ROUND_UP, roundingOf } from "../float/state";
import {
  ARITHMETIC_COM,
  ARITHMETIC_COMP,
  compareFlags,
  compareStack,
  copyTop,
  examine,
  exchange,
  extract,
  free,
  loadStack,
  moveIf,
  operateStack,
  remainder,
  roundTop,
  scaleTop,
  setSign,
  squareRoot,
  test,
} from "./arithmetic";
import {
  arcTangent,
  cosine,
  logarithm,
  logarithmPlus1,
  power,
  sine,
  sineCosine,
  tangent,
} from "./transcendental";
import {
  finish,
  initialize,
  isEmpty,
  isFull,
  overflow,
  pop,
  push,
  rotate,
  setStatus,
  STATUS_B,
  STATUS_ES,
  STATUS_SF,
  Unit,
} from "./unit";

/** CF, PF and ZF of RFLAGS. */
const CF: u32 = 0x01;
const PF: u32 = 0x04;
const ZF: u32 = 0x40;
const EXCEPTIONS: u32 = 0x3f;

/** FNSTSW AX, and the first of FNENI to FNSETPM. */
const STATUS_TO_AX: u32 = 0x7e0;
const CONTROLS: u32 = 0x3e0;

/** What an instruction has done beyond the unit. */
export const DONE: u32 = 0;
export const DONE_UNDEFINED: u32 = 1;
/** `flags` of the unit go to CF, PF and ZF; the other status flags are cleared. */
export const DONE_FLAGS: u32 = 2;
/** The status word goes to AX. */
export const DONE_STATUS: u32 = 3;

/** Executes escape opcode << 8 | ModR/M. */
export function executeRegister(unit: Unit, form: u32): u32 {
  const index = form & 7;
  const digit = (form >> 3) & 7;
  switch ((form >> 8) & 7) {
    case 0:
      return arithmeticTop(unit, digit, index);
    case 1:
      return digit < 4 ? moves(unit, digit, index) : single(unit, form & 0x3f);
    case 2:
      return moveForms(unit, form, digit, index);
    case 3:
      return digit == 4 ? controls(unit, index) : moveForms(unit, form, digit, index);
    case 4:
      return arithmeticOther(unit, digit, index, false);
    case 5:
      return copies(unit, digit, index);
    case 6:
      return digit == 3 ? comparePopPop(unit, index) : arithmeticOther(unit, digit, index, true);
    default:
      return last(unit, digit, index);
  }
}

/** D8: ST(0) op ST(i) to ST(0). */
function arithmeticTop(unit: Unit, digit: u32, index: u32): u32 {
  if (digit == ARITHMETIC_COM || digit == ARITHMETIC_COMP)
    compareStack(unit, index, true, <u32>(digit == ARITHMETIC_COMP));
  else operateStack(unit, digit, index, 0, false);
  return DONE;
}

/** DC, DE: the result goes to ST(i). DC D0 and D8, DE D0 are FCOM and FCOMP once more. */
function arithmeticOther(unit: Unit, digit: u32, index: u32, pops: bool): u32 {
  if (digit == ARITHMETIC_COM || digit == ARITHMETIC_COMP)
    compareStack(unit, index, true, <u32>(pops || digit == ARITHMETIC_COMP));
  else operateStack(unit, digit, index, index, pops);
  return DONE;
}

function comparePopPop(unit: Unit, index: u32): u32 {
  if (index != 1) return DONE_UNDEFINED;
  compareStack(unit, 1, true, 2);
  return DONE;
}

/** D9 C0 to DF: FLD, FXCH, FNOP, and FSTP once more. */
function moves(unit: Unit, digit: u32, index: u32): u32 {
  if (digit == 0) loadStack(unit, index);
  else if (digit == 1) exchange(unit, index);
  else if (digit == 3) storePop1(unit, index);
  else if (index != 0) return DONE_UNDEFINED;
  return DONE;
}

/** D9 D8: as FSTP, but an empty register is popped and nothing else. */
function storePop1(unit: Unit, index: u32): void {
  if (!isEmpty(unit, 0)) return copyTop(unit, index, true);
  finish(unit);
  rotate(unit, 1);
}

/** DD: FFREE, FXCH once more, FST, FSTP, FUCOM, FUCOMP. */
function copies(unit: Unit, digit: u32, index: u32): u32 {
  if (digit == 0) free(unit, index);
  else if (digit == 1) exchange(unit, index);
  else if (digit < 4) copyTop(unit, index, digit == 3);
  else if (digit < 6) compareStack(unit, index, false, digit - 4);
  else return DONE_UNDEFINED;
  return DONE;
}

/** DA, DB: FCMOVcc; FUCOMPP; FUCOMI, FCOMI. */
function moveForms(unit: Unit, form: u32, digit: u32, index: u32): u32 {
  const negated = ((form >> 8) & 1) != 0;
  if (digit < 4) {
    const asked = digit == 0 ? CF : digit == 1 ? ZF : digit == 2 ? CF | ZF : PF;
    moveIf(unit, index, (unit.flags & asked) != 0 != negated);
    return DONE;
  }
  if (negated && (digit == 5 || digit == 6)) return flags(unit, index, digit == 6, false);
  if (negated || digit != 5 || index != 1) return DONE_UNDEFINED;
  compareStack(unit, 1, false, 2);
  return DONE;
}

function flags(unit: Unit, index: u32, signals: bool, pops: bool): u32 {
  compareFlags(unit, index, signals, pops);
  return DONE_FLAGS;
}

/** DF: FFREEP, FXCH, FSTP (twice) once more, FNSTSW AX, FUCOMIP, FCOMIP. */
function last(unit: Unit, digit: u32, index: u32): u32 {
  if (digit == 0) {
    free(unit, index);
    pop(unit);
  } else if (digit == 1) exchange(unit, index);
  else if (digit < 4) copyTop(unit, index, true);
  else if (digit == 4) return index == 0 ? DONE_STATUS : DONE_UNDEFINED;
  else if (digit == 5 || digit == 6) return flags(unit, index, digit == 6, true);
  else return DONE_UNDEFINED;
  return DONE;
}

/** DB E0 to E7: FNCLEX, FNINIT; FNENI, FNDISI and FNSETPM do nothing since the 80387. */
function controls(unit: Unit, index: u32): u32 {
  if (index == 2) setStatus(unit, EXCEPTIONS | STATUS_SF | STATUS_ES | STATUS_B, 0);
  else if (index == 3) initialize(unit.image);
  else if (index > 4) return DONE_UNDEFINED;
  return DONE;
}

/** D9 E0 to FF. */
function single(unit: Unit, code: u32): u32 {
  switch (code) {
    case 0x20:
      setSign(unit, 0x8000, 0x8000);
      return DONE;
    case 0x21:
      setSign(unit, 0, 0);
      return DONE;
    case 0x24:
      test(unit);
      return DONE;
    case 0x25:
      examine(unit);
      return DONE;
    case 0x34:
      extract(unit);
      return DONE;
    case 0x35:
      remainder(unit, true);
      return DONE;
    case 0x36:
      turn(unit, 7);
      return DONE;
    case 0x37:
      turn(unit, 1);
      return DONE;
    case 0x38:
      remainder(unit, false);
      return DONE;
    case 0x3a:
      squareRoot(unit);
      return DONE;
    case 0x3c:
      roundTop(unit);
      return DONE;
    case 0x3d:
      scaleTop(unit);
      return DONE;
    default:
      return code >= 0x28 && code < 0x2f ? constant(unit, code - 0x28) : transcend(unit, code);
  }
}

/** FDECSTP, FINCSTP. */
function turn(unit: Unit, count: u32): void {
  finish(unit);
  rotate(unit, count);
}

function transcend(unit: Unit, code: u32): u32 {
  switch (code) {
    case 0x30:
      power(unit);
      return DONE;
    case 0x31:
      logarithm(unit);
      return DONE;
    case 0x32:
      tangent(unit);
      return DONE;
    case 0x33:
      arcTangent(unit);
      return DONE;
    case 0x39:
      logarithmPlus1(unit);
      return DONE;
    case 0x3b:
      sineCosine(unit);
      return DONE;
    case 0x3e:
      sine(unit);
      return DONE;
    case 0x3f:
      cosine(unit);
      return DONE;
    default:
      return DONE_UNDEFINED;
  }
}

/** Significands, cut off: 1, log2 10, log2 e, pi, log10 2, ln 2, 0. */
const CONSTANTS: StaticArray<u64> = [
  0x8000_0000_0000_0000, 0xd49a_784b_cd1b_8afe, 0xb8aa_3b29_5c17_f0bb, 0xc90f_daa2_2168_c234,
  0x9a20_9a84_fbcf_f798, 0xb172_17f7_d1cf_79ab, 0,
];
const EXPONENTS: StaticArray<u16> = [0x3fff, 0x4000, 0x3fff, 0x4000, 0x3ffd, 0x3ffe, 0];
/** Bit n: to nearest, constant n is the one above. */
const NEAREST_ABOVE: u32 = 0x3c;
/** Bit n: constant n is inexact. */
const INEXACT: u32 = 0x3e;

/** FLD1 to FLDZ, rounded as the control word says; that raises nothing (Intel SDM 2A, FLD1). */
function constant(unit: Unit, index: u32): u32 {
  if (isFull(unit)) {
    overflow(unit);
    return DONE;
  }
  finish(unit);
  const rounding = roundingOf(unit);
  const above =
    rounding == ROUND_UP ? INEXACT : rounding == ROUND_NEAREST ? NEAREST_ABOVE : 0;
  setFloat80(push(unit), unchecked(EXPONENTS[index]), unchecked(CONSTANTS[index]) + ((above >> index) & 1));
  return DONE;
}

/**
 * FNENI, FNDISI, FNCLEX, FNINIT, FNSETPM and FNSTSW AX: they execute although an exception is pending,
 * and leave FIP and FOP alone (Intel SDM 1, 8.1.8 and 8.6).
 */
export function isControlRegister(form: u32): bool {
  return form == STATUS_TO_AX || (form & ~7) == CONTROLS;
}

/** FCMOVcc: the unit's `flags` have to be RFLAGS'. */
@inline
export function isConditional(form: u32): bool {
  return (form & 0x620) == 0x200;
}
