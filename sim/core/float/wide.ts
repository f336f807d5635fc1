/** Integers of 128 bits, as far as significands need them. */

/** The upper half of the product. */
@inline
export function multiplyHigh(a: u64, b: u64): u64 {
  const al = a & 0xffff_ffff;
  const ah = a >> 32;
  const bl = b & 0xffff_ffff;
  const bh = b >> 32;
  const middle = ah * bl + ((al * bl) >> 32);
  const cross = al * bh + (middle & 0xffff_ffff);
  return ah * bh + (middle >> 32) + (cross >> 32);
}

/**
 * (high 2^64 + low) / divisor, for high < divisor and a divisor with bit 63 set: two digits of 32 bits
 * (Knuth, The Art of Computer Programming 2, 4.3.1, algorithm D). The remainder is
 * low - quotient * divisor, modulo 2^64.
 */
export function divideWide(high: u64, low: u64, divisor: u64): u64 {
  const first = quotientDigit(high, low >> 32, divisor);
  const rest = ((high << 32) | (low >> 32)) - first * divisor;
  return (first << 32) | quotientDigit(rest, low & 0xffff_ffff, divisor);
}

/** (high 2^32 + digit) / divisor: below 2^32, as high < divisor. */
@inline
function quotientDigit(high: u64, digit: u64, divisor: u64): u64 {
  const top = divisor >> 32;
  const bottom = divisor & 0xffff_ffff;
  let quotient = high / top;
  let rest = high % top;
  while (quotient > 0xffff_ffff || quotient * bottom > ((rest << 32) | digit)) {
    quotient -= 1;
    rest += top;
    if (rest > 0xffff_ffff) break;
  }
  return quotient;
}

/**
 * The integer root of high 2^64 + low, for high >= 2^62: at least 2^63.
 *
 * The native root of the upper bits is right to 2^-52; a step of Newton's squares that error.
 */
export function rootWide(high: u64, low: u64): u64 {
  const estimate = sqrt(<f64>high) * 4294967296.0;
  let root = estimate >= 18446744073709549568.0 ? 0xffff_ffff_ffff_f800 : <u64>estimate;
  if (root <= high) root = high + 1 == 0 ? high : high + 1;
  if (high < root) {
    const quotient = divideWide(high, low, root);
    root = (root >> 1) + (quotient >> 1) + (root & quotient & 1);
  }
  while (compareSquare(root, high, low) > 0) root -= 1;
  while (root != 0xffff_ffff_ffff_ffff && compareSquare(root + 1, high, low) <= 0) root += 1;
  return root;
}

/** The sign of root^2 - (high 2^64 + low). */
function compareSquare(root: u64, high: u64, low: u64): i32 {
  const squareHigh = multiplyHigh(root, root);
  if (squareHigh != high) return squareHigh > high ? 1 : -1;
  const squareLow = root * root;
  return squareLow == low ? 0 : squareLow > low ? 1 : -1;
}

/** a / 2^count, with bit 0 set when bits that were not zero have left: "sticky". */
@inline
export function shiftRightSticky(a: u64, count: u32): u64 {
  if (count == 0) return a;
  if (count > 63) return <u64>(a != 0);
  return (a >> count) | <u64>(a << (64 - count) != 0);
}
