/**
 * Memory as instructions see it, behind the fast lines (Intel SDM 3A, 4.6 to 4.8).
 *
 * In a block an access may reach RAM only. One that would reach a device, would write to code, or has
 * changed what is cached of the page tables leaves the block with FAULT_ALONE before anything is
 * done; the instruction is then executed alone (turn.ts), with clock and RIP exact, and there every
 * access is allowed. One whose walk has set a flag in the tables is begun again: tables may lie in code.
 * All set `cpu.fault` when they fail, and have then done nothing.
 */
import { physicalRead, physicalWrite } from "../bus/bus";
import { in64BitMode } from "../cpu/control";
import { charge, Cpu, runningCpu } from "../cpu/cpu";
import { DR7_ENABLED, noteAccess } from "../cpu/debug";
import { ACCESS_READ, ACCESS_WRITE, accessOf, canonical, translate } from "../cpu/mmu";
import { MMIO_READ_CYCLES, MMIO_WRITE_CYCLES } from "../cpu/prices";
import { refuse } from "../cpu/segments";
import { fastReadUpTo, fastWriteUpTo } from "../cpu/tlb";
import { debugControl, watchAccess } from "../debug";
import { loadSized, ramPointer, storeSized } from "../ram";
import { codeWritten, holdsCode } from "./blocks";
import { engine } from "./memory";
import { CR0_AM, RFLAGS_AC, VECTOR_AC, VECTOR_GP } from "../../spec/x86";

/** Values of `cpu.fault` beyond the vectors: #DE, whose vector is 0, and "to be executed alone". */
export const FAULT_DIVIDE: u32 = 0x100;
export const FAULT_ALONE: u32 = 0x101;
/** Beyond the vectors as well: to be fetched again, because a walk through the tables may have changed it. */
export const FAULT_AGAIN: u32 = 0x103;
/** #GP(0) that an operand on the stack raises, too: it isn't aligned, or its contents are refused. */
export const FAULT_PROTECTION: u32 = 0x102;

/**
 * Translates `bytes` bytes from `va`, at most 4096, and notes where they are: `spanAddress` (and
 * `spanNext`, from `spanHead` bytes on) with their pointers. False: see `cpu.fault`.
 */
function findSpan(cpu: Cpu, va: u64, bytes: u32, kind: u32): bool {
  const state = engine();
  const access = accessOf(cpu, kind);
  state.translationsChanged = 0;
  state.tablesChanged = 0;
  const head = min<u32>(bytes, 4096 - (<u32>va & 0xfff));
  state.spanHead = head;
  // Whether an address is canonical is known before its alignment matters, or any page is looked for.
  if (!canonical(va) || (head < bytes && !canonical(va + bytes - 1))) return refuse(cpu, VECTOR_GP, 0);
  if (cpu.rflags & RFLAGS_AC && misaligned(cpu, va, bytes)) return false;
  state.spanAddress = translate(cpu, va, access);
  if (cpu.fault != 0) return false;
  state.spanPointer = ramPointer(state.spanAddress, head);
  let ram = state.spanPointer != 0;
  if (head < bytes) {
    state.spanNext = translate(cpu, nextPage(cpu, va + head), access);
    if (cpu.fault != 0) return false;
    state.spanNextPointer = ramPointer(state.spanNext, bytes - head);
    ram = ram && state.spanNextPointer != 0;
  }
  if (cpu.dr7 & DR7_ENABLED) noteAccess(cpu, va, bytes, kind == ACCESS_WRITE);
  const watched = debugControl().watchpoints != 0;
  const unseen = !watched || watchAccess(cpu, va, bytes, kind == ACCESS_WRITE, state.alone != 0);
  if (state.alone != 0) return true;
  if (state.tablesChanged != 0) cpu.fault = FAULT_AGAIN;
  else if (!ram || !unseen || state.translationsChanged != 0 || (kind == ACCESS_WRITE && spanHoldsCode(bytes)))
    cpu.fault = FAULT_ALONE;
  return cpu.fault == 0;
}

/** Outside of 64-bit mode linear addresses wrap around at 4 GiB. */
@inline
function nextPage(cpu: Cpu, va: u64): u64 {
  return in64BitMode(cpu) ? va : va & 0xffff_ffff;
}

