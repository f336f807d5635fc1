/** The environment's four formats (Intel SDM 1, figures 8-9 to 8-12). */
import { expect, test } from "vitest";
import { CASE_BYTES, machineUnit } from "../../host/testing/x87_cases.ts";

const FNSTENV = 0x130;
const FLDENV = 0x120;
const MEMORY_AT = 512;
const FORM_AT = 644;
const FORMAT_AT = 648;
const ZERO = "00000000000000000000";
const ONE = "3fff8000000000000000";
const NAN = "7fffc000000000000000";

const run = await machineUnit(1);

/** TOP is 6: ST(0) is R6. R0 to R3 are empty; pointers and opcode are set. */
function state(): Buffer {
  const one = Buffer.alloc(CASE_BYTES);
  one.writeUInt16LE(0x37f, 0);
  one.writeUInt16LE((6 << 11) | 0x4100, 2);
  one.writeUInt8(0xf0, 4);
  one.writeUInt16LE(0x5ad, 6);
  one.writeBigUInt64LE(0x1234_5678n, 8);
  one.writeBigUInt64LE(0x9_abcdn, 16);
  [ONE, ZERO, NAN, NAN, NAN, NAN, ONE, NAN].forEach((value, n) => {
    Buffer.from(value, "hex")
      .reverse()
      .copy(one, 32 + 16 * n);
  });
  return one;
}

function execute(one: Buffer, form: number, format: number): Buffer {
  one.writeUInt32LE(form, FORM_AT);
  one.writeUInt32LE(format, FORMAT_AT);
  return run(one);
}

// R7 zero, R6 one, R5 NaN, R4 one, the rest empty: 01 00 10 00 11 11 11 11.
const TAGS = 0x48ff;

test.each([
  ["16-bit, protected", 0, 2, [0x37f, 0x7100, TAGS, 0x5678, 0, 0xabcd, 0]],
  ["16-bit, real", 2, 2, [0x37f, 0x7100, TAGS, 0x5678, 0x45ad, 0xabcd, 0x9000]],
  [
    "32-bit, protected",
    1,
    4,
    [0xffff_037f, 0xffff_7100, 0xffff_0000 + TAGS, 0x1234_5678, 0x05ad_0000, 0x9_abcd, 0xffff_0000],
  ],
  [
    "32-bit, real",
    3,
    4,
    [0xffff_037f, 0xffff_7100, 0xffff_0000 + TAGS, 0xffff_5678, 0x0123_45ad, 0xffff_abcd, 0x9000],
  ],
])("%s: FSTENV stores what the figure shows, and FLDENV takes it", (_, format, size, words) => {
  const stored = execute(state(), FNSTENV, format);
  const shown = words.map((_, n) => stored.readUIntLE(MEMORY_AT + n * size, size));
  expect(shown).toEqual(words);
  expect(stored[MEMORY_AT + 7 * size]).toBe(0);

  const other = Buffer.from(stored);
  other.fill(0, 0, 24);
  other.fill(0xff, 4, 5);
  const loaded = execute(other, FLDENV, format);
  const has = (at: number, bytes: number) => loaded.readUIntLE(at, bytes);
  expect([has(0, 2), has(2, 2), has(4, 1)]).toEqual([0x37f, 0x7100, 0xf0]);
  const real16 = format === 2 ? 0x4_5678 : 0x5678;
  expect(has(8, 4)).toBe(size === 4 ? 0x1234_5678 : real16);
  expect(has(16, 4)).toBe(format === 0 ? 0xabcd : 0x9_abcd);
  expect(has(6, 2)).toBe(format === 0 ? 0 : 0x5ad);
});
