/**
 * Images that try out the processor and print what it did (legacy.c, long.c), compiled, and who runs
 * them: this machine, and Bochs, whose processor was written beside the manual. A case that ends the
 * machine is told as "shutdown", and the image is started again at the case behind it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Machine } from "../../machine.ts";
import { requireTool } from "../tools.ts";
import { BOCHS, bochsOptions } from "./bochs.ts";

export const DEBUG_EXIT = 0xf4;
const MIB = 2 ** 20;
const MEMORY_MIB = 64;
/** Virtual time that no run comes near. */
const UNTIL = 2_000_000_000n;

const FLAGS = [
  ...["-O1", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib", "-static", "-no-pie"],
  ...[
    "-fno-pic",
    "-fno-stack-protector",
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
  ],
  ...["-fno-builtin", "-mgeneral-regs-only", "-mno-red-zone", "-Wl,--build-id=none"],
  ...["-Wl,-z,noseparate-code", "-Wl,-Ttext-segment=0x100000", "-Wl,-e,start"],
];

export const IMAGES = { legacy: "-m32", long: "-m64" } as const;
export type Image = keyof typeof IMAGES;

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** What this machine prints, line by line; compared with Bochs by processor.soak.ts. */
export const recorded = (image: Image): string[] =>
  readFileSync(beside(`${image}.txt`), "utf8")
    .trimEnd()
    .split("\n");

/** Compiles an image and hands it over; to be called inside a test, which is skipped without gcc. */
export function compiled(image: Image): Uint8Array {
  const gcc = requireTool("gcc");
  const folder = mkdtempSync(join(tmpdir(), "processor-"));
  try {
    const sources = [`${image}.S`, `${image}.c`].map(beside);
    const output = join(folder, "image");
    execFileSync(gcc, [IMAGES[image], ...FLAGS, ...sources, "-o", output]);
    return new Uint8Array(readFileSync(output));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Lines of all cases, from runs that each begin at a case and print from there on. */
export async function transcript(run: (first: number) => Promise<string>): Promise<string[]> {
  const lines: string[] = [];
  while (true) {
    const text = await run(lines.length);
    const part = text
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .slice(0, -1);
    if (part.at(-1) === "end") return [...lines, ...part.slice(0, -1)];
    const last = text.slice(text.lastIndexOf("\n") + 1);
    if (last === "") throw new Error(`the image ended behind: ${part.at(-1)}`);
    lines.push(...part, `${last}shutdown`);
  }
}

export function onOurs(kernel: Uint8Array): Promise<string[]> {
  return transcript(async (first) => {
    const machine = await Machine.create({
      memory: MEMORY_MIB * MIB,
      debugExit: DEBUG_EXIT,
      guest: { kernel, commandLine: `${first}` },
    });
    machine.run({ until: UNTIL });
    return machine.consoleText;
  });
}

/** How it says that an image has ended, at its port 0x8900 or by a triple fault. */
const ENDS = ["shutdown requested", "3rd ("] as const;
/** Host time, ms, of which a run takes three seconds. */
const LIMIT = 120_000;

/** A run from a case on. Bochs stops at an open pipe as its input. @throws Error unless the image has ended */
function runBochs(folder: string, elf: Uint8Array, first: number): string {
  const serial = join(folder, "serial");
  const start = { elf, commandLine: `${first}`, memoryMib: MEMORY_MIB, serial };
  const { stdout, stderr } = spawnSync(BOCHS, bochsOptions(join(folder, "image"), start), {
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "latin1",
    timeout: LIMIT,
  });
  const said = stdout + stderr;
  if (!ENDS.some((end) => said.includes(end))) throw new Error(`Bochs: ${said.slice(-1000)}`);
  return readFileSync(serial, "latin1");
}

export async function onBochs(elf: Uint8Array): Promise<string[]> {
  requireTool(BOCHS);
  const folder = mkdtempSync(join(tmpdir(), "bochs-"));
  try {
    return await transcript(async (first) => runBochs(folder, elf, first));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
