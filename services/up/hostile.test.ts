/** Modules that attack, through all that a client goes through: what becomes of them, and of nobody else. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client } from "../../sdk/client/client.ts";
import { compileSource } from "../wasm/testing/compile.ts";
import type { System } from "./system.ts";
import { RunningSystem } from "./testing.ts";

/** Does what the first letter of its argument says, and ends with what came of it: a number, or WASI's errno. */
const ATTACKER = `
@external("wasi_snapshot_preview1", "args_get") declare function args_get(list: usize, text: usize): i32;
@external("wasi_snapshot_preview1", "fd_read") declare function fd_read(fd: i32, list: usize, n: i32, done: usize): i32;
@external("wasi_snapshot_preview1", "fd_write") declare function fd_write(fd: i32, list: usize, n: i32, done: usize): i32;
@external("wasi_snapshot_preview1", "fd_filestat_set_size") declare function set_size(fd: i32, bytes: u64): i32;
@external("wasi_snapshot_preview1", "path_open") declare function path_open(
  fd: i32, follow: i32, path: usize, bytes: i32, create: i32, rights: u64, inherit: u64, flags: i32, opened: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit") declare function proc_exit(code: i32): void;
const list = memory.data(64), text = memory.data(256);
const READ: u64 = 1 << 1, WRITE: u64 = 1 << 6, RESIZE: u64 = 1 << 22;
/** Opens what the argument says behind its letter; ends with the errno if that is refused. */
function open(create: i32, rights: u64): i32 {
  let bytes = 0;
  const path = load<usize>(list + 4) + 1;
  while (load<u8>(path + bytes) != 0) bytes++;
  const errno = path_open(3, 1, path, bytes, create, rights, 0, 0, list + 32);
  if (errno != 0) proc_exit(errno);
  return load<i32>(list + 32);
}
function move(fd: i32, bytes: i32): i32 {
  store<usize>(list + 16, text);
  store<i32>(list + 20, bytes);
  return fd == 1 ? fd_write(1, list + 16, 1, list + 24) : fd_read(fd, list + 16, 1, list + 24);
}
function fill(): void {
  const fd = open(1, WRITE | RESIZE);
  const most: u64 = 256 << 20;
  if (set_size(fd, most) != 0) proc_exit(100);
  proc_exit(set_size(fd, most + 1));
}
/** Tells a letter of a file after the other, and works for some milliseconds between. */
function spell(): void {
  const fd = open(0, READ);
  while (move(fd, 1) == 0 && load<i32>(list + 24) == 1) {
    store<u8>(text + 1, 10);
    move(1, 2);
    for (let n = 0; n < 3000000; n++) store<i32>(list + 40, n);
  }
}
export function _start(): void {
  args_get(list, text);
  const what = load<u8>(load<usize>(list + 4));
  if (what == 103) {
    while (memory.grow(1) >= 0);
    proc_exit(memory.size());
  }
  if (what == 102) fill();
  if (what == 114) { open(0, READ); proc_exit(0); }
  if (what == 119) { open(1, WRITE); proc_exit(0); }
  if (what == 115) spell();
}`;

const DQUOT = 19;
const ROFS = 69;
const NOTCAPABLE = 76;

const outside = mkdtempSync(join(tmpdir(), "aios-outside-"));
let running: RunningSystem;
let state: string;
let system: System;
let client: Client;
let image = "";

beforeAll(async () => {
  const host = join(outside, "mounted");
  mkdirSync(host);
  writeFileSync(join(host, "note"), "note");
  writeFileSync(join(outside, "secret"), "secret");
  symlinkSync("../secret", join(host, "out"));
  const mounts = [{ at: "/mounted", host, readOnly: true }];
  running = await RunningSystem.start(() => ({ mounts }));
  ({ state, system, client } = running);
  image = await system.addCode(await compileSource(ATTACKER));
}, 60_000);
afterAll(async () => {
  await running.stop();
  rmSync(outside, { recursive: true });
});

/** With what an agent ends that is given this argument, and all rights in a folder. */
async function ends(name: string, arg: string, folder: string, memory = 4 << 20): Promise<unknown> {
  const capabilities = [`FS_READ:${folder}`, `FS_WRITE:${folder}`];
  const run = { image, name, args: [arg], capabilities, limits: { memory } };
  await client.call("agent.run", run);
  return (await client.call("agent.wait", { name, wait: 30 })).exit;
}
const exited = (code: number) => ({ reason: "exited", code });

test("memory grows as far as the agent's limit, and not by a page more", async () => {
  const { code } = (await ends("grower", "g", "/projects/demo")) as { code: number };
  // What the agent needs beside its memory is paid from the limit, too: less than four pages of 64 KiB.
  expect(code).toBeLessThanOrEqual(64);
  expect(code).toBeGreaterThan(60);
});

