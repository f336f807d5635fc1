/** Whether two processors agree about a case, and how to say it when they don't. */
import { CODE_64 } from "../decoder.ts";
import { REGISTERS } from "./code.ts";
import * as L from "./isa-cases.ts";

const RFLAGS_RF = 0x1_0000n;
const PAGE_FAULT = 14;
const PROTECTION_FAULT = 13;
const SEGMENT_FS = 4;
const WITH_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17]);
const hex = (value: bigint | number) => `0x${value.toString(16)}`;

const NAMES = new Map([
  [L.ENDED, "ended"],
  [L.ENDLESS, "endless"],
]);

/** Outside of the case's own pages it depends on the kernels whether a page is present. */
function errorCode(outcome: Buffer): number {
  const code = outcome.readUInt32LE(L.ERROR_AT);
  if (outcome.readUInt32LE(L.VECTOR_AT) !== PAGE_FAULT) return code;
  const address = outcome.readBigUInt64LE(L.ADDRESS_AT);
  return address >= BigInt(L.CODE) && address <= BigInt(L.DATA_END) ? code : code & ~1;
}

/**
 * Whether an access by FS or GS was refused: AMD's processors want the offset to be canonical, too,
 * before the base is added.
 */
function refusedOffset({ steps }: L.Case, vector: number): boolean {
  const based = steps.some(({ drawn }) => (drawn.memory?.segment ?? 0) >= SEGMENT_FS);
  return based && vector === PROTECTION_FAULT;
}

function vectorName(outcome: Buffer): string {
  const vector = outcome.readUInt32LE(L.VECTOR_AT);
  return NAMES.get(vector) ?? `exception ${vector}`;
}

/** What is different between the machine's outcome and the other processor's; empty when nothing is. */
export function differencesOf(one: L.Case, mine: Buffer, theirs: Buffer, float: boolean): string[] {
  const found: string[] = [];
  const differ = (name: string, a: bigint | number, b: bigint | number) => {
    if (a !== b) found.push(`${name}: ${hex(a)}, the processor ${hex(b)}`);
  };
  const vector = theirs.readUInt32LE(L.VECTOR_AT);
  if (vector !== mine.readUInt32LE(L.VECTOR_AT))
    found.push(`${vectorName(mine)}, the processor ${vectorName(theirs)}`);
  else if (vector === L.ENDLESS) return [];
  if (found.length > 0 && refusedOffset(one, vector)) return [];
  const long = one.record.readUInt32LE(L.MODE_AT) === CODE_64;
  const number = (outcome: Buffer, at: number) =>
    BigInt.asUintN(long ? 64 : 32, outcome.readBigUInt64LE(at));
  // A POPA that faults may have loaded some of its registers: it will be executed again.
  const loading = vector !== L.ENDED && one.steps.some(({ drawn }) => drawn.operation === "POPA");
  REGISTERS.slice(0, long ? 16 : 8).forEach((name, n) => {
    if (!loading) differ(name, number(mine, 8 * n), number(theirs, 8 * n));
  });
  differ("rip", number(mine, L.RIP_AT), number(theirs, L.RIP_AT));
  const ignored =
    RFLAGS_RF | BigInt(vector === L.ENDED ? one.undefinedFlags : one.undefinedBetween);
  const flags = (outcome: Buffer) => outcome.readBigUInt64LE(L.RFLAGS_AT) & ~ignored;
  differ("rflags", flags(mine), flags(theirs));
  if (WITH_ERROR_CODE.has(vector)) differ("error code", errorCode(mine), errorCode(theirs));
  if (vector === PAGE_FAULT)
    differ("cr2", mine.readBigUInt64LE(L.ADDRESS_AT), theirs.readBigUInt64LE(L.ADDRESS_AT));
  compareBytes(mine, theirs, float, found);
  return found;
}

function compareBytes(mine: Buffer, theirs: Buffer, float: boolean, found: string[]): void {
  const spans: [string, number, number][] = [
    ["changed memory", L.FIRST_AT, L.FS_BASE_AT],
    ["segments", L.FS_BASE_AT, L.CHANGED_AT],
    ["data", L.CHANGED_AT, L.WINDOW_AT],
    ["window", L.WINDOW_AT, L.IMAGE_AT],
  ];
  if (float) spans.push(["fxsave", L.IMAGE_AT, L.IMAGE_AT + L.IMAGE_KNOWN]);
  for (const [name, from, to] of spans) {
    const [a, b] = [mine.subarray(from, to), theirs.subarray(from, to)];
    if (a.equals(b)) continue;
    let at = 0;
    while (a[at] === b[at]) at++;
    const text = (bytes: Buffer) => bytes.subarray(at & ~7, (at & ~7) + 16).toString("hex");
    found.push(`${name} from byte ${at & ~7} on: ${text(a)}, the processor ${text(b)}`);
  }
}
