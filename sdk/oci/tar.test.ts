import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { imageSource } from "../image/source.ts";
import { runTool, temporaryFolder } from "../image/testing.ts";
import { readTar } from "./tar-read.ts";
import { TAR_BLOCK, TAR_FIELDS, tarChecksum, writeTar } from "./tar-write.ts";
import { ociErrorOf } from "./testing.ts";

const LIMITS = { bytes: 1 << 20, entries: 16 };
const bytes = (text: string) => new TextEncoder().encode(text);
const FILES = new Map([
  ["b/two", bytes("2".repeat(513))],
  ["a", bytes("one")],
  ["empty", bytes("")],
]);

/** What the reader finds: names and contents. */
function contents(archive: Uint8Array): [string, string][] {
  return readTar(imageSource(archive), LIMITS).map(({ name, at, bytes: size }) => [
    name,
    new TextDecoder().decode(archive.subarray(at, at + size)),
  ]);
}

/** An archive whose header at `at` has been changed, with the checksum made right again. */
function patched(archive: Uint8Array, change: (header: Uint8Array) => void, at = 0): Uint8Array {
  const copy = archive.slice();
  const header = copy.subarray(at, at + TAR_BLOCK);
  change(header);
  const sum = `${tarChecksum(header).toString(8).padStart(6, "0")}\0 `;
  header.set(bytes(sum), TAR_FIELDS.checksum[0]);
  return copy;
}

const field = (name: keyof typeof TAR_FIELDS, value: string) => (header: Uint8Array) =>
  header.fill(0, TAR_FIELDS[name][0], TAR_FIELDS[name][0] + TAR_FIELDS[name][1]) &&
  header.set(bytes(value), TAR_FIELDS[name][0]);

describe("an archive that is written", () => {
  test("is listed and unpacked by GNU tar: sorted, nobody's, of the time that was given", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "x.tar"), writeTar(FILES, 86_400));
    const listed = runTool("tar", ["--full-time", "-tvf", "x.tar"], { cwd: folder }).toString();
    const lines = listed.trim().split("\n");
    expect(lines.map((line) => line.split(/\s+/))).toEqual(
      [
        ["3", "a"],
        ["513", "b/two"],
        ["0", "empty"],
      ].map(([size, name]) => ["-rw-r--r--", "0/0", size, "1970-01-02", "00:00:00", name]),
    );
    runTool("tar", ["-xf", "x.tar"], { cwd: folder });
    for (const [name, data] of FILES)
      expect(readFileSync(join(folder, name)).equals(data)).toBe(true);
  });

  test("is read back", () => {
    const expected = [...FILES]
      .sort()
      .map(([name, data]) => [name, new TextDecoder().decode(data)]);
    expect(contents(writeTar(FILES))).toEqual(expected);
  });
});

test.each(["ustar", "gnu", "pax", "posix"])("what GNU tar writes as %s is read", (format) => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "b"));
  for (const [name, data] of FILES) writeFileSync(join(folder, name), data);
  const archive = runTool("tar", ["-c", `--format=${format}`, "."], { cwd: folder });
  expect(new Map(contents(archive))).toEqual(
    new Map([...FILES].map(([name, data]) => [name, new TextDecoder().decode(data)])),
  );
});

