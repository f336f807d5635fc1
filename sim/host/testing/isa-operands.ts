/** Registers, flags and memory of a case, and what single instructions need to do something. */
import * as O from "../../spec/isa/operands.ts";
import { CODE_16, CODE_64 } from "../decoder.ts";
import { segmentOf } from "./isa-address.ts";
import * as L from "./isa-cases.ts";
import type { Drawn, Random } from "./isa-draw.ts";
import * as S from "./isa-segments.ts";

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const RSP = 4;
const RBP = 5;
const RSI = 6;
const RDI = 7;
const RFLAGS_TF = 0x100n;

/** Registers, flags and the window of a case that is being made. */
export class State {
  readonly record: Buffer;
  readonly mode: number;

  constructor(record: Buffer, mode: number) {
    this.record = record;
    this.mode = mode;
  }

  register(number: number): bigint {
    return this.record.readBigUInt64LE(L.REGISTERS_AT + 8 * number);
  }

  /** Where code may jump to. */
  get exit(): bigint {
    if (this.mode === CODE_16) return BigInt(S.STUB_OFFSET);
    return BigInt(this.mode === CODE_64 ? L.EXIT : L.EXIT_32);
  }

  /** The offset in a segment of what is at a linear address. */
  offset(segment: number, linear: bigint): bigint {
    return linear - S.baseOf(this.record, segment);
  }

  /** The linear address of the top of the stack. */
  get top(): bigint {
    const segment = S.selectorOf(this.record, S.SEGMENT_SS);
    const small = this.mode === CODE_16 && (S.segmentFor(segment).attributes & S.BIG) === 0;
    const offset = this.register(RSP) & (small ? 0xffffn : ~0n);
    return S.baseOf(this.record, S.SEGMENT_SS) + offset;
  }

  /** Sets the stack pointer, or RBP as one, to a linear address. */
  setStack(register: number, linear: bigint): void {
    this.setRegister(register, this.offset(S.SEGMENT_SS, linear));
  }

  /** Data that may have any value afterwards. */
  ignore(address: bigint, bytes: number): void {
    if (address < BigInt(L.DATA) || address + BigInt(bytes) > BigInt(L.READ_ONLY)) return;
    this.record.writeUInt32LE(Number(address), L.IGNORED_AT);
    this.record.writeUInt32LE(bytes, L.IGNORED_AT + 4);
  }

  /** In 32-bit code only the low halves exist. */
  setRegister(number: number, value: bigint): void {
    const bits = this.mode === CODE_64 ? 64 : 32;
    // The upper half of ESP on the way to 16-bit code: see isa-native.c.
    const upper = this.mode === CODE_16 && number === RSP;
    const whole = upper ? BigInt(L.EXIT) | (value & 0xffffn) : BigInt.asUintN(bits, value);
    this.record.writeBigUInt64LE(whole, L.REGISTERS_AT + 8 * number);
  }

  /** Writes a number into the window, as far as it lies in it. */
  setMemory(address: bigint, bytes: number, value: bigint): void {
    for (let n = 0; n < bytes; n++) {
      const at = address + BigInt(n) - BigInt(L.WINDOW);
      if (at < 0n || at >= L.WINDOW_BYTES) continue;
      this.record.writeUInt8(Number((value >> BigInt(8 * n)) & 0xffn), L.WINDOW_AT + Number(at));
    }
  }
}

function drawWord(random: Random): bigint {
  return (BigInt(random(0x1_0000_0000)) << 32n) | BigInt(random(0x1_0000_0000));
}

/** A number at which something may go wrong, or any. */
export function drawValue(random: Random): bigint {
  const width = BigInt([8, 16, 32, 64][random(4)] ?? 64);
  switch (random(8)) {
    case 0:
      return BigInt(random(3)) - 1n;
    case 1:
      return (1n << (width - 1n)) + BigInt(random(3)) - 1n;
    case 2:
      return (1n << width) + BigInt(random(3)) - 1n;
    case 3:
      return BigInt(random(256));
    case 4:
      return BigInt.asUintN(Number(width), drawWord(random));
    case 5:
      return BigInt.asIntN(Number(width), drawWord(random));
    default:
      return drawWord(random);
  }
}

