/** Arithmetic lane by lane: sums, products, roots, minimum and maximum, comparisons, rounding. */
import {
  float32Add,
  float32Divide,
  float32Matches,
  float32Maximum,
  float32Minimum,
  float32Multiply,
  float32Round,
  float32SquareRoot,
  float32Subtract,
} from "../float/float32";
import {
  float64Add,
  float64Divide,
  float64Matches,
  float64Maximum,
  float64Minimum,
  float64Multiply,
  float64Round,
  float64SquareRoot,
  float64Subtract,
} from "../float/float64";
import { roundingOf } from "../float/state";
import { endLane, resultOf, Work } from "./exceptions";
import { approximate } from "./approximate";

/** What is done in a lane; the first seven in the order of the description's table (isa/sse.ts). */
export const KIND_SQRT: u32 = 0;
export const KIND_ADD: u32 = 1;
export const KIND_MUL: u32 = 2;
export const KIND_SUB: u32 = 3;
export const KIND_MIN: u32 = 4;
export const KIND_DIV: u32 = 5;
export const KIND_MAX: u32 = 6;
export const KIND_COMPARE: u32 = 7;
export const KIND_ROUND: u32 = 8;
export const KIND_RSQRT: u32 = 9;
export const KIND_RCP: u32 = 10;

/** ROUNDPS and the like: bits of the immediate. */
export const ROUND_BY_MXCSR: u32 = 4;
export const ROUND_QUIETLY: u32 = 8;

function lane64(work: Work, kind: u32, a: u64, b: u64, n: u32): u64 {
  switch (kind) {
    case KIND_SQRT:
      return float64SquareRoot(work, b);
    case KIND_ADD:
      return float64Add(work, a, b);
    case KIND_MUL:
      return float64Multiply(work, a, b);
    case KIND_SUB:
      return float64Subtract(work, a, b);
    case KIND_MIN:
      return float64Minimum(work, a, b);
    case KIND_DIV:
      return float64Divide(work, a, b);
    case KIND_MAX:
      return float64Maximum(work, a, b);
    case KIND_COMPARE:
      return float64Matches(work, a, b, n & 7) ? u64.MAX_VALUE : 0;
    default:
      return float64Round(work, b, rounding(work, n), (n & ROUND_QUIETLY) != 0);
  }
}

function lane32(work: Work, kind: u32, a: u32, b: u32, n: u32): u32 {
  switch (kind) {
    case KIND_SQRT:
      return <u32>float32SquareRoot(work, b);
    case KIND_ADD:
      return <u32>float32Add(work, a, b);
    case KIND_MUL:
      return <u32>float32Multiply(work, a, b);
    case KIND_SUB:
      return <u32>float32Subtract(work, a, b);
    case KIND_MIN:
      return <u32>float32Minimum(work, a, b);
    case KIND_DIV:
      return <u32>float32Divide(work, a, b);
    case KIND_MAX:
      return <u32>float32Maximum(work, a, b);
    case KIND_COMPARE:
      return float32Matches(work, a, b, n & 7) ? u32.MAX_VALUE : 0;
    case KIND_ROUND:
      return <u32>float32Round(work, b, rounding(work, n), (n & ROUND_QUIETLY) != 0);
    default:
      return approximate(b, kind == KIND_RSQRT);
  }
}

@inline
function rounding(work: Work, n: u32): u32 {
  return n & ROUND_BY_MXCSR ? roundingOf(work) : n & 3;
}

/** `lanes` doubles of x and y; lanes of the result beyond them are those of x. */
export function doubles(work: Work, kind: u32, lanes: u32, x: usize, y: usize, n: u32): void {
  const result = resultOf(work);
  v128.store(result, v128.load(x));
  for (let at: u32 = 0; at < lanes * 8; at += 8) {
    store<u64>(result + at, lane64(work, kind, load<u64>(x + at), load<u64>(y + at), n));
    endLane(work);
  }
}

export function singles(work: Work, kind: u32, lanes: u32, x: usize, y: usize, n: u32): void {
  const result = resultOf(work);
  v128.store(result, v128.load(x));
  for (let at: u32 = 0; at < lanes * 4; at += 4) {
    store<u32>(result + at, lane32(work, kind, load<u32>(x + at), load<u32>(y + at), n));
    endLane(work);
  }
}

/** HADD, HSUB: pairs of x, then of y; ADDSUB: even lanes are subtracted. */
export const HORIZONTAL_ADD: u32 = 0;
export const HORIZONTAL_SUB: u32 = 1;

export function horizontalDoubles(work: Work, shape: u32, x: usize, y: usize): void {
  const result = resultOf(work);
  for (let lane: u32 = 0; lane < 2; lane++) {
    const pair = lane == 0 ? x : y;
    const between = shape > HORIZONTAL_SUB;
    const a = load<u64>(between ? x + (lane << 3) : pair);
    const b = load<u64>(between ? y + (lane << 3) : pair + 8);
    const adds = between ? lane == 1 : shape == HORIZONTAL_ADD;
    store<u64>(result + (lane << 3), adds ? float64Add(work, a, b) : float64Subtract(work, a, b));
    endLane(work);
  }
}

export function horizontalSingles(work: Work, shape: u32, x: usize, y: usize): void {
  const result = resultOf(work);
  for (let lane: u32 = 0; lane < 4; lane++) {
    const pair = (lane < 2 ? x : y) + ((lane & 1) << 3);
    const between = shape > HORIZONTAL_SUB;
    const a = load<u32>(between ? x + (lane << 2) : pair);
    const b = load<u32>(between ? y + (lane << 2) : pair + 4);
    const adds = between ? (lane & 1) == 1 : shape == HORIZONTAL_ADD;
    const value = adds ? float32Add(work, a, b) : float32Subtract(work, a, b);
    store<u32>(result + (lane << 2), <u32>value);
    endLane(work);
  }
}
