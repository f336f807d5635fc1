/** What the comparison with the real processor leaves open, and what it doesn't. */
import { beforeAll, describe, expect, test } from "vitest";
import { IsaBench } from "./isa-bench.ts";
import * as L from "./isa-cases.ts";
import { differencesOf } from "./isa-compare.ts";
import { regressionCase } from "./isa-regressions.ts";

const RETF = 0xcb;
const POP_RAX = 0x58;
const NOP = 0x90;
const PAGE_FAULT = 14;
const ABSENT = L.DATA - 0x800;

let bench: IsaBench;
beforeAll(async () => {
  bench = await IsaBench.create();
});

/** Differences from a processor that tells the fault `distance` bytes from where the machine does. */
function toldElsewhere(code: string, distance: number): string[] {
  const one = regressionCase({ name: "", code, registers: { rsp: ABSENT } });
  const mine = bench.run(one.record);
  expect(mine.readUInt32LE(L.VECTOR_AT)).toBe(PAGE_FAULT);
  expect(mine.readBigUInt64LE(L.ADDRESS_AT)).toBe(BigInt(ABSENT));
  const theirs = Buffer.from(mine);
  theirs.writeBigUInt64LE(BigInt(ABSENT + distance), L.ADDRESS_AT);
  return differencesOf(one, mine, theirs);
}

const byte = (value: number) => value.toString(16).padStart(2, "0");
/** MOV [the next instruction], `opcode`: in front of a NOP, which becomes that. */
const making = (opcode: number) => `c6 05 00 00 00 00 ${byte(opcode)} ${byte(NOP)}`;

describe("an instruction that a case has made by writing over its code", () => {
  test("may fault at any word of a large operand, as a drawn one", () => {
    expect(toldElsewhere(making(RETF), 4)).toEqual([]);
  });
  test("but not outside of it", () => {
    expect(toldElsewhere(making(RETF), 0x1000)).toEqual(["cr2: 0x604800, the processor 0x605800"]);
  });
  test("nor elsewhere in an operand of one word", () => {
    expect(toldElsewhere(making(POP_RAX), 4)).toEqual(["cr2: 0x604800, the processor 0x604804"]);
  });
});