/** #AC: in ring 3, with AM and AC, operands of 2, 4, 8 and 16 bytes must be aligned (SDM 3A, table 6-7). */
function misaligned(cpu: Cpu, va: u64, bytes: u32): bool {
  const checked = cpu.cpl == 3 && (cpu.cr0 & CR0_AM) != 0 && bytes <= 16 && popcnt(bytes) == 1;
  return checked && (va & (bytes - 1)) != 0 && !refuse(cpu, VECTOR_AC, 0);
}

/** Whether `bytes` bytes in parts are aligned to the widest one; what isn't canonical is refused later. */
export function alignedTo(cpu: Cpu, va: u64, bytes: u32, part: u32): bool {
  if (!(cpu.rflags & RFLAGS_AC) || !canonical(va) || !canonical(va + bytes - 1)) return true;
  return !misaligned(cpu, va, part);
}

function spanHoldsCode(bytes: u32): bool {
  const state = engine();
  if (holdsCode(state.spanPointer, state.spanHead)) return true;
  const rest = bytes - state.spanHead;
  return rest != 0 && holdsCode(state.spanNextPointer, rest);
}

/** The byte `n` of the span. */
@inline
function spanByte(n: u32): u64 {
  const state = engine();
  return n < state.spanHead ? state.spanAddress + n : state.spanNext + (n - state.spanHead);
}

/** 1, 2, 4 or 8 bytes of the span. */
function readSpan(bytes: u32): u64 {
  const state = engine();
  if (bytes <= state.spanHead) {
    if (state.spanPointer != 0) return loadSized(state.spanPointer, bytes);
    return deviceRead(state.spanAddress, bytes);
  }
  if (state.spanPointer == 0 || state.spanNextPointer == 0) state.device = 1;
  let value: u64 = 0;
  for (let n: u32 = 0; n < bytes; n++) value |= physicalRead(spanByte(n), 1) << (<u64>n << 3);
  return value;
}

function writeSpan(bytes: u32, value: u64): void {
  const state = engine();
  if (bytes <= state.spanHead) {
    if (state.spanPointer == 0) return deviceWrite(state.spanAddress, bytes, value);
    codeWritten(state.spanPointer, bytes);
    return storeSized(state.spanPointer, bytes, value);
  }
  if (state.spanPointer == 0 || state.spanNextPointer == 0) state.device = 1;
  for (let n: u32 = 0; n < bytes; n++) physicalWrite(spanByte(n), 1, value >> (<u64>n << 3));
}

function deviceRead(address: u64, bytes: u32): u64 {
  engine().device = 1;
  charge(runningCpu(), MMIO_READ_CYCLES);
  return physicalRead(address, bytes);
}

function deviceWrite(address: u64, bytes: u32, value: u64): void {
  engine().device = 1;
  charge(runningCpu(), MMIO_WRITE_CYCLES);
  physicalWrite(address, bytes, value);
}

/** Loads 1, 2, 4 or 8 bytes, zero-extended. */
export function loadSlow(cpu: Cpu, va: u64, bytes: u32): u64 {
  return findSpan(cpu, va, bytes, ACCESS_READ) ? readSpan(bytes) : 0;
}

/** Stores the low 1, 2, 4 or 8 bytes of `value`. */
export function storeSlow(cpu: Cpu, va: u64, bytes: u32, value: u64): void {
  if (findSpan(cpu, va, bytes, ACCESS_WRITE)) writeSpan(bytes, value);
}

/** Loads what `modifyEnd` will overwrite: both read and write must be allowed. */
export function modifyBegin(cpu: Cpu, va: u64, bytes: u32): u64 {
  return findSpan(cpu, va, bytes, ACCESS_WRITE) ? readSpan(bytes) : 0;
}

/** Ends what `modifyBegin` has begun; can't fail. */
export function modifyEnd(bytes: u32, value: u64): void {
  writeSpan(bytes, value);
}

/** Whether `bytes` bytes at `va`, at most 4096, may be written; what follows then can't fail. */
export function writable(cpu: Cpu, va: u64, bytes: u32): bool {
  return findSpan(cpu, va, bytes, ACCESS_WRITE);
}

