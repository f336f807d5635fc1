/** What the machine and a debugger outside of it hand each other. Shared by sim.wasm and its host. */
/** The CPU's clock has come to where it was to pause. */
export const DEBUG_CLOCK = 1;
/** A breakpoint is at RIP. */
export const DEBUG_BREAKPOINT = 2;
/** The instruction before RIP, or the turn that has ended, has accessed watched memory. */
export const DEBUG_WATCHPOINT = 3;
/** A CPU that is to be held would get a turn. */
export const DEBUG_HOLD = 4;

/** Kinds of access, as bits. */
export const DEBUG_READ = 1;
export const DEBUG_WRITE = 2;

export const DEBUG_BREAKPOINTS_MAX = 128;
export const DEBUG_WATCHPOINTS_MAX = 32;
