/** Addition, multiplication, division and square root in the 80-bit format (Intel SDM 1, 8.3.5). */
import {
  BIAS,
  copyFloat80,
  EXPONENT_MAX,
  ExtendedState,
  Float80,
  invalid80,
  isNegative80,
  KIND_INFINITY,
  KIND_NORMAL,
  KIND_QUIET,
  KIND_UNSUPPORTED,
  KIND_ZERO,
  kindOf,
  noteDenormal80,
  noteDenormals80,
  pack80,
  packParts,
  propagated80,
  quieted80,
  realAt,
  setInfinity,
  setZero,
  unpack80,
} from "./extended";
import { addReal, divideReal64, isRealZero, multiplyReal, Real, setReal, TOP } from "./real";
import { FLOAT_ZE, raiseBefore, ROUND_DOWN, roundingOf } from "./state";
import { multiplyHigh, rootWide, shiftRightSticky } from "./wide";

/** to = a + b, or a - b with `subtract`. The operands stay; `to` may be one of them. */
export function float80Add(
  state: ExtendedState,
  a: Float80,
  b: Float80,
  subtract: bool,
  to: Float80,
): void {
  const aKind = kindOf(a);
  const bKind = kindOf(b);
  if (aKind >= KIND_QUIET || bKind >= KIND_QUIET) return propagated80(state, a, b, to);
  const aNegative = isNegative80(a);
  const bNegative = isNegative80(b) ^ <u32>subtract;
  if (aKind == KIND_INFINITY && bKind == KIND_INFINITY && aNegative != bNegative)
    return invalid80(state, to);
  noteDenormals80(state, aKind, bKind);
  if (aKind == KIND_NORMAL && bKind == KIND_NORMAL) {
    if (<u32>a.signExponent << 17 >= <u32>b.signExponent << 17)
      return addNormal(state, a, aNegative, b, bNegative, to);
    return addNormal(state, b, bNegative, a, aNegative, to);
  }
  if (aKind == KIND_INFINITY) return setInfinity(to, aNegative);
  if (bKind == KIND_INFINITY) return setInfinity(to, bNegative);
  if (aKind == KIND_ZERO && bKind == KIND_ZERO && aNegative == bNegative)
    return setZero(to, aNegative);
  const x = realAt(state, 0);
  const y = realAt(state, 1);
  unpack80(a, x);
  unpack80(b, y);
  y.negative = bNegative;
  addReal(x, y, x);
  if (isRealZero(x)) return setZero(to, <u32>(roundingOf(state) == ROUND_DOWN));
  pack80(state, x, to);
}

/** The sum of two normal numbers, `a` with the larger exponent or the same, and the signs told. */
function addNormal(
  state: ExtendedState,
  a: Float80,
  aNegative: u32,
  b: Float80,
  bNegative: u32,
  to: Float80,
): void {
  const exponent = <i32>(<u32>a.signExponent & EXPONENT_MAX) - BIAS;
  const distance = exponent + BIAS - <i32>(<u32>b.signExponent & EXPONENT_MAX);
  let high = a.significand;
  let low: u64 = 0;
  // b's significand in units of a's: 128 bits, the last one sticky.
  let bHigh: u64 = 0;
  let bLow: u64 = b.significand;
  if (distance == 0) {
    bHigh = bLow;
    bLow = 0;
  } else if (distance < 64) {
    bHigh = bLow >> distance;
    bLow <<= 64 - distance;
  } else bLow = shiftRightSticky(bLow, distance - 64);
  if (aNegative == bNegative) {
    low = bLow;
    high += bHigh;
    if (high >= bHigh) return packParts(state, aNegative, exponent, high, low, to);
    low = (low >> 1) | (low & 1) | (high << 63);
    return packParts(state, aNegative, exponent + 1, (high >> 1) | TOP, low, to);
  }
  let negative = aNegative;
  if (high < bHigh) {
    high = bHigh - high; // only for equal exponents: bLow is 0
    negative = bNegative;
  } else {
    high -= bHigh + <u64>(bLow != 0);
    low = 0 - bLow;
  }
  if ((high | low) == 0) return setZero(to, <u32>(roundingOf(state) == ROUND_DOWN));
  let shift: u32 = 0;
  if (high == 0) {
    high = low;
    low = 0;
    shift = 64;
  }
  const zeros = <u32>clz(high);
  if (zeros != 0) {
    high = (high << zeros) | (low >> (64 - zeros));
    low <<= zeros;
  }
  packParts(state, negative, exponent - <i32>(shift + zeros), high, low, to);
}