/** Whether they may be read. */
export function readable(cpu: Cpu, va: u64, bytes: u32): bool {
  return findSpan(cpu, va, bytes, ACCESS_READ);
}

/** Copies `bytes` bytes, at most 4096, from `va` to linear memory at `to`. */
export function copyIn(cpu: Cpu, va: u64, bytes: u32, to: usize): bool {
  if (!findSpan(cpu, va, bytes, ACCESS_READ)) return false;
  const state = engine();
  const head = state.spanHead;
  if (state.spanPointer != 0 && (head == bytes || state.spanNextPointer != 0)) {
    memory.copy(to, state.spanPointer, head);
    memory.copy(to + head, state.spanNextPointer, bytes - head);
  } else {
    for (let n: u32 = 0; n < bytes; n++) store<u8>(to + n, <u8>physicalRead(spanByte(n), 1));
  }
  return true;
}

/** Copies the other way. */
export function copyOut(cpu: Cpu, va: u64, bytes: u32, from: usize): bool {
  if (!findSpan(cpu, va, bytes, ACCESS_WRITE)) return false;
  const state = engine();
  const head = state.spanHead;
  if (state.spanPointer != 0 && (head == bytes || state.spanNextPointer != 0)) {
    codeWritten(state.spanPointer, head);
    memory.copy(state.spanPointer, from, head);
    if (head == bytes) return true;
    codeWritten(state.spanNextPointer, bytes - head);
    memory.copy(state.spanNextPointer, from + head, bytes - head);
  } else {
    for (let n: u32 = 0; n < bytes; n++) physicalWrite(spanByte(n), 1, load<u8>(from + n));
  }
  return true;
}

// For instructions that are functions (system.ts, x87/, sse/): T is u8, u16, u32, u64 or v128.

/** Loads a `T` from linear address `va`; `cpu.fault` must be 0 before. */
@inline
export function loadOperand<T>(cpu: Cpu, va: u64): T {
  const pointer = fastReadUpTo(cpu, va, sizeof<T>() - 1);
  return pointer != 0 ? load<T>(pointer) : <T>loadSlow(cpu, va, sizeof<T>());
}

@inline
export function storeOperand<T>(cpu: Cpu, va: u64, value: T): void {
  const pointer = fastWriteUpTo(cpu, va, sizeof<T>() - 1);
  if (pointer != 0) store<T>(pointer, value);
  else storeSlow(cpu, va, sizeof<T>(), <u64>value);
}

/** Loads 16 bytes, aligned or not. */
export function loadVector(cpu: Cpu, va: u64): v128 {
  const pointer = fastReadUpTo(cpu, va, 15);
  if (pointer != 0) return v128.load(pointer);
  if (!findSpan(cpu, va, 16, ACCESS_READ)) return i64x2.splat(0);
  return i64x2(<i64>readSpanHalf(0), <i64>readSpanHalf(8));
}

export function storeVector(cpu: Cpu, va: u64, value: v128): void {
  const pointer = fastWriteUpTo(cpu, va, 15);
  if (pointer != 0) return v128.store(pointer, value);
  if (!findSpan(cpu, va, 16, ACCESS_WRITE)) return;
  for (let half: u32 = 0; half < 2; half++) {
    const bits = <u64>(half == 0 ? i64x2.extract_lane(value, 0) : i64x2.extract_lane(value, 1));
    writeSpanHalf(half * 8, bits);
  }
}

/** Eight bytes from byte `first` of a span of 16. */
function readSpanHalf(first: u32): u64 {
  const head = engine().spanHead;
  if (first + 8 <= head || first >= head) return physicalRead(spanByte(first), 8);
  let value: u64 = 0;
  for (let n: u32 = 0; n < 8; n++) value |= physicalRead(spanByte(first + n), 1) << (<u64>n << 3);
  return value;
}

function writeSpanHalf(first: u32, value: u64): void {
  const head = engine().spanHead;
  if (first + 8 <= head || first >= head) return physicalWrite(spanByte(first), 8, value);
  for (let n: u32 = 0; n < 8; n++) physicalWrite(spanByte(first + n), 1, value >> (<u64>n << 3));
}
