import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compile } from "./compile.ts";
import { MODULES } from "./modules.ts";

const module = (name: string) => new WebAssembly.Module(readFileSync(`build/${name}.wasm`));
const imports = (name: string) =>
  WebAssembly.Module.imports(module(name)).map((entry) => `${entry.module}.${entry.name}`);

/** The functions of the machine interface, as hal/x86_64/machine.ts declares them. */
const machineInterface = [
  ...readFileSync("hal/x86_64/machine.ts", "utf8").matchAll(/@external\("machine", "(\w+)"\)/g),
].map((match) => `machine.${match[1]}`);

describe("purity", () => {
  test("kernel.wasm imports the machine's memory and functions of the machine interface only", () => {
    const allowed = new Set(["env.memory", ...machineInterface]);
    const others = imports("kernel").filter((name) => !allowed.has(name));
    expect(others).toEqual([]);
  });

  test("sim.wasm provides every function of the machine interface", () => {
    const provided = new Set(
      WebAssembly.Module.exports(module("sim")).map((entry) => `machine.${entry.name}`),
    );
    expect(machineInterface.filter((name) => !provided.has(name))).toEqual([]);
  });

  test("sim.wasm asks the host for drives, console, network and memory, and for nothing else", () => {
    expect(imports("sim").sort()).toEqual([
      "env.memory",
      "host.consoleWrite",
      "host.driveFlush",
      "host.driveRead",
      "host.driveWrite",
      "host.driveZero",
      // Memory: a frame of RAM that forks share comes when it is reached.
      "host.frameFetch",
      "host.frameSend",
    ]);
  });
});

describe("reproducible builds", () => {
  test("two builds of one tree are the same bytes", { timeout: 240_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "aios-build-"));
    try {
      for (const entry of MODULES.filter(({ testing }) => !testing)) {
        const again = join(folder, `${entry.name}.wasm`);
        await compile(entry, false, again);
        expect(readFileSync(again).equals(readFileSync(`build/${entry.name}.wasm`))).toBe(true);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
