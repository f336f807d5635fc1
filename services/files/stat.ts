/** What the host says of files, as agents see it. */
import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import type { Entry, FileStat, FileType } from "../messages/files.ts";
import type { Folder } from "./folder.ts";

interface Kind {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

export function typeOf(it: Kind): FileType {
  if (it.isFile()) return "file";
  if (it.isDirectory()) return "folder";
  return it.isSymbolicLink() ? "link" : "other";
}

/** An inode's number is used again for other files, the time of its birth isn't. */
export const identityOf = ({ dev, ino, birthtimeNs }: BigIntStats): string =>
  `${dev}:${ino}:${birthtimeNs}`;

export function statOf(it: BigIntStats): FileStat {
  return {
    type: typeOf(it),
    device: `${it.dev}`,
    inode: `${it.ino}`,
    links: Number(it.nlink),
    size: Number(it.size),
    accessed: `${it.atimeNs}`,
    modified: `${it.mtimeNs}`,
    changed: `${it.ctimeNs}`,
  };
}

export const statAt = (folder: Folder, name: string): Promise<BigIntStats> =>
  lstat(folder.at(name), { bigint: true });

const FIRST_HASH = 3n;
/** Bits of a name's hash, less than a cookie has. */
const HASH_SHIFT = 2n;

/** Entries are ordered by a hash of their names, so a list goes on behind what it has shown, whatever came or went. */
function cookieOf(name: string): bigint {
  const hash = createHash("sha256").update(name).digest().readBigUInt64LE();
  return (hash >> HASH_SHIFT) + FIRST_HASH;
}

/**
 * What a folder has behind a cookie, "." and ".." first, as far as `bytes` of names and headers go; one
 * entry at least. Names that are no UTF-8 are left out: nobody could open them.
 */
export async function entriesOf(folder: Folder, cookie: bigint, bytes: number): Promise<Entry[]> {
  const { ino } = await statAt(folder, ".");
  const own: { name: string; type: FileType; at: bigint }[] = [
    { name: ".", type: "folder", at: 1n },
    { name: "..", type: "folder", at: 2n },
  ];
  const found = (await readdir(folder.at("."), { withFileTypes: true }))
    .filter(({ name }) => !name.includes("\ufffd"))
    .map((entry) => ({ name: entry.name, type: typeOf(entry), at: cookieOf(entry.name) }))
    .sort((a, b) => (a.at < b.at ? -1 : 1));
  const entries: Entry[] = [];
  let room = bytes;
  for (const { name, type, at } of [...own, ...found]) {
    if (at <= cookie) continue;
    if (room <= 0) break;
    const inode = at < FIRST_HASH ? ino : await inodeAt(folder, name);
    if (inode === null) continue;
    entries.push({ name, type, inode: `${inode}`, next: `${at}` });
    room -= ENTRY_BYTES + Buffer.byteLength(name);
  }
  return entries;
}
const ENTRY_BYTES = 24;

async function inodeAt(folder: Folder, name: string): Promise<bigint | null> {
  return await statAt(folder, name).then(
    ({ ino }) => ino,
    () => null,
  );
}

const NANOSECONDS = 1e9;

/** To a microsecond or so: the host takes times as floating-point seconds. */
export async function setTimes(
  { atimeNs, mtimeNs }: BigIntStats,
  { accessed, modified }: { accessed: string | null; modified: string | null },
  set: (accessed: number, modified: number) => Promise<void>,
): Promise<void> {
  const seconds = (text: string | null, kept: bigint) => Number(text ?? kept) / NANOSECONDS;
  await set(seconds(accessed, atimeNs), seconds(modified, mtimeNs));
}
