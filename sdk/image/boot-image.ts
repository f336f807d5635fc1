import {
  BUNDLE_BYTES_MAX,
  type Bundle,
  type BundleEntry,
  buildBundle,
  readBundle,
} from "./bundle.ts";
import { ImageError } from "./errors.ts";
import {
  type Gpt,
  type GptPartition,
  LINUX_FILESYSTEM_GUID,
  PARTITION_ALIGNMENT_BYTES,
  readGpt,
  usableRange,
  writeGpt,
} from "./gpt.ts";
import { checkBlockBytes } from "./gpt-format.ts";
import { uuidV8 } from "./guid.ts";
import { sha256, sha256Hex } from "./sha256.ts";
import { type ImageSource, imageSource } from "./source.ts";

/** Type GUID of the partition that holds a boot bundle: random, drawn once for this project. */
export const AIOS_BOOT_BUNDLE_GUID = "304a767f-5263-410b-b9c3-93708355d47e";
export const BOOT_PARTITION_NAME = "aios-boot";
export const DATA_PARTITION_NAME = "aios-data";
/** An image is built in memory; Node's buffers and files written in one go end at 2 GiB. */
export const IMAGE_BYTES_MAX = 2 * 1024 * 1024 * 1024 - 4096;

export interface BootImageOptions {
  readonly entries: readonly BundleEntry[];
  /** Size of the image, a multiple of the block size; default: the least that fits. */
  readonly bytes?: number;
  /** 512 (default) or 4096. */
  readonly blockBytes?: number;
  /** Size of a second, empty partition of type Linux filesystem; default 0, none. */
  readonly dataBytes?: number;
  /** Makes the GUIDs differ between images of the same content; default "". */
  readonly seed?: string;
}

/**
 * A GPT disk with the bundle of `entries` in its first partition. The same options give the same
 * bytes: GUIDs are UUIDs of version 8, made from a digest of all that went in.
 *
 * @throws ImageError `block-size`, `image-size`, `gpt-no-space`, `bundle-*`
 */
export async function buildBootImage(options: BootImageOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { entries, blockBytes = 512, dataBytes = 0, seed = "" } = options;
  checkBlockBytes(blockBytes);
  checkImageBytes("data partition", dataBytes);
  const bundle = await buildBundle(entries);
  const least = leastBytes([bundle.length, dataBytes], blockBytes);
  const bytes = options.bytes ?? alignedBytes(least);
  checkImageBytes("image", bytes);
  if (bytes < least) {
    const reason = `an image of ${bytes} bytes is too small, this content needs ${least}`;
    throw new ImageError("image-size", null, reason);
  }
  const content = JSON.stringify([await sha256Hex(bundle), bytes, blockBytes, dataBytes, seed]);
  const guidOf = async (role: string) =>
    uuidV8(await sha256(new TextEncoder().encode(`aios image ${role} ${content}`)));
  const image = new Uint8Array(bytes);
  const boot = {
    type: AIOS_BOOT_BUNDLE_GUID,
    guid: await guidOf("boot"),
    name: BOOT_PARTITION_NAME,
    blocks: alignedBytes(bundle.length) / blockBytes,
  };
  const data = {
    type: LINUX_FILESYSTEM_GUID,
    guid: await guidOf("data"),
    name: DATA_PARTITION_NAME,
    blocks: alignedBytes(dataBytes) / blockBytes,
  };
  const [placed] = writeGpt(image, {
    blockBytes,
    diskGuid: await guidOf("disk"),
    partitions: dataBytes > 0 ? [boot, data] : [boot],
  });
  if (placed !== undefined) image.set(bundle, placed.firstLba * blockBytes);
  return image;
}

export interface BootImage {
  readonly gpt: Gpt;
  readonly partition: GptPartition;
  readonly bundle: Bundle;
}

/**
 * Reads the partition table and the bundle of an image, and verifies both.
 *
 * @throws ImageError of any code about what was read; `bundle-missing` when no partition has the
 *   type of a boot bundle
 */
export async function readBootImage(
  image: Uint8Array | ImageSource,
  blockBytes: number,
): Promise<BootImage> {
  const gpt = readGpt(image, blockBytes);
  const partition = findBootPartition(gpt);
  if (partition === null) {
    const reason = `no partition has type ${AIOS_BOOT_BUNDLE_GUID}`;
    throw new ImageError("bundle-missing", null, reason);
  }
  return { gpt, partition, bundle: await readPartitionBundle(image, gpt, partition) };
}

/** The first partition with the type of a boot bundle, or null. */
export function findBootPartition(gpt: Gpt): GptPartition | null {
  return gpt.partitions.find(({ type }) => type === AIOS_BOOT_BUNDLE_GUID) ?? null;
}

/** @throws ImageError `cpio-*` and `bundle-*`, with places counted from the image's first byte */
export async function readPartitionBundle(
  image: Uint8Array | ImageSource,
  gpt: Gpt,
  partition: GptPartition,
): Promise<Bundle> {
  const byteOffset = partition.firstLba * gpt.blockBytes;
  const partitionBytes = (partition.lastLba - partition.firstLba + 1) * gpt.blockBytes;
  // One byte more than a bundle can have, so that the reader sees whether it was cut off.
  const byteLength = Math.min(partitionBytes, BUNDLE_BYTES_MAX + 1);
  return readBundle(imageSource(image).read(byteOffset, byteLength), byteOffset);
}

/**
 * The least image for partitions of these sizes, each starting and ending on a boundary. The
 * primary table lies before the first boundary, the backup, a block shorter, after the last.
 */
function leastBytes(partitionBytes: readonly number[], blockBytes: number): number {
  const backupBytes = (usableRange(0, blockBytes).firstUsableLba - 1) * blockBytes;
  const partitions = partitionBytes.reduce((sum, bytes) => sum + alignedBytes(bytes), 0);
  return PARTITION_ALIGNMENT_BYTES + partitions + backupBytes;
}

function alignedBytes(bytes: number): number {
  return Math.ceil(bytes / PARTITION_ALIGNMENT_BYTES) * PARTITION_ALIGNMENT_BYTES;
}

function checkImageBytes(what: string, bytes: number): void {
  if (Number.isSafeInteger(bytes) && bytes >= 0 && bytes <= IMAGE_BYTES_MAX) return;
  const reason = `the ${what} has 0 to ${IMAGE_BYTES_MAX} bytes, not ${bytes}`;
  throw new ImageError("image-size", null, reason);
}
