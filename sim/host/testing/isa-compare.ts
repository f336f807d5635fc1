/** Whether two processors agree about a case, and how to say it when they don't. */
import { FORMS } from "../../spec/isa/forms.ts";
import { CODE_16, CODE_32, CODE_64 } from "../decoder.ts";
import { REGISTERS } from "./code.ts";
import { segmentOf } from "./isa-address.ts";
import * as L from "./isa-cases.ts";
import { MXCSR_AT, MXCSR_MASK_AT, POINTERS_AT, STACK_AT, STATUS_AT, XMM_AT } from "./isa-float.ts";

interface Judged extends L.Case {
  /** The operation at which a case has stopped that has written over its code, where nobody drew it; or "". */
  readonly made: string;
}

const RFLAGS_TF = 0x100n;
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
const STATUS_FLAGS = 0x8d5;
const LINEAR_BITS = 57;
const ADDRESS_BITS = new Map([
  [CODE_16, 16],
  [CODE_32, 32],
  [CODE_64, 64],
]);
const hex = (value: bigint | number) => `0x${value.toString(16)}`;

const NAMES = new Map([
  [L.ENDED, "ended"],
  [L.ENDLESS, "endless"],
  [L.OUTSIDE, "outside"],
]);

/** Outside of the case's own pages it depends on the kernels whether a page is present; of large operands, on the page. */
function errorCode(one: Judged, outcome: Buffer): number {
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
function refusedOffset({ steps }: Judged, vector: number): boolean {
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

/**
 * Operands of several words, the stack of far transfers among them, which processors read and write in an
 * order of their own: any may fault first (Intel SDM 3A, 6.9, table 6-2: the order within a class).
 */
const LARGE_OPERANDS =
  /^(FLDENV|FNSTENV|FNSAVE|FRSTOR|FXSAVE|FXRSTOR|IRET|RETF|CALL_FAR|JMP_FAR|L[EDSFG]S|BOUND)$/;
const LARGE_BYTES = 512n;
const EXTENDED_BYTES = 10;
/** Transfers that may leave 64-bit mode. */
const FAR_TRANSFERS = /^(IRET|RETF|CALL_FAR|JMP_FAR)$/;
const MEMORY_FAULTS = [STACK_FAULT, PROTECTION_FAULT, PAGE_FAULT, ALIGNMENT_CHECK];

function hasLargeOperand(one: Judged): boolean {
  const extended = ({ drawn }: L.Step) =>
    drawn.operands.some(({ bytes }) => bytes === EXTENDED_BYTES);
  return stepsAre(one, LARGE_OPERANDS) || one.steps.some(extended);
}

function modeOf({ record }: Judged): number {
  return record.readUInt16LE(L.MODE_AT);
}

/**
 * Large operands may wrap around with their addresses. A far CALL out of 64-bit mode may push by the
 * stack pointer's width of the mode that it leads to, as AMD's processors do.
 */
function sameFaultAddress(one: Judged, mine: Buffer, theirs: Buffer): boolean {
  const distance = mine.readBigInt64LE(L.ADDRESS_AT) - theirs.readBigInt64LE(L.ADDRESS_AT);
  if (!hasLargeOperand(one)) return distance === 0n;
  const widths = one.steps.map(({ drawn }) => 8 * (drawn.memory?.addressBytes ?? 8));
  const called = modeOf(one) === CODE_64 && stepsAre(one, /^CALL_FAR$/) ? 32 : 64;
  const bits = Math.min(...widths, called, ADDRESS_BITS.get(modeOf(one)) ?? 64);
  const near = BigInt.asIntN(bits, distance);
  return near > -LARGE_BYTES && near < LARGE_BYTES;
}

/** Whether an operand of 16 bytes is aligned, or within its segment, may be found out first (SDM 3A, 6.9). */
function eitherLimit(one: Judged, mine: Buffer, theirs: Buffer): boolean {
  const vectors = one.steps.some(({ drawn }) => drawn.operands.some(({ bytes }) => bytes >= 16));
  return vectors && isVector(mine, STACK_FAULT) && isVector(theirs, PROTECTION_FAULT);
}

/**
 * Each word of a large operand has its own limit, page and alignment, and a far return may read all of its
 * frame before it looks at the selectors in it: the other fault is one of memory, which has no selector.
 */
function eitherWord(one: Judged, mine: Buffer, theirs: Buffer): boolean {
  if (!hasLargeOperand(one) || !MEMORY_FAULTS.some((vector) => isVector(mine, vector)))
    return false;
  if (isVector(theirs, PAGE_FAULT) || isVector(theirs, ALIGNMENT_CHECK)) return true;
  const outside = isVector(theirs, STACK_FAULT) || isVector(theirs, PROTECTION_FAULT);
  return outside && theirs.readUInt32LE(L.ERROR_AT) === 0;
}

/** Of several things that are wrong in the frame of a far return, each processor tells one. */
function eitherCheck(one: Judged, mine: Buffer, theirs: Buffer): boolean {
  if (!stepsAre(one, /^(IRET|RETF)$/) || !isVector(mine, PROTECTION_FAULT)) return false;
  return isVector(theirs, PROTECTION_FAULT) && theirs.readUInt32LE(L.ERROR_AT) === 0;
}

/** Below 64-bit mode Intel's CALL looks at its target, AMD's at the stack first: both are faults of one class. */
function eitherPush(one: Judged, mine: Buffer, theirs: Buffer): boolean {
  if (modeOf(one) === CODE_64 || faultingOperation(one, theirs) !== "CALL") return false;
  const pushing = [STACK_FAULT, PAGE_FAULT, ALIGNMENT_CHECK];
  return isVector(mine, PROTECTION_FAULT) && pushing.some((vector) => isVector(theirs, vector));
}

/** MXCSR has bits that not every processor has (SDM 1, 11.6.6): AMD's bit 17 lets operands be misaligned. */
function eitherMask(one: Judged, mine: Buffer, theirs: Buffer): boolean {
  if (!stepsAre(one, /^(LDMXCSR|FXRSTOR)$/) || !isVector(mine, PROTECTION_FAULT)) return false;
  return theirs.readUInt32LE(L.IMAGE_AT + MXCSR_AT) > 0xffff;
}

/** An operand that wraps around at 4 GiB may exceed the limit of a flat segment, or not (Intel SDM 3A, 5.3). */
function eitherWrap(one: Judged, mine: Buffer, theirs: Buffer): boolean {
  if (modeOf(one) === CODE_64 || !isVector(theirs, PAGE_FAULT)) return false;
  const end = theirs.readUInt32LE(L.ADDRESS_AT);
  const refused = isVector(mine, PROTECTION_FAULT) || isVector(mine, STACK_FAULT);
  return refused && end > -Number(LARGE_BYTES) >>> 0;
}

const EITHER = [eitherWord, eitherWrap, eitherLimit, eitherPush, eitherMask];

/** The operation that has faulted; none when RIP is behind the case's own instructions. */
function faultingOperation({ record, steps }: Judged, outcome: Buffer): string | undefined {
  const offset = outcome.readBigUInt64LE(L.RIP_AT) - record.readBigUInt64LE(L.RIP_AT);
  return steps.find(({ at }) => BigInt(at) === offset)?.drawn.operation;
}

function isVector(outcome: Buffer, vector: number): boolean {
  return outcome.readUInt32LE(L.VECTOR_AT) === vector;
}

function stepsAre({ steps, made }: Judged, operations: RegExp): boolean {
  return operations.test(made) || steps.some(({ drawn }) => operations.test(drawn.operation));
}

/**
 * Where the kernel returns to its handler, null selectors lose their level (Intel SDM 2A, IRET). So they do
 * if an interrupt comes within the case: then the processor's are 0.
 */
function forgetNullLevels(mine: Buffer, theirs: Buffer, faulted: boolean): void {
  for (let at = L.SELECTORS_AT; at < L.SELECTORS_AT + 8; at += 2) {
    const [a, b] = [mine.readUInt16LE(at), theirs.readUInt16LE(at)];
    if (faulted && b < 4) theirs.writeUInt16LE(0, at);
    if (a < 4 && (faulted || b === 0)) mine.writeUInt16LE(0, at);
  }
}

/** FIP and FDP have as many bits as linear addresses, and a sign: 57 is the most (SDM 1, 3.3.7.1). */
function shortenPointers(outcome: Buffer): void {
  for (const at of [POINTERS + 2, POINTERS + 10])
    outcome.writeBigInt64LE(BigInt.asIntN(LINEAR_BITS, outcome.readBigInt64LE(at)), at);
}

function vectorName(outcome: Buffer): string {
  const vector = outcome.readUInt32LE(L.VECTOR_AT);
  return NAMES.get(vector) ?? `exception ${vector}`;
}

/** An IRET that loads TF: the trap comes behind the first instruction of EXIT, which the machine hasn't. */
function trapsOutside(one: Judged, mine: Buffer, theirs: Buffer): boolean {
  if (!isVector(mine, L.ENDED) || !isVector(theirs, SINGLE_STEP)) return false;
  return (
    stepsAre(one, /^IRET$/) && theirs.readBigUInt64LE(L.RIP_AT) >> 12n === BigInt(L.EXIT >> 12)
  );
}

/** A trap without TF in code that a case has written: hypervisors disagree about the RIP of INT1 (isa-plans.ts). */
function mayBeInt1({ record }: Judged, outcome: Buffer): boolean {
  const stepped = (record.readBigUInt64LE(L.RFLAGS_AT) & RFLAGS_TF) !== 0n;
  return isVector(outcome, SINGLE_STEP) && !stepped && outcome.readUInt32LE(L.CODE_HASH_AT) !== 0;
}

/** What is different between the machine's outcome and the other processor's; empty when nothing is. */
export function differencesOf(drawn: L.Case, mine: Buffer, theirs: Buffer): string[] {
  const one = { ...drawn, made: FORMS[mine.readUInt16LE(L.MADE_AT) - 1]?.operation ?? "" };
  const found: string[] = [];
  const differ = (name: string, a: bigint | number, b: bigint | number) => {
    if (a !== b) found.push(`${name}: ${hex(a)}, the processor ${hex(b)}`);
  };
  const vector = theirs.readUInt32LE(L.VECTOR_AT);
  if (isVector(mine, L.OUTSIDE) || trapsOutside(one, mine, theirs)) return [];
  if (!isVector(mine, vector))
    found.push(`${vectorName(mine)}, the processor ${vectorName(theirs)}`);
  else if (vector === L.ENDLESS) return [];
  if (found.length > 0 && refusedOffset(one, vector)) return [];
  if (vector !== L.ENDED && stepsAre(one, MASKED_STORES)) return [];
  if (found.length > 0 && EITHER.some((allows) => allows(one, mine, theirs))) return [];
  const faulting = vector === L.ENDED ? undefined : faultingOperation(one, theirs);
  compareRegisters(one, mine, theirs, differ);
  if (!mayBeInt1(one, theirs))
    differ("rip", registerAt(one, mine, L.RIP_AT), registerAt(one, theirs, L.RIP_AT));
  const { undefinedFlags, undefinedBetween } = one;
  const through = vector === L.ENDED || faulting === undefined;
  const stepped = vector === SINGLE_STEP || through ? undefinedFlags : 0;
  const between = vector === L.ENDED ? 0 : undefinedBetween;
  const made = one.patches !== true && theirs.readUInt32LE(L.CODE_HASH_AT) !== 0 && through;
  const ignored = RFLAGS_RF | BigInt(stepped | between | (made ? STATUS_FLAGS : 0));
  const flags = (outcome: Buffer) => outcome.readBigUInt64LE(L.RFLAGS_AT) & ~ignored;
  differ("rflags", flags(mine), flags(theirs));
  if (WITH_ERROR_CODE.has(vector) && !eitherCheck(one, mine, theirs))
    differ("error code", errorCode(one, mine), errorCode(one, theirs));
  if (vector === PAGE_FAULT && !sameFaultAddress(one, mine, theirs))
    differ("cr2", mine.readBigUInt64LE(L.ADDRESS_AT), theirs.readBigUInt64LE(L.ADDRESS_AT));
  forgetNullLevels(mine, theirs, vector !== L.ENDED);
  if (stepsAre(one, /^FXRSTOR$/)) for (const outcome of [mine, theirs]) shortenPointers(outcome);
  if (stepsAre(one, UNDEFINED_C1))
    for (const outcome of [mine, theirs])
      outcome.writeUInt16LE(outcome.readUInt16LE(STATUS) & ~STATUS_C1, STATUS);
  // A PUSHA that faults may have stored some of its registers: it will be executed again.
  compareBytes(mine, theirs, found, faulting === "PUSHA");
  return found;
}

function registerAt(one: Judged, outcome: Buffer, at: number): bigint {
  return BigInt.asUintN(modeOf(one) === CODE_64 ? 64 : 32, outcome.readBigUInt64LE(at));
}

/** Whether the case's code has, or may have, left 64-bit mode. */
function mayHaveLeft(one: Judged, outcome: Buffer): boolean {
  if (modeOf(one) !== CODE_64 || !stepsAre(one, FAR_TRANSFERS)) return false;
  return isVector(outcome, L.ENDED) || outcome.readUInt16LE(L.SELECTORS_AT + 10) !== L.USER_64;
}

function compareRegisters(
  one: Judged,
  mine: Buffer,
  theirs: Buffer,
  differ: (name: string, a: bigint, b: bigint) => void,
): void {
  const long = modeOf(one) === CODE_64;
  const ended = isVector(theirs, L.ENDED);
  // A POPA that faults may have loaded some of its registers: it will be executed again.
  if (!ended && stepsAre(one, /^POPA$/)) return;
  REGISTERS.slice(0, long ? 16 : 8).forEach((name, n) => {
    const [a, b] = [registerAt(one, mine, 8 * n), registerAt(one, theirs, 8 * n)];
    // Outside of 64-bit mode the upper halves are undefined (SDM 1, 3.4.1.1): the stack's may go.
    const left = 8 * n === L.RSP_AT && mayHaveLeft(one, theirs);
    if (!(left && b === BigInt.asUintN(32, a))) differ(name, a, b);
  });
}

/**
 * Whether the processor says where its last x87 instruction and operand were. AMD's say zero unless an
 * unmasked exception is pending (APM 2, 11.5.3; CPUID 8000_0008 EBX bit 2).
 */
function keepsPointers(outcome: Buffer): boolean {
  return outcome.subarray(POINTERS, L.IMAGE_AT + MXCSR_AT).some((byte) => byte !== 0);
}

function compareBytes(mine: Buffer, theirs: Buffer, found: string[], partial: boolean): void {
  const spans: [string, number, number][] = [
    ["changed memory", partial ? L.FS_BASE_AT : L.FIRST_AT, L.FS_BASE_AT],
    ["segments", L.FS_BASE_AT, L.CHANGED_AT],
    ["data", L.CHANGED_AT, partial ? L.CHANGED_AT : L.WINDOW_AT],
    ["window", L.WINDOW_AT, partial ? L.WINDOW_AT : L.IMAGE_AT],
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
