/** Addresses at which no machine code is executed: what stands there is WebAssembly (cpu/entry.ts). */
import { Cpu } from "../cpu/cpu";
import { machine } from "../machine";
import { ENTRY_BYTES, ENTRY_COUNT } from "../../spec/entries";
import { USER_TEXT, USER_TEXT_BYTES } from "../../spec/user";

/** Linear address of the first of the kernel's entries. */
export const KERNEL_TEXT: u64 = 0xffff_ffff_8000_0000;

/** Whether `rip` is in the window that the CPU's privilege has; a guest of its own has none. */
export function inWindow(cpu: Cpu, rip: u64): bool {
  if (machine().guest != 0) return false;
  if (cpu.cpl == 3) return rip - <u64>USER_TEXT < <u64>USER_TEXT_BYTES;
  return cpu.cpl == 0 && rip - KERNEL_TEXT < <u64>(ENTRY_COUNT * ENTRY_BYTES);
}
