/**
 * Reads a tar archive piece by piece: POSIX ustar, and what GNU tar and Go's library write of it. Only
 * regular files and folders can be in it; what their headers say beside names and sizes is not used.
 * Whatever two readers could understand differently is refused.
 */
import type { ImageSource } from "../image/source.ts";
import { OciError } from "./errors.ts";
import { blocks, TAR_BLOCK, TAR_FIELDS, tarChecksum } from "./tar-write.ts";

export interface TarFile {
  readonly name: string;
  /** Where its data begin. */
  readonly at: number;
  readonly bytes: number;
}

export interface TarLimits {
  readonly bytes: number;
  readonly entries: number;
}

/** POSIX, and GNU tar's older one. */
const MAGICS = ["ustar\u000000", "ustar  \u0000"];
const GZIP = 0x1f8b;
const ZSTD = 0x28b5;
/** Type flags: '0' or a zero byte is a file, '5' a folder, 'x' and 'g' headers with more about a file. */
const FILES = "0\u0000";
const FOLDER = "5";
const EXTENDED = "xg";
const REFUSED: Readonly<Record<string, string>> = {
  "1": "a hard link",
  "2": "a symbolic link",
  "3": "a character device",
  "4": "a block device",
  "6": "a pipe",
  "7": "a contiguous file",
  L: "a long name",
  K: "a link with a long name",
  S: "a sparse file",
};
/** Keywords of extended headers (pax, "ustar interchange format") that change neither name, place nor size. */
const HARMLESS = /^(atime|ctime|mtime|uid|gid|uname|gname|comment)$/;
const EXTENDED_BYTES_MAX = 4096;
const SCAN_BYTES = 64 * 1024;

/**
 * The files of an archive, in its order.
 * @throws OciError "tar"; its place is a byte of the archive
 */
export function readTar(source: ImageSource, limits: TarLimits): TarFile[] {
  if (source.bytes > limits.bytes) refuse(0, `${source.bytes} bytes; ${limits.bytes} at most`);
  refuseCompressed(source);
  const found = new Map<string, TarFile>();
  let at = 0;
  for (let entries = 0; ; entries++) {
    if (at + TAR_BLOCK > source.bytes) refuse(at, "the archive ends without two blocks of zeros");
    const header = source.read(at, TAR_BLOCK);
    if (isZero(header)) break;
    if (entries === limits.entries) refuse(at, `more than ${limits.entries} entries`);
    const entry = readEntry(source, header, at);
    if (entry.file) {
      const { name } = entry.file;
      if (found.has(name)) refuse(at, `${JSON.stringify(name)} is there twice`);
      found.set(name, entry.file);
    }
    at = entry.next;
  }
  requireEnd(source, at);
  return [...found.values()];
}

interface Entry {
  /** Null for what isn't a file. */
  readonly file: TarFile | null;
  readonly next: number;
}

function readEntry(source: ImageSource, header: Uint8Array, at: number): Entry {
  if (!MAGICS.includes(textOf(header, "magic"))) refuse(at, "this is no tar archive");
  if (octalOf(header, "checksum", at) !== tarChecksum(header))
    refuse(at, "the header's checksum is wrong");
  const type = textOf(header, "type");
  const bytes = octalOf(header, "size", at);
  const name = nameOf(header, at);
  const dataAt = at + TAR_BLOCK;
  const next = dataAt + blocks(bytes);
  if (next > source.bytes)
    refuse(at, `${JSON.stringify(name)} has ${bytes} bytes, which aren't there`);
  if (!isZero(source.read(dataAt + bytes, next - dataAt - bytes)))
    refuse(dataAt + bytes, `something is hidden behind ${JSON.stringify(name)}`);
  if (EXTENDED.includes(type)) requireHarmless(source, dataAt, bytes);
  else if (type === FOLDER) {
    if (bytes !== 0) refuse(at, `the folder ${JSON.stringify(name)} has content`);
  } else if (!FILES.includes(type)) {
    const what = REFUSED[type] ?? `of type ${JSON.stringify(type)}`;
    refuse(at, `${JSON.stringify(name)} is ${what}; there can be files and folders`);
  } else return { file: { name, at: dataAt, bytes }, next };
  return { file: null, next };
}

