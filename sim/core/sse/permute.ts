/** Moves of lanes that an immediate n chooses; x is the destination, y the source of the instruction. */
import { byteNumbers, lane16, lane32 } from "./lanes";

/** Two doublewords of x and two of y: PSHUFD with y twice, SHUFPS. */
@inline
export function shuffled32(x: v128, y: v128, n: u32): v128 {
  const low = <u64>lane32(x, n & 3) | (<u64>lane32(x, (n >> 2) & 3) << 32);
  const high = <u64>lane32(y, (n >> 4) & 3) | (<u64>lane32(y, n >> 6) << 32);
  return i64x2.replace_lane(i64x2.splat(<i64>low), 1, <i64>high);
}

@inline
export function shuffled64(x: v128, y: v128, n: u32): v128 {
  const low = n & 1 ? i64x2.extract_lane(x, 1) : i64x2.extract_lane(x, 0);
  const high = n & 2 ? i64x2.extract_lane(y, 1) : i64x2.extract_lane(y, 0);
  return i64x2.replace_lane(i64x2.splat(low), 1, high);
}

/** Four words of the half that begins at word `first`. */
@inline
function shuffledWords(y: v128, first: u32, n: u32): i64 {
  let words: u64 = 0;
  for (let index: u32 = 0; index < 4; index++)
    words |= <u64>lane16(y, first + ((n >> (index << 1)) & 3)) << (index << 4);
  return <i64>words;
}

/** PSHUFLW, and PSHUFW, of whose result the upper half doesn't count. */
export function shuffledLow(y: v128, n: u32): v128 {
  return i64x2.replace_lane(y, 0, shuffledWords(y, 0, n));
}

export function shuffledHigh(y: v128, n: u32): v128 {
  return i64x2.replace_lane(y, 1, shuffledWords(y, 4, n));
}

/** PALIGNR: 16 bytes of x:y from byte n on. */
@inline
export function aligned(x: v128, y: v128, n: u32): v128 {
  const from = i8x16.add(byteNumbers(), i8x16.splat(<i8>min<u32>(n, 32)));
  return v128.or(v128.swizzle(y, from), v128.swizzle(x, i8x16.sub(from, i8x16.splat(16))));
}

/** Ones in the words whose bits in n are set. */
@inline
export function wordMask(n: u32): v128 {
  const bits = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
  return i16x8.eq(v128.and(i16x8.splat(<i16>n), bits), bits);
}

@inline
export function doublewordMask(n: u32): v128 {
  const bits = i32x4(1, 2, 4, 8);
  return i32x4.eq(v128.and(i32x4.splat(<i32>n), bits), bits);
}

@inline
export function quadwordMask(n: u32): v128 {
  const bits = i64x2(1, 2);
  return i64x2.eq(v128.and(i64x2.splat(<i64>n), bits), bits);
}

/** INSERTPS: bits 7-6 lane of y, bits 5-4 lane of x that it replaces, bits 3-0 lanes that become 0. */
export function insertedSingle(x: v128, y: v128, n: u32): v128 {
  const single = i32x4.splat(<i32>lane32(y, n >> 6));
  const replaced = v128.bitselect(single, x, doublewordMask(1 << ((n >> 4) & 3)));
  return v128.andnot(replaced, doublewordMask(n & 15));
}
