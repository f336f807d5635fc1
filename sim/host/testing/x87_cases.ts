/**
 * x87 instructions as cases: a state of the unit, an operand in memory and an instruction; out comes
 * the state after it. The same bytes go through the machine's unit and, by a C program (x87.c),
 * through the processor that runs the tests.
 *
 *      0  FXSAVE image, in and out              644  escape opcode (low 3 bits) << 8 | ModR/M
 *    512  operand in memory, in and out         648  1: 32-bit operands, 0: 16-bit
 *    640  status flags, in and out              652  AX, out
 */
import { instantiate } from "@assemblyscript/loader";
import { loadModule } from "../modules.ts";
import { DOUBLE, operand, type Random, type Runner, SINGLE } from "./float_cases.ts";

export const CASE_BYTES = 672;
const MEMORY_AT = 512;
const MEMORY_BYTES = 128;
const FLAGS_AT = 640;
const FORM_AT = 644;
const ENVIRONMENT_AT = 648;
const ACCUMULATOR_AT = 652;
const REGISTERS_AT = 32;

export const EXPONENT_BIAS = 16383;

function pick(random: Random, values: readonly number[]): number {
  return values[random.below(values.length)] ?? 0;
}

/** Exponents of the 80-bit format: both ends, close to `near`, around one, of integers, or any. */
export function exponent(random: Random, near: number): number {
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
      return 0x7fff;
    case 2:
      return 1 + random.below(70);
    case 3:
      return 0x7ffe - random.below(70);
    case 4:
      return EXPONENT_BIAS - 3 + random.below(70);
    case 5:
      return EXPONENT_BIAS + pick(random, [-1074, -1022, -149, -126, 127, 1023]) + random.below(3);
    case 6:
      return random.below(0x8000);
    default:
      return Math.max(0, Math.min(0x7fff, near + random.below(5) - 2));
  }
}

/** Fractions that rounding to 64, 53 and 24 bits cares about; the integer bit is set but for a few. */
function significand(random: Random, exponent: number): readonly [high: number, low: number] {
  let high = random.word();
  let low = random.word();
  switch (random.below(10)) {
    case 0:
      high = low = 0;
      break;
    case 1:
      high = low = 0xffff_ffff;
      break;
    case 2:
      low = 0;
      break;
    case 3:
      low = pick(random, [0x400, 0x401, 0x3ff, 0xc00, 0x800, 0x7ff]);
      break;
    case 4:
      high = (high & 0xffff_ff00) | 0x80;
      low = pick(random, [0, 1, 0xffff_ffff]);
      break;
    case 5:
      high = (high & (-1 << random.below(32))) >>> 0;
      low = 0;
      break;
    case 6:
      high = 0x4000_0000;
      break;
  }
  const integer = exponent === 0 ? random.below(4) === 0 : random.below(24) !== 0;
  return [integer ? (high | 0x8000_0000) >>> 0 : high & 0x7fff_ffff, low];
}

export function writeExtended(random: Random, cases: Buffer, at: number, near: number): void {
  const power = exponent(random, near);
  const [high, low] = significand(random, power);
  cases.writeUInt32LE(low, at);
  cases.writeUInt32LE(high, at + 4);
  cases.writeUInt16LE((random.below(2) << 15) | power, at + 8);
}

/** Arguments at which the transcendental functions are interesting: most of them around one. */
function writeArguments(random: Random, cases: Buffer, at: number): void {
  for (const argument of [at, at + 16]) {
    const power =
      EXPONENT_BIAS +
      pick(random, [random.below(4) - 3, random.below(8) - 4, random.below(134) - 70]);
    if (random.below(8) !== 0) cases.writeUInt16LE((random.below(2) << 15) | power, argument + 8);
    if (random.below(2) === 0)
      cases.writeUInt32LE((random.word() | 0x8000_0000) >>> 0, argument + 4);
  }
}

/** Exponents of arguments from which on a function is undefined (Intel SDM 2A). */
const UNDEFINED_FROM: Readonly<Record<string, number>> = {
  f2xm1: EXPONENT_BIAS,
  fyl2xp1: EXPONENT_BIAS - 2,
};

/** Makes an argument that the function isn't defined for smaller; NaNs stay. */
function stayDefined(form: number, cases: Buffer, at: number): void {
  const limit = UNDEFINED_FROM[nameOf(form)] ?? 0x8000;
  const power = cases.readUInt16LE(at + 8) & 0x7fff;
  const payload = cases.readUInt32LE(at) !== 0 || cases.readUInt32LE(at + 4) << 1 !== 0;
  if (power >= limit && !(power === 0x7fff && payload))
    cases.writeUInt16LE((cases.readUInt16LE(at + 8) & 0x8000) | (limit - 1), at + 8);
}

