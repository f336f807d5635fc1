/** Each program twice: as the first agent of a machine, and under the system. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { STATUS_QUOTA } from "../../kernel/syscall/status.ts";
import { compileC, compileCText } from "../../sdk/c/testing/programs.ts";
import { bringImage } from "../../sdk/cli/system/images.ts";
import type { Client } from "../../sdk/client/client.ts";
import { argumentEntries } from "../../sdk/image/arguments.ts";
import { buildBootImage } from "../../sdk/image/index.ts";
import { buildImage } from "../../sdk/oci/build.ts";
import { compileRust, compileRustText } from "../../sdk/rust/testing.ts";
import { RunningSystem } from "../../services/up/testing.ts";
import { Machine } from "../../sim/host/machine.ts";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const primes = compileC(file("primes.c"));
const collatz = compileRust(file("collatz.rs"));

let running: RunningSystem;
let state: string;
let client: Client;

beforeAll(async () => {
  running = await RunningSystem.start();
  ({ state, client } = running);
});

afterAll(() => running.stop());

/** What a program writes as the first agent of a machine, with these arguments. */
async function onConsole(program: Uint8Array, args: readonly string[]): Promise<string[]> {
  const entries = [
    { name: "init", data: program },
    ...argumentEntries("init", { arguments: args }),
  ];
  const drive = await buildBootImage({ entries });
  const machine = await Machine.create({ memory: 64 << 20, drives: [{ data: drive }] });
  expect(machine.boot({ until: 60_000_000_000n })).toBe("idle");
  const said = machine.consoleText.split("free\r\n")[1] ?? "";
  return said.split("\n").slice(0, -1);
}

async function register(name: string, code: Uint8Array) {
  const agentFile = new Uint8Array(readFileSync(file(`${name}.json`)));
  const { archive, config } = await buildImage({
    ...{ name: `${name}.json`, agentFile },
    readFile: () => code,
  });
  const image = await client.putImage(archive);
  return { image: image.reference ?? "", codeDigest: config.codeDigest };
}

async function written(name: string, stream: "stdout" | "stderr" = "stdout"): Promise<string[]> {
  const { lines } = await client.call("agent.logs", { name });
  return lines.filter((line) => line.stream === stream).map(({ text }) => text);
}

/** How many primes there are below powers of ten: OEIS A006880. */
const COUNTS = ["4 primes below 10", "25 primes below 100", "168 primes below 1000"];

test("a program in C says the same on a machine of its own and under the system", async () => {
  expect(await onConsole(primes, ["1000"])).toEqual(COUNTS);
  const { image } = await register("primes", primes);
  await client.call("agent.run", { image, name: "primes", args: ["1000"] });
  const { exit } = await client.call("agent.wait", { name: "primes", wait: 20 });
  expect(exit).toEqual({ reason: "exited", code: 0 });
  expect(await written("primes")).toEqual(COUNTS);
});

test("a program in Rust knows its name, its environment and its capabilities", async () => {
  // Of all numbers below 10,000 the sequence of 6171 is the longest: OEIS A006877, A006878.
  const found = "6171 takes 261 steps, the most below 10000";
  expect(await onConsole(collatz, ["10000"])).toEqual(["hello from init", found]);
  const { image } = await register("collatz", collatz);
  const capabilities = ["FS_READ:/projects/demo", "LOG_READ"];
  const env = { OTHER: "1", GREETING: "good day" };
  const run = { image, name: "rust", args: ["10000"], env, capabilities };
  await client.call("agent.run", run);
  await client.call("agent.wait", { name: "rust", wait: 20 });
  const given = capabilities.map((text) => `given ${text} as a handle`);
  expect(await written("rust")).toEqual(["good day from rust", ...given, found]);
});

test("its pool is its limit: what the kernel refuses it, it says, and its code is its own", async () => {
  const { image } = await register("primes", primes);
  const run = { image, name: "greedy", args: ["4000000"], limits: { memory: 1 << 20 } };
  await client.call("agent.run", run);
  const { exit } = await client.call("agent.wait", { name: "greedy", wait: 20 });
  expect(exit).toEqual({ reason: "exited", code: 1 });
  expect(await written("greedy", "stderr")).toEqual([
    `no memory for so many: status ${STATUS_QUOTA}`,
  ]);
});

