/**
 * Floating-point operations as cases: one operation, a control word and operands; out come a result
 * and flags. The same bytes go through the machine's arithmetic and, by a C program, through the
 * processor that runs the tests.
 *
 *    0  operation: width (32, 64) << 8 | number       32  b, upper half
 *    4  control word: MXCSR                            40  result
 *    8  a: 64 bits, then 64 bits for wider formats     48  result, upper half
 *   24  b                                              56  control word with flags, out
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { instantiate } from "@assemblyscript/loader";
import { loadModule } from "../modules.ts";
import { requireTool } from "./tools.ts";

export const CASE_BYTES = 64;
export const CONTROL_AT = 4;
export const A_AT = 8;
export const B_AT = 24;
export const RESULT_AT = 40;
export const OUT_AT = 56;
const MASKS = 0x1f80;
const FLAGS = 0x3f;

/** The operations of a width, in the order of their numbers; compares with a predicate from 24 on. */
export const OPERATIONS: Readonly<Record<string, number>> = {
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  sqrt: 4,
  min: 5,
  max: 6,
  ucomi: 7,
  comi: 8,
  cvt2si32: 9,
  cvt2si64: 10,
  cvtt2si32: 11,
  cvtt2si64: 12,
  cvtsi2: 13,
  cvt: 14,
  round: 15,
  floor: 16,
  cmpeq: 24,
  cmplt: 25,
  cmple: 26,
  cmpunord: 27,
  cmpneq: 28,
  cmpnlt: 29,
  cmpnle: 30,
  cmpord: 31,
};
export const operationName = (operation: number) =>
  `${Object.entries(OPERATIONS).find(([, n]) => n === (operation & 0xff))?.[0]}${operation >> 8}`;

/** A small generator with 32 bits of state (Steele, Lea, Flood: splitmix, 2014, with 32-bit words). */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed | 0;
  }
  word(): number {
    this.state = (this.state + 0x9e37_79b9) | 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x85eb_ca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2_ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }
  below(limit: number): number {
    return this.word() % limit;
  }
}

interface Format {
  readonly fraction: number;
  readonly exponent: number;
}
export const SINGLE: Format = { fraction: 23, exponent: 8 };
export const DOUBLE: Format = { fraction: 52, exponent: 11 };

/** Fractions that rounding cares about: zeros, ones, halfway, a run of ones, or any bits. */
function fraction(random: Random, bits: number): bigint {
  const all = (1n << BigInt(bits)) - 1n;
  const any = ((BigInt(random.word()) << 32n) | BigInt(random.word())) & all;
  switch (random.below(8)) {
    case 0:
      return 0n;
    case 1:
      return all;
    case 2:
      return 1n << BigInt(random.below(bits));
    case 3:
      return all ^ ((1n << BigInt(random.below(bits))) - 1n);
    case 4:
      return (any >> BigInt(random.below(bits))) & all;
    case 5:
      return any & ~((1n << BigInt(random.below(bits))) - 1n);
    default:
      return any;
  }
}

/** Exponents: the ends, those of integers, around one, or any. */
function exponent(random: Random, bits: number): number {
  const max = (1 << bits) - 1;
  const bias = max >> 1;
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
      return max;
    case 2:
      return 1 + random.below(30);
    case 3:
      return max - 1 - random.below(30);
    case 4:
      return bias - 4 + random.below(72);
    case 5:
      return (bias >> 1) - 20 + random.below(80);
    case 6:
      return bias - 3 + random.below(6);
    default:
      return random.below(max + 1);
  }
}

export function operand(random: Random, { fraction: bits, exponent: width }: Format): bigint {
  const sign = BigInt(random.below(2)) << BigInt(bits + width);
  const upper = BigInt(Math.min(exponent(random, width), (1 << width) - 1)) << BigInt(bits);
  return sign | upper | fraction(random, bits);
}

/** A second operand: often close to the first, so that sums cancel and comparisons are near. */
function second(random: Random, format: Format, first: bigint): bigint {
  if (random.below(4) !== 0) return operand(random, format);
  const sign = BigInt(random.below(2)) << BigInt(format.fraction + format.exponent);
  return first ^ sign ^ BigInt(random.below(4));
}

function control(random: Random): number {
  const rounding = random.below(4) << 13;
  const zeros = random.below(4) === 0 ? (random.below(2) << 15) | (random.below(2) << 6) : 0;
  const masks = random.below(8) === 0 ? (random.below(64) << 7) & MASKS : MASKS;
  // With inexact noted already and rounding to nearest, the machine takes its native way.
  const native = random.below(2) === 0;
  return native && masks === MASKS ? MASKS | 0x20 : rounding | zeros | masks;
}

