/** Whether two processors agree about a case, and how to say it when they don't. */
import { CODE_64 } from "../decoder.ts";
import { REGISTERS } from "./code.ts";
import { segmentOf } from "./isa-address.ts";
import * as L from "./isa-cases.ts";
import { MXCSR_AT, MXCSR_MASK_AT, POINTERS_AT, STACK_AT, STATUS_AT, XMM_AT } from "./isa-float.ts";

const RFLAGS_RF = 0x1_0000n;
const SINGLE_STEP = 1;
const STACK_FAULT = 12;
const ALIGNMENT_CHECK = 17;
const PAGE_FAULT = 14;
const PROTECTION_FAULT = 13;
const SEGMENT_FS = 4;
const WITH_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17]);
const POINTERS = L.IMAGE_AT + POINTERS_AT;
const STATUS = L.IMAGE_AT + STATUS_AT;
const STATUS_C1 = 0x200;
const hex = (value: bigint | number) => `0x${value.toString(16)}`;

const NAMES = new Map([
  [L.ENDED, "ended"],
  [L.ENDLESS, "endless"],
]);

/** Outside of the case's own pages it depends on the kernels whether a page is present; of large operands, on the page. */
function errorCode(one: L.Case, outcome: Buffer): number {
  const code = outcome.readUInt32LE(L.ERROR_AT);
  if (outcome.readUInt32LE(L.VECTOR_AT) !== PAGE_FAULT) return code;
  if (stepsAre(one, LARGE_OPERANDS)) return code & ~1;
  const address = outcome.readBigUInt64LE(L.ADDRESS_AT);
  return address >= BigInt(L.CODE) && address <= BigInt(L.DATA_END) ? code : code & ~1;
}

/**
 * Whether an access by FS or GS was refused: AMD's processors want the offset to be canonical, too,
 * before the base is added.
 */
function refusedOffset({ steps }: L.Case, vector: number): boolean {
  const based = steps.some(
    ({ drawn }) =>
      (drawn.memory?.segment ?? 0) >= SEGMENT_FS || segmentOf(drawn.prefixes.segment) >= SEGMENT_FS,
  );
  return based && vector === PROTECTION_FAULT;
}

/**
 * Stores of single bytes by a mask: whether bytes that aren't chosen fault, and which address is told, is
 * the implementation's choice (Intel SDM 2B, MASKMOVDQU).
 */
const MASKED_STORES = /^MASKMOV/;

/** C1 is cleared by these in Intel's manual, and undefined after FFREE; AMD's processors have it otherwise. */
const UNDEFINED_C1 = /^(FU?COMIP?|FFREEP?)$/;

/** Operands of several words, which processors read and write in an order of their own: any may fault first. */
const LARGE_OPERANDS = /^(FLDENV|FNSTENV|FNSAVE|FRSTOR|FXSAVE|FXRSTOR|IRET|RETF|CALL_FAR)$/;
const LARGE_BYTES = 512n;

function sameFaultAddress(one: L.Case, mine: Buffer, theirs: Buffer): boolean {
  const distance = BigInt.asIntN(
    64,
    mine.readBigUInt64LE(L.ADDRESS_AT) - theirs.readBigUInt64LE(L.ADDRESS_AT),
  );
  if (!stepsAre(one, LARGE_OPERANDS)) return distance === 0n;
  return distance > -LARGE_BYTES && distance < LARGE_BYTES;
}

/** With RFLAGS.AC an area that isn't aligned may be #AC instead of #GP (Intel SDM 2A, FXSAVE). */
function eitherAlignment(one: L.Case, mine: Buffer, theirs: Buffer): boolean {
  if (!stepsAre(one, /^FX(SAVE|RSTOR)$/)) return false;
  return isVector(mine, PROTECTION_FAULT) && isVector(theirs, ALIGNMENT_CHECK);
}

/** Whether an operand of 16 bytes is aligned, or within its segment, may be found out first (SDM 3A, 6.9). */
function eitherLimit(one: L.Case, mine: Buffer, theirs: Buffer): boolean {
  const vectors = one.steps.some(({ drawn }) => drawn.operands.some(({ bytes }) => bytes >= 16));
  return vectors && isVector(mine, STACK_FAULT) && isVector(theirs, PROTECTION_FAULT);
}

/** A far return may read all of its frame before it looks at the selectors in it, and an image be written until it ends. */
function eitherFrame(one: L.Case, mine: Buffer, theirs: Buffer): boolean {
  if (!stepsAre(one, LARGE_OPERANDS) || !isVector(theirs, PAGE_FAULT)) return false;
  return isVector(mine, PROTECTION_FAULT) || isVector(mine, STACK_FAULT);
}

/** An operand that wraps around at 4 GiB may exceed the limit of a flat segment, or not (Intel SDM 3A, 5.3). */
function eitherWrap(one: L.Case, mine: Buffer, theirs: Buffer): boolean {
  if (one.record.readUInt16LE(L.MODE_AT) === CODE_64 || !isVector(theirs, PAGE_FAULT)) return false;
  const end = theirs.readUInt32LE(L.ADDRESS_AT);
  const refused = isVector(mine, PROTECTION_FAULT) || isVector(mine, STACK_FAULT);
  return refused && end > -Number(LARGE_BYTES) >>> 0;
}

function isVector(outcome: Buffer, vector: number): boolean {
  return outcome.readUInt32LE(L.VECTOR_AT) === vector;
}

