/**
 * The 80-bit format of the x87 (Intel SDM 1, 4.2.2 and 8.2.2): kinds of operands, NaNs, rounding.
 *
 *    79  78       64  63  62                 0
 *   sign  exponent   integer   fraction
 *
 * The integer bit is explicit. A zero exponent means the same as 1; then, a set integer bit makes a
 * "pseudo-denormal". With another exponent, a clear one makes an operand that is not supported.
 */
import { isRealZero, Real, setReal, shiftRealRight, TOP } from "./real";
import { roundsUp } from "./round";
import {
  FLOAT_DE,
  FLOAT_IE,
  FLOAT_OE,
  FLOAT_PE,
  FLOAT_UE,
  FloatState,
  masked,
  raiseAfter,
  raiseBefore,
  ROUND_DOWN,
  ROUND_NEAREST,
  ROUND_UP,
  roundingOf,
} from "./state";

@unmanaged
export class Float80 {
  significand: u64;
  /** Sign in bit 15. */
  signExponent: u16;
}

/** Working registers of an operation, behind the state; their contents mean nothing between two. */
export const REALS: u32 = 12;

@unmanaged
export class ExtendedState extends FloatState {
  /** Bits of a result's significand: 24, 53 or 64 (precision control). */
  precision: u32;
  /** 1: the result's magnitude was rounded up (C1). */
  roundedUp: u32;
  /** 1: a denormal number in a smaller format has become an operand, which is normal in this one. */
  denormalSource: u32;
  /** Quotient bits of a remainder, lowest first; bit 3: not complete. */
  quotient: u32;
}

/** Where the working registers begin: behind what a unit adds to the state. */
const REALS_AT: usize = 64;
/** Bytes of a state with its working registers. */
export const STATE_BYTES: usize = REALS_AT + <usize>REALS * 24;

@inline
export function realAt(state: ExtendedState, index: u32): Real {
  return changetype<Real>(changetype<usize>(state) + REALS_AT + <usize>index * offsetof<Real>());
}

export const EXPONENT_MAX: u32 = 0x7fff;
export const SIGN: u32 = 0x8000;
export const BIAS: i32 = 16383;
const QUIET: u64 = (<u64>1) << 62;
/** What an unmasked overflow or underflow adds to the exponent, or takes (Intel SDM 1, 4.9.1.4). */
const BIAS_ADJUST: i32 = 24576;

export const KIND_ZERO: u32 = 0;
export const KIND_NORMAL: u32 = 1;
export const KIND_DENORMAL: u32 = 2;
export const KIND_INFINITY: u32 = 3;
export const KIND_QUIET: u32 = 4;
export const KIND_SIGNALLING: u32 = 5;
export const KIND_UNSUPPORTED: u32 = 6;

export function kindOf(a: Float80): u32 {
  const exponent = <u32>a.signExponent & EXPONENT_MAX;
  const significand = a.significand;
  if (exponent == 0) return significand == 0 ? KIND_ZERO : KIND_DENORMAL;
  if ((significand & TOP) == 0) return KIND_UNSUPPORTED;
  if (exponent != EXPONENT_MAX) return KIND_NORMAL;
  if (significand == TOP) return KIND_INFINITY;
  return (significand & QUIET) != 0 ? KIND_QUIET : KIND_SIGNALLING;
}

@inline
export function isNegative80(a: Float80): u32 {
  return <u32>a.signExponent >> 15;
}

@inline
export function setFloat80(to: Float80, signExponent: u32, significand: u64): void {
  to.significand = significand;
  to.signExponent = <u16>signExponent;
}

@inline
export function copyFloat80(from: Float80, to: Float80): void {
  setFloat80(to, from.signExponent, from.significand);
}

@inline
export function setInfinity(to: Float80, negative: u32): void {
  setFloat80(to, (negative << 15) | EXPONENT_MAX, TOP);
}

@inline
export function setZero(to: Float80, negative: u32): void {
  setFloat80(to, negative << 15, 0);
}

