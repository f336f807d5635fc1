/** Exports of kernel.wasm: one door in. */
import { ENTRY_START } from "../sim/spec/entries";
import { disableInterrupts, halt } from "../hal/x86_64/machine";
import { idle, start } from "./boot/start";
import { interrupt } from "./cpu/vectors";
import { panicked } from "./panic";

/** Number of interrupt vectors; entries from here on are not handlers. */
const VECTORS: u32 = 256;

/** Runs the entry `entry` (sim/spec/entries.ts) on CPU `cpu` to its end. */
export function enter(cpu: u32, entry: u32, errorCode: u32): void {
  if (panicked()) return stop();
  if (entry < VECTORS) interrupt(cpu, entry, errorCode);
  else if (entry == ENTRY_START) start(cpu);
  else idle(cpu);
  if (panicked()) stop();
}

/** After a panic a CPU does nothing any more. */
function stop(): void {
  disableInterrupts();
  halt();
}

