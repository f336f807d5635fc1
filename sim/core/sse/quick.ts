/**
 * What floating-point instructions that are micro-ops try first: native arithmetic where the result is
 * surely that of float/ and the only flag that can change is that for inexact results.
 *
 * Which is: all exceptions masked, rounding to nearest, operands zero or normal, the result normal (or
 * a zero that is exact). DAZ and FTZ then make no difference. Otherwise the answer is NOT_QUICK and the
 * instruction is executed by float.ts, which begins anew.
 */
import { FLOAT_PE } from "../float/state";

/** A signalling NaN: no result of an operation is one. */
export const NOT_QUICK: u64 = 0x7ff0_0000_0000_0001;
export const NOT_QUICK_32: u32 = 0x7f80_0001;

/** Masks and rounding control in MXCSR, and how they must be. */
const CONTROL: u32 = 0x7f80;
const MASKED_NEAREST: u32 = 0x1f80;
export const PRECISION_MASK: u32 = 0x1000;

/** The least normal numbers and infinities, their signs shifted out. */
const LEAST: u64 = 1 << 53;
const INFINITY: u64 = 0x7ff << 53;
const LEAST_32: u32 = 1 << 24;
const INFINITY_32: u32 = 0xff << 24;
const FRACTION: u64 = (1 << 52) - 1;
const IMPLICIT: u64 = 1 << 52;
/** Significands of binary64 with so many zeros at their ends together have an exact product. */
const EXACT_ZEROS: u64 = 53;

@inline
export function quick(control: usize): bool {
  return (load<u32>(control) & CONTROL) == MASKED_NEAREST;
}

@inline
export function inexact(control: usize): void {
  store<u32>(control, load<u32>(control) | FLOAT_PE);
}

@inline
export function isKnownInexact(control: usize): bool {
  return (load<u32>(control) & FLOAT_PE) != 0;
}

/** Zero, normal, infinite or a NaN. */
@inline
function plain(a: u64): bool {
  return (a << 1) - 1 >= LEAST - 1;
}

/** Normal and not the least normal number, which may have been rounded up to (float/float64.ts). */
@inline
function safe(a: u64): bool {
  return (a << 1) - (LEAST + 1) < INFINITY - (LEAST + 1);
}

@inline
function trailingZeros(a: u64): u64 {
  return ctz((a & FRACTION) | IMPLICIT);
}

@inline
function plain32(a: u32): bool {
  return (a << 1) - 1 >= LEAST_32 - 1;
}

@inline
function safe32(a: u32): bool {
  return (a << 1) - (LEAST_32 + 1) < INFINITY_32 - (LEAST_32 + 1);
}

/** a + b. Its rounding error is a number too (Knuth, TAOCP 2, 4.2.2, theorem B). */
@inline
export function quickAdd(control: usize, a: u64, b: u64): u64 {
  if (!quick(control) || !plain(a) || !plain(b)) return NOT_QUICK;
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  const sum = x + y;
  const result = reinterpret<u64>(sum);
  if (!safe(result)) return (result << 1) == 0 ? result : NOT_QUICK;
  if (!isKnownInexact(control)) {
    const part = sum - x;
    if (x - (sum - part) + (y - part) != 0) inexact(control);
  }
  return result;
}

@inline
export function quickSubtract(control: usize, a: u64, b: u64): u64 {
  return quickAdd(control, a, b ^ 0x8000_0000_0000_0000);
}

@inline
export function quickMultiply(control: usize, a: u64, b: u64): u64 {
  if (!quick(control) || !plain(a) || !plain(b)) return NOT_QUICK;
  const result = reinterpret<u64>(reinterpret<f64>(a) * reinterpret<f64>(b));
  if (!safe(result)) return (a << 1) == 0 && safe(b) ? result : NOT_QUICK;
  if (!isKnownInexact(control) && trailingZeros(a) + trailingZeros(b) < EXACT_ZEROS) return NOT_QUICK;
  return result;
}

@inline
export function quickDivide(control: usize, a: u64, b: u64): u64 {
  if (!quick(control) || !isKnownInexact(control) || !plain(a) || !plain(b)) return NOT_QUICK;
  const result = reinterpret<u64>(reinterpret<f64>(a) / reinterpret<f64>(b));
  return safe(result) ? result : NOT_QUICK;
}