/** "QNaN floating-point indefinite". */
@inline
export function setIndefinite(to: Float80): void {
  setFloat80(to, SIGN | EXPONENT_MAX, TOP | QUIET);
}

export function invalid80(state: ExtendedState, to: Float80): void {
  raiseBefore(state, FLOAT_IE);
  setIndefinite(to);
}

/** A NaN, made quiet, as the result. */
export function quieted80(state: ExtendedState, a: Float80, to: Float80): void {
  if (kindOf(a) == KIND_SIGNALLING) raiseBefore(state, FLOAT_IE);
  setFloat80(to, a.signExponent, a.significand | QUIET);
}

/**
 * The result for two operands of which at least one is a NaN or not supported (Intel SDM 1, table 4-7):
 * a quiet NaN before a signalling one, else the larger significand, else the positive one.
 */
export function propagated80(state: ExtendedState, a: Float80, b: Float80, to: Float80): void {
  const aKind = kindOf(a);
  const bKind = kindOf(b);
  if (aKind == KIND_UNSUPPORTED || bKind == KIND_UNSUPPORTED) return invalid80(state, to);
  if (aKind == KIND_SIGNALLING || bKind == KIND_SIGNALLING) raiseBefore(state, FLOAT_IE);
  let first = aKind >= KIND_QUIET;
  if (first && bKind >= KIND_QUIET) {
    if (aKind != bKind) first = aKind == KIND_QUIET;
    else if (a.significand != b.significand) first = a.significand > b.significand;
    else first = a.signExponent < b.signExponent;
  }
  const chosen = first ? a : b;
  setFloat80(to, chosen.signExponent, chosen.significand | QUIET);
}

@inline
export function noteDenormal80(state: ExtendedState, kind: u32): void {
  if (kind == KIND_DENORMAL || state.denormalSource != 0) raiseBefore(state, FLOAT_DE);
}

@inline
export function noteDenormals80(state: ExtendedState, aKind: u32, bKind: u32): void {
  if (aKind == KIND_DENORMAL || bKind == KIND_DENORMAL || state.denormalSource != 0)
    raiseBefore(state, FLOAT_DE);
}

/** A finite number as a Real. */
export function unpack80(a: Float80, to: Real): void {
  const significand = a.significand;
  const exponent = max(<i32>(<u32>a.signExponent & EXPONENT_MAX), 1) - BIAS;
  if (significand == 0) return setReal(to, isNegative80(a), 0, 0, 0);
  const shift = <u32>clz(significand);
  setReal(to, isNegative80(a), exponent - shift, significand << shift, 0);
}

/** Rounds to the precision that the control word asks for. */
export function pack80(state: ExtendedState, a: Real, to: Float80): void {
  packWith(state, a, state.precision, to);
}

/**
 * Rounds `a` to `precision` bits and packs it. The exponent's range is that of the 80-bit format,
 * whatever the precision (Intel SDM 1, 8.1.5.2). `a` may be changed.
 */
export function packWith(state: ExtendedState, a: Real, precision: u32, to: Float80): void {
  state.roundedUp = 0;
  if (isRealZero(a)) return setZero(to, a.negative);
  const exponent = a.exponent + BIAS;
  const inexact = restOf(a, precision) != 0;
  const kept = roundReal(state, a, precision);
  const rounded = exponent + <i32>(kept == 0); // a carry out of the significand
  const significand = kept == 0 ? TOP : kept;
  if (rounded <= 0) return packTiny80(state, a, precision, rounded, significand, inexact, to);
  if (rounded >= <i32>EXPONENT_MAX)
    return packLarge80(state, a, precision, rounded, significand, inexact, to);
  if (inexact) raiseAfter(state, FLOAT_PE);
  setFloat80(to, (a.negative << 15) | <u32>rounded, significand);
}

/**
 * The same for a value in parts, to the precision asked for. Most results are well inside the range and
 * need no Real.
 */
