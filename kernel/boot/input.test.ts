import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { crc32 } from "../../sdk/image/crc32.ts";
import { LINUX_FILESYSTEM_GUID } from "../../sdk/image/index.ts";
import { runTool, temporaryFolder } from "../../sdk/image/testing.ts";
import type { DriveOptions } from "../../sim/host/drives.ts";
import { bootWith } from "../host/testing/boot.ts";
import {
  archiveOf,
  diskWith,
  HELLO,
  manifestOf,
  noise,
  smallImage,
} from "../host/testing/images.ts";

const MIB = 1024 * 1024;
const BLOCK = 512;

let image: Uint8Array;
beforeAll(async () => {
  image = await smallImage();
});

/** A copy of the image with some bytes changed. */
function changed(...changes: readonly [at: number, value: number][]): Uint8Array {
  const copy = image.slice();
  for (const [at, value] of changes) copy[at] = (copy[at] ?? 0) ^ value;
  return copy;
}

const lastBlock = () => image.length - BLOCK;
/** Where the backup's entry array begins. */
const backupArray = () => lastBlock() - 32 * BLOCK;
const REASON = /primary GPT is damaged \((\d+)\), backup used/;

/** Sets fields of a header and makes its CRC right again (UEFI 2.10, 5.3.2). */
function forged(lba: number, ...fields: readonly [offset: number, value: bigint][]): Uint8Array {
  const copy = image.slice();
  const header = copy.subarray(lba * BLOCK, lba * BLOCK + 92);
  const view = new DataView(header.buffer, header.byteOffset);
  for (const [offset, value] of fields) view.setBigUint64(offset, value, true);
  view.setUint32(16, 0, true);
  view.setUint32(16, crc32(header), true);
  return copy;
}

describe("a machine without a drive to boot from says so", () => {
  test("no drive", async () => {
    expect((await bootWith({ drives: [] })).result).toBe("no-drive");
  });

  test("a drive of no bytes is refused before the machine exists", async () => {
    await expect(bootWith({ drives: [new Uint8Array()] })).rejects.toThrow(/drive 0: .*0 bytes/);
  });

  test.each([1, 2, 3, 5])("a drive of %i blocks", async (blocks) => {
    for (const kind of ["nvme", "ahci"] as const) {
      const drives = [{ data: new Uint8Array(blocks * BLOCK), interface: kind }];
      expect((await bootWith({ drives })).result).toBe("not-gpt");
    }
  });

  test("a medium that can't be read", async () => {
    const backend = {
      bytes: 4 * MIB,
      read: () => {
        throw new Error("the disk is scratched");
      },
    };
    for (const kind of ["nvme", "ahci"] as const) {
      const outcome = await bootWith({ drives: [{ backend, interface: kind }] });
      expect(outcome.result).toBe("read");
      expect(outcome.console).toContain("drive 0: can't be read");
      expect(outcome.machine.driveErrors.length).toBeGreaterThan(0);
    }
  });
});

describe("images that are not GPT disks are refused by name", () => {
  test.each<[string, () => Uint8Array, string]>([
    ["zeroes", () => new Uint8Array(4 * MIB), "not-gpt"],
    ["noise", () => noise(4 * MIB), "not-gpt"],
    [
      "a master boot record without a protective entry",
      () => changed([450, 0xee ^ 0x83]),
      "not-gpt",
    ],
    ["no boot signature", () => changed([510, 0xff]), "not-gpt"],
    [
      "an archive without a disk around it",
      () => archiveOf([manifestOf([HELLO]), HELLO]),
      "not-gpt",
    ],
    [
      "a protective record and nothing else",
      () => {
        const copy = new Uint8Array(4 * MIB);
        copy.set(image.subarray(0, BLOCK));
        return copy;
      },
      "gpt-damaged",
    ],
    [
      "another type of partition only",
      () => diskWith(noise(4096), { type: LINUX_FILESYSTEM_GUID }),
      "no-bundle",
    ],
  ])("%s", async (_name, make, error) => {
    const drive = make();
    const padded = new Uint8Array(Math.ceil(drive.length / BLOCK) * BLOCK);
    padded.set(drive);
    expect((await bootWith({ drives: [padded] })).result).toBe(error);
  });

  test("truncated images, cut at each boundary of what is in them", async () => {
    const expected: [blocks: number, error: string][] = [
      [1, "not-gpt"],
      [2, "not-gpt"],
      [6, "gpt-damaged"],
      [33, "gpt-damaged"],
      [34, "gpt-damaged"],
      [2047, "gpt-damaged"],
      [2048, "gpt-damaged"],
      [2049, "gpt-damaged"],
      [2900, "gpt-damaged"],
      [4096, "gpt-damaged"],
      [image.length / BLOCK - 1, "gpt-damaged"],
    ];
    for (const [blocks, error] of expected) {
      const outcome = await bootWith({ drives: [image.subarray(0, blocks * BLOCK)] });
      expect([blocks, outcome.result]).toEqual([blocks, error]);
    }
  });

  test("a disk written with the other block size", async () => {
    const other = await smallImage(4096);
    expect((await bootWith({ drives: [other] })).result).toBe("gpt-damaged");
    expect((await bootWith({ drives: [{ data: image, blockBytes: 4096 }] })).result).toBe(
      "gpt-damaged",
    );
  });
});

