/**
 * Integer instructions that aren't worth a micro-op of their own: CALL_INTEGER, with the operation in
 * bits 15-0 of y, log2 of its width from bit 16 on, and slots a, b and c.
 */
import { Cpu } from "../cpu/cpu";
import { drawSeed } from "../cpu/rdseed";
import { refuse } from "../cpu/segments";
import { adjust, ascii, asciiDivide, asciiMultiply } from "./decimal";
import { divide, divideSigned, multiply, multiplySigned, multiplyWords } from "./divide";
import { bitTest, byteOffset, crc32, scanForward, scanReverse } from "./bits";
import {
  clearCarry,
  complementCarry,
  condition,
  flagAF,
  flagCF,
  flagPF,
  flagSF,
  flagZF,
  setCarry,
  setStatusFlags,
  statusFlags,
} from "./flags";
import {
  INTEGER_BIT_OFFSET,
  INTEGER_CHECK_DIRECT,
  INTEGER_CHECK_TAKEN,
  INTEGER_CHECK_TARGET,
  INTEGER_DROP,
  INTEGER_PEEK,
  INTEGER_POP,
  INTEGER_PUSH,
  INTEGER_PUSH_CONSTANT,
} from "./operations";
import { exchangeAdd, compareExchange, compareExchangeWide } from "./exchange";
import { shift, shiftDouble } from "./shifts";
import {
  checkTarget,
  enterFrame,
  leaveFrame,
  popAll,
  pushAll,
  setStackPointer,
  stackPeek,
  stackPush,
} from "./stack";
import {
  OP_AAA,
  OP_AAD,
  OP_AAM,
  OP_AAS,
  OP_BSF,
  OP_BSR,
  OP_BSWAP,
  OP_BT,
  OP_BTC,
  OP_BTR,
  OP_BTS,
  OP_CLC,
  OP_CLD,
  OP_CMC,
  OP_CMOVCC,
  OP_CMPXCHG,
  OP_CMPXCHG16B,
  OP_CMPXCHG8B,
  OP_CRC32,
  OP_CWD,
  OP_DAA,
  OP_DAS,
  OP_DIV,
  OP_ENTER,
  OP_IDIV,
  OP_IMUL,
  OP_IMUL_WIDE,
  OP_JCXZ,
  OP_LAHF,
  OP_LEAVE,
  OP_LOOP,
  OP_LOOPE,
  OP_LOOPNE,
  OP_MUL,
  OP_POPA,
  OP_POPCNT,
  OP_PUSHA,
  OP_PUSHF,
  OP_RCL,
  OP_RCR,
  OP_RDRAND,
  OP_RDSEED,
  OP_ROL,
  OP_ROR,
  OP_SAHF,
  OP_SALC,
  OP_SAR,
  OP_SHL,
  OP_SHLD,
  OP_SHR,
  OP_SHRD,
  OP_STC,
  OP_STD,
  OP_XADD,
} from "../../spec/isa/operations.generated";
import {
  RFLAGS_AF,
  RFLAGS_CF,
  RFLAGS_DF,
  RFLAGS_FIXED,
  RFLAGS_IOPL,
  RFLAGS_PF,
  RFLAGS_RF,
  RFLAGS_SF,
  RFLAGS_STATUS,
  RFLAGS_VM,
  RFLAGS_ZF,
  VECTOR_GP,
} from "../../spec/x86";

/** The value of a slot, zero-extended from `bytes` bytes. */
export function readSlot(slot: usize, bytes: u32): u64 {
  if (bytes == 1) return <u64>load<u8>(slot);
  if (bytes == 2) return <u64>load<u16>(slot);
  return bytes == 4 ? <u64>load<u32>(slot) : load<u64>(slot);
}

/** Writes a slot as a general register is written: 32 bits clear the upper half. */
export function writeSlot(slot: usize, bytes: u32, value: u64): void {
  if (bytes == 1) store<u8>(slot, <u8>value);
  else if (bytes == 2) store<u16>(slot, <u16>value);
  else store<u64>(slot, bytes == 4 ? value & 0xffff_ffff : value);
}

/** The value sign-extended from `bytes` bytes. */
@inline
export function signExtended(value: u64, bytes: u32): i64 {
  const unused: u64 = 64 - (<u64>bytes << 3);
  return <i64>(value << unused) >> unused;
}

