/**
 * Records what GNU objdump says of instructions from every row of the description and of random
 * bytes, so that the tests have a judge where there is no objdump.
 *
 *   tsx sim/host/testing/record-disassembly.ts
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CODE_16, CODE_32, CODE_64 } from "../decoder.ts";
import { drawInstruction, formsOf, type Random } from "./isa-draw.ts";
import { objdump } from "./objdump.ts";
import { randomFrom } from "./random.ts";

export const RECORDED = fileURLToPath(new URL("disassembly.txt", import.meta.url));

/** Every how many rows one is drawn, and how many random sequences there are. */
const PLAN = [
  { mode: CODE_16, every: 6, random: 40 },
  { mode: CODE_32, every: 6, random: 40 },
  { mode: CODE_64, every: 1, random: 150 },
];

/** Fifteen bytes, of which three in four begin with an escape. */
export function randomBytes(random: Random): Uint8Array {
  const prefixes = [0x66, 0xf2, 0xf3, 0x67, 0x48, 0x41];
  const escapes = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
  const front = random(3) === 0 ? [prefixes[random(prefixes.length)] ?? 0] : [];
  const tail = Array.from({ length: 15 }, () => random(256));
  return Uint8Array.from([...front, ...(escapes[random(4)] ?? []), ...tail].slice(0, 15));
}

/** One line an instruction: mode, bytes, length, text; addresses in the text are as if at 0. */
function record(): string[] {
  return PLAN.flatMap(({ mode, every, random: count }) => {
    const random = randomFrom(2026 + mode);
    const forms = formsOf(mode).filter((_, position) => position % every === 0);
    const codes = [
      ...forms.map((form) => drawInstruction(random, { mode, forms: [form] }).bytes),
      ...Array.from({ length: count }, () => randomBytes(random)),
    ];
    return codes.map((bytes) => {
      const [listed] = objdump([bytes], mode);
      if (listed === undefined) throw new Error("objdump lost an instruction");
      const kept = bytes.subarray(0, listed.text.includes("(bad)") ? bytes.length : listed.length);
      return `${mode} ${Buffer.from(kept).toString("hex")} ${listed.length} ${listed.text}`;
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(RECORDED, `${record().join("\n")}\n`);
}
