/**
 * MMX and SSE instructions as cases: state, memory and one instruction; out comes the state after it.
 * The same bytes go through the machine, decoder and blocks included, and by a C program (sse.c)
 * through the processor that runs the tests.
 *
 *      0  FXSAVE image, in and out              720  status flags, in and out
 *    512  64 bytes of memory, in and out        724  vector of the exception, or 0, out
 *    576  RAX to R15, in and out                728  RSI and RDI: offset in the memory
 *    704  code                                  732  its length
 */
import * as C from "../../spec/isa/conditions.ts";
import { FORMS, GROUPS } from "../../spec/isa/forms.ts";
import { type Form, parseRows } from "../../spec/isa/notation.ts";
import * as O from "../../spec/isa/operands.ts";
import { RAM_BASE } from "../core.ts";
import { CODE, CodeBench, DATA, REGISTERS } from "./code.ts";
import { DOUBLE, operand, type Random, type Runner, SINGLE } from "./float_cases.ts";

export const CASE_BYTES = 768;
const MEMORY_AT = 512;
const MEMORY_BYTES = 64;
const REGISTERS_AT = 576;
const CODE_AT = 704;
const FLAGS_AT = 720;
const FAULT_AT = 724;
const OFFSET_AT = 728;
const LENGTH_AT = 732;
const MXCSR_AT = 24;
const X87_AT = 32;
const XMM_AT = 160;
const STATUS_FLAGS = 0x8d5;

const rowsOf = (group: string) => parseRows(GROUPS[group] ?? "");
const named = (operations: string) =>
  FORMS.filter(({ operation }) => operations.split(" ").includes(operation));

/** The rows of these groups, and of the system's what belongs to SSE's state. */
export const ROWS: readonly Form[] = [
  ...["packed-integer", "sse", "sse3", "crypto"].flatMap(rowsOf),
  ...named("LDMXCSR STMXCSR"),
];
/** Approximations, whose lower bits are each processor's own. */
export const APPROXIMATE = /^R(SQRT|CP)[PS]S$/;

export type Fill = (random: Random, at: Buffer) => void;

const doubles: Fill = (random, at) => {
  for (let n = 0; n < at.length; n += 8) at.writeBigUInt64LE(operand(random, DOUBLE), n);
};
const singles: Fill = (random, at) => {
  for (let n = 0; n < at.length; n += 4) at.writeUInt32LE(Number(operand(random, SINGLE)), n);
};
const words: Fill = (random, at) => {
  for (let n = 0; n < at.length; n += 4) at.writeUInt32LE(random.word(), n);
};
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x81];
const edges: Fill = (random, at) => {
  for (let n = 0; n < at.length; n++) at[n] = EDGES[random.below(EDGES.length)] ?? 0;
};
/** Few characters, zeros among them: strings, and equal lanes. */
const characters: Fill = (random, at) => {
  const most = 2 + random.below(12);
  for (let n = 0; n < at.length; n++) at[n] = random.below(most);
};
const counts: Fill = (random, at) => {
  at.fill(0);
  for (let n = 0; n < at.length; n += 8) at[n] = random.below(70);
};

export function fillsOf(form: Form): readonly Fill[] {
  const name = form.operation;
  if (/^(PCMP.STR)/.test(name)) return [characters, characters, words];
  if (/^P(SLL|SRL|SRA)/.test(name)) return [counts, words, edges];
  if (
    /(PS|SS)$|^(CVT.*PS2|CVTT?SS2|CVT.*2PS)|^(U?COMISS|DPPS)$/.test(name) &&
    !name.startsWith("P")
  )
    return [singles, singles, singles, words];
  if (/(PD|SD)$|^CVT|^U?COMISD$|^DPPD$/.test(name) && !name.startsWith("P"))
    return [doubles, doubles, doubles, words];
  return [words, edges, characters];
}

const MASKS = 0x1f80;
function control(random: Random): number {
  if (random.below(2) === 0) return MASKS | 0x20;
  const masks = random.below(4) === 0 ? (random.below(64) << 7) & MASKS : MASKS;
  const zeros = random.below(4) === 0 ? (random.below(2) << 15) | (random.below(2) << 6) : 0;
  return (random.below(4) << 13) | zeros | masks | (random.below(4) === 0 ? random.below(64) : 0);
}