/** Carries out CALL_INTEGER. A fault is left in `cpu.fault`; nothing has changed then. */
export function executeInteger(cpu: Cpu, ip: usize): void {
  const slots = changetype<usize>(cpu);
  const a = slots + <usize>load<u8>(ip, 2);
  const b = slots + <usize>load<u8>(ip, 3);
  const imm = load<i32>(ip, 8);
  const y = load<u32>(ip, 12);
  const operation = y & 0xffff;
  const bytes: u32 = 1 << ((y >> 16) & 15);
  switch (operation) {
    case OP_ROL:
    case OP_ROR:
    case OP_RCL:
    case OP_RCR:
    case OP_SHL:
    case OP_SHR:
    case OP_SAR:
      return shift(slots, operation, a, bytes, imm < 0 ? <u32>cpu.rcx : <u32>imm);
    case OP_SHLD:
    case OP_SHRD:
      return shiftDouble(slots, operation == OP_SHLD, a, b, bytes, imm < 0 ? <u32>cpu.rcx : <u32>imm);
    case OP_MUL:
      return multiply(cpu, bytes, readSlot(a, bytes));
    case OP_IMUL_WIDE:
      return multiplySigned(cpu, bytes, signExtended(readSlot(a, bytes), bytes));
    case OP_IMUL:
      return multiplyWords(slots, a, load<i16>(b), load<i16>(slots + <usize>load<u8>(ip, 4)));
    case OP_DIV:
      return divide(cpu, bytes, readSlot(a, bytes));
    case OP_IDIV:
      return divideSigned(cpu, bytes, signExtended(readSlot(a, bytes), bytes));
    case OP_BT:
    case OP_BTS:
    case OP_BTR:
    case OP_BTC:
      return bitTest(slots, operation, a, bytes, <u32>load<u64>(b) + <u32>imm);
    case INTEGER_BIT_OFFSET:
      return store<i64>(a, byteOffset(signExtended(readSlot(b, bytes), bytes), bytes));
    case OP_BSF:
      return scanForward(slots, a, bytes, readSlot(b, bytes));
    case OP_BSR:
      return scanReverse(slots, a, bytes, readSlot(b, bytes));
    case OP_POPCNT:
      return countBits(cpu, a, bytes, readSlot(b, bytes));
    case OP_CRC32:
      return writeSlot(a, 1 << (y >> 20), <u64>crc32(load<u32>(a), readSlot(b, bytes), bytes));
    case OP_CMPXCHG:
      return compareExchange(slots, a, b, bytes);
    case OP_XADD:
      return exchangeAdd(slots, a, b, bytes);
    case OP_CMPXCHG8B:
    case OP_CMPXCHG16B:
      return compareExchangeWide(cpu, operation == OP_CMPXCHG16B);
    case OP_BSWAP:
      return swapBytes(a, bytes);
    case OP_CWD:
      return writeSlot(slots + 16, bytes, <u64>(signExtended(cpu.rax, bytes) >> 63));
    case OP_CMOVCC:
      if (condition(slots, imm)) store<u16>(a, load<u16>(b));
      return;
    default:
      executeRest(cpu, operation, a, imm, bytes);
  }
}

/** Flags, stack, decimal arithmetic, loops, random numbers. */
function executeRest(cpu: Cpu, operation: u32, a: usize, imm: i32, bytes: u32): void {
  const slots = changetype<usize>(cpu);
  switch (operation) {
    case INTEGER_PUSH:
      return stackPush(cpu, bytes, load<u64>(a));
    case INTEGER_PUSH_CONSTANT:
      return stackPush(cpu, bytes, <u64>imm);
    case INTEGER_PEEK:
      return store<u64>(a, stackPeek(cpu, bytes));
    case INTEGER_POP:
      return popInto(cpu, a, bytes);
    case INTEGER_DROP:
      return setStackPointer(cpu, cpu.rsp + <u64>imm);
    case INTEGER_CHECK_TARGET:
      return checkTarget(cpu, load<u64>(a));
    case INTEGER_CHECK_DIRECT:
      return checkTarget(cpu, <u32>imm);
    case INTEGER_CHECK_TAKEN:
      if (load<u64>(a) != 0) checkTarget(cpu, <u32>imm);
      return;
    case OP_PUSHF:
      return pushFlags(cpu, bytes);
    case OP_PUSHA:
      return pushAll(cpu, bytes);
    case OP_POPA:
      return popAll(cpu, bytes);
    case OP_ENTER:
      return enterFrame(cpu, bytes, <u32>imm & 0xffff, <u32>imm >> 16);
    case OP_LEAVE:
      return leaveFrame(cpu, bytes);
    case OP_CLC:
      return clearCarry(slots);
    case OP_STC:
      return setCarry(slots);
    case OP_CMC:
      return complementCarry(slots);
    case OP_CLD:
      cpu.rflags &= ~(<u64>RFLAGS_DF);
      return;
    case OP_STD:
      cpu.rflags |= RFLAGS_DF;
      return;
    case OP_LAHF:
      return store<u8>(slots + 1, <u8>lowFlags(slots));
    case OP_SAHF:
      return loadLowFlags(cpu);
    case OP_SALC:
      return store<u8>(slots, flagCF(slots) ? 0xff : 0);
    case OP_LOOP:
    case OP_LOOPE:
    case OP_LOOPNE:
    case OP_JCXZ:
      return store<u64>(a, <u64>loops(cpu, operation, bytes, <u32>imm));
    case OP_DAA:
    case OP_DAS:
      return adjust(cpu, operation == OP_DAS);
    case OP_AAA:
    case OP_AAS:
      return ascii(cpu, operation == OP_AAS);
    case OP_AAM:
      return asciiDivide(cpu, <u32>imm & 0xff);
    case OP_AAD:
      return asciiMultiply(cpu, <u32>imm & 0xff);
    case OP_RDRAND:
    case OP_RDSEED:
      return draw(cpu, a, bytes);
    default:
      assert(false, "integer: no such operation");
  }
}

