/** What the decoder makes of the bytes of one instruction. */

/** Answers of `decode`. */
export const DECODED: u32 = 0;
/** The instruction goes on behind the bytes that are available. */
export const NEED_MORE: u32 = 1;
/** #UD. When `form` isn't NO_FORM the instruction is known, and undefined by intent (UD2). */
export const UNDEFINED: u32 = 2;
/** More than 15 bytes: #GP(0) (Intel SDM 2A, 2.3.11). */
export const TOO_LONG: u32 = 3;

/** Longest instruction, in bytes. */
export const INSTRUCTION_BYTES_MAX: u32 = 15;

/** Size of code: 16, 32 or 64 bits. */
export const CODE_16: u32 = 0;
export const CODE_32: u32 = 1;
export const CODE_64: u32 = 2;

/** Values of `base` and `index` that are no general register. */
export const NO_REGISTER: u32 = 16;
export const BASE_RIP: u32 = 17;
export const NO_FORM: u32 = 0xffff;

/** All fields are set by each decode; registers are numbers in encoding order, REX included. */
@unmanaged
export class Instruction {
  /** Bytes of the instruction, all prefixes included. */
  length: u32;
  /** OP_… of sim/spec/isa/operations.generated.ts. */
  operation: u32;
  /** Row of the description, in the order of the tables. */
  form: u32;
  /**
   * Width of the operation, in bytes: that of its first operand which is neither immediate, port,
   * count nor segment register; without such an operand, and for far pointers, the operand size.
   */
  operandBytes: u32;
  /** 2, 4 or 8. */
  addressBytes: u32;
  /** Segment of the memory operand or of DS:rSI (SEGMENT_… of cpu.ts), overrides included. */
  segment: u32;
  /** The segment prefix that counts, or 0. */
  segmentPrefix: u32;
  /** 1: LOCK prefix. */
  lock: u32;
  /** The last of 0xF2 and 0xF3, or 0, whether or not it is part of the opcode. */
  rep: u32;
  /** The REX prefix that counts, 0x40 to 0x4f, or 0. With 0, byte registers 4 to 7 are AH, CH, DH, BH. */
  rex: u32;
  /** 1: prefix 66 is present. */
  prefix66: u32;
  /** Opcode map: 0 one byte, 1 0F, 2 0F 38, 3 0F 3A. */
  map: u32;
  /** The opcode's last byte; low four bits are the condition of Jcc, SETcc and CMOVcc. */
  opcode: u32;
  modrm: u32;
  /** ModR/M reg; the register of a Z operand; or the segment register in an opcode (PUSH ES). */
  reg: u32;
  /** ModR/M r/m when it is a register. */
  rm: u32;
  /** 1: there is a memory operand at segment:base + (index << scale) + displacement. */
  memory: u32;
  base: u32;
  index: u32;
  scale: u32;
  /** Sign-extended; of an O operand the whole offset, zero-extended. */
  displacement: i64;
  /** Of I, J and the offset of A. Ib, Iw and offsets are zero-extended, all others sign-extended. */
  immediate: u64;
  /** Second immediate: selector of A, nesting level of ENTER. */
  immediate2: u32;
  /** KIND_… of the operands, in Intel's order. */
  kind0: u8;
  kind1: u8;
  kind2: u8;
  kind3: u8;
  /** Their widths in bytes; 0 when it isn't fixed or nothing is accessed. */
  bytes0: u16;
  bytes1: u16;
  bytes2: u16;
  bytes3: u16;
}
