/**
 * PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM (Intel SDM 2B, 4.1). The immediate:
 *
 *   bit 6 last match, or mask of whole elements | 5-4 polarity | 3-2 aggregation | 1 signed | 0 words
 */
import { Cpu } from "../cpu/cpu";
import { setStatusFlags } from "../engine/flags";
import { wordMask } from "./permute";
import { unitAt } from "./unit";
import { RFLAGS_CF, RFLAGS_OF, RFLAGS_SF, RFLAGS_ZF } from "../../spec/x86";
import {
  OP_PCMPESTRI,
  OP_PCMPESTRM,
  OP_PCMPISTRI,
} from "../../spec/isa/operations.generated";

const WORDS: u32 = 1;
const SIGNED: u32 = 2;
const AGGREGATION_SHIFT: u32 = 2;
const EQUAL_ANY: u32 = 0;
const RANGES: u32 = 1;
const EQUAL_EACH: u32 = 2;
const NEGATIVE: u32 = 0x10;
const MASKED: u32 = 0x20;
const LAST_OR_WHOLE: u32 = 0x40;
const UNIT_XMM0: u32 = 10;
/** REX.W in a micro-op's s (emit.ts). */
const WIDE: u32 = 0x10;

/** Element `index`, extended as the immediate says. */
function element(at: usize, index: u32, format: u32): i32 {
  switch (format & (WORDS | SIGNED)) {
    case 0:
      return load<u8>(at + index);
    case WORDS:
      return load<u16>(at + (<usize>index << 1));
    case SIGNED:
      return load<i8>(at + index);
    default:
      return load<i16>(at + (<usize>index << 1));
  }
}

/** Elements in front of the first that is zero. */
function implicitLength(at: usize, count: u32, format: u32): u32 {
  let length: u32 = 0;
  while (length < count && element(at, length, format) != 0) length += 1;
  return length;
}

/** |RAX| or |RDX|, or their halves, but no more than fit. */
function explicitLength(register: u64, wide: bool, count: u32): u32 {
  const signed = wide ? <i64>register : <i64>(<i32>register);
  const length = signed < 0 ? <u64>0 - <u64>signed : <u64>signed;
  return <u32>min<u64>(length, count);
}

/** The bit of b's element j for a set of characters, or of ranges, in a. */
function among(a: usize, lengthA: u32, value: i32, n: u32): bool {
  const ranges = ((n >> AGGREGATION_SHIFT) & 3) == RANGES;
  for (let i: u32 = 0; i < lengthA; i++) {
    const low = element(a, i, n);
    if (!ranges && low == value) return true;
    if (!ranges) continue;
    i += 1;
    if (i < lengthA && low <= value && value <= element(a, i, n)) return true;
  }
  return false;
}

/** Whether a, as far as it fits, is in b from element j on. */
function occursAt(a: usize, lengthA: u32, b: usize, lengthB: u32, j: u32, count: u32, n: u32): bool {
  for (let i: u32 = 0; i < lengthA && j + i < count; i++) {
    if (j + i >= lengthB || element(a, i, n) != element(b, j + i, n)) return false;
  }
  return true;
}

/** A bit for each element of b, before the polarity. */
function compared(a: usize, lengthA: u32, b: usize, lengthB: u32, count: u32, n: u32): u32 {
  const aggregation = (n >> AGGREGATION_SHIFT) & 3;
  let bits: u32 = 0;
  for (let j: u32 = 0; j < count; j++) {
    let bit = false;
    if (aggregation == EQUAL_ANY || aggregation == RANGES)
      bit = j < lengthB && among(a, lengthA, element(b, j, n), n);
    else if (aggregation == EQUAL_EACH)
      bit =
        j < lengthA && j < lengthB
          ? element(a, j, n) == element(b, j, n)
          : j >= lengthA && j >= lengthB;
    else bit = occursAt(a, lengthA, b, lengthB, j, count, n);
    if (bit) bits |= 1 << j;
  }
  return bits;
}

export function stringCompare(cpu: Cpu, ip: usize, operation: u32): void {
  const a = unitAt(cpu, load<u8>(ip, 2));
  const b = unitAt(cpu, load<u8>(ip, 3));
  const n = <u32>load<u8>(ip, 8);
  const wide = (load<u8>(ip, 5) & WIDE) != 0;
  const count: u32 = n & WORDS ? 8 : 16;
  const explicit = operation == OP_PCMPESTRI || operation == OP_PCMPESTRM;
  const lengthA = explicit ? explicitLength(cpu.rax, wide, count) : implicitLength(a, count, n);
  const lengthB = explicit ? explicitLength(cpu.rdx, wide, count) : implicitLength(b, count, n);
  let bits = compared(a, lengthA, b, lengthB, count, n);
  const all = (<u32>1 << count) - 1;
  if (n & NEGATIVE) bits ^= n & MASKED ? (<u32>1 << lengthB) - 1 : all;
  if (operation == OP_PCMPESTRI || operation == OP_PCMPISTRI) {
    const found = n & LAST_OR_WHOLE ? 31 - <u32>clz(bits) : <u32>ctz(bits);
    cpu.rcx = bits == 0 ? count : found;
  } else storeMask(cpu, bits, n);
  let flags: u32 = bits != 0 ? RFLAGS_CF : 0;
  if (lengthB < count) flags |= RFLAGS_ZF;
  if (lengthA < count) flags |= RFLAGS_SF;
  if (bits & 1) flags |= RFLAGS_OF;
  setStatusFlags(cpu, flags);
}

/** XMM0 = the bits, or elements of ones for them. */
function storeMask(cpu: Cpu, bits: u32, n: u32): void {
  let mask = i64x2(<i64>bits, 0);
  if (n & LAST_OR_WHOLE) {
    const words = wordMask(bits & 0xff);
    mask = n & WORDS ? words : i8x16.narrow_i16x8_s(words, wordMask(bits >> 8));
  }
  v128.store(unitAt(cpu, UNIT_XMM0), mask);
}