@inline
export function quickRoot(control: usize, _a: u64, b: u64): u64 {
  if (!quick(control) || !isKnownInexact(control) || !plain(b)) return NOT_QUICK;
  const result = reinterpret<u64>(sqrt<f64>(reinterpret<f64>(b)));
  return safe(result) ? result : NOT_QUICK;
}

/** A result in binary32 that binary64 would have as `exact`. */
@inline
function quickSingle(control: usize, single: f32, exact: f64): u32 {
  const result = reinterpret<u32>(single);
  if (!safe32(result)) return exact == 0 ? result : NOT_QUICK_32;
  if (<f64>single != exact) inexact(control);
  return result;
}

@inline
export function quickAdd32(control: usize, a: u32, b: u32): u32 {
  if (!quick(control) || !plain32(a) || !plain32(b)) return NOT_QUICK_32;
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  const sum = x + y;
  const result = reinterpret<u32>(sum);
  if (!safe32(result)) return (result << 1) == 0 ? result : NOT_QUICK_32;
  if (!isKnownInexact(control)) {
    const part = sum - x;
    if (x - (sum - part) + (y - part) != 0) inexact(control);
  }
  return result;
}

@inline
export function quickSubtract32(control: usize, a: u32, b: u32): u32 {
  return quickAdd32(control, a, b ^ 0x8000_0000);
}

/** The product of two significands of 24 bits is exact in binary64. */
@inline
export function quickMultiply32(control: usize, a: u32, b: u32): u32 {
  if (!quick(control) || !plain32(a) || !plain32(b)) return NOT_QUICK_32;
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  return quickSingle(control, x * y, <f64>x * <f64>y);
}

@inline
export function quickDivide32(control: usize, a: u32, b: u32): u32 {
  if (!quick(control) || !isKnownInexact(control) || !plain32(a) || !plain32(b)) return NOT_QUICK_32;
  const result = reinterpret<u32>(reinterpret<f32>(a) / reinterpret<f32>(b));
  return safe32(result) ? result : NOT_QUICK_32;
}

/** CVTSD2SS. */
@inline
export function quickNarrow(control: usize, a: u64): u32 {
  if (!quick(control) || !plain(a)) return NOT_QUICK_32;
  const value = reinterpret<f64>(a);
  return quickSingle(control, <f32>value, value);
}

/** CVTSS2SD: every normal single is a double. */
@inline
export function quickWiden(_control: usize, a: u32): u64 {
  const zero = (a << 1) == 0;
  return zero || safe32(a) ? reinterpret<u64>(<f64>reinterpret<f32>(a)) : NOT_QUICK;
}

/** No relation of numbers that COMISD could answer. */
export const NO_RELATION: u32 = 1 << 31;

/** UCOMISD and COMISD of numbers: CF and ZF (float/compare.ts). */
@inline
export function quickRelation(a: u64, b: u64): u32 {
  if (!plain(a) || !plain(b)) return NO_RELATION;
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  return x < y ? 0x01 : x > y ? 0 : x == y ? 0x40 : NO_RELATION;
}

@inline
export function quickRelation32(a: u32, b: u32): u32 {
  if (!plain32(a) || !plain32(b)) return NO_RELATION;
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  return x < y ? 0x01 : x > y ? 0 : x == y ? 0x40 : NO_RELATION;
}

const INTEGERS_32: f64 = 2147483648;
const INTEGERS_64: f64 = 9223372036854775808;
/** What no conversion of a number that is in range gives: the answer to one that isn't. */
export const NOT_QUICK_INTEGER: i64 = i64.MIN_VALUE;

/** CVTTSD2SI of a number whose integral part fits. */
@inline
export function quickCut(control: usize, a: u64, wide: bool): i64 {
  const value = reinterpret<f64>(a);
  const fits = Math.abs(value) < (wide ? INTEGERS_64 : INTEGERS_32);
  if (!fits || !plain(a) || (load<u32>(control) & PRECISION_MASK) == 0) return NOT_QUICK_INTEGER;
  const integer = <i64>value;
  if (<f64>integer != value) inexact(control);
  return integer;
}

/** Integers up to here are exact in binary64. */
const EXACT: i64 = 1 << 53;

/** Whether CVTSI2SD of this value is exact. */
@inline
export function isExact(value: i64): bool {
  return value <= EXACT && value >= -EXACT;
}
