/**
 * The transcendental functions of the x87 (Intel SDM 1, 8.3.7): special operands and flags; the values
 * are elementary.ts's. Results other than those of special operands are marked inexact, as by the
 * real unit, and are rounded to 64 bits whatever the precision control says.
 */
import {
  arcTangentOf,
  divideReal,
  exponentialMinus1,
  logarithm2,
  logarithmOfRatio,
  reduceByQuarter,
  setLn2,
  setPi,
  sineOfQuarter,
} from "./elementary";
import {
  BIAS,
  copyFloat80,
  ExtendedState,
  Float80,
  invalid80,
  isNegative80,
  KIND_DENORMAL,
  KIND_INFINITY,
  KIND_QUIET,
  KIND_UNSUPPORTED,
  KIND_ZERO,
  kindOf,
  noteDenormal80,
  noteDenormals80,
  packWith,
  propagated80,
  quieted80,
  realAt,
  setFloat80,
  setInfinity,
  setZero,
  SIGN,
  unpack80,
} from "./extended";
import { addReal, copyReal, isRealZero, multiplyReal, Real, setReal, TOP } from "./real";
import { FLOAT_PE, FLOAT_UE, FLOAT_ZE, raiseAfter, raiseBefore } from "./state";

const PRECISION: u32 = 64;
const ONE: u32 = 16383;
/** Exponent of arguments whose square doesn't reach the last place of a Real. */
const TINY: i32 = -70;

/** Rounds a result that counts as inexact, and as an underflow if it is tiny. */
function deliver(state: ExtendedState, value: Real, to: Float80): void {
  packWith(state, value, PRECISION, to);
  raiseAfter(state, kindOf(to) == KIND_DENORMAL ? FLOAT_UE | FLOAT_PE : FLOAT_PE);
}

/** The result for a NaN or an operand that isn't supported. */
function notNumber(state: ExtendedState, a: Float80, to: Float80): void {
  if (kindOf(a) == KIND_UNSUPPORTED) invalid80(state, to);
  else quieted80(state, a, to);
}

/** F2XM1: 2^a - 1 for |a| <= 1. Beyond, where it is undefined, the operand comes back. */
export function float80Power(state: ExtendedState, a: Float80, to: Float80): void {
  const kind = kindOf(a);
  if (kind >= KIND_QUIET) return notNumber(state, a, to);
  const negative = isNegative80(a);
  if (kind == KIND_INFINITY) return negative != 0 ? setFloat80(to, SIGN | ONE, TOP) : copyFloat80(a, to);
  if (kind == KIND_ZERO) return copyFloat80(a, to);
  noteDenormal80(state, kind);
  const x = realAt(state, 0);
  const scale = realAt(state, 1);
  unpack80(a, x);
  if (x.exponent > 0 || (x.exponent == 0 && x.high != TOP)) {
    copyFloat80(a, to);
    return raiseAfter(state, FLOAT_PE);
  }
  if (x.exponent == 0) setReal(x, negative, negative != 0 ? -1 : 0, TOP, 0);
  else {
    setLn2(scale);
    multiplyReal(x, scale, scale);
    exponentialMinus1(state, scale, x);
  }
  deliver(state, x, to);
}

/** FYL2X: b log2 a. */
export function float80Logarithm(
  state: ExtendedState,
  a: Float80,
  b: Float80,
  to: Float80,
): void {
  const aKind = kindOf(a);
  const bKind = kindOf(b);
  if (aKind >= KIND_QUIET || bKind >= KIND_QUIET) return propagated80(state, a, b, to);
  const negative = isNegative80(b);
  if (isNegative80(a) != 0 && aKind != KIND_ZERO) return invalid80(state, to);
  if (aKind == KIND_ZERO) {
    if (bKind == KIND_ZERO) return invalid80(state, to);
    if (bKind != KIND_INFINITY) raiseBefore(state, FLOAT_ZE);
    return setInfinity(to, negative ^ 1);
  }
  // The sign of the logarithm, and whether it is zero.
  const exponent = <u32>a.signExponent;
  const below = exponent < ONE;
  const one = exponent == ONE && a.significand == TOP;
  if (aKind == KIND_INFINITY || bKind == KIND_INFINITY) {
    if (one || bKind == KIND_ZERO) return invalid80(state, to);
    noteDenormals80(state, aKind, bKind);
    return setInfinity(to, negative ^ <u32>below);
  }
  noteDenormals80(state, aKind, bKind);
  if (one || bKind == KIND_ZERO) return setZero(to, negative ^ <u32>below);
  const x = realAt(state, 0);
  const y = realAt(state, 1);
  unpack80(a, x);
  unpack80(b, y);
  logarithm2(state, x, x);
  multiplyReal(x, y, x);
  deliver(state, x, to);
}

/**
 * FYL2XP1: b log2 (a + 1). It is defined for |a| < 1 - sqrt(1/2) only, but has right results for any a
 * above -1. At -1 and below, a comes back.
 */
