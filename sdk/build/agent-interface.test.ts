/** What C and Rust agents know of the kernel: made from its tables, and alike in both languages. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireTool } from "../../sim/host/testing/tools.ts";
import { buildBootImage, Machine } from "../index.ts";
import { agentConstants, cConstants, rustConstants } from "./agent-interface.ts";

const LINK = ["-nostartfiles", "-nostdlib", "-static", "-no-pie", "-Tsdk/c/aios.ld"];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aios-interface-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(tool: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(tool, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

function compileC(source: string): Uint8Array {
  const to = join(folder, "c.elf");
  const flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-stack-protector"];
  const link = ["-nostdlib", "-static", "-no-pie", "-T", "sdk/c/aios.ld", "-Wl,--build-id=none"];
  run(requireTool("gcc"), [...flags, ...link, "-Isdk/c", "-o", to, "sdk/c/crt0.S", source]);
  return new Uint8Array(readFileSync(to));
}

function compileRust(source: string): Uint8Array {
  const to = join(folder, "rust.elf");
  const library = join(folder, "libaios.rlib");
  const rustc = requireTool("rustc");
  const flags = ["--edition", "2021", "-Cpanic=abort", "-Copt-level=2"];
  run(rustc, [
    ...flags,
    "--crate-type=rlib",
    "--crate-name=aios",
    "-o",
    library,
    "sdk/rust/src/lib.rs",
  ]);
  const link = LINK.map((flag) => `-Clink-arg=${flag}`);
  run(rustc, [
    ...flags,
    "-Crelocation-model=static",
    ...link,
    `--extern=aios=${library}`,
    "-o",
    to,
    source,
  ]);
  return new Uint8Array(readFileSync(to));
}

/** The agent's end and what it has written. */
async function outcome(init: Uint8Array) {
  const drive = await buildBootImage({ entries: [{ name: "init", data: init }] });
  const machine = await Machine.create({ memory: 64 << 20, drives: [{ data: drive }] });
  expect(machine.boot({ until: 60_000_000_000n })).toBe("idle");
  const [agent] = machine.kernel.agents;
  return {
    end: agent?.end,
    calls: agent?.block.syscalls,
    text: machine.consoleText.split("free\r\n")[1],
  };
}

test("the files in sdk/c and sdk/rust are what the kernel's tables say now", () => {
  expect(readFileSync("sdk/c/aios_constants.h", "utf8")).toBe(cConstants());
  expect(readFileSync("sdk/rust/src/constants.rs", "utf8")).toBe(rustConstants());
});

test("no name stands for two things", () => {
  const names = [...agentConstants().values()].flat().map(({ name }) => name);
  expect(names.length).toBeGreaterThan(250);
  expect([...new Set(names)].length).toBe(names.length);
});

test("a clone in C shares memory until it writes, and has its own registers", async () => {
  const { end } = await outcome(compileC("sdk/c/testing/clone.c"));
  expect(end).toEqual({ reason: "exited", code: 0n });
});

describe("hello", () => {
  const said = { end: { reason: "exited", code: 0n }, calls: 2n, text: "hello from ring 3\n" };
  test("in C runs in ring 3 and makes two calls", async () => {
    expect(await outcome(compileC("sdk/c/hello.c"))).toEqual(said);
  });
  test("in Rust makes the same", async () => {
    expect(await outcome(compileRust("sdk/rust/hello.rs"))).toEqual(said);
  });
});
