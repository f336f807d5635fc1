/** Operands of an instruction that is executed outside, from its micro-op (emit.ts, emitSystem). */
import { Cpu, SEGMENT_SS } from "../cpu/cpu";
import { loadSlow, storeSlow, writable } from "./access";
import { readSlot, writeSlot } from "./integer";
import { VECTOR_GP, VECTOR_SS } from "../../spec/x86";

@inline
export function operationOf(ip: usize): u32 {
  return load<u32>(ip, 12) & 0xffff;
}

/** ModR/M reg. */
@inline
export function regOf(ip: usize): u32 {
  return load<u8>(ip, 2);
}

/** ModR/M r/m. */
@inline
export function rmOf(ip: usize): u32 {
  return load<u8>(ip, 3);
}

@inline
export function operandBytes(ip: usize): u32 {
  return load<u8>(ip, 4);
}

@inline
export function addressBytes(ip: usize): u32 {
  return 1 << ((load<u8>(ip, 5) >> 1) & 7);
}

/** Segment of DS:rSI, overrides included. */
@inline
export function segmentOf(ip: usize): u32 {
  return (load<u8>(ip, 5) >> 4) & 7;
}

@inline
export function hasMemory(ip: usize): bool {
  return (load<u8>(ip, 5) & 1) != 0;
}

/** Whether the port of IN and OUT is in DX. */
@inline
export function portInDx(ip: usize): bool {
  return (load<u8>(ip, 5) & 0x80) != 0;
}

@inline
export function immediateOf(ip: usize): u32 {
  return load<u32>(ip, 8);
}

/** Selector of a far pointer in the instruction; repeat prefix of INS and OUTS. */
@inline
export function aboveOf(ip: usize): u32 {
  return load<u16>(ip, 14);
}

@inline
export function lengthOf(ip: usize): u32 {
  return load<u8>(ip, 6);
}

@inline
export function registerSlot(cpu: Cpu, number: u32): usize {
  return changetype<usize>(cpu) + (<usize>number << 3);
}

/** Beyond canonical addresses the stack segment has its own fault (SDM 3A, 6.15, #SS). */
function blameSegment(cpu: Cpu, ip: usize): void {
  if (cpu.fault == VECTOR_GP && segmentOf(ip) == SEGMENT_SS) cpu.fault = VECTOR_SS;
}

/** `bytes` bytes of the operand in memory, from its byte `at` on. */
export function loadOperand(cpu: Cpu, ip: usize, at: u32, bytes: u32): u64 {
  const value = loadSlow(cpu, cpu.t3 + at, bytes);
  blameSegment(cpu, ip);
  return value;
}

export function storeOperand(cpu: Cpu, ip: usize, at: u32, bytes: u32, value: u64): void {
  storeSlow(cpu, cpu.t3 + at, bytes, value);
  blameSegment(cpu, ip);
}

/** Whether `bytes` bytes of the operand may be written. */
export function writableOperand(cpu: Cpu, ip: usize, bytes: u32): bool {
  const may = writable(cpu, cpu.t3, bytes);
  blameSegment(cpu, ip);
  return may;
}

/** `bytes` bytes of the r/m operand. */
export function readRm(cpu: Cpu, ip: usize, bytes: u32): u64 {
  return hasMemory(ip) ? loadOperand(cpu, ip, 0, bytes) : readSlot(registerSlot(cpu, rmOf(ip)), bytes);
}

export function writeRm(cpu: Cpu, ip: usize, bytes: u32, value: u64): void {
  if (hasMemory(ip)) storeOperand(cpu, ip, 0, bytes, value);
  else writeSlot(registerSlot(cpu, rmOf(ip)), bytes, value);
}