function writeState(random: Random, one: Buffer, fills: readonly Fill[]): void {
  const pending = random.below(16) === 0;
  one.writeUInt16LE(pending ? 0x37e : 0x37f, 0);
  one.writeUInt16LE((random.below(8) << 11) | (pending ? 0x8081 : 0), 2);
  one.writeUInt8(random.below(256), 4);
  one.writeUInt32LE(control(random), MXCSR_AT);
  for (let n = 0; n < 24; n++) {
    const fill = fills[random.below(fills.length)] ?? words;
    const at = X87_AT + 16 * n;
    fill(random, one.subarray(at, at + 16));
    if (at >= XMM_AT && random.below(8) === 0 && n > 8)
      one.copy(one, at, XMM_AT + 16 * random.below(n - 8), XMM_AT + 16 * random.below(n - 8) + 16);
    if (at < XMM_AT) one.fill(0, at + 10, at + 16);
  }
  const fill = fills[random.below(fills.length)] ?? words;
  fill(random, one.subarray(MEMORY_AT, MEMORY_AT + MEMORY_BYTES));
  for (let n = 0; n < 16; n++) {
    const small = random.below(3) === 0;
    one.writeInt32LE(small ? random.below(40) - 20 : random.word() | 0, REGISTERS_AT + 8 * n);
    one.writeInt32LE(small ? 0 : random.word() | 0, REGISTERS_AT + 8 * n + 4);
  }
  for (const n of [4, 6, 7]) one.writeBigUInt64LE(0n, REGISTERS_AT + 8 * n);
  one.writeUInt32LE(random.word() & STATUS_FLAGS, FLAGS_AT);
}

const GENERAL = [O.KIND_G, O.KIND_E, O.KIND_R];
/** RSP, RSI and RDI have their own use in the C program. */
const FREE = [0, 1, 2, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15];
const PREFIX_BYTES: Readonly<Record<number, readonly number[]>> = {
  [C.PREFIX_66]: [0x66],
  [C.PREFIX_F3]: [0xf3],
  [C.PREFIX_F2]: [0xf2],
};
const MAPS = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];

function register(random: Random, form: Form, kinds: readonly number[]): number {
  const general = form.operands.some(({ kind }) => kinds.includes(kind) && GENERAL.includes(kind));
  return general ? (FREE[random.below(FREE.length)] ?? 0) : random.below(16);
}

/** Whether ModR/M may name memory, and whether it may name a register. */
function places(form: Form): readonly [memory: boolean, register: boolean] {
  const has = (...kinds: number[]) => form.operands.some(({ kind }) => kinds.includes(kind));
  const either = has(O.KIND_E, O.KIND_Q, O.KIND_W);
  return [either || has(O.KIND_M), !has(O.KIND_M)];
}

/** The bytes of an instruction; a memory operand is at [RSI], or a few bytes behind. */
function drawCode(random: Random, form: Form): number[] {
  const [memory, noMemory] = places(form);
  const inMemory = memory && (!noMemory || random.below(2) === 0);
  const reg = register(random, form, [O.KIND_G]);
  const rm = register(random, form, [O.KIND_E, O.KIND_R]);
  const anyWidth =
    form.operands.some(({ size }) => size === O.SIZE_Y) || /^PCMPE/.test(form.operation);
  const wide = (form.flags & C.FORM_REX_W) !== 0 || (anyWidth && random.below(2) === 0);
  const digit = (form.modrmMask & 0x38) === 0x38;
  const field = digit ? (form.modrmValue >> 3) & 7 : reg & 7;
  const high = digit || (form.flags & C.FORM_MODRM) === 0 ? 0 : reg >> 3;
  const rex = (wide ? 8 : 0) | (high << 2) | (inMemory ? 0 : rm >> 3);
  const bytes = [...(PREFIX_BYTES[form.prefix] ?? [])];
  if (rex !== 0 && (form.flags & C.FORM_MODRM) !== 0) bytes.push(0x40 | rex);
  bytes.push(...(MAPS[form.map] ?? []), form.opcode);
  if ((form.flags & C.FORM_MODRM) !== 0) {
    const displaced = inMemory && form.operation !== "LDMXCSR" && random.below(4) === 0;
    if (!inMemory) bytes.push(0xc0 | (field << 3) | (rm & 7));
    else bytes.push((displaced ? 0x40 : 0) | (field << 3) | 6);
    if (displaced) bytes.push(random.below(17));
  }
  if (form.operands.some(({ kind }) => kind === O.KIND_I)) bytes.push(random.below(256));
  return bytes;
}

