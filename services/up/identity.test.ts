import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client } from "../../sdk/client/client.ts";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { compileSource } from "../wasm/testing/compile.ts";
import { System } from "./system.ts";

let state = "";
let system: System;
let running: Promise<void>;
let client: Client;

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "aios-"));
  system = await System.start({ state });
  running = system.run();
  client = new Client({ socket: system.socket });
});

afterAll(async () => {
  await system.stop();
  await running;
  rmSync(state, { recursive: true });
});

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
