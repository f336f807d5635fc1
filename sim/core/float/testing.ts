/**
 * Exports of sim-testing.wasm: runs one operation on many operands, for the comparison with the real
 * processor. The format of a case is in sim/host/testing/float_cases.ts.
 */
import {
  float32Add,
  float32CompareQuiet,
  float32CompareSignalling,
  float32Divide,
  float32FromI64,
  float32Matches,
  float32Maximum,
  float32Minimum,
  float32Multiply,
  float32Round,
  float32SquareRoot,
  float32Subtract,
  float32ToFloat64,
  float32ToI32,
  float32ToI64,
  float32TruncateToI32,
  float32TruncateToI64,
} from "./float32";
import {
  float64Add,
  float64CompareQuiet,
  float64CompareSignalling,
  float64Divide,
  float64FromI64,
  float64Matches,
  float64Maximum,
  float64Minimum,
  float64Multiply,
  float64Round,
  float64SquareRoot,
  float64Subtract,
  float64ToFloat32,
  float64ToI32,
  float64ToI64,
  float64TruncateToI32,
  float64TruncateToI64,
} from "./float64";
import { FloatState, roundingOf } from "./state";

/** One case: operands and control word in, result and control word with flags out. */
@unmanaged
class FloatCase {
  operation: u32;
  control: u32;
  a: u64;
  aHigh: u64;
  b: u64;
  bHigh: u64;
  result: u64;
  resultHigh: u64;
  out: u32;
  reserved: u32;
}

/** Runs `count` cases at `at`. */
export function floatRun(at: usize, count: u32): void {
  for (let index: u32 = 0; index < count; index++) {
    const one = changetype<FloatCase>(at + index * offsetof<FloatCase>());
    const state = changetype<FloatState>(changetype<usize>(one) + offsetof<FloatCase>("out"));
    state.word = one.control;
    const width = one.operation >> 8;
    one.result = width == 64 ? run64(one, state) : run32(one, state);
  }
}

function run64(one: FloatCase, state: FloatState): u64 {
  const a = one.a;
  const b = one.b;
  switch (one.operation & 0xff) {
    case 0:
      return float64Add(state, a, b);
    case 1:
      return float64Subtract(state, a, b);
    case 2:
      return float64Multiply(state, a, b);
    case 3:
      return float64Divide(state, a, b);
    case 4:
      return float64SquareRoot(state, b);
    case 5:
      return float64Minimum(state, a, b);
    case 6:
      return float64Maximum(state, a, b);
    case 7:
      return float64CompareQuiet(state, a, b);
    case 8:
      return float64CompareSignalling(state, a, b);
    case 9:
      return <u64>float64ToI32(state, b) & 0xffff_ffff;
    case 10:
      return float64ToI64(state, b);
    case 11:
      return <u64>float64TruncateToI32(state, b) & 0xffff_ffff;
    case 12:
      return float64TruncateToI64(state, b);
    case 13:
      return float64FromI64(state, b);
    case 14:
      return float64ToFloat32(state, b);
    case 15:
      return float64Round(state, b, roundingOf(state), false);
    case 16:
      return float64Round(state, b, 1, true);
    default:
      return float64Matches(state, a, b, (one.operation & 0xff) - 24) ? <u64>-1 : 0;
  }
}

function run32(one: FloatCase, state: FloatState): u64 {
  const a = <u32>one.a;
  const b = <u32>one.b;
  switch (one.operation & 0xff) {
    case 0:
      return float32Add(state, a, b);
    case 1:
      return float32Subtract(state, a, b);
    case 2:
      return float32Multiply(state, a, b);
    case 3:
      return float32Divide(state, a, b);
    case 4:
      return float32SquareRoot(state, b);
    case 5:
      return float32Minimum(state, a, b);
    case 6:
      return float32Maximum(state, a, b);
    case 7:
      return float32CompareQuiet(state, a, b);
    case 8:
      return float32CompareSignalling(state, a, b);
    case 9:
      return <u64>float32ToI32(state, b) & 0xffff_ffff;
    case 10:
      return float32ToI64(state, b);
    case 11:
      return <u64>float32TruncateToI32(state, b) & 0xffff_ffff;
    case 12:
      return float32TruncateToI64(state, b);
    case 13:
      return float32FromI64(state, one.b);
    case 14:
      return float32ToFloat64(state, b);
    case 15:
      return float32Round(state, b, roundingOf(state), false);
    case 16:
      return float32Round(state, b, 1, true);
    default:
      return float32Matches(state, a, b, (one.operation & 0xff) - 24) ? 0xffff_ffff : 0;
  }
}
