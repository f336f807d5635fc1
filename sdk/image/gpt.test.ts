import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type GptPartitionRequest, LINUX_FILESYSTEM_GUID, readGpt, writeGpt } from "./gpt.ts";
import { detectBlockBytes } from "./gpt-read.ts";
import { imageErrorOf, runTool, temporaryFolder } from "./testing.ts";

const MIB = 1024 * 1024;
const DISK_GUID = "11111111-2222-4333-8444-555555555555";
const guid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const partition = (n: number, more: Partial<GptPartitionRequest> = {}): GptPartitionRequest => ({
  type: LINUX_FILESYSTEM_GUID,
  guid: guid(n),
  name: `part ${n}`,
  blocks: 16,
  ...more,
});

interface SfdiskTable {
  readonly id: string;
  readonly firstlba: number;
  readonly lastlba: number;
  readonly sectorsize: number;
  readonly partitions: readonly {
    readonly start: number;
    readonly size: number;
    readonly type: string;
    readonly uuid: string;
    readonly name: string;
    readonly attrs?: string;
  }[];
}

function sfdisk(args: readonly string[], input = ""): Buffer {
  return runTool("sfdisk", args, { input });
}

function sfdiskJson(path: string): SfdiskTable {
  return JSON.parse(sfdisk(["--json", path]).toString()).partitiontable as SfdiskTable;
}

describe("tables that we write", () => {
  test("start partitions on 1 MiB boundaries unless told where", () => {
    for (const blockBytes of [512, 4096]) {
      const partitions = [partition(1, { blocks: 1 }), partition(2)];
      const placed = writeGpt(new Uint8Array(8 * MIB), {
        blockBytes,
        diskGuid: DISK_GUID,
        partitions,
      });
      expect(placed.map(({ firstLba }) => firstLba * blockBytes)).toEqual([MIB, 2 * MIB]);
    }
  });

  test("leave every byte outside of their own blocks alone", () => {
    const image = new Uint8Array(4 * MIB).fill(0xa5);
    writeGpt(image, { diskGuid: DISK_GUID, partitions: [partition(1)] });
    const inside = image.subarray(34 * 512, image.length - 33 * 512);
    expect(inside.every((byte) => byte === 0xa5)).toBe(true);
  });

  test("are read by sfdisk and sgdisk without complaint", () => {
    const path = join(temporaryFolder(), "disk.img");
    const image = new Uint8Array(16 * MIB);
    const partitions = [
      partition(1, { name: "ä 𝄞", blocks: 2048, attributes: 4n }),
      partition(2, { firstLba: 10_240, blocks: 100 }),
    ];
    writeGpt(image, { diskGuid: DISK_GUID, partitions });
    writeFileSync(path, image);
    const table = sfdiskJson(path);
    expect(table).toMatchObject({ id: DISK_GUID, firstlba: 34, lastlba: 32_734, sectorsize: 512 });
    expect(table.partitions).toMatchObject([
      { start: 2048, size: 2048, uuid: guid(1), attrs: "LegacyBIOSBootable" },
      { start: 10_240, size: 100, uuid: guid(2), name: "part 2" },
    ]);
    expect(table.partitions[0]?.type).toBe(LINUX_FILESYSTEM_GUID.toUpperCase());
    const verdict = sfdisk(["--verify", path]).toString();
    expect(verdict).toContain("No errors detected.");
    expect(runTool("sgdisk", ["-v", path]).toString()).toContain("No problems found");
  });

  test("with 4096-byte blocks are read by fdisk without complaint", () => {
    const path = join(temporaryFolder(), "disk.img");
    const image = new Uint8Array(16 * MIB);
    const partitions = [partition(1, { name: "boot", blocks: 300 })];
    writeGpt(image, { blockBytes: 4096, diskGuid: DISK_GUID, partitions });
    writeFileSync(path, image);
    // Its commands: verify, show the partition, quit.
    const said = runTool("fdisk", ["-b", "4096", path], { input: "v\ni\nq\n" }).toString();
    expect(said).toContain("No errors detected.");
    expect(said).toMatch(/Start: 256\n +End: 555\n +Sectors: 300\n/);
    expect(said).toMatch(new RegExp(`UUID: ${guid(1)}\\n +Name: boot\\n`));
  });

  test.each<[string, string, Partial<GptPartitionRequest>[]]>([
    ["a partition of no blocks", "gpt-partition-range", [{ blocks: 0 }]],
    ["half a block", "gpt-partition-range", [{ blocks: 0.5 }]],
    ["attributes of 65 bits", "gpt-partition-range", [{ attributes: 1n << 64n }]],
    ["a start among the entries", "gpt-partition-range", [{ firstLba: 33 }]],
    ["an end in the backup table", "gpt-partition-range", [{ firstLba: 8159 - 15 + 1 }]],
    ["more than the disk has", "gpt-no-space", [{ blocks: 8192 }]],
    ["two in the same place", "gpt-partition-overlap", [{ firstLba: 64 }, { firstLba: 79 }]],
    ["a GUID used twice", "gpt-partition-guid", [{ guid: guid(7) }, { guid: guid(7) }]],
    [
      "a GUID of zeros",
      "gpt-partition-guid",
      [{ guid: guid(0).replace("4", "0").replace("8", "0") }],
    ],
    ["a name of 37 units", "gpt-partition-name", [{ name: "x".repeat(37) }]],
    ["a name with a NUL", "gpt-partition-name", [{ name: "a\0" }]],
    ["a type that is no GUID", "guid-text", [{ type: "linux" }]],
    ["129 partitions", "gpt-entry-count", Array.from({ length: 129 }, () => ({}))],
  ])("are refused for %s, and the image stays as it was", async (_, code, wishes) => {
    const image = new Uint8Array(4 * MIB);
    const partitions = wishes.map((wish, index) => partition(index + 1, wish));
    const error = await imageErrorOf(() => writeGpt(image, { diskGuid: DISK_GUID, partitions }));
    expect(error.code).toBe(code);
    expect(image.every((byte) => byte === 0)).toBe(true);
  });

  test("are refused for images without whole blocks or room, and other block sizes", async () => {
    const write = (bytes: number, blockBytes: number) => () =>
      writeGpt(new Uint8Array(bytes), { blockBytes, diskGuid: DISK_GUID, partitions: [] });
    for (const bytes of [0, 512, 67 * 512, MIB + 1]) {
      expect((await imageErrorOf(write(bytes, 512))).code).toBe("image-size");
    }
    expect((await imageErrorOf(write(MIB, 1024))).code).toBe("block-size");
    expect(readGpt(writeTo(68 * 512, 512), 512).partitions).toEqual([]);
    expect(readGpt(writeTo(12 * 4096, 4096), 4096).partitions).toEqual([]);
  });
});

