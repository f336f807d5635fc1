import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AIOS_BOOT_BUNDLE_GUID,
  buildBootImage,
  IMAGE_BYTES_MAX,
  LINUX_FILESYSTEM_GUID,
  readBootImage,
} from "./index.ts";
import { imageErrorOf, runTool, temporaryFolder } from "./testing.ts";

const MIB = 1024 * 1024;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const ENTRIES = [
  { name: "init", data: bytesOf("first agent") },
  { name: "etc/limits", data: bytesOf("1 GiB") },
];

describe.each([512, 4096])("an image with blocks of %i bytes", (blockBytes) => {
  test("holds the bundle in its first partition, on a 1 MiB boundary", async () => {
    const image = await buildBootImage({ entries: ENTRIES, blockBytes });
    const { gpt, partition, bundle } = await readBootImage(image, blockBytes);
    expect(gpt).toMatchObject({ table: "primary", primaryError: null, backupError: null });
    expect(partition).toMatchObject({ number: 1, name: "aios-boot", type: AIOS_BOOT_BUNDLE_GUID });
    expect(partition.firstLba * blockBytes).toBe(MIB);
    expect(bundle.entries).toMatchObject(ENTRIES);
    expect(image.length).toBe(3 * MIB);
  });

  test("is as large as wanted, and has a data partition if wanted", async () => {
    const wish = { entries: ENTRIES, blockBytes, bytes: 8 * MIB, dataBytes: 2 * MIB + 1 };
    const image = await buildBootImage(wish);
    const { gpt } = await readBootImage(image, blockBytes);
    expect(image.length).toBe(8 * MIB);
    expect(gpt.partitions[1]).toMatchObject({
      name: "aios-data",
      type: LINUX_FILESYSTEM_GUID,
      firstLba: (2 * MIB) / blockBytes,
      lastLba: (5 * MIB) / blockBytes - 1,
    });
  });

  test("can be as small as its tables and partitions, and no smaller", async () => {
    const least = 2 * MIB + 16_384 + blockBytes;
    const wish = { entries: ENTRIES, blockBytes };
    const image = await buildBootImage({ ...wish, bytes: least });
    expect((await readBootImage(image, blockBytes)).bundle.entries).toHaveLength(2);
    const tooSmall = { ...wish, bytes: least - blockBytes };
    const error = await imageErrorOf(() => buildBootImage(tooSmall));
    expect(error.code).toBe("image-size");
    expect(error.reason).toContain(`needs ${least}`);
  });
});

test("the same input gives the same image, any other input other GUIDs", async () => {
  const image = await buildBootImage({ entries: ENTRIES });
  expect(Buffer.from(image).equals(await buildBootImage({ entries: ENTRIES }))).toBe(true);
  const guids = new Set<string>();
  const variants = [
    { entries: ENTRIES },
    { entries: ENTRIES.toReversed() },
    { entries: ENTRIES, seed: "another" },
    { entries: ENTRIES, bytes: 4 * MIB },
    { entries: ENTRIES, blockBytes: 4096 },
    { entries: ENTRIES, dataBytes: MIB },
  ];
  for (const options of variants) {
    const { gpt } = await readBootImage(await buildBootImage(options), options.blockBytes ?? 512);
    for (const guid of [gpt.diskGuid, ...gpt.partitions.map((partition) => partition.guid)]) {
      // RFC 9562: version 8, variant 10.
      expect(guid).toMatch(/^.{8}-.{4}-8.{3}-[89ab].{3}-.{12}$/);
      guids.add(guid);
    }
  }
  expect(guids.size).toBe(2 * variants.length + 1);
});

test.each<[string, object, string]>([
  ["a block size of 1024", { blockBytes: 1024 }, "block-size"],
  ["a size of half blocks", { bytes: 8 * MIB + 100 }, "image-size"],
  ["a negative size", { bytes: -512 }, "image-size"],
  ["a size that is no number", { bytes: Number.NaN }, "image-size"],
  ["a size beyond the limit", { bytes: IMAGE_BYTES_MAX + 512 }, "image-size"],
  ["a data partition beyond the limit", { dataBytes: 2 ** 60 }, "image-size"],
  ["a data partition that does not fit", { bytes: 4 * MIB, dataBytes: 2 * MIB }, "image-size"],
  [
    "a name that no bundle can have",
    { entries: [{ name: "/", data: bytesOf("") }] },
    "bundle-name",
  ],
])("%s is refused", async (_, options, code) => {
  const error = await imageErrorOf(() => buildBootImage({ entries: ENTRIES, ...options }));
  expect(error.code).toBe(code);
});

