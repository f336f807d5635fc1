/**
 * The kernel's clock: monotonic nanoseconds since it started, and the one time at which the
 * bootstrap processor wants to be woken.
 */
import { Timer, TIMER_NEVER, timerAt, timerCancel, timerNow } from "../hal/timer";
import { kernelCpu } from "./cpu/cpu";
import { kernel } from "./state";

@inline
function clock(): Timer {
  return changetype<Timer>(kernel().clock);
}

/** No deadline, no expiry, no end. */
export const NEVER: u64 = TIMER_NEVER;

/** Nanoseconds; 0 before the clock has been started. */
export function clockNow(): u64 {
  return kernel().clock == 0 ? 0 : timerNow(clock());
}

/** Asks for an interrupt at `deadline` ns; one at a time, NEVER takes it back. */
export function wakeAt(deadline: u64): void {
  if (kernel().clock == 0) return;
  if (deadline == TIMER_NEVER) timerCancel(clock());
  else timerAt(clock(), deadline);
}

/** An entry begins on CPU `cpu`: notes its time. */
export function enterAt(cpu: u32): void {
  const state = kernel();
  state.entered = cpu;
  if (state.cpus == 0) return;
  const timer = kernelCpu(cpu).timer;
  if (timer != 0) state.now = timerNow(changetype<Timer>(timer));
}

/** Time at which the running entry began, ns: one time for all that happens in it. */
@inline
export function now(): u64 {
  return kernel().now;
}
