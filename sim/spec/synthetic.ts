/**
 * The synthetic instruction set: programs that spend time, touch memory and make system calls, for
 * workloads. 32 bytes an instruction, aligned to 32, at RBX, which is the program counter:
 *
 *   0-1 opcode   2 register a   3 register b   4-7 flags   8-15 x   16-23 y   24-31 z
 *
 * All little-endian; registers in encoding order, 0 to 15. Arithmetic wraps at 64 bits. Instructions
 * and operands go through the MMU as reads and writes of ring 3. An instruction that faults has taken
 * a cycle and changed nothing but R13, and RBX points to it.
 *
 * Each takes one cycle, if nothing else is said. A register b of 3 reads RBX as the address of the
 * next instruction; writing RBX is a jump. R13 belongs to OP_RUN and OP_TOUCH: it is 0 before them
 * and after them, and tells in between how far they have come. RAX to RDI and R8 to R12 are free.
 *
 * #UD: another opcode, a register above 15, an RBX that is no multiple of 32 or not in RAM.
 */
export const INSTRUCTION_BYTES = 32;

/** Burns x cycles, plus register b if flags has RUN_ADD; one at least. R13: cycles left. */
export const OP_RUN = 1;
/** a = x */
export const OP_SET = 2;
/** a = b */
export const OP_MOVE = 3;
/** a = b + x */
export const OP_ADD = 4;
/** a = b - x */
export const OP_SUB = 5;
/**
 * a = x + r mod (y + 1), where r is the next number of a generator whose state is b: xorshift64*
 * (Vigna 2016, "An experimental exploration of Marsaglia's xorshift generators, scrambled"; shifts
 * 12, 25, 27; multiplier 2685821657736338717). With y all ones r is taken whole. A state of 0 is
 * replaced by 88172645463325252 first (Marsaglia 2003, "Xorshift RNGs").
 */
export const OP_RANDOM = 6;
/** RBX = this instruction's address + 32 x: x is signed, -1 is the instruction before. */
export const OP_JUMP = 7;
/** The same when a is not 0. */
export const OP_JUMP_IF = 8;
/** The same when a is 0. */
export const OP_JUMP_UNLESS = 9;
/** The same when a < b, unsigned. */
export const OP_JUMP_BELOW = 10;
/** a = the quadword at b + x */
export const OP_LOAD = 11;
/** The quadword at b + x = a */
export const OP_STORE = 12;
/** Writes the low byte of a to x, x + y, x + 2y, …: z bytes, a cycle each. R13: bytes written. */
export const OP_TOUCH = 13;
/** SYSCALL; the kernel returns to the next instruction. */
export const OP_SYSCALL = 14;
/** a = a + b */
export const OP_ADD_REG = 15;
/** A record of kind TRACE_MARK in the machine's trace: this CPU, x, and a. */
export const OP_MARK = 16;
/** a = the time-stamp counter; #GP(0) while CR4.TSD forbids it, as RDTSC. */
export const OP_TIME = 17;

/** Flag of OP_RUN: register b is added to x. */
export const RUN_ADD = 1;
