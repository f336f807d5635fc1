/**
 * Lanes all at once, by WebAssembly's own vector instructions, where their results are surely those of
 * float/ and no flag changes but that for inexact results; what isn't quick is executed by float.ts.
 *
 * Operands are zero, normal or infinite. Of those, minimum, maximum and comparison raise nothing (Intel
 * SDM 1, 11.5.2). Sums, products, quotients and roots are quick as in quick.ts, once the flag for
 * inexact results is set.
 */
import {
  KIND_ADD,
  KIND_COMPARE,
  KIND_DIV,
  KIND_MAX,
  KIND_MIN,
  KIND_MUL,
  KIND_ROUND,
  KIND_SQRT,
  KIND_SUB,
  ROUND_BY_MXCSR,
  ROUND_QUIETLY,
} from "./arithmetic";
import { inexact, isKnownInexact, PRECISION_MASK, quick } from "./quick";

const ROUNDING: u32 = 0x6000;

/** The least normal number and infinity, their signs shifted out; I is the integer as wide as a lane. */
@inline
function least<I>(): I {
  return sizeof<I>() == 4 ? <I>(1 << 24) : <I>(1 << 53);
}
@inline
function infinity<I>(): I {
  return sizeof<I>() == 4 ? <I>(0xff << 24) : <I>(0x7ff << 53);
}

/** a >= b as unsigned numbers: vectors of 64-bit lanes are compared as signed ones only. */
@inline
function atLeast<I>(a: v128, b: v128): v128 {
  const top = v128.splat<I>(<I>1 << (<I>sizeof<I>() * 8 - 1));
  return v128.ge<I>(v128.xor(a, top), v128.xor(b, top));
}

/** Zero, normal or infinite. */
@inline
function plain<I>(x: v128): v128 {
  const size = v128.shl<I>(x, 1);
  const normal = atLeast<I>(v128.sub<I>(size, v128.splat<I>(1)), v128.splat<I>(least<I>() - 1));
  return v128.and(normal, atLeast<I>(v128.splat<I>(infinity<I>()), size));
}

/** Normal, and not the least normal number. */
@inline
function safe<I>(x: v128): v128 {
  const above = v128.sub<I>(v128.shl<I>(x, 1), v128.splat<I>(least<I>() + 1));
  return v128.not(atLeast<I>(above, v128.splat<I>(infinity<I>() - least<I>() - 1)));
}

@inline
function zero<I>(x: v128): v128 {
  return v128.eq<I>(v128.shl<I>(x, 1), v128.splat<I>(0));
}

/** Lanes of x where `a` is zero and `b` is a normal number: their product, or quotient, is exactly zero. */
@inline
function vanishes<I>(a: v128, b: v128): v128 {
  return v128.and(zero<I>(a), safe<I>(b));
}

@inline
function compared<T>(x: v128, y: v128, predicate: u32): v128 {
  switch (predicate) {
    case 0:
      return v128.eq<T>(x, y);
    case 1:
      return v128.lt<T>(x, y);
    case 2:
      return v128.le<T>(x, y);
    case 3:
      return i64x2.splat(0);
    case 4:
      return v128.ne<T>(x, y);
    case 5:
      return v128.ge<T>(x, y);
    case 6:
      return v128.gt<T>(x, y);
    default:
      return i64x2.splat(-1);
  }
}

@inline
function rounded<T>(y: v128, rounding: u32): v128 {
  switch (rounding) {
    case 0:
      return v128.nearest<T>(y);
    case 1:
      return v128.floor<T>(y);
    case 2:
      return v128.ceil<T>(y);
    default:
      return v128.trunc<T>(y);
  }
}

/** Stores the lanes of a result: the lowest alone, if the others don't count. */
@inline
function put<I>(to: usize, result: v128, scalar: bool): void {
  if (!scalar) v128.store(to, result);
  else if (sizeof<I>() == 4) store<u32>(to, i32x4.extract_lane(result, 0));
  else store<u64>(to, i64x2.extract_lane(result, 0));
}

/** Whether the lanes that count are all true. */
@inline
function holds<I>(lanes: v128, scalar: bool): bool {
  const found = v128.bitmask<I>(lanes);
  return scalar ? (found & 1) != 0 : found == (sizeof<I>() == 4 ? 15 : 3);
}

function round<T, I>(control: usize, scalar: bool, to: usize, y: v128, n: u32): bool {
  const word = load<u32>(control);
  const byMxcsr = (n & ROUND_BY_MXCSR) != 0;
  if (!holds<I>(plain<I>(y), scalar) || (byMxcsr && word & ROUNDING)) return false;
  const result = rounded<T>(y, byMxcsr ? 0 : n & 3);
  if (!(n & ROUND_QUIETLY) && !holds<I>(v128.eq<T>(result, y), scalar)) {
    if (!(word & PRECISION_MASK)) return false;
    inexact(control);
  }
  put<I>(to, result, scalar);
  return true;
}

function arithmetic<T, I>(control: usize, kind: u32, scalar: bool, to: usize, y: v128): bool {
  if (!quick(control) || !isKnownInexact(control)) return false;
  const x = v128.load(to);
  let good = plain<I>(y);
  let result: v128;
  let exact: v128;
  if (kind != KIND_SQRT) good = v128.and(good, plain<I>(x));
  if (kind == KIND_SQRT) {
    result = v128.sqrt<T>(y);
    exact = zero<I>(y);
  } else if (kind == KIND_MUL) {
    result = v128.mul<T>(x, y);
    exact = v128.or(vanishes<I>(x, y), vanishes<I>(y, x));
  } else if (kind == KIND_DIV) {
    result = v128.div<T>(x, y);
    exact = vanishes<I>(x, y);
  } else {
    result = kind == KIND_ADD ? v128.add<T>(x, y) : v128.sub<T>(x, y);
    exact = zero<I>(result);
  }
  good = v128.and(good, v128.or(safe<I>(result), exact));
  if (!holds<I>(good, scalar)) return false;
  put<I>(to, result, scalar);
  return true;
}

/** T is the type of a lane, I the integer as wide; false, with nothing done, when it isn't quick. */
function lanes<T, I>(control: usize, kind: u32, scalar: bool, to: usize, y: v128, n: u32): bool {
  if (kind == KIND_ROUND) return round<T, I>(control, scalar, to, y, n);
  if (kind != KIND_MIN && kind != KIND_MAX && kind != KIND_COMPARE)
    return arithmetic<T, I>(control, kind, scalar, to, y);
  const x = v128.load(to);
  if (!holds<I>(v128.and(plain<I>(x), plain<I>(y)), scalar)) return false;
  // Of two zeros the second operand is the answer (SDM 2B, MAXPS, MINPS).
  let result: v128;
  if (kind == KIND_COMPARE) result = compared<T>(x, y, n & 7);
  else result = kind == KIND_MIN ? v128.pmin<T>(y, x) : v128.pmax<T>(y, x);
  put<I>(to, result, scalar);
  return true;
}

/**
 * The vector at `to` and y, by the operation `kind` (arithmetic.ts) in one of four forms: PS, PD, SS, SD.
 * @param control address of MXCSR
 */
export function quickVector(control: usize, kind: u32, form: u32, to: usize, y: v128, n: u32): bool {
  const scalar = form > 1;
  return form & 1
    ? lanes<f64, i64>(control, kind, scalar, to, y, n)
    : lanes<f32, i32>(control, kind, scalar, to, y, n);
}
