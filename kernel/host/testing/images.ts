/** Images that tests boot from. */
import { createHash } from "node:crypto";
import { writeCpio } from "../../../sdk/image/cpio.ts";
import { AIOS_BOOT_BUNDLE_GUID, buildBootImage, writeGpt } from "../../../sdk/image/index.ts";

/** `bytes` bytes without a pattern that a mix-up of blocks would keep. */
export function noise(bytes: number, seed = 1): Uint8Array {
  const data = new Uint8Array(bytes);
  let state = seed;
  for (let index = 0; index < bytes; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[index] = state >>> 24;
  }
  return data;
}

export const HELLO = { name: "hello", data: new TextEncoder().encode("hello\n") };
/** Longer than three reads, so that the archive's room grows on the way. */
export const LARGE = { name: "lib/large.bin", data: noise(400_000) };

/** A small disk with a bundle of two entries and an empty data partition. */
export function smallImage(blockBytes = 512): Promise<Uint8Array> {
  return buildBootImage({ entries: [HELLO, LARGE], blockBytes, dataBytes: 1 << 20 });
}

/** A disk whose only partition, of the bundle's type, begins with these bytes. */
export function diskWith(archive: Uint8Array, options: DiskOptions = {}): Uint8Array {
  const { blockBytes = 512, type = AIOS_BOOT_BUNDLE_GUID } = options;
  const blocks = Math.max(1, Math.ceil((options.bytes ?? archive.length) / blockBytes));
  const start = (1 << 20) / blockBytes;
  const image = new Uint8Array((start + blocks + 64) * blockBytes);
  writeGpt(image, {
    blockBytes,
    diskGuid: "11111111-2222-4333-8444-555555555555",
    partitions: [{ type, guid: "11111111-2222-4333-8444-000000000001", name: "boot", blocks }],
  });
  image.set(archive, start * blockBytes);
  return image;
}

interface DiskOptions {
  readonly blockBytes?: number;
  readonly type?: string;
  /** Of the partition; by default just what the archive takes. */
  readonly bytes?: number;
}

export interface File {
  readonly name: string;
  readonly data: Uint8Array;
  readonly mode?: number;
}

/** A cpio archive of these files as they come, with no manifest of its own. */
export function archiveOf(files: readonly File[]): Uint8Array {
  const rest = { uid: 0, gid: 0, nlink: 1, mtime: 0, devMajor: 0, devMinor: 0 };
  return writeCpio(
    files.map(({ name, data, mode = 0o100644 }, index) => ({
      ...rest,
      name,
      data,
      mode,
      ino: index + 1,
      rdevMajor: 0,
      rdevMinor: 0,
    })),
  );
}

/** The manifest of these files, as sha256sum(1) would write it. */
export function manifestOf(files: readonly File[]): File {
  const lines = files.map(
    ({ name, data }) => `${createHash("sha256").update(data).digest("hex")}  ${name}\n`,
  );
  return { name: "SHA256SUMS", data: new TextEncoder().encode(lines.join("")) };
}
