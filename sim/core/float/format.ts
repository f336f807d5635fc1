/**
 * The formats binary32 and binary64 (IEEE 754-2008, 3.4): functions over `T`, f32 or f64, that the
 * compiler folds to constants. Values of both are bit patterns in the low bits of a u64.
 */
import { FLOAT_DAZ, FLOAT_DE, FLOAT_IE, FloatState, raiseBefore } from "./state";

/** Bits of the fraction: the significand without its leading one. */
@inline
export function fractionBits<T>(): u32 {
  return sizeof<T>() == 8 ? 52 : 23;
}

/** The exponent field of infinities and NaNs. */
@inline
export function exponentMax<T>(): u32 {
  return sizeof<T>() == 8 ? 0x7ff : 0xff;
}

@inline
export function bias<T>(): i32 {
  return sizeof<T>() == 8 ? 1023 : 127;
}

@inline
export function signBit<T>(): u64 {
  return <u64>1 << (sizeof<T>() * 8 - 1);
}

@inline
export function fractionMask<T>(): u64 {
  return (<u64>1 << fractionBits<T>()) - 1;
}

@inline
export function infinity<T>(): u64 {
  return <u64>exponentMax<T>() << fractionBits<T>();
}

/** Distinguishes a quiet NaN from a signalling one. */
@inline
export function quietBit<T>(): u64 {
  return <u64>1 << (fractionBits<T>() - 1);
}

/** "QNaN floating-point indefinite": what an invalid operation gives (Intel SDM 1, 4.8.3.7). */
@inline
export function indefinite<T>(): u64 {
  return signBit<T>() | infinity<T>() | quietBit<T>();
}

@inline
export function magnitude<T>(a: u64): u64 {
  return a & ~signBit<T>();
}

@inline
export function isNegative<T>(a: u64): bool {
  return (a & signBit<T>()) != 0;
}

@inline
export function exponentOf<T>(a: u64): i32 {
  return <i32>(a >> fractionBits<T>()) & exponentMax<T>();
}

@inline
export function isZero<T>(a: u64): bool {
  return magnitude<T>(a) == 0;
}

@inline
export function isNan<T>(a: u64): bool {
  return magnitude<T>(a) > infinity<T>();
}

@inline
export function isInfinite<T>(a: u64): bool {
  return magnitude<T>(a) == infinity<T>();
}

@inline
export function isSignalling<T>(a: u64): bool {
  return isNan<T>(a) && (a & quietBit<T>()) == 0;
}

/** A denormal number, not zero. */
@inline
export function isDenormal<T>(a: u64): bool {
  return magnitude<T>(a) - 1 < fractionMask<T>();
}

/** The operand as the unit sees it: with DAZ, a denormal number is a zero of its sign. */
@inline
export function operand<T>(state: FloatState, a: u64): u64 {
  return (state.word & FLOAT_DAZ) != 0 && isDenormal<T>(a) ? a & signBit<T>() : a;
}

/** Raises the denormal exception for an operand that has been through `operand`. */
@inline
export function noteDenormal<T>(state: FloatState, a: u64): void {
  if (isDenormal<T>(a)) raiseBefore(state, FLOAT_DE);
}

@inline
export function noteDenormals<T>(state: FloatState, a: u64, b: u64): void {
  if (isDenormal<T>(a) || isDenormal<T>(b)) raiseBefore(state, FLOAT_DE);
}

/** The result of an invalid operation. */
export function invalid<T>(state: FloatState): u64 {
  raiseBefore(state, FLOAT_IE);
  return indefinite<T>();
}

/** The result of an operation on a NaN (Intel SDM 1, table 4-7). */
export function quieted<T>(state: FloatState, a: u64): u64 {
  if (isSignalling<T>(a)) raiseBefore(state, FLOAT_IE);
  return a | quietBit<T>();
}

/** The result of an operation on two operands, one of them a NaN: the first NaN, made quiet. */
export function propagated<T>(state: FloatState, a: u64, b: u64): u64 {
  if (isSignalling<T>(a) || isSignalling<T>(b)) raiseBefore(state, FLOAT_IE);
  return (isNan<T>(a) ? a : b) | quietBit<T>();
}

/**
 * The significand of a finite number other than zero with its leading one in bit 63. A denormal
 * number's exponent is then below 1: see `normalExponent`.
 */
@inline
export function normalSignificand<T>(a: u64): u64 {
  const fraction = a & fractionMask<T>();
  if (exponentOf<T>(a) == 0) return fraction << clz(fraction);
  return (fraction << (63 - fractionBits<T>())) | ((<u64>1) << 63);
}

/** The biased exponent that goes with `normalSignificand`. */
@inline
export function normalExponent<T>(a: u64): i32 {
  const exponent = exponentOf<T>(a);
  if (exponent != 0) return exponent;
  return 64 - <i32>fractionBits<T>() - <i32>clz(a & fractionMask<T>());
}