describe("a damaged partition table", () => {
  test.each<[string, () => Uint8Array]>([
    ["signature", () => changed([BLOCK, 1])],
    ["header CRC", () => changed([BLOCK + 16, 1])],
    ["disk GUID, so that the CRC is wrong", () => changed([BLOCK + 56, 1])],
    ["entry array", () => changed([2 * BLOCK, 1])],
    ["array CRC in the header", () => changed([BLOCK + 88, 1])],
    ["own LBA", () => forged(1, [24, 2n])],
    ["usable range", () => forged(1, [48, 1n << 40n])],
    ["array on the header", () => forged(1, [72, 1n])],
    ["array far away", () => forged(1, [72, 0xffff_ffff_ffff_fff0n])],
    ["4 billion entries", () => forged(1, [80, 0x80_ffff_ffffn])],
    ["no entries", () => forged(1, [80, 0x80_0000_0000n])],
    ["entries of 4 GiB", () => forged(1, [80, (0x8000_0000n << 32n) | 128n])],
    ["a header of 4 GiB", () => changed([BLOCK + 15, 0xff])],
  ])("with a bad primary (%s): the backup is used and reported", async (_name, make) => {
    const outcome = await bootWith({ drives: [make()] });
    expect(outcome.result).toBe("booted");
    expect(outcome.console).toMatch(REASON);
    expect(outcome.kernel.boot.partitionsAt(0).primaryError).toBe(
      Number(REASON.exec(outcome.console)?.[1]),
    );
  });

  test("with a bad backup only is not looked at", async () => {
    const outcome = await bootWith({ drives: [changed([lastBlock() + 16, 1])] });
    expect(outcome.result).toBe("booted");
    expect(outcome.console).not.toContain("damaged");
  });

  test.each<[string, () => Uint8Array]>([
    ["both headers", () => changed([BLOCK + 16, 1], [lastBlock() + 16, 1])],
    ["both arrays", () => changed([2 * BLOCK, 1], [backupArray(), 1])],
    ["primary header and backup array", () => changed([BLOCK + 16, 1], [backupArray(), 1])],
    ["primary array and backup header", () => changed([2 * BLOCK, 1], [lastBlock(), 1])],
  ])("with %s bad is the error gpt-damaged", async (_name, make) => {
    const outcome = await bootWith({ drives: [make()] });
    expect(outcome.result).toBe("gpt-damaged");
    expect(outcome.console).toContain("drive 0: primary and backup GPT are damaged");
  });

  test("any byte of it changed: boots from one of the tables, or is refused by name", async () => {
    for (let at = 0; at < 34 * BLOCK; at += 97) {
      const { result } = await bootWith({ drives: [changed([at, 0x40])] });
      expect([at, result]).toEqual([at, expect.stringMatching(/^(booted|not-gpt)$/)]);
    }
  });

  test("on one drive does not matter when another has a bundle", async () => {
    const broken = changed([BLOCK + 16, 1], [lastBlock() + 16, 1]);
    for (const drives of [
      [broken, image],
      [image, broken],
      [new Uint8Array(BLOCK), image],
    ])
      expect((await bootWith({ drives })).result).toBe("booted");
  });
});

