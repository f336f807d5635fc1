/** Registers, flags and memory of a case, and what single instructions need to do something. */
import * as O from "../../spec/isa/operands.ts";
import { CODE_64 } from "../decoder.ts";
import * as L from "./isa-cases.ts";
import type { Drawn, Random } from "./isa-draw.ts";

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const RSP = 4;
const RBP = 5;
const RSI = 6;
const RDI = 7;

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
    return BigInt(this.mode === CODE_64 ? L.EXIT : L.EXIT_32);
  }

  /** In 32-bit code only the low halves exist. */
  setRegister(number: number, value: bigint): void {
    const bits = this.mode === CODE_64 ? 64 : 32;
    this.record.writeBigUInt64LE(BigInt.asUintN(bits, value), L.REGISTERS_AT + 8 * number);
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

/** RFLAGS: IF, the fixed bit, any status flags, sometimes DF or ID. */
function drawFlags(random: Random): bigint {
  const status = random(0x1000) & 0x8d5;
  const direction = random(4) === 0 ? 0x400 : 0;
  const identification = random(8) === 0 ? 0x20_0000 : 0;
  return BigInt(0x202 | status | direction | identification);
}

/** Any registers and memory; the stack pointer is in the data. */
export function drawState(random: Random, record: Buffer, mode: number): State {
  const state = new State(record, mode);
  const registers = mode === CODE_64 ? 16 : 8;
  for (let number = 0; number < registers; number++) state.setRegister(number, drawValue(random));
  for (let at = L.WINDOW_AT; at < L.WINDOW_AT + L.WINDOW_BYTES; at += 8)
    record.writeBigUInt64LE(BigInt.asUintN(64, drawValue(random)), at);
  state.setRegister(RSP, drawStack(random, 8));
  record.writeBigUInt64LE(drawFlags(random), L.RFLAGS_AT);
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
  } else if (/^(LEAVE|ENTER)$/.test(operation)) state.setRegister(RBP, drawStack(random, 8));
  else if (operation === "XLAT")
    state.setRegister(RBX, drawTarget(random, 1) - (state.register(RAX) & 0xffn));
  else if (operation === "RET") {
    if (random(2) === 0) state.setMemory(state.register(RSP), 8, state.exit);
  } else if (/^MASKMOV/.test(operation)) {
    if (random(8) > 0) state.setRegister(RDI, BigInt(L.WINDOW + random(L.WINDOW_BYTES - 16)));
  } else if (/^(CMPXCHG|BT[SRC]?)$/.test(operation)) prepareSecond(random, state, drawn);
}

function prepareString(random: Random, state: State, { prefixes, operandBytes }: Drawn): void {
  const high = prefixes.has67 && random(2) === 0 ? BigInt(random(0x1_0000)) << 32n : 0n;
  const count = random(16) === 0 ? drawValue(random) : BigInt(random(12));
  state.setRegister(RSI, drawTarget(random, operandBytes) + high);
  state.setRegister(RDI, drawTarget(random, operandBytes) + high);
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