/** RFLAGS: IF, the fixed bit, any status flags, sometimes DF, AC, NT or ID. */
function drawFlags(random: Random): bigint {
  const status = random(0x1000) & 0x8d5;
  const direction = random(4) === 0 ? 0x400 : 0;
  const identification = random(8) === 0 ? 0x20_0000 : 0;
  const alignment = random(16) === 0 ? 0x4_0000 : 0;
  const nested = random(32) === 0 ? 0x4000 : 0;
  return BigInt(0x202 | status | direction | identification | alignment | nested);
}

/** Any registers and memory; the stack pointer is in the data. */
export function drawState(random: Random, record: Buffer, mode: number, flat = false): State {
  const state = new State(record, mode);
  const registers = mode === CODE_64 ? 16 : 8;
  for (let number = 0; number < registers; number++) state.setRegister(number, drawValue(random));
  for (let at = L.WINDOW_AT; at < L.WINDOW_AT + L.WINDOW_BYTES; at += 8)
    record.writeBigUInt64LE(BigInt.asUintN(64, drawValue(random)), at);
  record.writeUInt16LE(mode, L.MODE_AT);
  S.drawSelectors(random, record, mode, flat);
  state.setStack(RSP, drawStack(random, 8));
  const step = random(24) === 0 ? RFLAGS_TF : 0n;
  record.writeBigUInt64LE(drawFlags(random) | step, L.RFLAGS_AT);
  return state;
}

function drawStack(random: Random, bytes: number): bigint {
  if (random(4) === 0) return drawTarget(random, bytes);
  return BigInt(L.WINDOW + 8 * random(L.WINDOW_BYTES / 8));
}

/** An address for an access of `bytes` bytes: in the window, at borders of pages, or nowhere. */
export function drawTarget(random: Random, bytes: number): bigint {
  const across = (border: number) => BigInt(border - random(bytes + 1));
  switch (random(24)) {
    case 0:
      return across(L.READ_ONLY);
    case 1:
      return across(L.DATA_END);
    case 2:
      return BigInt(L.READ_ONLY + random(0x1000));
    case 3:
      return across(L.DATA);
    case 4:
      return across(L.WINDOW + L.WINDOW_BYTES / 2);
    case 5:
      // Where addresses stop being canonical.
      return 0x8000_0000_0000n - BigInt(random(2 * bytes + 1));
    case 6:
    case 7:
    case 8:
    case 9:
      return BigInt(L.WINDOW + 16 * random(L.WINDOW_BYTES / 16));
    default:
      return BigInt(L.WINDOW + random(L.WINDOW_BYTES - Math.min(bytes, 128)));
  }
}

const STRINGS = new Set(["MOVS", "CMPS", "STOS", "LODS", "SCAS", "INS", "OUTS"]);

/** Makes it likely that the instruction does what it is for. Its memory operand comes later. */
export function prepare(random: Random, state: State, drawn: Drawn): void {
  const { operation, operandBytes, prefixes } = drawn;
  if (STRINGS.has(operation)) prepareString(random, state, drawn);
  else if (/^I?DIV$/.test(operation))
    prepareDividend(random, state, operandBytes, operation === "IDIV");
  else if (/^(LOOP|JCXZ)/.test(operation)) {
    const high = prefixes.has67 ? 1n << 40n : 0n;
    if (random(2) === 0) state.setRegister(RCX, BigInt(random(3)) | high);
  } else if (/^(LEAVE|ENTER)$/.test(operation)) state.setStack(RBP, drawStack(random, 8));
  else if (operation === "XLAT") {
    const table = drawTarget(random, 1) - (state.register(RAX) & 0xffn);
    state.setRegister(RBX, state.offset(S.SEGMENT_DS, table));
  } else if (operation === "RET") {
    if (random(2) === 0) state.setMemory(state.top, 8, state.exit);
  } else if (/^MASKMOV/.test(operation)) {
    const target = BigInt(L.WINDOW + random(L.WINDOW_BYTES - 16));
    if (random(8) > 0) state.setRegister(RDI, state.offset(S.SEGMENT_DS, target));
  } else if (/^(IRET|RETF|CALL_FAR|JMP_FAR)$/.test(operation)) prepareFar(random, state, drawn);
  else if (operation === "POP_SEGMENT") {
    if (random(8) > 0) state.setMemory(state.top, 2, BigInt(S.drawSelector(random)));
  } else if (SELECTED.has(operation)) {
    const register = drawn.operands.find(({ kind }) => kind === O.KIND_E)?.register ?? null;
    if (register !== null) state.setRegister(register, selectorIn(random, state, register));
  } else if (/^(CMPXCHG|BT[SRC]?)$/.test(operation)) prepareSecond(random, state, drawn);
}