function stepsAre({ steps }: L.Case, operations: RegExp): boolean {
  return steps.some(({ drawn }) => operations.test(drawn.operation));
}

/** Where the kernel returns to its handler, null selectors lose their level (Intel SDM 2A, IRET). */
function forgetNullLevels(outcome: Buffer): void {
  for (let at = L.SELECTORS_AT; at < L.SELECTORS_AT + 8; at += 2)
    if (outcome.readUInt16LE(at) < 4) outcome.writeUInt16LE(0, at);
}

function vectorName(outcome: Buffer): string {
  const vector = outcome.readUInt32LE(L.VECTOR_AT);
  return NAMES.get(vector) ?? `exception ${vector}`;
}

/** What is different between the machine's outcome and the other processor's; empty when nothing is. */
export function differencesOf(one: L.Case, mine: Buffer, theirs: Buffer): string[] {
  const found: string[] = [];
  const differ = (name: string, a: bigint | number, b: bigint | number) => {
    if (a !== b) found.push(`${name}: ${hex(a)}, the processor ${hex(b)}`);
  };
  const vector = theirs.readUInt32LE(L.VECTOR_AT);
  if (vector !== mine.readUInt32LE(L.VECTOR_AT))
    found.push(`${vectorName(mine)}, the processor ${vectorName(theirs)}`);
  else if (vector === L.ENDLESS) return [];
  if (found.length > 0 && refusedOffset(one, vector)) return [];
  if (vector !== L.ENDED && stepsAre(one, MASKED_STORES)) return [];
  const either = [eitherAlignment, eitherWrap, eitherLimit, eitherFrame];
  if (either.some((allows) => allows(one, mine, theirs))) return [];
  const long = one.record.readUInt16LE(L.MODE_AT) === CODE_64;
  const number = (outcome: Buffer, at: number) =>
    BigInt.asUintN(long ? 64 : 32, outcome.readBigUInt64LE(at));
  // A POPA that faults may have loaded some of its registers: it will be executed again.
  const loading = vector !== L.ENDED && one.steps.some(({ drawn }) => drawn.operation === "POPA");
  REGISTERS.slice(0, long ? 16 : 8).forEach((name, n) => {
    if (!loading) differ(name, number(mine, 8 * n), number(theirs, 8 * n));
  });
  differ("rip", number(mine, L.RIP_AT), number(theirs, L.RIP_AT));
  const { undefinedFlags, undefinedBetween } = one;
  const stepped = vector === SINGLE_STEP ? undefinedFlags | undefinedBetween : undefinedBetween;
  const ignored = RFLAGS_RF | BigInt(vector === L.ENDED ? undefinedFlags : stepped);
  const flags = (outcome: Buffer) => outcome.readBigUInt64LE(L.RFLAGS_AT) & ~ignored;
  differ("rflags", flags(mine), flags(theirs));
  if (WITH_ERROR_CODE.has(vector))
    differ("error code", errorCode(one, mine), errorCode(one, theirs));
  if (vector === PAGE_FAULT && !sameFaultAddress(one, mine, theirs))
    differ("cr2", mine.readBigUInt64LE(L.ADDRESS_AT), theirs.readBigUInt64LE(L.ADDRESS_AT));
  if (vector !== L.ENDED) for (const outcome of [mine, theirs]) forgetNullLevels(outcome);
  if (stepsAre(one, UNDEFINED_C1))
    for (const outcome of [mine, theirs])
      outcome.writeUInt16LE(outcome.readUInt16LE(STATUS) & ~STATUS_C1, STATUS);
  compareBytes(mine, theirs, found);
  return found;
}

/**
 * Whether the processor says where its last x87 instruction and operand were. AMD's say zero unless an
 * unmasked exception is pending (APM 2, 11.5.3; CPUID 8000_0008 EBX bit 2).
 */
function keepsPointers(outcome: Buffer): boolean {
  return outcome.subarray(POINTERS, L.IMAGE_AT + MXCSR_AT).some((byte) => byte !== 0);
}

function compareBytes(mine: Buffer, theirs: Buffer, found: string[]): void {
  const spans: [string, number, number][] = [
    ["changed memory", L.FIRST_AT, L.FS_BASE_AT],
    ["segments", L.FS_BASE_AT, L.CHANGED_AT],
    ["data", L.CHANGED_AT, L.WINDOW_AT],
    ["window", L.WINDOW_AT, L.IMAGE_AT],
    ["control and status", L.IMAGE_AT, POINTERS],
    ["opcode and pointers", POINTERS, keepsPointers(theirs) ? L.IMAGE_AT + MXCSR_AT : POINTERS],
    ["mxcsr", L.IMAGE_AT + MXCSR_AT, L.IMAGE_AT + MXCSR_MASK_AT],
    ["stack", L.IMAGE_AT + STACK_AT, L.IMAGE_AT + XMM_AT],
    ["xmm", L.IMAGE_AT + XMM_AT, L.IMAGE_AT + L.IMAGE_KNOWN],
  ];
  for (const [name, from, to] of spans) {
    const [a, b] = [mine.subarray(from, to), theirs.subarray(from, to)];
    if (a.equals(b)) continue;
    let at = 0;
    while (a[at] === b[at]) at++;
    const text = (bytes: Buffer) => bytes.subarray(at & ~7, (at & ~7) + 16).toString("hex");
    found.push(`${name} from byte ${at & ~7} on: ${text(a)}, the processor ${text(b)}`);
  }
}
