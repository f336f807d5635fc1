/** The end of every operation: one exact value, rounded to a format, and what that raises. */
import { bias, exponentMax, fractionBits, infinity, signBit } from "./format";
import {
  FLOAT_FTZ,
  FLOAT_OE,
  FLOAT_PE,
  FLOAT_UE,
  FloatState,
  masked,
  raiseAfter,
  ROUND_DOWN,
  ROUND_NEAREST,
  ROUND_UP,
  roundingOf,
} from "./state";
import { shiftRightSticky } from "./wide";

/**
 * Whether the magnitude is rounded up.
 * @param rest what does not fit, below 2^63 or with `half` at 2^63
 * @param half half a unit in the last place, in units of `rest`
 * @param odd the last bit that fits
 */
@inline
export function roundsUp(rounding: u32, negative: bool, rest: u64, half: u64, odd: u64): bool {
  if (rounding == ROUND_NEAREST) return rest > half || (rest == half && odd != 0);
  return rest != 0 && rounding == (negative ? ROUND_DOWN : ROUND_UP);
}

/**
 * Rounds and packs (-1)^negative x significand x 2^(exponent - bias - 63).
 * @param significand leading one in bit 63; bit 0 is sticky
 * @param exponent biased; any value
 */
export function roundPack<T>(
  state: FloatState,
  negative: bool,
  exponent: i32,
  significand: u64,
): u64 {
  const drop = 63 - fractionBits<T>();
  const half = <u64>1 << (drop - 1);
  const rest = significand & ((half << 1) - 1);
  let kept = significand >> drop;
  if (roundsUp(roundingOf(state), negative, rest, half, kept & 1)) kept += 1;
  if (exponent <= 0 && (exponent < 0 || kept >> (fractionBits<T>() + 1) == 0))
    return packTiny<T>(state, negative, exponent, significand, rest != 0);
  // A carry out of the significand goes into the exponent, as it should.
  const packed = (<u64>(exponent - 1) << fractionBits<T>()) + kept;
  const sign = negative ? signBit<T>() : 0;
  if (exponent >= <i32>exponentMax<T>() || packed >= infinity<T>())
    return packOverflow<T>(state, negative, rest != 0);
  if (rest != 0) raiseAfter(state, FLOAT_PE);
  return sign | packed;
}

/** Too large: infinity, or the largest finite number if that is nearer to zero and zero is wanted. */
function packOverflow<T>(state: FloatState, negative: bool, inexact: bool): u64 {
  // Unmasked, nothing is delivered, and inexact is what rounding without a limit would have been.
  raiseAfter(state, masked(state, FLOAT_OE) || inexact ? FLOAT_OE | FLOAT_PE : FLOAT_OE);
  const rounding = roundingOf(state);
  const away = rounding == ROUND_NEAREST || rounding == (negative ? ROUND_DOWN : ROUND_UP);
  return (negative ? signBit<T>() : 0) | (away ? infinity<T>() : infinity<T>() - 1);
}

/**
 * Below the normal numbers even after rounding: x86 detects tininess after rounding. Masked underflow
 * is raised only for an inexact result; unmasked for any, and then nothing is delivered and inexact is
 * what rounding without a limit would have been (Intel SDM 1, 4.9.1.5). FTZ counts for masked
 * underflow only, and what it makes of a tiny number is inexact (10.2.3.3).
 */
function packTiny<T>(
  state: FloatState,
  negative: bool,
  exponent: i32,
  significand: u64,
  inexact: bool,
): u64 {
  const sign = negative ? signBit<T>() : 0;
  if (!masked(state, FLOAT_UE)) {
    raiseAfter(state, inexact ? FLOAT_UE | FLOAT_PE : FLOAT_UE);
    return sign;
  }
  if ((state.word & FLOAT_FTZ) != 0) {
    raiseAfter(state, FLOAT_UE | FLOAT_PE);
    return sign;
  }
  const drop = 63 - fractionBits<T>();
  const half = <u64>1 << (drop - 1);
  const shifted = shiftRightSticky(significand, <u32>(1 - exponent));
  const rest = shifted & ((half << 1) - 1);
  let kept = shifted >> drop;
  if (roundsUp(roundingOf(state), negative, rest, half, kept & 1)) kept += 1;
  if (rest != 0) raiseAfter(state, FLOAT_UE | FLOAT_PE);
  return sign | kept;
}

/** Packs an integer's magnitude; at most 64 bits. */
export function packInteger<T>(state: FloatState, negative: bool, value: u64): u64 {
  if (value == 0) return 0;
  const shift = <u32>clz(value);
  return roundPack<T>(state, negative, bias<T>() + 63 - <i32>shift, value << shift);
}
