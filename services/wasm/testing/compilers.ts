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
  const clang = requireTool("clang");
  const flags = ["--target=wasm32-wasi", "-O2", "-Wl,-s"];
  return await codeOf("in.c", source, (from, to) => [clang, [...flags, "-o", to, from]]);
}

async function codeOf(
  name: string,
  source: string,
  command: (from: string, to: string) => [string, string[]],
): Promise<Code> {
  const folder = mkdtempSync(join(tmpdir(), "aios-wasi-"));
  try {
    const [from, to] = [join(folder, name), join(folder, "out.wasm")];
    writeFileSync(from, source);
    const { status, stderr } = spawnSync(...command(from, to), { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    const prepared = await prepare(new Uint8Array(readFileSync(to)));
    return { prepared, module: await WebAssembly.compile(prepared.code as BufferSource) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
