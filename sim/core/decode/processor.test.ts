/**
 * The decoder against the host's processor: what is undefined there is undefined here, and what isn't
 * ends at the same byte. Only where the host is an x86-64 with a compiler. AIOS_SEED and AIOS_CASES
 * give another run.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { arch, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { CODE_64, DECODED, Decoder, UNDEFINED } from "../../host/decoder.ts";
import { loadModule } from "../../host/modules.ts";
import { differsByProcessor, drawInstruction, type Random } from "../../host/testing/isa-draw.ts";
import { type Listed, objdump } from "../../host/testing/objdump.ts";
import { nameIsKnown } from "../../host/testing/objdump-judge.ts";
import { randomFrom } from "../../host/testing/random.ts";
import { randomBytes } from "../../host/testing/record-disassembly.ts";
import { requireTool } from "../../host/testing/tools.ts";
import { FORMS } from "../../spec/isa/forms.ts";

const VECTOR_BP = 3;
const VECTOR_UD = 6;
const SEED = Number(process.env.AIOS_SEED ?? 1);
const CASES = Number(process.env.AIOS_CASES ?? 2500);

/** What is #UD at privilege level 3, or in 64-bit mode on AMD's processors. */
const UNDEFINED_THERE = new Set(["MONITOR", "MWAIT", "CLAC", "STAC", "SYSENTER", "SYSEXIT"]);
/** What a processor may lack although it has x86-64-v2, by its name in /proc/cpuinfo. */
const OPTIONAL: Readonly<Record<string, RegExp>> = {
  rdrand: /^RDRAND$/,
  rdseed: /^RDSEED$/,
  aes: /^AES/,
  pclmulqdq: /^PCLMULQDQ$/,
  rdtscp: /^RDTSCP$/,
  xsave: /^(XSAVE|XRSTOR|XGETBV|XSETBV)$/,
  xsaveopt: /^XSAVEOPT$/,
  xsavec: /^XSAVEC$/,
  fsgsbase: /^(RD|WR)[FG]SBASE$/,
  "3dnowprefetch": /^(PREFETCHW|NOP)$/,
};

/** Where RIP isn't behind the instruction, or not because the instruction ended. */
const NO_LENGTH = /^(JCC|JMP|CALL|RET|LOOP|JCXZ|INT|IRET|SYS|HLT)/;

let decoder: Decoder;

beforeAll(async () => {
  decoder = new Decoder(await loadModule("sim"));
});

interface Ended {
  readonly vector: number;
  /** RIP, relative to the instruction. */
  readonly at: number;
}

function execute(codes: readonly Uint8Array[]): Ended[] {
  const folder = mkdtempSync(join(tmpdir(), "execute-"));
  try {
    const program = join(folder, "execute");
    const source = fileURLToPath(new URL("../../host/testing/execute.c", import.meta.url));
    execFileSync(requireTool("gcc"), ["-O1", "-o", program, source]);
    const input = codes.map((bytes) => `${Buffer.from(bytes).toString("hex")}\n`).join("");
    const lines = execFileSync(program, { input, encoding: "utf8" }).trim().split("\n");
    return lines.map((line) => {
      const [vector = -1, at = -1] = line.split(" ").map(Number);
      return { vector, at };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A drawn instruction or random bytes, without anything behind the instruction. */
function drawCode(random: Random): Uint8Array {
  if (random(2) === 0) {
    const drawn = drawInstruction(random, { prefixes: 30 });
    return differsByProcessor(drawn) === null ? drawn.bytes : Uint8Array.of(0x90);
  }
  const bytes = randomBytes(random);
  return decoder.decode(bytes, CODE_64) === DECODED
    ? bytes.slice(0, decoder.instruction.length)
    : bytes;
}

/** What the processor has that the machine hasn't: what objdump names and the description doesn't. */
function isElsewhere(listed: Listed): boolean {
  return !listed.text.includes("(bad)") && !nameIsKnown(listed.text);
}

/** What is wrong, or null. */
function compare(bytes: Uint8Array, ended: Ended, listed: Listed, flags: string): string | null {
  const verdict = decoder.decode(bytes, CODE_64);
  const { length, lock, map, opcode } = decoder.instruction;
  const operation = FORMS[decoder.instruction.form]?.operation ?? "";
  const undefinedThere = ended.vector === VECTOR_UD && ended.at === 0;
  if (verdict === UNDEFINED) {
    // AMD's processors have CR8 as LOCK MOV CR0; Intel's take 0F 0D with a register for a NOP.
    const vendors = (lock !== 0 && operation.endsWith("CONTROL")) || (map === 1 && opcode === 0x0d);
    return undefinedThere || vendors || isElsewhere(listed) ? null : "undefined only here";
  }
  if (verdict !== DECODED) return `verdict ${verdict}`;
  if (undefinedThere) {
    const lacking = Object.entries(OPTIONAL).some(
      ([flag, operations]) => operations.test(operation) && !flags.includes(` ${flag} `),
    );
    return lacking || UNDEFINED_THERE.has(operation) ? null : "undefined only there";
  }
  if (ended.vector !== VECTOR_BP || NO_LENGTH.test(operation)) return null;
  return ended.at === length + 1 ? null : `${length} bytes, there ${ended.at - 1}`;
}

test("what the host's processor executes is decoded, with its length, and nothing else", (context) => {
  if (arch() !== "x64" || platform() !== "linux") context.skip("the host is no x86-64 with Linux");
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
  if (!flags.includes(" sse4_2 ")) context.skip("the host's processor is no x86-64-v2");
  const random = randomFrom(SEED);
  const codes = Array.from({ length: CASES }, () => drawCode(random));
  const ends = execute(codes);
  const listed = objdump(codes, CODE_64);
  const wrong = codes.flatMap((bytes, n) => {
    const why = compare(bytes, ends[n] as Ended, listed[n] as Listed, `${flags} `);
    const code = Buffer.from(bytes).toString("hex");
    return why === null ? [] : [`${code} ${listed[n]?.text}: ${why} (seed ${SEED})`];
  });
  expect(wrong).toEqual([]);
});
