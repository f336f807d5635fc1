/** WASI's calls on descriptors. */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { FILE_BYTES_MAX, type FileStat, type FileType, LIST_BYTES_MAX } from "../messages/files.ts";
import type { Instance, Value } from "./instance.ts";
import * as wasi from "./wasi_constants.ts";
import type { Call, Context, QuickCall } from "./wasi_context.ts";
import {
  bytesAt,
  joined,
  put32,
  put64,
  Refusal,
  roomOf,
  size64,
  spread,
  unsigned,
  vectors,
  viewAt,
} from "./wasi_memory.ts";
import { readStream, STREAM_BYTES_MAX, writeStream } from "./wasi_streams.ts";
import { allowed, type Descriptor, type Opened } from "./wasi_table.ts";

const right = wasi.rights;
export const FILETYPES: Readonly<Record<FileType, number>> = {
  file: wasi.FILETYPE_REGULAR_FILE,
  folder: wasi.FILETYPE_DIRECTORY,
  link: wasi.FILETYPE_SYMBOLIC_LINK,
  other: wasi.FILETYPE_UNKNOWN,
};

const typeOf = ({ kind }: Descriptor): number =>
  kind === "stream" ? wasi.FILETYPE_CHARACTER_DEVICE : FILETYPES[kind];

/** What of a descriptor a request says. */
export const openedIn = ({ root, path, id, write }: Opened) => ({ root, path, id, write });

export function putStat(instance: Instance, at: number, stat: FileStat): void {
  const view = viewAt(instance, at, wasi.FILESTAT_BYTES);
  const numbers = [stat.device, stat.inode, FILETYPES[stat.type], stat.links, stat.size];
  for (const [n, value] of [...numbers, stat.accessed, stat.modified, stat.changed].entries())
    view.setBigUint64(8 * n, BigInt(value), true);
}

/** The times that `fstflags` means; null for one that stays. @throws Refusal INVAL */
export function* timesOf(
  { epoch }: Context,
  sys: Sys,
  [accessed, modified, flags]: readonly (Value | undefined)[],
): Step<{ accessed: string | null; modified: string | null }> {
  const set = Number(flags) >>> 0;
  const pick = (one: number, now: number, value: Value | undefined, time: bigint) => {
    if (set & one && set & now) throw new Refusal(wasi.ERRNO_INVAL);
    if (set & one) return `${BigInt.asUintN(64, BigInt(value ?? 0))}`;
    return set & now ? `${time}` : null;
  };
  const time = epoch + (yield* sys.now());
  return {
    accessed: pick(wasi.FSTFLAG_ATIM, wasi.FSTFLAG_ATIM_NOW, accessed, time),
    modified: pick(wasi.FSTFLAG_MTIM, wasi.FSTFLAG_MTIM_NOW, modified, time),
  };
}

function* readAt(context: Context, sys: Sys, it: Opened, offset: number, room: number) {
  if (it.kind === "folder") throw new Refusal(wasi.ERRNO_ISDIR);
  const bytes = Math.min(room, FILE_BYTES_MAX);
  return (yield* context.files.ask(sys, { op: "read", ...openedIn(it), offset, bytes })).bytes;
}

function* writeAt(context: Context, sys: Sys, it: Opened, at: number | null, bytes: Uint8Array) {
  const { files } = context;
  const request = { op: "write", ...openedIn(it), offset: at } as const;
  const { answer } = yield* files.ask(sys, request, bytes);
  if (it.flags & (wasi.FDFLAG_DSYNC | wasi.FDFLAG_SYNC))
    yield* files.ask(sys, { op: "sync", ...openedIn(it), data: !(it.flags & wasi.FDFLAG_SYNC) });
  return answer;
}

const read: Call = function* (context, sys, instance, args) {
  const [fd = 0, list = 0, count = 0, result = 0] = unsigned(args);
  const it = allowed(context.table.get(fd), right("FD_READ"));
  const buffers = vectors(instance, list, count);
  bytesAt(instance, result, 4);
  const bytes =
    it.kind === "stream"
      ? yield* readStream(context, sys, it, roomOf(buffers))
      : yield* readAt(context, sys, it, it.offset, roomOf(buffers));
  spread(bytes, buffers);
  put32(instance, result, bytes.length);
  if (it.kind !== "stream") context.table.set(fd, { ...it, offset: it.offset + bytes.length });
};

