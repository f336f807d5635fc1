/**
 * Debug registers (Intel SDM 3B, 17.2). While a breakpoint is enabled, code runs one instruction at a
 * time and no access takes a fast line (engine/turn.ts, tlb.ts); else breakpoints cost nothing.
 *
 *   DR7:  2n, 2n + 1 enable breakpoint n | 13 GD | 16 + 4n, 17 + 4n kind | 18 + 4n, 19 + 4n length
 */
import { Cpu, SEGMENT_CS, segmentAt } from "./cpu";
import { in64BitMode } from "./control";
import { refuse } from "./segments";
import { CR4_DE, VECTOR_DB, VECTOR_GP, VECTOR_UD } from "../../spec/x86";

/** DR6: which breakpoints were hit (0-3), and the other reasons of #DB. */
export const DR6_BD: u64 = 1 << 13;
export const DR6_BT: u64 = 1 << 15;
const DR6_WRITABLE: u64 = 0xe00f;
const DR6_ONES: u64 = 0xffff_0ff0;
/** DR7: general detect. Enabled breakpoints are bits 7-0. */
export const DR7_GD: u64 = 1 << 13;
export const DR7_ENABLED: u64 = 0xff;
const DR7_WRITABLE: u64 = 0xffff_23ff;
const DR7_ONES: u64 = 0x400;

/** L0 to L3 and LE: a task switch clears them (17.2.4). */
const DR7_LOCAL: u64 = 0x155;

export function leaveLocalBreakpoints(cpu: Cpu): void {
  cpu.dr7 &= ~DR7_LOCAL;
}

/** DR4 and DR5 are other names of DR6 and DR7, unless CR4.DE is set (17.2.2). */
function registerNumber(cpu: Cpu, number: u32): u32 {
  if (number != 4 && number != 5) return number;
  if (cpu.cr4 & CR4_DE) refuse(cpu, VECTOR_UD, 0);
  return number + 2;
}

/** Whether debug registers may be touched: #DB when a debugger guards them (17.2.4). */
function mayTouch(cpu: Cpu): bool {
  if (cpu.fault != 0) return false;
  if (!(cpu.dr7 & DR7_GD)) return true;
  cpu.dr6 |= DR6_BD;
  return refuse(cpu, VECTOR_DB, 0);
}

@inline
function breakpointAddress(cpu: Cpu, number: u32): usize {
  return changetype<usize>(cpu) + offsetof<Cpu>("dr0") + (<usize>number << 3);
}

/** MOV from DR0 to DR7. What isn't allowed is left in `cpu.fault`. */
export function readDebugRegister(cpu: Cpu, number: u32): u64 {
  const named = registerNumber(cpu, number);
  if (!mayTouch(cpu)) return 0;
  if (named == 6) return cpu.dr6;
  return named == 7 ? cpu.dr7 : load<u64>(breakpointAddress(cpu, named));
}

/** MOV to DR0 to DR7: #GP(0) for an upper half of DR6 or DR7 that isn't 0. */
export function writeDebugRegister(cpu: Cpu, number: u32, value: u64): void {
  const named = registerNumber(cpu, number);
  if (!mayTouch(cpu)) return;
  if (named < 4) return store<u64>(breakpointAddress(cpu, named), value);
  if (value >> 32 != 0) refuse(cpu, VECTOR_GP, 0);
  else if (named == 6) cpu.dr6 = (value & DR6_WRITABLE) | DR6_ONES;
  else cpu.dr7 = (value & DR7_WRITABLE) | DR7_ONES;
}

/** Kinds of breakpoints; reads and writes of data are one kind, reads alone none. */
export const BREAK_EXECUTE: u32 = 0;
export const BREAK_WRITE: u32 = 1;
export const BREAK_PORT: u32 = 2;
export const BREAK_ACCESS: u32 = 3;

/** Bits of DR6 for the enabled breakpoints of `kind` that meet `bytes` bytes at `address`. */
function meeting(cpu: Cpu, kind: u32, address: u64, bytes: u32): u32 {
  const control = <u32>cpu.dr7;
  let met: u32 = 0;
  for (let n: u32 = 0; n < 4; n++) {
    const field = control >> (16 + n * 4);
    if (((control >> (n * 2)) & 3) == 0 || (field & 3) != kind) continue;
    // Lengths 0 to 3 are 1, 2, 8 and 4 bytes; addresses are aligned to them.
    const code = (field >> 2) & 3;
    const length: u64 = code == 2 ? 8 : code == 3 ? 4 : code + 1;
    const first = load<u64>(breakpointAddress(cpu, n)) & ~(length - 1);
    if (address < first + length && first < address + bytes) met |= 1 << n;
  }
  return met;
}

/** Notes an access to data; the trap follows the instruction. */
export function noteAccess(cpu: Cpu, address: u64, bytes: u32, write: bool): void {
  cpu.breakpointsMet |= meeting(cpu, BREAK_ACCESS, address, bytes);
  if (write) cpu.breakpointsMet |= meeting(cpu, BREAK_WRITE, address, bytes);
}

/** The same for an I/O port, when CR4.DE has turned such breakpoints on. */
export function notePort(cpu: Cpu, port: u32, bytes: u32): void {
  if (cpu.dr7 & DR7_ENABLED && cpu.cr4 & CR4_DE)
    cpu.breakpointsMet |= meeting(cpu, BREAK_PORT, port, bytes);
}

/** Breakpoints on the instruction at RIP: bits of DR6. */
export function breakpointsHere(cpu: Cpu): u32 {
  const base = in64BitMode(cpu) ? 0 : segmentAt(cpu, SEGMENT_CS).base;
  const linear = in64BitMode(cpu) ? cpu.rip : (base + cpu.rip) & 0xffff_ffff;
  return meeting(cpu, BREAK_EXECUTE, linear, 1);
}
