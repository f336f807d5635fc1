/** The processor that runs the tests as the judge of cases (isa-native.c): Linux on x86-64, with gcc. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireTool, stayAway } from "./tools.ts";

const SOURCE = fileURLToPath(new URL("isa-native.c", import.meta.url));
const FLAGS = [
  "-O2",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-fno-stack-protector",
  "-mfsgsbase",
  "-mno-red-zone",
];

export class NativeProcessor {
  readonly #folder: string;
  readonly #program: string;

  /**
   * Compiles the program; `close` removes it. To be called inside a test, which is skipped on other hosts,
   * or fails if the environment has CI=true.
   */
  constructor() {
    if (process.platform !== "linux" || process.arch !== "x64")
      stayAway("an x86-64 processor under Linux");
    const gcc = requireTool("gcc");
    this.#folder = mkdtempSync(join(tmpdir(), "isa-"));
    this.#program = join(this.#folder, "native");
    execFileSync(gcc, [...FLAGS, "-o", this.#program, SOURCE]);
  }

  /** Outcomes of records, one behind the other as these are. */
  run(cases: Buffer): Buffer {
    return execFileSync(this.#program, { input: cases, maxBuffer: cases.length + 1 });
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }

  /** Its name, as it announces it. */
  static get model(): string {
    const cpuinfo = readFileSync("/proc/cpuinfo", "latin1");
    const field = (name: string) =>
      new RegExp(`^${name}\\s*: (.*)$`, "m").exec(cpuinfo)?.[1] ?? "?";
    return `${field("model name")}, family ${field("cpu family")}, model ${field("model")}`;
  }
}
