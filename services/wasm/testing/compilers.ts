/** Programs for WASI from ordinary compilers: rustc with its standard library, clang with wasi-libc. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireTool } from "../../../sim/host/testing/tools.ts";
import type { Code } from "../agent.ts";
import { prepare } from "../module/prepare.ts";

const RUST_TARGETS = ["wasm32-wasip1", "wasm32-wasi"];
/** A second one may be the distribution's, with other targets. */
const RUST_COMPILERS = ["rustc", "/usr/bin/rustc"];

/** A compiler that has a standard library for WASI; null if there is none. */
function rustFor(): { rustc: string; target: string } | null {
  for (const rustc of RUST_COMPILERS)
    for (const target of RUST_TARGETS) {
      const args = ["--print", "target-libdir", "--target", target];
      const { status, stdout } = spawnSync(rustc, args, { encoding: "utf8" });
      if (status === 0 && existsSync(stdout.trim())) return { rustc, target };
    }
  return null;
}
const rust = rustFor();
const hasClang =
  spawnSync("clang", ["--version"]).status === 0 && existsSync("/usr/include/wasm32-wasi");

/** Where a compiler is missing its tests are skipped; never with CI=true. */
const isJudged = process.env.CI === "true";
export const canCompileRust = rust !== null || isJudged;
export const canCompileC = hasClang || isJudged;

export async function rustCode(source: string): Promise<Code> {
  if (!rust) throw new Error("there is no rustc with a standard library for wasm32-wasip1");
  const { rustc, target } = rust;
  const flags = ["--edition", "2021", "--target", target, "-Copt-level=2", "-Clink-arg=-s"];
  return await codeOf("in.rs", source, (from, to) => [rustc, [...flags, "-o", to, from]]);
}

export async function cCode(source: string): Promise<Code> {
  return await codeOf("in.c", source, clang("-O2"));
}

/** The module alone, with all that the source names. */
export const cModule = (source: string): Uint8Array => moduleOf("in.c", source, clang("-O0"));

function clang(level: string): Parameters<typeof moduleOf>[2] {
  const compiler = requireTool("clang");
  const flags = ["--target=wasm32-wasi", level, "-Wl,-s"];
  return (from, to) => [compiler, [...flags, "-o", to, from]];
}

async function codeOf(...from: Parameters<typeof moduleOf>): Promise<Code> {
  const prepared = await prepare(moduleOf(...from));
  return { prepared, module: await WebAssembly.compile(prepared.code as BufferSource) };
}

function moduleOf(
  name: string,
  source: string,
  command: (from: string, to: string) => [string, string[]],
): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "aios-wasi-"));
  try {
    const [from, to] = [join(folder, name), join(folder, "out.wasm")];
    writeFileSync(from, source);
    const { status, stderr } = spawnSync(...command(from, to), { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return new Uint8Array(readFileSync(to));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
