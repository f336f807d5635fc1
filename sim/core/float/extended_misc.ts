/** Comparison, remainders, scaling and parts of numbers in the 80-bit format (Intel SDM 1, 8.3.5-8.3.6). */
import { EQUAL, GREATER, LESS, UNORDERED } from "./compare";
import {
  BIAS,
  copyFloat80,
  ExtendedState,
  Float80,
  invalid80,
  isNegative80,
  KIND_INFINITY,
  KIND_QUIET,
  KIND_SIGNALLING,
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
  unpack80,
} from "./extended";
import { normalizeReal, Real, setReal, shiftRealRight, TOP } from "./real";
import { roundsUp } from "./round";
import { FLOAT_IE, FLOAT_PE, FLOAT_ZE, raiseAfter, raiseBefore, roundingOf } from "./state";

/** The relation of a to b (compare.ts). A quiet NaN is invalid only if `signals`. */
export function float80Compare(
  state: ExtendedState,
  a: Float80,
  b: Float80,
  signals: bool,
): u32 {
  const aKind = kindOf(a);
  const bKind = kindOf(b);
  if (aKind >= KIND_QUIET || bKind >= KIND_QUIET) {
    if (signals || aKind >= KIND_SIGNALLING || bKind >= KIND_SIGNALLING)
      raiseBefore(state, FLOAT_IE);
    return UNORDERED;
  }
  noteDenormals80(state, aKind, bKind);
  if (aKind == KIND_ZERO && bKind == KIND_ZERO) return EQUAL;
  const negative = isNegative80(a);
  if (negative != isNegative80(b)) return negative != 0 ? LESS : GREATER;
  const x = realAt(state, 0);
  const y = realAt(state, 1);
  const order = compareMagnitudes(a, aKind, b, bKind, x, y);
  if (order == 0) return EQUAL;
  return order < 0 != (negative != 0) ? LESS : GREATER;
}

function compareMagnitudes(
  a: Float80,
  aKind: u32,
  b: Float80,
  bKind: u32,
  x: Real,
  y: Real,
): i32 {
  if (aKind == KIND_INFINITY || bKind == KIND_INFINITY)
    return <i32>(aKind == KIND_INFINITY) - <i32>(bKind == KIND_INFINITY);
  if (aKind == KIND_ZERO || bKind == KIND_ZERO)
    return <i32>(bKind == KIND_ZERO) - <i32>(aKind == KIND_ZERO);
  unpack80(a, x);
  unpack80(b, y);
  if (x.exponent != y.exponent) return x.exponent < y.exponent ? -1 : 1;
  return <i32>(x.high > y.high) - <i32>(x.high < y.high);
}

/** FRNDINT. */
export function float80Round(state: ExtendedState, a: Float80, to: Float80): void {
  const kind = kindOf(a);
  if (kind == KIND_UNSUPPORTED) return invalid80(state, to);
  if (kind >= KIND_QUIET) return quieted80(state, a, to);
  noteDenormal80(state, kind);
  const x = realAt(state, 0);
  if (kind >= KIND_INFINITY || kind == KIND_ZERO) return copyFloat80(a, to);
  unpack80(a, x);
  if (x.exponent >= 63) return copyFloat80(a, to);
  shiftRealRight(x, <u32>(63 - x.exponent));
  x.exponent = 63;
  const fraction = x.low;
  const up = roundsUp(roundingOf(state), x.negative != 0, fraction, TOP, x.high & 1);
  x.high += <u64>up;
  x.low = 0;
  normalizeReal(x);
  packWith(state, x, 64, to);
  state.roundedUp = <u32>up;
  if (fraction != 0) raiseAfter(state, FLOAT_PE);
}

/**
 * FSCALE: a x 2^n, n = b cut off to an integer (Intel SDM 2A, FSCALE). The precision is always 64 bits.
 */
export function float80Scale(state: ExtendedState, a: Float80, b: Float80, to: Float80): void {
  const aKind = kindOf(a);
  const bKind = kindOf(b);
  if (aKind >= KIND_QUIET || bKind >= KIND_QUIET) return propagated80(state, a, b, to);
  const down = isNegative80(b) != 0;
  if (bKind == KIND_INFINITY && aKind == (down ? KIND_INFINITY : KIND_ZERO))
    return invalid80(state, to);
  noteDenormals80(state, aKind, bKind);
  if (aKind == KIND_ZERO || aKind == KIND_INFINITY) return copyFloat80(a, to);
  if (bKind == KIND_INFINITY)
    return down ? setZero(to, isNegative80(a)) : setInfinity(to, isNegative80(a));
  const x = realAt(state, 0);
  const y = realAt(state, 1);
  unpack80(a, x);
  unpack80(b, y);
  x.exponent += scaleOf(bKind, y);
  packWith(state, x, 64, to);
}

/** The integer part, as far as it can matter: beyond 2^16 every result is out of range. */
function scaleOf(kind: u32, y: Real): i32 {
  if (kind == KIND_ZERO || y.exponent < 0) return 0;
  const size = y.exponent > 16 ? 0x2_0000 : <i32>(y.high >> (63 - y.exponent));
  return y.negative != 0 ? -size : size;
}

