/** Stacks of inner privilege levels, which the TSS names (Intel SDM 3A, 5.8.5, 7.2.1, 7.7). */
import { Cpu, SEGMENT_SS, SEGMENT_TR, segmentAt } from "./cpu";
import { ACCESS_SYSTEM, canonical, loadLinear } from "./mmu";
import {
  attributesOf,
  privilegeOf,
  readDescriptor,
  refuse,
  SEGMENT_CODE,
  SEGMENT_PRESENT,
  SEGMENT_USER,
  SEGMENT_WRITABLE,
  setPrivilege,
  setSegment,
} from "./segments";
import { VECTOR_GP, VECTOR_SS, VECTOR_TS } from "../../spec/x86";

/** Bit 3 of a TSS's type: it is a 32-bit TSS, or a 64-bit one. */
const TASK_WIDE: u32 = 8;

/** A stack pointer of a 64-bit TSS, `offset` bytes from its beginning; 0 after a fault. */
export function taskPointer(cpu: Cpu, offset: u32): u64 {
  const task = segmentAt(cpu, SEGMENT_TR);
  if (!(task.attributes & SEGMENT_PRESENT) || offset + 7 > task.limit) {
    refuse(cpu, VECTOR_TS, <u32>task.selector & 0xfffc);
    return 0;
  }
  const stack = loadLinear(cpu, task.base + offset, 8, ACCESS_SYSTEM);
  if (cpu.fault == 0 && !canonical(stack)) refuse(cpu, VECTOR_SS, 0);
  return stack;
}

/**
 * Goes to the stack that a 16- or 32-bit TSS has for `level`, and to that level (SDM 2A, CALL and
 * INT n, "inter-privilege-level"). False after a fault.
 */
export function enterInnerStack(cpu: Cpu, level: u32): bool {
  const task = segmentAt(cpu, SEGMENT_TR);
  const wide = (task.attributes & TASK_WIDE) != 0;
  const bytes: u32 = wide ? 4 : 2;
  const at = bytes + level * 2 * bytes;
  if (!(task.attributes & SEGMENT_PRESENT) || at + bytes + 1 > task.limit)
    return refuse(cpu, VECTOR_TS, <u32>task.selector & 0xfffc);
  const pointer = loadLinear(cpu, task.base + at, bytes, ACCESS_SYSTEM);
  if (cpu.fault != 0) return false;
  const selector = <u32>loadLinear(cpu, task.base + at + bytes, 2, ACCESS_SYSTEM);
  if (cpu.fault != 0) return false;
  const error = selector & 0xfffc;
  if (error == 0) return refuse(cpu, VECTOR_TS, 0);
  const descriptor = readDescriptor(cpu, selector);
  if (cpu.fault == VECTOR_GP) return refuse(cpu, VECTOR_TS, error);
  if (cpu.fault != 0) return false;
  const attributes = attributesOf(descriptor);
  const kind = attributes & (SEGMENT_USER | SEGMENT_CODE | SEGMENT_WRITABLE);
  const writable = kind == (SEGMENT_USER | SEGMENT_WRITABLE);
  if (!writable || (selector & 3) != level || privilegeOf(attributes) != level)
    return refuse(cpu, VECTOR_TS, error);
  if (!(attributes & SEGMENT_PRESENT)) return refuse(cpu, VECTOR_SS, error);
  if (!setSegment(cpu, SEGMENT_SS, selector, descriptor)) return false;
  setPrivilege(cpu, level);
  cpu.rsp = pointer;
  return true;
}
