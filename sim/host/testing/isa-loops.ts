/**
 * What makes a loop of a sequence of drawn instructions: a counter in the page of the code before it, and
 * behind it the way back, which may change the code that comes next.
 *
 *   MOV dword [counter], n;  body: …;  ADD byte [a byte of an immediate], 1;  SUB dword [counter], 1;  JNZ body
 */
import * as O from "../../spec/isa/operands.ts";
import { CODE_16, CODE_64 } from "../decoder.ts";
import * as L from "./isa-cases.ts";
import type { Random } from "./isa-draw.ts";
import { LOW_BASE } from "./isa-segments.ts";

const COUNTER = L.CODE + 0x40;
const ITERATIONS = 6;

/** Whose immediates may be any number without leaving flags or results undefined. */
const PATCHED = /^(ADD|ADC|SUB|SBB|AND|OR|XOR|CMP|TEST|MOV)$/;

/** ModR/M (and SIB) with `digit` and an absolute address. */
function absolute(mode: number, digit: number, address: number): number[] {
  const bytes = Buffer.alloc(4);
  const reg = digit << 3;
  if (mode === CODE_16) {
    bytes.writeUInt16LE(address - LOW_BASE);
    return [reg | 6, ...bytes.subarray(0, 2)];
  }
  bytes.writeUInt32LE(address);
  return mode === CODE_64 ? [reg | 4, 0x25, ...bytes] : [reg | 5, ...bytes];
}

const doubleword = (mode: number) => (mode === CODE_16 ? [0x66] : []);

export function loopHead(random: Random, mode: number): number[] {
  const count = 1 + random(ITERATIONS);
  return [...doubleword(mode), 0xc7, ...absolute(mode, 0, COUNTER), count, 0, 0, 0];
}

/** The last byte of an immediate in the code, counted from RIP; null when there is none. */
export function patchedByte(random: Random, steps: readonly L.Step[]): number | null {
  const able = steps.filter(
    ({ drawn }) =>
      PATCHED.test(drawn.operation) &&
      drawn.form.operands[drawn.form.operands.length - 1]?.kind === O.KIND_I,
  );
  const chosen = able[random(able.length)];
  return chosen === undefined ? null : chosen.at + chosen.drawn.bytes.length - 1;
}

/**
 * @param at where the tail lies, `body` where the loop begins, both counted from RIP
 * @param patched linear address of the byte that is counted up
 */
export function loopTail(mode: number, at: number, body: number, patched: number | null): number[] {
  const change = patched === null ? [] : [0x80, ...absolute(mode, 0, patched), 1];
  const count = [...doubleword(mode), 0x83, ...absolute(mode, 5, COUNTER), 1];
  const end = at + change.length + count.length + 2;
  return [...change, ...count, 0x75, (body - end) & 0xff];
}

/** The most bytes that a tail has. */
export const LOOP_TAIL_BYTES = 18;
