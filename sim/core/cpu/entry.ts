/**
 * The window of kernel text: how a CPU executes kernel.wasm.
 *
 * The kernel's code is WebAssembly and has no x86 addresses, so 16 bytes of the linear address space
 * stand for each of its entry points: one a vector, one for startup, one for the idle loop and one
 * for SYSCALL. Gates of the IDT and LSTAR point there. A CPU whose RIP is in the window calls the
 * entry, which runs to its end with interrupts off. What follows is IRETQ for a vector, SYSRET for a
 * system call and the idle loop otherwise; or IRETQ for any, if the entry has asked for it.
 *
 * At all other addresses the CPU executes machine code (engine/turn.ts), in ring 3 also outside of
 * the window of runtimes (user/runtime.ts).
 */
import { charge, Cpu, CPU_RUNNING } from "./cpu";
import { hasErrorCode, raiseFault } from "./exceptions";
import { deliverPending } from "./interrupts";
import { ACCESS_READ, loadLinear } from "./mmu";
import { returnFromInterrupt } from "./return";
import { systemReturn } from "./syscall";
import { codeTurn } from "../engine/turn";
import { inWindow, KERNEL_TEXT } from "../engine/windows";
import { kernelEnter } from "../host";
import { machine, NO_CPU } from "../machine";
import { trace } from "../trace";
import { userTurn } from "../user/runtime";
import { ENTRY_BYTES, ENTRY_COUNT, ENTRY_IDLE, ENTRY_SYSCALL } from "../../spec/entries";
import { TRACE_INTERRUPT_END } from "../../spec/trace";
import { RFLAGS_RF } from "../../spec/x86";

/** Price of getting into and out of the kernel, in cycles. */
const ENTRY_CYCLES: u64 = 100;
const VECTORS: u32 = 256;

/** Linear address of entry `entry`. */
@inline
export function entryAddress(entry: u32): u64 {
  return KERNEL_TEXT + <u64>(entry * ENTRY_BYTES);
}

/** The entry at which RIP stands, or ENTRY_COUNT when it is not in the window. */
@inline
export function entryAt(rip: u64): u32 {
  const offset = rip - KERNEL_TEXT;
  if (offset >= <u64>(ENTRY_COUNT * ENTRY_BYTES)) return ENTRY_COUNT;
  return <u32>offset / ENTRY_BYTES;
}

/** Gives the CPU its turn until `end`: at most one kernel entry, or ring 3 or machine code up to `end`. */
export function cpuTurn(cpu: Cpu, end: u64): void {
  const state = machine();
  state.running = cpu.index;
  deliverPending(cpu);
  if (cpu.activity == CPU_RUNNING) execute(cpu);
  else cpu.clock = max(cpu.clock, end);
  state.running = NO_CPU;
}

function execute(cpu: Cpu): void {
  if (!inWindow(cpu, cpu.rip)) return codeTurn(cpu);
  if (cpu.cpl == 3) return userTurn(cpu);
  executeEntry(cpu);
}

/** The kernel entry at which the CPU stands, and the return from it. */
export function executeEntry(cpu: Cpu): void {
  charge(cpu, ENTRY_CYCLES);
  const entry = entryAt(cpu.rip);
  if (entry < VECTORS) handle(cpu, entry);
  else call(cpu, entry);
}

/** An entry that is no handler. An exception that it has raised comes before its end. */
function call(cpu: Cpu, entry: u32): void {
  cpu.rflags &= ~(<u64>RFLAGS_RF);
  cpu.returnsByInterrupt = 0;
  kernelEnter(cpu.index, entry, 0);
  if (cpu.returnsByInterrupt != 0) {
    if (cpu.pendingException == 0 && !returnFromInterrupt(cpu)) raiseFault(cpu);
  } else if (entry == ENTRY_SYSCALL) {
    if (cpu.pendingException == 0 && !systemReturn(cpu)) raiseFault(cpu);
  } else cpu.rip = entryAddress(ENTRY_IDLE);
}

/**
 * A handler: its stub pops the error code, if the vector has one, calls the kernel and returns by
 * IRETQ. RSP is at the frame's RIP while the kernel's handler runs.
 */
function handle(cpu: Cpu, vector: u32): void {
  const bytes: u64 = hasErrorCode(vector) ? 8 : 0;
  const errorCode = bytes != 0 ? <u32>loadLinear(cpu, cpu.rsp, 8, ACCESS_READ) : 0;
  if (raiseFault(cpu)) return;
  cpu.rsp += bytes;
  kernelEnter(cpu.index, vector, errorCode);
  if (returnFromInterrupt(cpu)) return trace(TRACE_INTERRUPT_END, cpu.index, vector);
  raiseFault(cpu);
  // The fault is the IRETQ's: once it is repaired, the whole entry runs again.
  cpu.rsp -= bytes;
}