/** The control word, with most exceptions masked, and a status word in which none is pending. */
export function writeControl(random: Random, cases: Buffer, at: number): void {
  const masks = random.below(4) === 0 ? random.below(64) : 0x3f;
  const precision = pick(random, [3, 3, 2, 0]);
  cases.writeUInt16LE((random.below(4) << 10) | (precision << 8) | 0x40 | masks, at);
  const flags = random.below(4) === 0 ? random.below(64) & masks : 0;
  const codes = random.below(4) === 0 ? random.word() & 0x4700 : 0;
  cases.writeUInt16LE((random.below(8) << 11) | codes | flags, at + 2);
  cases.writeUInt8(random.below(4) === 0 ? random.below(256) : 0xff, at + 4);
}

/** An operand in memory in the format of the instruction. */
function writeOperand(random: Random, cases: Buffer, at: number, form: number): void {
  const [opcode, digit] = [form >> 8, (form >> 3) & 7];
  for (let n = 0; n < MEMORY_BYTES; n += 4) cases.writeUInt32LE(random.word(), at + n);
  if (opcode === 0 || (opcode === 1 && digit === 0))
    cases.writeUInt32LE(Number(operand(random, SINGLE)), at);
  else if (opcode === 4 || (opcode === 5 && digit === 0))
    cases.writeBigUInt64LE(operand(random, DOUBLE), at);
  else if (opcode === 3 && digit === 5) writeExtended(random, cases, at, EXPONENT_BIAS);
  else if (opcode === 7 && digit === 4)
    for (let n = 0; n < 10; n++)
      cases.writeUInt8((random.below(10) << 4) | random.below(10), at + n);
  else if (random.below(4) === 0) cases.writeUInt32LE(random.below(3), at);
}

/** FLDENV's and FRSTOR's control and status word are as `writeControl` makes them. */
export function writeEnvironment(random: Random, cases: Buffer, at: number, size: number): void {
  const words = Buffer.alloc(8);
  writeControl(random, words, 0);
  cases.writeUInt16LE(words.readUInt16LE(0), at);
  cases.writeUInt16LE(words.readUInt16LE(2), at + size);
}

/** `count` cases of the instructions `forms`. */
export function x87Cases(random: Random, forms: readonly number[], count: number): Buffer {
  const cases = Buffer.alloc(count * CASE_BYTES);
  for (let at = 0; at < cases.length; at += CASE_BYTES) {
    const form = forms[random.below(forms.length)] ?? 0;
    writeControl(random, cases, at);
    cases.writeUInt32LE(0x1f80, at + 24);
    const near = exponent(random, EXPONENT_BIAS);
    for (let n = 0; n < 8; n++) writeExtended(random, cases, at + REGISTERS_AT + 16 * n, near);
    if (isTranscendental(form)) {
      writeArguments(random, cases, at + REGISTERS_AT);
      stayDefined(form, cases, at + REGISTERS_AT);
    }
    cases.writeUInt32LE(form, at + FORM_AT);
    const wide = random.below(4) === 0 ? 0 : 1;
    cases.writeUInt32LE(wide, at + ENVIRONMENT_AT);
    cases.writeUInt32LE(random.word() & 0x8d5, at + FLAGS_AT);
    if ((form & 0xff) >= 0xc0) continue;
    writeOperand(random, cases, at + MEMORY_AT, form);
    if (/^(fldenv|frstor)$/.test(nameOf(form)))
      writeEnvironment(random, cases, at + MEMORY_AT, wide ? 4 : 2);
  }
  return cases;
}

const MEMORY_NAMES = [
  "fadd fmul fcom fcomp fsub fsubr fdiv fdivr",
  "fld - fst fstp fldenv fldcw fnstenv fnstcw",
  "fiadd fimul ficom ficomp fisub fisubr fidiv fidivr",
  "fild fisttp fist fistp - fldt - fstpt",
  "faddl fmull fcoml fcompl fsubl fsubrl fdivl fdivrl",
  "fldl fisttpll fstl fstpl frstor - fnsave fnstsw",
  "fiadds fimuls ficoms ficomps fisubs fisubrs fidivs fidivrs",
  "filds fisttps fists fistps fbld fildll fbstp fistpll",
].map((row) => row.split(" "));

