/** Names, operands and lengths of instructions, judged by GNU objdump. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import * as D from "./decoder.ts";
import { disassemble } from "./disassemble.ts";
import { loadModule } from "./modules.ts";
import { drawInstruction, formsOf } from "./testing/isa-draw.ts";
import { objdump } from "./testing/objdump.ts";
import { differences } from "./testing/objdump-judge.ts";
import { randomFrom } from "./testing/random.ts";
import { RECORDED, randomBytes } from "./testing/record-disassembly.ts";

let decoder: D.Decoder;

beforeAll(async () => {
  decoder = new D.Decoder(await loadModule("sim"));
});

const MODES = [
  ["16-bit", D.CODE_16],
  ["32-bit", D.CODE_32],
  ["64-bit", D.CODE_64],
] as const;

describe("in 64-bit code", () => {
  // As GNU objdump 2.40 writes them, but for the last.
  test.each([
    ["f3 48 ab", "rep stos QWORD PTR es:[rdi],rax"],
    ["f2 ae", "repnz scas al,BYTE PTR es:[rdi]"],
    ["f3 a6", "repz cmps BYTE PTR ds:[rsi],BYTE PTR es:[rdi]"],
    ["f0 48 0f b1 0a", "lock cmpxchg QWORD PTR [rdx],rcx"],
    ["64 48 8b 04 25 28 00 00 00", "mov rax,QWORD PTR fs:0x28"],
    ["48 8b 05 10 00 00 00", "mov rax,QWORD PTR [rip+0x10] # 0x401017"],
    ["e8 fb ff ff ff", "call 0x401000"],
    ["0f 84 00 01 00 00", "je 0x401106"],
    ["66 0f 1f 44 00 00", "nop WORD PTR [rax+rax*1+0x0]"],
    ["f3 0f 1e fa", "endbr64"],
    ["83 c4 f8", "add esp,0xfffffff8"],
    ["0f 0b", "ud2"],
    ["f0 90", "(bad)"],
  ])("%s is %s", (code, text) => {
    const bytes = Uint8Array.from(Buffer.from(code.replaceAll(" ", ""), "hex"));
    expect(disassemble(decoder, bytes, D.CODE_64, 0x40_1000n).text).toBe(text);
  });
});

describe.each(MODES)("%s code", (_, mode) => {
  test("is written as objdump writes it, every row", () => {
    const drawn = formsOf(mode).flatMap((form) => {
      const random = randomFrom(form * 3 + mode);
      return Array.from({ length: 6 }, () =>
        drawInstruction(random, { mode, forms: [form], prefixes: 15 }),
      );
    });
    const codes = drawn.map(({ bytes }) => bytes);
    expect(differences(decoder, codes, objdump(codes, mode), mode)).toEqual([]);
  });

  test("of random bytes is what objdump takes it for", () => {
    const random = randomFrom(mode + 1000);
    const codes = Array.from({ length: 6000 }, () => randomBytes(random));
    expect(differences(decoder, codes, objdump(codes, mode), mode)).toEqual([]);
  });

  test("was written so when it was recorded", () => {
    const lines = readFileSync(RECORDED, "utf8")
      .split("\n")
      .filter((line) => line.startsWith(`${mode} `));
    const fields = lines.map((line) => /^\d (\w+) (\d+) (.*)$/.exec(line) ?? []);
    const codes = fields.map(([, code]) => Uint8Array.from(Buffer.from(code ?? "", "hex")));
    const listed = fields.map(([, , length, text = ""]) => ({
      length: Number(length),
      text,
      address: 0n,
    }));
    expect(lines.length).toBeGreaterThan(100);
    expect(differences(decoder, codes, listed, mode)).toEqual([]);
  });
});