describe("against sfdisk, cpio and sha256sum", () => {
  test("our image passes sfdisk's verification, and its partition cpio's and sha256sum's", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "disk.img");
    writeFileSync(path, await buildBootImage({ entries: ENTRIES, dataBytes: MIB }));
    expect(runTool("sfdisk", ["--verify", path]).toString()).toContain("No errors detected.");
    const { partitiontable } = JSON.parse(runTool("sfdisk", ["--json", path]).toString());
    const [{ start, size, type, name }] = partitiontable.partitions;
    expect({ type, name }).toEqual({
      type: AIOS_BOOT_BUNDLE_GUID.toUpperCase(),
      name: "aios-boot",
    });
    // A file, because cpio closes a pipe at the end of the archive, before that of the partition.
    const partition = join(folder, "partition");
    writeFileSync(partition, readFileSync(path).subarray(start * 512, (start + size) * 512));
    runTool("cpio", ["-id", "--quiet", "-F", partition], { cwd: folder });
    runTool("sha256sum", ["--strict", "-c", "SHA256SUMS"], { cwd: folder });
    expect(readFileSync(join(folder, "etc/limits"), "utf8")).toBe("1 GiB");
  });

  test("an image that they made is read, wherever in the table the bundle is", async () => {
    const folder = temporaryFolder();
    const disk = join(folder, "disk.img");
    writeFileSync(join(folder, "init"), "made by others");
    writeFileSync(join(folder, "SHA256SUMS"), runTool("sha256sum", ["init"], { cwd: folder }));
    const input = "SHA256SUMS\ninit\n";
    const bundle = runTool("cpio", ["-o", "-H", "newc", "--quiet"], { cwd: folder, input });
    writeFileSync(disk, "");
    truncateSync(disk, 16 * MIB);
    const script = `label: gpt\nsize=4M\nsize=2M, type=${AIOS_BOOT_BUNDLE_GUID}\n`;
    runTool("sfdisk", ["-q", disk], { input: script });
    const image = readFileSync(disk);
    image.set(bundle, 5 * MIB);
    const found = await readBootImage(image, 512);
    expect(found.partition.number).toBe(2);
    expect(found.bundle.entries).toMatchObject([{ name: "init" }]);
    expect(Buffer.from(found.bundle.entries[0]?.data ?? []).toString()).toBe("made by others");
  });
});

test("faults in the bundle are placed from the beginning of the image", async () => {
  const image = await buildBootImage({ entries: ENTRIES });
  const at = MIB + Buffer.from(image.subarray(MIB)).indexOf("first agent");
  image[at + 3] = 0;
  const error = await imageErrorOf(() => readBootImage(image, 512));
  expect(error).toMatchObject({ code: "bundle-digest", place: { byteOffset: at } });
});

test("an image without a partition for the bundle is refused by name", async () => {
  const image = await buildBootImage({ entries: ENTRIES });
  const [head, tail] = [image.subarray(0, 512 * 34), image.subarray(-512 * 33)];
  const path = join(temporaryFolder(), "disk.img");
  writeFileSync(path, "");
  truncateSync(path, image.length);
  runTool("sfdisk", ["-q", path], { input: "label: gpt\n" });
  const other = readFileSync(path);
  head.set(other.subarray(0, head.length));
  tail.set(other.subarray(-tail.length));
  expect((await imageErrorOf(() => readBootImage(image, 512))).code).toBe("bundle-missing");
});

test("an image truncated anywhere is refused, or served by what is left of its tables", async () => {
  const image = await buildBootImage({ entries: ENTRIES });
  const length = fc.integer({ min: 0, max: image.length - 1 });
  await fc.assert(
    fc.asyncProperty(length, async (bytes) => {
      const cut = readBootImage(image.subarray(0, bytes), 512);
      const outcome = await cut.catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome.name).toBe("ImageError");
      else expect(outcome).toMatchObject({ bundle: { entries: ENTRIES } });
    }),
  );
});
