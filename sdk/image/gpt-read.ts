import { crc32 } from "./crc32.ts";
import { ImageError, type ImageErrorCode, type ImagePlace } from "./errors.ts";
import {
  BLOCK_BYTES_SUPPORTED,
  checkBlockBytes,
  checkPartitions,
  decodeEntry,
  decodeHeader,
  GPT_ENTRIES_BYTES_MAX,
  GPT_ENTRY_BYTES,
  GPT_HEADER_BYTES,
  GPT_REVISION,
  GPT_SIGNATURE,
  type GptHeader,
  type GptPartition,
  headerCrc,
} from "./gpt-format.ts";
import { checkProtectiveMbr } from "./mbr.ts";
import { type ImageSource, imageSource } from "./source.ts";

export interface Gpt {
  readonly blockBytes: number;
  /** The whole blocks of the image. */
  readonly blocks: number;
  /** The table that was believed. */
  readonly table: "primary" | "backup";
  readonly diskGuid: string;
  readonly firstUsableLba: number;
  readonly lastUsableLba: number;
  /** In the order of their entries. */
  readonly partitions: readonly GptPartition[];
  /** Why the primary table was not believed; null when it was. */
  readonly primaryError: ImageError | null;
  /** Why the backup would not have served, or differs from the primary; null when it is sound. */
  readonly backupError: ImageError | null;
}

interface Disk {
  readonly source: ImageSource;
  readonly blockBytes: number;
  readonly lastLba: number;
}

interface Table {
  readonly header: GptHeader;
  readonly partitions: readonly GptPartition[];
}

/**
 * Reads the partition table of a disk image: the primary, or when that fails any of the tests of
 * UEFI 2.10, 5.3.2, the backup in the last block. The other table is checked as well, and what
 * is wrong with it reported.
 *
 * @param blockBytes 512 or 4096
 * @throws ImageError when the image has no protective MBR or neither table is sound (then about
 *   the primary, with the backup's error as its `cause`)
 */
export function readGpt(image: Uint8Array | ImageSource, blockBytes: number): Gpt {
  checkBlockBytes(blockBytes);
  const source = imageSource(image);
  const blocks = Math.floor(source.bytes / blockBytes);
  const disk: Disk = { source, blockBytes, lastLba: blocks - 1 };
  // MBR, two headers and between them at least one block of entries each and one usable block.
  if (blocks < 6) {
    const reason = `${source.bytes} bytes are too few for a GPT disk of ${blockBytes}-byte blocks`;
    throw new ImageError("image-truncated", { byteOffset: source.bytes, lba: null }, reason);
  }
  checkProtectiveMbr(readBlock(disk, 0));
  const primary = attempt(() => readTable(disk, 1));
  const backupLba = primary instanceof ImageError ? disk.lastLba : primary.header.alternateLba;
  const backup = attempt(() => readBackup(disk, backupLba, primary));
  const believed = primary instanceof ImageError ? backup : primary;
  if (believed instanceof ImageError) {
    throw neitherTable(primary as ImageError, believed);
  }
  const { diskGuid, firstUsableLba, lastUsableLba } = believed.header;
  return {
    blockBytes,
    blocks,
    table: believed === primary ? "primary" : "backup",
    diskGuid,
    firstUsableLba,
    lastUsableLba,
    partitions: believed.partitions,
    primaryError: primary instanceof ImageError ? primary : null,
    backupError: backup instanceof ImageError ? backup : null,
  };
}

/**
 * The block size for which the image has a header where one belongs, in its second or last
 * block, or null.
 */
export function detectBlockBytes(image: Uint8Array | ImageSource): number | null {
  const source = imageSource(image);
  const signedAt = (lba: number, blockBytes: number) =>
    (lba + 1) * blockBytes <= source.bytes &&
    lba > 0 &&
    hasSignature(source.read(lba * blockBytes, GPT_SIGNATURE.length));
  for (const lbaOf of [() => 1, (blocks: number) => blocks - 1]) {
    for (const blockBytes of BLOCK_BYTES_SUPPORTED) {
      if (signedAt(lbaOf(Math.floor(source.bytes / blockBytes)), blockBytes)) return blockBytes;
    }
  }
  return null;
}

function neitherTable(primary: ImageError, backup: ImageError): ImageError {
  const reason = `primary table: ${primary.reason}; backup table: ${backup.reason}`;
  const error = new ImageError(primary.code, primary.place, reason);
  error.cause = backup;
  return error;
}

/** The backup in its place; as a copy of the primary, when that could be read. */
function readBackup(disk: Disk, lba: number, primary: Table | ImageError): Table {
  if (primary instanceof ImageError) return readTable(disk, lba);
  const where = place(disk, 1, 32);
  if (lba > disk.lastLba || lba <= primary.header.lastUsableLba) {
    const range = `${primary.header.lastUsableLba + 1} to ${disk.lastLba}`;
    const reason = `the backup table is said to be in block ${lba}, not in ${range}`;
    throw new ImageError("gpt-alternate-lba", where, reason);
  }
  const backup = readTable(disk, lba);
  for (const field of ["diskGuid", "firstUsableLba", "lastUsableLba", "entriesCrc"] as const) {
    if (backup.header[field] !== primary.header[field]) {
      const reason = `the tables differ in ${field}`;
      throw new ImageError("gpt-tables-differ", place(disk, lba), reason);
    }
  }
  if (lba !== disk.lastLba) {
    const reason = `the backup table is in block ${lba}, the disk's last is ${disk.lastLba}`;
    throw new ImageError("gpt-alternate-lba", where, reason);
  }
  return backup;
}

