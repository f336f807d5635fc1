/**
 * Operations on the lanes of a vector that aren't single instructions of WebAssembly. Where two vectors
 * come in, x is the destination and y the source of the x86 instruction.
 */

/** The count of a shift: all of the low 64 bits count, and 64 stands for whatever is more. */
@inline
export function countOf(y: v128): u32 {
  return <u32>min<u64>(<u64>i64x2.extract_lane(y, 0), 64);
}

@inline
export function leftBy16(x: v128, count: u32): v128 {
  return count > 15 ? i64x2.splat(0) : i16x8.shl(x, count);
}

@inline
export function leftBy32(x: v128, count: u32): v128 {
  return count > 31 ? i64x2.splat(0) : i32x4.shl(x, count);
}

@inline
export function leftBy64(x: v128, count: u32): v128 {
  return count > 63 ? i64x2.splat(0) : i64x2.shl(x, count);
}

@inline
export function rightBy16(x: v128, count: u32): v128 {
  return count > 15 ? i64x2.splat(0) : i16x8.shr_u(x, count);
}

@inline
export function rightBy32(x: v128, count: u32): v128 {
  return count > 31 ? i64x2.splat(0) : i32x4.shr_u(x, count);
}

@inline
export function rightBy64(x: v128, count: u32): v128 {
  return count > 63 ? i64x2.splat(0) : i64x2.shr_u(x, count);
}

/** The numbers of the bytes, for swizzles: one outside of 0 to 15 gives a byte of zeros. */
@inline
export function byteNumbers(): v128 {
  return i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

@inline
export function leftByBytes(x: v128, count: u32): v128 {
  return v128.swizzle(x, i8x16.sub(byteNumbers(), i8x16.splat(<i8>min<u32>(count, 16))));
}

@inline
export function rightByBytes(x: v128, count: u32): v128 {
  return v128.swizzle(x, i8x16.add(byteNumbers(), i8x16.splat(<i8>min<u32>(count, 16))));
}

@inline
export function evens16(x: v128, y: v128): v128 {
  return v128.shuffle<i16>(x, y, 0, 2, 4, 6, 8, 10, 12, 14);
}

@inline
export function odds16(x: v128, y: v128): v128 {
  return v128.shuffle<i16>(x, y, 1, 3, 5, 7, 9, 11, 13, 15);
}

@inline
export function evens32(x: v128, y: v128): v128 {
  return v128.shuffle<i32>(x, y, 0, 2, 4, 6);
}

@inline
export function odds32(x: v128, y: v128): v128 {
  return v128.shuffle<i32>(x, y, 1, 3, 5, 7);
}

/** Upper halves of the products of signed words. */
@inline
export function highProducts(x: v128, y: v128): v128 {
  return odds16(i32x4.extmul_low_i16x8_s(x, y), i32x4.extmul_high_i16x8_s(x, y));
}

@inline
export function highProductsUnsigned(x: v128, y: v128): v128 {
  return odds16(i32x4.extmul_low_i16x8_u(x, y), i32x4.extmul_high_i16x8_u(x, y));
}

/** Products in 64 bits of the signed doublewords 0 and 2. */
@inline
export function products(x: v128, y: v128): v128 {
  return i64x2.extmul_low_i32x4_s(evens32(x, x), evens32(y, y));
}

@inline
export function productsUnsigned(x: v128, y: v128): v128 {
  return i64x2.extmul_low_i32x4_u(evens32(x, x), evens32(y, y));
}

/** Sums of two products each of an unsigned byte of x and a signed one of y, saturated. */
@inline
export function mixedProducts(x: v128, y: v128): v128 {
  const low = i16x8.mul(i16x8.extend_low_i8x16_u(x), i16x8.extend_low_i8x16_s(y));
  const high = i16x8.mul(i16x8.extend_high_i8x16_u(x), i16x8.extend_high_i8x16_s(y));
  return i16x8.add_sat_s(evens16(low, high), odds16(low, high));
}

/** PMULHRSW: WebAssembly saturates (-1)(-1), x86 wraps it to -1. */
@inline
export function roundedProducts(x: v128, y: v128): v128 {
  const least = i16x8.splat(-0x8000);
  const wraps = v128.and(i16x8.eq(x, least), i16x8.eq(y, least));
  return v128.xor(i16x8.q15mulr_sat_s(x, y), wraps);
}

@inline
function distances(x: v128, y: v128): v128 {
  return v128.or(i8x16.sub_sat_u(x, y), i8x16.sub_sat_u(y, x));
}

/** PSADBW: for each half the sum of the distances of its bytes. */
@inline
export function differences(x: v128, y: v128): v128 {
  const pairs = i16x8.extadd_pairwise_i8x16_u(distances(x, y));
  const fours = i32x4.extadd_pairwise_i16x8_u(pairs);
  return i64x2.shr_u(i64x2.add(fours, i64x2.shl(fours, 32)), 32);
}

/**
 * MPSADBW: the distances of a group of four bytes of y to the eight groups of x that begin at
 * consecutive bytes (Intel SDM 2B, MPSADBW).
 */
export function slidingDifferences(x: v128, y: v128, n: u32): v128 {
  const group = i32x4.splat(<i32>lane32(y, n & 3));
  const from = rightByBytes(x, n & 4);
  let sums = i64x2.splat(0);
  for (let byte: u32 = 0; byte < 4; byte++) {
    const one = i8x16.splat(<i8>(i32x4.extract_lane(group, 0) >> (byte << 3)));
    const window = distances(rightByBytes(from, byte), one);
    sums = i16x8.add(sums, i16x8.extend_low_i8x16_u(window));
  }
  return sums;
}

/** Doubleword `index` of a vector. */
@inline
export function lane32(x: v128, index: u32): u32 {
  const half = index < 2 ? i64x2.extract_lane(x, 0) : i64x2.extract_lane(x, 1);
  return <u32>(<u64>half >> ((index & 1) << 5));
}

/** Word `index` of a vector. */
@inline
export function lane16(x: v128, index: u32): u32 {
  const half = index < 4 ? i64x2.extract_lane(x, 0) : i64x2.extract_lane(x, 1);
  return <u32>(<u64>half >> ((index & 3) << 4)) & 0xffff;
}

/** PHMINPOSUW: the least word and, behind it, the place of the first such. */
export function leastWord(x: v128): v128 {
  let least: u32 = 0xffff;
  let place: u32 = 0;
  for (let index: u32 = 0; index < 8; index++) {
    const word = lane16(x, index);
    if (word < least) {
      least = word;
      place = index;
    }
  }
  return i64x2(<i64>(least | (place << 16)), 0);
}
