/** Cases of which one was wrong in the machine once, written by hand. What a real processor does is recorded. */
import { CODE_16, CODE_32, CODE_64 } from "../decoder.ts";
import { bytesOf, REGISTERS, type Register } from "./code.ts";
import * as L from "./isa-cases.ts";
import { initialImage, STACK_AT, TAGS_AT } from "./isa-float.ts";
import { DATA_16_SELECTOR, LOW_BASE } from "./isa-segments.ts";

interface Row {
  readonly name: string;
  readonly mode?: number;
  readonly code: string;
  readonly registers?: Partial<Record<Register, number | bigint>>;
  readonly flags?: number;
  /** SS, DS. */
  readonly stack?: number;
  readonly data?: number;
  /** FCW and FSW. */
  readonly x87?: readonly [number, number];
  /** ST(0) and ST(1), least significant byte first. */
  readonly numbers?: readonly string[];
}

const NONCANONICAL = 0x8000_0000_0000n;
const AC = 0x4_0202;
const SMALL = 0x1f;
const PENDING: readonly [number, number] = [0x37e, 0x8081];
const MIDDLE = L.WINDOW + L.WINDOW_BYTES / 2;

export const ROWS: readonly Row[] = [
  {
    name: "MOV SS, [RBP] beyond canonical addresses is #SS",
    code: "8e 55 00",
    registers: { rbp: NONCANONICAL },
  },
  {
    name: "so is VERR of an operand on the stack",
    code: "0f 00 65 00",
    registers: { rbp: NONCANONICAL },
  },
  { name: "and LSS", code: "0f b2 45 00", registers: { rbp: NONCANONICAL } },
  { name: "and CALL far", code: "ff 5d 00", registers: { rbp: NONCANONICAL } },
  {
    name: "an operand that isn't canonical is #GP, aligned or not",
    code: "c1 01 30",
    registers: { rcx: NONCANONICAL - 3n },
    flags: AC,
  },
  {
    name: "MOVDQU has to be aligned with RFLAGS.AC",
    code: "f3 0f 6f 01",
    registers: { rcx: MIDDLE + 8 },
    flags: AC,
  },
  {
    name: "FNSTENV has to be aligned to 4 bytes with RFLAGS.AC",
    code: "d9 31",
    registers: { rcx: MIDDLE + 2 },
    flags: AC,
  },
  { name: "and not to 8", code: "d9 31", registers: { rcx: MIDDLE + 4 }, flags: AC },
  {
    name: "FNSTENV with 16-bit operands to 2 bytes",
    code: "66 d9 31",
    registers: { rcx: MIDDLE + 2 },
    flags: AC,
  },
  { name: "FLDENV to 4 bytes", code: "d9 21", registers: { rcx: MIDDLE + 4 }, flags: AC },
  { name: "FBSTP to 8 bytes", code: "df 31", registers: { rcx: MIDDLE + 4 }, flags: AC },
  { name: "FNSAVE stores its image once", code: "dd 31", registers: { rcx: MIDDLE - 60 } },
  { name: "FNSAVE with 16-bit operands, too", code: "66 dd 31", registers: { rcx: MIDDLE - 60 } },
  {
    name: "a repeat prefix before CALL far isn't its selector",
    mode: CODE_32,
    code: "f2 9a 00 20 00 00 07 00",
  },
  { name: "nor before JMP far in 16-bit code", mode: CODE_16, code: "f3 ea 00 20 07 00" },
  {
    name: "INVLPG beyond the limit of SS is #GP in ring 3",
    mode: CODE_32,
    code: "0f 01 7d 00",
    registers: { rbp: 0x7000 },
    stack: SMALL,
  },
  {
    name: "a pending x87 exception comes before the operand's limit",
    mode: CODE_32,
    code: "d8 01",
    registers: { rcx: 0x7000 },
    data: SMALL,
    x87: PENDING,
  },
  { name: "LAR tells of the limit's bits", code: "0f 02 c1", registers: { rcx: L.USER_DATA } },
  {
    name: "ENTER copies frame pointers over themselves",
    code: "c8 d6 21 3f",
    registers: { rsp: MIDDLE + 8, rbp: L.WINDOW },
  },
  { name: "RET beyond canonical addresses", code: "c3", registers: { rsp: NONCANONICAL - 4n } },
  {
    name: "CALL that can push nothing",
    code: "ff d0",
    registers: { rsp: L.READ_ONLY + 16, rax: NONCANONICAL },
  },
  { name: "CMPXCHG16B that isn't aligned", code: "48 0f c7 09", registers: { rcx: MIDDLE + 8 } },
  {
    name: "CMPXCHG of unequal 32-bit registers",
    code: "0f b1 d9",
    registers: { rax: -1n, rcx: -2n, rbx: -3n },
  },
  { name: "MOV of 16 bits has to be aligned with RFLAGS.AC", code: "66 8b 4b 01", flags: AC },
  { name: "MOVSX of 16 bits, too", code: "0f bf 4b 01", flags: AC },
  { name: "MOVZX of 16 bits, too", code: "0f b7 4b 01", flags: AC },
  {
    name: "LGDT in ring 3 is #GP wherever its operand is",
    code: "0f 01 55 00",
    registers: { rbp: NONCANONICAL },
  },
  {
    name: "FXRSTOR beyond canonical addresses is #SS, aligned or not",
    code: "0f ae 4d 00",
    registers: { rbp: NONCANONICAL + 4n },
  },
  {
    name: "ARPL that has nothing to change only reads",
    mode: CODE_32,
    code: "2e 63 01",
    registers: { rcx: MIDDLE },
  },
  {
    name: "ARPL that has to store where it can't is #GP",
    mode: CODE_32,
    code: "2e 63 05 ff 27 60 00",
    registers: { rax: 3 },
  },
  {
    name: "ARPL of what is absent is #PF, if it may be written or not",
    mode: CODE_32,
    code: "2e 63 01",
  },
  {
    name: "FPREM1 of a denormal number by infinity underflows, if that isn't masked",
    code: "d9 f5",
    x87: [0x36f, 0],
    numbers: ["00 00 00 00 80 cf 4f 6d 00 80", "00 00 00 00 00 00 00 80 ff 7f"],
  },
  {
    name: "and FPREM of a pseudo-denormal one doesn't",
    code: "d9 f8",
    x87: [0x36f, 0],
    numbers: ["00 00 00 00 80 cf 4f ed 00 80", "00 00 00 00 00 00 00 80 ff 7f"],
  },
  {
    name: "FXSAVE has 512 bytes within the limit of its segment",
    mode: CODE_32,
    code: "0f ae 01",
    registers: { rcx: 0x5ec0 },
    data: SMALL,
  },
];