const SINGLE_NAMES = [
  "fchs fabs - - ftst fxam - -",
  "fld1 fldl2t fldl2e fldpi fldlg2 fldln2 fldz -",
  "f2xm1 fyl2x fptan fpatan fxtract fprem1 fdecstp fincstp",
  "fprem fyl2xp1 fsqrt fsincos frndint fscale fsin fcos",
]
  .join(" ")
  .split(" ");

/** Names of register forms by escape opcode and digit. */
const REGISTER_NAMES = [
  "fadd fmul fcom fcomp fsub fsubr fdiv fdivr",
  "fld fxch fnop fstp1 . . . .",
  "fcmovb fcmove fcmovbe fcmovu - fucompp - -",
  "fcmovnb fcmovne fcmovnbe fcmovnu fncontrol fucomi fcomi -",
  "fadd_ fmul_ fcom2 fcomp3 fsubr_ fsub_ fdivr_ fdiv_",
  "ffree fxch4 fst fstp fucom fucomp - -",
  "faddp fmulp fcomp5 fcompp fsubrp fsubp fdivrp fdivp",
  "ffreep fxch7 fstp8 fstp9 fnstsw fucomip fcomip -",
].map((row) => row.split(" "));

/** The one register form that a digit has, where it isn't eight. */
const LONE: Readonly<Record<string, readonly number[]>> = {
  fnop: [0],
  fucompp: [1],
  fncontrol: [0, 1, 2, 3, 4],
  fcompp: [1],
  fnstsw: [0],
};

/** A name for messages; "-" for what doesn't exist. */
export function nameOf(form: number): string {
  const [opcode, digit, index] = [(form >> 8) & 7, (form >> 3) & 7, form & 7];
  if ((form & 0xff) < 0xc0) return MEMORY_NAMES[opcode]?.[digit] ?? "-";
  const name = REGISTER_NAMES[opcode]?.[digit] ?? "-";
  if (name === ".") return SINGLE_NAMES[form & 0x1f] ?? "-";
  return (LONE[name] ?? [index]).includes(index) ? name : "-";
}

/** All instructions; memory forms once a digit. */
export const FORMS: readonly number[] = Array.from({ length: 0x800 }, (_, form) => form).filter(
  (form) => nameOf(form) !== "-" && ((form & 0xff) >= 0xc0 || (form & 0xc7) === 0),
);

const TRANSCENDENTAL = /^(f2xm1|fyl2x|fyl2xp1|fptan|fpatan|fsin|fcos|fsincos)$/;
export const isTranscendental = (form: number) => TRANSCENDENTAL.test(nameOf(form));

const RAM_BASE = 0x0200_0000;

/** A sim-testing.wasm of its own whose imports are never called. */
export async function machineUnit(maxCases: number): Promise<Runner> {
  const scratch = RAM_BASE + maxCases * CASE_BYTES;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(scratch / 65536) + 1 });
  const module = await loadModule("sim-testing");
  const imports: Record<string, Record<string, unknown>> = { env: { memory } };
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] ??= () => 0;
  }
  const { exports } = await instantiate(module, imports);
  const run = exports.x87Run as (at: number, count: number, scratch: number) => void;
  return (cases) => {
    const place = Buffer.from(memory.buffer, RAM_BASE, cases.length);
    cases.copy(place);
    run(RAM_BASE, cases.length / CASE_BYTES, scratch);
    return Buffer.from(place);
  };
}

/** One case's state as text. */
export function describeState(cases: Buffer, at: number): string {
  const hex = (offset: number, bytes: number) =>
    Buffer.from(cases.subarray(at + offset, at + offset + bytes))
      .reverse()
      .toString("hex");
  const registers = Array.from({ length: 8 }, (_, n) => hex(REGISTERS_AT + 16 * n, 10));
  return (
    `cw ${hex(0, 2)} sw ${hex(2, 2)} tags ${hex(4, 1)} st ${registers.join(" ")} ` +
    `memory ${hex(MEMORY_AT, 10)} flags ${hex(FLAGS_AT, 2)} ax ${hex(ACCUMULATOR_AT, 2)}`
  );
}

/** What is compared of the case at `at`: all but the pointers, which vendors keep differently. */
export function comparable(cases: Buffer, at: number): Buffer {
  const one = Buffer.from(cases.subarray(at, at + CASE_BYTES));
  one.fill(0, 5, REGISTERS_AT);
  for (let n = 0; n < 8; n++) one.fill(0, REGISTERS_AT + 16 * n + 10, REGISTERS_AT + 16 * n + 16);
  one.fill(0, 160, MEMORY_AT);
  const name = nameOf(one.readUInt32LE(FORM_AT));
  // C1 is cleared by the compares and undefined after FFREE, in Intel's manual; AMD's have it otherwise.
  if (/^(fu?comip?|ffreep?)$/.test(name)) one.writeUInt16LE(one.readUInt16LE(2) & ~0x200, 2);
  if (name === "fnstenv" || name === "fnsave") {
    const wide = one.readUInt32LE(ENVIRONMENT_AT) !== 0;
    one.fill(0, MEMORY_AT + (wide ? 12 : 6), MEMORY_AT + (wide ? 28 : 14));
  }
  return one;
}

