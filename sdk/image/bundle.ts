import {
  CPIO_TRAILER,
  CPIO_TYPE_MASK,
  CPIO_TYPE_REGULAR,
  type CpioArchive,
  type CpioFoundEntry,
  cpioEntry,
  readCpio,
  writeCpio,
} from "./cpio.ts";
import { atByte, ImageError, type ImagePlace } from "./errors.ts";
import { sha256Hex } from "./sha256.ts";

/*
 * The boot bundle: a newc cpio archive whose first entry, SHA256SUMS, has a line for each later
 * entry, in their order, as sha256sum(1) writes it:
 *
 *   <64 lower-case hex digits><space><space><name><newline>
 *
 * so that after `cpio -id` the command `sha256sum -c SHA256SUMS` checks what `readBundle` checks.
 */
export const BUNDLE_MANIFEST = "SHA256SUMS";
/** Entries that a bundle can have, the manifest not counted. */
export const BUNDLE_ENTRIES_MAX = 1024;
/** Of the whole archive, trailer and padding included. */
export const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;
export const BUNDLE_NAME_BYTES_MAX = 255;

/** Regular file, rw-r--r--. */
const ENTRY_MODE = CPIO_TYPE_REGULAR | 0o644;
const MANIFEST_LINE = /^([0-9a-f]{64}) {2}(.+)$/s;

export interface BundleEntry {
  readonly name: string;
  readonly data: Uint8Array;
}

export interface BundleFoundEntry extends BundleEntry {
  /** Lower-case hex; the data has been found to have it. */
  readonly sha256: string;
}

export interface Bundle {
  /** Without the manifest, in the archive's order. */
  readonly entries: readonly BundleFoundEntry[];
  /** Up to the end of the archive's trailer. */
  readonly bytes: number;
}

/**
 * The bundle of these entries. The same entries in the same order give the same bytes: no time,
 * owner or mode of a file is kept.
 *
 * @throws ImageError `bundle-name`, `bundle-duplicate`, `bundle-entry-count`, `bundle-size`
 */
export async function buildBundle(
  entries: readonly BundleEntry[],
): Promise<Uint8Array<ArrayBuffer>> {
  checkEntryCount(entries.length, null);
  checkNames(entries, () => null);
  // Before any hashing: the archive is larger than its data, so this much is certain already.
  checkSize(entries.reduce((sum, { data }) => sum + data.length, 0));
  const lines: string[] = [];
  for (const { name, data } of entries) lines.push(`${await sha256Hex(data)}  ${name}\n`);
  const manifest = { name: BUNDLE_MANIFEST, data: new TextEncoder().encode(lines.join("")) };
  const archive = writeCpio(
    [manifest, ...entries].map(({ name, data }, index) =>
      cpioEntry(name, data, { ino: index + 1, mode: ENTRY_MODE }),
    ),
  );
  checkSize(archive.length);
  return archive;
}

/**
 * Reads a bundle and verifies it: form, limits, names, and each entry's digest. Bytes after the
 * archive's trailer are not looked at, so a whole partition can be given. Owners, modes and times
 * are not looked at either; bundles made with cpio have those of its user.
 *
 * @param baseOffset where the bundle begins in a larger image, for the places in errors
 * @throws ImageError of the codes `cpio-*` and `bundle-*`
 */
export async function readBundle(bytes: Uint8Array, baseOffset = 0): Promise<Bundle> {
  const archive = readArchive(bytes, baseOffset);
  const [manifest, ...entries] = archive.entries;
  const placeOf = (entry: CpioFoundEntry) => atByte(baseOffset + entry.headerOffset);
  if (manifest === undefined || manifest.name !== BUNDLE_MANIFEST) {
    const found =
      manifest === undefined ? "there is none" : `it is ${JSON.stringify(manifest.name)}`;
    const reason = `the first entry must be ${BUNDLE_MANIFEST}, ${found}`;
    throw new ImageError("bundle-manifest", atByte(baseOffset), reason);
  }
  for (const entry of archive.entries) checkType(entry, placeOf(entry));
  checkEntryCount(entries.length, placeOf(manifest));
  checkNames(entries, (index) => placeOf(entries[index] ?? manifest));
  const lines = readManifest(manifest.data, baseOffset + manifest.dataOffset);
  if (lines.length !== entries.length) {
    const reason = `${BUNDLE_MANIFEST} has ${lines.length} lines for ${entries.length} entries`;
    throw new ImageError("bundle-manifest", placeOf(manifest), reason);
  }
  const found: BundleFoundEntry[] = [];
  for (const [index, entry] of entries.entries()) {
    const line = lines[index];
    if (line?.name !== entry.name) {
      const reason = `entry ${index + 1} is ${entry.name}, its line in ${BUNDLE_MANIFEST} names ${line?.name}`;
      throw new ImageError("bundle-order", placeOf(entry), reason);
    }
    const sha256 = await sha256Hex(entry.data);
    if (sha256 !== line.sha256) {
      const reason = `${entry.name} has digest ${sha256}, ${BUNDLE_MANIFEST} says ${line.sha256}`;
      throw new ImageError("bundle-digest", atByte(baseOffset + entry.dataOffset), reason);
    }
    found.push({ name: entry.name, data: entry.data, sha256 });
  }
  return { entries: found, bytes: archive.bytes };
}

