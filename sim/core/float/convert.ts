/** Conversions between binary32, binary64 and integers, and rounding to an integral value. */
import {
  bias,
  exponentOf,
  fractionBits,
  fractionMask,
  infinity,
  isInfinite,
  isNan,
  isNegative,
  isSignalling,
  isZero,
  magnitude,
  normalExponent,
  normalSignificand,
  noteDenormal,
  operand,
  quietBit,
  quieted,
  signBit,
} from "./format";
import { packInteger, roundPack, roundsUp } from "./round";
import { FLOAT_IE, FLOAT_PE, FloatState, raiseAfter, raiseBefore } from "./state";
import { shiftRightSticky } from "./wide";

/** A number in format `From` to format `To`. A NaN keeps the upper bits of its payload. */
export function convert<From, To>(state: FloatState, value: u64): u64 {
  const a = operand<From>(state, value);
  const sign = isNegative<From>(a) ? signBit<To>() : 0;
  if (isNan<From>(a)) {
    if (isSignalling<From>(a)) raiseBefore(state, FLOAT_IE);
    const payload = (a & fractionMask<From>()) << (63 - fractionBits<From>());
    return sign | infinity<To>() | quietBit<To>() | (payload >> (63 - fractionBits<To>()));
  }
  if (isInfinite<From>(a)) return sign | infinity<To>();
  if (isZero<From>(a)) return sign;
  noteDenormal<From>(state, a);
  const exponent = normalExponent<From>(a) - bias<From>() + bias<To>();
  return roundPack<To>(state, sign != 0, exponent, normalSignificand<From>(a));
}

/** A signed integer. */
@inline
export function fromInteger<T>(state: FloatState, value: i64): u64 {
  return packInteger<T>(state, value < 0, value < 0 ? 0 - <u64>value : <u64>value);
}

/**
 * A number to a signed integer of `bits` bits, 16, 32 or 64. What does not fit, and a NaN, is invalid
 * and gives the least integer, "integer indefinite" (Intel SDM 1, 4.8.3.7 and table 4-3). The
 * denormal exception is never raised.
 */
export function toInteger<T>(state: FloatState, value: u64, rounding: u32, bits: u32): i64 {
  const a = operand<T>(state, value);
  const least = (-1 as i64) << (bits - 1);
  if (isZero<T>(a)) return 0;
  const negative = isNegative<T>(a);
  const exponent = exponentOf<T>(a) - bias<T>();
  if (exponent > 63) return invalidInteger(state, least);
  const significand = normalSignificand<T>(a);
  // 64 integer bits and 64 of a fraction, sticky at its end.
  const whole = exponent < 0 ? 0 : significand >> (63 - exponent);
  let fraction: u64 = 0;
  if (exponent < 0) fraction = shiftRightSticky(significand, <u32>(-1 - exponent));
  else if (exponent < 63) fraction = significand << (exponent + 1);
  const up = roundsUp(rounding, negative, fraction, (<u64>1) << 63, whole & 1);
  const result = whole + <u64>up;
  const limit = 0 - <u64>least;
  if (result > limit || (result == limit && !negative) || result < whole)
    return invalidInteger(state, least);
  if (fraction != 0) raiseAfter(state, FLOAT_PE);
  return negative ? <i64>(0 - result) : <i64>result;
}

function invalidInteger(state: FloatState, least: i64): i64 {
  raiseBefore(state, FLOAT_IE);
  return least;
}

/**
 * ROUNDSD: to an integral value in the same format. A zero has the operand's sign; the denormal
 * exception is never raised (Intel SDM 2B, ROUNDSD).
 * @param quiet inexact is not raised
 */
export function toIntegral<T>(state: FloatState, value: u64, rounding: u32, quiet: bool): u64 {
  const a = operand<T>(state, value);
  if (isNan<T>(a)) return quieted<T>(state, a);
  const exponent = exponentOf<T>(a) - bias<T>();
  if (exponent >= <i32>fractionBits<T>() || isZero<T>(a)) return a;
  const sign = a & signBit<T>();
  const bits = magnitude<T>(a);
  let rest = bits;
  let half = magnitude<T>(<u64>(bias<T>() - 1) << fractionBits<T>()); // 0.5
  let kept: u64 = 0;
  let unit = <u64>bias<T>() << fractionBits<T>(); // 1.0
  let odd: u64 = 0;
  if (exponent >= 0) {
    const drop = fractionBits<T>() - <u32>exponent;
    unit = (<u64>1) << drop;
    half = unit >> 1;
    rest = bits & (unit - 1);
    kept = bits - rest;
    // At exponent 0 the last integral bit is the hidden one.
    odd = exponent == 0 ? 1 : (bits >> drop) & 1;
  }
  if (rest == 0) return a;
  if (!quiet) raiseAfter(state, FLOAT_PE);
  if (roundsUp(rounding, sign != 0, rest, half, odd)) kept += unit;
  return sign | kept;
}