export function float80LogarithmPlus1(
  state: ExtendedState,
  a: Float80,
  b: Float80,
  to: Float80,
): void {
  const aKind = kindOf(a);
  const bKind = kindOf(b);
  if (aKind >= KIND_QUIET || bKind >= KIND_QUIET) return propagated80(state, a, b, to);
  const negative = isNegative80(a) ^ isNegative80(b);
  if (aKind == KIND_INFINITY || bKind == KIND_INFINITY) {
    const below = aKind == KIND_INFINITY && isNegative80(a) != 0;
    if (below || aKind == KIND_ZERO || bKind == KIND_ZERO) return invalid80(state, to);
    noteDenormals80(state, aKind, bKind);
    return setInfinity(to, negative);
  }
  noteDenormals80(state, aKind, bKind);
  if (aKind == KIND_ZERO || bKind == KIND_ZERO) return setZero(to, negative);
  const x = realAt(state, 0);
  const y = realAt(state, 1);
  const sum = realAt(state, 2);
  unpack80(a, x);
  if (x.negative != 0 && x.exponent >= 0) {
    copyFloat80(a, to);
    return raiseAfter(state, FLOAT_PE);
  }
  if (x.exponent < -2) {
    // a / (a + 2) keeps the precision that a + 1 would lose.
    copyReal(x, y);
    setReal(sum, 0, 1, TOP, 0);
    addReal(y, sum, sum);
    logarithmOfRatio(state, x, sum, x);
  } else {
    setReal(sum, 0, 0, TOP, 0);
    addReal(x, sum, x);
    logarithm2(state, x, x);
  }
  unpack80(b, y);
  multiplyReal(x, y, x);
  deliver(state, x, to);
}

/** FPATAN: the angle of the point (a, b), from -pi to pi (Intel SDM 2A, FPATAN, table 3-32). */
export function float80ArcTangent(
  state: ExtendedState,
  a: Float80,
  b: Float80,
  to: Float80,
): void {
  const aKind = kindOf(a);
  const bKind = kindOf(b);
  if (aKind >= KIND_QUIET || bKind >= KIND_QUIET) return propagated80(state, a, b, to);
  noteDenormals80(state, aKind, bKind);
  const left = isNegative80(a) != 0;
  const negative = isNegative80(b);
  const angle = realAt(state, 2);
  const flat = bKind == KIND_ZERO || (aKind == KIND_INFINITY && bKind != KIND_INFINITY);
  if (flat) {
    if (!left) return setZero(to, negative);
    setPi(angle, 0, negative);
  } else if (aKind == KIND_ZERO || (bKind == KIND_INFINITY && aKind != KIND_INFINITY)) {
    setPi(angle, -1, negative);
  } else if (bKind == KIND_INFINITY) {
    setPi(angle, -2, 0);
    fold(state, angle, false, left, negative);
  } else finiteAngle(state, a, b, angle);
  deliver(state, angle, to);
}

function finiteAngle(state: ExtendedState, a: Float80, b: Float80, angle: Real): void {
  const x = realAt(state, 0);
  const y = realAt(state, 1);
  unpack80(a, x);
  unpack80(b, y);
  const left = x.negative != 0;
  const negative = y.negative;
  x.negative = 0;
  y.negative = 0;
  const steep = y.exponent > x.exponent || (y.exponent == x.exponent && y.high > x.high);
  if (steep) arcTangentOf(state, x, y, angle);
  else arcTangentOf(state, y, x, angle);
  fold(state, angle, steep, left, negative);
}

/** From the first eighth of the circle to where the point is. */
function fold(state: ExtendedState, angle: Real, steep: bool, left: bool, negative: u32): void {
  const whole = realAt(state, 3);
  if (steep) {
    setPi(whole, -1, 0);
    angle.negative = 1;
    addReal(whole, angle, angle);
  }
  if (left) {
    setPi(whole, 0, 0);
    angle.negative = 1;
    addReal(whole, angle, angle);
  }
  angle.negative = negative;
}

/** Whether a trigonometric function takes `a`: NaNs and infinities too, for they have a result. */
export function isInRange(a: Float80): bool {
  const exponent = <u32>a.signExponent & 0x7fff;
  return exponent < <u32>BIAS + 63 || exponent == 0x7fff || (a.significand & TOP) == 0;
}

/** Which function; the cosine is the sine a quarter of the circle further on. */
export const SINE: u32 = 0;
export const COSINE: u32 = 1;
export const TANGENT: u32 = 2;

/** FSIN, FCOS and FPTAN, for `a` in range. */
export function float80Sine(state: ExtendedState, a: Float80, which: u32, to: Float80): void {
  const kind = kindOf(a);
  if (kind >= KIND_QUIET) return notNumber(state, a, to);
  if (kind == KIND_INFINITY) return invalid80(state, to);
  if (kind == KIND_ZERO) return which == COSINE ? setFloat80(to, ONE, TOP) : copyFloat80(a, to);
  noteDenormal80(state, kind);
  const x = realAt(state, 0);
  const value = realAt(state, 1);
  unpack80(a, x);
  const negative = which == COSINE ? 0 : x.negative;
  const quarter = reduceByQuarter(x);
  if (which == TANGENT && x.exponent < TINY) {
    // x + x^3 / 3: the second term is far behind the last place.
    copyReal(x, value);
    value.negative = 0;
    value.low |= 1;
  } else if (which != TANGENT) sineOfQuarter(state, x, quarter + which, value);
  else {
    const cosine = realAt(state, 2);
    sineOfQuarter(state, x, quarter, value);
    sineOfQuarter(state, x, quarter + 1, cosine);
    divideReal(state, value, cosine, value);
  }
  value.negative ^= negative;
  if (isRealZero(value)) value.negative = negative;
  deliver(state, value, to);
}
