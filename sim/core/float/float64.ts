/**
 * Arithmetic in binary64 for the SSE unit: bit patterns in, bit patterns out, what is raised is
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
const LEAST: u64 = 1 << 53;
/** Infinity, its sign shifted out. */
const INFINITY: u64 = 0x7ff << 53;

/** Not denormal. The native result tells about infinities and NaNs. */
@inline
function plain(a: u64): bool {
  return (a << 1) - 1 >= LEAST - 1;
}

/**
 * Normal, and not the least normal number: that one can be a tiny result that was rounded up, and
 * then has raised underflow.
 */
@inline
function safe(result: u64): bool {
  return (result << 1) - (LEAST + 1) < INFINITY - (LEAST + 1);
}

/** Magnitudes below these surely fit into 32 and 64 bits, rounded or not. */
const INTEGERS_32: f64 = 2147483647;
const INTEGERS_64: f64 = 9223372036854774784;
/** Integers up to here are exact in binary64. */
const EXACT: i64 = 9007199254740992;

/** The integral value next to `value`, which is inexact if it differs. */
@inline
function integral(state: FloatState, value: f64, next: f64): f64 {
  if (next != value) raiseAfter(state, FLOAT_PE);
  return next;
}

/** ADDSD. */
export function float64Add(state: FloatState, a: u64, b: u64): u64 {
  if (isNative(state) && plain(a) && plain(b)) {
    const result = reinterpret<u64>(reinterpret<f64>(a) + reinterpret<f64>(b));
    if (safe(result)) return result;
  }
  return add<f64>(state, a, b);
}

/** SUBSD. */
export function float64Subtract(state: FloatState, a: u64, b: u64): u64 {
  if (isNative(state) && plain(a) && plain(b)) {
    const result = reinterpret<u64>(reinterpret<f64>(a) - reinterpret<f64>(b));
    if (safe(result)) return result;
  }
  return subtract<f64>(state, a, b);
}

/** MULSD. */
export function float64Multiply(state: FloatState, a: u64, b: u64): u64 {
  if (isNative(state) && plain(a) && plain(b)) {
    const result = reinterpret<u64>(reinterpret<f64>(a) * reinterpret<f64>(b));
    if (safe(result)) return result;
  }
  return multiply<f64>(state, a, b);
}

/** DIVSD. */
export function float64Divide(state: FloatState, a: u64, b: u64): u64 {
  if (isNative(state) && plain(a) && plain(b)) {
    const result = reinterpret<u64>(reinterpret<f64>(a) / reinterpret<f64>(b));
    if (safe(result)) return result;
  }
  return divide<f64>(state, a, b);
}

/** SQRTSD. */
export function float64SquareRoot(state: FloatState, a: u64): u64 {
  if (isNative(state) && plain(a)) {
    const result = reinterpret<u64>(sqrt<f64>(reinterpret<f64>(a)));
    if (safe(result)) return result;
  }
  return squareRoot<f64>(state, a);
}

/** MINSD: `b` for two zeros and for a NaN. */
export function float64Minimum(state: FloatState, a: u64, b: u64): u64 {
  if (plain(a) && plain(b)) {
    if (reinterpret<f64>(a) < reinterpret<f64>(b)) return a;
    if (reinterpret<f64>(b) < reinterpret<f64>(a)) return b;
  }
  return minimum<f64>(state, a, b);
}

/** MAXSD: `b` for two zeros and for a NaN. */
export function float64Maximum(state: FloatState, a: u64, b: u64): u64 {
  if (plain(a) && plain(b)) {
    if (reinterpret<f64>(a) > reinterpret<f64>(b)) return a;
    if (reinterpret<f64>(b) > reinterpret<f64>(a)) return b;
  }
  return maximum<f64>(state, a, b);
}

