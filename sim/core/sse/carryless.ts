/**
 * Carry-less multiplication (Intel SDM 2B, PCLMULQDQ) by ordinary products of numbers with three
 * zeros behind each bit: sums of up to 15 bits stay in their gaps (Pornin, BearSSL, ghash_ctmul64).
 */

const EVERY_FOURTH: u64 = 0x1111_1111_1111_1111;

/** The low 64 bits of the product: bits whose places are r modulo 4 come of parts whose places add up to r. */
function lowHalf(x: u64, y: u64): u64 {
  const x0 = x & EVERY_FOURTH;
  const x1 = x & (EVERY_FOURTH << 1);
  const x2 = x & (EVERY_FOURTH << 2);
  const x3 = x & (EVERY_FOURTH << 3);
  const y0 = y & EVERY_FOURTH;
  const y1 = y & (EVERY_FOURTH << 1);
  const y2 = y & (EVERY_FOURTH << 2);
  const y3 = y & (EVERY_FOURTH << 3);
  const r0 = (x0 * y0) ^ (x1 * y3) ^ (x2 * y2) ^ (x3 * y1);
  const r1 = (x0 * y1) ^ (x1 * y0) ^ (x2 * y3) ^ (x3 * y2);
  const r2 = (x0 * y2) ^ (x1 * y1) ^ (x2 * y0) ^ (x3 * y3);
  const r3 = (x0 * y3) ^ (x1 * y2) ^ (x2 * y1) ^ (x3 * y0);
  const even = (r0 & EVERY_FOURTH) | (r2 & (EVERY_FOURTH << 2));
  return even | (r1 & (EVERY_FOURTH << 1)) | (r3 & (EVERY_FOURTH << 3));
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
