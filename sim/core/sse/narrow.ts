/** Instructions that are not the low half of the wide ones on MMX registers: what moves lanes. */
import { aligned } from "./permute";
import { packed } from "./packed.generated";
import {
  OP_PACKSSDW,
  OP_PACKSSWB,
  OP_PACKUSWB,
  OP_PALIGNR,
  OP_PHADDD,
  OP_PHADDSW,
  OP_PHADDW,
  OP_PHSUBD,
  OP_PHSUBSW,
  OP_PHSUBW,
  OP_PSHUFB,
  OP_PUNPCKHBW,
  OP_PUNPCKHDQ,
  OP_PUNPCKHWD,
  OP_PUNPCKLBW,
  OP_PUNPCKLDQ,
  OP_PUNPCKLWD,
} from "../../spec/isa/operations.generated";

export function isNarrow(operation: u32): bool {
  switch (operation) {
    case OP_PACKSSWB:
    case OP_PACKSSDW:
    case OP_PACKUSWB:
    case OP_PHADDW:
    case OP_PHADDD:
    case OP_PHADDSW:
    case OP_PHSUBW:
    case OP_PHSUBD:
    case OP_PHSUBSW:
    case OP_PUNPCKHBW:
    case OP_PUNPCKHWD:
    case OP_PUNPCKHDQ:
    case OP_PSHUFB:
    case OP_PALIGNR:
      return true;
    default:
      return false;
  }
}

/** The upper half, where the lower one was. */
@inline
function upper(x: v128): v128 {
  return v128.shuffle<i64>(x, x, 1, 1);
}

/** Their result in the lower half. */
export function packedNarrow(operation: u32, x: v128, y: v128, n: u32): v128 {
  switch (operation) {
    case OP_PUNPCKHBW:
      return upper(packed(OP_PUNPCKLBW, x, y, n));
    case OP_PUNPCKHWD:
      return upper(packed(OP_PUNPCKLWD, x, y, n));
    case OP_PUNPCKHDQ:
      return upper(packed(OP_PUNPCKLDQ, x, y, n));
    case OP_PSHUFB:
      return packed(operation, x, v128.and(y, i8x16.splat(<i8>0x87)), n);
    case OP_PALIGNR:
      return aligned(i64x2.splat(0), v128.shuffle<i64>(y, x, 0, 2), n);
    default: {
      const both = v128.shuffle<i64>(x, y, 0, 2);
      return packed(operation, both, both, n);
    }
  }
}
