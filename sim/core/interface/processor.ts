/**
 * The machine interface to the processor itself: registers, tables, address translation.
 *
 * What the processor refuses is an exception, as on hardware; it is delivered when the running
 * entry has returned (cpu/exceptions.ts), and the function that raised it returns 0.
 */
import { invalidateAddress, invalidatePcid, readControlRegister, writeControlRegister, writeXcr } from "../cpu/control";
import { charge, Cpu, CPU_HALTED, runningCpu, SEGMENT_LDTR, SEGMENT_TR } from "../cpu/cpu";
import { cpuidInstruction } from "../cpu/cpuid";
import { raiseFault, raiseProtection } from "../cpu/exceptions";
import { canonical, loadData, storeData } from "../cpu/mmu";
import {
  CPUID_CYCLES,
  FLAGS_CYCLES,
  INVLPG_CYCLES,
  INVPCID_CYCLES,
  MEMORY_CYCLES,
  PAUSE_CYCLES,
  RDMSR_CYCLES,
  RDSEED_CYCLES,
  RDTSC_CYCLES,
  READ_CONTROL_CYCLES,
  SEGMENT_CYCLES,
  TABLE_CYCLES,
  TASK_CYCLES,
  WRITE_CONTROL_CYCLES,
  WRMSR_CYCLES,
} from "../cpu/prices";
import { drawSeed } from "../cpu/rdseed";
import { readMsrRegister, readTsc, writeMsrRegister } from "../cpu/msr";
import { loadSegmentRegister, loadSystemSegment } from "../cpu/segments";
import { selectFastLines } from "../cpu/tlb";
import { machine } from "../machine";
import { RAM_BASE } from "../memory";
import { trace } from "../trace";
import { TRACE_HALT } from "../../spec/trace";
import { REGISTER_FILE_BYTES } from "../../spec/user";
import { RFLAGS_FIXED, RFLAGS_IF } from "../../spec/x86";

/** Sixteen pushes or pops, one a cycle. */
const REGISTER_FILE_CYCLES: u64 = 16;

/** General registers 0-15 in encoding order, 16 RIP, 17 RFLAGS. */
const REGISTERS: u32 = 18;
const GENERAL_REGISTERS: u32 = 16;
const RFLAGS_NUMBER: u32 = 17;
const FILE_BYTES: usize = REGISTER_FILE_BYTES;
/** Status, control and system flags that exist in 64-bit mode. */
const RFLAGS_BITS: u64 = 0x3d_7fd5;

/** Begins an instruction whose refusal is left in `cpu.fault`. */
@inline
function begin(cpu: Cpu, cycles: u64): void {
  charge(cpu, cycles);
  cpu.fault = 0;
}

/** RDMSR. #GP(0) when the MSR doesn't exist or can't be read. */
export function readMsr(index: u32): u64 {
  const cpu = runningCpu();
  begin(cpu, RDMSR_CYCLES);
  const value = readMsrRegister(cpu, index);
  raiseFault(cpu);
  return value;
}

/** WRMSR. #GP(0) when the MSR doesn't exist, is read-only or can't hold `value`. */
export function writeMsr(index: u32, value: u64): void {
  const cpu = runningCpu();
  begin(cpu, WRMSR_CYCLES);
  writeMsrRegister(cpu, index, value);
  raiseFault(cpu);
}

/** MOV from control register 0, 2, 3, 4 or 8. */
export function readControl(number: u32): u64 {
  const cpu = runningCpu();
  begin(cpu, READ_CONTROL_CYCLES);
  const value = readControlRegister(cpu, number);
  raiseFault(cpu);
  return value;
}

/** MOV to control register 0, 2, 3, 4 or 8. #GP(0) for what the register can't hold. */
export function writeControl(number: u32, value: u64): void {
  const cpu = runningCpu();
  begin(cpu, WRITE_CONTROL_CYCLES);
  writeControlRegister(cpu, number, value);
  raiseFault(cpu);
}