function readTable(disk: Disk, lba: number): Table {
  const block = readBlock(disk, lba);
  checkHeaderBytes(disk, lba, block);
  const header = decodeHeader(block);
  checkHeaderFields(disk, lba, header);
  const entries = readEntries(disk, lba, header);
  const partitions: GptPartition[] = [];
  for (let index = 0; index < header.entryCount; index++) {
    const at = index * header.entryBytes;
    const partition = decodeEntry(entries.subarray(at, at + GPT_ENTRY_BYTES), index + 1);
    if (partition !== null) partitions.push(partition);
  }
  checkPartitions(partitions, header, ({ number }) =>
    place(disk, header.entriesLba, (number - 1) * header.entryBytes),
  );
  return { header, partitions };
}

/** What must hold before the fields mean anything: signature, size, checksum, revision. */
function checkHeaderBytes(disk: Disk, lba: number, block: Uint8Array): void {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const refuse = (code: ImageErrorCode, offset: number, reason: string): never => {
    throw new ImageError(code, place(disk, lba, offset), reason);
  };
  if (!hasSignature(block)) refuse("gpt-signature", 0, `no "${GPT_SIGNATURE}" in block ${lba}`);
  const headerBytes = view.getUint32(12, true);
  if (headerBytes < GPT_HEADER_BYTES || headerBytes > disk.blockBytes) {
    const limits = `${GPT_HEADER_BYTES} to ${disk.blockBytes}`;
    refuse("gpt-header-size", 12, `the header claims ${headerBytes} bytes, possible are ${limits}`);
  }
  const stored = view.getUint32(16, true);
  const actual = headerCrc(block, headerBytes);
  if (stored !== actual) {
    refuse(
      "gpt-header-crc",
      16,
      `the header's CRC is ${hex(actual)}, not ${hex(stored)} as stored`,
    );
  }
  const revision = view.getUint32(8, true);
  if (revision !== GPT_REVISION) {
    refuse("gpt-revision", 8, `revision ${hex(revision)}, known is ${hex(GPT_REVISION)}`);
  }
}

/** Each field's rule in table 5.5, and the limit on the array that protects the reader. */
function checkHeaderFields(disk: Disk, lba: number, header: GptHeader): void {
  const { myLba, alternateLba, firstUsableLba, lastUsableLba } = header;
  const { entriesLba, entryCount, entryBytes } = header;
  const isPrimary = lba === 1;
  const arrayBytes = entryCount * entryBytes;
  const entriesEnd = entriesLba + Math.ceil(arrayBytes / disk.blockBytes);
  const fitsPrimary = entriesLba >= 2 && entriesEnd <= firstUsableLba;
  const fitsBackup = entriesLba > lastUsableLba && entriesEnd <= lba;
  const entrySizeIsLegal = entryBytes >= GPT_ENTRY_BYTES && (entryBytes & (entryBytes - 1)) === 0;
  const rules: readonly [boolean, ImageErrorCode, number, string][] = [
    [myLba === lba, "gpt-my-lba", 24, `the header in block ${lba} is made for block ${myLba}`],
    [
      isPrimary ? alternateLba !== lba : alternateLba === 1,
      "gpt-alternate-lba",
      32,
      `the header in block ${lba} has block ${alternateLba} for the other one`,
    ],
    [
      firstUsableLba <= lastUsableLba && firstUsableLba > 1 && lastUsableLba < disk.lastLba,
      "gpt-usable-range",
      40,
      `usable blocks ${firstUsableLba} to ${lastUsableLba} on a disk that ends at ${disk.lastLba}`,
    ],
    [
      entrySizeIsLegal,
      "gpt-entry-size",
      84,
      `entries of ${entryBytes} bytes, legal is ${GPT_ENTRY_BYTES} times a power of two`,
    ],
    [
      arrayBytes > 0 && arrayBytes <= GPT_ENTRIES_BYTES_MAX,
      "gpt-entry-count",
      80,
      `${entryCount} entries of ${entryBytes} bytes, limit ${GPT_ENTRIES_BYTES_MAX} bytes in all`,
    ],
    [
      isPrimary ? fitsPrimary : fitsBackup,
      "gpt-entries-place",
      72,
      `entries in blocks ${entriesLba} to ${entriesEnd - 1} collide with something else`,
    ],
  ];
  for (const [holds, code, offset, reason] of rules) {
    if (!holds) throw new ImageError(code, place(disk, lba, offset), reason);
  }
}

/** The array of entries, whose place was checked to be on the disk. */
function readEntries(disk: Disk, lba: number, header: GptHeader): Uint8Array {
  const arrayBytes = header.entryCount * header.entryBytes;
  const entries = disk.source.read(header.entriesLba * disk.blockBytes, arrayBytes);
  const actual = crc32(entries);
  if (actual !== header.entriesCrc) {
    const reason = `the entries' CRC is ${hex(actual)}, not ${hex(header.entriesCrc)} as stored`;
    throw new ImageError("gpt-entries-crc", place(disk, lba, 88), reason);
  }
  return entries;
}

function readBlock(disk: Disk, lba: number): Uint8Array {
  return disk.source.read(lba * disk.blockBytes, disk.blockBytes);
}

function hasSignature(bytes: Uint8Array): boolean {
  return [...GPT_SIGNATURE].every((char, at) => bytes[at] === char.charCodeAt(0));
}

function place(disk: Disk, lba: number, offset = 0): ImagePlace {
  return { byteOffset: lba * disk.blockBytes + offset, lba };
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

/** Runs a reading; an ImageError is its result, anything else is a fault of ours and goes on. */
function attempt(read: () => Table): Table | ImageError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
}
