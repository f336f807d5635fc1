/**
 * Numbers with 128 bits of significand and any exponent: what an operation on the 80-bit format gives
 * before it is rounded, and what transcendental functions are computed in.
 *
 *    value = (-1)^negative x (high:low) / 2^127 x 2^exponent
 *
 * Bit 63 of `high` is set, but for zero. Sums keep a sticky bit at their end, so that a Real made of
 * two 64-bit significands rounds as the exact sum would; products and quotients of full Reals are
 * cut off, with an error below 2^-125.
 */
import { divideWide, multiplyHigh } from "./wide";

@unmanaged
export class Real {
  high: u64;
  low: u64;
  exponent: i32;
  negative: u32;
}

export const TOP: u64 = (<u64>1) << 63;

@inline
export function isRealZero(a: Real): bool {
  return a.high == 0 && a.low == 0;
}

@inline
export function setReal(to: Real, negative: u32, exponent: i32, high: u64, low: u64): void {
  to.negative = negative;
  to.exponent = exponent;
  to.high = high;
  to.low = low;
}

@inline
export function copyReal(from: Real, to: Real): void {
  memory.copy(changetype<usize>(to), changetype<usize>(from), offsetof<Real>());
}

/** Makes bit 63 of `high` the leading one. */
export function normalizeReal(a: Real): void {
  if (a.high == 0) {
    if (a.low == 0) return;
    a.high = a.low;
    a.low = 0;
    a.exponent -= 64;
  }
  const shift = <u32>clz(a.high);
  if (shift == 0) return;
  a.high = (a.high << shift) | (a.low >> (64 - shift));
  a.low <<= shift;
  a.exponent -= shift;
}

/** Shifts the significand right without a change of the exponent; what leaves stays as sticky bit. */
export function shiftRealRight(a: Real, count: u32): void {
  if (count == 0) return;
  if (count >= 128) {
    a.low = <u64>(a.high != 0 || a.low != 0);
    a.high = 0;
  } else if (count >= 64) {
    const lost = <u64>(a.low != 0 || (count > 64 && a.high << (128 - count) != 0));
    a.low = (a.high >> (count - 64)) | lost;
    a.high = 0;
  } else {
    const lost = <u64>(a.low << (64 - count) != 0);
    a.low = (a.low >> count) | (a.high << (64 - count)) | lost;
    a.high >>= count;
  }
}

/** to = a + b. Both may be changed; `to` may be either. An exact zero is positive. */
export function addReal(a: Real, b: Real, to: Real): void {
  if (isRealZero(b)) return copyReal(a, to);
  if (isRealZero(a)) return copyReal(b, to);
  const exponent = max(a.exponent, b.exponent) + 1;
  // One bit of room for a carry.
  shiftRealRight(a, <u32>(exponent - a.exponent));
  shiftRealRight(b, <u32>(exponent - b.exponent));
  let negative = a.negative;
  let low: u64;
  let high: u64;
  if (a.negative == b.negative) {
    low = a.low + b.low;
    high = a.high + b.high + <u64>(low < a.low);
  } else {
    const swap = a.high < b.high || (a.high == b.high && a.low < b.low);
    const larger = swap ? b : a;
    const smaller = swap ? a : b;
    negative = larger.negative;
    low = larger.low - smaller.low;
    high = larger.high - smaller.high - <u64>(larger.low < smaller.low);
    if ((high | low) == 0) negative = 0;
  }
  setReal(to, negative, exponent, high, low);
  normalizeReal(to);
}

/** to = a x b; exact when both have 64 bits. */
export function multiplyReal(a: Real, b: Real, to: Real): void {
  const negative = a.negative ^ b.negative;
  const exponent = a.exponent + b.exponent + 1;
  let low = a.high * b.high;
  let high = multiplyHigh(a.high, b.high);
  // Of the three smaller partial products only the upper halves count here.
  if ((a.low | b.low) != 0) {
    const first = multiplyHigh(a.high, b.low);
    const second = multiplyHigh(a.low, b.high);
    low += first;
    high += <u64>(low < first);
    low += second;
    high += <u64>(low < second);
  }
  setReal(to, negative, exponent, high, low);
  normalizeReal(to);
}

/** to = a / b for b with 64 bits; bit 0 is sticky. */
export function divideReal64(a: Real, b: Real, to: Real): void {
  let exponent = a.exponent - b.exponent;
  const divisor = b.high;
  let high = a.high;
  let low = a.low;
  let lost: u64 = 0;
  if (high >= divisor) {
    lost = low & 1;
    low = (low >> 1) | (high << 63);
    high >>= 1;
  } else exponent -= 1;
  const first = divideWide(high, low, divisor);
  const rest = low - first * divisor;
  const second = divideWide(rest, lost << 63, divisor);
  const sticky = <u64>((lost << 63) - second * divisor != 0);
  setReal(to, a.negative ^ b.negative, exponent, first, second | sticky);
}

/** to = a / divisor, for 1 <= divisor < 2^31. */
export function divideRealSmall(a: Real, divisor: u32, to: Real): void {
  const shift = <u32>clz(divisor) + 32;
  const scaled = <u64>divisor << shift;
  // The divisor is scaled x 2^-shift: a number in [1, 2) times 2^(63 - shift).
  let exponent = a.exponent - (63 - <i32>shift);
  let high = a.high;
  let low = a.low;
  if (high >= scaled) {
    low = (low >> 1) | (high << 63);
    high >>= 1;
  } else exponent -= 1;
  const first = divideWide(high, low, scaled);
  const second = divideWide(low - first * scaled, 0, scaled);
  setReal(to, a.negative, exponent, first, second);
}
