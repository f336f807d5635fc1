import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32 } from "./crc32.ts";
import type { ImageErrorCode } from "./errors.ts";
import { LINUX_FILESYSTEM_GUID, readGpt, writeGpt } from "./gpt.ts";
import { headerCrc } from "./gpt-format.ts";
import { imageErrorOf } from "./testing.ts";

const BLOCK_COUNT = 1024;

/** A small disk with two partitions, which touch each other. */
function makeDisk(blockBytes: number): Uint8Array {
  const image = new Uint8Array(BLOCK_COUNT * blockBytes);
  const partition = { type: LINUX_FILESYSTEM_GUID, blocks: 8 };
  writeGpt(image, {
    blockBytes,
    diskGuid: "11111111-2222-4333-8444-555555555555",
    partitions: [
      { ...partition, guid: "11111111-2222-4333-8444-000000000001", name: "a", firstLba: 64 },
      { ...partition, guid: "11111111-2222-4333-8444-000000000002", name: "b", firstLba: 72 },
    ],
  });
  return image;
}

/** Writes a number into a header, or into entry 0 or 1 behind it, and corrects the checksums. */
function forge(
  image: Uint8Array,
  blockBytes: number,
  lba: number,
  change: { header?: number; entry?: [number, number]; bytes: 4 | 8; value: bigint },
): void {
  const view = new DataView(image.buffer);
  const header = lba * blockBytes;
  const entries = Number(view.getBigUint64(header + 72, true)) * blockBytes;
  const [entry = 0, field = 0] = change.entry ?? [];
  const at = change.header === undefined ? entries + entry * 128 + field : header + change.header;
  if (change.bytes === 4) view.setUint32(at, Number(change.value), true);
  else view.setBigUint64(at, change.value, true);
  if (change.entry) {
    view.setUint32(header + 88, crc32(image.subarray(entries, entries + 16_384)), true);
  }
  view.setUint32(header + 16, headerCrc(image.subarray(header, header + blockBytes), 92), true);
}

const HEADER_FIELDS: [string, number, 4 | 8, bigint, ImageErrorCode][] = [
  ["revision 2.0", 8, 4, 0x0002_0000n, "gpt-revision"],
  ["the LBA of another block", 24, 8, 7n, "gpt-my-lba"],
  ["no usable blocks", 40, 8, 1023n, "gpt-usable-range"],
  ["usable blocks from 0", 40, 8, 0n, "gpt-usable-range"],
  ["usable blocks beyond the disk", 48, 8, 1024n, "gpt-usable-range"],
  ["usable blocks up to 2^64", 48, 8, 2n ** 64n - 1n, "gpt-usable-range"],
  ["entries in block 0", 72, 8, 0n, "gpt-entries-place"],
  ["entries among the partitions", 72, 8, 70n, "gpt-entries-place"],
  ["entries beyond the disk", 72, 8, 2n ** 63n, "gpt-entries-place"],
  ["no entries", 80, 4, 0n, "gpt-entry-count"],
  ["2^32 - 1 entries", 80, 4, 2n ** 32n - 1n, "gpt-entry-count"],
  ["more entries than there is room for", 80, 4, 30_000n, "gpt-entries-place"],
  ["fewer entries than were summed", 80, 4, 64n, "gpt-entries-crc"],
  ["entries of 64 bytes", 84, 4, 64n, "gpt-entry-size"],
  ["entries of 192 bytes", 84, 4, 192n, "gpt-entry-size"],
  ["entries of 0 bytes", 84, 4, 0n, "gpt-entry-size"],
  ["entries of 2^31 bytes", 84, 4, 2n ** 31n, "gpt-entry-count"],
  ["another CRC of the entries", 88, 4, 1n, "gpt-entries-crc"],
];

const ENTRY_FIELDS: [string, [number, number], bigint, ImageErrorCode][] = [
  ["a start in the table", [0, 32], 2n, "gpt-partition-range"],
  ["an end before its start", [0, 40], 63n, "gpt-partition-range"],
  ["an end beyond 2^53", [0, 40], 2n ** 60n, "gpt-partition-range"],
  ["an end in the next partition", [0, 40], 72n, "gpt-partition-overlap"],
];