/** `count` cases of the instructions of `rows`. */
export function sseInstructions(random: Random, rows: readonly Form[], count: number): Buffer {
  const cases = Buffer.alloc(count * CASE_BYTES);
  for (let at = 0; at < cases.length; at += CASE_BYTES) {
    const form = rows[random.below(rows.length)] as Form;
    const one = cases.subarray(at, at + CASE_BYTES);
    writeState(random, one, fillsOf(form));
    if (form.operation === "LDMXCSR")
      one.writeUInt32LE(control(random) | (random.below(8) === 0 ? 0x8_0000 : 0), MEMORY_AT);
    const code = drawCode(random, form);
    one.set(code, CODE_AT);
    one.writeUInt32LE(code.length, LENGTH_AT);
    one.writeUInt32LE(form.operation.startsWith("MASKMOV") ? random.below(32) : 0, OFFSET_AT);
  }
  return cases;
}

const CR0_NE = 0x20n;
/** OSFXSR, OSXMMEXCPT. */
const CR4_SSE = 0x600n;

/** The machine: each case is a turn of one cycle. */
export async function machineSse(): Promise<Runner> {
  const on = await CodeBench.create();
  const { cpu } = on;
  cpu.cr0 |= CR0_NE;
  cpu.cr4 |= CR4_SSE;
  return (cases) => {
    const answers = Buffer.from(cases);
    for (let at = 0; at < cases.length; at += CASE_BYTES)
      runCase(on, answers.subarray(at, at + CASE_BYTES));
    return answers;
  };
}

/** The machine keeps x87 registers by number, FXSAVE from the top of the stack on. */
function turned(image: Buffer, out: boolean): Buffer {
  const result = Buffer.from(image);
  const top = (image.readUInt16LE(2) >> 11) & 7;
  for (let n = 0; n < 8; n++) {
    const [number, place] = [X87_AT + 16 * ((top + n) & 7), X87_AT + 16 * n];
    const [from, to] = out ? [number, place] : [place, number];
    image.copy(result, to, from, from + 16);
  }
  return result;
}

function runCase(on: CodeBench, one: Buffer): void {
  const { cpu, bytes } = on;
  const data = BigInt(DATA + one.readUInt32LE(OFFSET_AT));
  const length = one.readUInt32LE(LENGTH_AT);
  on.put(one.subarray(CODE_AT, CODE_AT + length), CODE);
  const image = Number(cpu.fxsave);
  bytes.set(turned(one.subarray(0, 416), false), image);
  bytes.set(one.subarray(MEMORY_AT, MEMORY_AT + MEMORY_BYTES), RAM_BASE + DATA);
  REGISTERS.forEach((name, n) => {
    cpu[name] = one.readBigUInt64LE(REGISTERS_AT + 8 * n);
  });
  cpu.rsi = cpu.rdi = data;
  cpu.rip = BigInt(CODE);
  cpu.rflags = 2n | BigInt(one.readUInt32LE(FLAGS_AT));
  on.run(1);
  one.writeUInt32LE(Math.max(cpu.pendingException - 1, 0), FAULT_AT);
  cpu.pendingException = 0;
  turned(Buffer.from(bytes.subarray(image, image + 416)), true).copy(one);
  one.set(bytes.subarray(RAM_BASE + DATA, RAM_BASE + DATA + MEMORY_BYTES), MEMORY_AT);
  REGISTERS.forEach((name, n) => {
    one.writeBigUInt64LE(cpu[name], REGISTERS_AT + 8 * n);
  });
  for (const n of [4, 6, 7]) one.writeBigUInt64LE(0n, REGISTERS_AT + 8 * n);
  one.writeUInt32LE(Number(cpu.rflags) & STATUS_FLAGS, FLAGS_AT);
}

/** What is compared: all but the x87 pointers and reserved bytes. */
export function comparable(cases: Buffer, at: number): Buffer {
  const one = Buffer.from(cases.subarray(at, at + CASE_BYTES));
  one.fill(0, 5, MXCSR_AT).fill(0, 28, 32).fill(0, 416, MEMORY_AT);
  for (let n = 0; n < 8; n++) one.fill(0, X87_AT + 16 * n + 10, X87_AT + 16 * n + 16);
  one.fill(0, CODE_AT, FLAGS_AT).fill(0, OFFSET_AT);
  return one;
}