const write: Call = function* (context, sys, instance, args) {
  const [fd = 0, list = 0, count = 0, result = 0] = unsigned(args);
  const it = allowed(context.table.get(fd), right("FD_WRITE"));
  const buffers = vectors(instance, list, count);
  bytesAt(instance, result, 4);
  if (it.kind === "stream") {
    const bytes = joined(buffers, STREAM_BYTES_MAX);
    put32(instance, result, yield* writeStream(context, sys, it, bytes));
    return;
  }
  const at = it.flags & wasi.FDFLAG_APPEND ? null : it.offset;
  const bytes = joined(buffers, FILE_BYTES_MAX);
  const { written = 0, end = it.offset } = yield* writeAt(context, sys, it, at, bytes);
  put32(instance, result, written);
  context.table.set(fd, { ...it, offset: end });
};

const pread: Call = function* (context, sys, instance, args) {
  const [fd = 0, list = 0, count = 0, , result = 0] = unsigned(args);
  const it = context.table.opened(fd, right("FD_READ", "FD_SEEK"), wasi.ERRNO_SPIPE);
  const buffers = vectors(instance, list, count);
  bytesAt(instance, result, 4);
  const bytes = yield* readAt(context, sys, it, size64(args[3]), roomOf(buffers));
  spread(bytes, buffers);
  put32(instance, result, bytes.length);
};

const pwrite: Call = function* (context, sys, instance, args) {
  const [fd = 0, list = 0, count = 0, , result = 0] = unsigned(args);
  const it = context.table.opened(fd, right("FD_WRITE", "FD_SEEK"), wasi.ERRNO_SPIPE);
  const bytes = joined(vectors(instance, list, count), FILE_BYTES_MAX);
  bytesAt(instance, result, 4);
  const at = it.flags & wasi.FDFLAG_APPEND ? null : size64(args[3]);
  const { written = 0 } = yield* writeAt(context, sys, it, at, bytes);
  put32(instance, result, written);
};

const seek: Call = function* (context, sys, instance, args) {
  const [fd = 0, , whence = 0, result = 0] = unsigned(args);
  const offset = Number(BigInt.asIntN(64, BigInt(args[1] ?? 0)));
  const needed = offset === 0 && whence === wasi.WHENCE_CUR ? right("FD_TELL") : right("FD_SEEK");
  const it = context.table.opened(fd, needed, wasi.ERRNO_SPIPE);
  bytesAt(instance, result, 8);
  let base = 0;
  if (whence === wasi.WHENCE_CUR) base = it.offset;
  else if (whence === wasi.WHENCE_END) base = (yield* statOf(context, sys, it)).size;
  else if (whence !== wasi.WHENCE_SET) throw new Refusal(wasi.ERRNO_INVAL);
  const at = base + offset;
  if (at < 0 || !Number.isSafeInteger(at)) throw new Refusal(wasi.ERRNO_INVAL);
  put64(instance, result, BigInt(at));
  context.table.set(fd, { ...it, offset: at });
};

export function* statOf(context: Context, sys: Sys, it: Opened): Step<FileStat> {
  const { root, path } = it;
  const request =
    it.kind === "folder"
      ? ({ op: "stat", root, path, follow: false } as const)
      : ({ op: "fstat", ...openedIn(it) } as const);
  const { stat } = (yield* context.files.ask(sys, request)).answer;
  if (!stat) throw new Refusal(wasi.ERRNO_IO);
  return stat;
}

const filestat: Call = function* (context, sys, instance, args) {
  const [fd = 0, at = 0] = unsigned(args);
  const it = allowed(context.table.get(fd), right("FD_FILESTAT_GET"));
  const view = viewAt(instance, at, wasi.FILESTAT_BYTES);
  if (it.kind !== "stream") {
    putStat(instance, at, yield* statOf(context, sys, it));
    return;
  }
  for (let n = 0; n < wasi.FILESTAT_BYTES; n++) view.setUint8(n, 0);
  view.setUint8(16, wasi.FILETYPE_CHARACTER_DEVICE);
};

