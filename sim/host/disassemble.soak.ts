/** The disassembler against GNU objdump, at length. AIOS_SEED repeats a run. */
import { expect, test } from "vitest";
import { CODE_16, CODE_32, CODE_64, Decoder } from "./decoder.ts";
import { loadModule } from "./modules.ts";
import { drawInstruction } from "./testing/isa-draw.ts";
import { objdump } from "./testing/objdump.ts";
import { differences } from "./testing/objdump-judge.ts";
import { randomFrom } from "./testing/random.ts";
import { randomBytes } from "./testing/record-disassembly.ts";

const ROUNDS = 50;
const INSTRUCTIONS = 20_000;

test.each([
  ["16-bit", CODE_16],
  ["32-bit", CODE_32],
  ["64-bit", CODE_64],
])("%s code, drawn and random, is what objdump takes it for", async (_, mode) => {
  const decoder = new Decoder(await loadModule("sim"));
  const first = Number(process.env.AIOS_SEED ?? Date.now() % 0x1000_0000);
  for (let seed = first; seed < first + ROUNDS; seed++) {
    const random = randomFrom(seed);
    const codes = Array.from({ length: INSTRUCTIONS }, () =>
      random(2) === 0 ? randomBytes(random) : drawInstruction(random, { mode, prefixes: 20 }).bytes,
    );
    expect(differences(decoder, codes, objdump(codes, mode), mode), `seed ${seed}`).toEqual([]);
  }
});