/** Cases in which two runners differ, with what went in. */
export function stateDifferences(input: Buffer, mine: Buffer, theirs: Buffer, most = 4): string[] {
  const found: string[] = [];
  for (let at = 0; at < input.length && found.length < most; at += CASE_BYTES) {
    if (comparable(mine, at).equals(comparable(theirs, at))) continue;
    const form = input.readUInt32LE(at + FORM_AT);
    found.push(
      `${nameOf(form)} ${form.toString(16)} of ${describeState(input, at)}\n` +
        `gives     ${describeState(mine, at)}\n` +
        `processor ${describeState(theirs, at)}`,
    );
  }
  return found;
}

const REGISTER_BYTES = 10;

/** The distance of two numbers in units of the last place of the one that is nearer to zero. */
function ulps(a: Buffer, b: Buffer): number {
  if (a.equals(b)) return 0;
  const order = (value: Buffer) =>
    ((BigInt(value.readUInt16LE(8)) & 0x7fffn) << 63n) |
    (value.readBigUInt64LE(0) & (2n ** 63n - 1n));
  const distance = order(a) - order(b);
  if (a.readUInt16LE(8) >> 15 !== b.readUInt16LE(8) >> 15) return Number.POSITIVE_INFINITY;
  return Number(distance < 0n ? -distance : distance);
}

export interface Closeness {
  /** Cases more than one unit apart, or with other flags or another stack. */
  readonly differences: readonly string[];
  /** How many results are within one unit, and how many of these are the same. */
  readonly results: number;
  readonly same: number;
}

/** Two runners' results of transcendental instructions; C1, which tells about rounding, is left out. */
export function closeness(input: Buffer, mine: Buffer, theirs: Buffer): Closeness {
  const differences: string[] = [];
  let results = 0;
  let same = 0;
  for (let at = 0; at < input.length; at += CASE_BYTES) {
    const [one, other] = [comparable(mine, at), comparable(theirs, at)];
    for (const state of [one, other]) state.writeUInt16LE(state.readUInt16LE(2) & ~0x200, 2);
    // What FPTAN and FSINCOS push is in front of the result.
    const resultAt = /^(fptan|fsincos)$/.test(nameOf(input.readUInt32LE(at + FORM_AT))) ? 1 : 0;
    for (let n = 0; n < 2; n++) {
      const place = REGISTERS_AT + 16 * n;
      const result = one.subarray(place, place + REGISTER_BYTES);
      const expected = other.subarray(place, place + REGISTER_BYTES);
      if (ulps(result, expected) > 1) continue;
      if (n === resultAt) results++;
      if (n === resultAt && result.equals(expected)) same++;
      result.copy(expected);
    }
    if (one.equals(other)) continue;
    const form = input.readUInt32LE(at + FORM_AT);
    differences.push(
      `${nameOf(form)} ${form.toString(16)} of ${describeState(input, at)}\n` +
        `gives     ${describeState(mine, at)}\n` +
        `processor ${describeState(theirs, at)}`,
    );
  }
  return { differences, results, same };
}

/** The result of an instruction on ST(0) = x and ST(1) = y, given as hexadecimal digits, upper first. */
export function resultOf(
  run: Runner,
  form: number,
  x: string,
  y: string,
  rounding: number,
): string {
  const one = Buffer.alloc(CASE_BYTES);
  one.writeUInt16LE(0x37f | (rounding << 10), 0);
  // TOP is 5, and R5 and R6 are not empty.
  one.writeUInt16LE(5 << 11, 2);
  one.writeUInt8(0x60, 4);
  Buffer.from(x, "hex").reverse().copy(one, REGISTERS_AT);
  Buffer.from(y, "hex")
    .reverse()
    .copy(one, REGISTERS_AT + 16);
  one.writeUInt32LE(form, FORM_AT);
  const place = REGISTERS_AT + (nameOf(form) === "fptan" ? 16 : 0);
  return Buffer.from(run(one).subarray(place, place + REGISTER_BYTES))
    .reverse()
    .toString("hex");
}