const setTimes: Call = function* (context, sys, _instance, args) {
  const [fd = 0] = unsigned(args);
  const it = context.table.opened(fd, right("FD_FILESTAT_SET_TIMES"));
  const times = yield* timesOf(context, sys, [args[1], args[2], args[3]]);
  const { root, path } = it;
  yield* context.files.ask(
    sys,
    it.kind === "folder"
      ? { op: "times", root, path, follow: false, ...times }
      : { op: "ftimes", ...openedIn(it), ...times },
  );
};

/** A file's size: set, or made no smaller than a part's end. */
const resizes = (needed: wasi.Right, grow: boolean): Call =>
  function* (context, sys, _instance, args) {
    const [fd = 0] = unsigned(args);
    const it = context.table.opened(fd, right(needed));
    const [first, length] = [size64(args[1]), grow ? size64(args[2]) : 0];
    if (grow && length === 0) throw new Refusal(wasi.ERRNO_INVAL);
    if (!Number.isSafeInteger(first + length)) throw new Refusal(wasi.errnoNamed("EFBIG"));
    yield* context.files.ask(sys, { op: "size", ...openedIn(it), size: first + length, grow });
  };

const syncs = (needed: wasi.Right, data: boolean): Call =>
  function* (context, sys, _instance, args) {
    const [fd = 0] = unsigned(args);
    const it = context.table.opened(fd, right(needed), wasi.ERRNO_INVAL);
    // A folder's names are the host's to keep.
    if (it.kind === "file") yield* context.files.ask(sys, { op: "sync", ...openedIn(it), data });
  };

const close: Call = function* ({ table, files }, sys, _instance, args) {
  const [fd = 0] = unsigned(args);
  const it = table.get(fd);
  if (it.kind === "file" && !table.shares(fd, it))
    try {
      yield* files.ask(sys, { op: "close", ...openedIn(it) });
    } catch (error) {
      // The descriptor goes in any case.
      if (!(error instanceof Refusal)) throw error;
    }
  table.set(fd, null);
};

const readdir: Call = function* (context, sys, instance, args) {
  const [fd = 0, at = 0, length = 0, , result = 0] = unsigned(args);
  const it = context.table.folder(fd, right("FD_READDIR"));
  const room = bytesAt(instance, at, length);
  bytesAt(instance, result, 4);
  const whole: Uint8Array[] = [];
  let cookie = `${BigInt.asUintN(64, BigInt(args[3] ?? 0))}`;
  for (let left = length; left > 0; ) {
    const bytes = Math.min(left, LIST_BYTES_MAX);
    const request = { op: "list", ...openedIn(it), cookie, bytes } as const;
    const { entries = [] } = (yield* context.files.ask(sys, request)).answer;
    for (const { name, type, inode, next } of entries) {
      const text = new TextEncoder().encode(name);
      const entry = new Uint8Array(wasi.DIRENT_BYTES + text.length);
      const view = new DataView(entry.buffer);
      view.setBigUint64(0, BigInt(next), true);
      view.setBigUint64(8, BigInt(inode), true);
      view.setUint32(16, text.length, true);
      view.setUint8(20, FILETYPES[type]);
      entry.set(text, wasi.DIRENT_BYTES);
      whole.push(entry);
      left -= entry.length;
      cookie = next;
    }
    if (entries.length === 0) break;
  }
  const bytes = joined(whole, length);
  room.set(bytes);
  put32(instance, result, bytes.length);
};

// --- at once ---

const fdstat: QuickCall = ({ table }, instance, args) => {
  const [fd = 0, at = 0] = unsigned(args);
  const it = table.get(fd);
  const view = viewAt(instance, at, wasi.FDSTAT_BYTES);
  view.setBigUint64(0, 0n, true);
  view.setUint8(0, typeOf(it));
  view.setUint16(wasi.FDSTAT_FLAGS, it.flags, true);
  view.setBigUint64(wasi.FDSTAT_RIGHTS, it.rights, true);
  view.setBigUint64(wasi.FDSTAT_INHERITING, it.inheriting, true);
};

