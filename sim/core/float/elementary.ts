/**
 * Elementary functions of Reals: power series with 128 bits, cut where the next term is below 2^-100
 * of the sum. So what is rounded to 64 bits afterwards is rounded correctly but for about one case in
 * 2^36.
 */
import {
  addReal,
  copyReal,
  divideReal64,
  divideRealSmall,
  isRealZero,
  multiplyReal,
  normalizeReal,
  Real,
  setReal,
  TOP,
} from "./real";
import { realAt, ExtendedState } from "./extended";

/** Working registers 0 to 5 belong to the callers, these to the functions here. */
const A: u32 = 6;
const B: u32 = 7;
const C: u32 = 8;
const D: u32 = 9;
const E: u32 = 10;

@inline
function setOne(to: Real): void {
  setReal(to, 0, 0, TOP, 0);
}

/** to = a / b, for any b. */
export function divideReal(state: ExtendedState, a: Real, b: Real, to: Real): void {
  // With b = h + l, h its upper 64 bits: a / b = a / h x (1 - l / h), up to (l / h)^2 < 2^-125.
  const correction = realAt(state, E);
  const low = b.low;
  const high = b.high;
  if (low == 0) return divideReal64(a, b, to);
  setReal(correction, 0, b.exponent - 64, low, 0);
  normalizeReal(correction);
  const divisor = realAt(state, E + 1);
  setReal(divisor, b.negative, b.exponent, high, 0);
  divideReal64(a, divisor, to);
  divisor.negative = 0;
  divideReal64(correction, divisor, correction);
  multiplyReal(to, correction, correction);
  correction.negative = to.negative ^ 1;
  addReal(to, correction, to);
}

/** Bits that a series has to be good for. */
const SERIES_BITS: i32 = 112;

/** Terms that a series in `square` needs, of the `most` that it needs for its largest argument. */
function termsFor(square: Real, most: u32): u32 {
  const gained = -1 - square.exponent; // bits by which a term is smaller than the one before, at least
  return gained <= 0 ? most : min<u32>(most, SERIES_BITS / gained + 2);
}

/**
 * to = x (1 + z / 3 + z^2 / 5 + …), with at most the given number of terms: with z = x^2 the inverse hyperbolic
 * tangent, with z = -x^2 the inverse tangent.
 */
function oddSeries(state: ExtendedState, x: Real, alternates: bool, most: u32, to: Real): void {
  const square = realAt(state, A);
  const sum = realAt(state, B);
  const term = realAt(state, C);
  multiplyReal(x, x, square);
  square.negative = <u32>alternates;
  setReal(sum, 0, 0, 0, 0);
  for (let n = termsFor(square, most); n != 0; n--) {
    multiplyReal(sum, square, sum);
    setOne(term);
    divideRealSmall(term, 2 * n - 1, term);
    addReal(sum, term, sum);
  }
  multiplyReal(x, sum, to);
}

/** to = e^x - 1, for |x| <= ln 2. x is not changed. */
export function exponentialMinus1(state: ExtendedState, x: Real, to: Real): void {
  const sum = realAt(state, A);
  const one = realAt(state, B);
  setOne(sum);
  for (let n: u32 = 28; n >= 2; n--) {
    multiplyReal(sum, x, sum);
    divideRealSmall(sum, n, sum);
    setOne(one);
    addReal(sum, one, sum);
  }
  multiplyReal(x, sum, to);
}

const LOG2_E_HIGH: u64 = 0xb8aa_3b29_5c17_f0bb;
const LOG2_E_LOW: u64 = 0xbe87_fed0_691d_3e89;
const LN_2_HIGH: u64 = 0xb172_17f7_d1cf_79ab;
const LN_2_LOW: u64 = 0xc9e3_b398_03f2_f6af;
/** The significand of the square root of 2. */
const ROOT_2: u64 = 0xb504_f333_f9de_6484;

/** to = ln 2. */
export function setLn2(to: Real): void {
  setReal(to, 0, -1, LN_2_HIGH, LN_2_LOW);
}

/** to = log2(x), for x > 0. x is changed. */
export function logarithm2(state: ExtendedState, x: Real, to: Real): void {
  let power = x.exponent;
  x.exponent = 0;
  if (x.high > ROOT_2) {
    x.exponent = -1;
    power += 1;
  }
  const below = realAt(state, D);
  const one = realAt(state, A);
  copyReal(x, below);
  setReal(one, 1, 0, TOP, 0);
  addReal(below, one, below); // x - 1
  if (isRealZero(below)) setReal(to, 0, 0, 0, 0);
  else {
    setOne(one);
    addReal(x, one, x); // x + 1
    logarithmOfRatio(state, below, x, to);
  }
  const whole = realAt(state, A);
  setReal(whole, <u32>(power < 0), 63, <u64>abs(power), 0);
  normalizeReal(whole);
  addReal(to, whole, to);
}

/** to = log2((1 + t) / (1 - t)) for t = a / b, |t| < 0.1716: 20 terms of less than 2^-5 each. */
export function logarithmOfRatio(state: ExtendedState, a: Real, b: Real, to: Real): void {
  divideReal(state, a, b, to);
  oddSeries(state, to, false, 21, to);
  const scale = realAt(state, A);
  setReal(scale, 0, 1, LOG2_E_HIGH, LOG2_E_LOW); // 2 log2 e
  multiplyReal(to, scale, to);
}

