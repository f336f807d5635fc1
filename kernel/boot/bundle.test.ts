import { describe, expect, test } from "vitest";
import { buildBundle } from "../../sdk/image/index.ts";
import { bootWith, type Outcome } from "../host/testing/boot.ts";
import {
  archiveOf,
  diskWith,
  type File,
  HELLO,
  LARGE,
  manifestOf,
  noise,
} from "../host/testing/images.ts";

const MIB = 1024 * 1024;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const A: File = { name: "a", data: bytesOf("first") };
const B: File = { name: "b", data: bytesOf("second") };
const C: File = { name: "c", data: bytesOf("third") };

const bootArchive = (archive: Uint8Array, memory = 64 * MIB) =>
  bootWith({ memory, drives: [diskWith(archive)] });
const bootFiles = (files: readonly File[]) => bootArchive(archiveOf(files));
const withManifest = (text: string) =>
  bootFiles([{ name: "SHA256SUMS", data: bytesOf(text) }, A, B]);
const MANIFEST_TEXT = new TextDecoder().decode(manifestOf([A, B]).data);

/** A failed boot shows no entry as verified that is not. */
function expectRefused(outcome: Outcome, error: string): void {
  expect(outcome.result).toBe(error);
  expect(outcome.console).not.toContain("entries verified");
  expect(outcome.kernel.bundle.complete).toBe(0);
}

describe("a bundle within the limits boots", () => {
  const many = (count: number): File[] =>
    Array.from({ length: count }, (_, n) => ({ name: `dir/file-${n}`, data: noise(n % 7, n + 1) }));

  test.each([
    ["no entries", []],
    ["an empty entry", [{ name: "empty", data: new Uint8Array() }]],
    ["a name of 255 bytes", [{ name: "n".repeat(255), data: HELLO.data }]],
    ["names in UTF-8 and with spaces", [{ name: "ä b  c*", data: HELLO.data }]],
    ["two entries of the same content", [A, { name: "z", data: A.data }]],
    ["1,024 entries", many(1024)],
    [
      "sizes around a read's 128 KiB",
      [130_700, 131_072, 131_300].map((n) => ({ name: `f${n}`, data: noise(n) })),
    ],
  ] as [string, File[]][])("%s", async (_name, files) => {
    const outcome = await bootArchive(await buildBundle(files));
    expect(outcome.result).toBe("booted");
    expect(outcome.kernel.entries.map(({ name }) => name)).toEqual(files.map(({ name }) => name));
    for (const [index, { data }] of files.entries())
      expect(Buffer.from(outcome.kernel.entries[index]?.data ?? []).equals(data)).toBe(true);
  });

  test("an entry of 20 MiB", async () => {
    const data = noise(20 * MIB);
    const outcome = await bootArchive(await buildBundle([A, { name: "big", data }, B]), 128 * MIB);
    expect(outcome.result).toBe("booted");
    expect(Buffer.from(outcome.kernel.entries[1]?.data ?? []).equals(data)).toBe(true);
  });

  test.each(["nvme", "ahci"] as const)(
    "an archive of 64 MiB to the byte, from %s",
    async (kind) => {
      const rest = 64 * MIB - (await buildBundle([{ name: "x", data: new Uint8Array(4) }])).length;
      const archive = await buildBundle([{ name: "x", data: new Uint8Array(4 + rest) }]);
      expect(archive.length).toBe(64 * MIB);
      const drives = [{ data: diskWith(archive), interface: kind }];
      const outcome = await bootWith({ memory: 256 * MIB, drives });
      expect(outcome.result).toBe("booted");
    },
  );

  test("what follows the trailer is not looked at", async () => {
    const archive = await buildBundle([A, B]);
    const longer = new Uint8Array(archive.length + 4096).fill(0xee);
    longer.set(archive);
    expect((await bootArchive(longer)).result).toBe("booted");
  });

  test("a manifest with sha256sum's binary mark", async () => {
    const marked = MANIFEST_TEXT.replaceAll("  ", " *");
    expect((await withManifest(marked)).result).toBe("booted");
  });
});

describe("a bundle beyond the limits is refused", () => {
  test("1,025 entries", async () => {
    const files = Array.from({ length: 1025 }, (_, n) => ({ name: `${n}`, data: A.data }));
    expectRefused(await bootFiles([manifestOf(files), ...files]), "bundle-format");
  });

  test("an archive that ends just behind 64 MiB", async () => {
    const files = [{ name: "x", data: new Uint8Array(64 * MIB - 100) }];
    const outcome = await bootArchive(archiveOf([manifestOf(files), ...files]), 256 * MIB);
    expectRefused(outcome, "bundle-truncated");
  });

  test("more than there is RAM for", async () => {
    const archive = await buildBundle([{ name: "x", data: new Uint8Array(12 * MIB) }]);
    expectRefused(await bootArchive(archive, 24 * MIB), "out-of-frames");
  });

  test("a name of 256 bytes", async () => {
    const files = [{ name: "n".repeat(256), data: A.data }];
    expectRefused(await bootFiles([manifestOf(files), ...files]), "bundle-format");
  });
});

