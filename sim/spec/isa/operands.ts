/**
 * Operand codes: a method (where the operand is) and a type (how wide it is), as in the opcode maps
 * of Intel SDM 2D, appendix A.2. Numbers that the decoder and TypeScript share.
 */

/** Methods, by the manual's letter where it has one. */
export const KIND_NONE = 0;
/** E: general register or memory, by ModR/M. */
export const KIND_E = 1;
/** G: general register, by ModR/M reg. */
export const KIND_G = 2;
/** I: immediate. */
export const KIND_I = 3;
/** J: immediate, relative to the next instruction. */
export const KIND_J = 4;
/** A: far pointer in the instruction; offset in `immediate`, selector in `immediate2`. */
export const KIND_A = 5;
/** M: memory only, by ModR/M. */
export const KIND_M = 6;
/** O: memory at an offset in the instruction, without ModR/M. */
export const KIND_O = 7;
/** Z: general register in the opcode's low three bits (the manual's "+rd"). */
export const KIND_Z = 8;
/** R: general register, by ModR/M r/m. */
export const KIND_R = 9;
/** S: segment register, by ModR/M reg or in the opcode. */
export const KIND_S = 10;
/** C: control register, by ModR/M reg. */
export const KIND_C = 11;
/** D: debug register, by ModR/M reg. */
export const KIND_D = 12;
/** X: memory at DS:rSI. */
export const KIND_X = 13;
/** Y: memory at ES:rDI. */
export const KIND_Y = 14;
/** P: MMX register, by ModR/M reg. */
export const KIND_P = 15;
/** Q: MMX register or memory, by ModR/M. */
export const KIND_Q = 16;
/** N: MMX register, by ModR/M r/m. */
export const KIND_N = 17;
/** V: XMM register, by ModR/M reg. */
export const KIND_V = 18;
/** W: XMM register or memory, by ModR/M. */
export const KIND_W = 19;
/** U: XMM register, by ModR/M r/m. */
export const KIND_U = 20;
/** AL, AX, EAX, RAX. */
export const KIND_ACCUMULATOR = 21;
/** CL. */
export const KIND_CL = 22;
/** DX, as a port. */
export const KIND_DX = 23;
/** The constant 1 of a shift. */
export const KIND_ONE = 24;
/** ST(0). */
export const KIND_ST0 = 25;
/** ST(i), by ModR/M r/m. */
export const KIND_STI = 26;
/** XMM0, where an instruction reads it without naming it. */
export const KIND_XMM0 = 27;

/** Types. Widths that depend on the operand size are resolved when an instruction is decoded. */
export const SIZE_NONE = 0;
/** b: 1 byte. */
export const SIZE_B = 1;
/** bs: 1 byte, sign-extended to 64 bits. */
export const SIZE_BS = 2;
/** w: 2 bytes. */
export const SIZE_W = 3;
/** d: 4 bytes. */
export const SIZE_D = 4;
/** q: 8 bytes. */
export const SIZE_Q = 5;
/** t: 10 bytes. */
export const SIZE_T = 6;
/** dq: 16 bytes. */
export const SIZE_DQ = 7;
/** v: 2, 4 or 8 bytes, the operand size. */
export const SIZE_V = 8;
/** z: 2 or 4 bytes, the operand size but no more than 4. */
export const SIZE_Z = 9;
/** y: 4 bytes, or 8 with REX.W or where the operand size is always 64 bits. */
export const SIZE_Y = 10;
/** p: far pointer, 2 bytes more than the operand size. */
export const SIZE_P = 11;
/** a: two operands in memory, each of the operand size (BOUND). */
export const SIZE_A = 12;
/** s: limit and base of a descriptor table, 6 or 10 bytes. */
export const SIZE_S = 13;
/** e: x87 environment, 14 or 28 bytes (FLDENV). */
export const SIZE_E = 14;
/** st: x87 state, 94 or 108 bytes (FSAVE). */
export const SIZE_ST = 15;
/** fx: 512 bytes (FXSAVE). */
export const SIZE_FX = 16;
/** xs: as long as the state components that are asked for (XSAVE); 0 in `bytes`. */
export const SIZE_XS = 17;
/** An address only, nothing is accessed (LEA, INVLPG, PREFETCH); 0 in `bytes`. */
export const SIZE_ADDRESS = 18;
