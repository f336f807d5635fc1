import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compileCText } from "../../sdk/c/testing/programs.ts";
import type { Client } from "../../sdk/client/client.ts";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { compileSource } from "../wasm/testing/compile.ts";
import { RunningSystem } from "./testing.ts";

let running: RunningSystem;
let state: string;
let client: Client;

beforeAll(async () => {
  running = await RunningSystem.start();
  ({ state, client } = running);
});

afterAll(() => running.stop());

/** One module with two beginnings: each ends with its number. */
const MODULE = `
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;
export function _start(): void { proc_exit(1); }
export function other(): void { proc_exit(2); }
export function stays(): void { while (true) {} }`;

test("which code an agent runs, and from where, the kernel says by the digest of its image", async () => {
  const code = await compileSource(MODULE);
  const ends: unknown[] = [];
  const digests = new Set<string>();
  for (const [n, begin] of ["_start", "other"].entries()) {
    const file = agentFile({ name: `n${n}`, export: begin });
    const built = await build(file, { "agent.wasm": code });
    const image = await client.putImage(built.archive);
    expect(image.codeDigest).toBe(built.config.codeDigest);
    digests.add(image.codeDigest);
    const name = `from-${n}`;
    await client.call("agent.run", { image: image.digest, name });
    ends.push((await client.call("agent.wait", { name, wait: 20 })).exit?.code);
  }
  expect(ends).toEqual([1, 2]);
  expect(digests.size).toBe(2);
});

test("code that has been changed on the disk is nobody's, and what the kernel has can't be changed", async () => {
  const images: string[] = [];
  for (const [n, name] of ["kept", "changed"].entries()) {
    const elf = compileCText(`#include "aios_birth.h"
      uint64_t aios_main(const struct aios_start *start) {
        static uint64_t room[64];
        struct aios_birth birth;
        if (aios_born(start, &birth, room, sizeof room) != AIOS_STATUS_OK) return 100;
        return aios_next(start->self, room, sizeof room, 0).status + ${n};
      }`);
    const file = agentFile({ name, runtime: "native", entry: "main.elf" });
    const image = await client.putImage((await build(file, { "main.elf": elf })).archive);
    images.push(image.codeDigest);
    if (name === "kept") await client.call("agent.run", { image: image.digest, name });
    const hex = image.code.slice("sha256:".length);
    const path = join(state, "objects", hex.slice(0, 2), hex);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0x90, bytes.length - 8));
    const again = client.call("agent.run", { image: image.digest, name: `${name}-2` });
    if (name === "changed") await expect(again).rejects.toThrow("has been changed on the disk");
    else await again;
  }
  for (const name of ["kept", "kept-2"]) {
    const { usage } = await client.call("agent.inspect", { name });
    expect(usage?.codeDigest).toBe(images[0]);
    await client.call("agent.remove", { name, force: true });
  }
});

test("while an agent runs, what is told of it has the digest that the kernel has computed", async () => {
  const file = agentFile({ name: "stays", export: "stays" });
  const { archive, config } = await build(file, { "agent.wasm": await compileSource(MODULE) });
  const { digest } = await client.putImage(archive);
  await client.call("agent.run", { image: digest, name: "stays" });
  const { usage } = await client.call("agent.inspect", { name: "stays" });
  expect(usage?.codeDigest).toBe(config.codeDigest);
  await client.call("agent.kill", { name: "stays" });
  expect((await client.call("agent.inspect", { name: "stays" })).usage).toBeNull();
});
