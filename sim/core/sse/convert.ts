/** Conversions between integers, singles and doubles (Intel SDM 2A, CVT...). */
import { Cpu } from "../cpu/cpu";
import {
  float32FromI64,
  float32ToFloat64,
  float32ToI32,
  float32ToI64,
  float32TruncateToI32,
  float32TruncateToI64,
} from "../float/float32";
import {
  float64FromI64,
  float64ToFloat32,
  float64ToI32,
  float64ToI64,
  float64TruncateToI32,
  float64TruncateToI64,
} from "../float/float64";
import { endLane, resultOf, Work } from "./exceptions";
import {
  OP_CVTDQ2PD,
  OP_CVTDQ2PS,
  OP_CVTPD2DQ,
  OP_CVTPD2PI,
  OP_CVTPD2PS,
  OP_CVTPI2PD,
  OP_CVTPI2PS,
  OP_CVTPS2DQ,
  OP_CVTPS2PD,
  OP_CVTPS2PI,
  OP_CVTSD2SI,
  OP_CVTSD2SS,
  OP_CVTSI2SD,
  OP_CVTSI2SS,
  OP_CVTSS2SD,
  OP_CVTSS2SI,
  OP_CVTTPD2DQ,
  OP_CVTTPD2PI,
  OP_CVTTPS2DQ,
  OP_CVTTPS2PI,
  OP_CVTTSD2SI,
  OP_CVTTSS2SI,
} from "../../spec/isa/operations.generated";

/** From the lane at y of the source format to the one at `to`. */
const DOUBLE_TO_I32: u32 = 0;
const DOUBLE_CUT_TO_I32: u32 = 1;
const SINGLE_TO_I32: u32 = 2;
const SINGLE_CUT_TO_I32: u32 = 3;
const I32_TO_DOUBLE: u32 = 4;
const I32_TO_SINGLE: u32 = 5;
const SINGLE_TO_DOUBLE: u32 = 6;
const DOUBLE_TO_SINGLE: u32 = 7;

function lane(work: Work, kind: u32, y: usize, to: usize): void {
  switch (kind) {
    case DOUBLE_TO_I32:
      return store<i32>(to, float64ToI32(work, load<u64>(y)));
    case DOUBLE_CUT_TO_I32:
      return store<i32>(to, float64TruncateToI32(work, load<u64>(y)));
    case SINGLE_TO_I32:
      return store<i32>(to, float32ToI32(work, load<u32>(y)));
    case SINGLE_CUT_TO_I32:
      return store<i32>(to, float32TruncateToI32(work, load<u32>(y)));
    case I32_TO_DOUBLE:
      return store<u64>(to, float64FromI64(work, load<i32>(y)));
    case I32_TO_SINGLE:
      return store<u32>(to, <u32>float32FromI64(work, load<i32>(y)));
    case SINGLE_TO_DOUBLE:
      return store<u64>(to, float32ToFloat64(work, load<u32>(y)));
    default:
      return store<u32>(to, float64ToFloat32(work, load<u64>(y)));
  }
}

/** So many lanes, of `from` and `into` bytes. What is behind them in the result is left as it is. */
@inline
function lanes(work: Work, kind: u32, count: u32, y: usize, from: usize, into: usize): void {
  const result = resultOf(work);
  for (let n: usize = 0; n < count; n++) {
    lane(work, kind, y + n * from, result + n * into);
    endLane(work);
  }
}

