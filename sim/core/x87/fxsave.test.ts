/** FXSAVE and FXRSTOR (Intel SDM 2A; SDM 1, table 10-2). */
import { beforeEach, expect, test } from "vitest";
import { CODE, CodeBench, DATA } from "../../host/testing/code.ts";
import { UNMAPPED } from "../../host/testing/longmode.ts";

const RAM = 0x200_0000;
const AREA = DATA + 0x100;
const AREA_BYTES = 512;
const FXSAVE = "0f ae 07";
const FXSAVE64 = "48 0f ae 07";
const FXRSTOR64 = "48 0f ae 0f";
/** fninit; fld1; fldpi. The second load is at CODE + 4. */
const LOADS = "db e3  d9 e8  d9 eb";
const PI = "4000c90fdaa22168c235";
const ONE = "3fff8000000000000000";

let on: CodeBench;
beforeEach(async () => {
  on = await CodeBench.create();
  for (let n = 0; n < 16; n++) on.bytes.fill(0x10 + n, xmm(n), xmm(n) + 16);
});

const xmm = (n: number) => on.cpu.fxsave + 160 + 16 * n;
const bytesAt = (at: number, count: number) => Buffer.from(on.bytes.subarray(at, at + count));
/** A field of the saved area as a number in hexadecimal digits. */
const field = (at: number, count: number) =>
  bytesAt(RAM + AREA + at, count)
    .reverse()
    .toString("hex");

function vectorOf(code: string, rdi: number): number {
  on.execute(code, { rdi: BigInt(rdi) });
  on.on.entered = [];
  on.on.bench.step();
  return on.on.entered[0]?.entry ?? -1;
}

test("the area has registers from the top of the stack on, tags by their numbers, and MXCSR", () => {
  on.bytes.fill(0xee, RAM + AREA, RAM + AREA + AREA_BYTES);
  on.execute(`${LOADS} ${FXSAVE64}`, { rdi: BigInt(AREA) });
  expect([field(0, 2), field(2, 2), field(4, 2)]).toEqual(["037f", "3000", "00c0"]);
  expect([field(6, 2), field(8, 8)]).toEqual(["01eb", (CODE + 4).toString(16).padStart(16, "0")]);
  expect([field(24, 4), field(28, 4)]).toEqual(["00001f80", "0000ffff"]);
  expect([field(32, 16), field(48, 16)]).toEqual(
    [PI, ONE].map((digits) => digits.padStart(32, "0")),
  );
  for (let n = 0; n < 16; n++) expect(field(160 + 16 * n, 1)).toBe((0x10 + n).toString(16));
  expect(bytesAt(RAM + AREA + 464, 48)).toEqual(Buffer.alloc(48, 0xee));
});

test("without REX.W pointers have 32 bits, and selectors are zero", () => {
  on.cpu.rip = BigInt(CODE);
  on.execute(`${LOADS} ${FXSAVE}`, { rdi: BigInt(AREA) });
  expect([field(8, 4), field(12, 4), field(20, 4)]).toEqual(["00400004", "00000000", "00000000"]);
});

test("what was saved comes back, whatever happened in between", () => {
  on.execute(`${LOADS} ${FXSAVE64}`, { rdi: BigInt(AREA) });
  const saved = bytesAt(on.cpu.fxsave, AREA_BYTES);
  for (let n = 0; n < 16; n++) on.bytes.fill(0, xmm(n), xmm(n) + 16);
  // fninit; fldz; fldz; fldz; then the state comes back.
  on.execute(`db e3  d9 ee  d9 ee  d9 ee  ${FXRSTOR64}`, { rdi: BigInt(AREA) });
  // R5 keeps the zero: it is empty, but part of the area, in which it was empty too.
  expect(bytesAt(on.cpu.fxsave, AREA_BYTES)).toEqual(saved);
});

test("an area that isn't aligned to 16 bytes is #GP", () => {
  expect(vectorOf(FXSAVE64, AREA + 8)).toBe(13);
  expect(vectorOf(FXRSTOR64, AREA + 8)).toBe(13);
});

test("a reserved bit of MXCSR is #GP, and nothing is restored", () => {
  on.execute(FXSAVE64, { rdi: BigInt(AREA) });
  on.put("00 00 01 00", AREA + 24);
  on.execute(LOADS);
  const before = bytesAt(on.cpu.fxsave, AREA_BYTES);
  expect(vectorOf(FXRSTOR64, AREA)).toBe(13);
  expect(bytesAt(on.cpu.fxsave, AREA_BYTES)).toEqual(before);
});

test("an area whose second page isn't there faults before a byte is written", () => {
  const area = UNMAPPED - 256;
  on.bytes.fill(0xee, RAM + area, RAM + UNMAPPED);
  expect(vectorOf(FXSAVE64, area)).toBe(14);
  expect(on.cpu.cr2).toBe(BigInt(UNMAPPED));
  expect(bytesAt(RAM + area, 256)).toEqual(Buffer.alloc(256, 0xee));
});

test("a task switch that is noted is #NM, whatever the unit holds", () => {
  on.cpu.cr0 |= 8n;
  expect(vectorOf(FXSAVE64, AREA)).toBe(7);
});
