/** Exports of kernel.wasm: one door in. */
import { ENTRY_START } from "../sim/spec/entries";
import { Console, CONSOLE_DRIVER_UART, consoleFlush, consolePut, consoleStart } from "../hal/console";
import { halt, portWrite16 } from "../hal/x86_64/machine";
import { UART_PORT } from "../sim/spec/platform";

/** Runs the entry `entry` (sim/spec/entries.ts) on CPU `cpu` to its end. */
export function enter(cpu: u32, entry: u32, errorCode: u32): void {
  if (entry == ENTRY_START) {
    const console = changetype<Console>(memory.data(32));
    consoleStart(console, CONSOLE_DRIVER_UART, UART_PORT);
    const hello = "AIOS\n";
    for (let i = 0; i < hello.length; i++) consolePut(console, hello.charCodeAt(i));
    consoleFlush(console);
    portWrite16(0x604, 0x2000);
  }
  halt();
}
