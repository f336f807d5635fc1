/** Ordinary compilers to WebAssembly, for tests and examples. Inside a test a missing one is a skipped test. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as asc from "assemblyscript/asc";
import { requireFile, requireTool, stayAway } from "../../sim/host/testing/tools.ts";

const SDK = fileURLToPath(new URL("../", import.meta.url));
/** Without symbols: preparing a module takes the longer the larger it is. */
const RUST_FLAGS = [
  "--edition=2021",
  "-O",
  "-Clto",
  "-Cpanic=abort",
  "-Cstrip=symbols",
  "-Dwarnings",
];
/**
 * Where Debian has its own, which knows a target that the first on the PATH may lack; names of that target, as
 * older and newer compilers have it.
 */
const DEBIAN_RUSTC = "/usr/bin/rustc";
const RUST_TARGETS = ["wasm32-wasip1", "wasm32-wasi"];

/** A file in C with wasi-libc and sdk/c/aios_wasm.h. @throws Error with what the compiler has said */
export function compileC(file: string): Uint8Array {
  requireFile("/usr/include/wasm32-wasi/stdio.h");
  const flags = ["--target=wasm32-wasi", "-O2", "-Wall", "-Werror", "-s", `-I${join(SDK, "c")}`];
  return compiled(requireTool("clang"), [...flags, file]);
}

/** A file in Rust with its standard library. It includes sdk/rust/wasm/aios.rs by `#[path]`. */
export function compileRust(file: string): Uint8Array {
  for (const rustc of [requireTool("rustc"), DEBIAN_RUSTC])
    for (const target of RUST_TARGETS) {
      const asked = spawnSync(rustc, ["--print", "target-libdir", "--target", target]);
      if (asked.status !== 0 || !existsSync(asked.stdout.toString().trim())) continue;
      return compiled(rustc, [...RUST_FLAGS, `--target=${target}`, file]);
    }
  return stayAway("rustc for wasm32-wasi");
}

/** A file in AssemblyScript, with what it imports by relative paths. */
export async function compileAssemblyScript(file: string): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "aios-asc-"));
  const to = join(folder, "agent.wasm");
  try {
    const flags = ["--runtime", "stub", "--use", "abort=", "-O2"];
    const places = ["--baseDir", dirname(file), "--outFile", to];
    const { error, stderr } = await asc.main([basename(file), ...flags, ...places]);
    if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
    return new Uint8Array(readFileSync(to));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compiled(compiler: string, args: readonly string[]): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "aios-compile-"));
  const to = join(folder, "agent.wasm");
  try {
    const { status, stderr } = spawnSync(compiler, [...args, "-o", to], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return new Uint8Array(readFileSync(to));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
