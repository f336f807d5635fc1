import { crc32 } from "./crc32.ts";
import { ImageError } from "./errors.ts";
import {
  checkBlockBytes,
  checkPartitions,
  encodeEntry,
  encodeHeader,
  GPT_ENTRIES_BYTES_MIN,
  GPT_ENTRY_BYTES,
  GPT_NAME_UNITS_MAX,
  type GptHeader,
  type GptPartition,
} from "./gpt-format.ts";
import { ZERO_GUID } from "./guid.ts";
import { writeProtectiveMbr } from "./mbr.ts";

/** Where partitions start unless told otherwise: what every partitioning tool does today. */
export const PARTITION_ALIGNMENT_BYTES = 1024 * 1024;

const ENTRY_COUNT = GPT_ENTRIES_BYTES_MIN / GPT_ENTRY_BYTES;

export interface GptPartitionRequest {
  readonly type: string;
  readonly guid: string;
  /** At most 36 UTF-16 units. */
  readonly name: string;
  /** Taken as it is; by default the next 1 MiB boundary after the partition before. */
  readonly firstLba?: number;
  /** At least 1. */
  readonly blocks: number;
  readonly attributes?: bigint;
}

export interface GptWriteOptions {
  /** 512 or 4096; default 512. */
  readonly blockBytes?: number;
  readonly diskGuid: string;
  /** At most 128. */
  readonly partitions: readonly GptPartitionRequest[];
}

/** The blocks that the tables leave for partitions on a disk of `blocks` blocks. */
export function usableRange(blocks: number, blockBytes: number) {
  const entriesBlocks = GPT_ENTRIES_BYTES_MIN / blockBytes;
  return { firstUsableLba: 2 + entriesBlocks, lastUsableLba: blocks - entriesBlocks - 2 };
}

/**
 * Writes a protective MBR and both tables into an image, over whatever was in their blocks, and
 * leaves every other byte alone. Nothing is written when anything is wrong.
 *
 * @returns the partitions as placed
 * @throws ImageError `block-size`, `image-size` (not a whole number of blocks, or too few),
 *   `gpt-entry-count`, `gpt-no-space`, `gpt-partition-range`, `gpt-partition-overlap`,
 *   `gpt-partition-name`, `gpt-partition-guid`, `guid-text`
 */
export function writeGpt(image: Uint8Array, options: GptWriteOptions): GptPartition[] {
  const blockBytes = options.blockBytes ?? 512;
  checkBlockBytes(blockBytes);
  const blocks = image.length / blockBytes;
  const usable = usableRange(blocks, blockBytes);
  if (!Number.isInteger(blocks) || usable.firstUsableLba > usable.lastUsableLba) {
    const least = 2 * usable.firstUsableLba;
    const wanted = `whole blocks of ${blockBytes} bytes, at least ${least} of them`;
    throw new ImageError("image-size", null, `${image.length} bytes are not ${wanted}`);
  }
  const partitions = placePartitions(options.partitions, blockBytes, usable);
  const entries = new Uint8Array(GPT_ENTRIES_BYTES_MIN);
  for (const [index, partition] of partitions.entries()) {
    entries.set(encodeEntry(partition), index * GPT_ENTRY_BYTES);
  }
  const primary: GptHeader = {
    ...usable,
    myLba: 1,
    alternateLba: blocks - 1,
    diskGuid: options.diskGuid,
    entriesLba: 2,
    entryCount: ENTRY_COUNT,
    entryBytes: GPT_ENTRY_BYTES,
    entriesCrc: crc32(entries),
  };
  const backup: GptHeader = {
    ...primary,
    myLba: primary.alternateLba,
    alternateLba: primary.myLba,
    entriesLba: usable.lastUsableLba + 1,
  };
  // Encoding checks the disk's GUID, so it comes before the first byte is written.
  const headers = [primary, backup].map((header) => encodeHeader(header, blockBytes));
  writeProtectiveMbr(image.subarray(0, blockBytes), blocks);
  for (const [index, { myLba, entriesLba }] of [primary, backup].entries()) {
    image.set(headers[index] ?? [], myLba * blockBytes);
    image.set(entries, entriesLba * blockBytes);
  }
  return partitions;
}

function placePartitions(
  requests: readonly GptPartitionRequest[],
  blockBytes: number,
  usable: { readonly firstUsableLba: number; readonly lastUsableLba: number },
): GptPartition[] {
  if (requests.length > ENTRY_COUNT) {
    const reason = `a table has room for ${ENTRY_COUNT} partitions, not ${requests.length}`;
    throw new ImageError("gpt-entry-count", null, reason);
  }
  const alignmentBlocks = PARTITION_ALIGNMENT_BYTES / blockBytes;
  let nextLba = usable.firstUsableLba;
  const partitions = requests.map((request, index): GptPartition => {
    checkRequest(request, index + 1);
    const firstLba = request.firstLba ?? Math.ceil(nextLba / alignmentBlocks) * alignmentBlocks;
    const lastLba = firstLba + request.blocks - 1;
    if (request.firstLba === undefined && lastLba > usable.lastUsableLba) {
      const want = `${request.blocks} blocks from ${firstLba} on`;
      const reason = `partition ${index + 1} needs ${want}, the last usable is ${usable.lastUsableLba}`;
      throw new ImageError("gpt-no-space", null, reason);
    }
    nextLba = lastLba + 1;
    const { type, guid, name, attributes = 0n } = request;
    return {
      number: index + 1,
      type,
      guid: guid.toLowerCase(),
      name,
      firstLba,
      lastLba,
      attributes,
    };
  });
  checkPartitions(partitions, usable, () => null);
  return partitions;
}

function checkRequest(request: GptPartitionRequest, number: number): void {
  const { name, type, guid, blocks, firstLba = 0, attributes = 0n } = request;
  if (name.length > GPT_NAME_UNITS_MAX || name.includes("\0")) {
    const rule = `at most ${GPT_NAME_UNITS_MAX} UTF-16 units, none of them 0`;
    const reason = `partition ${number}'s name ${JSON.stringify(name)} must have ${rule}`;
    throw new ImageError("gpt-partition-name", null, reason);
  }
  if (type === ZERO_GUID || guid === ZERO_GUID) {
    const reason = `partition ${number}'s type and GUID must not be zero`;
    throw new ImageError("gpt-partition-guid", null, reason);
  }
  const whole = Number.isSafeInteger(blocks) && Number.isSafeInteger(firstLba);
  if (!whole || blocks < 1 || attributes !== BigInt.asUintN(64, attributes)) {
    const reason = `partition ${number} must have whole numbers of blocks, at least 1, and 64 attribute bits`;
    throw new ImageError("gpt-partition-range", null, reason);
  }
}
