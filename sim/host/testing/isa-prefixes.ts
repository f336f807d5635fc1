/** Prefixes of a random instruction: those that its row needs, and some that it doesn't. */
import * as C from "../../spec/isa/conditions.ts";
import type { Form } from "../../spec/isa/notation.ts";
import * as O from "../../spec/isa/operands.ts";
import { CODE_16, CODE_64 } from "../decoder.ts";
import type { Random } from "./isa-draw.ts";

export interface Prefixes {
  readonly lock: boolean;
  /** 0, 0xF2 or 0xF3. */
  readonly rep: number;
  readonly has66: boolean;
  readonly has67: boolean;
  /** The segment prefix that counts, or 0. */
  readonly segment: number;
  /** A segment prefix that does nothing in 64-bit mode, or 0. */
  readonly nullSegment: number;
  /** 0x40 to 0x4f, or 0. */
  readonly rex: number;
}

const OLD_SEGMENTS = [0x26, 0x2e, 0x36, 0x3e];
const NEW_SEGMENTS = [0x64, 0x65];
const REX_W = 8;
const REX_B = 1;

export function drawPrefixes(
  random: Random,
  form: Form,
  mode: number,
  inMemory: boolean,
  percent: number,
): Prefixes {
  const perhaps = () => random(100) < percent;
  const repeated = form.operands.some(({ kind }) => kind === O.KIND_X || kind === O.KIND_Y);
  const segments = mode === CODE_64 ? NEW_SEGMENTS : [...OLD_SEGMENTS, ...NEW_SEGMENTS];
  const needed = form.prefix === C.PREFIX_F3 ? 0xf3 : form.prefix === C.PREFIX_F2 ? 0xf2 : 0;
  const free = form.prefix === C.PREFIX_ANY;
  const rep = free && (repeated ? random(3) > 0 : perhaps()) ? 0xf2 + random(2) : needed;
  const may66 = form.prefix !== C.PREFIX_NONE && form.prefix !== C.PREFIX_66;
  return {
    lock: (form.flags & C.FORM_LOCK) !== 0 && inMemory && perhaps(),
    rep,
    has66: form.prefix === C.PREFIX_66 || (may66 && (perhaps() || perhaps())),
    has67: perhaps(),
    segment: perhaps() ? (segments[random(segments.length)] ?? 0) : 0,
    nullSegment: mode === CODE_64 && perhaps() ? (OLD_SEGMENTS[random(4)] ?? 0) : 0,
    rex: mode === CODE_64 ? drawRex(random, form) : 0,
  };
}

function drawRex(random: Random, form: Form): number {
  const needed = (form.flags & C.FORM_REX_W) !== 0;
  if (!needed && random(2) === 0) return 0;
  const rex = 0x40 | random(16) | (needed ? REX_W : 0);
  return (form.flags & C.FORM_REX_B0) !== 0 ? rex & ~REX_B : rex;
}

/** The prefixes in a random order, REX last. */
export function prefixBytes(random: Random, prefixes: Prefixes): number[] {
  const bytes = [
    ...(prefixes.lock ? [0xf0] : []),
    ...(prefixes.has66 ? [0x66] : []),
    ...(prefixes.has67 ? [0x67] : []),
    prefixes.rep,
    prefixes.segment,
    prefixes.nullSegment,
  ].filter((byte) => byte !== 0);
  for (let at = bytes.length - 1; at > 0; at--) {
    const other = random(at + 1);
    [bytes[at], bytes[other]] = [bytes[other] as number, bytes[at] as number];
  }
  return prefixes.rex === 0 ? bytes : [...bytes, prefixes.rex];
}

/** The operand size, 2, 4 or 8 bytes (Intel SDM 1, table 3-4). */
export function operandSize(form: Form, prefixes: Prefixes, mode: number): number {
  const small = prefixes.has66 && form.prefix !== C.PREFIX_66;
  if (mode !== CODE_64) return (mode === CODE_16) === small ? 4 : 2;
  if ((prefixes.rex & REX_W) !== 0 || (form.flags & C.FORM_FORCED_64) !== 0) return 8;
  if (small) return 2;
  return (form.flags & C.FORM_DEFAULT_64) !== 0 ? 8 : 4;
}
