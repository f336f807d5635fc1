/**
 * The PM timer's count as a function of virtual time (ACPI 6.3, 4.8.3.3). Nothing counts: the tick
 * is floor(time x 3,579,545 / 10^9), exact for all of virtual time because whole seconds, which hold
 * a whole number of ticks, are split off before the multiplication.
 */
import { PM_TIMER_HZ } from "../../spec/acpi";
import { CYCLES_PER_SECOND } from "../../spec/platform";

/** Ticks since power-on at `cycles`. */
export function pmTimerTicks(cycles: u64): u64 {
  const seconds = cycles / CYCLES_PER_SECOND;
  const rest = cycles % CYCLES_PER_SECOND;
  return seconds * PM_TIMER_HZ + (rest * PM_TIMER_HZ) / CYCLES_PER_SECOND;
}

/** The first cycle at which the timer shows `ticks` since power-on: the ceiling of the inverse. */
export function pmTimerCycles(ticks: u64): u64 {
  const seconds = ticks / PM_TIMER_HZ;
  const rest = ticks % PM_TIMER_HZ;
  return seconds * CYCLES_PER_SECOND + (rest * CYCLES_PER_SECOND + PM_TIMER_HZ - 1) / PM_TIMER_HZ;
}