/** The case of a row: RIP is in the middle of a page. */
export function regressionCase(row: Row): L.Case {
  const record = Buffer.alloc(L.RECORD_BYTES);
  const mode = row.mode ?? CODE_64;
  const base = mode === CODE_16 ? LOW_BASE : 0;
  const rip = L.CODE + 0x800 - base;
  const code = bytesOf(row.code);
  initialImage(record);
  if (row.x87 !== undefined)
    row.x87.forEach((word, n) => void record.writeUInt16LE(word, L.IMAGE_AT + 2 * n));
  (row.numbers ?? []).forEach((number, n) => {
    record.set(bytesOf(number), L.IMAGE_AT + STACK_AT + 16 * n);
    record.writeUInt8(record.readUInt8(L.IMAGE_AT + TAGS_AT) | (1 << n), L.IMAGE_AT + TAGS_AT);
  });
  L.BACKGROUND.copy(record, L.WINDOW_AT, L.WINDOW - L.DATA, L.WINDOW - L.DATA + L.WINDOW_BYTES);
  const stack = mode === CODE_16 ? BigInt(L.EXIT + (MIDDLE - base)) : BigInt(MIDDLE);
  const registers: Row["registers"] = { rsp: stack, ...row.registers };
  REGISTERS.forEach((name, n) => {
    record.writeBigUInt64LE(BigInt.asUintN(64, BigInt(registers[name] ?? 0)), 8 * n);
  });
  const usual = mode === CODE_16 ? DATA_16_SELECTOR : L.USER_DATA;
  record.writeUInt16LE(row.stack ?? usual, L.STACK_SELECTOR_AT);
  record.writeUInt16LE(row.data ?? usual, L.DATA_SELECTORS_AT);
  record.writeUInt16LE(usual, L.DATA_SELECTORS_AT + 2);
  record.writeBigUInt64LE(BigInt(rip), L.RIP_AT);
  record.writeBigUInt64LE(BigInt(row.flags ?? 0x202), L.RFLAGS_AT);
  record.writeUInt16LE(mode, L.MODE_AT);
  record.set(code, L.CODE_AT);
  const exit = L.exitJump(rip + code.length, mode);
  exit.copy(record, L.CODE_AT + code.length);
  record.writeUInt32LE(code.length + exit.length, L.LENGTH_AT);
  return { record, steps: [], undefinedFlags: 0, undefinedBetween: 0 };
}

export const REGRESSIONS: readonly L.Case[] = ROWS.map(regressionCase);
