/**
 * Arithmetic in binary32 for the SSE unit: bit patterns in, bit patterns out, what is raised is
 * added to the state's flags (state.ts).
 *
 * Most operations are native: see `isNative`. The others are done on integers.
 */
import { add, divide, multiply, squareRoot, subtract } from "./arithmetic";
import { compare, EQUAL, GREATER, LESS, matches, maximum, minimum } from "./compare";
import { convert, fromInteger, toInteger, toIntegral } from "./convert";
import {
  FLOAT_PE,
  FloatState,
  isNative,
  raiseAfter,
  ROUND_NEAREST,
  ROUND_TO_ZERO,
  roundingOf,
} from "./state";

/** The least normal number, its sign shifted out. */
const LEAST: u32 = 1 << 24;
/** Infinity, its sign shifted out. */
const INFINITY: u32 = 0xff << 24;

/** Not denormal. The native result tells about infinities and NaNs. */
@inline
function plain(a: u32): bool {
  return (a << 1) - 1 >= LEAST - 1;
}

/**
 * Normal, and not the least normal number: that one can be a tiny result that was rounded up, and
 * then has raised underflow.
 */
@inline
function safe(result: u32): bool {
  return (result << 1) - (LEAST + 1) < INFINITY - (LEAST + 1);
}

/** Magnitudes below these surely fit into 32 and 64 bits, rounded or not. */
const INTEGERS_32: f32 = 2147483392;
const INTEGERS_64: f32 = 9223371487098961920;
/** Integers up to here are exact in binary32. */
const EXACT: i64 = 16777216;

/** The integral value next to `value`, which is inexact if it differs. */
@inline
function integral(state: FloatState, value: f32, next: f32): f32 {
  if (next != value) raiseAfter(state, FLOAT_PE);
  return next;
}

/** ADDSS. */
export function float32Add(state: FloatState, a: u32, b: u32): u32 {
  if (isNative(state) && plain(a) && plain(b)) {
    const result = reinterpret<u32>(reinterpret<f32>(a) + reinterpret<f32>(b));
    if (safe(result)) return result;
  }
  return <u32>add<f32>(state, a, b);
}

/** SUBSS. */
export function float32Subtract(state: FloatState, a: u32, b: u32): u32 {
  if (isNative(state) && plain(a) && plain(b)) {
    const result = reinterpret<u32>(reinterpret<f32>(a) - reinterpret<f32>(b));
    if (safe(result)) return result;
  }
  return <u32>subtract<f32>(state, a, b);
}

/** MULSS. */
export function float32Multiply(state: FloatState, a: u32, b: u32): u32 {
  if (isNative(state) && plain(a) && plain(b)) {
    const result = reinterpret<u32>(reinterpret<f32>(a) * reinterpret<f32>(b));
    if (safe(result)) return result;
  }
  return <u32>multiply<f32>(state, a, b);
}

/** DIVSS. */
export function float32Divide(state: FloatState, a: u32, b: u32): u32 {
  if (isNative(state) && plain(a) && plain(b)) {
    const result = reinterpret<u32>(reinterpret<f32>(a) / reinterpret<f32>(b));
    if (safe(result)) return result;
  }
  return <u32>divide<f32>(state, a, b);
}

/** SQRTSS. */
export function float32SquareRoot(state: FloatState, a: u32): u32 {
  if (isNative(state) && plain(a)) {
    const result = reinterpret<u32>(sqrt<f32>(reinterpret<f32>(a)));
    if (safe(result)) return result;
  }
  return <u32>squareRoot<f32>(state, a);
}

/** MINSS: `b` for two zeros and for a NaN. */
export function float32Minimum(state: FloatState, a: u32, b: u32): u32 {
  if (plain(a) && plain(b)) {
    if (reinterpret<f32>(a) < reinterpret<f32>(b)) return a;
    if (reinterpret<f32>(b) < reinterpret<f32>(a)) return b;
  }
  return <u32>minimum<f32>(state, a, b);
}

