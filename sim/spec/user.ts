/**
 * How ring 3 executes: the window of runtime text, and the registers by which the kernel starts an
 * agent and by which an agent calls the kernel.
 *
 * What runs in ring 3 is told by RIP. 16 bytes of linear addresses stand for each runtime; the
 * kernel maps their page into every address space, for users, read-only and executable. The bytes
 * on it mean nothing.
 */

/** Linear address of the window: the last 64 KiB of the lower half. */
export const USER_TEXT = 0x7fff_ffff_0000;
export const USER_TEXT_BYTES = 0x1_0000;
/** Distance between two runtimes in the window; RIP must be exactly at one. */
export const RUNTIME_BYTES = 16;
export const RUNTIME_COUNT = 5;

/** Executes the synthetic instructions (synthetic.ts) that RBX points to. */
export const RUNTIME_SYNTHETIC = 0;
/** The next operation comes from the host: the CPU waits for an input, and no time passes. */
export const RUNTIME_HOST = 1;
/** Burns R12 cycles, then executes SYSCALL; its return address is RUNTIME_HOST. */
export const RUNTIME_CALL = 2;
/** Burns R12 cycles, then makes the system call whose record is at RBX (chain.ts). */
export const RUNTIME_CHAIN = 3;
/** Its return address: the call of another record, or RUNTIME_HOST. */
export const RUNTIME_CHAINED = 4;
/** Not in the window: the agent is machine code, and begins where its image says. */
export const RUNTIME_NATIVE = 16;

/*
 * At an agent's start, in both runtimes:
 *
 *   RIP  its runtime            RSP  top of its stack, or 0     RBX  its program (synthetic)
 *   RDI  its own capability     RSI  its pool's capability      RDX  the argument of its parent
 *   R14  its own ID             R15  number of its program (host), 32 bits
 *
 * and 0 in all others. R14 and R15 must stay what they are while RUNTIME_HOST is used. The high half of
 * R15 counts, in that runtime, the clones that have been made of the agent. Such a clone finds as well
 *
 *   RCX  its original's ID      RBX  its original's R13         R8   1: its original has made it itself
 *
 * and as long as it has not begun, R13 being 0, a clone of it finds the same.
 *
 * System call: RAX number; RDI (the capability that the call names), RSI, RDX, R10, R8, R9 arguments.
 * Results: RAX error, 0 for none; RDX value. SYSCALL takes RCX and R11; all else is kept.
 */

/** General registers in encoding order, for `readRegister` and the register files in memory. */
export const REGISTER_RAX = 0;
export const REGISTER_RCX = 1;
export const REGISTER_RDX = 2;
export const REGISTER_RBX = 3;
export const REGISTER_RBP = 5;
export const REGISTER_RSI = 6;
export const REGISTER_RDI = 7;
export const REGISTER_R8 = 8;
export const REGISTER_R9 = 9;
export const REGISTER_R10 = 10;
export const REGISTER_R11 = 11;
/** Cycles that RUNTIME_CALL or RUNTIME_CHAIN has left to burn. */
export const REGISTER_R12 = 12;
/**
 * RUNTIME_HOST: operations so far, 0 for an agent that hasn't begun (a clone that is to begin anew
 * must have 0). RUNTIME_SYNTHETIC: how far the instruction at RBX has come.
 */
export const REGISTER_R13 = 13;
export const REGISTER_R14 = 14;
export const REGISTER_R15 = 15;
/** One clone in R15. */
export const CLONE_COUNT = 0x1_0000_0000;

/** Bytes of the sixteen general registers, as saveRegisters leaves them. */
export const REGISTER_FILE_BYTES = 128;
