/** GNU objdump as a judge of lengths and names. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CODE_16, CODE_32 } from "../decoder.ts";
import { requireTool } from "./tools.ts";

export interface Listed {
  /** Bytes that objdump takes as one instruction. */
  readonly length: number;
  /** What it prints, prefixes included. */
  readonly text: string;
  /** Where it had the instruction lie. */
  readonly address: bigint;
}

/** Each instruction gets a slot; what is behind it is filled with NOPs, by which objdump finds back. */
const SLOT_BYTES = 48;
const NOP = 0x90;

/** Files of 16-bit code are kept below 64 KiB, so that jumps stay where addresses are their own. */
const SLOTS_MAX = Math.floor(0x1_0000 / SLOT_BYTES);

/** What objdump says of each of these instructions, in Intel syntax. To be called inside a test. */
export function objdump(instructions: readonly Uint8Array[], mode: number): Listed[] {
  const listed: Listed[] = [];
  for (let at = 0; at < instructions.length; at += SLOTS_MAX) {
    listed.push(...objdumpFile(instructions.slice(at, at + SLOTS_MAX), mode));
  }
  return listed;
}

function objdumpFile(instructions: readonly Uint8Array[], mode: number): Listed[] {
  const tool = requireTool("objdump");
  const file = new Uint8Array(instructions.length * SLOT_BYTES).fill(NOP);
  instructions.forEach((bytes, slot) => {
    file.set(bytes, slot * SLOT_BYTES);
  });
  const machine = mode === CODE_16 ? "i8086" : mode === CODE_32 ? "i386" : "i386:x86-64";
  const folder = mkdtempSync(join(tmpdir(), "objdump-"));
  try {
    const path = join(folder, "code.bin");
    writeFileSync(path, file);
    const options = [
      "-D",
      "-z",
      "-b",
      "binary",
      "-m",
      machine,
      "-M",
      "intel,intel64",
      "--insn-width=32",
      path,
    ];
    const output = execFileSync(tool, options, { encoding: "utf8", maxBuffer: 1 << 30 });
    return parse(output, instructions.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function parse(output: string, slots: number): Listed[] {
  const listed: Listed[] = [];
  for (const line of output.split("\n")) {
    const match = /^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*\t?(.*)$/.exec(line);
    if (!match) continue;
    const at = Number.parseInt(match[1] ?? "", 16);
    if (at % SLOT_BYTES !== 0) continue;
    const length = (match[2] ?? "").trim().split(" ").length;
    const text = (match[3] ?? "").trim().replace(/\s+/g, " ");
    listed[at / SLOT_BYTES] = { length, text, address: BigInt(at) };
  }
  if (listed.length !== slots || listed.includes(undefined as never)) throw new Error("slots lost");
  return listed;
}