describe.each([512, 4096])("with blocks of %i bytes", (blockBytes) => {
  const good = makeDisk(blockBytes);
  const expected = readGpt(good, blockBytes).partitions;

  test.each(HEADER_FIELDS)("a header with %s is named, and the backup used", (...row) => {
    const [, header, bytes, value, code] = row;
    const image = good.slice();
    forge(image, blockBytes, 1, { header, bytes, value });
    const gpt = readGpt(image, blockBytes);
    expect(gpt).toMatchObject({ table: "backup", backupError: null, partitions: expected });
    expect(gpt.primaryError).toMatchObject({ code, place: { lba: 1 } });
    const { byteOffset } = gpt.primaryError?.place ?? { byteOffset: -1 };
    expect(Math.floor(byteOffset / blockBytes)).toBe(1);
  });

  test.each(HEADER_FIELDS)("a backup header with %s is reported", (...row) => {
    const [, header, bytes, value, code] = row;
    const image = good.slice();
    forge(image, blockBytes, BLOCK_COUNT - 1, { header, bytes, value });
    const gpt = readGpt(image, blockBytes);
    expect(gpt).toMatchObject({ table: "primary", primaryError: null, partitions: expected });
    expect(gpt.backupError).toMatchObject({ code, place: { lba: BLOCK_COUNT - 1 } });
  });

  test.each(ENTRY_FIELDS)("a partition with %s is named, and the backup used", (...row) => {
    const [, entry, value, code] = row;
    const image = good.slice();
    forge(image, blockBytes, 1, { entry, bytes: 8, value });
    const gpt = readGpt(image, blockBytes);
    expect(gpt).toMatchObject({ table: "backup", backupError: null, partitions: expected });
    expect(gpt.primaryError?.code).toBe(code);
  });

  test("two partitions with one GUID are named, and the backup used", () => {
    const image = good.slice();
    image.copyWithin(2 * blockBytes + 128 + 16, 2 * blockBytes + 16, 2 * blockBytes + 32);
    forge(image, blockBytes, 1, { entry: [1, 32], bytes: 8, value: 72n });
    expect(readGpt(image, blockBytes).primaryError?.code).toBe("gpt-partition-guid");
  });

  test("every header byte that its CRC covers is checked", () => {
    for (let at = 0; at < 92; at++) {
      const image = good.slice();
      const offset = blockBytes + at;
      image[offset] = (image[offset] ?? 0) ^ 0x01;
      const gpt = readGpt(image, blockBytes);
      expect(gpt).toMatchObject({ table: "backup", partitions: expected });
      const code = at < 8 ? "gpt-signature" : "gpt-header-crc";
      const isSize = at >= 12 && at < 16;
      expect(gpt.primaryError?.code).toBe(isSize ? gpt.primaryError?.code : code);
    }
  });

  test("header sizes below 92 bytes and above a block are refused before the CRC", () => {
    for (const size of [0, 91, blockBytes + 1, 0xffff_ffff]) {
      const image = good.slice();
      new DataView(image.buffer).setUint32(blockBytes + 12, size, true);
      expect(readGpt(image, blockBytes).primaryError?.code).toBe("gpt-header-size");
    }
  });

  test("a disk that grew keeps its primary table; the stray backup is reported", () => {
    const image = new Uint8Array(good.length + 100 * blockBytes);
    image.set(good);
    const gpt = readGpt(image, blockBytes);
    expect(gpt).toMatchObject({ table: "primary", primaryError: null, partitions: expected });
    expect(gpt.backupError).toMatchObject({
      code: "gpt-alternate-lba",
      place: { lba: 1, byteOffset: blockBytes + 32 },
    });
  });

  test("a sound backup of another disk is reported", () => {
    const image = good.slice();
    const header = (BLOCK_COUNT - 1) * blockBytes;
    forge(image, blockBytes, BLOCK_COUNT - 1, { header: 56, bytes: 4, value: 99n });
    expect(readGpt(image, blockBytes).backupError).toMatchObject({
      code: "gpt-tables-differ",
      place: { byteOffset: header },
    });
  });

  test("truncation that reaches the usable blocks is refused by name", async () => {
    const entriesEnd = 2 + 16_384 / blockBytes;
    const lastUsable = BLOCK_COUNT - 2 - 16_384 / blockBytes;
    for (const boundary of [0, 1, 2, 6, entriesEnd, 64, 72, 80, lastUsable, lastUsable + 1]) {
      for (const bytes of [boundary * blockBytes - 1, boundary * blockBytes]) {
        if (bytes < 0) continue;
        const error = await imageErrorOf(() => readGpt(good.subarray(0, bytes), blockBytes));
        expect(error.code).toBe(bytes < 6 * blockBytes ? "image-truncated" : "gpt-usable-range");
      }
    }
  });

  test("truncation that only reaches the backup table leaves the primary, and is reported", () => {
    const lastUsable = BLOCK_COUNT - 2 - 16_384 / blockBytes;
    for (const bytes of [
      (lastUsable + 2) * blockBytes,
      good.length - blockBytes,
      good.length - 1,
    ]) {
      const gpt = readGpt(good.subarray(0, bytes), blockBytes);
      expect(gpt).toMatchObject({ table: "primary", primaryError: null, partitions: expected });
      expect(gpt.backupError?.code).toBe("gpt-alternate-lba");
    }
  });

  test("when both tables are bad, the error is about both", async () => {
    const image = good.slice();
    image.fill(0, blockBytes, blockBytes + 8);
    image.fill(0, image.length - blockBytes);
    const error = await imageErrorOf(() => readGpt(image, blockBytes));
    expect(error).toMatchObject({ code: "gpt-signature", place: { lba: 1 } });
    expect(error.message).toMatch(/^primary table: .*; backup table: .* \(gpt-signature at LBA 1/);
    expect(error.cause).toMatchObject({ place: { lba: BLOCK_COUNT - 1 } });
  });

  test("bits flipped anywhere in the tables never change the partitions unnoticed", () => {
    const edges = 2 + 16_384 / blockBytes;
    const bit = fc.integer({ min: 0, max: 2 * edges * blockBytes * 8 - 1 });
    fc.assert(
      fc.property(fc.array(bit, { minLength: 1, maxLength: 4 }), (bits) => {
        const image = good.slice();
        for (const at of bits) {
          const byte = at >> 3;
          const half = edges * blockBytes;
          const offset = byte < half ? byte : image.length - 2 * half + byte;
          image[offset] = (image[offset] ?? 0) ^ (1 << (at & 7));
        }
        const gpt = readGptOrNull(image, blockBytes);
        if (gpt !== null) expect(gpt.partitions).toEqual(expected);
      }),
    );
  });
});

test("a disk without a protective MBR is not a GPT disk, whatever its blocks hold", async () => {
  const image = makeDisk(512);
  image[446 + 4] = 0x83;
  const refused = () => imageErrorOf(() => readGpt(image, 512));
  expect(await refused()).toMatchObject({ code: "mbr-not-protective", place: { byteOffset: 446 } });
  image[510] = 0;
  expect(await refused()).toMatchObject({ code: "mbr-signature", place: { byteOffset: 510 } });
});

test("a hybrid MBR is taken, as by Linux and util-linux, if one record protects the table", () => {
  const image = makeDisk(512);
  image.copyWithin(446 + 16, 446, 446 + 16);
  image[446 + 4] = 0x83;
  expect(readGpt(image, 512).partitions).toHaveLength(2);
});

test("noise is refused by name", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8192 }), (bytes) => {
      expect(readGptOrNull(bytes, 512)).toBeNull();
    }),
  );
});

/** Null for an ImageError; another kind of error fails the test. */
function readGptOrNull(image: Uint8Array, blockBytes: number) {
  try {
    return readGpt(image, blockBytes);
  } catch (error) {
    expect(error).toMatchObject({ name: "ImageError" });
    return null;
  }
}
