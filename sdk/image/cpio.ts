import { atByte, ImageError, type ImageErrorCode } from "./errors.ts";

/*
 * cpio archives in the "new ASCII" format, as GNU cpio -H newc writes it and Linux unpacks it
 * (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 *  Header, 110 characters:
 *    0 "070701"    then 13 fields of 8 hex digits each:
 *    6 ino        14 mode       22 uid        30 gid        38 nlink      46 mtime
 *   54 filesize   62 devmajor   70 devminor   78 rdevmajor  86 rdevminor
 *   94 namesize (with the NUL)  102 check (0)
 *  110 name, NUL, zeros to a multiple of 4; then the data, zeros to a multiple of 4.
 *
 *  After the last entry one named TRAILER!!!, then zeros to a multiple of 512.
 */
const MAGIC = "070701";
const MAGIC_WITH_CHECKSUM = "070702";
const FIELD_DIGITS = 8;
const HEADER_BYTES = 110;
const ALIGNMENT_BYTES = 4;
/** GNU cpio's default block. */
const ARCHIVE_BLOCK_BYTES = 512;
/** Linux's PATH_MAX: the longest name, with its NUL, that its unpacker takes. */
const NAME_BYTES_MAX = 4096;
const FIELD_MAX = 0xffff_ffff;

export const CPIO_TRAILER = "TRAILER!!!";

/** File types in `mode` (POSIX, cpio.h). */
export const CPIO_TYPE_MASK = 0o170000;
export const CPIO_TYPE_REGULAR = 0o100000;

/** The fields in the order of the header; the two sizes follow from name and data. */
const FIELDS = [
  "ino",
  "mode",
  "uid",
  "gid",
  "nlink",
  "mtime",
  "filesize",
  "devMajor",
  "devMinor",
  "rdevMajor",
  "rdevMinor",
  "namesize",
  "check",
] as const;
type Field = (typeof FIELDS)[number];
type Metadata = Exclude<Field, "filesize" | "namesize" | "check">;

/** One entry. All numbers are unsigned and below 2^32; `mtime` is in seconds since 1970. */
export interface CpioEntry extends Readonly<Record<Metadata, number>> {
  readonly name: string;
  readonly data: Uint8Array;
}

/** An entry as found in an archive. */
export interface CpioFoundEntry extends CpioEntry {
  /** Of the header, from the archive's first byte. */
  readonly headerOffset: number;
  readonly dataOffset: number;
}

export interface CpioArchive {
  readonly entries: readonly CpioFoundEntry[];
  /** Up to the end of the trailer; what follows is not the archive's. */
  readonly bytes: number;
}

/**
 * The archive of these entries, the same to the byte as GNU cpio's.
 *
 * @throws ImageError `cpio-name` (empty, too long, with a NUL, or the trailer's), `cpio-field`
 *   (a number that has no 8 hex digits)
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array<ArrayBuffer> {
  const headers = entries.map((entry) => {
    if (entry.name === CPIO_TRAILER) {
      throw new ImageError("cpio-name", null, `an entry cannot be named ${CPIO_TRAILER}`);
    }
    return encodeHeader(entry);
  });
  const trailer = encodeHeader(TRAILER_ENTRY);
  const dataBytes = entries.reduce((sum, { data }) => sum + align(data.length), 0);
  const headerBytes = headers.reduce((sum, header) => sum + header.length, trailer.length);
  const archive = new Uint8Array(roundUp(headerBytes + dataBytes, ARCHIVE_BLOCK_BYTES));
  let at = 0;
  for (const [index, { data }] of entries.entries()) {
    const header = headers[index] ?? trailer;
    archive.set(header, at);
    archive.set(data, at + header.length);
    at += header.length + align(data.length);
  }
  archive.set(trailer, at);
  return archive;
}

/**
 * Reads an archive up to its trailer. Data are views of `archive`, not copies.
 *
 * @param baseOffset where the archive begins in a larger image, for the places in errors
 * @throws ImageError `cpio-magic`, `cpio-field`, `cpio-name`, `cpio-truncated`, `cpio-trailer`
 */
export function readCpio(archive: Uint8Array, baseOffset = 0): CpioArchive {
  const entries: CpioFoundEntry[] = [];
  let at = 0;
  // Each turn takes at least a header, so the archive's length is the bound.
  for (;;) {
    const entry = readEntry(archive, at, baseOffset);
    const end = entry.dataOffset + entry.data.length;
    if (entry.name === CPIO_TRAILER) {
      if (entry.data.length > 0) fail("cpio-trailer", baseOffset + at, "the trailer has data");
      return { entries, bytes: end };
    }
    entries.push(entry);
    at = align(end);
  }
}

