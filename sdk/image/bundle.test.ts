import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BUNDLE_BYTES_MAX,
  BUNDLE_ENTRIES_MAX,
  type BundleEntry,
  buildBundle,
  readBundle,
} from "./bundle.ts";
import { readCpio, writeCpio } from "./cpio.ts";
import { imageErrorOf, runTool, temporaryFolder } from "./testing.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const ENTRIES: readonly BundleEntry[] = [
  { name: "init", data: bytesOf("#!/bin/true\n") },
  { name: "etc/empty", data: new Uint8Array(0) },
  { name: "etc/größe mit raum", data: new Uint8Array(70_001).fill(0x5a) },
];

/** An archive of any entries, for bundles that `buildBundle` would not make. */
function archiveOf(entries: readonly BundleEntry[], mode = 0o100644): Uint8Array {
  const zero = { uid: 0, gid: 0, mtime: 0, devMajor: 0, devMinor: 0, rdevMajor: 0, rdevMinor: 0 };
  return writeCpio(entries.map((entry, ino) => ({ ...entry, ...zero, ino, mode, nlink: 1 })));
}

/** FIPS 180-4's digest of no bytes, as printed by every SHA-256 tool. */
const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const empty = (name: string): BundleEntry => ({ name, data: new Uint8Array(0) });
const manifest = (text: string): BundleEntry => ({ name: "SHA256SUMS", data: bytesOf(text) });

describe("against cpio and sha256sum", () => {
  test("sha256sum -c accepts what cpio extracts from our bundle", async () => {
    const folder = temporaryFolder();
    const input = await buildBundle(ENTRIES);
    const names = runTool("cpio", ["-it", "--quiet"], { input }).toString();
    expect(names.split("\n")[0]).toBe("SHA256SUMS");
    runTool("cpio", ["-id", "--quiet"], { input, cwd: folder });
    const verdict = runTool("sha256sum", ["--strict", "-c", "SHA256SUMS"], { cwd: folder });
    expect(verdict.toString().match(/: OK\n/g)).toHaveLength(ENTRIES.length);
    for (const { name, data } of ENTRIES) {
      expect(readFileSync(join(folder, name)).equals(data)).toBe(true);
    }
  });

  test("a bundle that they made is read", async () => {
    const folder = temporaryFolder();
    for (const { name, data } of ENTRIES) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), data);
    }
    const names = ENTRIES.map(({ name }) => name);
    const sums = runTool("sha256sum", names, { cwd: folder });
    writeFileSync(join(folder, "SHA256SUMS"), sums);
    const input = ["SHA256SUMS", ...names].map((name) => `${name}\n`).join("");
    const made = runTool("cpio", ["-o", "-H", "newc", "--quiet"], { cwd: folder, input });
    const { entries } = await readBundle(made);
    expect(entries.map(({ name }) => name)).toEqual(names);
    for (const [index, { sha256, data }] of entries.entries()) {
      expect(sums.toString().split("\n")[index]).toBe(`${sha256}  ${names[index]}`);
      expect(Buffer.from(data).equals(ENTRIES[index]?.data ?? new Uint8Array(1))).toBe(true);
    }
  });
});

test("the same entries give the same bytes, with inode numbers from 1 and no time or owner", async () => {
  const bundle = await buildBundle(ENTRIES);
  expect(
    await buildBundle(ENTRIES.map(({ name, data }) => ({ name, data: data.slice() }))),
  ).toEqual(bundle);
  for (const [index, entry] of readCpio(bundle).entries.entries()) {
    expect(entry).toMatchObject({ ino: index + 1, mode: 0o100644, uid: 0, gid: 0, mtime: 0 });
  }
});

test("what was put in comes out, and bytes after the bundle do not matter", async () => {
  const bundle = await buildBundle(ENTRIES);
  const partition = new Uint8Array(bundle.length + 4096).fill(0xff);
  partition.set(bundle);
  const { entries, bytes } = await readBundle(partition);
  expect(entries).toMatchObject(ENTRIES);
  expect(bytes).toBeLessThanOrEqual(bundle.length);
  expect((await readBundle(await buildBundle([]))).entries).toEqual([]);
});

test("shared memory can be hashed and bundled", async () => {
  const data = new Uint8Array(new SharedArrayBuffer(16));
  const { entries } = await readBundle(await buildBundle([{ name: "ram", data }]));
  expect(entries).toHaveLength(1);
});

test.each([
  ["", "is empty"],
  ["x".repeat(256), "255 bytes"],
  ["ä".repeat(128), "255 bytes"],
  ["/etc/init", "absolute"],
  ["..", '".."'],
  ["a/../b", '".."'],
  ["a//b", "empty component"],
  ["./a", "empty component"],
  ["a/", "empty component"],
  ["a\nb", "control character"],
  ["a\0b", "control character"],
  ["a\\b", "backslash"],
  ["\ud800", "surrogate"],
  ["SHA256SUMS", "reserved"],
  ["TRAILER!!!", "reserved"],
])("the name %j is refused", async (name, why) => {
  const error = await imageErrorOf(() => buildBundle([empty(name)]));
  expect(error.code).toBe("bundle-name");
  expect(error.reason).toContain(why);
});