/** MAXSS: `b` for two zeros and for a NaN. */
export function float32Maximum(state: FloatState, a: u32, b: u32): u32 {
  if (plain(a) && plain(b)) {
    if (reinterpret<f32>(a) > reinterpret<f32>(b)) return a;
    if (reinterpret<f32>(b) > reinterpret<f32>(a)) return b;
  }
  return <u32>maximum<f32>(state, a, b);
}

/** UCOMISS: GREATER, LESS, EQUAL or UNORDERED (compare.ts), which are CF, PF and ZF. */
export function float32CompareQuiet(state: FloatState, a: u32, b: u32): u32 {
  if (plain(a) && plain(b)) {
    if (reinterpret<f32>(a) < reinterpret<f32>(b)) return LESS;
    if (reinterpret<f32>(a) > reinterpret<f32>(b)) return GREATER;
    if (reinterpret<f32>(a) == reinterpret<f32>(b)) return EQUAL;
  }
  return compare<f32>(state, a, b, false);
}

/** COMISS: as above, and any NaN is invalid. */
export function float32CompareSignalling(state: FloatState, a: u32, b: u32): u32 {
  if (plain(a) && plain(b)) {
    if (reinterpret<f32>(a) < reinterpret<f32>(b)) return LESS;
    if (reinterpret<f32>(a) > reinterpret<f32>(b)) return GREATER;
    if (reinterpret<f32>(a) == reinterpret<f32>(b)) return EQUAL;
  }
  return compare<f32>(state, a, b, true);
}

/** CMPSS with predicate 0 to 7: whether it holds. */
export function float32Matches(state: FloatState, a: u32, b: u32, predicate: u32): bool {
  return matches<f32>(state, a, b, predicate);
}

/** ROUNDSS: to an integral value, rounding as `rounding` says; `quiet`: inexact is not raised. */
export function float32Round(state: FloatState, a: u32, rounding: u32, quiet: bool): u32 {
  return <u32>toIntegral<f32>(state, a, rounding, quiet);
}

/** CVTSS2SI for 32 bits, the state's rounding. */
export function float32ToI32(state: FloatState, a: u32): i32 {
  const value = reinterpret<f32>(a);
  if (plain(a) && abs<f32>(value) < INTEGERS_32 && roundingOf(state) == ROUND_NEAREST)
    return <i32>integral(state, value, nearest<f32>(value));
  return <i32>toInteger<f32>(state, a, roundingOf(state), 32);
}

/** CVTSS2SI for 64 bits, the state's rounding. */
export function float32ToI64(state: FloatState, a: u32): i64 {
  const value = reinterpret<f32>(a);
  if (plain(a) && abs<f32>(value) < INTEGERS_64 && roundingOf(state) == ROUND_NEAREST)
    return <i64>integral(state, value, nearest<f32>(value));
  return toInteger<f32>(state, a, roundingOf(state), 64);
}

/** CVTTSS2SI for 32 bits, toward zero. */
export function float32TruncateToI32(state: FloatState, a: u32): i32 {
  const value = reinterpret<f32>(a);
  if (plain(a) && abs<f32>(value) < INTEGERS_32) return <i32>integral(state, value, trunc<f32>(value));
  return <i32>toInteger<f32>(state, a, ROUND_TO_ZERO, 32);
}

/** CVTTSS2SI for 64 bits, toward zero. */
export function float32TruncateToI64(state: FloatState, a: u32): i64 {
  const value = reinterpret<f32>(a);
  if (plain(a) && abs<f32>(value) < INTEGERS_64) return <i64>integral(state, value, trunc<f32>(value));
  return toInteger<f32>(state, a, ROUND_TO_ZERO, 64);
}

/** CVTSI2SS. */
export function float32FromI64(state: FloatState, value: i64): u32 {
  if (<u64>(value + EXACT) <= 2 * EXACT || isNative(state)) return reinterpret<u32>(<f32>value);
  return <u32>fromInteger<f32>(state, value);
}

/** CVTSS2SD. */
export function float32ToFloat64(state: FloatState, a: u32): u64 {
  if (plain(a) && a << 1 < INFINITY) return reinterpret<u64>(<f64>reinterpret<f32>(a));
  return convert<f32, f64>(state, a);
}
