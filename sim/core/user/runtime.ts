/**
 * The window of runtime text: how a CPU executes in ring 3.
 *
 * As with the kernel's text, RIP tells what runs (sim/spec/user.ts). Every runtime can be
 * interrupted exactly: its turn ends where the slice does, and how far it has come is in registers.
 */
import { in64BitMode } from "../cpu/control";
import { charge, Cpu } from "../cpu/cpu";
import { raise, raiseFault } from "../cpu/exceptions";
import { fetchable } from "../cpu/fetch";
import { systemCall } from "../cpu/syscall";
import { machine } from "../machine";
import { beginChain, continueChain } from "./chain";
import { executeSynthetic } from "./synthetic";
import {
  RUNTIME_BYTES,
  RUNTIME_CALL,
  RUNTIME_CHAIN,
  RUNTIME_CHAINED,
  RUNTIME_COUNT,
  RUNTIME_HOST,
  RUNTIME_SYNTHETIC,
  USER_TEXT,
} from "../../spec/user";
import { RFLAGS_RF, VECTOR_UD } from "../../spec/x86";

/** Linear address of a runtime. */
@inline
export function runtimeAddress(runtime: u32): u64 {
  return USER_TEXT + <u64>(runtime * RUNTIME_BYTES);
}

/** The runtime at which RIP stands, or RUNTIME_COUNT: between two of them nothing can begin. */
@inline
export function runtimeAt(rip: u64): u32 {
  const offset = rip - USER_TEXT;
  if (offset >= <u64>(RUNTIME_COUNT * RUNTIME_BYTES) || offset % RUNTIME_BYTES != 0) return RUNTIME_COUNT;
  return <u32>offset / RUNTIME_BYTES;
}

/** A turn of a CPU in ring 3, up to the slice's end, a system call or an exception. */
export function userTurn(cpu: Cpu): void {
  const runtime = in64BitMode(cpu) ? runtimeAt(cpu.rip) : <u32>RUNTIME_COUNT;
  if (!fetchable(cpu)) return charge(cpu, 1);
  if (runtime == RUNTIME_COUNT) {
    charge(cpu, 1);
    return raise(cpu, VECTOR_UD, 0);
  }
  cpu.rflags &= ~(<u64>RFLAGS_RF);
  if (runtime == RUNTIME_SYNTHETIC) executeSynthetic(cpu);
  else if (runtime == RUNTIME_HOST) cpu.waitsForHost = 1;
  else if (runtime == RUNTIME_CHAINED) continueChain(cpu);
  else if (!burn(cpu)) return;
  else if (runtime == RUNTIME_CHAIN) beginChain(cpu);
  else callKernel(cpu);
}

/** The time that the host's operation takes; false when the slice ends before it has passed. */
function burn(cpu: Cpu): bool {
  const end = machine().sliceEnd;
  const cycles = min(cpu.r12, end - cpu.clock);
  cpu.r12 -= cycles;
  charge(cpu, cycles);
  return cpu.clock < end;
}

/** RUNTIME_CALL, when its time has passed. */
function callKernel(cpu: Cpu): void {
  charge(cpu, 1);
  if (!systemCall(cpu, runtimeAddress(RUNTIME_HOST))) raiseFault(cpu);
}
