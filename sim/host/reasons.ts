/** Why a run came back, by name. */
import * as Stop from "../spec/stops.ts";

/**
 * - `"steps"`, `"limit"`: the number of steps, or the virtual time, that was asked for is reached
 * - `"condition"`, `"break"`: a condition holds, or a breakpoint was met
 * - `"idle"`: nothing is scheduled and every CPU is halted; only an input can change that
 * - `"power-off"`, `"reset"`, `"panic"`, `"triple-fault"`, `"debug-exit"`: the guest brought the machine to an end
 * - `"journal-full"`: there is no room for an agent's next operation; `machine.takeJournal` makes some
 * - `"crashed"`: WebAssembly code of the machine or the kernel trapped; `machine.crash` says how
 */
export type StopReason =
  | "steps"
  | "limit"
  | "idle"
  | "power-off"
  | "reset"
  | "panic"
  | "triple-fault"
  | "debug-exit"
  | "break"
  | "condition"
  | "journal-full"
  | "crashed";

const NAMES: Readonly<Record<number, StopReason>> = {
  [Stop.STOP_STEPS]: "steps",
  [Stop.STOP_LIMIT]: "limit",
  [Stop.STOP_IDLE]: "idle",
  [Stop.STOP_POWER_OFF]: "power-off",
  [Stop.STOP_RESET]: "reset",
  [Stop.STOP_PANIC]: "panic",
  [Stop.STOP_TRIPLE_FAULT]: "triple-fault",
  [Stop.STOP_DEBUG_EXIT]: "debug-exit",
  [Stop.STOP_BREAK]: "break",
  [Stop.STOP_PAUSE]: "break",
};

/** The name of a reason of sim/spec/stops.ts. */
export function stopReason(stop: number): StopReason {
  const name = NAMES[stop];
  if (name === undefined) throw new RangeError(`the machine stopped for unknown reason ${stop}`);
  return name;
}
