/** Between vectors and general registers, by lane; choices by XMM0; PTEST. */
import { Cpu } from "../cpu/cpu";
import { setStatusFlags } from "../engine/flags";
import { stringCompare } from "./strings";
import { unitAt } from "./unit";
import { RFLAGS_CF, RFLAGS_ZF } from "../../spec/x86";
import {
  OP_BLENDVPD,
  OP_BLENDVPS,
  OP_EXTRACTPS,
  OP_PBLENDVB,
  OP_PCMPESTRI,
  OP_PCMPESTRM,
  OP_PCMPISTRI,
  OP_PCMPISTRM,
  OP_PEXTRB,
  OP_PEXTRD,
  OP_PEXTRQ,
  OP_PEXTRW,
  OP_PINSRB,
  OP_PINSRD,
  OP_PINSRQ,
  OP_PINSRW,
  OP_PMOVMSKB,
  OP_PTEST,
} from "../../spec/isa/operations.generated";

const UNIT_XMM0: u32 = 10;

/** Executes one of them; false when it is none. */
export function executeLane(cpu: Cpu, ip: usize, operation: u32): bool {
  const a = load<u8>(ip, 2);
  const b = load<u8>(ip, 3);
  const n = <u32>load<u8>(ip, 8);
  const last: u32 = load<u8>(ip, 4) - 1;
  switch (operation) {
    case OP_PINSRB:
      insert<u8>(cpu, a, b, n & 15);
      return true;
    case OP_PINSRW:
      insert<u16>(cpu, a, b, n & (last >> 1));
      return true;
    case OP_PINSRD:
      insert<u32>(cpu, a, b, n & 3);
      return true;
    case OP_PINSRQ:
      insert<u64>(cpu, a, b, n & 1);
      return true;
    case OP_PEXTRB:
      extract<u8>(cpu, a, b, n & 15);
      return true;
    case OP_PEXTRW:
      extract<u16>(cpu, a, b, n & (last >> 1));
      return true;
    case OP_PEXTRD:
    case OP_EXTRACTPS:
      extract<u32>(cpu, a, b, n & 3);
      return true;
    case OP_PEXTRQ:
      extract<u64>(cpu, a, b, n & 1);
      return true;
    case OP_PMOVMSKB: {
      const bits = <u32>i8x16.bitmask(v128.load(unitAt(cpu, b)));
      storeSlot(cpu, a, bits & ((1 << (last + 1)) - 1));
      return true;
    }
    case OP_PBLENDVB:
      blend(cpu, a, b, i8x16.shr_s(v128.load(unitAt(cpu, UNIT_XMM0)), 7));
      return true;
    case OP_BLENDVPS:
      blend(cpu, a, b, i32x4.shr_s(v128.load(unitAt(cpu, UNIT_XMM0)), 31));
      return true;
    case OP_BLENDVPD:
      blend(cpu, a, b, i64x2.shr_s(v128.load(unitAt(cpu, UNIT_XMM0)), 63));
      return true;
    case OP_PTEST:
      test(cpu, a, b);
      return true;
    case OP_PCMPESTRM:
    case OP_PCMPESTRI:
    case OP_PCMPISTRM:
    case OP_PCMPISTRI:
      stringCompare(cpu, ip, operation);
      return true;
    default:
      return false;
  }
}

@inline
function storeSlot(cpu: Cpu, slot: u32, value: u64): void {
  store<u64>(changetype<usize>(cpu) + slot, value);
}

/** Lane `index` of a = the low part of slot b. */
@inline
function insert<T>(cpu: Cpu, a: u32, b: u32, index: u32): void {
  const value = load<T>(changetype<usize>(cpu) + b);
  store<T>(unitAt(cpu, a) + <usize>index * sizeof<T>(), value);
}

/** Slot a = lane `index` of b, zero-extended. */
@inline
function extract<T>(cpu: Cpu, a: u32, b: u32, index: u32): void {
  storeSlot(cpu, a, <u64>load<T>(unitAt(cpu, b) + <usize>index * sizeof<T>()));
}

@inline
function blend(cpu: Cpu, a: u32, b: u32, mask: v128): void {
  const to = unitAt(cpu, a);
  v128.store(to, v128.bitselect(v128.load(unitAt(cpu, b)), v128.load(to), mask));
}

/** PTEST: ZF when a and b have no bit in common, CF when b has none that a hasn't. */
function test(cpu: Cpu, a: u32, b: u32): void {
  const x = v128.load(unitAt(cpu, a));
  const y = v128.load(unitAt(cpu, b));
  const zero: u32 = v128.any_true(v128.and(x, y)) ? 0 : RFLAGS_ZF;
  const carry: u32 = v128.any_true(v128.andnot(y, x)) ? 0 : RFLAGS_CF;
  setStatusFlags(cpu, zero | carry);
}
