/** The host's hand on interrupts: in place of a device, and in place of a CPU that takes them. */
import { cpuAt } from "../cpu/cpu";
import { machine } from "../machine";
import { setLine } from "./lines";
import { lapicAcknowledge, lapicPendingVector } from "./priority";

/** Drives a line as a device would (`setLine`). */
export function driveLine(gsi: u32, level: bool): void {
  setLine(gsi, level);
}

/** What CPU `cpu` would be interrupted with (`lapicPendingVector`); -1 also for no such CPU. */
export function pendingInterrupt(cpu: u32): i32 {
  return cpu < machine().cpuCount ? lapicPendingVector(cpuAt(cpu)) : -1;
}

/** Takes it in the CPU's place (`lapicAcknowledge`); returns the vector. */
export function takeInterrupt(cpu: u32, pending: i32): u32 {
  return cpu < machine().cpuCount ? lapicAcknowledge(cpuAt(cpu), pending) : 0;
}
