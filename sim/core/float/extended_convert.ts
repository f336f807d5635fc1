/** The 80-bit format from and to binary32, binary64, integers and packed decimals. */
import {
  BIAS,
  EXPONENT_MAX,
  ExtendedState,
  Float80,
  isNegative80,
  KIND_INFINITY,
  KIND_QUIET,
  KIND_SIGNALLING,
  KIND_UNSUPPORTED,
  KIND_ZERO,
  kindOf,
  realAt,
  setFloat80,
  SIGN,
  unpack80,
} from "./extended";
import {
  bias,
  exponentMax,
  exponentOf,
  fractionBits,
  fractionMask,
  indefinite,
  infinity,
  isDenormal,
  isNegative,
  magnitude,
  normalExponent,
  normalSignificand,
  quietBit,
  signBit,
} from "./format";
import { shiftRealRight, TOP } from "./real";
import { roundPack, roundsUp } from "./round";
import { FLOAT_IE, FLOAT_MASK_SHIFT, FLOAT_OE, FLOAT_PE, FLOAT_UE, raiseAfter, raiseBefore } from "./state";

/**
 * Widens a value, exactly. A signalling NaN stays one, and a denormal number is only noted in
 * `denormalSource`: the operation that follows raises what there is to raise, in its order.
 */
export function widen<T>(state: ExtendedState, value: u64, to: Float80): void {
  const sign = isNegative<T>(value) ? SIGN : 0;
  state.denormalSource = <u32>isDenormal<T>(value);
  if (magnitude<T>(value) == 0) return setFloat80(to, sign, 0);
  if (exponentOf<T>(value) == exponentMax<T>()) {
    const fraction = (value & fractionMask<T>()) << (63 - fractionBits<T>());
    return setFloat80(to, sign | EXPONENT_MAX, TOP | fraction);
  }
  const exponent = normalExponent<T>(value) - bias<T>() + BIAS;
  setFloat80(to, sign | <u32>exponent, normalSignificand<T>(value));
}

/** FST m32, m64: rounds to a smaller format. C1 tells whether the magnitude has grown. */
export function narrow<T>(state: ExtendedState, a: Float80): u64 {
  state.roundedUp = 0;
  const kind = kindOf(a);
  if (kind == KIND_UNSUPPORTED) {
    raiseBefore(state, FLOAT_IE);
    return indefinite<T>();
  }
  const sign = isNegative80(a) != 0 ? signBit<T>() : 0;
  if (kind == KIND_ZERO) return sign;
  if (kind >= KIND_INFINITY) {
    if (kind == KIND_SIGNALLING) raiseBefore(state, FLOAT_IE);
    const payload = (a.significand << 1) >> (64 - fractionBits<T>());
    return sign | infinity<T>() | payload | (kind >= KIND_QUIET ? quietBit<T>() : 0);
  }
  const x = realAt(state, 0);
  unpack80(a, x);
  const result = roundPack<T>(state, sign != 0, x.exponent + bias<T>(), x.high);
  state.roundedUp = <u32>exceeds<T>(result, x.exponent, x.high);
  // Out of range and unmasked, nothing is stored and so nothing is inexact.
  const word = state.word;
  if ((word & ~(word >> FLOAT_MASK_SHIFT) & (FLOAT_OE | FLOAT_UE)) != 0)
    state.word = word & ~FLOAT_PE;
  return result;
}

/** Whether the magnitude of `value` is above that of significand x 2^(exponent - 63). */
function exceeds<T>(value: u64, exponent: i32, significand: u64): bool {
  if (magnitude<T>(value) == 0) return false;
  if (magnitude<T>(value) == infinity<T>()) return true;
  const mine = normalExponent<T>(value) - bias<T>();
  return mine > exponent || (mine == exponent && normalSignificand<T>(value) > significand);
}

/** FLD of an integer. */
export function fromInteger80(value: i64, to: Float80): void {
  if (value == 0) return setFloat80(to, 0, 0);
  const size: u64 = value < 0 ? 0 - <u64>value : <u64>value;
  const shift = <u32>clz(size);
  setFloat80(to, (value < 0 ? SIGN : 0) | (<u32>BIAS + 63 - shift), size << shift);
}

/**
 * The integral magnitude below `limit`, or with `limit` itself for a negative value if `lowest`.
 * Answers false and raises invalid when it doesn't fit; the result is in working register 0's `low`.
 */
function integral(
  state: ExtendedState,
  a: Float80,
  rounding: u32,
  limit: u64,
  lowest: bool,
): bool {
  state.roundedUp = 0;
  const x = realAt(state, 0);
  const kind = kindOf(a);
  if (kind >= KIND_INFINITY) return refuse(state);
  unpack80(a, x);
  if (kind == KIND_ZERO) return true;
  if (x.exponent > 63) return refuse(state);
  // The integer in `high`, the fraction in `low`.
  shiftRealRight(x, <u32>(63 - x.exponent));
  const fraction = x.low;
  const up = roundsUp(rounding, x.negative != 0, fraction, TOP, x.high & 1);
  const result = x.high + <u64>up;
  if (result < x.high || result > limit || (result == limit && !(lowest && x.negative != 0)))
    return refuse(state);
  if (fraction != 0) raiseAfter(state, FLOAT_PE);
  state.roundedUp = <u32>up;
  x.low = result;
  return true;
}

function refuse(state: ExtendedState): bool {
  raiseBefore(state, FLOAT_IE);
  return false;
}

/** FIST: a signed integer of 16, 32 or 64 bits; the least one for what does not fit. */
export function toInteger80(state: ExtendedState, a: Float80, rounding: u32, bits: u32): i64 {
  const limit = (<u64>1) << (bits - 1);
  if (!integral(state, a, rounding, limit, true)) return 0 - <i64>limit;
  const x = realAt(state, 0);
  return x.negative != 0 ? 0 - <i64>x.low : <i64>x.low;
}

const DECIMAL_LIMIT: u64 = 1_000_000_000_000_000_000;
const DECIMAL_BYTES: u32 = 9;

/** FBLD: 18 decimal digits, two a byte, lowest first; then the sign. Digits above 9 count as they are. */
export function fromDecimal80(from: usize, to: Float80): void {
  let value: u64 = 0;
  for (let index = DECIMAL_BYTES; index != 0; index--) {
    const byte = <u32>load<u8>(from + index - 1);
    value = value * 100 + (byte >> 4) * 10 + (byte & 15);
  }
  fromInteger80(<i64>value, to);
  to.signExponent |= <u16>((<u32>load<u8>(from + DECIMAL_BYTES) & 0x80) << 8);
}

/** FBSTP: writes 10 bytes; "packed BCD indefinite" for what does not fit (Intel SDM 1, table 4-4). */
export function toDecimal80(state: ExtendedState, a: Float80, rounding: u32, to: usize): void {
  if (!integral(state, a, rounding, DECIMAL_LIMIT, false)) {
    store<u64>(to, 0xc000_0000_0000_0000);
    return store<u16>(to + 8, 0xffff);
  }
  const x = realAt(state, 0);
  let value = x.low;
  for (let index: u32 = 0; index < DECIMAL_BYTES; index++) {
    const pair = <u32>(value % 100);
    value /= 100;
    store<u8>(to + index, <u8>(((pair / 10) << 4) | pair % 10));
  }
  store<u8>(to + DECIMAL_BYTES, <u8>(x.negative << 7));
}