/** An entry with nothing but a name, data and what else is given; numbers that are not are 0. */
export function cpioEntry(
  name: string,
  data: Uint8Array,
  more: Partial<CpioEntry> = {},
): CpioEntry {
  const numbers = { ino: 0, mode: 0, uid: 0, gid: 0, nlink: 1, mtime: 0 };
  const devices = { devMajor: 0, devMinor: 0, rdevMajor: 0, rdevMinor: 0 };
  return { name, data, ...numbers, ...devices, ...more };
}

const TRAILER_ENTRY = cpioEntry(CPIO_TRAILER, new Uint8Array(0));

/** Header, name and the zeros that align the data. */
function encodeHeader(entry: CpioEntry): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const legal = name.length > 0 && name.length < NAME_BYTES_MAX && !name.includes(0);
  if (!legal) {
    const rule = `1 to ${NAME_BYTES_MAX - 1} bytes, none of them 0`;
    const reason = `the name ${JSON.stringify(entry.name)} must have ${rule}`;
    throw new ImageError("cpio-name", null, reason);
  }
  const values = {
    ...entry,
    filesize: entry.data.length,
    namesize: name.length + 1,
    check: 0,
  };
  const header = new Uint8Array(align(HEADER_BYTES + values.namesize));
  header.set(new TextEncoder().encode(MAGIC + FIELDS.map((f) => digits(f, values[f])).join("")));
  header.set(name, HEADER_BYTES);
  return header;
}

function digits(field: Field, value: number): string {
  if (!Number.isInteger(value) || value < 0 || value > FIELD_MAX) {
    throw new ImageError("cpio-field", null, `${field} ${value} has no 8 hex digits`);
  }
  return value.toString(16).toUpperCase().padStart(FIELD_DIGITS, "0");
}

function readEntry(archive: Uint8Array, at: number, baseOffset: number): CpioFoundEntry {
  checkMagic(archive, at, baseOffset);
  if (at + HEADER_BYTES > archive.length) {
    fail("cpio-truncated", baseOffset + at, "the archive ends within a header");
  }
  const values = Object.fromEntries(
    FIELDS.map((field, index) => [field, readField(archive, at, index, baseOffset)]),
  ) as Record<Field, number>;
  const { filesize, namesize, check: _, ...metadata } = values;
  const nameAt = at + HEADER_BYTES;
  if (namesize < 2 || namesize > NAME_BYTES_MAX) {
    const reason = `a name of ${namesize} bytes, possible are 2 to ${NAME_BYTES_MAX} with the NUL`;
    fail("cpio-name", baseOffset + at, reason);
  }
  const dataOffset = align(nameAt + namesize);
  if (dataOffset > archive.length) {
    fail("cpio-truncated", baseOffset + nameAt, "the archive ends within a name");
  }
  const name = readName(archive.subarray(nameAt, nameAt + namesize), baseOffset + nameAt);
  if (dataOffset + filesize > archive.length) {
    const has = `${archive.length - dataOffset} of its ${filesize} bytes`;
    const reason = `the archive ends within ${JSON.stringify(name)}, after ${has}`;
    fail("cpio-truncated", baseOffset + dataOffset, reason);
  }
  const data = archive.subarray(dataOffset, dataOffset + filesize);
  return { ...metadata, name, data, headerOffset: at, dataOffset };
}

function checkMagic(archive: Uint8Array, at: number, baseOffset: number): void {
  const magic = ascii(archive.subarray(at, at + MAGIC.length));
  if (magic === MAGIC) return;
  if (at + MAGIC.length > archive.length) {
    fail("cpio-truncated", baseOffset + at, `the archive ends before ${CPIO_TRAILER}`);
  }
  const found = magic === MAGIC_WITH_CHECKSUM ? "the format with checksums (crc)" : "no header";
  fail("cpio-magic", baseOffset + at, `${found} where "${MAGIC}" (newc) belongs`);
}

function readField(archive: Uint8Array, at: number, index: number, baseOffset: number): number {
  const fieldAt = at + MAGIC.length + index * FIELD_DIGITS;
  const text = ascii(archive.subarray(fieldAt, fieldAt + FIELD_DIGITS));
  if (!/^[0-9a-f]{8}$/i.test(text)) {
    const reason = `${FIELDS[index]} is ${JSON.stringify(text)}, not 8 hex digits`;
    fail("cpio-field", baseOffset + fieldAt, reason);
  }
  return Number.parseInt(text, 16);
}

function readName(bytes: Uint8Array, offset: number): string {
  if (bytes.indexOf(0) !== bytes.length - 1) {
    fail("cpio-name", offset, "a name whose only NUL is not its last byte");
  }
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return decoder.decode(bytes.subarray(0, -1));
  } catch {
    return fail("cpio-name", offset, "a name that is not UTF-8");
  }
}

function fail(code: ImageErrorCode, offset: number, reason: string): never {
  throw new ImageError(code, atByte(offset), reason);
}

function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function align(bytes: number): number {
  return roundUp(bytes, ALIGNMENT_BYTES);
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
