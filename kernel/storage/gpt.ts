/**
 * Checks of a GUID partition table in memory (UEFI 2.10, 5.3).
 *
 *   header:  0 "EFI PART"  8 revision  12 header bytes  16 header CRC  24 my LBA  32 alternate LBA
 *            40 first usable  48 last usable  56 disk GUID  72 entry LBA  80 entries  84 entry bytes
 *            88 entry array CRC
 *   entry:   0 type GUID  16 unique GUID  32 first LBA  40 last LBA  48 attributes  56 name (UTF-16)
 */
import { CRC32_START, crc32Update } from "../../sim/lib/crc32";
import { PARTITION_ARRAY_BYTES_MAX } from "../limits";

/** "EFI PART", little-endian. */
const SIGNATURE: u64 = 0x5452_4150_2049_4645;
const REVISION: u32 = 0x0001_0000;
const HEADER_BYTES_MIN: u32 = 92;
const ENTRY_BYTES_MIN: u32 = 128;

/** What is wrong with a table; the first that applies. */
export const GPT_OK: u32 = 0;
export const GPT_SIGNATURE: u32 = 1;
export const GPT_REVISION: u32 = 2;
export const GPT_HEADER_SIZE: u32 = 3;
export const GPT_HEADER_CRC: u32 = 4;
export const GPT_LBA: u32 = 5;
export const GPT_USABLE: u32 = 6;
export const GPT_ENTRY_SIZE: u32 = 7;
export const GPT_ARRAY: u32 = 8;
export const GPT_ARRAY_CRC: u32 = 9;
export const GPT_ENTRY_RANGE: u32 = 10;

@unmanaged
export class GptHeader {
  signature: u64;
  revision: u32;
  headerBytes: u32;
  headerCrc: u32;
  reserved: u32;
  myLba: u64;
  alternateLba: u64;
  firstUsable: u64;
  lastUsable: u64;
  diskGuidLow: u64;
  diskGuidHigh: u64;
  entryLba: u64;
  entryCount: u32;
  entryBytes: u32;
  arrayCrc: u32;
}

@unmanaged
export class GptEntry {
  typeLow: u64;
  typeHigh: u64;
  guidLow: u64;
  guidHigh: u64;
  firstLba: u64;
  lastLba: u64;
  attributes: u64;
}

/** Whether the block at `at` is a protective MBR: its signature and an entry of type 0xEE. */
export function protectiveMbr(at: usize): bool {
  if (load<u16>(at + 510) != 0xaa55) return false;
  for (let entry: usize = 0; entry < 4; entry++)
    if (load<u8>(at + 446 + entry * 16 + 4) == 0xee) return true;
  return false;
}

/**
 * Checks the header at `at`, read from block `lba` of a device of `blocks` blocks of `blockBytes`.
 * The header's CRC field is cleared while it is summed, then put back.
 */
export function checkHeader(at: usize, lba: u64, blocks: u64, blockBytes: u32): u32 {
  const header = changetype<GptHeader>(at);
  if (header.signature != SIGNATURE) return GPT_SIGNATURE;
  if (header.revision != REVISION) return GPT_REVISION;
  if (header.headerBytes < HEADER_BYTES_MIN || header.headerBytes > blockBytes) return GPT_HEADER_SIZE;
  const crc = header.headerCrc;
  header.headerCrc = 0;
  const sum = ~crc32Update(CRC32_START, at, header.headerBytes);
  header.headerCrc = crc;
  if (sum != crc) return GPT_HEADER_CRC;
  if (header.myLba != lba || header.alternateLba >= blocks) return GPT_LBA;
  if (header.firstUsable > header.lastUsable || header.lastUsable >= blocks) return GPT_USABLE;
  return checkArrayPlace(header, blocks, blockBytes);
}

function checkArrayPlace(header: GptHeader, blocks: u64, blockBytes: u32): u32 {
  const size = header.entryBytes;
  if (size < ENTRY_BYTES_MIN || popcnt(size) != 1) return GPT_ENTRY_SIZE;
  const bytes = <u64>size * header.entryCount;
  if (bytes == 0 || bytes > PARTITION_ARRAY_BYTES_MAX) return GPT_ARRAY;
  const span = arrayBlocks(header, blockBytes);
  if (header.entryLba < 2 || header.entryLba >= blocks || span > blocks - header.entryLba) return GPT_ARRAY;
  const overlaps = header.entryLba <= header.lastUsable && header.entryLba + span > header.firstUsable;
  return overlaps ? GPT_ARRAY : GPT_OK;
}

/** Blocks that the entry array takes. */
export function arrayBlocks(header: GptHeader, blockBytes: u32): u64 {
  return (<u64>header.entryBytes * header.entryCount + blockBytes - 1) / blockBytes;
}

/** Checks the entry array at `array` that belongs to the (checked) header. */
export function checkArray(header: GptHeader, array: usize): u32 {
  const bytes = <usize>header.entryBytes * header.entryCount;
  if (~crc32Update(CRC32_START, array, bytes) != header.arrayCrc) return GPT_ARRAY_CRC;
  for (let index: u32 = 0; index < header.entryCount; index++) {
    const entry = entryAt(header, array, index);
    if (!entryUsed(entry)) continue;
    const inside = entry.firstLba >= header.firstUsable && entry.lastLba <= header.lastUsable;
    if (!inside || entry.firstLba > entry.lastLba) return GPT_ENTRY_RANGE;
  }
  return GPT_OK;
}

@inline
export function entryAt(header: GptHeader, array: usize, index: u32): GptEntry {
  return changetype<GptEntry>(array + <usize>header.entryBytes * index);
}

/** An entry whose type GUID is all zeroes is not in use. */
@inline
export function entryUsed(entry: GptEntry): bool {
  return (entry.typeLow | entry.typeHigh) != 0;
}