/** XSETBV of XCR0. #UD without CR4.OSXSAVE, #GP(0) for a value that it can't hold. */
export function writeExtendedControl(index: u32, value: u64): void {
  const cpu = runningCpu();
  begin(cpu, WRITE_CONTROL_CYCLES);
  writeXcr(cpu, index, value);
  raiseFault(cpu);
}

/** LIDT: `limit` is the table's size in bytes minus one, 16 bits. */
export function loadIdt(base: u64, limit: u32): void {
  const cpu = runningCpu();
  charge(cpu, TABLE_CYCLES);
  if (!canonical(base)) return raiseProtection(cpu);
  cpu.idtBase = base;
  cpu.idtLimit = limit & 0xffff;
}

/** LGDT: `limit` is the table's size in bytes minus one, 16 bits. */
export function loadGdt(base: u64, limit: u32): void {
  const cpu = runningCpu();
  charge(cpu, TABLE_CYCLES);
  if (!canonical(base)) return raiseProtection(cpu);
  cpu.gdtBase = base;
  cpu.gdtLimit = limit & 0xffff;
}

/** LTR: the selector's descriptor must be an available TSS; it is marked busy. */
export function loadTask(selector: u32): void {
  const cpu = runningCpu();
  charge(cpu, TASK_CYCLES);
  if (!loadSystemSegment(cpu, SEGMENT_TR, selector & 0xffff)) raiseFault(cpu);
}

/** LLDT; a null selector takes the LDT away. */
export function loadLocalTable(selector: u32): void {
  const cpu = runningCpu();
  charge(cpu, TASK_CYCLES);
  if (!loadSystemSegment(cpu, SEGMENT_LDTR, selector & 0xffff)) raiseFault(cpu);
}

/**
 * MOV to a segment register; for CS a far jump within the running entry. After long mode has been
 * turned on, CS must be loaded with a 64-bit code segment before the first interrupt returns.
 * @param number 0 ES, 1 CS, 2 SS, 3 DS, 4 FS, 5 GS
 */
export function loadSegment(number: u32, selector: u32): void {
  const cpu = runningCpu();
  charge(cpu, SEGMENT_CYCLES);
  if (number > 5) return;
  if (!loadSegmentRegister(cpu, number, selector & 0xffff)) raiseFault(cpu);
}

@inline
function registerAddress(cpu: Cpu, index: u32): usize {
  const first = index < GENERAL_REGISTERS ? offsetof<Cpu>("rax") : offsetof<Cpu>("rip") - 8 * 16;
  return changetype<usize>(cpu) + first + (<usize>index << 3);
}

/** Value of a register: 0-15 general in encoding order (4 is RSP), 16 RIP, 17 RFLAGS; else 0. */
export function readRegister(index: u32): u64 {
  return index < REGISTERS ? load<u64>(registerAddress(runningCpu(), index)) : 0;
}

/** Sets a register; bits of RFLAGS that don't exist keep their fixed values. */
export function writeRegister(index: u32, value: u64): void {
  if (index >= REGISTERS) return;
  const valid = index == RFLAGS_NUMBER ? (value & RFLAGS_BITS) | RFLAGS_FIXED : value;
  const cpu = runningCpu();
  store<u64>(registerAddress(cpu, index), valid);
  if (index == RFLAGS_NUMBER) selectFastLines(cpu);
}

/** Linear address `at` when a register file of 128 bytes there is all RAM, else 0. */
function registerFile(at: usize): usize {
  const end = RAM_BASE + <usize>machine().ramBytes;
  return at >= RAM_BASE && at < end && end - at >= FILE_BYTES ? at : 0;
}

function copyRegisters(from: usize, to: usize): void {
  for (let n: usize = 0; n < FILE_BYTES; n += 16) v128.store(to + n, v128.load(from + n));
}

