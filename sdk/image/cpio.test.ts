import { chmodSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CpioEntry, cpioEntry, readCpio, writeCpio } from "./cpio.ts";
import { imageErrorOf, runTool, temporaryFolder } from "./testing.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

function entry(name: string, data: Uint8Array | string, more: Partial<CpioEntry> = {}): CpioEntry {
  return cpioEntry(name, typeof data === "string" ? bytesOf(data) : data, {
    mode: 0o100644,
    ...more,
  });
}

/** Names and sizes at which padding is 0 to 3 bytes, for the name as for the data. */
const FILES = ["a", "bb", "ccc", "dddd", "sub/eeeee"].map(
  (name, index) => [name, "x".repeat(index), 1_700_000_000 + index] as const,
);

describe("against GNU cpio", () => {
  test("our archive has its bytes, one for one", () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "sub"));
    for (const [name, text, mtime] of FILES) {
      writeFileSync(join(folder, name), text);
      chmodSync(join(folder, name), 0o640);
      utimesSync(join(folder, name), mtime, mtime);
    }
    const input = FILES.map(([name]) => `${name}\n`).join("");
    const args = ["-o", "-H", "newc", "--reproducible", "--owner=3:5", "--quiet"];
    const theirs = runTool("cpio", args, { cwd: folder, input });
    const ours = writeCpio(
      FILES.map(([name, text, mtime], ino) =>
        entry(name, text, { ino, mode: 0o100640, uid: 3, gid: 5, mtime }),
      ),
    );
    expect(Buffer.from(ours).equals(theirs)).toBe(true);
  });

  test("it lists and extracts what we wrote", () => {
    const folder = temporaryFolder();
    const input = writeCpio(FILES.map(([name, text]) => entry(name, text)));
    expect(runTool("cpio", ["-it", "--quiet"], { input }).toString()).toBe(
      FILES.map(([name]) => `${name}\n`).join(""),
    );
    runTool("cpio", ["-id", "--quiet"], { input, cwd: folder });
    for (const [name, text] of FILES) {
      expect(readFileSync(join(folder, name), "utf8")).toBe(text);
    }
  });

  test("folders, links and long names that it archives are read", () => {
    const folder = temporaryFolder();
    const long = "n".repeat(200);
    mkdirSync(join(folder, "dir"));
    writeFileSync(join(folder, "dir", long), "data");
    runTool("ln", ["-s", long, join(folder, "dir", "link")]);
    const input = `dir\ndir/${long}\ndir/link\n`;
    const archive = runTool("cpio", ["-o", "-H", "newc", "--quiet"], { cwd: folder, input });
    const { entries, bytes } = readCpio(archive);
    expect(entries.map(({ name, mode }) => [name, mode & 0o170000])).toEqual([
      ["dir", 0o040000],
      [`dir/${long}`, 0o100000],
      ["dir/link", 0o120000],
    ]);
    expect(Buffer.from(entries[1]?.data ?? []).toString()).toBe("data");
    expect(Buffer.from(entries[2]?.data ?? []).toString()).toBe(long);
    expect(archive.subarray(bytes).every((byte) => byte === 0)).toBe(true);
  });
});

test("what is written is read", () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 });
  const number = fc.integer({ min: 0, max: 0xffff_ffff });
  const one = fc.record({
    name,
    data: fc.uint8Array({ maxLength: 40 }),
    mtime: number,
    uid: number,
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 5 }), (wishes) => {
      fc.pre(wishes.every((wish) => !wish.name.includes("\0") && wish.name !== "TRAILER!!!"));
      const entries = wishes.map(({ name, data, ...rest }) => entry(name, data, rest));
      const archive = writeCpio(entries);
      expect(archive.length % 512).toBe(0);
      expect(readCpio(archive).entries).toMatchObject(entries);
    }),
  );
});

test.each<[string, CpioEntry, string]>([
  ["an empty name", entry("", ""), "cpio-name"],
  ["a name with a NUL", entry("a\0b", ""), "cpio-name"],
  ["a name of 4096 bytes", entry("n".repeat(4096), ""), "cpio-name"],
  ["the trailer's name", entry("TRAILER!!!", ""), "cpio-name"],
  ["a number of 33 bits", entry("a", "", { mtime: 2 ** 32 }), "cpio-field"],
  ["a negative number", entry("a", "", { uid: -1 }), "cpio-field"],
])("the writer refuses %s", async (_, wrong, code) => {
  expect((await imageErrorOf(() => writeCpio([wrong]))).code).toBe(code);
});

describe("malformed archives are refused by name and place", () => {
  // The first header is at 0, its name "a" at 110, its data at 112; the second header at 120.
  const good = writeCpio([entry("a", "12345"), entry("b", "")]);
  const SECOND = 120;
  const BASE = 1000;

  test.each<[string, number, string, string, number]>([
    ["another magic", 0, "070707", "cpio-magic", 0],
    ["the format with checksums", 0, "070702", "cpio-magic", 0],
    ["another magic in the second header", SECOND, "0707x1", "cpio-magic", SECOND],
    ["a field that is not hex", 14, "0000008g", "cpio-field", 14],
    ["a field with a sign", SECOND + 6, "-0000001", "cpio-field", SECOND + 6],
    ["a name of no bytes", 94, "00000000", "cpio-name", 0],
    ["a name of only a NUL", 94, "00000001", "cpio-name", 0],
    ["a name beyond 4096 bytes", 94, "00001001", "cpio-name", 0],
    ["a name whose NUL is missing", 111, "x", "cpio-name", 110],
    ["a name with a NUL inside", 94, "00000003", "cpio-name", 110],
    ["a name that is not UTF-8", 110, "\xff", "cpio-name", 110],
    ["data of 4 GiB", 54, "FFFFFFFF", "cpio-truncated", 112],
    ["data that run into the next header", 54, "00000009", "cpio-magic", 124],
  ])("%s", async (_, at, text, code, place) => {
    const archive = good.slice();
    archive.set(
      Uint8Array.from(text, (char) => char.charCodeAt(0)),
      at,
    );
    const error = await imageErrorOf(() => readCpio(archive, BASE));
    expect(error).toMatchObject({ code, place: { byteOffset: BASE + place, lba: null } });
  });

  test("a trailer with data", async () => {
    const archive = writeCpio([]);
    archive.set(bytesOf("00000001"), 54);
    expect((await imageErrorOf(() => readCpio(archive))).code).toBe("cpio-trailer");
  });

  test("an archive that ends anywhere before its trailer does", async () => {
    const { bytes } = readCpio(good);
    for (let length = 0; length < bytes; length++) {
      const error = await imageErrorOf(() => readCpio(good.subarray(0, length)));
      expect(error.code).toMatch(/^cpio-(truncated|magic)$/);
    }
    expect(readCpio(good.subarray(0, bytes)).entries).toHaveLength(2);
  });

  test("noise, and noise after a good entry", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (noise, behind) => {
        const archive = behind ? Uint8Array.from([...good.subarray(0, SECOND), ...noise]) : noise;
        expect(() => readCpio(archive)).toThrow(expect.objectContaining({ name: "ImageError" }));
      }),
    );
  });
});
