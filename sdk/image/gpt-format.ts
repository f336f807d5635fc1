import { crc32 } from "./crc32.ts";
import { ImageError, type ImagePlace } from "./errors.ts";
import { GUID_BYTES, guidFromBytes, guidToBytes } from "./guid.ts";

/*
 * The bytes of a GUID partition table (UEFI 2.10, 5.3), and rules that reading and writing share.
 *
 *  LBA  0      1       2 ..            FirstUsable .. LastUsable   .. last-1   last
 *      ┌──────┬───────┬───────────────┬──────────────────────────┬───────────┬────────┐
 *      │ MBR  │header │partition      │ partitions               │entries,   │header, │
 *      │      │       │entries        │                          │backup     │backup  │
 *      └──────┴───────┴───────────────┴──────────────────────────┴───────────┴────────┘
 *
 *  Header (table 5.5), little-endian:
 *   0 Signature "EFI PART"   8 Revision            12 HeaderSize       16 HeaderCRC32
 *  20 reserved              24 MyLBA               32 AlternateLBA     40 FirstUsableLBA
 *  48 LastUsableLBA         56 DiskGUID            72 PartitionEntryLBA
 *  80 NumberOfPartitionEntries                     84 SizeOfPartitionEntry
 *  88 PartitionEntryArrayCRC32                     92 end; reserved to the end of the block
 *
 *  Entry (table 5.6):
 *   0 PartitionTypeGUID     16 UniquePartitionGUID  32 StartingLBA     40 EndingLBA, inclusive
 *  48 Attributes            56 PartitionName, 36 UTF-16LE units        128 end
 */

/** Block sizes that drives have; UEFI leaves the number open. */
export const BLOCK_BYTES_SUPPORTED: readonly number[] = [512, 4096];

export const GPT_SIGNATURE = "EFI PART";
export const GPT_REVISION = 0x0001_0000;
export const GPT_HEADER_BYTES = 92;
export const GPT_ENTRY_BYTES = 128;
/** 5.3.1: at least 16,384 bytes are set aside for the entries. */
export const GPT_ENTRIES_BYTES_MIN = 16_384;
/** Our limit, and in practice Linux's (its largest kmalloc): 32,768 entries of the usual size. */
export const GPT_ENTRIES_BYTES_MAX = 4 * 1024 * 1024;
export const GPT_NAME_UNITS_MAX = 36;

export const LINUX_FILESYSTEM_GUID = "0fc63daf-8483-4772-8e79-3d69d8477de4";

/** The fields of a header, as found. LBAs beyond 2^53 lose low bits, and are out of range anyway. */
export interface GptHeader {
  readonly myLba: number;
  readonly alternateLba: number;
  readonly firstUsableLba: number;
  readonly lastUsableLba: number;
  readonly diskGuid: string;
  readonly entriesLba: number;
  readonly entryCount: number;
  readonly entryBytes: number;
  readonly entriesCrc: number;
}

export interface GptPartition {
  /** From 1, as the tools count: the position in the array of entries. */
  readonly number: number;
  readonly type: string;
  readonly guid: string;
  readonly name: string;
  readonly firstLba: number;
  /** Inclusive. */
  readonly lastLba: number;
  readonly attributes: bigint;
}

/** @throws ImageError `block-size` */
export function checkBlockBytes(blockBytes: number): void {
  if (!BLOCK_BYTES_SUPPORTED.includes(blockBytes)) {
    const known = BLOCK_BYTES_SUPPORTED.join(" or ");
    throw new ImageError("block-size", null, `a block has ${known} bytes, not ${blockBytes}`);
  }
}

/** One header block with both checksums' fields filled in. */
export function encodeHeader(header: GptHeader, blockBytes: number): Uint8Array {
  const block = new Uint8Array(blockBytes);
  const view = new DataView(block.buffer);
  block.set(new TextEncoder().encode(GPT_SIGNATURE));
  view.setUint32(8, GPT_REVISION, true);
  view.setUint32(12, GPT_HEADER_BYTES, true);
  view.setBigUint64(24, BigInt(header.myLba), true);
  view.setBigUint64(32, BigInt(header.alternateLba), true);
  view.setBigUint64(40, BigInt(header.firstUsableLba), true);
  view.setBigUint64(48, BigInt(header.lastUsableLba), true);
  block.set(guidToBytes(header.diskGuid), 56);
  view.setBigUint64(72, BigInt(header.entriesLba), true);
  view.setUint32(80, header.entryCount, true);
  view.setUint32(84, header.entryBytes, true);
  view.setUint32(88, header.entriesCrc, true);
  view.setUint32(16, headerCrc(block, GPT_HEADER_BYTES), true);
  return block;
}

