/** x87, MMX and SSE state of cases: what FXRSTOR loads before the code, and FXSAVE finds behind it. */
import type { Form } from "../../spec/isa/notation.ts";
import { Random as Words } from "./float_cases.ts";
import * as L from "./isa-cases.ts";
import type { Random } from "./isa-draw.ts";
import { type Fill, fillsOf } from "./sse-cases.ts";
import { EXPONENT_BIAS, exponent, writeExtended } from "./x87_cases.ts";

/** Layout of the FXSAVE image (Intel SDM 1, table 10-2). */
export const STATUS_AT = 2;
export const TAGS_AT = 4;
export const POINTERS_AT = 6;
export const MXCSR_AT = 24;
export const MXCSR_MASK_AT = 28;
export const STACK_AT = 32;
export const XMM_AT = 160;
const REGISTER_BYTES = 16;
const EXTENDED_BYTES = 10;

const CONTROL_INIT = 0x37f;
const MXCSR_INIT = 0x1f80;
const MXCSR_MASKS = 0x1f80;
const ALL_EXCEPTIONS = 0x3f;
/** ES and B: an unmasked exception is pending. */
const STATUS_PENDING = 0x8080;
const STATUS_CODES = 0x4700;

/** The same numbers for what is drawn with a generator of words. */
export function wordsFrom(random: Random): Words {
  return new Words(random(0x1_0000_0000));
}

/** The state in which no instruction has run yet; the registers are zeros, and empty. */
export function initialImage(record: Buffer): void {
  record.writeUInt16LE(CONTROL_INIT, L.IMAGE_AT);
  record.writeUInt32LE(MXCSR_INIT, L.IMAGE_AT + MXCSR_AT);
}

/** Control and status word, tags: all roundings and precisions, mostly masked exceptions. */
function drawControl(random: Random, image: Buffer): void {
  const masks = random(3) === 0 ? random(64) : ALL_EXCEPTIONS;
  const precision = [3, 3, 2, 0][random(4)] ?? 3;
  image.writeUInt16LE((random(4) << 10) | (precision << 8) | 0x40 | masks, 0);
  const raised = random(4) === 0 ? random(64) : 0;
  const pending = random(8) === 0 ? raised : raised & masks;
  const codes = random(4) === 0 ? random(0x1_0000) & STATUS_CODES : 0;
  const summary = (pending & ~masks) !== 0 ? STATUS_PENDING : 0;
  image.writeUInt16LE((random(8) << 11) | codes | summary | pending, STATUS_AT);
  image.writeUInt8(random(4) === 0 ? random(256) : 0xff, TAGS_AT);
}

/** MXCSR with any rounding, DAZ and FTZ, mostly masked exceptions, often with flags that are raised. */
function drawMxcsr(random: Random): number {
  if (random(3) === 0) return MXCSR_INIT;
  const masks = random(3) === 0 ? random(64) << 7 : MXCSR_MASKS;
  const zeros = random(4) === 0 ? (random(2) << 15) | (random(2) << 6) : 0;
  const raised = random(3) === 0 ? random(64) : 0;
  return (random(4) << 13) | zeros | masks | raised;
}

/** Any state; lanes have numbers that are interesting to the row `form`. */
export function drawImage(random: Random, record: Buffer, form: Form): void {
  const image = record.subarray(L.IMAGE_AT, L.IMAGE_AT + L.IMAGE_BYTES);
  drawControl(random, image);
  image.writeUInt32LE(drawMxcsr(random), MXCSR_AT);
  const words = wordsFrom(random);
  const fills = fillsOf(form);
  const near = exponent(words, EXPONENT_BIAS);
  const lanes = /^F/.test(form.operation) ? [] : fills;
  for (let n = 0; n < 8; n++) {
    const at = STACK_AT + REGISTER_BYTES * n;
    const one = image.subarray(at, at + EXTENDED_BYTES);
    if (lanes.length === 0 || random(4) === 0) writeExtended(words, image, at, near);
    else {
      const lane = Buffer.alloc(REGISTER_BYTES);
      fillFrom(random, fills)(words, lane);
      lane.copy(one);
    }
  }
  for (let n = 0; n < 16; n++) {
    const at = XMM_AT + REGISTER_BYTES * n;
    const one = image.subarray(at, at + REGISTER_BYTES);
    if (n > 0 && random(8) === 0) image.copy(image, at, XMM_AT, XMM_AT + REGISTER_BYTES);
    else fillFrom(random, fills)(words, one);
  }
  if (random(3) === 0) return;
  for (let at = 0; at < L.WINDOW_BYTES; at += REGISTER_BYTES)
    fillFrom(random, fills)(
      words,
      record.subarray(L.WINDOW_AT + at, L.WINDOW_AT + at + REGISTER_BYTES),
    );
}

function fillFrom(random: Random, fills: readonly Fill[]): Fill {
  return fills[random(fills.length)] as Fill;
}

/**
 * The machine has R0 to R7 in the order of their numbers, the image from the top of the stack on
 * (sim/core/x87/unit.ts). With `direction` 1 turns the image's order into the machine's, with -1 back.
 */
export function turnStack(image: Buffer, direction: 1 | -1): void {
  const top = (image.readUInt16LE(STATUS_AT) >> 11) & 7;
  const before = Buffer.from(image.subarray(STACK_AT, XMM_AT));
  for (let n = 0; n < 8; n++) {
    const to = (n + direction * top) & 7;
    before.copy(
      image,
      STACK_AT + REGISTER_BYTES * to,
      REGISTER_BYTES * n,
      REGISTER_BYTES * n + EXTENDED_BYTES,
    );
  }
}