test("a folder that is full is EDQUOT, and another project's isn't", async () => {
  expect(await ends("filler", "fbig", "/projects/demo")).toEqual(exited(DQUOT));
  expect(await ends("full", "wmore", "/projects/demo")).toEqual(exited(0));
  expect(await ends("other", "fbig", "/projects/other")).toEqual(exited(DQUOT));
});

test("what the host has mounted to be read is read, not written, and left by no link", async () => {
  expect(await ends("reads", "rnote", "/mounted")).toEqual(exited(0));
  expect(await ends("writes", "wnote", "/mounted")).toEqual(exited(ROFS));
  expect(await ends("creates", "wnew", "/mounted")).toEqual(exited(ROFS));
  expect(await ends("follows", "rout", "/mounted")).toEqual(exited(NOTCAPABLE));
  expect(await ends("climbs", "r../../secret", "/mounted")).toEqual(exited(NOTCAPABLE));
  expect(readdirSync(join(outside, "mounted")).sort()).toEqual(["note", "out"]);
});

test("a file that is open is open in a snapshot, where it was", async () => {
  const letters = "abcdefghijklmnopqrstuvwxyz".repeat(40);
  mkdirSync(join(state, "files/projects/spelt"), { recursive: true });
  writeFileSync(join(state, "files/projects/spelt/text"), letters);
  const capabilities = ["FS_READ:/projects/spelt"];
  await client.call("agent.run", { image, name: "speller", args: ["stext"], capabilities });
  const lines = async (from: number) =>
    (await client.call("agent.logs", { name: "speller", from, wait: 30 })).lines;
  await lines(2);
  await client.call("agent.snapshot", { name: "speller", id: "s" });
  const after = await client.call("agent.logs", { name: "speller" });
  await lines(after.next + 2);
  await client.call("agent.rollback", { name: "speller", snapshot: "s" });
  const before = (await client.call("agent.logs", { name: "speller" })).next;
  await lines(before + 2);
  await client.call("agent.kill", { name: "speller" });
  const text = (await client.call("agent.logs", { name: "speller" })).lines.map((it) => it.text);
  const next = (letter: string) => letters[letters.indexOf(letter) + 1];
  const jumps = text.flatMap((letter, n) =>
    n > 0 && letter !== next(text[n - 1] ?? "") ? [n] : [],
  );
  expect(jumps).toHaveLength(1);
  expect(jumps[0]).toBeGreaterThan(after.next);
  expect(text[0]).toBe("a");
});

test("what can't be a module isn't taken; one that wants what nobody gives isn't started", async () => {
  const broken = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 9);
  await expect(system.addCode(broken)).rejects.toMatchObject({ code: "bad-request" });
  const wants = "declare function it(): void; export function _start(): void { it(); }";
  const foreign = await system.addCode(await compileSource(`@external("host", "eval") ${wants}`));
  await expect(client.call("agent.run", { image: foreign, name: "foreign" })).rejects.toThrow(
    'the module imports "host.eval" as () -> (); there are wasi_snapshot_preview1 and aios',
  );
  // What isn't asked for by a client but by a document says so of its agent.
  const agents = { foreign: { image: foreign, restart: "no" } } as const;
  await client.call("project.apply", { project: "wants", agents });
  const named = { project: "wants", name: "foreign" };
  expect((await client.call("agent.wait", { ...named, wait: 30 })).exit?.reason).toContain(
    'not started: the module imports "host.eval" as () -> ()',
  );
  const nothing = await system.addCode(await compileSource("export function other(): void {}"));
  await expect(client.call("agent.run", { image: nothing, name: "nothing" })).rejects.toThrow(
    'exports no function "_start"',
  );
  expect(await client.call("agent.list", { project: "default" })).not.toContainEqual(
    expect.objectContaining({ name: "foreign" }),
  );
  expect(await ends("neighbour", "g", "/projects/demo")).toMatchObject({ reason: "exited" });
});

test("code that is changed on the disk after its digest was taken doesn't run", async () => {
  const fresh = await compileSource(
    "export function _start(): void { for (let n = 0; n < 9; n++); }",
  );
  const digest = await system.store.putObject(fresh);
  const [file] = readdirSync(join(state, "objects"), { recursive: true })
    .map(String)
    .filter((it) => it.replaceAll("/", "").includes(digest.slice(7 + 4)));
  writeFileSync(join(state, "objects", file ?? ""), await compileSource(ATTACKER));
  await expect(client.call("agent.run", { image: digest, name: "changed" })).rejects.toThrow(
    "has been changed on the disk",
  );
});
