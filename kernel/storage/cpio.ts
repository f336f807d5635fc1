/**
 * The newc cpio format, as far as a boot bundle uses it: a stream of entries, each a header of 110
 * ASCII characters, a name and its data, both padded to four bytes; "TRAILER!!!" ends it.
 *
 *   0 "070701"  6 ino  14 mode  22 uid  30 gid  38 nlink  46 mtime  54 filesize  62 devmajor
 *   70 devminor  78 rdevmajor  86 rdevminor  94 namesize  102 check   (8 hexadecimal digits each)
 */
import { BUNDLE_BYTES_MAX, BUNDLE_NAME_MAX } from "../limits";

export const CPIO_HEADER_BYTES: u32 = 110;
const TRAILER = "TRAILER!!!";
const MAGIC = "070701";
const MODE_AT: usize = 14;
const FILE_BYTES_AT: usize = 54;
const NAME_BYTES_AT: usize = 94;
/** File type bits of a mode, and a regular file's. */
const MODE_TYPE: u32 = 0o170000;
const MODE_REGULAR: u32 = 0o100000;

export const CPIO_OK: u32 = 0;
/** More bytes are needed to go on. */
export const CPIO_MORE: u32 = 1;
export const CPIO_END: u32 = 2;
export const CPIO_MALFORMED: u32 = 3;

/** One entry, described in place. */
@unmanaged
export class CpioEntry {
  /** Linear addresses and lengths in bytes; the name is without its final NUL. */
  name: usize;
  nameBytes: u32;
  content: usize;
  dataBytes: u32;
  /** Bytes from the entry's start to the next one. */
  totalBytes: u32;
}

const BAD_DIGIT: u64 = 0xffff_ffff_ffff_ffff;

/** Value of eight hexadecimal digits, or BAD_DIGIT. */
function hexField(at: usize): u64 {
  let value: u64 = 0;
  for (let index: usize = 0; index < 8; index++) {
    const digit = hexDigit(load<u8>(at + index));
    if (digit > 15) return BAD_DIGIT;
    value = (value << 4) | digit;
  }
  return value;
}

/** Value of one hexadecimal digit in either case, or 16. */
export function hexDigit(code: u32): u32 {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : 16;
}

/** Whether the bytes at `at` are exactly `text`. */
export function bytesAre(at: usize, bytes: u32, text: string): bool {
  if (bytes != <u32>text.length) return false;
  for (let index = 0; index < text.length; index++)
    if (load<u8>(at + index) != <u8>text.charCodeAt(index)) return false;
  return true;
}

@inline
function padded(bytes: u64): u64 {
  return (bytes + 3) & ~3;
}

/**
 * Describes the entry that starts at `at`, of which `available` bytes are there.
 * @returns CPIO_OK, CPIO_END at the trailer, CPIO_MORE when the entry isn't all there yet
 */
export function cpioEntry(at: usize, available: u64, entry: CpioEntry): u32 {
  if (available < CPIO_HEADER_BYTES) return CPIO_MORE;
  if (!bytesAre(at, 6, MAGIC)) return CPIO_MALFORMED;
  const nameSize = hexField(at + NAME_BYTES_AT);
  const dataSize = hexField(at + FILE_BYTES_AT);
  const mode = hexField(at + MODE_AT);
  if (nameSize < 2 || nameSize > BUNDLE_NAME_MAX + 1 || mode == BAD_DIGIT) return CPIO_MALFORMED;
  if (dataSize > BUNDLE_BYTES_MAX) return CPIO_MALFORMED;
  const dataAt = padded(CPIO_HEADER_BYTES + nameSize);
  if (available < dataAt) return CPIO_MORE;
  entry.name = at + CPIO_HEADER_BYTES;
  entry.nameBytes = <u32>nameSize - 1;
  if (load<u8>(entry.name + entry.nameBytes) != 0) return CPIO_MALFORMED;
  if (bytesAre(entry.name, entry.nameBytes, TRAILER)) return CPIO_END;
  if (((<u32>mode) & MODE_TYPE) != MODE_REGULAR) return CPIO_MALFORMED;
  entry.content = at + <usize>dataAt;
  entry.dataBytes = <u32>dataSize;
  entry.totalBytes = <u32>padded(dataAt + dataSize);
  return available < dataAt + padded(dataSize) ? CPIO_MORE : CPIO_OK;
}
