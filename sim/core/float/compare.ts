/** Comparison, minimum and maximum in binary32 and binary64. */
import {
  isNan,
  isNegative,
  isSignalling,
  isZero,
  magnitude,
  noteDenormals,
  operand,
} from "./format";
import { FLOAT_IE, FloatState, raiseBefore } from "./state";

/**
 * Relations, as COMISD puts them into RFLAGS: CF bit 0, PF bit 2, ZF bit 6. Eight bits to the left
 * they are C0, C2 and C3 of the x87 status word.
 */
export const GREATER: u32 = 0;
export const LESS: u32 = 0x01;
export const EQUAL: u32 = 0x40;
export const UNORDERED: u32 = 0x45;

/** The relation of a to b. Quiet NaNs are invalid only to a signalling comparison. */
export function compare<T>(state: FloatState, first: u64, second: u64, signals: bool): u32 {
  const a = operand<T>(state, first);
  const b = operand<T>(state, second);
  if (isNan<T>(a) || isNan<T>(b)) {
    if (signals || isSignalling<T>(a) || isSignalling<T>(b)) raiseBefore(state, FLOAT_IE);
    return UNORDERED;
  }
  noteDenormals<T>(state, a, b);
  return relation<T>(a, b);
}

/** Of numbers, not NaNs. */
@inline
function relation<T>(a: u64, b: u64): u32 {
  if (a == b || (isZero<T>(a) && isZero<T>(b))) return EQUAL;
  const negative = isNegative<T>(a);
  if (negative != isNegative<T>(b)) return negative ? LESS : GREATER;
  return magnitude<T>(a) < magnitude<T>(b) != negative ? LESS : GREATER;
}

/**
 * CMPSS, CMPSD: predicate EQ, LT, LE, UNORD, and from 4 on their opposites. LT and LE and their
 * opposites signal (Intel SDM 2A, CMPPD).
 */
export function matches<T>(state: FloatState, a: u64, b: u64, predicate: u32): bool {
  const kind = predicate & 3;
  const result = compare<T>(state, a, b, kind == 1 || kind == 2);
  let holds = result == UNORDERED;
  if (kind == 0) holds = result == EQUAL;
  else if (kind == 1) holds = result == LESS;
  else if (kind == 2) holds = result == LESS || result == EQUAL;
  return holds != ((predicate & 4) != 0);
}

/** MINSD: b unless a is less, so b for a NaN and for two zeros (Intel SDM 1, 11.5.1; 2B, MINSD). */
export function minimum<T>(state: FloatState, a: u64, b: u64): u64 {
  return operand<T>(state, compare<T>(state, a, b, true) == LESS ? a : b);
}

/** MAXSD: b unless a is greater. */
export function maximum<T>(state: FloatState, a: u64, b: u64): u64 {
  return operand<T>(state, compare<T>(state, a, b, true) == GREATER ? a : b);
}