/** `count` cases of one operation (width << 8 | number), or of any. */
export function sseCases(seed: number, count: number, operation?: number): Buffer {
  const random = new Random(seed);
  const cases = Buffer.alloc(count * CASE_BYTES);
  const numbers = Object.values(OPERATIONS);
  for (let at = 0; at < cases.length; at += CASE_BYTES) {
    const any = numbers[random.below(numbers.length)] ?? 0;
    const [wide, number] =
      operation === undefined
        ? [random.below(2) === 0, any]
        : [operation >> 8 === 64, operation & 0xff];
    const format = wide ? DOUBLE : SINGLE;
    const a = operand(random, format);
    const b = number === 13 ? fraction(random, 64) : second(random, format, a);
    cases.writeUInt32LE(((wide ? 64 : 32) << 8) | number, at);
    cases.writeUInt32LE(control(random), at + CONTROL_AT);
    cases.writeBigUInt64LE(a, at + A_AT);
    cases.writeBigUInt64LE(b, at + B_AT);
  }
  return cases;
}

/** Runs cases through the machine's arithmetic. */
export type Runner = (cases: Buffer) => Buffer;

const CASES_AT = 0x0200_0000;

/** A sim-testing.wasm of its own whose imports are never called. */
export async function machineArithmetic(maxCases: number): Promise<Runner> {
  const bytes = CASES_AT + maxCases * CASE_BYTES;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) });
  const module = await loadModule("sim-testing");
  const imports: Record<string, Record<string, unknown>> = { env: { memory } };
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] ??= () => 0;
  }
  const { exports } = await instantiate(module, imports);
  const run = exports.floatRun as (at: number, count: number) => void;
  return (cases) => {
    const place = Buffer.from(memory.buffer, CASES_AT, cases.length);
    cases.copy(place);
    run(CASES_AT, cases.length / CASE_BYTES);
    return Buffer.from(place);
  };
}

/** Compiles the C program `source` beside this file, which answers cases; inside a test only. */
export function processorArithmetic(source: string, flags: readonly string[]): Runner {
  if (process.arch !== "x64") requireTool("an x86-64 processor");
  const gcc = requireTool("gcc");
  const file = fileURLToPath(new URL(source, import.meta.url));
  return (cases) => {
    const folder = mkdtempSync(join(tmpdir(), "float-"));
    try {
      const program = join(folder, "answer");
      execFileSync(gcc, ["-O1", "-Wall", "-Werror", ...flags, "-o", program, file, "-lm"]);
      return execFileSync(program, { input: cases, maxBuffer: cases.length + 1 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

/** One case as text, for a failure's message and for the recorded vectors. */
export function describeCase(cases: Buffer, at: number): string {
  const hex = (value: number | bigint, digits: number) => value.toString(16).padStart(digits, "0");
  const operation = cases.readUInt32LE(at);
  const digits = operation >> 8 === 64 ? 16 : 8;
  return [
    operationName(operation),
    hex(cases.readUInt32LE(at + CONTROL_AT), 4),
    hex(cases.readBigUInt64LE(at + A_AT), digits),
    hex(cases.readBigUInt64LE(at + B_AT), digits),
    hex(cases.readBigUInt64LE(at + RESULT_AT), 16),
    hex(cases.readUInt32LE(at + OUT_AT), 4),
  ].join(" ");
}

/** Exceptions that the case has raised and that are not masked: then there is no result. */
function unmasked(cases: Buffer, at: number): boolean {
  const masks = cases.readUInt32LE(at + CONTROL_AT) >> 7;
  return (cases.readUInt32LE(at + OUT_AT) & ~masks & FLAGS) !== 0;
}

/** What is compared of the case at `at`: flags, and the result if there is one. */
export function caseAnswer(cases: Buffer, at: number): Buffer {
  const answer = Buffer.alloc(12);
  answer.writeUInt32LE(cases.readUInt32LE(at + OUT_AT));
  if (!unmasked(cases, at)) answer.writeBigUInt64LE(cases.readBigUInt64LE(at + RESULT_AT), 4);
  return answer;
}

/** The first few cases in which two runners differ, as text. */
export function differences(mine: Buffer, theirs: Buffer, most = 8): string[] {
  const found: string[] = [];
  for (let at = 0; at < mine.length && found.length < most; at += CASE_BYTES) {
    if (caseAnswer(mine, at).equals(caseAnswer(theirs, at))) continue;
    found.push(
      `${describeCase(mine, at)}, but the processor: ${describeCase(theirs, at).split(" ").slice(4).join(" ")}`,
    );
  }
  return found;
}
