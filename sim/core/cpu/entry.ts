/**
 * The window of kernel text: how a CPU executes kernel.wasm.
 *
 * The kernel's code is WebAssembly and has no x86 addresses, so 16 bytes of the linear address space
 * stand for each of its entry points: one a vector, one for startup and one for the idle loop. Gates
 * of the IDT point there. A CPU whose RIP is in the window calls the entry; the entry runs to its
 * end with interrupts off, and returning from it is IRETQ for a vector and the idle loop otherwise.
 */
import { CPU_HALTED, CPU_RUNNING, Cpu, charge } from "./cpu";
import { kernelEnter } from "../host";
import { machine, NO_CPU } from "../machine";
import { ENTRY_BYTES, ENTRY_COUNT, ENTRY_IDLE } from "../../spec/entries";
import { deliverPending, returnFromInterrupt } from "./interrupts";

export const KERNEL_TEXT: u64 = 0xffff_ffff_8000_0000;
/** Price of getting into and out of the kernel, in cycles. */
const ENTRY_CYCLES: u64 = 100;

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

/** Gives the CPU its turn until `end`: at most one kernel entry. */
export function cpuTurn(cpu: Cpu, end: u64): void {
  const state = machine();
  state.running = cpu.index;
  deliverPending(cpu);
  if (cpu.activity == CPU_RUNNING) execute(cpu);
  else cpu.clock = max(cpu.clock, end);
  state.running = NO_CPU;
}

function execute(cpu: Cpu): void {
  const entry = entryAt(cpu.rip);
  charge(cpu, ENTRY_CYCLES);
  const errorCode = cpu.pendingErrorCode;
  kernelEnter(cpu.index, entry, errorCode);
  if (entry < 256) returnFromInterrupt(cpu);
  else if (cpu.activity == CPU_RUNNING || cpu.activity == CPU_HALTED) cpu.rip = entryAddress(ENTRY_IDLE);
}
