/** Files below the folders that the agent was given, by WASI's calls (services/wasm/wasi_constants.ts). */
import { type Bytes, decode, done, host, SystemError } from "./host.ts";
import * as op from "./operations.ts";

/** The first descriptor of a folder that it has from its birth. */
const FIRST_FOLDER = 3;
/** `rights` of files, `oflags` and `fdflags`. */
const RIGHT_READ = 1 << 1;
const RIGHT_WRITE = 1 << 6;
const RIGHT_LIST = 1 << 14;
const HOW_CREATE = 1;
const HOW_FOLDER = 2;
const HOW_NEW = 4;
const HOW_EMPTY = 8;
const FLAG_APPEND = 1;
const ERRNO_NOTCAPABLE = 76;
const KINDS = new Map([
  [3, "folder"],
  [4, "file"],
  [7, "link"],
] as const);
type Kind = "file" | "folder" | "link" | "other";
/** `dirent` and `filestat`: offsets in bytes. */
const ENTRY = { next: 0, nameBytes: 16, kind: 20, bytes: 24 } as const;
const STAT = { kind: 16, size: 32, modified: 48 } as const;

interface Place {
  /** Descriptor of the folder that it is below. */
  readonly folder: number;
  readonly path: string;
}

/** By the folder with the longest name that it is in. @throws SystemError ENOTCAPABLE */
function placeOf(path: string): Place {
  const wanted = `/${String(path)
    .split("/")
    .filter((it) => it !== "" && it !== ".")
    .join("/")}`;
  let found: Place | undefined;
  let longest = -1;
  for (let folder = FIRST_FOLDER; ; folder++) {
    const name = host(op.OP_FOLDER, folder);
    if (typeof name !== "string") break;
    const below = name === "/" ? "" : name;
    if (name.length <= longest || !(wanted === name || wanted.startsWith(`${below}/`))) continue;
    longest = name.length;
    found = { folder, path: wanted.slice(below.length + 1) || "." };
  }
  if (found === undefined) throw new SystemError(wanted, -ERRNO_NOTCAPABLE);
  return found;
}

interface Opening {
  readonly how?: number;
  readonly rights: number;
  readonly flags?: number;
}

/** With the descriptor, which is closed afterwards. */
function opened<T>(
  path: string,
  { how = 0, rights, flags = 0 }: Opening,
  use: (fd: number) => T,
): T {
  const place = placeOf(path);
  const answer = host(op.OP_OPEN, place.folder, place.path, how, rights, flags);
  const fd = done<number>(path, answer);
  try {
    return use(fd);
  } finally {
    host(op.OP_CLOSE, fd);
  }
}

export function readFile(path: string): Uint8Array {
  return opened(path, { rights: RIGHT_READ }, (fd) => {
    const parts: Uint8Array[] = [];
    let length = 0;
    while (true) {
      const part = done<Uint8Array>(path, host(op.OP_READ, fd));
      if (part.length === 0) break;
      parts.push(part);
      length += part.length;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  });
}

export const readText = (path: string): string => decode(readFile(path));

const MODES = {
  replace: { how: HOW_CREATE | HOW_EMPTY, flags: 0 },
  append: { how: HOW_CREATE, flags: FLAG_APPEND },
  new: { how: HOW_CREATE | HOW_NEW, flags: 0 },
} as const;

export function writeFile(path: string, data: Bytes, mode: keyof typeof MODES = "replace"): void {
  if (typeof data !== "string" && !(data instanceof Uint8Array))
    throw new TypeError("a file's contents are a string or a Uint8Array");
  const opening = MODES[mode];
  if (opening === undefined) throw new RangeError(`no way to write: ${mode}`);
  opened(path, { ...opening, rights: RIGHT_WRITE }, (fd) => {
    done(path, host(op.OP_WRITE, fd, data));
  });
}

export interface Entry {
  readonly name: string;
  readonly kind: Kind;
}

export function readFolder(path: string): Entry[] {
  return opened(path, { how: HOW_FOLDER, rights: RIGHT_LIST }, (fd) => {
    const entries: Entry[] = [];
    for (let cookie: bigint | undefined = 0n; cookie !== undefined; )
      cookie = addEntries(entries, done(path, host(op.OP_ENTRIES, fd, cookie)));
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

/** Adds those that are there as a whole; where to go on, undefined when there were none. */
function addEntries(entries: Entry[], bytes: Uint8Array): bigint | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let next: bigint | undefined;
  for (let at = 0; at + ENTRY.bytes <= bytes.length; ) {
    const end = at + ENTRY.bytes + view.getUint32(at + ENTRY.nameBytes, true);
    if (end > bytes.length) break;
    const name = decode(bytes.slice(at + ENTRY.bytes, end));
    const kind = KINDS.get(view.getUint8(at + ENTRY.kind) as 3) ?? "other";
    if (name !== "." && name !== "..") entries.push({ name, kind });
    next = view.getBigUint64(at + ENTRY.next, true);
    at = end;
  }
  return next;
}

export interface Stat {
  readonly kind: Kind;
  readonly size: number;
  readonly modified: bigint;
}

export function stat(path: string): Stat {
  const place = placeOf(path);
  const bytes = done<Uint8Array>(path, host(op.OP_STAT, place.folder, place.path));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    kind: KINDS.get(view.getUint8(STAT.kind) as 3) ?? "other",
    size: Number(view.getBigUint64(STAT.size, true)),
    modified: view.getBigUint64(STAT.modified, true),
  };
}

function change(which: number, path: string, to: string = path): void {
  const [from, target] = [placeOf(path), placeOf(to)];
  const { folder } = target;
  done(path, host(op.OP_CHANGE, which, from.folder, from.path, folder, target.path));
}

export const createFolder = (path: string): void => change(op.CHANGE_CREATE_FOLDER, path);
export const removeFolder = (path: string): void => change(op.CHANGE_REMOVE_FOLDER, path);
export const removeFile = (path: string): void => change(op.CHANGE_REMOVE_FILE, path);
export const rename = (from: string, to: string): void => change(op.CHANGE_RENAME, from, to);