/** Operations that load a selector, or ask about one. */
export const SELECTED: ReadonlySet<string> = new Set(
  "MOV_TO_SEGMENT VERR VERW LAR LSL ARPL LES LDS LSS LFS LGS".split(" "),
);

/** A selector in the lower half of what the register has. */
function selectorIn(random: Random, state: State, register: number): bigint {
  return (state.register(register) & ~0xffffn) | BigInt(S.drawSelector(random));
}

/** Where a far return leads, as it lies on the stack; the operand of a far pointer in the code. */
function prepareFar(random: Random, state: State, drawn: Drawn): void {
  const { operation, operandBytes: bytes } = drawn;
  if (operation.endsWith("_FAR")) return;
  const { selector, offset } = S.drawFarTarget(random);
  const frame = [BigInt(offset), BigInt(selector)];
  // Without TF: where cases end, the two processors have different code.
  if (operation === "IRET") frame.push(drawFlags(random) | BigInt(random(4) << 12));
  const inner = random(8) > 0 ? L.USER_DATA : S.drawSelector(random);
  if (state.mode === CODE_64 || random(8) === 0)
    frame.push(BigInt(L.WINDOW + 8 * random(16)), BigInt(inner));
  const skipped = operation === "RETF" && bytes !== 0 ? Number(drawn.immediates[0] ?? 0n) : 0;
  frame.forEach((word, n) => {
    const at = state.top + BigInt(bytes * n + (n > 1 ? skipped : 0));
    state.setMemory(at, bytes, word);
  });
}

function prepareString(random: Random, state: State, { prefixes, operandBytes }: Drawn): void {
  const high = prefixes.has67 && random(2) === 0 ? BigInt(random(0x1_0000)) << 32n : 0n;
  const count = random(16) === 0 ? drawValue(random) : BigInt(random(12));
  const source = segmentOf(prefixes.segment);
  state.setRegister(RSI, state.offset(source, drawTarget(random, operandBytes)) + high);
  state.setRegister(RDI, state.offset(S.SEGMENT_ES, drawTarget(random, operandBytes)) + high);
  state.setRegister(RCX, BigInt.asUintN(32, count) + high);
}

/** The upper half of the dividend is small, or the sign: else nearly every quotient is too large. */
function prepareDividend(random: Random, state: State, bytes: number, signed: boolean): void {
  if (random(4) === 0) return;
  const upper = signed && random(2) === 0 ? -BigInt(random(2)) : BigInt(random(4));
  const low = state.register(RAX) & 0xffn;
  if (bytes > 1) state.setRegister(RDX, upper);
  else state.setRegister(RAX, low | (BigInt.asUintN(8, upper) << 8n));
}

/** CMPXCHG compares with what is there; bit offsets stay near. */
function prepareSecond(random: Random, state: State, drawn: Drawn): void {
  const [first, second] = drawn.operands;
  if (drawn.operation === "CMPXCHG") {
    const register = first?.register ?? null;
    if (random(2) === 0 && register !== null && register < 16)
      state.setRegister(register, state.register(RAX));
    return;
  }
  const register = second?.register ?? null;
  if (second?.kind === O.KIND_G && register !== null && random(8) > 0)
    state.setRegister(register, BigInt(random(2048) - 1024));
}
