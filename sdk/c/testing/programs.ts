/**
 * The C programs of the tests as ELF files: compiled now where there is gcc, and as they were recorded
 * where there is none. `tsx sdk/c/testing/programs.ts` records them again.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findTool } from "../../../sim/host/testing/tools.ts";

const FOLDER = fileURLToPath(new URL("../", import.meta.url));
const RECORDED = join(FOLDER, "testing/recorded");
/** What is in every program. */
const SHARED = ["aios.h", "aios_constants.h", "aios_calls.h", "crt0.S", "aios.ld"];

/** Warnings are errors. Segments needn't lie on pages of the file, which makes it small. */
export const C_FLAGS: readonly string[] = [
  ...[
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffreestanding",
    "-fno-stack-protector",
    "-fcf-protection=none",
  ],
  ...["-fno-asynchronous-unwind-tables", "-nostdlib", "-static", "-no-pie", "-s", `-I${FOLDER}`],
  ...[
    "-T",
    join(FOLDER, "aios.ld"),
    "-Wl,--build-id=none,-z,max-page-size=16,-z,common-page-size=16",
  ],
];

/** All programs, by name: those of the tests, and hello. */
export function cPrograms(): string[] {
  const tests = readdirSync(join(FOLDER, "testing")).filter((file) => file.endsWith(".c"));
  return ["hello", ...tests.map((file) => file.slice(0, -2)).sort()];
}

const sourceOf = (name: string) => join(FOLDER, name === "hello" ? "" : "testing", `${name}.c`);

/** @throws Error with what the compiler has said */
export function compileC(source: string, flags: readonly string[] = C_FLAGS): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "aios-c-"));
  try {
    const to = join(folder, "agent.elf");
    const { status, stderr, error } = spawnSync(
      "gcc",
      [...flags, "-o", to, join(FOLDER, "crt0.S"), source],
      { encoding: "utf8" },
    );
    if (error) throw error;
    if (status !== 0) throw new Error(stderr);
    return new Uint8Array(readFileSync(to));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same for a program's text. */
export function compileCText(text: string, flags = C_FLAGS): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "aios-c-"));
  try {
    const source = join(folder, "agent.c");
    writeFileSync(source, text);
    return compileC(source, flags);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const recordedC = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(join(RECORDED, `${name}.elf`)));

const made = new Map<string, Uint8Array>();

/** The program `name`, made from its present source if that is possible. */
export function cProgram(name: string): Uint8Array {
  const program =
    made.get(name) ?? (findTool("gcc") === null ? recordedC(name) : compileC(sourceOf(name)));
  made.set(name, program);
  return program;
}

/** Tells whether a recorded file is of the present sources: a line for each program. */
export function sourceDigests(): string {
  const shared = SHARED.map((file) => readFileSync(join(FOLDER, file), "utf8"));
  const lines = cPrograms().map((name) => {
    const texts = [
      readFileSync(sourceOf(name), "utf8"),
      ...shared,
      JSON.stringify(C_FLAGS.map(relative)),
    ];
    return `${createHash("sha256").update(texts.join("\0")).digest("hex")}  ${name}\n`;
  });
  return lines.join("");
}

const relative = (flag: string) => flag.replace(FOLDER, "");

export const recordedDigests = (): string => readFileSync(join(RECORDED, "sources.sha256"), "utf8");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of cPrograms())
    writeFileSync(join(RECORDED, `${name}.elf`), compileC(sourceOf(name)));
  writeFileSync(join(RECORDED, "sources.sha256"), sourceDigests());
}