describe("a bundle whose manifest and entries disagree is refused", () => {
  const lines = MANIFEST_TEXT.split("\n");
  test.each<[string, () => Promise<Outcome>, string]>([
    ["no manifest", () => bootFiles([A, B]), "bundle-manifest"],
    [
      "a manifest that is not the first entry",
      () => bootFiles([A, manifestOf([A])]),
      "bundle-manifest",
    ],
    ["no entry at all", () => bootFiles([]), "bundle-manifest"],
    ["an empty manifest", () => withManifest(""), "bundle-manifest"],
    ["lines in another order", () => withManifest(`${lines[1]}\n${lines[0]}\n`), "bundle-manifest"],
    ["a line too few", () => withManifest(`${lines[0]}\n`), "bundle-manifest"],
    ["a line too many", () => bootFiles([manifestOf([A, B, C]), A, B]), "bundle-manifest"],
    ["an entry missing", () => bootFiles([manifestOf([A, B]), A]), "bundle-manifest"],
    ["an entry too many", () => bootFiles([manifestOf([A, B]), A, B, C]), "bundle-manifest"],
    ["an entry twice", () => bootFiles([manifestOf([A, B]), A, A, B]), "bundle-manifest"],
    ["another name", () => bootFiles([manifestOf([A]), { ...A, name: "A" }]), "bundle-manifest"],
    ["a longer name", () => bootFiles([manifestOf([A]), { ...A, name: "aa" }]), "bundle-manifest"],
    ["no newline at the end", () => withManifest(MANIFEST_TEXT.slice(0, -1)), "bundle-manifest"],
    ["CR LF", () => withManifest(MANIFEST_TEXT.replaceAll("\n", "\r\n")), "bundle-manifest"],
    ["a digit that is none", () => withManifest(`g${MANIFEST_TEXT.slice(1)}`), "bundle-manifest"],
    [
      "a tab for a space",
      () => withManifest(MANIFEST_TEXT.replace("  ", " \t")),
      "bundle-manifest",
    ],
    [
      "other content",
      () => bootFiles([manifestOf([A, B]), A, { ...B, data: C.data }]),
      "bundle-digest",
    ],
  ])("%s", async (_name, run, error) => {
    expectRefused(await run(), error);
  });

  test("a digest with one bit wrong, in any of its digits", async () => {
    for (let digit = 0; digit < 64; digit += 7) {
      const flipped = (Number.parseInt(MANIFEST_TEXT[digit] ?? "0", 16) ^ 1).toString(16);
      const text = MANIFEST_TEXT.slice(0, digit) + flipped + MANIFEST_TEXT.slice(digit + 1);
      const outcome = await withManifest(text);
      expectRefused(outcome, "bundle-digest");
      expect(outcome.console).toContain("a: digest differs");
    }
  });

  test("the entry with the wrong digest is named, those before it are listed", async () => {
    const outcome = await bootFiles([manifestOf([A, B, C]), A, { ...B, data: A.data }, C]);
    expectRefused(outcome, "bundle-digest");
    expect(outcome.console).toContain("b: digest differs");
    expect(outcome.kernel.entries.map(({ name }) => name)).toEqual(["a"]);
    expect(outcome.kernel.panic.detail).toBe(1);
  });
});

describe("an archive that is none is refused", () => {
  test.each<[string, File]>([
    ["a directory", { name: "dir", data: new Uint8Array(), mode: 0o040755 }],
    ["a symbolic link", { name: "link", data: bytesOf("a"), mode: 0o120777 }],
    ["a device", { name: "dev", data: new Uint8Array(), mode: 0o060600 }],
  ])("%s among the entries", async (_name, file) => {
    expectRefused(await bootFiles([manifestOf([A, file]), A, file]), "bundle-format");
  });

  test.each<[string, Uint8Array]>([
    ["zeroes", new Uint8Array(8192)],
    ["noise", noise(300_000)],
    ["the old binary format", Uint8Array.of(0xc7, 0x71, ...new Array(600).fill(0))],
    ["the format with checksums", bytesOf(`070702${"0".repeat(104)}`.padEnd(512, "0"))],
  ])("%s", async (_name, archive) => {
    expectRefused(await bootArchive(archive), "bundle-format");
  });

  const header = (field: number, value: string) => {
    const archive = archiveOf([manifestOf([A]), A]);
    archive.set(bytesOf(value), field);
    return archive;
  };
  test.each<[string, Uint8Array]>([
    ["a file size that is no number", header(54, "0000000x")],
    ["a file size of 4 GiB", header(54, "ffffffff")],
    ["a file size just beyond 64 MiB", header(54, "04000001")],
    ["a name size of 0", header(94, "00000000")],
    ["a name size of 1", header(94, "00000001")],
    ["a name size of 4 GiB", header(94, "ffffffff")],
    ["a name without an end", header(94, "0000000a")],
    ["a mode that is no number", header(14, "zzzzzzzz")],
  ])("%s", async (_name, archive) => {
    expectRefused(await bootArchive(archive), "bundle-format");
  });

  test("cut off at any place", async () => {
    const archive = archiveOf([manifestOf([A, LARGE]), A, LARGE]);
    const ends = [
      600,
      1024,
      4096,
      131_072,
      131_584,
      262_144,
      archive.length - 512,
      archive.length - 124,
    ];
    for (const end of ends) {
      const cut = archive.slice(0, Math.floor(end / 512) * 512);
      expectRefused(await bootArchive(cut), "bundle-truncated");
    }
  });

  test("any byte of the headers changed: refused, or the content is as the manifest says", async () => {
    const archive = archiveOf([manifestOf([A, B]), A, B]);
    for (let at = 0; at < archive.length; at += 11) {
      const changed = archive.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x15;
      const outcome = await bootArchive(changed);
      expect(outcome.result).toMatch(/^(booted|bundle-(format|manifest|digest|truncated))$/);
      if (outcome.result !== "booted") continue;
      expect(outcome.kernel.entries.map(({ name }) => name)).toEqual(["a", "b"]);
      expect(outcome.kernel.entries.map(({ data }) => Buffer.from(data).toString())).toEqual([
        "first",
        "second",
      ]);
    }
  });
});