describe("limits", () => {
  const many = (count: number) => Array.from({ length: count }, (_, n) => empty(`f${n}`));

  test(`${BUNDLE_ENTRIES_MAX} entries are taken, one more is refused, by both sides`, async () => {
    const most = await buildBundle(many(BUNDLE_ENTRIES_MAX));
    expect((await readBundle(most)).entries).toHaveLength(BUNDLE_ENTRIES_MAX);
    const tooMany = many(BUNDLE_ENTRIES_MAX + 1);
    expect((await imageErrorOf(() => buildBundle(tooMany))).code).toBe("bundle-entry-count");
    const forged = archiveOf([manifest(""), ...tooMany]);
    expect((await imageErrorOf(() => readBundle(forged))).code).toBe("bundle-entry-count");
  });

  test("64 MiB are taken, one byte more is refused, by both sides", async () => {
    // Headers of two entries and the trailer take less than 1 KiB, the archive whole blocks.
    const fits = { name: "big", data: new Uint8Array(BUNDLE_BYTES_MAX - 1024) };
    const bundle = await buildBundle([fits]);
    expect(bundle.length).toBeLessThanOrEqual(BUNDLE_BYTES_MAX);
    expect((await readBundle(bundle)).entries).toHaveLength(1);
    const over = { name: "big", data: new Uint8Array(BUNDLE_BYTES_MAX - 256) };
    expect((await imageErrorOf(() => buildBundle([over]))).code).toBe("bundle-size");
    const forged = archiveOf([manifest(""), over]);
    expect((await imageErrorOf(() => readBundle(forged))).code).toBe("bundle-size");
  });
});

describe("a bundle is refused, by name and place, with", () => {
  const line = `${EMPTY_SHA256}  a\n`;

  test.each<[string, BundleEntry[], string]>([
    ["no entries at all", [], "bundle-manifest"],
    ["no manifest", [empty("a")], "bundle-manifest"],
    ["a manifest that comes second", [empty("a"), manifest(line)], "bundle-manifest"],
    ["too few lines", [manifest(line), empty("a"), empty("b")], "bundle-manifest"],
    ["too many lines", [manifest(line + line), empty("a")], "bundle-manifest"],
    ["a line without its end", [manifest(line.trimEnd()), empty("a")], "bundle-manifest"],
    ["one space", [manifest(line.replace("  ", " ")), empty("a")], "bundle-manifest"],
    ["a digest in capitals", [manifest(line.toUpperCase()), empty("A")], "bundle-manifest"],
    ["a digest of 63 digits", [manifest(line.slice(1)), empty("a")], "bundle-manifest"],
    ["another name in the line", [manifest(line), empty("b")], "bundle-order"],
    ["another digest", [manifest(line), { name: "a", data: bytesOf("x") }], "bundle-digest"],
    ["a second manifest", [manifest(line), manifest(line)], "bundle-name"],
    ["an entry twice", [manifest(line + line), empty("a"), empty("a")], "bundle-duplicate"],
    ["an entry outside", [manifest(line), empty("../a")], "bundle-name"],
  ])("%s", async (_, entries, code) => {
    const error = await imageErrorOf(() => readBundle(archiveOf(entries), 5000));
    expect(error.code).toBe(code);
    expect(error.place?.byteOffset).toBeGreaterThanOrEqual(5000);
  });

  test("a manifest that is not UTF-8", async () => {
    const wrong = { name: "SHA256SUMS", data: Uint8Array.of(0xff, 0x0a) };
    const error = await imageErrorOf(() => readBundle(archiveOf([wrong, empty("a")])));
    expect(error.code).toBe("bundle-manifest");
  });

  test("an entry that is no regular file", async () => {
    const links = archiveOf([manifest(line), empty("a")], 0o120777);
    expect((await imageErrorOf(() => readBundle(links))).code).toBe("bundle-entry-type");
  });
});

test("a flipped bit is refused by name, or leaves every entry as it was", async () => {
  const entries = ENTRIES.slice(0, 2);
  const bundle = await buildBundle(entries);
  const bit = fc.integer({ min: 0, max: bundle.length * 8 - 1 });
  await fc.assert(
    fc.asyncProperty(bit, async (at) => {
      const altered = bundle.slice();
      altered[at >> 3] = (altered[at >> 3] ?? 0) ^ (1 << (at & 7));
      const outcome = await readBundle(altered).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome.name).toBe("ImageError");
      else expect(outcome).toMatchObject({ entries });
    }),
    { numRuns: 300 },
  );
});