/** The archive, which must end within the limit; hitting the limit is not called a truncation. */
function readArchive(bytes: Uint8Array, baseOffset: number): CpioArchive {
  try {
    return readCpio(bytes.subarray(0, BUNDLE_BYTES_MAX), baseOffset);
  } catch (error) {
    const isCut = error instanceof ImageError && error.code === "cpio-truncated";
    if (isCut && bytes.length > BUNDLE_BYTES_MAX) {
      const reason = `no ${CPIO_TRAILER} within ${BUNDLE_BYTES_MAX} bytes, the limit of a bundle`;
      throw new ImageError("bundle-size", error.place, reason);
    }
    throw error;
  }
}

interface ManifestLine {
  readonly sha256: string;
  readonly name: string;
}

function readManifest(bytes: Uint8Array, offset: number): ManifestLine[] {
  const fail = (reason: string): never => {
    throw new ImageError("bundle-manifest", atByte(offset), `${BUNDLE_MANIFEST}: ${reason}`);
  };
  if (bytes.length === 0) return [];
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    fail("not UTF-8");
  }
  if (!text.endsWith("\n")) fail("the last line has no end");
  const lines = text.slice(0, -1).split("\n");
  return lines.map((line, index) => {
    const [, sha256, name] = MANIFEST_LINE.exec(line) ?? [];
    if (sha256 === undefined || name === undefined) {
      return fail(`line ${index + 1} is not 64 hex digits, two spaces and a name`);
    }
    return { sha256, name };
  });
}

function checkType(entry: CpioFoundEntry, place: ImagePlace): void {
  if ((entry.mode & CPIO_TYPE_MASK) === CPIO_TYPE_REGULAR) return;
  const reason = `${entry.name} is no regular file (mode ${entry.mode.toString(8)})`;
  throw new ImageError("bundle-entry-type", place, reason);
}

function checkEntryCount(count: number, place: ImagePlace | null): void {
  if (count <= BUNDLE_ENTRIES_MAX) return;
  const reason = `${count} entries, a bundle has at most ${BUNDLE_ENTRIES_MAX}`;
  throw new ImageError("bundle-entry-count", place, reason);
}

function checkSize(bytes: number): void {
  if (bytes <= BUNDLE_BYTES_MAX) return;
  const reason = `${bytes} bytes, a bundle has at most ${BUNDLE_BYTES_MAX}`;
  throw new ImageError("bundle-size", null, reason);
}

function checkNames(
  entries: readonly { readonly name: string }[],
  placeOf: (index: number) => ImagePlace | null,
): void {
  const seen = new Set<string>();
  for (const [index, { name }] of entries.entries()) {
    const fault = nameFault(name);
    if (fault !== null) {
      const reason = `the name ${JSON.stringify(name)} ${fault}`;
      throw new ImageError("bundle-name", placeOf(index), reason);
    }
    if (seen.has(name)) {
      const reason = `two entries are named ${JSON.stringify(name)}`;
      throw new ImageError("bundle-duplicate", placeOf(index), reason);
    }
    seen.add(name);
  }
}

/** What is wrong with an entry's name, or null. */
export function nameFault(name: string): string | null {
  const nameBytes = new TextEncoder().encode(name);
  const faults: readonly [boolean, string][] = [
    [nameBytes.length === 0, "is empty"],
    [nameBytes.length > BUNDLE_NAME_BYTES_MAX, `has more than ${BUNDLE_NAME_BYTES_MAX} bytes`],
    [name === BUNDLE_MANIFEST || name === CPIO_TRAILER, "is reserved"],
    [/\p{Surrogate}/u.test(name), "has half a surrogate pair, which has no UTF-8"],
    [
      nameBytes.some((byte) => byte < 0x20 || byte === 0x7f || byte === 0x5c),
      "has a control character or backslash, which sha256sum escapes",
    ],
    [name.startsWith("/"), "is absolute"],
    [name.split("/").includes(".."), 'has the component ".."'],
    [name.split("/").some((part) => part === "" || part === "."), "has an empty component"],
  ];
  return faults.find(([holds]) => holds)?.[1] ?? null;
}
