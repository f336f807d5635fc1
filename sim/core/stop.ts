/** The machine comes to an end: power-off, reset, panic, triple fault. */
import { machine } from "./machine";

/** Stops the machine for good with a reason of sim/spec/stops.ts; the first reason stays. */
export function stopMachine(reason: u32): void {
  const state = machine();
  if (state.stopped == 0) state.stopped = reason;
}
