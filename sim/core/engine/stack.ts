/**
 * The stack as all modes have it: width of the pointer by the mode or SS.B, limit of SS (Intel SDM 1,
 * 6.2). Pushes and pops of quadwords in 64-bit mode are micro-ops of their own.
 */
import { Cpu, SEGMENT_CS, SEGMENT_SS, segmentAt } from "../cpu/cpu";
import { in64BitMode } from "../cpu/control";
import { refuse, SEGMENT_BIG } from "../cpu/segments";
import { FAULT_AGAIN, FAULT_ALONE, loadSlow, readable, storeSlow, writable } from "./access";
import { linearOf } from "./address";
import { VECTOR_GP } from "../../spec/x86";

/** Bits of rSP that the stack uses. */
export function stackMask(cpu: Cpu): u64 {
  if (in64BitMode(cpu)) return ~(<u64>0);
  return segmentAt(cpu, SEGMENT_SS).attributes & SEGMENT_BIG ? 0xffff_ffff : 0xffff;
}

/** Sets the stack pointer; with 16 bits the rest of rSP stays, with 32 the upper half goes. */
export function setStackPointer(cpu: Cpu, value: u64): void {
  const mask = stackMask(cpu);
  cpu.rsp = mask == 0xffff ? (cpu.rsp & ~mask) | (value & mask) : value & mask;
}

export function stackPush(cpu: Cpu, bytes: u32, value: u64): void {
  const top = (cpu.rsp - bytes) & stackMask(cpu);
  const linear = linearOf(cpu, SEGMENT_SS, top, bytes, true);
  if (cpu.fault == 0) storeSlow(cpu, linear, bytes, value);
  if (cpu.fault == 0) setStackPointer(cpu, top);
}

/** The value `offset` bytes above the top. */
export function stackPeek(cpu: Cpu, bytes: u32, offset: u32 = 0): u64 {
  const linear = linearOf(cpu, SEGMENT_SS, (cpu.rsp + offset) & stackMask(cpu), bytes, false);
  return cpu.fault == 0 ? loadSlow(cpu, linear, bytes) : 0;
}

/** Outside of 64-bit mode a near branch must stay below the limit of CS (SDM 2A, JMP). */
export function checkTarget(cpu: Cpu, target: u64): void {
  if (target > <u64>segmentAt(cpu, SEGMENT_CS).limit) refuse(cpu, VECTOR_GP, 0);
}

/** Linear address of what the push after `n` others writes. */
function pushed(cpu: Cpu, n: u32, bytes: u32): u64 {
  const top = (cpu.rsp - (n + 1) * bytes) & stackMask(cpu);
  return linearOf(cpu, SEGMENT_SS, top, bytes, true);
}

/** PUSHA: rAX, rCX, rDX, rBX, rSP as it was, rBP, rSI, rDI. */
export function pushAll(cpu: Cpu, bytes: u32): void {
  // The first of the pushes that faults is what the fault tells of.
  for (let n: u32 = 0; n < 8; n++) {
    const linear = pushed(cpu, n, bytes);
    if (cpu.fault != 0 || !writable(cpu, linear, bytes)) return;
  }
  for (let n: u32 = 0; n < 8; n++) {
    const value = load<u64>(changetype<usize>(cpu) + (<usize>n << 3));
    storeSlow(cpu, pushed(cpu, n, bytes), bytes, value);
  }
  setStackPointer(cpu, cpu.rsp - bytes * 8);
}

/** POPA: the same back, but for rSP. */
export function popAll(cpu: Cpu, bytes: u32): void {
  // All are read before one is written: a fault leaves every register as it was.
  for (let n: u32 = 0; n < 8 && cpu.fault == 0; n++) stackPeek(cpu, bytes, n * bytes);
  if (cpu.fault != 0) return;
  for (let n: u32 = 0; n < 8; n++) {
    if (n == 3) continue;
    const slot = changetype<usize>(cpu) + (<usize>(7 - n) << 3);
    const value = stackPeek(cpu, bytes, n * bytes);
    if (bytes == 2) store<u16>(slot, <u16>value);
    else store<u64>(slot, value);
  }
  setStackPointer(cpu, cpu.rsp + bytes * 8);
}

