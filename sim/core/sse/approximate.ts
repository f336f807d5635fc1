/**
 * RCPPS and RSQRTPS (Intel SDM 2B): 1/a and 1/sqrt(a) with a relative error of at most 1.5 * 2^-12,
 * which every processor meets in its own way; here the exact value is rounded to 12 bits. No flags,
 * no rounding control; denormal numbers are zeros, coming and going.
 */
import { indefinite, infinity, isNan, isNegative, quietBit, signBit } from "../float/format";

/** The least normal number. */
const LEAST_NORMAL: u32 = 1 << 23;
/** Bits of the fraction that are dropped, and half of their range. */
const DROPPED: u32 = 0xfff;
const HALF: u32 = 0x800;

export function approximate(a: u32, root: bool): u32 {
  const sign = a & <u32>signBit<f32>();
  const magnitude = a ^ sign;
  if (isNan<f32>(a)) return a | <u32>quietBit<f32>();
  if (magnitude < LEAST_NORMAL) return sign | <u32>infinity<f32>();
  if (root && isNegative<f32>(a)) return <u32>indefinite<f32>();
  if (magnitude == <u32>infinity<f32>()) return sign;
  const value = <f64>reinterpret<f32>(magnitude);
  const exact = reinterpret<u32>(<f32>(1 / (root ? Math.sqrt(value) : value)));
  const rounded = (exact + HALF) & ~DROPPED;
  return rounded < LEAST_NORMAL ? sign : sign | rounded;
}