function describe(cases: Buffer, at: number): string {
  const one = cases.subarray(at, at + CASE_BYTES);
  const hex = (from: number, bytes: number) =>
    Buffer.from(one.subarray(from, from + bytes))
      .reverse()
      .toString("hex");
  const list = (from: number, step: number, count: number, bytes = step) =>
    Array.from({ length: count }, (_, n) => hex(from + n * step, bytes)).join(" ");
  return [
    `fcw ${hex(0, 2)} fsw ${hex(2, 2)} tags ${hex(4, 1)} mxcsr ${hex(MXCSR_AT, 4)}`,
    `flags ${hex(FLAGS_AT, 4)} fault ${one.readUInt32LE(FAULT_AT)}`,
    `st ${list(X87_AT, 16, 8, 10)}`,
    `xmm ${list(XMM_AT, 16, 16)}`,
    `memory ${list(MEMORY_AT, 16, 4)}`,
    `registers ${list(REGISTERS_AT, 8, 16)}`,
  ].join("\n  ");
}

/** Lines that differ between two descriptions. */
function onlyDifferent(mine: string, theirs: string): string {
  const [a, b] = [mine.split(/\s+/), theirs.split(/\s+/)];
  let group = "";
  return a
    .map((word, n) => {
      if (/^[a-z]+\d?$/.test(word) && !/^[0-9a-f]+$/.test(word)) group = word;
      return word === b[n] ? "" : `${group}[${n}] ${word} processor ${b[n]}`;
    })
    .filter((line) => line !== "")
    .join("\n   ");
}

/** Cases in which two runners differ, with what went in. */
export function sseDifferences(input: Buffer, mine: Buffer, theirs: Buffer, most = 4): string[] {
  const found: string[] = [];
  for (let at = 0; at < input.length && found.length < most; at += CASE_BYTES) {
    if (comparable(mine, at).equals(comparable(theirs, at))) continue;
    const length = input.readUInt32LE(at + LENGTH_AT);
    const code = input.toString("hex", at + CODE_AT, at + CODE_AT + length);
    found.push(
      `${code}\n   ${onlyDifferent(describe(mine, at), describe(theirs, at))}\n of ${describe(input, at)}`,
    );
  }
  return found;
}

const XMM_FLOATS = [0, 4, 8, 12].flatMap((lane) =>
  Array.from({ length: 16 }, (_, n) => XMM_AT + 16 * n + lane),
);
/** Each side may err by 1.5 * 2^-12. */
const APPROXIMATION = 3 * 2 ** -12;
/** Up to here a result may be zero: tiny ones are, and which are tiny is not exact. */
const TINY = 2 ** -126 * (1 + 2 ** -11);

/** The same for approximations: singles in XMM registers may differ by what is allowed. */
export function approximateDifferences(input: Buffer, mine: Buffer, theirs: Buffer): string[] {
  const adapted = Buffer.from(mine);
  for (let at = 0; at < mine.length; at += CASE_BYTES) {
    for (const place of XMM_FLOATS) {
      const [a, b] = [mine.readFloatLE(at + place), theirs.readFloatLE(at + place)];
      const near = Math.abs(a - b) <= APPROXIMATION * Math.abs(b) && Number.isFinite(b);
      if (near || (Math.abs(a - b) <= TINY && Math.max(Math.abs(a), Math.abs(b)) <= TINY))
        theirs.copy(adapted, at + place, at + place, at + place + 4);
    }
  }
  return sseDifferences(input, adapted, theirs);
}

const VECTOR_KINDS: readonly number[] = [
  O.KIND_P,
  O.KIND_Q,
  O.KIND_N,
  O.KIND_V,
  O.KIND_W,
  O.KIND_U,
];

/** Rows of the description that have a vector operand, and no case. */
export function rowsWithoutCases(): string[] {
  const covered = new Set(ROWS.map(({ text }) => text));
  return FORMS.filter(({ operands }) => operands.some(({ kind }) => VECTOR_KINDS.includes(kind)))
    .map(({ text }) => text)
    .filter((text) => !covered.has(text));
}
