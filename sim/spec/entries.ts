/**
 * The entry points of kernel.wasm: 0-255 are the handlers of the interrupt vectors.
 */
/** The bootstrap processor after power-on, and a processor after its startup IPI. */
export const ENTRY_START = 256;
/** The idle loop: what a CPU executes when no handler is left to return to. */
export const ENTRY_IDLE = 257;
/** SYSCALL: where LSTAR points to. Its end is SYSRET. */
export const ENTRY_SYSCALL = 258;
export const ENTRY_COUNT = 259;
/** Distance between two entries in the linear address space. */
export const ENTRY_BYTES = 16;