/** FXTRACT: the exponent as a number into `exponent`, the significand with exponent 0 into `part`. */
export function float80Extract(
  state: ExtendedState,
  a: Float80,
  exponent: Float80,
  part: Float80,
): void {
  const kind = kindOf(a);
  if (kind >= KIND_QUIET) {
    if (kind == KIND_UNSUPPORTED) invalid80(state, part);
    else quieted80(state, a, part);
    return copyFloat80(part, exponent);
  }
  if (kind == KIND_INFINITY) {
    copyFloat80(a, part);
    return setInfinity(exponent, 0);
  }
  if (kind == KIND_ZERO) {
    raiseBefore(state, FLOAT_ZE);
    copyFloat80(a, part);
    return setInfinity(exponent, 1);
  }
  noteDenormal80(state, kind);
  const x = realAt(state, 0);
  unpack80(a, x);
  setFloat80(part, (x.negative << 15) | <u32>BIAS, x.high);
  const value = x.exponent;
  const size: u64 = <u64>abs(value);
  const shift = <u32>clz(size);
  if (size == 0) return setZero(exponent, 0);
  setFloat80(exponent, (value < 0 ? 0x8000 : 0) | (<u32>BIAS + 63 - shift), size << shift);
}

/** In `quotient`: not complete, C2. */
export const REMAINDER_PARTIAL: u32 = 8;
/** In `quotient`: there is none, for an operand is a NaN or invalid. */
export const REMAINDER_NONE: u32 = 16;

/**
 * FPREM, or FPREM1 if `nearest`: the exact remainder of a / b, its quotient cut off or rounded to
 * nearest. When exponents differ by 64 or more, software has to repeat: one execution takes off the
 * highest N bits of the quotient and says that the remainder is partial (Intel SDM 2A, FPREM).
 */
export function float80Remainder(
  state: ExtendedState,
  a: Float80,
  b: Float80,
  nearest: bool,
  to: Float80,
): void {
  state.quotient = REMAINDER_NONE;
  const aKind = kindOf(a);
  const bKind = kindOf(b);
  if (aKind >= KIND_QUIET || bKind >= KIND_QUIET) return propagated80(state, a, b, to);
  if (aKind == KIND_INFINITY || bKind == KIND_ZERO) return invalid80(state, to);
  noteDenormals80(state, aKind, bKind);
  state.quotient = 0;
  if (aKind == KIND_ZERO) return copyFloat80(a, to);
  const x = realAt(state, 0);
  const y = realAt(state, 1);
  unpack80(a, x);
  // An infinite divisor leaves the number; a denormal one underflows, as any result does (SDM 1, 8.5.5).
  if (bKind == KIND_INFINITY) return packWith(state, x, 64, to);
  unpack80(b, y);
  const distance = x.exponent - y.exponent;
  if (distance < 64) reduce(state, x, y, distance, nearest);
  else {
    // N is between 32 and 63, such that a multiple of 32 is left, as real processors have it.
    const bits = (distance & 31) | 32;
    y.exponent += distance - bits;
    reduce(state, x, y, bits, false);
    state.quotient = REMAINDER_PARTIAL;
  }
  packWith(state, x, 64, to);
}

/** x = x mod y for exponents `distance` apart. A zero has the dividend's sign. */
function reduce(state: ExtendedState, x: Real, y: Real, distance: i32, nearest: bool): void {
  if (distance < -1 || (distance < 0 && !nearest)) return;
  const divisor = y.high;
  let rest = x.high;
  let quotient: u64 = 0;
  let over: u64 = 0;
  if (distance >= 0) {
    quotient = <u64>(rest >= divisor);
    if (quotient != 0) rest -= divisor;
    for (let bit = 0; bit < distance; bit++) {
      over = rest >> 63;
      rest <<= 1;
      const fits = over != 0 || rest >= divisor;
      if (fits) rest -= divisor;
      quotient = (quotient << 1) | <u64>fits;
    }
  }
  // The rest is in units of y's last place; for a distance of -1, x is half a unit further down.
  setReal(x, x.negative, y.exponent, rest, 0);
  if (distance < 0) shiftRealRight(x, 1);
  if (nearest && aboveHalf(x, divisor, quotient)) {
    quotient += 1;
    // y - rest, its sign reversed.
    const low = 0 - x.low;
    setReal(x, x.negative ^ 1, y.exponent, divisor - x.high - <u64>(x.low != 0), low);
  }
  if ((x.high | x.low) == 0) setReal(x, x.negative, 0, 0, 0);
  normalizeReal(x);
  state.quotient = <u32>quotient & 7;
}

/** Whether the rest in x is above half the divisor, or is half of it and the quotient is odd. */
function aboveHalf(x: Real, divisor: u64, quotient: u64): bool {
  const halfHigh = divisor >> 1;
  const halfLow = divisor << 63;
  if (x.high != halfHigh) return x.high > halfHigh;
  if (x.low != halfLow) return x.low > halfLow;
  return (quotient & 1) != 0;
}
