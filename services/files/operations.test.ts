import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FileRequest } from "../messages/files.ts";
import { Accounts } from "./accounts.ts";
import { nameOf } from "./errors.ts";
import { type Done, Operations } from "./operations.ts";
import { Tree } from "./tree.ts";

let host = "";
let inside = "";
let operations: Operations;
let accounts: Accounts;
beforeEach(() => {
  accounts = new Accounts();
  host = mkdtempSync(join(tmpdir(), "aios-operations-"));
  inside = join(host, "files/projects/demo");
  mkdirSync(inside, { recursive: true });
  writeFileSync(join(host, "secret"), "secret");
  writeFileSync(join(inside, "note"), "note");
  const tree = new Tree(join(host, "files"), []);
  operations = new Operations(tree, { bytes: 1000, files: 10 }, accounts);
});
afterEach(async () => {
  await operations.close();
  rmSync(host, { recursive: true });
});

const AGENT = 7;
const NOTHING = new Uint8Array();
const at = (path: string) => ({ proofs: [], root: "/projects/demo", path });
const open = (path: string, options: object = {}): FileRequest => ({
  ...{ op: "open", ...at(path), follow: true, create: false, exclusive: false, truncate: false },
  ...{ folder: false, read: true, write: false },
  ...options,
});
const run = (request: FileRequest, bytes: Uint8Array = NOTHING): Promise<Done> =>
  operations.run(AGENT, request, bytes);
/** The name of the error; "OK" for none. */
const answer = async (request: FileRequest, bytes?: Uint8Array): Promise<string> =>
  await run(request, bytes).then(
    () => "OK",
    (error: unknown) => nameOf(error),
  );

test("no path leads out of a scope's folder", async () => {
  symlinkSync("../../../secret", join(inside, "up"));
  symlinkSync(join(host, "secret"), join(inside, "absolute"));
  symlinkSync("..", join(inside, "parent"));
  mkdirSync(join(inside, "folder"));
  symlinkSync("../../..", join(inside, "folder/out"));
  symlinkSync("note", join(inside, "link"));
  const out = ["../other", "folder/../../x", "..", "/etc/passwd", join(host, "secret")];
  const links = ["up", "absolute", "parent/secret", "folder/out/secret", "folder/../.."];
  for (const path of [...out, ...links])
    expect([path, await answer(open(path))]).toEqual([path, "ENOTCAPABLE"]);
  // What isn't there has no folder above it.
  expect(await answer(open("a/../../x"))).toBe("ENOENT");
  expect(await answer(open("link"))).toBe("OK");
  expect(await answer(open("folder/../note"))).toBe("OK");
  expect(await answer(open("link", { follow: false }))).toBe("ELOOP");
  expect(await answer(open("note\0x"))).toBe("EINVAL");
  expect(await answer(open("n".repeat(256)))).toBe("ENAMETOOLONG");
});

test("a link goes into the folder or isn't made, and a ring of links ends", async () => {
  const made = (path: string, target: string) => answer({ op: "symlink", ...at(path), target });
  expect(await made("a", "b")).toBe("OK");
  expect(await made("b", "a")).toBe("OK");
  expect(await answer(open("a"))).toBe("ELOOP");
  for (const target of ["/etc", "..", "x/../../y", "../demo2/x"])
    expect([target, await made("c", target)]).toEqual([target, "ENOTCAPABLE"]);
});

test("a FIFO and a device's link are not opened, and nobody waits", async () => {
  execFileSync("mkfifo", [join(inside, "fifo")]);
  symlinkSync("/dev/zero", join(inside, "zero"));
  expect(await answer(open("fifo"))).toBe("EACCES");
  expect(await answer(open("fifo", { write: true, truncate: true }))).toBe("EACCES");
  expect(await answer(open("zero"))).toBe("ENOTCAPABLE");
});

