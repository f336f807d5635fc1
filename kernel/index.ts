/** Exports of kernel.wasm: one door in. */
import { ENTRY_START } from "../sim/spec/entries";
import { halt, portWrite16, portWrite8 } from "../hal/x86_64/machine";

/** Runs the entry `entry` (sim/spec/entries.ts) on CPU `cpu` to its end. */
export function enter(cpu: u32, entry: u32, errorCode: u32): void {
  if (entry == ENTRY_START) {
    const hello = "AIOS\n";
    for (let i = 0; i < hello.length; i++) portWrite8(0x3f8, hello.charCodeAt(i));
    portWrite16(0x604, 0x2000);
  }
  halt();
}
