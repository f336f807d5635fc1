/**
 * Linear addresses outside of 64-bit mode: base, limit, type and wrap-around of the segment (Intel SDM
 * 3A, 5.3 and 5.4; real mode 20.1.1).
 */
import { Cpu, Segment, SEGMENT_SS, segmentAt } from "../cpu/cpu";
import { in64BitMode } from "../cpu/control";
import { canonical } from "../cpu/mmu";
import {
  refuse,
  SEGMENT_BIG,
  SEGMENT_CODE,
  SEGMENT_CONFORMING,
  SEGMENT_PRESENT,
  SEGMENT_READABLE,
  SEGMENT_WRITABLE,
} from "../cpu/segments";
import {
  ADDRESS_OF_AREA,
  ADDRESS_OF_SYSTEM,
  ADDRESS_OF_X87,
  ADDRESS_WRITE,
  AREA_BYTES,
  IN_FLAT,
} from "./emitter";
import { MICRO_BYTES } from "./blocks";
import { forbidden } from "./system";
import { operationOf } from "./system-operands";
import { pendingAt } from "../x87/index";
import { CR0_PE, RFLAGS_VM, VECTOR_GP, VECTOR_SS } from "../../spec/x86";

/** Bit 2 of a data segment's type: it grows down. */
const SEGMENT_EXPAND_DOWN: u32 = SEGMENT_CONFORMING;

/**
 * Where the memory operand of the micro-op at `ip` is, `va` being the sum of its parts. In a flat segment
 * that is cut to 32 bits, and what goes on beyond them is #GP(0) (of the stack segment #SS(0), turn.ts).
 */
export function reached(cpu: Cpu, ip: usize, va: u64, bytes: u32): u64 {
  if (!(load<u8>(ip, 5) & IN_FLAT)) return va;
  const linear = va & 0xffff_ffff;
  if (linear + bytes > 0x1_0000_0000) refuse(cpu, VECTOR_GP, 0);
  return linear;
}

/** CALL_ADDRESS: T3 = the linear address of the memory operand; y as in emitter.ts. */
export function executeAddress(cpu: Cpu, ip: usize): void {
  const slots = changetype<usize>(cpu);
  const base = load<u64>(slots + <usize>load<u8>(ip, 3));
  const index = load<u64>(slots + <usize>load<u8>(ip, 4)) << (load<u8>(ip, 5) & 3);
  const y = load<u32>(ip, 12);
  if (y & ADDRESS_OF_SYSTEM) {
    const vector = forbidden(cpu, operationOf(ip + MICRO_BYTES));
    if (vector != 0) {
      refuse(cpu, vector, 0);
      return;
    }
  }
  if (y & ADDRESS_OF_X87 && pendingAt(cpu, ip + MICRO_BYTES)) return;
  const offset = base + index + <u64>load<i32>(ip, 8);
  const mask: u64 = ((y >> 16) & 0xff) == 2 ? 0xffff : 0xffff_ffff;
  const named = (y >> 8) & 0xff;
  const bytes = named == ADDRESS_OF_AREA ? AREA_BYTES : named;
  cpu.t3 = linearOf(cpu, y & 0xff, offset & mask, bytes, (y & ADDRESS_WRITE) != 0);
}

/**
 * The linear address of `bytes` bytes at `offset` in a segment, in any mode; when they may not be
 * read (or written) there, `cpu.fault` is #GP(0), or #SS(0) for the stack segment.
 */
export function linearOf(cpu: Cpu, index: u32, offset: u64, bytes: u32, write: bool): u64 {
  const segment = segmentAt(cpu, index);
  const vector: u32 = index == SEGMENT_SS ? VECTOR_SS : VECTOR_GP;
  if (in64BitMode(cpu)) {
    const linear = index < 4 ? offset : segment.base + offset;
    const last = linear + (bytes == 0 ? 0 : bytes - 1);
    if (!canonical(linear) || !canonical(last)) refuse(cpu, vector, 0);
    return linear;
  }
  if (!within(segment, <u32>offset, bytes) || !usable(cpu, segment, write)) refuse(cpu, vector, 0);
  return (segment.base + offset) & 0xffff_ffff;
}

/** Whether a segment that was read may be written, too; for stores that depend on what was loaded. */
export function mayStoreIn(cpu: Cpu, index: u32): bool {
  if (in64BitMode(cpu) || usable(cpu, segmentAt(cpu, index), true)) return true;
  return refuse(cpu, index == SEGMENT_SS ? VECTOR_SS : VECTOR_GP, 0);
}

/** Limit check; the end may not wrap around. */
function within(segment: Segment, offset: u32, bytes: u32): bool {
  const last = <u64>offset + (bytes == 0 ? 0 : bytes - 1);
  const attributes = <u32>segment.attributes;
  const down = (attributes & (SEGMENT_CODE | SEGMENT_EXPAND_DOWN)) == SEGMENT_EXPAND_DOWN;
  if (!down) return last <= <u64>segment.limit;
  const top: u64 = attributes & SEGMENT_BIG ? 0xffff_ffff : 0xffff;
  return offset > segment.limit && last <= top;
}

/** Type check (5.5); real and virtual-8086 mode know none. */
function usable(cpu: Cpu, segment: Segment, write: bool): bool {
  if (!(cpu.cr0 & CR0_PE) || cpu.rflags & RFLAGS_VM) return true;
  const attributes = <u32>segment.attributes;
  if (!(attributes & SEGMENT_PRESENT)) return false;
  if (attributes & SEGMENT_CODE) return !write && (attributes & SEGMENT_READABLE) != 0;
  return !write || (attributes & SEGMENT_WRITABLE) != 0;
}