test("a folder that is exchanged for a link while paths are walked never leads out", async () => {
  mkdirSync(join(inside, "door"));
  writeFileSync(join(inside, "door/secret"), "public");
  mkdirSync(join(host, "outside"));
  writeFileSync(join(host, "outside/secret"), "secret");
  symlinkSync("../../../outside", join(host, "lure"));
  let over = false;
  const exchange = (async () => {
    while (!over) {
      renameSync(join(inside, "door"), join(host, "kept"));
      renameSync(join(host, "lure"), join(inside, "door"));
      await new Promise((resolve) => setImmediate(resolve));
      renameSync(join(inside, "door"), join(host, "lure"));
      renameSync(join(host, "kept"), join(inside, "door"));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  const seen = new Set<string>();
  for (let n = 0; n < 200 || (n < 10_000 && !seen.has("public")); n++)
    try {
      const { id = "", path = "" } = await run(open("door/secret"));
      const read = { op: "read", ...at(path), id, write: false, offset: 0, bytes: 10 } as const;
      seen.add(Buffer.from((await run(read)).bytes ?? NOTHING).toString());
    } catch (error) {
      seen.add(nameOf(error));
    }
  over = true;
  await exchange;
  expect(seen).toContain("public");
  expect(seen).not.toContain("secret");
});

test("what was open and is another file by now is stale", async () => {
  const { id = "" } = await run(open("note"));
  const read = (agent: number) =>
    operations.run(
      agent,
      { op: "read", ...at("note"), id, write: false, offset: 0, bytes: 10 },
      NOTHING,
    );
  unlinkSync(join(inside, "note"));
  writeFileSync(join(inside, "note"), "other");
  expect(Buffer.from((await read(AGENT)).bytes ?? NOTHING).toString()).toBe("note");
  await expect(read(AGENT + 1)).rejects.toThrow("ESTALE");
});

test("an area holds no more bytes and files than its budget, and what people remove is free again", async () => {
  const { id = "" } = await run(open("note", { write: true }));
  const write = (offset: number, bytes: number) =>
    answer({ op: "write", ...at("note"), id, write: true, offset }, new Uint8Array(bytes));
  expect(await write(0, 1000)).toBe("OK");
  expect(await write(1000, 1)).toBe("EDQUOT");
  expect(await write(900, 100)).toBe("OK");
  expect(readFileSync(join(inside, "note")).length).toBe(1000);
  for (let n = 1; n < 10; n++) expect(await answer({ op: "mkdir", ...at(`f${n}`) })).toBe("OK");
  expect(await answer({ op: "mkdir", ...at("more") })).toBe("EDQUOT");
  expect(await answer(open("more", { create: true, write: true }))).toBe("EDQUOT");
  rmSync(join(inside, "f1"), { recursive: true });
  expect(await answer({ op: "mkdir", ...at("more") })).toBe("OK");
});

test("a list goes on behind its cookie, whatever is removed in between", async () => {
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8]) linkSync(join(inside, "note"), join(inside, `n${n}`));
  const { id = "" } = await run(open("."));
  mkdirSync(join(inside, "empty"));
  const inner = await run(open("empty"));
  const none = {
    op: "list",
    ...at("empty"),
    id: inner.id ?? "",
    write: false,
    bytes: 100,
  } as const;
  expect((await run({ ...none, cookie: "2" })).entries).toEqual([]);
  const seen: string[] = [];
  for (let cookie = "0"; ; ) {
    const list = { op: "list", ...at("."), id, write: false, cookie, bytes: 30 } as const;
    const { entries = [] } = await run(list);
    if (entries.length === 0) break;
    for (const { name, next } of entries) {
      seen.push(name);
      cookie = next;
      if (name.startsWith("n")) unlinkSync(join(inside, name));
    }
  }
  expect(seen.slice(0, 2)).toEqual([".", ".."]);
  expect(seen.slice(2).sort()).toEqual(
    ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "note"].concat("empty").sort(),
  );
});

test("an agent adds no more bytes than it may, however often it gives some back", async () => {
  accounts.set(AGENT, "uid", 100);
  const opened = async (path: string, more: object = {}) =>
    (await run(open(path, { create: true, write: true, ...more }))).id ?? "";
  const at100 = { ...at("mine"), id: await opened("mine"), write: true };
  const write = (offset: number, bytes: number) =>
    answer({ op: "write", ...at100, offset }, new Uint8Array(bytes));
  const resize = (size: number) => answer({ op: "size", ...at100, size, grow: false });
  expect([await write(0, 80), await write(80, 21)]).toEqual(["OK", "EDQUOT"]);
  // What is written over is there already.
  expect([await write(0, 80), await write(60, 40), await write(100, 1)]).toEqual([
    ...["OK", "OK", "EDQUOT"],
  ]);
  expect([await resize(10), await resize(101), await resize(100)]).toEqual(["OK", "EDQUOT", "OK"]);
  // Another's 500 bytes are gone: it has added nothing, and not 500 less than that.
  writeFileSync(join(inside, "others"), new Uint8Array(500));
  expect(await answer({ op: "unlink", ...at("others") })).toBe("OK");
  expect([await write(100, 100), await write(200, 1)]).toEqual(["OK", "EDQUOT"]);
  await opened("mine", { truncate: true });
  expect([await write(0, 100), await write(100, 1)]).toEqual(["OK", "EDQUOT"]);
  // Its next life has what is left, another agent what it may.
  accounts.set(AGENT, "uid", null);
  accounts.set(AGENT, "uid", 100);
  expect(await write(100, 1)).toBe("EDQUOT");
  accounts.set(AGENT, "other", 1);
  expect([await write(100, 1), await write(101, 1)]).toEqual(["OK", "EDQUOT"]);
});
