/** Compiles Rust agents for tests, with the crate beside. Inside a test only. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireTool } from "../../sim/host/testing/tools.ts";

const FOLDER = fileURLToPath(new URL("./", import.meta.url));
const SCRIPT = fileURLToPath(new URL("../c/aios.ld", import.meta.url));
const FLAGS = ["--edition", "2021", "-Cpanic=abort", "-Copt-level=2", "-Dwarnings"];
const LINK = ["-nostartfiles", "-nostdlib", "-static", "-no-pie", `-T${SCRIPT}`];

/** @throws Error with what the compiler has said */
export function compileRustText(text: string): Uint8Array {
  const rustc = requireTool("rustc");
  const folder = mkdtempSync(join(tmpdir(), "aios-rust-"));
  const run = (args: readonly string[]) => {
    const { status, stderr } = spawnSync(rustc, [...FLAGS, ...args], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
  };
  try {
    const [source, library, to] = ["agent.rs", "libaios.rlib", "agent.elf"].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    writeFileSync(source, text);
    run(["--crate-type=rlib", "--crate-name=aios", "-o", library, join(FOLDER, "src/lib.rs")]);
    const link = LINK.map((flag) => `-Clink-arg=${flag}`);
    run(["-Crelocation-model=static", ...link, `--extern=aios=${library}`, "-o", to, source]);
    return new Uint8Array(readFileSync(to));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const compileRust = (source: string): Uint8Array =>
  compileRustText(readFileSync(source, "utf8"));
