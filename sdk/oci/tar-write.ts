/**
 * Writes a tar archive as POSIX.1-1988 has it (ustar), of regular files whose names fit the header. The
 * same files give the same bytes: sorted, nobody's, of one time.
 */

export const TAR_BLOCK = 512;

/** Fields of a header: offset and bytes. */
export const TAR_FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

const MODE = 0o644;
const REGULAR = "0";
/** "ustar", zero, and version 00. */
const MAGIC = "ustar\u000000";

/**
 * @param files content by name; a name has 100 ASCII characters at most
 * @param mtime of all files, seconds since 1970
 */
export function writeTar(files: ReadonlyMap<string, Uint8Array>, mtime = 0): Uint8Array {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const sizes = sorted.map(([, data]) => TAR_BLOCK + blocks(data.length));
  // Two blocks of zeros are the archive's end.
  const archive = new Uint8Array(sizes.reduce((sum, size) => sum + size, 2 * TAR_BLOCK));
  let at = 0;
  for (const [index, [name, data]] of sorted.entries()) {
    writeHeader(archive.subarray(at, at + TAR_BLOCK), name, data.length, mtime);
    archive.set(data, at + TAR_BLOCK);
    at += sizes[index] ?? 0;
  }
  return archive;
}

/** Bytes with the padding to a whole block. */
export const blocks = (bytes: number): number => Math.ceil(bytes / TAR_BLOCK) * TAR_BLOCK;

function writeHeader(header: Uint8Array, name: string, bytes: number, mtime: number): void {
  const put = (field: keyof typeof TAR_FIELDS, value: string) =>
    header.set(new TextEncoder().encode(value), TAR_FIELDS[field][0]);
  const octal = (field: keyof typeof TAR_FIELDS, value: number) =>
    put(field, value.toString(8).padStart(TAR_FIELDS[field][1] - 1, "0"));
  put("name", name);
  octal("mode", MODE);
  octal("uid", 0);
  octal("gid", 0);
  octal("size", bytes);
  octal("mtime", mtime);
  put("type", REGULAR);
  put("magic", MAGIC);
  put("checksum", `${tarChecksum(header).toString(8).padStart(6, "0")}\u0000 `);
}

/** Sum of the header's bytes, with spaces for the sum itself. */
export function tarChecksum(header: Uint8Array): number {
  const [from, length] = TAR_FIELDS.checksum;
  return header.reduce(
    (sum, byte, at) => sum + (at >= from && at < from + length ? 0x20 : byte),
    0,
  );
}
