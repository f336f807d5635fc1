/** Transcendental instructions: where operands come from and results go to (Intel SDM 2A). */
import { copyFloat80, KIND_INFINITY, kindOf, setFloat80 } from "../float/extended";
import { TOP } from "../float/real";
import {
  COSINE,
  float80ArcTangent,
  float80Logarithm,
  float80LogarithmPlus1,
  float80Power,
  float80Sine,
  isInRange,
  SINE,
  TANGENT,
} from "../float/transcendental";
import { missingTop, replaceTop } from "./arithmetic";
import {
  finish,
  isEmpty,
  isFull,
  overflow,
  pop,
  push,
  setMissing,
  setStatus,
  stack,
  STATUS_C2,
  stopped,
  temporary,
  underflows,
  Unit,
} from "./unit";

const ONE: u32 = 0x3fff;
const ARC: u32 = 0;
const LOG: u32 = 1;

/** F2XM1. */
export function power(unit: Unit): void {
  if (isEmpty(unit, 0)) return missingTop(unit);
  const result = temporary(unit, 1);
  float80Power(unit, stack(unit, 0), result);
  replaceTop(unit, result);
}

/** FYL2X, FYL2XP1, FPATAN: the result replaces ST(1), and ST(0) goes. */
function binary(unit: Unit, operation: u32): void {
  const result = temporary(unit, 1);
  if (isEmpty(unit, 0) || isEmpty(unit, 1)) {
    if (!underflows(unit)) return;
    setMissing(unit, 1);
    return pop(unit);
  }
  const a = stack(unit, 0);
  const b = stack(unit, 1);
  if (operation == ARC) float80ArcTangent(unit, a, b, result);
  else if (operation == LOG) float80Logarithm(unit, a, b, result);
  else float80LogarithmPlus1(unit, a, b, result);
  finish(unit);
  if (stopped(unit)) return;
  copyFloat80(result, b);
  pop(unit);
}

export function arcTangent(unit: Unit): void {
  binary(unit, ARC);
}

export function logarithm(unit: Unit): void {
  binary(unit, LOG);
}

export function logarithmPlus1(unit: Unit): void {
  binary(unit, LOG + 1);
}

/** Sets C2 and answers false if ST(0) is too large; then nothing else happens. */
function inRange(unit: Unit): bool {
  const fits = isInRange(stack(unit, 0));
  setStatus(unit, STATUS_C2, fits ? 0 : STATUS_C2);
  if (!fits) finish(unit);
  return fits;
}

function replaceBySine(unit: Unit, which: u32): void {
  if (isEmpty(unit, 0)) {
    setStatus(unit, STATUS_C2, 0);
    return missingTop(unit);
  }
  if (!inRange(unit)) return;
  const result = temporary(unit, 1);
  float80Sine(unit, stack(unit, 0), which, result);
  replaceTop(unit, result);
}

export function sine(unit: Unit): void {
  replaceBySine(unit, SINE);
}

export function cosine(unit: Unit): void {
  replaceBySine(unit, COSINE);
}

/** Whether an instruction that replaces ST(0) and pushes may do that; else does what happens instead. */
function mayPush(unit: Unit): bool {
  setStatus(unit, STATUS_C2, 0);
  if (isEmpty(unit, 0)) {
    if (!underflows(unit)) return false;
    setMissing(unit, 0);
    push(unit);
    setMissing(unit, 0);
    return false;
  }
  if (isFull(unit)) {
    overflow(unit);
    if (!stopped(unit)) setMissing(unit, 1);
    return false;
  }
  return inRange(unit);
}

/** FSINCOS: the sine replaces ST(0), the cosine is pushed. */
export function sineCosine(unit: Unit): void {
  if (!mayPush(unit)) return;
  const sineResult = temporary(unit, 1);
  const cosineResult = temporary(unit, 2);
  float80Sine(unit, stack(unit, 0), SINE, sineResult);
  float80Sine(unit, stack(unit, 0), COSINE, cosineResult);
  finish(unit);
  if (stopped(unit)) return;
  copyFloat80(sineResult, stack(unit, 0));
  copyFloat80(cosineResult, push(unit));
}

/** FPTAN: the tangent replaces ST(0), 1.0 is pushed; or the same NaN twice. */
export function tangent(unit: Unit): void {
  if (!mayPush(unit)) return;
  const result = temporary(unit, 1);
  float80Sine(unit, stack(unit, 0), TANGENT, result);
  finish(unit);
  if (stopped(unit)) return;
  copyFloat80(result, stack(unit, 0));
  if (kindOf(result) > KIND_INFINITY) copyFloat80(result, push(unit));
  else setFloat80(push(unit), ONE, TOP);
}
