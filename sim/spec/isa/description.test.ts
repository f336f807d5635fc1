/** The description of the instruction set, and what is generated from it. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { candidates, operationsModule, tablesModule } from "../../../sdk/build/isa.ts";
import { FORM_MODRM } from "./conditions.ts";
import { FLAGS_AFFECTED, undefinedFlags } from "./flags.ts";
import { FORMS } from "./forms.ts";
import { parseRows } from "./notation.ts";

const file = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

describe("the description", () => {
  test("gives the tables and numbers that are in the repository (tsx sdk/build/isa.ts)", () => {
    expect(file("../../core/decode/tables.generated.ts")).toBe(tablesModule());
    expect(file("operations.generated.ts")).toBe(operationsModule());
  });

  test("says of an opcode once whether a ModR/M byte follows it", () => {
    const mixed = candidates().filter(
      (rows) => new Set(rows.map((row) => (FORMS[row]?.flags ?? 0) & FORM_MODRM)).size > 1,
    );
    expect(mixed.map((rows) => rows.map((row) => FORMS[row]?.text))).toEqual([]);
  });

  test("has no row twice", () => {
    expect(new Set(FORMS.map(({ text }) => text.replace(/\s+/g, " "))).size).toBe(FORMS.length);
  });

  test.each([
    ["80 /0 iz ADD Eb,Ib", "immediates differ"],
    ["00 /r ADD Eb,Hb", "operand Hb"],
    ["00 /r ADD Eb,Gb locked", "attribute locked"],
    ["00 /r ADD", "no operands"],
  ])("is refused where it isn't in the notation: %s", (row, why) => {
    expect(() => parseRows(row)).toThrow(why);
  });
});

describe("flags", () => {
  test("are told for operations that exist", () => {
    const names = new Set(FORMS.map(({ operation }) => operation));
    expect([...FLAGS_AFFECTED.keys()].filter((name) => !names.has(name))).toEqual([]);
  });

  test("are each modified, cleared, set or undefined", () => {
    for (const [name, { modified, cleared, set, undefined: none }] of FLAGS_AFFECTED) {
      expect(modified + cleared + set + none, name).toBe(modified | cleared | set | none);
    }
  });

  // SDM 2B, "SAL/SAR/SHL/SHR", "RCL/RCR/ROL/ROR" and "SHLD": OF 0x800, AF 0x10, CF 1.
  test.each([
    ["SHL", 4, 0, 0],
    ["SHL", 4, 32, 0],
    ["SHL", 8, 32, 0x810],
    ["SHL", 1, 1, 0x10],
    ["SHL", 1, 8, 0x811],
    ["SAR", 1, 8, 0x810],
    ["ROL", 4, 1, 0],
    ["ROL", 4, 2, 0x800],
    ["SHLD", 2, 17, 0x8d5],
    ["MUL", 4, 1, 0xd4],
  ])("of %s on %i bytes by %i: %i are undefined", (operation, bytes, count, mask) => {
    expect(undefinedFlags(operation, bytes, count)).toBe(mask);
  });
});