describe("tables that others make", () => {
  test("by sfdisk are read as sfdisk reads them", () => {
    const path = join(temporaryFolder(), "disk.img");
    writeFileSync(path, "");
    truncateSync(path, 32 * MIB);
    const script = `label: gpt
      size=4M, name="first", type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
      start=20480, size=1M, name="ünïcode", attrs="RequiredPartition,GUID:60"
      size=2M`;
    sfdisk(["-q", path], script);
    const table = sfdiskJson(path);
    const gpt = readGpt(readFileSync(path), 512);
    expect(gpt).toMatchObject({ table: "primary", primaryError: null, backupError: null });
    expect(gpt.diskGuid).toBe(table.id.toLowerCase());
    expect([gpt.firstUsableLba, gpt.lastUsableLba]).toEqual([table.firstlba, table.lastlba]);
    const ours = gpt.partitions.map(({ firstLba, lastLba, type, guid, name }) => ({
      start: firstLba,
      size: lastLba - firstLba + 1,
      type: type.toUpperCase(),
      uuid: guid.toUpperCase(),
      name,
    }));
    const theirs = table.partitions.map(({ start, size, type, uuid, name = "" }) => ({
      start,
      size,
      type,
      uuid,
      name,
    }));
    expect(ours).toEqual(theirs);
    expect(gpt.partitions[1]).toMatchObject({ name: "ünïcode", attributes: 1n | (1n << 60n) });
  });

  test("by sgdisk, with 256 entries and a gap in the numbers, are read", () => {
    const path = join(temporaryFolder(), "disk.img");
    writeFileSync(path, "");
    truncateSync(path, 8 * MIB);
    runTool("sgdisk", ["-o", "-S", "256", "-n", "200:2048:4095", "-c", "200:late", path]);
    const gpt = readGpt(readFileSync(path), 512);
    expect(gpt.partitions).toMatchObject([
      { number: 200, name: "late", firstLba: 2048, lastLba: 4095, type: LINUX_FILESYSTEM_GUID },
    ]);
  });

  test("by fdisk with 4096-byte blocks are read", () => {
    const path = join(temporaryFolder(), "disk.img");
    writeFileSync(path, "");
    truncateSync(path, 16 * MIB);
    // Its commands: new table, first partition of 1 MiB, expert mode to name it, write.
    const input = "g\nn\n1\n\n+1M\nx\nn\nhello\nr\nw\n";
    runTool("fdisk", ["-b", "4096", path], { input });
    const image = readFileSync(path);
    expect(detectBlockBytes(image)).toBe(4096);
    const gpt = readGpt(image, 4096);
    expect(gpt).toMatchObject({ table: "primary", backupError: null, lastUsableLba: 4090 });
    expect(gpt.partitions).toMatchObject([{ name: "hello", firstLba: 256, lastLba: 511 }]);
  });
});

test("the block size is found from the primary table, or from the backup", () => {
  for (const blockBytes of [512, 4096]) {
    const image = writeTo(2 * MIB, blockBytes);
    expect(detectBlockBytes(image)).toBe(blockBytes);
    image.fill(0, blockBytes, 2 * blockBytes);
    expect(detectBlockBytes(image)).toBe(blockBytes);
  }
  expect(detectBlockBytes(new Uint8Array(2 * MIB))).toBeNull();
  expect(detectBlockBytes(new Uint8Array(0))).toBeNull();
});

function writeTo(bytes: number, blockBytes: number): Uint8Array {
  const image = new Uint8Array(bytes);
  writeGpt(image, { blockBytes, diskGuid: DISK_GUID, partitions: [] });
  return image;
}
