/**
 * Steps of the Advanced Encryption Standard on a state of four columns (FIPS 197, 5; Intel SDM 1,
 * 12.13): byte r + 4 c of a vector is row r of column c.
 */
import { INVERSE_SUBSTITUTION, SUBSTITUTION } from "./aes-tables.generated";
import { lane32 } from "./lanes";

@inline
export function shiftedRows(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11);
}

@inline
export function inverseShiftedRows(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3);
}

/** Each byte by a table of 256: sixteen look-ups of sixteen, of which all but one give zero. */
@inline
function lookUp(table: usize, x: v128): v128 {
  let result = i64x2.splat(0);
  let at = x;
  for (let row: usize = 0; row < 256; row += 16) {
    result = v128.or(result, v128.swizzle(v128.load(table + row), at));
    at = i8x16.sub(at, i8x16.splat(16));
  }
  return result;
}

export function substituted(x: v128): v128 {
  return lookUp(changetype<usize>(SUBSTITUTION), x);
}

export function inverseSubstituted(x: v128): v128 {
  return lookUp(changetype<usize>(INVERSE_SUBSTITUTION), x);
}

/** Twice each byte in GF(2^8) (FIPS 197, 4.2.1). */
@inline
function doubled(x: v128): v128 {
  const carry = v128.and(i8x16.shr_s(x, 7), i8x16.splat(0x1b));
  return v128.xor(i8x16.shl(x, 1), carry);
}

/** Columns rotated, so that row r is where row r - 1 was. */
@inline
function rotatedColumns(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}

/** Row r becomes 2 r + 3 (r + 1) + (r + 2) + (r + 3). */
export function mixColumns(x: v128): v128 {
  const next = rotatedColumns(x);
  const pair = v128.xor(x, next);
  const others = v128.xor(next, rotatedColumns(rotatedColumns(pair)));
  return v128.xor(doubled(pair), others);
}

/** The inverse matrix is that of mixColumns times (5, 0, 4, 0). */
export function inverseMixColumns(x: v128): v128 {
  const across = v128.xor(x, rotatedColumns(rotatedColumns(x)));
  return mixColumns(v128.xor(x, doubled(doubled(across))));
}

/** AESKEYGENASSIST: SubWord and RotWord of doublewords 1 and 3, with the round constant n. */
export function keyAssist(y: v128, n: u32): v128 {
  const words = substituted(y);
  const first = lane32(words, 1);
  const third = lane32(words, 3);
  const low = <u64>first | (<u64>(rotr<u32>(first, 8) ^ n) << 32);
  const high = <u64>third | (<u64>(rotr<u32>(third, 8) ^ n) << 32);
  return i64x2(<i64>low, <i64>high);
}