/** Conversions of vectors into the result; false when the operation is none of them. */
export function convertVector(work: Work, operation: u32, x: usize, y: usize): bool {
  switch (operation) {
    case OP_CVTPD2PI:
    case OP_CVTPD2DQ:
      lanes(work, DOUBLE_TO_I32, 2, y, 8, 4);
      return true;
    case OP_CVTTPD2PI:
    case OP_CVTTPD2DQ:
      lanes(work, DOUBLE_CUT_TO_I32, 2, y, 8, 4);
      return true;
    case OP_CVTPS2PI:
      lanes(work, SINGLE_TO_I32, 2, y, 4, 4);
      return true;
    case OP_CVTTPS2PI:
      lanes(work, SINGLE_CUT_TO_I32, 2, y, 4, 4);
      return true;
    case OP_CVTPS2DQ:
      lanes(work, SINGLE_TO_I32, 4, y, 4, 4);
      return true;
    case OP_CVTTPS2DQ:
      lanes(work, SINGLE_CUT_TO_I32, 4, y, 4, 4);
      return true;
    case OP_CVTPI2PD:
    case OP_CVTDQ2PD:
      lanes(work, I32_TO_DOUBLE, 2, y, 4, 8);
      return true;
    case OP_CVTDQ2PS:
      lanes(work, I32_TO_SINGLE, 4, y, 4, 4);
      return true;
    case OP_CVTPS2PD:
      lanes(work, SINGLE_TO_DOUBLE, 2, y, 4, 8);
      return true;
    case OP_CVTPD2PS:
      lanes(work, DOUBLE_TO_SINGLE, 2, y, 8, 4);
      return true;
    default:
      return convertLow(work, operation, x, y);
  }
}

/** Those that keep what is above in the destination. */
function convertLow(work: Work, operation: u32, x: usize, y: usize): bool {
  v128.store(resultOf(work), v128.load(x));
  switch (operation) {
    case OP_CVTPI2PS:
      lanes(work, I32_TO_SINGLE, 2, y, 4, 4);
      return true;
    case OP_CVTSS2SD:
      lanes(work, SINGLE_TO_DOUBLE, 1, y, 4, 8);
      return true;
    case OP_CVTSD2SS:
      lanes(work, DOUBLE_TO_SINGLE, 1, y, 8, 4);
      return true;
    default:
      return false;
  }
}

@inline
export function isFromInteger(operation: u32): bool {
  return operation == OP_CVTSI2SD || operation == OP_CVTSI2SS;
}

/** CVTSI2SS, CVTSI2SD: of slot b. */
export function convertFromSlot(cpu: Cpu, work: Work, operation: u32, x: usize, b: u32, wide: bool): void {
  const slot = changetype<usize>(cpu) + b;
  const value = wide ? load<i64>(slot) : <i64>load<i32>(slot);
  const result = resultOf(work);
  v128.store(result, v128.load(x));
  if (operation == OP_CVTSI2SD) store<u64>(result, float64FromI64(work, value));
  else store<u32>(result, <u32>float32FromI64(work, value));
  endLane(work);
}

@inline
export function isToInteger(operation: u32): bool {
  return (
    operation == OP_CVTSD2SI ||
    operation == OP_CVTTSD2SI ||
    operation == OP_CVTSS2SI ||
    operation == OP_CVTTSS2SI
  );
}

/** CVTSS2SI and the like: the value of the general register. */
export function convertToSlot(work: Work, operation: u32, y: usize, wide: bool): u64 {
  let value: u64 = 0;
  switch (operation) {
    case OP_CVTSD2SI: {
      const a = load<u64>(y);
      value = wide ? <u64>float64ToI64(work, a) : <u64>(<u32>float64ToI32(work, a));
      break;
    }
    case OP_CVTTSD2SI: {
      const a = load<u64>(y);
      value = wide ? <u64>float64TruncateToI64(work, a) : <u64>(<u32>float64TruncateToI32(work, a));
      break;
    }
    case OP_CVTSS2SI: {
      const a = load<u32>(y);
      value = wide ? <u64>float32ToI64(work, a) : <u64>(<u32>float32ToI32(work, a));
      break;
    }
    default: {
      const a = load<u32>(y);
      value = wide ? <u64>float32TruncateToI64(work, a) : <u64>(<u32>float32TruncateToI32(work, a));
    }
  }
  endLane(work);
  return value;
}