/** The fields of a header whose size was checked. */
export function decodeHeader(block: Uint8Array): GptHeader {
  const view = viewOf(block);
  return {
    myLba: Number(view.getBigUint64(24, true)),
    alternateLba: Number(view.getBigUint64(32, true)),
    firstUsableLba: Number(view.getBigUint64(40, true)),
    lastUsableLba: Number(view.getBigUint64(48, true)),
    diskGuid: guidFromBytes(block.subarray(56)),
    entriesLba: Number(view.getBigUint64(72, true)),
    entryCount: view.getUint32(80, true),
    entryBytes: view.getUint32(84, true),
    entriesCrc: view.getUint32(88, true),
  };
}

/** The header's CRC: over HeaderSize bytes, its own field taken as zero (table 5.5). */
export function headerCrc(block: Uint8Array, headerBytes: number): number {
  const covered = block.slice(0, headerBytes);
  covered.fill(0, 16, 20);
  return crc32(covered);
}

export function encodeEntry(partition: GptPartition): Uint8Array {
  const entry = new Uint8Array(GPT_ENTRY_BYTES);
  const view = new DataView(entry.buffer);
  entry.set(guidToBytes(partition.type), 0);
  entry.set(guidToBytes(partition.guid), 16);
  view.setBigUint64(32, BigInt(partition.firstLba), true);
  view.setBigUint64(40, BigInt(partition.lastLba), true);
  view.setBigUint64(48, partition.attributes, true);
  for (let unit = 0; unit < partition.name.length; unit++) {
    view.setUint16(56 + 2 * unit, partition.name.charCodeAt(unit), true);
  }
  return entry;
}

/** The partition of an entry, or null for an unused one (type GUID of zeros). */
export function decodeEntry(entry: Uint8Array, number: number): GptPartition | null {
  if (entry.subarray(0, GUID_BYTES).every((byte) => byte === 0)) return null;
  const view = viewOf(entry);
  let name = "";
  for (let unit = 0; unit < GPT_NAME_UNITS_MAX; unit++) {
    const code = view.getUint16(56 + 2 * unit, true);
    if (code === 0) break;
    name += String.fromCharCode(code);
  }
  return {
    number,
    type: guidFromBytes(entry),
    guid: guidFromBytes(entry.subarray(16)),
    name,
    firstLba: Number(view.getBigUint64(32, true)),
    lastLba: Number(view.getBigUint64(40, true)),
    attributes: view.getBigUint64(48, true),
  };
}

/**
 * What must hold among the partitions of one table: each inside the usable range, no two share
 * a block, no two share a GUID. The writer asks before it writes, the reader after it has read.
 *
 * @throws ImageError `gpt-partition-range`, `gpt-partition-overlap` or `gpt-partition-guid`
 */
export function checkPartitions(
  partitions: readonly GptPartition[],
  usable: { readonly firstUsableLba: number; readonly lastUsableLba: number },
  placeOf: (partition: GptPartition) => ImagePlace | null,
): void {
  const numberOfGuid = new Map<string, number>();
  for (const partition of partitions) {
    const { number, firstLba, lastLba, guid } = partition;
    const inside = firstLba >= usable.firstUsableLba && lastLba <= usable.lastUsableLba;
    if (!inside || firstLba > lastLba) {
      const range = `blocks ${firstLba} to ${lastLba}`;
      const limits = `usable are ${usable.firstUsableLba} to ${usable.lastUsableLba}`;
      const reason = `partition ${number} has ${range}, ${limits}`;
      throw new ImageError("gpt-partition-range", placeOf(partition), reason);
    }
    const twin = numberOfGuid.get(guid);
    if (twin !== undefined) {
      const reason = `partitions ${twin} and ${number} have the same GUID ${guid}`;
      throw new ImageError("gpt-partition-guid", placeOf(partition), reason);
    }
    numberOfGuid.set(guid, number);
  }
  checkOverlaps(partitions, placeOf);
}

function checkOverlaps(
  partitions: readonly GptPartition[],
  placeOf: (partition: GptPartition) => ImagePlace | null,
): void {
  const ordered = partitions.toSorted((a, b) => a.firstLba - b.firstLba);
  for (const [at, partition] of ordered.entries()) {
    const before = ordered[at - 1];
    if (before !== undefined && before.lastLba >= partition.firstLba) {
      const reason = `partitions ${before.number} and ${partition.number} share block ${partition.firstLba}`;
      throw new ImageError("gpt-partition-overlap", placeOf(partition), reason);
    }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