/** POP: RSP moves before the register is written, which may be RSP. */
function popInto(cpu: Cpu, a: usize, bytes: u32): void {
  const value = stackPeek(cpu, bytes);
  if (cpu.fault != 0) return;
  setStackPointer(cpu, cpu.rsp + bytes);
  writeSlot(a, bytes, value);
}

/** PUSHF; in virtual-8086 mode it needs an IOPL of 3 (SDM 3A, 20.2.7). */
function pushFlags(cpu: Cpu, bytes: u32): void {
  const flags = cpu.rflags;
  if (flags & RFLAGS_VM && (flags & RFLAGS_IOPL) != RFLAGS_IOPL) refuse(cpu, VECTOR_GP, 0);
  else stackPush(cpu, bytes, flagsImage(cpu));
}

/** What PUSHF pushes: VM and RF read as 0 (SDM 2B, PUSHF). */
function flagsImage(cpu: Cpu): u64 {
  const others = cpu.rflags & ~(<u64>(RFLAGS_RF | RFLAGS_VM | RFLAGS_STATUS));
  return others | statusFlags(cpu);
}

/** SF, ZF, AF, PF and CF at their places, with the fixed bit 1. */
function lowFlags(slots: usize): u32 {
  return (
    RFLAGS_FIXED |
    (flagCF(slots) * RFLAGS_CF) |
    (flagPF(slots) * RFLAGS_PF) |
    (flagAF(slots) * RFLAGS_AF) |
    (flagZF(slots) * RFLAGS_ZF) |
    (flagSF(slots) * RFLAGS_SF)
  );
}

function loadLowFlags(cpu: Cpu): void {
  const kept = statusFlags(cpu) & ~(<u64>0xff);
  setStatusFlags(cpu, kept | <u64>load<u8>(changetype<usize>(cpu), 1));
}

/** BSWAP; of 16 bits it is undefined and gives 0, as on Intel's processors. */
function swapBytes(slot: usize, bytes: u32): void {
  if (bytes == 2) return store<u16>(slot, 0);
  if (bytes == 4) return store<u64>(slot, <u64>bswap<u32>(load<u32>(slot)));
  store<u64>(slot, bswap<u64>(load<u64>(slot)));
}

/** POPCNT: ZF = there is none; the other status flags are 0. */
function countBits(cpu: Cpu, slot: usize, bytes: u32, source: u64): void {
  writeSlot(slot, bytes, popcnt(source));
  setStatusFlags(cpu, source == 0 ? RFLAGS_ZF : 0);
}

/** LOOP, LOOPE, LOOPNE count in rCX, of the address size; JCXZ looks at it. Whether they jump. */
function loops(cpu: Cpu, operation: u32, bytes: u32, target: u32): bool {
  const slots = changetype<usize>(cpu);
  const count = slots + 8;
  const before = readSlot(count, bytes);
  const counts = operation != OP_JCXZ;
  const flag = operation == OP_LOOP || flagZF(slots) == <u32>(operation == OP_LOOPE);
  const taken = counts ? before != 1 && flag : before == 0;
  if (taken) checkTarget(cpu, target);
  if (cpu.fault == 0 && counts) writeSlot(count, bytes, before - 1);
  return taken;
}

/** RDRAND and RDSEED: CF says whether there was a number; the other status flags are 0. */
function draw(cpu: Cpu, slot: usize, bytes: u32): void {
  const number = drawSeed();
  writeSlot(slot, bytes, number);
  setStatusFlags(cpu, number != 0 ? RFLAGS_CF : 0);
}