/** UCOMISD: GREATER, LESS, EQUAL or UNORDERED (compare.ts), which are CF, PF and ZF. */
export function float64CompareQuiet(state: FloatState, a: u64, b: u64): u32 {
  if (plain(a) && plain(b)) {
    if (reinterpret<f64>(a) < reinterpret<f64>(b)) return LESS;
    if (reinterpret<f64>(a) > reinterpret<f64>(b)) return GREATER;
    if (reinterpret<f64>(a) == reinterpret<f64>(b)) return EQUAL;
  }
  return compare<f64>(state, a, b, false);
}

/** COMISD: as above, and any NaN is invalid. */
export function float64CompareSignalling(state: FloatState, a: u64, b: u64): u32 {
  if (plain(a) && plain(b)) {
    if (reinterpret<f64>(a) < reinterpret<f64>(b)) return LESS;
    if (reinterpret<f64>(a) > reinterpret<f64>(b)) return GREATER;
    if (reinterpret<f64>(a) == reinterpret<f64>(b)) return EQUAL;
  }
  return compare<f64>(state, a, b, true);
}

/** CMPSD with predicate 0 to 7: whether it holds. */
export function float64Matches(state: FloatState, a: u64, b: u64, predicate: u32): bool {
  return matches<f64>(state, a, b, predicate);
}

/** ROUNDSD: to an integral value, rounding as `rounding` says; `quiet`: inexact is not raised. */
export function float64Round(state: FloatState, a: u64, rounding: u32, quiet: bool): u64 {
  return toIntegral<f64>(state, a, rounding, quiet);
}

/** CVTSD2SI for 32 bits, the state's rounding. */
export function float64ToI32(state: FloatState, a: u64): i32 {
  const value = reinterpret<f64>(a);
  if (plain(a) && abs<f64>(value) < INTEGERS_32 && roundingOf(state) == ROUND_NEAREST)
    return <i32>integral(state, value, nearest<f64>(value));
  return <i32>toInteger<f64>(state, a, roundingOf(state), 32);
}

/** CVTSD2SI for 64 bits, the state's rounding. */
export function float64ToI64(state: FloatState, a: u64): i64 {
  const value = reinterpret<f64>(a);
  if (plain(a) && abs<f64>(value) < INTEGERS_64 && roundingOf(state) == ROUND_NEAREST)
    return <i64>integral(state, value, nearest<f64>(value));
  return toInteger<f64>(state, a, roundingOf(state), 64);
}

/** CVTTSD2SI for 32 bits, toward zero. */
export function float64TruncateToI32(state: FloatState, a: u64): i32 {
  const value = reinterpret<f64>(a);
  if (plain(a) && abs<f64>(value) < INTEGERS_32) return <i32>integral(state, value, trunc<f64>(value));
  return <i32>toInteger<f64>(state, a, ROUND_TO_ZERO, 32);
}

/** CVTTSD2SI for 64 bits, toward zero. */
export function float64TruncateToI64(state: FloatState, a: u64): i64 {
  const value = reinterpret<f64>(a);
  if (plain(a) && abs<f64>(value) < INTEGERS_64) return <i64>integral(state, value, trunc<f64>(value));
  return toInteger<f64>(state, a, ROUND_TO_ZERO, 64);
}

/** CVTSI2SD. */
export function float64FromI64(state: FloatState, value: i64): u64 {
  if (<u64>(value + EXACT) <= 2 * EXACT || isNative(state)) return reinterpret<u64>(<f64>value);
  return fromInteger<f64>(state, value);
}

/** CVTSD2SS. */
export function float64ToFloat32(state: FloatState, a: u64): u32 {
  if (isNative(state) && plain(a)) {
    const result = reinterpret<u32>(<f32>reinterpret<f64>(a));
    // Neither denormal, nor infinite, nor the least normal number: see `safe`.
    if ((result << 1) - ((1 << 24) + 1) < (0xff << 24) - ((1 << 24) + 1)) return result;
  }
  return <u32>convert<f64, f32>(state, a);
}