/** to = a x b. */
export function float80Multiply(state: ExtendedState, a: Float80, b: Float80, to: Float80): void {
  const aKind = kindOf(a);
  const bKind = kindOf(b);
  if (aKind >= KIND_QUIET || bKind >= KIND_QUIET) return propagated80(state, a, b, to);
  const negative = isNegative80(a) ^ isNegative80(b);
  const zero = aKind == KIND_ZERO || bKind == KIND_ZERO;
  const infinite = aKind == KIND_INFINITY || bKind == KIND_INFINITY;
  if (zero && infinite) return invalid80(state, to);
  noteDenormals80(state, aKind, bKind);
  if (infinite) return setInfinity(to, negative);
  if (zero) return setZero(to, negative);
  if (aKind == KIND_NORMAL && bKind == KIND_NORMAL) {
    const exponents = (<u32>a.signExponent & EXPONENT_MAX) + (<u32>b.signExponent & EXPONENT_MAX);
    let exponent = <i32>exponents - 2 * BIAS + 1;
    let high = multiplyHigh(a.significand, b.significand);
    let low = a.significand * b.significand;
    if ((high & TOP) == 0) {
      high = (high << 1) | (low >> 63);
      low <<= 1;
      exponent -= 1;
    }
    return packParts(state, negative, exponent, high, low, to);
  }
  const x = realAt(state, 0);
  const y = realAt(state, 1);
  unpack80(a, x);
  unpack80(b, y);
  multiplyReal(x, y, x);
  pack80(state, x, to);
}

/** to = a / b. */
export function float80Divide(state: ExtendedState, a: Float80, b: Float80, to: Float80): void {
  const aKind = kindOf(a);
  const bKind = kindOf(b);
  if (aKind >= KIND_QUIET || bKind >= KIND_QUIET) return propagated80(state, a, b, to);
  const negative = isNegative80(a) ^ isNegative80(b);
  if (aKind == bKind && (aKind == KIND_INFINITY || aKind == KIND_ZERO))
    return invalid80(state, to);
  if (bKind == KIND_ZERO) {
    if (aKind != KIND_INFINITY) raiseBefore(state, FLOAT_ZE);
    return setInfinity(to, negative);
  }
  noteDenormals80(state, aKind, bKind);
  if (aKind == KIND_INFINITY) return setInfinity(to, negative);
  if (aKind == KIND_ZERO || bKind == KIND_INFINITY) return setZero(to, negative);
  const x = realAt(state, 0);
  const y = realAt(state, 1);
  unpack80(a, x);
  unpack80(b, y);
  divideReal64(x, y, x);
  pack80(state, x, to);
}

/** to = the square root of a. */
export function float80SquareRoot(state: ExtendedState, a: Float80, to: Float80): void {
  const kind = kindOf(a);
  if (kind == KIND_UNSUPPORTED) return invalid80(state, to);
  if (kind >= KIND_QUIET) return quieted80(state, a, to);
  if (kind == KIND_ZERO) return copyFloat80(a, to);
  if (isNegative80(a) != 0) return invalid80(state, to);
  noteDenormal80(state, kind);
  if (kind == KIND_INFINITY) return copyFloat80(a, to);
  const x = realAt(state, 0);
  unpack80(a, x);
  rootOfReal64(x);
  pack80(state, x, to);
}

/**
 * x = its root, for a significand of 64 bits. A root is never halfway between two numbers of 64 bits,
 * so two bits behind them say all.
 */
function rootOfReal64(x: Real): void {
  const odd = x.exponent & 1;
  const high = odd != 0 ? x.high : x.high >> 1;
  const low = odd != 0 ? 0 : x.high << 63;
  const root = rootWide(high, low);
  const restLow = low - root * root;
  const restHigh = high - multiplyHigh(root, root) - <u64>(low < root * root);
  let behind: u64 = 0;
  if ((restHigh | restLow) != 0)
    behind = restHigh != 0 || restLow > root ? (<u64>3) << 62 : (<u64>1) << 62;
  setReal(x, 0, (x.exponent - odd) >> 1, root, behind);
}