/** PUSH of all general registers: RAX to R15 go to linear address `at`, if that is RAM. */
export function saveRegisters(at: usize): void {
  const cpu = runningCpu();
  charge(cpu, REGISTER_FILE_CYCLES);
  if (registerFile(at) != 0) copyRegisters(registerAddress(cpu, 0), at);
}

/** POP of all general registers, RSP included, from linear address `at`, if that is RAM. */
export function loadRegisters(at: usize): void {
  const cpu = runningCpu();
  charge(cpu, REGISTER_FILE_CYCLES);
  if (registerFile(at) != 0) copyRegisters(at, registerAddress(cpu, 0));
}

/** The running entry ends with IRETQ from the frame at RSP (cpu/entry.ts). */
export function returnByInterrupt(): void {
  runningCpu().returnsByInterrupt = 1;
}

/** STI: interrupts may come when the running entry has returned. */
export function enableInterrupts(): void {
  const cpu = runningCpu();
  charge(cpu, FLAGS_CYCLES);
  cpu.rflags |= RFLAGS_IF;
}

/** CLI. */
export function disableInterrupts(): void {
  const cpu = runningCpu();
  charge(cpu, FLAGS_CYCLES);
  cpu.rflags &= ~(<u64>RFLAGS_IF);
}

/** INVLPG. */
export function invalidatePage(va: u64): void {
  const cpu = runningCpu();
  charge(cpu, INVLPG_CYCLES);
  invalidateAddress(cpu, va);
}

/**
 * INVPCID: type 0 drops one page of context `pcid`, 1 the context, 2 all with the global pages, 3
 * all but them. #GP(0) for another type, a PCID above 4095, or an address that isn't canonical.
 */
export function invalidateContext(type: u32, pcid: u32, va: u64): void {
  const cpu = runningCpu();
  begin(cpu, INVPCID_CYCLES);
  invalidatePcid(cpu, type, pcid, va);
  raiseFault(cpu);
}

/** CPUID: the answer is in RAX, RBX, RCX and RDX. */
export function cpuid(leaf: u32, subleaf: u32): void {
  const cpu = runningCpu();
  charge(cpu, CPUID_CYCLES);
  cpuidInstruction(cpu, leaf, subleaf);
}

@inline
function isWidth(bytes: u32): bool {
  return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

/**
 * Loads 1, 2, 4 or 8 bytes through the page tables, zero-extended. #PF (with CR2) or #GP(0) when
 * that isn't allowed; another width loads nothing.
 */
export function loadVirtual(va: u64, bytes: u32): u64 {
  const cpu = runningCpu();
  charge(cpu, MEMORY_CYCLES);
  if (!isWidth(bytes)) return 0;
  const value = loadData(cpu, va, bytes);
  return raiseFault(cpu) ? 0 : value;
}

/** Stores 1, 2, 4 or 8 bytes through the page tables; nothing is written when any byte faults. */
export function storeVirtual(va: u64, bytes: u32, value: u64): void {
  const cpu = runningCpu();
  charge(cpu, MEMORY_CYCLES);
  if (!isWidth(bytes)) return;
  storeData(cpu, va, bytes, value);
  raiseFault(cpu);
}

/** PAUSE: lets time pass while the code waits for another CPU. */
export function pause(): void {
  charge(runningCpu(), PAUSE_CYCLES);
}

/** HLT: the CPU stops when the running entry returns, until an interrupt comes. */
export function halt(): void {
  const cpu = runningCpu();
  cpu.activity = CPU_HALTED;
  trace(<u16>TRACE_HALT, cpu.index);
}

/** RDSEED: 64 random bits; 0, as with CF clear, when none were ready. */
export function readSeed(): u64 {
  charge(runningCpu(), RDSEED_CYCLES);
  return drawSeed();
}

/** RDTSC. */
export function timestamp(): u64 {
  const cpu = runningCpu();
  charge(cpu, RDTSC_CYCLES);
  return readTsc(cpu);
}