export function packParts(
  state: ExtendedState,
  negative: u32,
  exponent: i32,
  high: u64,
  low: u64,
  to: Float80,
): void {
  const biased = exponent + BIAS;
  const precision = state.precision;
  if (biased <= 0 || biased >= <i32>EXPONENT_MAX - 1) {
    const value = realAt(state, 0);
    setReal(value, negative, exponent, high, low);
    return packWith(state, value, precision, to);
  }
  const drop = 64 - precision;
  const rest = precision == 64 ? low : (high << precision) | <u64>(low != 0);
  let kept = (high >> drop) << drop;
  let carry: u32 = 0;
  state.roundedUp = 0;
  if (rest != 0) {
    raiseAfter(state, FLOAT_PE);
    if (roundsUp(roundingOf(state), negative != 0, rest, TOP, (high >> drop) & 1)) {
      state.roundedUp = 1;
      kept += (<u64>1) << drop;
      if (kept == 0) {
        kept = TOP;
        carry = 1;
      }
    }
  }
  setFloat80(to, (negative << 15) | (<u32>biased + carry), kept);
}

/** What does not fit into `precision` bits, as a fraction of the last one's unit x 2^64. */
@inline
function restOf(a: Real, precision: u32): u64 {
  return precision == 64 ? a.low : (a.high << precision) | <u64>(a.low != 0);
}

/** The significand rounded at its fixed place, 0 after a carry out of it. Notes rounding up. */
function roundReal(state: ExtendedState, a: Real, precision: u32): u64 {
  const drop = 64 - precision;
  const kept = (a.high >> drop) << drop;
  const odd = (a.high >> drop) & 1;
  const up = roundsUp(roundingOf(state), a.negative != 0, restOf(a, precision), TOP, odd);
  state.roundedUp = <u32>up;
  return up ? kept + ((<u64>1) << drop) : kept;
}

/** Below the normal numbers even after rounding. */
function packTiny80(
  state: ExtendedState,
  a: Real,
  precision: u32,
  rounded: i32,
  significand: u64,
  inexact: bool,
  to: Float80,
): void {
  const sign = a.negative << 15;
  if (!masked(state, FLOAT_UE)) {
    raiseAfter(state, inexact ? FLOAT_UE | FLOAT_PE : FLOAT_UE);
    const adjusted = rounded + BIAS_ADJUST;
    if (adjusted > 0) return setFloat80(to, sign | <u32>adjusted, significand);
    raiseAfter(state, FLOAT_PE);
    state.roundedUp = 0;
    return setFloat80(to, sign, 0); // far below: only FSCALE gets here
  }
  shiftRealRight(a, <u32>(1 - BIAS - a.exponent));
  if (restOf(a, precision) != 0) raiseAfter(state, FLOAT_UE | FLOAT_PE);
  const kept = roundReal(state, a, precision);
  setFloat80(to, sign | <u32>(kept >> 63), kept);
}

/** Above the largest finite number. */
function packLarge80(
  state: ExtendedState,
  a: Real,
  precision: u32,
  rounded: i32,
  significand: u64,
  inexact: bool,
  to: Float80,
): void {
  const sign = a.negative << 15;
  if (!masked(state, FLOAT_OE)) {
    raiseAfter(state, inexact ? FLOAT_OE | FLOAT_PE : FLOAT_OE);
    const adjusted = rounded - BIAS_ADJUST;
    if (adjusted < <i32>EXPONENT_MAX) return setFloat80(to, sign | <u32>adjusted, significand);
    raiseAfter(state, FLOAT_PE);
    state.roundedUp = 1;
    return setInfinity(to, a.negative); // far above: only FSCALE gets here
  }
  raiseAfter(state, FLOAT_OE | FLOAT_PE);
  const rounding = roundingOf(state);
  const away = rounding == ROUND_NEAREST || rounding == (a.negative != 0 ? ROUND_DOWN : ROUND_UP);
  state.roundedUp = <u32>away;
  if (away) return setInfinity(to, a.negative);
  const drop = 64 - precision;
  setFloat80(to, sign | (EXPONENT_MAX - 1), (<u64>-1 >> drop) << drop);
}