/** Relative, in its shortest form but for a leading "./". */
function nameOf(header: Uint8Array, at: number): string {
  const posix = textOf(header, "magic") === MAGICS[0];
  const prefix = posix ? cString(textOf(header, "prefix")) : "";
  const whole = (prefix === "" ? "" : `${prefix}/`) + cString(textOf(header, "name"));
  const name = whole.replace(/^\.\//, "").replace(/\/$/, "");
  const quoted = JSON.stringify(whole);
  if (/[^\x20-\x7e]/.test(name)) refuse(at, `the name ${quoted} isn't printable ASCII`);
  if (name.startsWith("/") || name.includes("\\")) refuse(at, `the name ${quoted} isn't relative`);
  if (name.split("/").includes("..")) refuse(at, `the name ${quoted} leads outside`);
  return name;
}

/** Extended headers are lines "<bytes> <keyword>=<value>", their own length included. */
function requireHarmless(source: ImageSource, at: number, bytes: number): void {
  if (bytes > EXTENDED_BYTES_MAX)
    refuse(at, `an extended header of ${bytes} bytes; ${EXTENDED_BYTES_MAX} at most`);
  const header = source.read(at, bytes);
  for (let done = 0; done < bytes; ) {
    const line = latin1(header.subarray(done));
    const [, digits = "", keyword = ""] = /^([1-9]\d{0,3}) ([^=\n]+)=/.exec(line) ?? [];
    const length = Number(digits);
    if (keyword === "" || length > bytes - done || line[length - 1] !== "\n")
      refuse(at + done, "an extended header that is damaged");
    if (!HARMLESS.test(keyword))
      refuse(at + done, `an extended header that sets ${JSON.stringify(keyword)}`);
    done += length;
  }
}

/** Behind the last entry there are zeros, two blocks at least: tar fills up what a tape takes at once. */
function requireEnd(source: ImageSource, at: number): void {
  if (source.bytes - at < 2 * TAR_BLOCK) refuse(at, "the archive ends without two blocks of zeros");
  for (let done = at; done < source.bytes; done += SCAN_BYTES) {
    const part = source.read(done, Math.min(SCAN_BYTES, source.bytes - done));
    const wrong = part.findIndex((byte) => byte !== 0);
    if (wrong >= 0) refuse(done + wrong, "something follows the archive's end");
  }
}

function refuseCompressed(source: ImageSource): void {
  if (source.bytes < 2) refuse(0, `${source.bytes} bytes; an archive has more`);
  const [high = 0, low = 0] = source.read(0, 2);
  const magic = high * 256 + low;
  if (magic === GZIP || magic === ZSTD)
    refuse(0, `compressed; unpack it with ${magic === GZIP ? "gunzip" : "unzstd"} first`);
}

function textOf(header: Uint8Array, field: keyof typeof TAR_FIELDS): string {
  const [from, length] = TAR_FIELDS[field];
  return latin1(header.subarray(from, from + length));
}

const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes);
const cString = (text: string) => text.split("\u0000")[0] ?? "";
const isZero = (bytes: Uint8Array) => bytes.every((byte) => byte === 0);

/** Digits, ended by a space or a zero byte. GNU's binary numbers are for more than 8 GiB. */
function octalOf(header: Uint8Array, field: "size" | "checksum", at: number): number {
  const [, digits] = /^ *([0-7]+)[ \0]*$/.exec(textOf(header, field)) ?? [];
  if (digits === undefined) refuse(at, `the header's ${field} is no octal number`);
  return Number.parseInt(digits, 8);
}

function refuse(at: number, reason: string): never {
  throw new OciError("tar", `byte ${at}`, reason);
}
