/** Folders under other names, of a module that reads and writes by those names, and of one that wants more. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client } from "../../sdk/client/client.ts";
import type { Params } from "../messages/api.ts";
import { compileSource } from "../wasm/testing/compile.ts";
import { RunningSystem } from "./testing.ts";

/** Its argument: r or w, and a path below the folder that it finds as /data. Ends with the errno. */
const MODULE = `
@external("wasi_snapshot_preview1", "args_get") declare function args_get(list: usize, text: usize): i32;
@external("wasi_snapshot_preview1", "fd_prestat_get") declare function prestat(fd: i32, at: usize): i32;
@external("wasi_snapshot_preview1", "fd_prestat_dir_name") declare function dir_name(fd: i32, at: usize, n: i32): i32;
@external("wasi_snapshot_preview1", "fd_write") declare function fd_write(fd: i32, list: usize, n: i32, done: usize): i32;
@external("wasi_snapshot_preview1", "path_open") declare function path_open(
  fd: i32, follow: i32, path: usize, bytes: i32, create: i32, rights: u64, inherit: u64, flags: i32, opened: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit") declare function proc_exit(code: i32): void;
const list = memory.data(64), text = memory.data(256), name = memory.data(256);
const READ: u64 = 1 << 1, WRITE: u64 = 1 << 6;
/** The folder with this name; -1 when there is none. */
function data(): i32 {
  for (let fd = 3; prestat(fd, list) == 0; fd++) {
    const bytes = load<i32>(list + 4);
    dir_name(fd, name, bytes);
    if (bytes == 5 && load<u32>(name) == 0x7461642f && load<u8>(name + 4) == 0x61) return fd;
  }
  return -1;
}
export function _start(): void {
  args_get(list, text);
  const path = load<usize>(list + 4);
  const write = load<u8>(path) == 119;
  let bytes = 0;
  while (load<u8>(path + 1 + bytes) != 0) bytes++;
  const errno = path_open(data(), 1, path + 1, bytes, i32(write), write ? WRITE : READ, 0, 0, list + 32);
  if (errno != 0) proc_exit(errno);
  if (!write) return;
  store<usize>(list + 40, path);
  store<i32>(list + 44, 1 + bytes);
  proc_exit(fd_write(load<i32>(list + 32), list + 40, 1, list + 48));
}`;

const BADF = 8;
const NOTCAPABLE = 76;
const SOURCE = "/projects/demo/in";

let running: RunningSystem;
let client: Client;
let image = "";
let folder = "";

beforeAll(async () => {
  running = await RunningSystem.start();
  client = running.client;
  image = await running.system.addCode(await compileSource(MODULE));
  folder = join(running.state, "files", SOURCE);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "note"), "a note");
  writeFileSync(join(folder, "../secret"), "a secret");
  symlinkSync("../secret", join(folder, "link"));
  symlinkSync("note", join(folder, "same"));
});
afterAll(() => running.stop());

type Mounts = Params<"agent.run">["mounts"];
let names = 0;
async function ends(word: string, mounts: Mounts, more: object = {}): Promise<number | undefined> {
  const name = `m${names++}`;
  await client.call("agent.run", { image, name, args: [word], mounts, ...more });
  return (await client.call("agent.wait", { name, wait: 30 })).exit?.code;
}
const whole = [{ source: SOURCE, target: "/data" }];
const only = [{ source: SOURCE, target: "/data", readOnly: true }];

test("a folder is found under the name that it was mounted to, and is what it is there", async () => {
  expect(await ends("rnote", whole)).toBe(0);
  expect(await ends("wmade", whole)).toBe(0);
  expect(readFileSync(join(folder, "made"), "utf8")).toBe("wmade");
  expect(await ends("rnote", [{ source: SOURCE, target: "/other" }])).toBe(BADF);
});

test("one that is read-only is read and not written, whatever else the agent may", async () => {
  expect(await ends("rnote", only)).toBe(0);
  expect(await ends("wmore", only)).toBe(NOTCAPABLE);
  expect(await ends("wmore", only, { capabilities: ["FS_WRITE:/projects/demo"] })).toBe(NOTCAPABLE);
});

test("no path and no link leads out of it", async () => {
  expect(await ends("rsame", whole)).toBe(0);
  expect(await ends("rlink", whole)).toBe(NOTCAPABLE);
  expect(await ends("r../secret", whole)).toBe(NOTCAPABLE);
  expect(await ends("w../made", whole)).toBe(NOTCAPABLE);
});

test("what it gives is a capability: it shows, and is taken back", async () => {
  const name = "shows";
  const agent = await client.call("agent.run", { image, name, args: ["rnote"], mounts: only });
  expect(agent.capabilities).toEqual([`FS_READ:${SOURCE}`]);
  expect(agent.mounts).toEqual(only);
});

test("who holds nothing for a folder mounts nothing of it, by run or by a document", async () => {
  const client = running.system.access.open({
    ...{ id: null, expires: null },
    capabilities: ["PROC_SPAWN", "PROC_CONTROL", `FS_READ:${SOURCE}`],
  });
  const run = (mounts: object) => client.call("agent.run", { image, args: ["rnote"], mounts });
  await run(only);
  await expect(run(whole)).rejects.toThrow(`FS_WRITE:${SOURCE} is needed`);
  const other = [{ source: "/projects/other", target: "/data", readOnly: true }];
  await expect(run(other)).rejects.toThrow("FS_READ:/projects/other");
  const agents = { a: { image, mounts: other } };
  await expect(client.call("project.apply", { project: "p", agents })).rejects.toThrow(
    "FS_READ:/projects/other",
  );
});

test.each([
  [[{ source: "/projects/../x", target: "/data" }], "mounts.0.source"],
  [[{ source: "/projects//x", target: "/data" }], "mounts.0.source"],
  [[{ source: "projects", target: "/data" }], "mounts.0.source"],
  [[{ source: `/${"x".repeat(40)}`, target: "/data" }], "mounts.0.source"],
  [[{ source: "/projects", target: "/data/.." }], "mounts.0.target"],
  [[...whole, { source: "/b", target: "/data" }], "a target is there twice"],
  [[...whole, { source: SOURCE, target: "/b" }], "a source is there twice"],
])("%j is refused", async (mounts, why) => {
  await expect(client.call("agent.run", { image, mounts })).rejects.toThrow(why);
});