const setFlags: QuickCall = ({ table }, _, args) => {
  const [fd = 0, flags = 0] = unsigned(args);
  const it = allowed(table.get(fd), right("FD_FDSTAT_SET_FLAGS"));
  if (flags & ~wasi.FDFLAGS_ALL) throw new Refusal(wasi.ERRNO_INVAL);
  const synced = wasi.FDFLAG_DSYNC | wasi.FDFLAG_RSYNC | wasi.FDFLAG_SYNC;
  if ((flags ^ it.flags) & synced) throw new Refusal(wasi.ERRNO_NOTSUP);
  table.set(fd, { ...it, flags });
};

/** Rights can be given up, never gained. */
const setRights: QuickCall = ({ table }, _, args) => {
  const [fd = 0] = unsigned(args);
  const it = table.get(fd);
  const [rights, inheriting] = [args[1], args[2]].map((it) => BigInt.asUintN(64, BigInt(it ?? 0)));
  if (rights === undefined || inheriting === undefined) throw new Refusal(wasi.ERRNO_INVAL);
  if (rights & ~it.rights || inheriting & ~it.inheriting) throw new Refusal(wasi.ERRNO_NOTCAPABLE);
  table.set(fd, { ...it, rights, inheriting });
};

const advise: QuickCall = ({ table }, _, args) => {
  const [fd = 0, , , advice = 0] = unsigned(args);
  const it = table.opened(fd, 0n, wasi.ERRNO_SPIPE);
  if (it.kind === "folder") throw new Refusal(wasi.ERRNO_BADF);
  allowed(it, right("FD_ADVISE"));
  if (advice > wasi.ADVICE_MAX) throw new Refusal(wasi.ERRNO_INVAL);
};

const tell: QuickCall = ({ table }, instance, args) => {
  const [fd = 0, at = 0] = unsigned(args);
  const { offset } = table.opened(fd, right("FD_TELL"), wasi.ERRNO_SPIPE);
  put64(instance, at, BigInt(offset));
};

const renumber: QuickCall = ({ table }, _, args) => {
  const [from = 0, to = 0] = unsigned(args);
  const it = table.get(from);
  table.get(to);
  if (from === to) return;
  table.set(to, it);
  table.set(from, null);
};

function preopened(context: Context, fd: number): Uint8Array {
  const it = context.table.get(fd);
  if (it.kind === "stream" || it.preopened === null) throw new Refusal(wasi.ERRNO_BADF);
  return new TextEncoder().encode(it.preopened);
}

const prestat: QuickCall = (context, instance, args) => {
  const [fd = 0, at = 0] = unsigned(args);
  const { length } = preopened(context, fd);
  const view = viewAt(instance, at, wasi.PRESTAT_BYTES);
  view.setUint32(0, 0, true);
  view.setUint32(wasi.PRESTAT_LENGTH, length, true);
};

const prestatName: QuickCall = (context, instance, args) => {
  const [fd = 0, at = 0, length = 0] = unsigned(args);
  const name = preopened(context, fd);
  if (length < name.length) throw new Refusal(wasi.ERRNO_NAMETOOLONG);
  bytesAt(instance, at, name.length).set(name);
};

/** There are no sockets among the descriptors. */
const noSocket: QuickCall = ({ table }, _, args) => {
  table.get(Number(args[0]) >>> 0);
  throw new Refusal(wasi.ERRNO_NOTSOCK);
};

export const FD_STEPS: Readonly<Record<string, Call>> = {
  fd_allocate: resizes("FD_ALLOCATE", true),
  fd_close: close,
  fd_datasync: syncs("FD_DATASYNC", true),
  fd_filestat_get: filestat,
  fd_filestat_set_size: resizes("FD_FILESTAT_SET_SIZE", false),
  fd_filestat_set_times: setTimes,
  fd_pread: pread,
  fd_pwrite: pwrite,
  fd_read: read,
  fd_readdir: readdir,
  fd_seek: seek,
  fd_sync: syncs("FD_SYNC", false),
  fd_write: write,
};

export const FD_QUICK: Readonly<Record<string, QuickCall>> = {
  fd_advise: advise,
  fd_fdstat_get: fdstat,
  fd_fdstat_set_flags: setFlags,
  fd_fdstat_set_rights: setRights,
  fd_prestat_dir_name: prestatName,
  fd_prestat_get: prestat,
  fd_renumber: renumber,
  fd_tell: tell,
  sock_accept: noSocket,
  sock_recv: noSocket,
  sock_send: noSocket,
  sock_shutdown: noSocket,
};
