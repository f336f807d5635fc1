/** CMPXCHG, CMPXCHG8B, CMPXCHG16B, XADD (Intel SDM 2A-2B). LOCK needs nothing: CPUs take turns. */
import { Cpu } from "../cpu/cpu";
import { FAULT_PROTECTION, loadSlow, modifyBegin, modifyEnd, storeSlow, writable } from "./access";
import { add, cmp } from "./alu";
import { setStatusFlags, statusFlags } from "./flags";
import { readSlot, writeSlot } from "./integer";
import { RFLAGS_ZF } from "../../spec/x86";

/** Flags of x - y. */
export function compareFlags(cpu: usize, x: u64, y: u64, bytes: u32): void {
  if (bytes == 1) cmp<i8, u8>(cpu, <i8>x, <i8>y);
  else if (bytes == 2) cmp<i16, u16>(cpu, <i16>x, <i16>y);
  else if (bytes == 4) cmp<i32, u32>(cpu, <i32>x, <i32>y);
  else cmp<i64, u64>(cpu, <i64>x, <i64>y);
}

/**
 * With rAX equal to a, a becomes b; else rAX becomes a. What doesn't change stays whole: of two equal
 * 32-bit values rAX, and of different ones a, whose upper half processors don't clear.
 */
export function compareExchange(cpu: usize, a: usize, b: usize, bytes: u32): void {
  const value = readSlot(a, bytes);
  const accumulator = readSlot(cpu, bytes);
  compareFlags(cpu, accumulator, value, bytes);
  if (accumulator == value) return writeSlot(a, bytes, readSlot(b, bytes));
  writeSlot(cpu, bytes, value);
}

/** a becomes the sum, b what a was; when both are one register, it is the sum. */
export function exchangeAdd(cpu: usize, a: usize, b: usize, bytes: u32): void {
  const x = readSlot(a, bytes);
  const y = readSlot(b, bytes);
  writeSlot(b, bytes, x);
  writeSlot(a, bytes, x + y);
  // Flags of x + y: those of (x + y) - y, with the carries of the sum.
  sumFlags(cpu, x, y, bytes);
}

/** Flags of a sum, worked out on a temporary. */
function sumFlags(cpu: usize, x: u64, y: u64, bytes: u32): void {
  const slot = cpu + offsetof<Cpu>("t1");
  store<u64>(slot, x);
  if (bytes == 1) add<i8, u8>(cpu, slot, <i8>y);
  else if (bytes == 2) add<i16, u16>(cpu, slot, <i16>y);
  else if (bytes == 4) add<i32, u32>(cpu, slot, <i32>y);
  else add<i64, u64>(cpu, slot, <i64>y);
}

/** The operand's linear address is in T3. Memory is written either way; only ZF changes. */
export function compareExchangeWide(cpu: Cpu, sixteen: bool): void {
  const va = cpu.t3;
  let equal: bool;
  if (sixteen) {
    if ((va & 15) != 0) {
      cpu.fault = FAULT_PROTECTION;
      return;
    }
    if (!writable(cpu, va, 16)) return;
    const low = loadSlow(cpu, va, 8);
    const high = loadSlow(cpu, va + 8, 8);
    equal = low == cpu.rax && high == cpu.rdx;
    storeSlow(cpu, va, 8, equal ? cpu.rbx : low);
    storeSlow(cpu, va + 8, 8, equal ? cpu.rcx : high);
    if (!equal) {
      cpu.rax = low;
      cpu.rdx = high;
    }
  } else {
    const value = modifyBegin(cpu, va, 8);
    if (cpu.fault != 0) return;
    equal = value == ((cpu.rdx << 32) | (cpu.rax & 0xffff_ffff));
    modifyEnd(8, equal ? (cpu.rcx << 32) | (cpu.rbx & 0xffff_ffff) : value);
    if (!equal) {
      cpu.rax = value & 0xffff_ffff;
      cpu.rdx = value >> 32;
    }
  }
  const others = statusFlags(cpu) & ~(<u64>RFLAGS_ZF);
  setStatusFlags(cpu, equal ? others | RFLAGS_ZF : others);
}
