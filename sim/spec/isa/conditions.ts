/** What has to hold for a row of the description to be the instruction: numbers of the decoder's tables. */

/** Mandatory prefixes (Intel SDM 2A, 3.1.1.1). */
export const PREFIX_ANY = 0;
/** NP: none of 66, F2 and F3. */
export const PREFIX_NONE = 1;
export const PREFIX_66 = 2;
export const PREFIX_F3 = 3;
export const PREFIX_F2 = 4;
/** NFx: neither F2 nor F3. */
export const PREFIX_NFX = 5;

/** Bits of a row's flags. */
export const FORM_MODRM = 0x1;
/** Only with a memory operand, or only with a register (ModR/M mod = 3). */
export const FORM_MEMORY = 0x2;
export const FORM_REGISTER = 0x4;
/** r/m is a register whatever mod says (MOV to and from control registers). */
export const FORM_MOD_IGNORED = 0x8;
/** i64: invalid in 64-bit mode. o64: only there. */
export const FORM_NOT_64 = 0x10;
export const FORM_ONLY_64 = 0x20;
/** d64: the operand size in 64-bit mode is 64 bits, or 16 with prefix 66. f64: always 64. */
export const FORM_DEFAULT_64 = 0x40;
export const FORM_FORCED_64 = 0x80;
/** LOCK is allowed when the destination is memory. */
export const FORM_LOCK = 0x100;
export const FORM_REX_W = 0x200;
/** Without REX.B. */
export const FORM_REX_B0 = 0x400;
/** Can be executed at privilege level 0 only. */
export const FORM_PRIVILEGED = 0x800;
/** Has a name and a length, and raises #UD (UD2). */
export const FORM_UNDEFINED = 0x1000;

/** An operand is a register of which there are fewer than REX can name (x87, MMX, S, C, D). */
export const FORM_FEW_REGISTERS = 0x2000;
/** Immediates or an offset follow. */
export const FORM_TAIL = 0x4000;

/** What the width of an operation is: the operand size, or that of its first or second operand. */
export const WIDTH_OF_OPERAND_SIZE = 0;
export const WIDTH_OF_FIRST = 1;
export const WIDTH_OF_SECOND = 2;

/** Opcode maps: one byte, 0F, 0F 38, 0F 3A. */
export const OPCODE_MAPS = 4;