/** The inverse tangents of 1/4, 1/2, 3/4 and 1: exponent, then significand. */
const ARC_EXPONENTS: StaticArray<i32> = [-3, -2, -1, -1];
const ARC_SIGNIFICANDS: StaticArray<u64> = [
  0xfadb_afc9_6406_eb15, 0x6dc7_9ef5_f7a2_17e6, 0xed63_382b_0dda_7b45, 0x6fe4_45ec_bc3a_8d03,
  0xa4bc_7d19_34f7_0924, 0x19a8_7f2a_457d_ac9f, 0xc90f_daa2_2168_c234, 0xc4c6_628b_80dc_1cd1,
];
const PI_HIGH: u64 = 0xc90f_daa2_2168_c234;
const PI_LOW: u64 = 0xc4c6_628b_80dc_1cd1;

/** to = pi 2^shift, negative as told. */
export function setPi(to: Real, shift: i32, negative: u32): void {
  setReal(to, negative, 1 + shift, PI_HIGH, PI_LOW);
}

/** to = the inverse tangent of y / x, for 0 < y <= x. Both are changed. */
export function arcTangentOf(state: ExtendedState, y: Real, x: Real, to: Real): void {
  divideReal64(y, x, to);
  // The nearest fourth, so that what is left is at most 1/8.
  const fourths = to.exponent < -3 ? 0 : (<u32>(to.high >> (60 - to.exponent)) + 1) >> 1;
  if (fourths != 0) {
    // With c = fourths / 4: arctan(y / x) = arctan c + arctan((y - c x) / (x + c y)).
    const below = realAt(state, A);
    const above = realAt(state, B);
    scaleByFourths(x, fourths, below);
    scaleByFourths(y, fourths, above);
    below.negative = 1;
    addReal(y, below, y);
    addReal(x, above, x);
    if (isRealZero(y)) setReal(to, 0, 0, 0, 0);
    else divideReal(state, y, x, to);
  }
  if (!isRealZero(to)) oddSeries(state, to, true, 19, to);
  if (fourths == 0) return;
  const arc = realAt(state, A);
  const index = fourths - 1;
  setReal(
    arc, 0, unchecked(ARC_EXPONENTS[index]), unchecked(ARC_SIGNIFICANDS[2 * index]),
    unchecked(ARC_SIGNIFICANDS[2 * index + 1]),
  );
  addReal(to, arc, to);
}

/** to = a count / 4. */
function scaleByFourths(a: Real, count: u32, to: Real): void {
  setReal(to, 0, 63, count, 0);
  normalizeReal(to);
  to.exponent -= 2;
  multiplyReal(a, to, to);
}

/**
 * Pi as the x87 has it: 66 bits (Intel SDM 1, 8.3.8). AMD's processors have the same.
 */
const PI_66_LOW: u64 = 0xc000_0000_0000_0000;

/**
 * x = |x| mod pi / 2, between -pi / 4 and pi / 4; answers the quotient modulo 4. x has 64 bits and an
 * exponent below 63, so the rest is exact.
 */
export function reduceByQuarter(x: Real): u32 {
  x.negative = 0;
  if (x.exponent < -1) return 0;
  let high = x.high;
  let low: u64 = 0;
  let quotient: u32 = 0;
  if (x.exponent < 0) {
    low = high << 63;
    high >>= 1;
  } else {
    // A bit of the quotient a step, from the top; pi / 2 has the exponent 0.
    let over: u64 = 0;
    for (let step = x.exponent; step >= 0; step--) {
      const fits = over != 0 || high > PI_HIGH || (high == PI_HIGH && low >= PI_66_LOW);
      if (fits) {
        high -= PI_HIGH + <u64>(low < PI_66_LOW);
        low -= PI_66_LOW;
      }
      quotient = (quotient << 1) | <u32>fits;
      if (step == 0) break;
      over = high >> 63;
      high = (high << 1) | (low >> 63);
      low <<= 1;
    }
  }
  const halfHigh = PI_HIGH >> 1;
  const halfLow = (PI_HIGH << 63) | (PI_66_LOW >> 1);
  const above = high > halfHigh || (high == halfHigh && low > halfLow);
  if (above) {
    high = PI_HIGH - high - <u64>(PI_66_LOW < low);
    low = PI_66_LOW - low;
    quotient += 1;
  }
  setReal(x, <u32>above, 0, high, low);
  normalizeReal(x);
  return quotient & 3;
}

/**
 * to = 1 - x^2 / (a (a + 1)) (1 - x^2 / ((a + 2) (a + 3)) (1 - …)), up to 15 terms, for a = `first`: 1 gives
 * the cosine, 2 the sine divided by x.
 */
function evenSeries(state: ExtendedState, x: Real, first: u32, to: Real): void {
  const square = realAt(state, A);
  const sum = realAt(state, B);
  const one = realAt(state, C);
  multiplyReal(x, x, square);
  square.negative = 1;
  setOne(sum);
  for (let n = termsFor(square, 15); n != 0; n--) {
    const a = first + 2 * (n - 1);
    multiplyReal(sum, square, sum);
    divideRealSmall(sum, a * (a + 1), sum);
    setOne(one);
    addReal(sum, one, sum);
  }
  copyReal(sum, to);
}

/** to = sin x, for |x| <= pi / 4. */
function sineNear(state: ExtendedState, x: Real, to: Real): void {
  const factor = realAt(state, D);
  evenSeries(state, x, 2, factor);
  multiplyReal(x, factor, to);
}

/** to = sin of x + quarter pi / 2, for x as `reduceByQuarter` leaves it; the cosine is one quarter on. */
export function sineOfQuarter(state: ExtendedState, x: Real, quarter: u32, to: Real): void {
  if ((quarter & 1) != 0) evenSeries(state, x, 1, to);
  else sineNear(state, x, to);
  if ((quarter & 2) != 0) to.negative ^= 1;
}
