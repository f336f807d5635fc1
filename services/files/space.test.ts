/** What an area holds, when many agents change it at once: never more than its budget. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FileRequest } from "../messages/files.ts";
import { Accounts } from "./accounts.ts";
import { nameOf } from "./errors.ts";
import { Operations } from "./operations.ts";
import { Tree } from "./tree.ts";

const BYTES = 1000;
const AGENTS = Array.from({ length: 8 }, (_, n) => n + 1);

let host = "";
let inside = "";
let operations: Operations;
beforeEach(() => {
  host = mkdtempSync(join(tmpdir(), "aios-space-"));
  inside = join(host, "projects/demo");
  mkdirSync(inside, { recursive: true });
  operations = new Operations(new Tree(host, []), { bytes: BYTES, files: 100 }, new Accounts());
});
afterEach(async () => {
  await operations.close();
  rmSync(host, { recursive: true });
});

const at = (path: string) => ({ proofs: [], root: "/projects/demo", path });
const ask = (agent: number, request: FileRequest) =>
  operations.run(agent, request, new Uint8Array());
const answer = (agent: number, request: FileRequest): Promise<string> =>
  ask(agent, request).then(() => "OK", nameOf);

async function open(agent: number, path: string, truncate = false) {
  const how = { follow: true, create: true, exclusive: false, truncate, folder: false };
  const { id = "" } = await ask(agent, {
    op: "open",
    ...at(path),
    ...how,
    read: true,
    write: true,
  });
  return { ...at(path), id, write: true };
}
const resize = async (agent: number, path: string, size: number): Promise<string> =>
  answer(agent, { op: "size", ...(await open(agent, path)), size, grow: false });
/** Bytes of all files that have names. */
const there = (): number =>
  readdirSync(inside).reduce((sum, name) => sum + statSync(join(inside, name)).size, 0);

test("agents that all find room before any of them has taken it don't take it twice", async () => {
  const files = await Promise.all(AGENTS.map((agent) => open(agent, `f${agent}`)));
  const grown = await Promise.all(
    AGENTS.map((agent, n) => {
      const file = files[n] as Awaited<ReturnType<typeof open>>;
      return answer(agent, { op: "size", ...file, size: 0.6 * BYTES, grow: false });
    }),
  );
  expect(grown.filter((it) => it === "OK")).toHaveLength(1);
  expect(there()).toBe(0.6 * BYTES);
  // And the same when what has been added up says that there is none.
  rmSync(join(inside, `f${1 + grown.indexOf("OK")}`));
  const again = await Promise.all(AGENTS.map((agent) => resize(agent, `g${agent}`, 0.6 * BYTES)));
  expect(again.filter((it) => it === "OK")).toHaveLength(1);
  expect(there()).toBe(0.6 * BYTES);
});

test("a file that many make empty, or take a name from, gives its bytes back once", async () => {
  const most = AGENTS.map((agent) => `f${agent}`);
  const fill = async () => {
    for (const path of most) await resize(9, path, 1);
    await resize(9, "large", BYTES - most.length);
    expect(await resize(9, "f1", 2)).toBe("EDQUOT");
  };
  await fill();
  await Promise.all(AGENTS.map((agent) => open(agent, "large", true)));
  await fill();
  for (let round = 0; round < 4; round++) {
    await Promise.all(
      AGENTS.flatMap((agent) => [
        answer(agent, { op: "link", ...at("large"), follow: false, to: `name${agent}` }),
        answer(agent, { op: "unlink", ...at("large") }),
        answer(agent, { op: "rename", ...at(`f${agent}`), to: "large" }),
      ]),
    );
    for (const agent of AGENTS) await resize(agent, `g${agent}`, BYTES / 2);
    expect(there()).toBeLessThanOrEqual(BYTES);
    for (const name of readdirSync(inside))
      expect(await answer(9, { op: "unlink", ...at(name) })).toBe("OK");
    await operations.close();
    operations = new Operations(new Tree(host, []), { bytes: BYTES, files: 100 }, new Accounts());
    await fill();
  }
});

test("a file without a name takes its room as long as it is open", async () => {
  const file = await open(1, "hidden");
  expect(await answer(1, { op: "size", ...file, size: 600, grow: false })).toBe("OK");
  expect(await answer(2, { op: "unlink", ...at("hidden") })).toBe("OK");
  expect(await resize(2, "other", 500)).toBe("EDQUOT");
  expect(await answer(1, { op: "size", ...file, size: 700, grow: false })).toBe("OK");
  expect([await resize(2, "other", 301), await resize(2, "other", 300)]).toEqual(["EDQUOT", "OK"]);
  // Counted anew, it is still there.
  writeFileSync(join(inside, "other"), "");
  expect([await resize(2, "other", 301), await resize(2, "other", 300)]).toEqual(["EDQUOT", "OK"]);
  expect(await answer(1, { op: "close", ...file })).toBe("OK");
  await expect.poll(() => resize(2, "other", BYTES)).toBe("OK");
});

test("a file that is closed while it loses its name gives its bytes back all the same", async () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  for (let turns = 0; turns < 40; turns++) {
    const file = await open(1, "hidden");
    expect(await answer(1, { op: "size", ...file, size: BYTES, grow: false })).toBe("OK");
    const close = async () => {
      for (let n = 0; n < turns; n++) await turn();
      return await answer(1, { op: "close", ...file });
    };
    await Promise.all([answer(2, { op: "unlink", ...at("hidden") }), close()]);
    await expect.poll(() => resize(2, "other", BYTES), { interval: 1 }).toBe("OK");
    expect(await answer(2, { op: "unlink", ...at("other") })).toBe("OK");
    await operations.close();
    operations = new Operations(new Tree(host, []), { bytes: BYTES, files: 100 }, new Accounts());
  }
});

test("a folder that is moved to where another one was takes its room there", async () => {
  const projects = (path: string) => ({ proofs: [], root: "/projects", path });
  expect([await resize(1, "f", 1), await answer(1, { op: "unlink", ...at("f") })]).toEqual([
    "OK",
    "OK",
  ]);
  mkdirSync(join(host, "projects/full"));
  writeFileSync(join(host, "projects/full/f"), new Uint8Array(BYTES));
  expect(await answer(1, { op: "rename", ...projects("full"), to: "demo" })).toBe("OK");
  expect(there()).toBe(BYTES);
  expect(await resize(1, "g", 1)).toBe("EDQUOT");
});
