/** What clients give agents to read. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client } from "../../sdk/client/client.ts";
import { compileSource } from "../wasm/testing/compile.ts";
import type { System } from "./system.ts";
import { RunningSystem } from "./testing.ts";

let running: RunningSystem;
let system: System;
let client: Client;
let cat = "";
let deaf = "";

const WASI = `
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, list: usize, count: i32, result: usize): i32;
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, list: usize, count: i32, result: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;
const list = memory.data(16), text = memory.data(4096);`;
/** Ends with 100 and an error's number, or with how many thousands of bytes it has read. */
const CAT = `${WASI}
export function _start(): void {
  let sum = 0;
  while (true) {
    store<usize>(list, text);
    store<i32>(list + 4, 4096);
    const error = fd_read(0, list, 1, list + 8);
    if (error) proc_exit(100 + error);
    const count = load<i32>(list + 8);
    if (count == 0) proc_exit(sum / 1000);
    sum += count;
    for (let done = 0; done < count; done += load<i32>(list + 8)) {
      store<usize>(list, text + done);
      store<i32>(list + 4, count - done);
      fd_write(1, list, 1, list + 8);
    }
  }
}`;
/** Never reads. */
const DEAF = "export function _start(): void { for (let n: u64 = 0; ; n++) store<u64>(0, n); }";

beforeAll(async () => {
  running = await RunningSystem.start();
  ({ system, client } = running);
  cat = await system.addCode(await compileSource(CAT));
  deaf = await system.addCode(await compileSource(DEAF));
});
afterAll(() => running.stop());

const give = (name: string, bytes: Uint8Array | string, more = {}) =>
  client.call("agent.input", { name, data: Buffer.from(bytes).toString("base64"), ...more });

async function over(name: string) {
  const { exit } = await client.call("agent.wait", { name, wait: 30 });
  return exit;
}

async function linesOf(name: string): Promise<string[]> {
  const all: string[] = [];
  for (let from = 0; ; ) {
    const { lines, next, ended } = await client.call("agent.logs", { name, from, wait: 30 });
    all.push(...lines.map(({ text }) => text));
    from = next;
    if (ended && lines.length === 0) return all;
  }
}

test("an agent reads all that it is given, in order, and then the end", async () => {
  await client.call("agent.run", { image: cat, name: "cat", stdin: true });
  const lines = Array.from({ length: 5000 }, (_, n) => `line ${n} of what it is given`);
  let left = Buffer.from(`${lines.join("\n")}\n`);
  const sent = left.length;
  while (left.length > 0) {
    const { taken } = await give("cat", left.subarray(0, 32 * 1024), { wait: 30 });
    expect(taken).toBeGreaterThan(0);
    left = left.subarray(taken);
  }
  expect(await give("cat", "", { end: true })).toEqual({ taken: 0 });
  expect(await linesOf("cat")).toEqual(lines);
  expect(await over("cat")).toEqual({ reason: "exited", code: Math.floor(sent / 1000) });
});

test("one that waits for something to read finds the end", async () => {
  await client.call("agent.run", { image: cat, name: "waits", stdin: true });
  await give("waits", "x\n", { end: false });
  expect((await client.call("agent.logs", { name: "waits", wait: 30 })).lines).toHaveLength(1);
  await give("waits", "", { end: true });
  expect(await over("waits")).toEqual({ reason: "exited", code: 0 });
});

test("one that doesn't read takes what its pipe has room for; who waits is told of its end", async () => {
  await client.call("agent.run", { image: deaf, name: "deaf", stdin: true });
  const bytes = new Uint8Array(32 * 1024);
  expect(await give("deaf", bytes, { end: true })).toEqual({ taken: 16 * 1024 });
  expect(await give("deaf", bytes)).toEqual({ taken: 0 });
  expect(await give("deaf", bytes, { wait: 0.01 })).toEqual({ taken: 0 });
  const why = ({ message }: Error) => message;
  const waits = give("deaf", bytes, { wait: 30 }).catch(why);
  await expect
    .poll(() => give("deaf", bytes).catch(why))
    .toBe("another client waits to write to its input");
  await client.call("agent.kill", { name: "deaf" });
  expect(await waits).toBe("the agent is over");
  await expect(give("deaf", bytes)).rejects.toThrow("doesn't run");
});

test("there is an input where one was asked for, and an end ends it", async () => {
  await client.call("agent.run", { image: cat, name: "without" });
  // WASI's EBADF.
  expect(await over("without")).toEqual({ reason: "exited", code: 108 });
  await client.call("agent.run", { image: deaf, name: "none" });
  await expect(give("none", "x")).rejects.toThrow("started without an input");
  await client.call("agent.run", { image: deaf, name: "ends", stdin: true });
  expect(await give("ends", "x", { end: true })).toEqual({ taken: 1 });
  await expect(give("ends", "x")).rejects.toThrow("its input has ended");
  await expect(client.call("agent.input", { name: "ends", data: "§" })).rejects.toThrow("data: ");
  for (const name of ["none", "ends"]) await client.call("agent.remove", { name, force: true });
});

test("it is a restarted agent's, and a clone has its own", async () => {
  const restart = "on-failure" as const;
  await client.call("agent.run", { image: cat, name: "first", stdin: true, restart });
  const { stdin } = await client.call("agent.clone", { name: "first", as: "second" });
  expect(stdin).toBe(true);
  await give("first", "to the first\n", { end: true });
  await give("second", "to the second\n", { end: true });
  expect(await linesOf("first")).toEqual(["to the first"]);
  expect(await linesOf("second")).toEqual(["to the second"]);
});

test("who may control an agent may write to it, and nobody else", async () => {
  await client.call("agent.run", { image: deaf, name: "guarded", stdin: true });
  const open = (capabilities: string[]) =>
    system.access.open({ id: null, capabilities, expires: null });
  const asked = { name: "guarded", data: "" };
  const looks = open(["PROC_READ", "PROC_SPAWN", "LOG_READ"]);
  await expect(looks.call("agent.input", asked)).rejects.toThrow("PROC_CONTROL:default is needed");
  expect(await open(["PROC_CONTROL"]).call("agent.input", asked)).toEqual({ taken: 0 });
  await client.call("agent.remove", { name: "guarded", force: true });
});