describe("too little of the machine", () => {
  test.each([2, 4, 8, 15])("%i MiB of RAM is memory-too-small", async (mib) => {
    const outcome = await bootWith({ memory: mib * MIB, drives: [image] });
    expect(outcome.result).toBe("memory-too-small");
    expect(outcome.kernel.panic.place).toBeLessThan(BigInt(mib * MIB));
  });

  test("16 MiB boot with one processor; with 64 they boot or are out-of-frames", async () => {
    expect((await bootWith({ memory: 16 * MIB, drives: [image] })).result).toBe("booted");
    const many = await bootWith({ memory: 16 * MIB, cpus: 64, drives: [image] });
    expect(many.result).toMatch(/^(booted|out-of-frames)$/);
  });

  test("less RAM than the kernel's image is refused before the machine exists", async () => {
    await expect(bootWith({ memory: MIB })).rejects.toThrow(/memory: 1048576 bytes; too little/);
  });

  test.each([0, 65, 1000, 1.5, -1])("%d processors are refused by name", async (cpus) => {
    await expect(bootWith({ cpus })).rejects.toThrow(/^cpus: /);
  });
});

describe("images that other tools made", () => {
  const files = [
    { name: "init", data: new TextEncoder().encode("the first agent\n") },
    { name: "etc/limits", data: noise(5000, 3) },
    { name: "lib/model.bin", data: noise(700_001, 4) },
  ];

  /** A bundle as a user makes one by hand: files, sha256sum, cpio. */
  function cpioArchive(folder: string): Uint8Array {
    runTool("mkdir", ["-p", "etc", "lib"], { cwd: folder });
    for (const { name, data } of files) writeFileSync(join(folder, name), data);
    const names = files.map(({ name }) => name);
    writeFileSync(join(folder, "SHA256SUMS"), runTool("sha256sum", names, { cwd: folder }));
    const input = `${["SHA256SUMS", ...names].join("\n")}\n`;
    return runTool("cpio", ["--quiet", "-o", "-H", "newc"], { cwd: folder, input });
  }

  function place(path: string, archive: Uint8Array, start: number): Uint8Array {
    const disk = new Uint8Array(readFileSync(path));
    disk.set(archive, start);
    return disk;
  }

  async function expectBoots(drive: DriveOptions): Promise<void> {
    const outcome = await bootWith({ drives: [drive] });
    expect(outcome.result).toBe("booted");
    expect(outcome.kernel.entries.map(({ name }) => name)).toEqual(files.map(({ name }) => name));
    for (const [index, { data }] of files.entries())
      expect(Buffer.from(outcome.kernel.entries[index]?.data ?? []).equals(data)).toBe(true);
  }

  test.each(["nvme", "ahci"] as const)("sfdisk, sha256sum and cpio, behind %s", async (kind) => {
    const folder = temporaryFolder();
    const path = join(folder, "disk.img");
    const archive = cpioArchive(folder);
    writeFileSync(path, "");
    truncateSync(path, 8 * MIB);
    const table = [
      "label: gpt",
      "size=1MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=data",
      "size=3MiB, type=304A767F-5263-410B-B9C3-93708355D47E, name=boot",
    ];
    runTool("sfdisk", ["--quiet", path], { input: `${table.join("\n")}\n` });
    await expectBoots({ data: place(path, archive, 2 * MIB), interface: kind });
  });

  test("sgdisk, with a partition where it likes", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "disk.img");
    const archive = cpioArchive(folder);
    writeFileSync(path, "");
    truncateSync(path, 6 * MIB);
    const type = "304A767F-5263-410B-B9C3-93708355D47E";
    runTool("sgdisk", ["-a", "1", "-n", "3:777:+2M", "-t", `3:${type}`, "-c", "3:b", path]);
    await expectBoots({ data: place(path, archive, 777 * BLOCK) });
  });

  test("gdisk repairs what the kernel reported", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "disk.img");
    writeFileSync(path, changed([BLOCK + 16, 1]));
    expect((await bootWith({ drives: [new Uint8Array(readFileSync(path))] })).console).toMatch(
      REASON,
    );
    // Recovery menu: rebuild the main table from the backup, then write.
    runTool("gdisk", [path], { input: "r\nb\nw\ny\n" });
    const repaired = await bootWith({ drives: [new Uint8Array(readFileSync(path))] });
    expect(repaired.result).toBe("booted");
    expect(repaired.console).not.toMatch(REASON);
  });
});
