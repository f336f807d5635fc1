/** Why `run` returned, and what the machine came to. Shared by sim.wasm and its host. */
/** The step budget is used up. */
export const STOP_STEPS = 1;
/** Virtual time reached the limit. */
export const STOP_LIMIT = 2;
/** Nothing is scheduled and every CPU is halted: nothing will ever happen without an input. */
export const STOP_IDLE = 3;
/** The guest turned the power off (ACPI S5). */
export const STOP_POWER_OFF = 4;
/** The guest asked for a platform reset. */
export const STOP_RESET = 5;
/** The guest reported its panic (pvpanic). */
export const STOP_PANIC = 6;
/** A CPU shut down: an exception while delivering a double fault (Intel SDM 3A, 6.15). */
export const STOP_TRIPLE_FAULT = 7;
/** A trace record that the host waits for was written. */
export const STOP_BREAK = 8;
/** The guest wrote a status to the debug exit port (QEMU, isa-debug-exit). */
export const STOP_DEBUG_EXIT = 10;
/** A debugger's pause: in the middle of a CPU's turn, or behind it (sim/core/debug.ts). */
export const STOP_PAUSE = 11;
/** An agent's next operation must come from the host; the host window says on which CPU. */
export const STOP_AGENT = 9;
