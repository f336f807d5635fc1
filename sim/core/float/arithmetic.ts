/** Addition, multiplication, division, square root in binary32 and binary64 (Intel SDM 1, 4.8.4). */
import {
  bias,
  exponentOf,
  fractionBits,
  fractionMask,
  infinity,
  invalid,
  isInfinite,
  isNan,
  isNegative,
  isZero,
  normalExponent,
  normalSignificand,
  noteDenormal,
  noteDenormals,
  operand,
  propagated,
  quieted,
  signBit,
} from "./format";
import { roundPack } from "./round";
import { FLOAT_ZE, FloatState, raiseBefore, ROUND_DOWN, roundingOf } from "./state";
import { divideWide, multiplyHigh, rootWide, shiftRightSticky } from "./wide";

const TOP: u64 = 1 << 63;

/** a + b. */
export function add<T>(state: FloatState, first: u64, second: u64): u64 {
  const a = operand<T>(state, first);
  const b = operand<T>(state, second);
  if (isNan<T>(a) || isNan<T>(b)) return propagated<T>(state, a, b);
  if (isInfinite<T>(a) && isInfinite<T>(b) && a != b) return invalid<T>(state);
  noteDenormals<T>(state, a, b);
  if (isInfinite<T>(a)) return a;
  if (isInfinite<T>(b)) return b;
  return addFinite<T>(state, a, b);
}

/** a - b: the second NaN of the two keeps its sign. */
export function subtract<T>(state: FloatState, a: u64, b: u64): u64 {
  return add<T>(state, a, isNan<T>(b) ? b : b ^ signBit<T>());
}

/** With the hidden bit in bit 62, so that a sum fits; a denormal number has none, and exponent 1. */
@inline
function alignedSignificand<T>(a: u64): u64 {
  const hidden: u64 = exponentOf<T>(a) != 0 ? <u64>1 << 62 : 0;
  return ((a & fractionMask<T>()) << (62 - fractionBits<T>())) | hidden;
}

function addFinite<T>(state: FloatState, a: u64, b: u64): u64 {
  let negative = isNegative<T>(a);
  const opposite = negative != isNegative<T>(b);
  const aExponent = max(exponentOf<T>(a), 1);
  const bExponent = max(exponentOf<T>(b), 1);
  let aPart = alignedSignificand<T>(a);
  let bPart = alignedSignificand<T>(b);
  if (aExponent > bExponent) bPart = shiftRightSticky(bPart, aExponent - bExponent);
  else aPart = shiftRightSticky(aPart, bExponent - aExponent);
  let sum = aPart + bPart;
  if (opposite) {
    const swap = aPart < bPart;
    sum = swap ? bPart - aPart : aPart - bPart;
    if (sum == 0) return roundingOf(state) == ROUND_DOWN ? signBit<T>() : 0;
    if (swap) negative = !negative;
  }
  if (sum == 0) return negative ? signBit<T>() : 0;
  const shift = <u32>clz(sum);
  const exponent = max(aExponent, bExponent) + 1 - <i32>shift;
  return roundPack<T>(state, negative, exponent, sum << shift);
}

/** a x b. */
export function multiply<T>(state: FloatState, first: u64, second: u64): u64 {
  const a = operand<T>(state, first);
  const b = operand<T>(state, second);
  if (isNan<T>(a) || isNan<T>(b)) return propagated<T>(state, a, b);
  const sign = (a ^ b) & signBit<T>();
  const zero = isZero<T>(a) || isZero<T>(b);
  if (isInfinite<T>(a) || isInfinite<T>(b)) {
    if (zero) return invalid<T>(state);
    noteDenormals<T>(state, a, b);
    return sign | infinity<T>();
  }
  noteDenormals<T>(state, a, b);
  if (zero) return sign;
  const x = normalSignificand<T>(a);
  const y = normalSignificand<T>(b);
  let product = multiplyHigh(x, y) | <u64>(x * y != 0);
  let exponent = normalExponent<T>(a) + normalExponent<T>(b) - bias<T>() + 1;
  if ((product & TOP) == 0) {
    product <<= 1; // What comes in below is far from the rounded bits, and sticky already.
    exponent -= 1;
  }
  return roundPack<T>(state, sign != 0, exponent, product);
}

/** a / b. Division by zero comes before the denormal operand (Intel SDM 1, 11.5.1, priorities). */
export function divide<T>(state: FloatState, first: u64, second: u64): u64 {
  const a = operand<T>(state, first);
  const b = operand<T>(state, second);
  if (isNan<T>(a) || isNan<T>(b)) return propagated<T>(state, a, b);
  const sign = (a ^ b) & signBit<T>();
  if (isInfinite<T>(a) && isInfinite<T>(b)) return invalid<T>(state);
  if (isZero<T>(b)) {
    if (isZero<T>(a)) return invalid<T>(state);
    if (!isInfinite<T>(a)) raiseBefore(state, FLOAT_ZE);
    return sign | infinity<T>();
  }
  noteDenormals<T>(state, a, b);
  if (isInfinite<T>(a)) return sign | infinity<T>();
  if (isZero<T>(a) || isInfinite<T>(b)) return sign;
  const x = normalSignificand<T>(a);
  const y = normalSignificand<T>(b);
  const exponent = normalExponent<T>(a) - normalExponent<T>(b) + bias<T>();
  // The quotient's leading one is made to be in bit 63. Bit 0 of x is 0: halving is exact.
  const below = x < y;
  const dividend = below ? x : x >> 1;
  const quotient = divideWide(dividend, 0, y);
  const sticky = <u64>(quotient * y != 0);
  return roundPack<T>(state, sign != 0, below ? exponent - 1 : exponent, quotient | sticky);
}

/** The square root of a. */
export function squareRoot<T>(state: FloatState, first: u64): u64 {
  const a = operand<T>(state, first);
  if (isNan<T>(a)) return quieted<T>(state, a);
  if (isZero<T>(a)) return a;
  if (isNegative<T>(a)) return invalid<T>(state);
  if (isInfinite<T>(a)) return a;
  noteDenormal<T>(state, a);
  const significand = normalSignificand<T>(a);
  const unbiased = normalExponent<T>(a) - bias<T>();
  // 2^e x m with an even e and m from 1 to 4, in units of 2^-126.
  const odd = unbiased & 1;
  const high = odd != 0 ? significand : significand >> 1;
  const root = rootWide(high, 0);
  const sticky = <u64>(root * root != 0);
  return roundPack<T>(state, false, ((unbiased - odd) >> 1) + bias<T>(), root | sticky);
}
