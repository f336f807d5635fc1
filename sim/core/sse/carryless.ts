/**
 * Carry-less multiplication (Intel SDM 2B, PCLMULQDQ) by ordinary products of numbers with three
 * zeros behind each bit: sums of up to 15 bits stay in their gaps (Pornin, BearSSL, ghash_ctmul64).
 */

const EVERY_FOURTH: u64 = 0x1111_1111_1111_1111;

/** The bits of the product whose places are `at` modulo 4. */
@inline
function partial(x: u64, y: u64, at: u32): u64 {
  let sum: u64 = 0;
  for (let n: u32 = 0; n < 4; n++) {
    const left = x & (EVERY_FOURTH << n);
    const right = y & (EVERY_FOURTH << ((at - n) & 3));
    sum ^= left * right;
  }
  return sum & (EVERY_FOURTH << at);
}

function lowHalf(x: u64, y: u64): u64 {
  return partial(x, y, 0) | partial(x, y, 1) | partial(x, y, 2) | partial(x, y, 3);
}

function reversed(value: u64): u64 {
  let x = ((value >> 1) & 0x5555_5555_5555_5555) | ((value & 0x5555_5555_5555_5555) << 1);
  x = ((x >> 2) & 0x3333_3333_3333_3333) | ((x & 0x3333_3333_3333_3333) << 2);
  x = ((x >> 4) & 0x0f0f_0f0f_0f0f_0f0f) | ((x & 0x0f0f_0f0f_0f0f_0f0f) << 4);
  return bswap<u64>(x);
}

/** The product of the half of x that bit 0 of n names and the half of y that bit 4 names. */
export function carrylessProduct(x: v128, y: v128, n: u32): v128 {
  const a = <u64>(n & 1 ? i64x2.extract_lane(x, 1) : i64x2.extract_lane(x, 0));
  const b = <u64>(n & 16 ? i64x2.extract_lane(y, 1) : i64x2.extract_lane(y, 0));
  const high = reversed(lowHalf(reversed(a), reversed(b))) >> 1;
  return i64x2(<i64>lowHalf(a, b), <i64>high);
}
