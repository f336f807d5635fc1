import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Client } from "../../sdk/client/client.ts";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { States } from "../wasm/states.ts";
import { compileSource } from "../wasm/testing/compile.ts";
import type { System } from "./system.ts";
import { RunningSystem } from "./testing.ts";

let running: RunningSystem;
let system: System;
let client: Client;

beforeEach(async () => {
  running = await RunningSystem.start();
  ({ system, client } = running);
});

afterEach(() => running.stop());

/** Writes one number after the other, and works for some milliseconds between. */
const COUNTER = `
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, list: usize, count: i32, result: usize): i32;
const list = memory.data(16), text = memory.data(8);
export function _start(): void {
  for (let n = 100; n < 999; n++) {
    store<u8>(text, 48 + n / 100);
    store<u8>(text + 1, 48 + n / 10 % 10);
    store<u8>(text + 2, 48 + n % 10);
    store<u8>(text + 3, 10);
    store<usize>(list, text);
    store<i32>(list + 4, 4);
    fd_write(1, list, 1, list + 8);
    for (let i = 0; i < 1000000; i++) store<i32>(list + 12, i);
  }
}`;

const SLOW = { timeout: 20_000 };
const linesOf = async (name: string): Promise<number[]> =>
  (await client.call("agent.logs", { name })).lines.map(({ text }) => Number(text));

test("a clone goes on where its original stands; a snapshot brings an agent back", async () => {
  const image = await system.addCode(await compileSource(COUNTER));
  await client.call("agent.run", { image, name: "first" });
  await expect.poll(async () => (await linesOf("first")).length, SLOW).toBeGreaterThan(3);
  const clone = await client.call("agent.clone", { name: "first", as: "second" });
  expect(clone).toMatchObject({ name: "second", state: "running", origin: "clone:first" });
  await expect.poll(async () => (await linesOf("second")).length, SLOW).toBeGreaterThan(2);
  // It has a pool of its own, as its original has.
  const { usage, limits } = await client.call("agent.inspect", { name: "second" });
  expect(usage?.memory).toBeLessThanOrEqual(limits.memory);
  const [begin = 0, ...rest] = await linesOf("second");
  expect(begin).toBeGreaterThan(102);
  expect(rest).toEqual(rest.map((_, n) => begin + 1 + n));

  const asked = (await linesOf("first")).at(-1) ?? 0;
  const snapshot = await client.call("agent.snapshot", { name: "first", id: "s1" });
  expect(snapshot).toMatchObject({ agent: "first", id: "s1" });
  const before = (await linesOf("first")).length;
  await expect.poll(async () => (await linesOf("first")).length, SLOW).toBeGreaterThan(before + 3);
  await client.call("agent.rollback", { name: "first" });
  const isBack = (lines: number[]) =>
    lines.findIndex((n, at) => at > 0 && n <= (lines[at - 1] ?? 0));
  await expect.poll(async () => isBack(await linesOf("first")), SLOW).toBeGreaterThan(before);
  const lines = await linesOf("first");
  const at = isBack(lines);
  const [first = 0, ...then] = lines.slice(at);
  expect(first).toBeGreaterThan(asked);
  expect(then).toEqual(then.map((_, n) => first + 1 + n));
  expect(await client.call("snapshot.list", {})).toHaveLength(1);
  await client.call("snapshot.remove", { id: "s1" });
  await expect(client.call("agent.rollback", { name: "first" })).rejects.toThrow(
    "has no snapshot; take one",
  );
});

test("an agent that can't be brought back is over, and is brought back later", async () => {
  const image = await system.addCode(await compileSource(COUNTER));
  await client.call("agent.run", { image, name: "it", restart: { policy: "no" } });
  await client.call("agent.snapshot", { name: "it", id: "kept" });
  const { preparer } = system;
  const prepare = preparer.prepare.bind(preparer);
  preparer.prepare = () => Promise.reject(new Error("a fault of the test"));
  await expect(client.call("agent.rollback", { name: "it" })).rejects.toThrow("a fault");
  const killed = { state: "exited", agent: null, exit: { reason: "killed", code: 137 } };
  expect(await client.call("agent.list", {})).toMatchObject([killed]);
  preparer.prepare = prepare;
  expect(await client.call("agent.rollback", { name: "it" })).toMatchObject({ state: "running" });
});

