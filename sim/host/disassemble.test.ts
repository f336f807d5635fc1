/** Names, operands and lengths of instructions, judged by GNU objdump. */
import { beforeAll, describe, expect, test } from "vitest";
import { FORM_UNDEFINED } from "../spec/isa/conditions.ts";
import { FORMS } from "../spec/isa/forms.ts";
import * as D from "./decoder.ts";
import { disassemble } from "./disassemble.ts";
import { loadModule } from "./modules.ts";
import { drawInstruction, formsOf } from "./testing/isa-draw.ts";
import { type Listed, objdump } from "./testing/objdump.ts";
import { knownDifference } from "./testing/objdump-differences.ts";
import { randomFrom } from "./testing/random.ts";

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
    const listed = objdump(
      drawn.map(({ bytes }) => bytes),
      mode,
    );
    const wrong = drawn.flatMap(({ bytes, form }, at) => {
      const { length, text, address } = listed[at] as Listed;
      const ours = disassemble(decoder, bytes, mode, address);
      const same = ours.length === length && withoutPrefixes(ours.text) === withoutPrefixes(text);
      if (same || knownDifference(form.operation, decoder.instruction, text)) return [];
      return [`${hex(bytes)}: ${ours.length} ${ours.text}, objdump: ${length} ${text}`];
    });
    expect(wrong).toEqual([]);
  });

  test("ends where objdump has it end, and is undefined where objdump knows nothing", () => {
    const random = randomFrom(mode + 1000);
    const codes = Array.from({ length: 6000 }, () => randomBytes(random));
    const listed = objdump(codes, mode);
    const wrong = codes.flatMap((bytes, at) => {
      const { length, text } = listed[at] as Listed;
      const verdict = decoder.decode(bytes, mode);
      const why = difference(verdict, length, text);
      return why === null ? [] : [`${hex(bytes)}: ${why}, objdump: ${length} ${text}`];
    });
    expect(wrong).toEqual([]);
  });
});

/** Sixteen bytes, more often than not with a prefix or an escape in front. */
function randomBytes(random: (below: number) => number): Uint8Array {
  const prefixes = [0x66, 0xf2, 0xf3, 0x67, 0x48, 0x41];
  const escapes = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
  const front = random(3) === 0 ? [prefixes[random(prefixes.length)] ?? 0] : [];
  const tail = Array.from({ length: 16 }, () => random(256));
  return Uint8Array.from([...front, ...(escapes[random(4)] ?? []), ...tail].slice(0, 16));
}

const NAMES = new Set(
  FORMS.flatMap(({ mnemonics }) => mnemonics.map((mnemonic) => mnemonic.toLowerCase())),
);

/**
 * Known names of what isn't there: test registers, what AMD's processors do outside of 64-bit mode,
 * and rows without prefix (NP) with F2 or F3.
 */
const ABSENT = /\btr\d|syscall|sysret|(rd|wr)[fg]sbase|repn?z (fx|x)(save|rstor)/;

/** What is wrong with the decoder's answer, or null. */
function difference(verdict: number, length: number, text: string): string | null {
  const { instruction } = decoder;
  const form = FORMS[instruction.form];
  const bad = text.includes("(bad)");
  if (verdict === D.UNDEFINED) {
    if (bad) return null;
    const name = withoutPrefixes(text).split(" ")[0] ?? "";
    if (form === undefined) return NAMES.has(name) && !ABSENT.test(text) ? `no ${name}` : null;
    // A form that is undefined as it stands: by intent, by LOCK, or by a register that isn't there.
    if ((form.flags & FORM_UNDEFINED) !== 0 || instruction.lock !== 0) return null;
    return knownDifference(form.operation, instruction, text) ? null : "undefined";
  }
  if (form === undefined || verdict !== D.DECODED) return `verdict ${verdict}`;
  if (length === instruction.length && !bad) return null;
  return knownDifference(form.operation, instruction, text) ? null : `${instruction.length} bytes`;
}
