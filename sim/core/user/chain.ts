/**
 * Chains of system calls: the records say what is called, and what after that (sim/spec/chain.ts).
 *
 * All that a chain needs to go on is in registers: RBX its record, RBP what it is to load. A call and
 * the kernel entry that it leads to are one micro-step, and so is the end of a chain behind it: that is
 * what a chain is for. Whatever would come between two turns ends the step: the slice's end, an interrupt.
 */
import { in64BitMode } from "../cpu/control";
import { charge, Cpu } from "../cpu/cpu";
import { executeEntry } from "../cpu/entry";
import { raiseFault } from "../cpu/exceptions";
import { fetchable } from "../cpu/fetch";
import { undisturbed } from "../cpu/interrupts";
import { ACCESS_READ, ACCESS_USER, translate } from "../cpu/mmu";
import { refuse } from "../cpu/segments";
import { systemCall } from "../cpu/syscall";
import { fastRead, fastReadUpTo } from "../cpu/tlb";
import { inWindow } from "../engine/windows";
import { machine } from "../machine";
import { ramPointer } from "../ram";
import { accessCycles } from "./access";
import { runtimeAddress, runtimeAt } from "./runtime";
import {
  CHAIN_AFTER_STATUS,
  CHAIN_AFTER_SUCCESS,
  CHAIN_BYTES,
  CHAIN_STATUS,
  LOAD_BYTES_SHIFT,
} from "../../spec/chain";
import { RUNTIME_CHAINED, RUNTIME_HOST } from "../../spec/user";
import { RFLAGS_RF, VECTOR_UD } from "../../spec/x86";

const LOAD_ADDRESS: u64 = (<u64>1 << LOAD_BYTES_SHIFT) - 1;

/** RUNTIME_CHAIN, when its time has passed. */
export function beginChain(cpu: Cpu): void {
  cpu.fault = 0;
  callRecord(cpu, cpu.rbx);
}

/** RUNTIME_CHAINED. */
export function continueChain(cpu: Cpu): void {
  cpu.fault = 0;
  const at = recordAt(cpu, cpu.rbx);
  if (at == 0) return fail(cpu);
  const next = nextAfter(cpu, at);
  if (next == 0) endChain(cpu);
  else callRecord(cpu, cpu.rbx + (<u64>next * CHAIN_BYTES));
}

/** Where the record at `va` is in RAM; 0 for a fault: #UD when it is misaligned or not in RAM. */
function recordAt(cpu: Cpu, va: u64): usize {
  if (va % CHAIN_BYTES != 0) {
    refuse(cpu, VECTOR_UD, 0);
    return 0;
  }
  const fast = fastRead(cpu, va);
  if (fast != 0) return fast;
  const address = translate(cpu, va, ACCESS_READ | ACCESS_USER);
  if (cpu.fault != 0) return 0;
  const at = ramPointer(address, CHAIN_BYTES);
  if (at == 0) refuse(cpu, VECTOR_UD, 0);
  return at;
}

/** Records from the one at `at` to the next one, after what the kernel has answered; 0: the end. */
@inline
function nextAfter(cpu: Cpu, at: usize): i64 {
  if (cpu.rax == 0) return load<i8>(at, CHAIN_AFTER_SUCCESS);
  return cpu.rax == <u64>load<u32>(at, CHAIN_STATUS) ? load<i8>(at, CHAIN_AFTER_STATUS) : 0;
}

/** Makes the call of the record at `va`; the entry follows at once if the slice has room for it. */
function callRecord(cpu: Cpu, va: u64): void {
  const at = recordAt(cpu, va);
  if (at == 0 || !systemCall(cpu, runtimeAddress(RUNTIME_CHAINED))) return fail(cpu);
  cpu.rbx = va;
  cpu.rax = load<u64>(at);
  cpu.rdi = load<u64>(at, 8);
  cpu.rsi = load<u64>(at, 16);
  cpu.rdx = load<u64>(at, 24);
  cpu.r10 = load<u64>(at, 32);
  cpu.r8 = load<u64>(at, 40);
  cpu.r9 = load<u64>(at, 48);
  charge(cpu, accessCycles(CHAIN_BYTES) + 1);
  if (cpu.clock >= machine().sliceEnd || !inWindow(cpu, cpu.rip)) return;
  executeEntry(cpu);
  if (cpu.cpl != 3 || cpu.clock >= machine().sliceEnd || !undisturbed(cpu)) return;
  if (inWindow(cpu, cpu.rip)) arrive(cpu);
}

/** Behind an entry, in the same step: whoever runs now waits for the host, if nothing is before that. */
function arrive(cpu: Cpu): void {
  const runtime = in64BitMode(cpu) ? runtimeAt(cpu.rip) : 0;
  if (runtime != RUNTIME_CHAINED && runtime != RUNTIME_HOST) return;
  if (!fetchable(cpu)) return charge(cpu, 1);
  cpu.rflags &= ~(<u64>RFLAGS_RF);
  cpu.fault = 0;
  if (runtime == RUNTIME_HOST) cpu.waitsForHost = 1;
  else {
    const at = fastRead(cpu, cpu.rbx);
    if (at != 0 && nextAfter(cpu, at) == 0) endChain(cpu);
  }
}

/** The last call's result is there; after a success also what was to be loaded. */
function endChain(cpu: Cpu): void {
  if (cpu.rax == 0 && cpu.rbp != 0 && !loadResult(cpu)) return fail(cpu);
  cpu.rip = runtimeAddress(RUNTIME_HOST);
  cpu.waitsForHost = 1;
}

/** Reads as the agent, and leaves the bytes where they are: the host looks at them, if it is RAM. */
function loadResult(cpu: Cpu): bool {
  const va = cpu.rbp & LOAD_ADDRESS;
  const bytes = <u32>(cpu.rbp >> LOAD_BYTES_SHIFT);
  let at = fastReadUpTo(cpu, va, bytes - 1);
  if (at == 0) {
    const address = translate(cpu, va, ACCESS_READ | ACCESS_USER);
    if (cpu.fault != 0) return false;
    at = ramPointer(address, bytes);
  }
  charge(cpu, accessCycles(bytes));
  cpu.loadedAt = at;
  return true;
}

/** The fault in `cpu.fault`, at the runtime where the CPU stands: it begins again when that is seen to. */
function fail(cpu: Cpu): void {
  charge(cpu, 1);
  raiseFault(cpu);
}
