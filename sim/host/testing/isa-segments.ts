/**
 * Segments of cases. The GDT is Linux's as far as ring 3 can tell; the LDT is made by modify_ldt in
 * isa-native.c, and in the machine's memory from the same rows.
 */
import { CODE_16, CODE_64 } from "../decoder.ts";
import * as L from "./isa-cases.ts";
import type { Random } from "./isa-draw.ts";

export const SEGMENT_ES = 0;
export const SEGMENT_CS = 1;
export const SEGMENT_SS = 2;
export const SEGMENT_DS = 3;
export const SEGMENT_FS = 4;
export const SEGMENT_GS = 5;

/** Where 16-bit code, and segments that aren't flat, have their offset 0: below code and data. */
export const LOW_BASE = 0x60_0000;

const WHOLE = 0xffff_ffff;
const CODE_READABLE = 0xfb;
const CODE_EXECUTED_ONLY = 0xf9;
const DATA_WRITABLE = 0xf3;
const DATA_READ_ONLY = 0xf1;
const DATA_DOWN = 0xf7;
const ABSENT = 0x73;
/** Attribute D/B: 32-bit code, or a stack whose pointer is ESP. */
export const BIG = 0x400;

/** Base, limit in bytes, attributes as the machine has them (descriptor bits 55-52 and 47-40). */
export interface Descriptor {
  readonly base: number;
  readonly limit: number;
  readonly attributes: number;
}

const row = (base: number, limit: number, attributes: number) => ({ base, limit, attributes });

/** isa-native.c has the same rows. */
export const LOCAL: readonly Descriptor[] = [
  row(LOW_BASE, 0xffff, CODE_READABLE),
  row(LOW_BASE, 0xffff, DATA_WRITABLE),
  row(0, WHOLE, ABSENT | BIG),
  row(LOW_BASE, 0x5fff, DATA_WRITABLE | BIG),
  row(0, WHOLE, DATA_READ_ONLY | BIG),
  row(LOW_BASE, 0x5fff, DATA_DOWN | BIG),
  row(0, WHOLE, CODE_EXECUTED_ONLY | BIG),
  row(LOW_BASE, 0xffff, CODE_READABLE | BIG),
];
export const CODE_16_SELECTOR = 0x07;
export const DATA_16_SELECTOR = 0x0f;

/** 16-bit code goes to where a case ends by the far jump at its offset. */
export const STUB_OFFSET = L.CODE - LOW_BASE;
export const STUB = Buffer.from([0x66, 0xea, 0, 0, 0, 0x10, L.USER_64, 0]);

export const GLOBAL: readonly bigint[] = [
  0n,
  0x00cf_9b00_0000_ffffn,
  0x00af_9b00_0000_ffffn,
  0x00cf_9300_0000_ffffn,
  0x00cf_fb00_0000_ffffn,
  0x00cf_f300_0000_ffffn,
  0x00af_fb00_0000_ffffn,
  0n,
];
/** The last one: the limit is the number of the CPU. */
export const GLOBAL_NODE = 0x78;
export const NODE_DESCRIPTOR = 0x0040_f500_0000_0000n;

/** 8 bytes of a descriptor table (Intel SDM 3A, figure 3-8). */
export function descriptorBits({ base, limit, attributes }: Descriptor): bigint {
  const granular = limit > 0xf_ffff;
  const count = BigInt(granular ? Math.floor(limit / 4096) : limit);
  const upper = BigInt(attributes | (granular ? 0x800 : 0));
  return (
    (count & 0xffffn) |
    (BigInt(base & 0xff_ffff) << 16n) |
    ((upper & 0xffn) << 40n) |
    ((count >> 16n) << 48n) |
    ((upper >> 8n) << 52n) |
    (BigInt(base >>> 24) << 56n)
  );
}

/** What a segment register has in it after this selector was loaded; null selectors are unusable. */
export function segmentFor(selector: number): Descriptor {
  if (selector < 4) return row(0, 0, 0);
  const local = LOCAL[selector >> 3];
  if ((selector & 4) !== 0 && local !== undefined) {
    const granular = local.limit > 0xf_ffff ? 0x800 : 0;
    return { ...local, attributes: local.attributes | granular };
  }
  const code = selector === L.USER_64 ? 0xafb : selector === L.USER_32 ? 0xcfb : 0;
  return row(0, WHOLE, code === 0 ? 0xcf3 : code);
}

