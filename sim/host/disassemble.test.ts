/** Names, operands and lengths of instructions, judged by GNU objdump. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { FORMS } from "../spec/isa/forms.ts";
import * as D from "./decoder.ts";
import { type Disassembled, disassemble } from "./disassemble.ts";
import { loadModule } from "./modules.ts";
import { drawInstruction, formsOf } from "./testing/isa-draw.ts";
import { type Listed, objdump } from "./testing/objdump.ts";
import { knownDifference } from "./testing/objdump-differences.ts";
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

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Words before the name; objdump writes prefixes that do nothing, the disassembler doesn't. */
const PREFIX =
  /^(rex(\.[WRXB]+)?|data(16|32)|addr(16|32)|repn?z|rep|lock|[cdefgs]s|bnd|notrack|xacquire|xrelease|\{.*\})$/;

function withoutPrefixes(text: string): string {
  const words = text.split(" ");
  while (words.length > 1 && PREFIX.test(words[0] ?? "")) words.shift();
  return words.join(" ");
}

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
    expect(differences(codes, objdump(codes, mode), mode)).toEqual([]);
  });

  test("of random bytes is what objdump takes it for", () => {
    const random = randomFrom(mode + 1000);
    const codes = Array.from({ length: 6000 }, () => randomBytes(random));
    expect(differences(codes, objdump(codes, mode), mode)).toEqual([]);
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
    expect(differences(codes, listed, mode)).toEqual([]);
  });
});

/** One line for each instruction that is wrong. */
function differences(
  codes: readonly Uint8Array[],
  listed: readonly Listed[],
  mode: number,
): string[] {
  return codes.flatMap((bytes, at) => {
    const theirs = listed[at] as Listed;
    const ours = disassemble(decoder, bytes, mode, theirs.address);
    if (agree(ours, theirs)) return [];
    return [`${hex(bytes)}: ${ours.length} ${ours.text}, objdump: ${theirs.length} ${theirs.text}`];
  });
}

const NAMES = new Set(
  FORMS.flatMap(({ mnemonics }) => mnemonics.map((mnemonic) => mnemonic.toLowerCase())),
);

/** Known names of what isn't there: test registers, and what AMD has outside of 64-bit mode. */
const ABSENT = /\btr\d|syscall|sysret|(rd|wr)[fg]sbase/;
/** Rows that take no 66, F2 or F3 (NP), which objdump doesn't mind. */
const NO_PREFIX =
  /(data16|data32|repn?z) .*(f?xsave|f?xrstor|ldmxcsr|stmxcsr|pmovmskb|clac|stac|monitor|mwait|etbv)/;

/** Whether the decoder's last instruction, disassembled as `ours`, is what objdump says. */
function agree(ours: Disassembled, theirs: Listed): boolean {
  const { instruction } = decoder;
  const form = FORMS[instruction.form];
  const bad = theirs.text.includes("(bad)");
  const text = withoutPrefixes(theirs.text);
  if (bad && ours.text === "(bad)") return true;
  if (form !== undefined && knownDifference(form.operation, instruction, theirs.text)) return true;
  if (ours.text !== "(bad)")
    return ours.length === theirs.length && withoutPrefixes(ours.text) === text;
  // Undefined here only: a LOCK that isn't allowed, or of an extension that the description hasn't.
  if (form !== undefined) return instruction.lock !== 0;
  return !NAMES.has(text.split(" ")[0] ?? "") || ABSENT.test(text) || NO_PREFIX.test(theirs.text);
}