describe("refused, with the byte", () => {
  const archive = writeTar(FILES);
  const cases: readonly [string, () => Uint8Array, RegExp][] = [
    ["nothing", () => new Uint8Array(), /^byte 0: 0 bytes/],
    ["an archive compressed by gzip", () => Uint8Array.of(0x1f, 0x8b, 8), /unpack it with gunzip/],
    ["what isn't one", () => bytes("x".repeat(2048)), /^byte 0: this is no tar archive/],
    [
      "one larger than allowed",
      () => new Uint8Array(LIMITS.bytes + 1),
      /1048577 bytes; 1048576 at/,
    ],
    ["one without its end", () => archive.slice(0, -1024), /ends without two blocks of zeros/],
    ["one with half of its end", () => archive.slice(0, -512), /ends without two blocks of zeros/],
    [
      "bytes behind the end",
      () => Uint8Array.from([...archive, ...new Uint8Array(600), 7]),
      /^byte 4696: something follows/,
    ],
    [
      "bytes between data and the next header",
      () => {
        const copy = archive.slice();
        copy[1000] = 7;
        return copy;
      },
      /^byte 515: something is hidden behind "a"/,
    ],
    [
      "a wrong checksum",
      () => {
        const copy = archive.slice();
        copy[TAR_FIELDS.mtime[0]] = 0x31;
        return copy;
      },
      /^byte 0: the header's checksum/,
    ],
    [
      "more data than there are",
      () => patched(archive, field("size", "77777777777")),
      /"a" has 8589934591 bytes, which aren't there/,
    ],
    [
      "GNU's binary size",
      () => patched(archive, field("size", "\u0080\u0000\u0000\u0001")),
      /size is no octal number/,
    ],
    ["a symbolic link", () => patched(archive, field("type", "2")), /"a" is a symbolic link/],
    ["a hard link", () => patched(archive, field("type", "1")), /"a" is a hard link/],
    ["a device", () => patched(archive, field("type", "3")), /"a" is a character device/],
    ["a sparse file", () => patched(archive, field("type", "S")), /"a" is a sparse file/],
    ["a type nobody knows", () => patched(archive, field("type", "Q")), /"a" is of type "Q"/],
    ["a folder with content", () => patched(archive, field("type", "5")), /folder "a" has content/],
    [
      "a name that leads outside",
      () => patched(archive, field("name", "b/../../a")),
      /leads outside/,
    ],
    ["one that ends there", () => patched(archive, field("name", "b/..")), /leads outside/],
    ["an absolute name", () => patched(archive, field("name", "/etc/passwd")), /isn't relative/],
    [
      "another platform's separator",
      () => patched(archive, field("name", "..\\a")),
      /isn't relative/,
    ],
    ["a control character", () => patched(archive, field("name", "a\u001b[2J")), /isn't printable/],
    [
      "a name twice",
      () => patched(archive, field("name", "b/two")),
      /^byte 1024: "b\/two" is there twice/,
    ],
    [
      "a name twice in two spellings",
      () => patched(archive, field("name", "./b/two")),
      /is there twice/,
    ],
    [
      "more entries than allowed",
      () => writeTar(new Map(Array.from({ length: 17 }, (_, n) => [`f${n}`, bytes("")]))),
      /^byte 8192: more than 16 entries/,
    ],
  ];
  test.each(cases)("%s", async (_, make, reason) => {
    const error = await ociErrorOf(() => contents(make()));
    expect(error.message).toMatch(reason);
    expect(error.code).toBe("tar");
  });

  test.each([
    ["sets another name", "21 path=../../passwd\n", /sets "path"/],
    ["sets a size", "12 size=512\n", /sets "size"/],
    ["lies about its length", "99 mtime=1\n", /damaged/],
    ["has no form", "hello", /damaged/],
    ["sets a sparse map", "22 GNU.sparse.major=1\n", /sets "GNU.sparse.major"/],
  ])("an extended header that %s", async (_, line, reason) => {
    const inside = writeTar(new Map([["a", bytes(line)]]));
    const error = await ociErrorOf(() => contents(patched(inside, field("type", "x"))));
    expect(error.message).toMatch(reason);
  });

  test("links as GNU tar writes them", async () => {
    const folder = temporaryFolder();
    symlinkSync("/etc/passwd", join(folder, "index.json"));
    const archive = runTool("tar", ["-c", "index.json"], { cwd: folder });
    const error = await ociErrorOf(() => contents(archive));
    expect(error.message).toMatch(/"index.json" is a symbolic link/);
  });
});