/** Selectors that ring 3 may load into DS, ES, FS and GS. */
const READABLE = [
  0,
  1,
  2,
  3,
  L.USER_DATA,
  0x28,
  0x29,
  L.USER_32,
  L.USER_64,
  0x0f,
  0x1f,
  0x27,
  0x2f,
  0x3f,
  0x07,
];
/** Others: kernel segments, system segments, absent, beyond the tables, not readable. */
const REFUSED = [
  0x08, 0x10, 0x18, 0x1b, 0x40, 0x50, 0x60, 0x63, 0x80, 0xfff8, 0x17, 0x37, 0x47, 0xffff,
];

const oneOf = (random: Random, values: readonly number[]) => values[random(values.length)] ?? 0;

/** A selector that is to be loaded, or asked about. */
export function drawSelector(random: Random): number {
  return oneOf(random, random(3) > 0 ? READABLE : REFUSED);
}

/** Where a far transfer may lead: to one of the places where cases end, or into a fault. */
export function drawFarTarget(random: Random, calls = false): { selector: number; offset: number } {
  // Whether a call into 64-bit code pushes by the old stack segment's base, or by none, is the vendor's choice.
  const ends = [
    ...(calls ? [] : [{ selector: L.USER_64, offset: L.EXIT }]),
    { selector: L.USER_32, offset: L.EXIT_32 },
    { selector: CODE_16_SELECTOR, offset: STUB_OFFSET },
  ];
  const end = ends[random(ends.length)] as (typeof ends)[number];
  if (random(6) > 0) return end;
  const selector = drawSelector(random);
  return { selector: calls && selector === L.USER_64 ? L.USER_32 : selector, offset: end.offset };
}

/** Selectors of SS, DS, ES, FS and GS that a case begins with; the usual ones if they are to be `flat`. */
export function drawSelectors(random: Random, record: Buffer, mode: number, flat: boolean): void {
  const usual = mode === CODE_16 ? DATA_16_SELECTOR : L.USER_DATA;
  const other = (often: number, values: readonly number[], otherwise: number) =>
    random(often) === 0 && !flat ? oneOf(random, values) : otherwise;
  const stacks = mode === CODE_16 ? [0x1f, L.USER_DATA] : [0x1f, 0x2f];
  const stack = mode === CODE_64 ? usual : other(8, stacks, usual);
  record.writeUInt16LE(stack, L.STACK_SELECTOR_AT);
  record.writeUInt16LE(other(8, READABLE, usual), L.DATA_SELECTORS_AT);
  record.writeUInt16LE(other(8, READABLE, usual), L.DATA_SELECTORS_AT + 2);
  const free = mode === CODE_64 ? 0 : usual;
  record.writeUInt16LE(other(8, READABLE, free), L.DATA_SELECTORS_AT + 4);
  record.writeUInt16LE(other(8, READABLE, free), L.DATA_SELECTORS_AT + 6);
}

/** The selector that a case begins with in this segment register. */
export function selectorOf(record: Buffer, segment: number): number {
  if (segment === SEGMENT_CS) return codeSelector(record.readUInt16LE(L.MODE_AT));
  if (segment === SEGMENT_SS) return record.readUInt16LE(L.STACK_SELECTOR_AT);
  const place = [1, 0, 0, 0, 2, 3][segment] ?? 0;
  return record.readUInt16LE(L.DATA_SELECTORS_AT + 2 * place);
}

function codeSelector(mode: number): number {
  return mode === CODE_64 ? L.USER_64 : mode === CODE_16 ? CODE_16_SELECTOR : L.USER_32;
}

/** The segment's base as accesses of a case use it at its beginning. */
export function baseOf(record: Buffer, segment: number): bigint {
  const long = record.readUInt16LE(L.MODE_AT) === CODE_64;
  const selector = selectorOf(record, segment);
  if (segment >= SEGMENT_FS && selector === 0 && long)
    return segment === SEGMENT_FS ? L.FS_BASE : L.GS_BASE;
  if (long && segment < SEGMENT_FS) return 0n;
  return BigInt(segmentFor(selector).base);
}
