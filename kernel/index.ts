/** Exports of kernel.wasm: one door in. */
import { ENTRY_START, ENTRY_SYSCALL } from "../sim/spec/entries";
import { disableInterrupts, halt } from "../hal/x86_64/machine";
import { idle, start } from "./boot/start";
import { kernelCpu } from "./cpu/cpu";
import { leaveKernel } from "./cpu/switch";
import { interrupt } from "./cpu/vectors";
import { panicked } from "./panic";
import { systemCall } from "./syscall/entry";
import { enterAt } from "./time";

/** Number of interrupt vectors; entries from here on are not handlers. */
const VECTORS: u32 = 256;

/** Runs the entry `entry` (sim/spec/entries.ts) on CPU `cpu` to its end. */
export function enter(cpu: u32, entry: u32, errorCode: u32): void {
  if (panicked()) return stop();
  enterAt(cpu);
  if (entry == ENTRY_SYSCALL) {
    systemCall(cpu);
    leaveKernel(cpu, true);
  } else if (entry < VECTORS) {
    interrupt(cpu, entry, errorCode);
    // Interrupts of the idle loop return to it, and it chooses.
    if (kernelCpu(cpu).current != 0) leaveKernel(cpu, false);
  } else if (entry == ENTRY_START) start(cpu);
  else idle(cpu);
  if (panicked()) stop();
}

/** After a panic a CPU does nothing any more. */
function stop(): void {
  disableInterrupts();
  halt();
}