test("what an agent was to go on from goes with it, though it has never taken it", async () => {
  const image = await system.addCode(await compileSource(COUNTER));
  await client.call("agent.run", { image, name: "it", restart: { policy: "no" } });
  await client.call("agent.snapshot", { name: "it", id: "kept" });
  const give = vi.spyOn(States.prototype, "give");
  const drop = vi.spyOn(States.prototype, "drop");
  const take = vi.spyOn(States.prototype, "take").mockReturnValue(null);
  await client.call("agent.rollback", { name: "it" });
  const { exit } = await client.call("agent.wait", { name: "it", wait: 10 });
  expect(exit).not.toBeNull();
  take.mockRestore();
  const [[name] = []] = give.mock.calls;
  await expect.poll(() => drop.mock.calls).toContainEqual([name]);
  for (const spy of [give, drop]) spy.mockRestore();
});

test("a project has sixty-four snapshots at most, whoever asks at once", async () => {
  const image = await system.addCode(await compileSource(COUNTER));
  const limits = { memory: 1 << 20 };
  await client.call("agent.run", { image, name: "it", limits });
  const snapshot = () => client.call("agent.snapshot", { name: "it" }).then(() => "OK", String);
  for (let n = 0; n < 63; n++) expect(await snapshot()).toBe("OK");
  const last = await Promise.all([snapshot(), snapshot(), snapshot()]);
  expect(last.filter((it) => it === "OK")).toHaveLength(1);
  expect(last.filter((it) => it.includes("64 snapshots"))).toHaveLength(2);
  expect(await client.call("snapshot.list", {})).toHaveLength(64);
});

/** Writes `word` and then a number that it keeps in memory, in each turn. */
const talks = (word: string) => `
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, list: usize, count: i32, result: usize): i32;
const list = memory.data(16), text = memory.data(8);
export function _start(): void {
  for (let n: u8 = 48; ; n = n < 57 ? n + 1 : 48) {
    store<u8>(text, ${word.charCodeAt(0)});
    store<u8>(text + 1, n);
    store<u8>(text + 2, 10);
    store<usize>(list, text);
    store<i32>(list + 4, 3);
    fd_write(1, list, 1, list + 8);
    for (let i = 0; i < 1000000; i++) store<i32>(list + 12, i);
  }
}`;

test("a state goes on in the code that had it, not in another image of the same name", async () => {
  const put = async (word: string, env: Record<string, string> = {}) => {
    const code = await compileSource(talks(word));
    const { archive } = await build(agentFile({ name: "talks", env }), { "agent.wasm": code });
    return await client.putImage(archive);
  };
  const run = () => client.call("agent.run", { image: "talks:1.0.0", name: "it" });
  const first = await put("a");
  await run();
  const { codeDigest } = await client.call("agent.snapshot", { name: "it", id: "kept" });
  expect(codeDigest).toBe(first.codeDigest);

  const { codeDigest: other } = await put("b");
  await client.call("agent.remove", { name: "it", force: true });
  const { agent } = await run();
  await expect(client.call("agent.rollback", { name: "it" })).rejects.toMatchObject({
    code: "wrong-state",
    message: `snapshot kept: it runs other code (${other}) than it was taken of (${codeDigest})`,
  });
  // Nothing has happened to it.
  expect(await client.call("agent.inspect", { name: "it" })).toMatchObject({ agent, restarts: 0 });

  // Another image, the same code: what an image wishes is no part of a state.
  expect((await put("a", { LANG: "C" })).digest).not.toBe(first.digest);
  await client.call("agent.remove", { name: "it", force: true });
  await run();
  expect(await client.call("agent.rollback", { name: "it" })).toMatchObject({ state: "running" });
});
