/** Moves a machine through virtual time while no CPU runs, for the tests of devices. */
import type { Machine } from "../machine.ts";

/** Runs all events due by `time`, then stands at exactly `time`. */
export function advanceTo(machine: Machine, time: bigint): void {
  machine.run(time + 1n);
  machine.state.now = time;
}

/** Lets `cycles` pass. */
export function advance(machine: Machine, cycles: bigint): void {
  advanceTo(machine, machine.state.now + cycles);
}
