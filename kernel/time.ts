/**
 * The kernel's clock: monotonic nanoseconds since it started, and the one time at which the
 * bootstrap processor wants to be woken.
 */
import { Timer, TIMER_NEVER, timerAt, timerCancel, timerInterrupt, timerNow } from "../hal/timer";
import { kernel } from "./state";

@inline
function clock(): Timer {
  return changetype<Timer>(kernel().clock);
}

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

/** The timer's vector fired. What waits looks at the clock itself. */
export function clockInterrupt(): void {
  timerInterrupt(clock());
}