/**
 * Whether ENTER's pushes and loads can be done in one go. It may copy frame pointers over themselves, so
 * what only has the instruction executed again (access.ts) must come before its first store. A fault may
 * come in its middle, as on other processors, and isn't looked at here.
 */
function frameInReach(cpu: Cpu, bytes: u32, level: u32, size: u32): bool {
  const mask = stackMask(cpu);
  for (let n: u32 = 0; n <= level && cpu.fault == 0; n++) {
    const to = linearOf(cpu, SEGMENT_SS, (cpu.rsp - (n + 1) * bytes) & mask, bytes, true);
    if (cpu.fault == 0) writable(cpu, to, bytes);
    if (n == 0 || n == level || cpu.fault != 0) continue;
    const from = linearOf(cpu, SEGMENT_SS, (cpu.rbp - n * bytes) & mask, bytes, false);
    if (cpu.fault == 0) readable(cpu, from, bytes);
  }
  if (cpu.fault == 0) {
    const top = linearOf(cpu, SEGMENT_SS, (cpu.rsp - (level + 1) * bytes - size) & mask, bytes, true);
    if (cpu.fault == 0) writable(cpu, top, bytes);
  }
  if (cpu.fault == FAULT_AGAIN || cpu.fault == FAULT_ALONE) return false;
  cpu.fault = 0;
  return true;
}

/** ENTER: a frame with `size` bytes of locals and `nesting` frame pointers (SDM 1, 6.6.1). */
export function enterFrame(cpu: Cpu, bytes: u32, size: u32, nesting: u32): void {
  const mask = stackMask(cpu);
  const level = nesting & 31;
  const frame = (cpu.rsp - bytes) & mask;
  const saved = cpu.rsp;
  if (level > 1 && !frameInReach(cpu, bytes, level, size)) return;
  stackPush(cpu, bytes, cpu.rbp);
  for (let n: u32 = 1; n < level && cpu.fault == 0; n++) {
    const from = linearOf(cpu, SEGMENT_SS, (cpu.rbp - n * bytes) & mask, bytes, false);
    const value = cpu.fault == 0 ? loadSlow(cpu, from, bytes) : 0;
    if (cpu.fault == 0) stackPush(cpu, bytes, value);
  }
  if (cpu.fault == 0 && level != 0) stackPush(cpu, bytes, frame);
  const top = (cpu.rsp - size) & mask;
  // The end of the new frame must be writable, so that a fault comes here and not in mid-function.
  if (cpu.fault == 0) {
    const linear = linearOf(cpu, SEGMENT_SS, top, bytes, true);
    if (cpu.fault == 0) writable(cpu, linear, bytes);
  }
  if (cpu.fault != 0) {
    cpu.rsp = saved;
    return;
  }
  setFrame(cpu, bytes, frame);
  setStackPointer(cpu, top);
}

function setFrame(cpu: Cpu, bytes: u32, value: u64): void {
  if (bytes == 2) cpu.rbp = (cpu.rbp & ~(<u64>0xffff)) | (value & 0xffff);
  else cpu.rbp = bytes == 4 ? value & 0xffff_ffff : value;
}

/** LEAVE: rSP = rBP, then POP rBP. */
export function leaveFrame(cpu: Cpu, bytes: u32): void {
  const mask = stackMask(cpu);
  const linear = linearOf(cpu, SEGMENT_SS, cpu.rbp & mask, bytes, false);
  const value = cpu.fault == 0 ? loadSlow(cpu, linear, bytes) : 0;
  if (cpu.fault != 0) return;
  setStackPointer(cpu, cpu.rbp + bytes);
  setFrame(cpu, bytes, value);
}