test("one that stays is paused, known by its digest, told to end, and started again", async () => {
  const { image, codeDigest } = await register("primes", primes);
  const named = { name: "stays" };
  await client.call("agent.run", { image, ...named, args: ["10"], env: { STAY: "1" } });
  expect(await client.call("agent.pause", named)).toMatchObject({ state: "paused" });
  const { usage } = await client.call("agent.inspect", named);
  expect(usage).toMatchObject({ kernelState: "suspended", codeDigest });
  expect(await client.call("agent.resume", named)).toMatchObject({ state: "running" });
  const ended = await client.call("agent.kill", { ...named, grace: 10 });
  expect(ended.exit).toEqual({ reason: "exited", code: 0 });
  await client.call("agent.start", named);
  const killed = await client.call("agent.kill", { ...named, code: 9 });
  expect(killed.exit).toEqual({ reason: "killed", code: 9 });
});

const ECHO = {
  C: () =>
    compileCText(`#include "aios_birth.h"
      static uint64_t room[512];
      uint64_t aios_main(const struct aios_start *start) {
        struct aios_birth birth;
        uint64_t status = aios_born(start, &birth, room, sizeof room);
        if (status != AIOS_STATUS_OK) return status;
        static char part[1000];
        for (uint64_t sum = 0;;) {
          struct aios_result read = aios_read(&birth, birth.input, part, sizeof part);
          if (read.status != AIOS_STATUS_OK) return read.status;
          if (read.value == 0) return sum % 251;
          for (uint64_t n = 0; n < read.value; n++) sum += (unsigned char)part[n];
          aios_write(&birth, birth.output, part, read.value);
        }
      }`),
  Rust: () =>
    compileRustText(`#![no_std]
      #![no_main]
      fn echo(start: &aios::Start) -> Result<u64, u64> {
          let mut room = [0; 4096];
          let birth = aios::birth::born(start, &mut room)?;
          let (mut part, mut sum) = ([0; 1000], 0u64);
          loop {
              let count = birth.read(birth.input, &mut part)? as usize;
              if count == 0 { return Ok(sum % 251); }
              sum += part[..count].iter().map(|&byte| byte as u64).sum::<u64>();
              birth.write(birth.output, &part[..count])?;
          }
      }
      #[no_mangle]
      fn aios_main(start: &aios::Start) -> u64 { echo(start).unwrap_or_else(|status| status) }
      #[panic_handler]
      fn panicked(_: &core::panic::PanicInfo) -> ! { loop {} }`),
};

test.each(["C", "Rust"] as const)(
  "in %s, it reads up to the end of its input and writes more than its pipe holds",
  async (language) => {
    const { image } = await register("primes", ECHO[language]());
    const name = `echo-${language.toLowerCase()}`;
    await client.call("agent.run", { image, name, stdin: true });
    const lines = Array.from({ length: 6000 }, (_, n) => `line ${n}`);
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    for (let at = 0; at < bytes.length; ) {
      const data = bytes.subarray(at, at + 24_000).toString("base64");
      at += (await client.call("agent.input", { name, data, wait: 20 })).taken;
    }
    await client.call("agent.input", { name, end: true });
    const { exit } = await client.call("agent.wait", { name, wait: 20 });
    expect(exit).toEqual({ reason: "exited", code: bytes.reduce((sum, it) => sum + it, 0) % 251 });
    const found: string[] = [];
    for (let from = 0; from < lines.length; from = found.length) {
      const read = await client.call("agent.logs", { name, from, limit: 1000 });
      if (read.lines.length === 0) break;
      found.push(...read.lines.map(({ text }) => text));
    }
    expect(found).toEqual(lines);
  },
);

test("an executable by itself is brought as an image, whose identity is the digest of the file", async () => {
  const path = join(state, "Primes.elf");
  writeFileSync(path, primes);
  const image = await bringImage(client, path);
  const codeDigest = `sha256:${createHash("sha256").update(primes).digest("hex")}`;
  expect(image).toMatchObject({ name: "primes", runtime: "native", codeDigest });
  writeFileSync(path, primes.subarray(0, 100));
  await expect(bringImage(client, path)).rejects.toThrow("Primes.elf");
});

test("what can't be kept of machine code is refused, and why", async () => {
  const { image } = await register("primes", primes);
  const named = { name: "kept" };
  await client.call("agent.run", { image, ...named, args: ["10"], env: { STAY: "1" } });
  await expect(client.call("agent.snapshot", named)).rejects.toThrow(
    "kept is of runtime native: only modules and scripts have a state that can be kept",
  );
  await expect(client.call("agent.clone", named)).rejects.toThrow("kept is machine code");
  await client.call("agent.remove", { ...named, force: true });
});
