/**
 * The first message of a native agent, little endian: what Birth (birth.ts) says, in a form that needs no
 * parser. Strings follow each other, each with a zero byte behind: arguments, variables as NAME=value, names
 * of capabilities. Handles are 0 where there is none.
 *
 *   0   mark, u64            32  files, u64            48  capabilities, u32     56  handle of each
 *   8   streams, u64 × 3     40  arguments, u32        52  bytes of strings      …   capability, u64
 *                            44  variables, u32            u32                   …   strings
 */
export const BIRTH_MARK = 0;
export const BIRTH_STREAMS = 8;
export const BIRTH_FILES = 32;
export const BIRTH_ARGUMENTS = 40;
export const BIRTH_VARIABLES = 44;
export const BIRTH_CAPABILITIES = 48;
export const BIRTH_STRING_BYTES = 52;
export const BIRTH_HANDLES = 56;
/** "AIOSB" as a number: no other message of the system begins so. */
export const BIRTH_MARK_VALUE = 0x42_534f_4941;
