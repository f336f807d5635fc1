/** ModR/M, SIB and displacement (Intel SDM 2A, 2.1.3 to 2.1.5 and tables 2-1 to 2-3). */
import { segmentOfPrefix } from "./prefixes";
import { BASE_RIP, CODE_64, Instruction, NO_REGISTER } from "./instruction";
import { FORM_MOD_IGNORED } from "../../spec/isa/conditions";

const SEGMENT_SS: u32 = 2;
const SEGMENT_DS: u32 = 3;

const RBX: u32 = 3;
const RSP: u32 = 4;
const RBP: u32 = 5;
const RSI: u32 = 6;
const RDI: u32 = 7;

const REX_R: u32 = 4;
const REX_X: u32 = 2;
const REX_B: u32 = 1;

/** Splits ModR/M into `reg` and `rm`, or reads the memory operand; false when bytes are missing. */
export function readAddress(at: usize, limit: u32, mode: u32, flags: u32, into: Instruction): bool {
  const mod = into.modrm >> 6;
  const low = into.modrm & 7;
  into.reg = ((into.modrm >> 3) & 7) | ((into.rex & REX_R) << 1);
  if (mod == 3 || (flags & FORM_MOD_IGNORED) != 0) {
    into.rm = low | ((into.rex & REX_B) << 3);
    return true;
  }
  into.memory = 1;
  if (into.addressBytes == 2) return readAddress16(at, limit, mod, low, into);
  let displaced: u32 = mod == 1 ? 1 : mod == 2 ? 4 : 0;
  if (low == RSP) {
    if (into.length >= limit) return false;
    readSib(load<u8>(at + into.length++), mod, into);
    if (into.base == NO_REGISTER) displaced = 4;
  } else if (mod == 0 && low == RBP) {
    into.base = mode == CODE_64 ? BASE_RIP : NO_REGISTER;
    displaced = 4;
  } else {
    into.base = low | ((into.rex & REX_B) << 3);
  }
  setSegment(into.base == RSP || into.base == RBP, into);
  return readDisplacement(at, limit, displaced, into);
}

/** An index of 4 is none, unless REX.X makes it R12; a base of 5 with mod 0 is none, even with REX.B. */
function readSib(sib: u32, mod: u32, into: Instruction): void {
  const index = ((sib >> 3) & 7) | ((into.rex & REX_X) << 2);
  const base = sib & 7;
  if (index != RSP) {
    into.index = index;
    into.scale = sib >> 6;
  }
  if (mod != 0 || base != RBP) into.base = base | ((into.rex & REX_B) << 3);
}

/** BX+SI, BX+DI, BP+SI, BP+DI, SI, DI, BP or an offset, BX. */
function readAddress16(at: usize, limit: u32, mod: u32, low: u32, into: Instruction): bool {
  const plain = mod == 0 && low == 6;
  if (low < 4) {
    into.base = low < 2 ? RBX : RBP;
    into.index = (low & 1) == 0 ? RSI : RDI;
  } else if (!plain) {
    into.base = low == 4 ? RSI : low == 5 ? RDI : low == 6 ? RBP : RBX;
  }
  setSegment(into.base == RBP, into);
  return readDisplacement(at, limit, mod == 1 ? 1 : mod == 2 || plain ? 2 : 0, into);
}

/** The offset of an O operand has the address size, 8 bytes in 64-bit mode (SDM 2A, 2.2.1.4). */
export function readOffset(at: usize, limit: u32, into: Instruction): bool {
  const bytes = into.addressBytes;
  into.memory = 1;
  setSegment(false, into);
  if (!readDisplacement(at, limit, bytes, into)) return false;
  if (bytes == 2) into.displacement &= 0xffff;
  if (bytes == 4) into.displacement &= 0xffff_ffff;
  return true;
}

/** The segment of a memory operand or of DS:rSI. */
@inline
export function setSegment(stack: bool, into: Instruction): void {
  const prefix = into.segmentPrefix;
  into.segment = prefix != 0 ? segmentOfPrefix(prefix) : stack ? SEGMENT_SS : SEGMENT_DS;
}

function readDisplacement(at: usize, limit: u32, bytes: u32, into: Instruction): bool {
  const from = at + into.length;
  if (into.length + bytes > limit) return false;
  into.length += bytes;
  if (bytes == 1) into.displacement = load<i8>(from);
  else if (bytes == 2) into.displacement = load<i16>(from);
  else if (bytes == 4) into.displacement = load<i32>(from);
  else if (bytes == 8) into.displacement = load<i64>(from);
  return true;
}
