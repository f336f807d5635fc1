/** WASI's calls on paths, each from a folder that is open. */
import type { FileAsked } from "../messages/files.ts";
import type { Instance } from "./instance.ts";
import * as wasi from "./wasi_constants.ts";
import type { Call, Context } from "./wasi_context.ts";
import { putStat, timesOf } from "./wasi_fds.ts";
import { bytesAt, put32, Refusal, textAt, unsigned } from "./wasi_memory.ts";
import type { Opened } from "./wasi_table.ts";

const right = wasi.rights;

/** A path as a request says it. @throws Refusal BADF, NOTDIR, NOTCAPABLE, FAULT, ILSEQ */
function placeOf(
  { table }: Context,
  instance: Instance,
  [fd = 0, at = 0, length = 0]: readonly number[],
  needed: wasi.Right,
): { root: string; path: string } {
  const { root, path } = table.folder(fd, right(needed));
  return { root, path: below(path, textAt(instance, at, length)) };
}

/** A path from the root. An absolute one stays so, and is refused. */
function below(folder: string, path: string): string {
  return path === "" || path.startsWith("/") || folder === "." ? path : `${folder}/${path}`;
}

const follows = (flags: number | undefined): boolean => ((flags ?? 0) & wasi.LOOKUP_FOLLOW) !== 0;

/** Calls that have a folder, a path and nothing else. */
const simple = (op: "mkdir" | "rmdir" | "unlink", needed: wasi.Right): Call =>
  function* (context, sys, instance, args) {
    const place = placeOf(context, instance, unsigned(args), needed);
    yield* context.files.ask(sys, { op, ...place });
  };

const filestat: Call = function* (context, sys, instance, args) {
  const [fd = 0, flags, path = 0, length = 0, at = 0] = unsigned(args);
  const place = placeOf(context, instance, [fd, path, length], "PATH_FILESTAT_GET");
  bytesAt(instance, at, wasi.FILESTAT_BYTES);
  const request: FileAsked = { op: "stat", ...place, follow: follows(flags) };
  const { stat } = (yield* context.files.ask(sys, request)).answer;
  if (!stat) throw new Refusal(wasi.ERRNO_IO);
  putStat(instance, at, stat);
};

const setTimes: Call = function* (context, sys, instance, args) {
  const [fd = 0, flags, path = 0, length = 0] = unsigned(args);
  const place = placeOf(context, instance, [fd, path, length], "PATH_FILESTAT_SET_TIMES");
  const times = yield* timesOf(context, sys, [args[4], args[5], args[6]]);
  yield* context.files.ask(sys, { op: "times", ...place, follow: follows(flags), ...times });
};

const link: Call = function* (context, sys, instance, args) {
  const [fd = 0, flags, from = 0, length = 0, other = 0, to = 0, toLength = 0] = unsigned(args);
  const place = placeOf(context, instance, [fd, from, length], "PATH_LINK_SOURCE");
  const target = placeOf(context, instance, [other, to, toLength], "PATH_LINK_TARGET");
  if (place.root !== target.root) throw new Refusal(wasi.ERRNO_XDEV);
  const follow = follows(flags);
  yield* context.files.ask(sys, { op: "link", ...place, follow, to: target.path });
};

const rename: Call = function* (context, sys, instance, args) {
  const [fd = 0, from = 0, length = 0, other = 0, to = 0, toLength = 0] = unsigned(args);
  const place = placeOf(context, instance, [fd, from, length], "PATH_RENAME_SOURCE");
  const target = placeOf(context, instance, [other, to, toLength], "PATH_RENAME_TARGET");
  if (place.root !== target.root) throw new Refusal(wasi.ERRNO_XDEV);
  yield* context.files.ask(sys, { op: "rename", ...place, to: target.path });
};

const symlink: Call = function* (context, sys, instance, args) {
  const [text = 0, textLength = 0, fd = 0, path = 0, length = 0] = unsigned(args);
  const place = placeOf(context, instance, [fd, path, length], "PATH_SYMLINK");
  const target = textAt(instance, text, textLength);
  yield* context.files.ask(sys, { op: "symlink", ...place, target });
};

const readlink: Call = function* (context, sys, instance, args) {
  const [fd = 0, path = 0, length = 0, at = 0, room = 0, result = 0] = unsigned(args);
  const place = placeOf(context, instance, [fd, path, length], "PATH_READLINK");
  const buffer = bytesAt(instance, at, room);
  bytesAt(instance, result, 4);
  const { target = "" } = (yield* context.files.ask(sys, { op: "readlink", ...place })).answer;
  const bytes = new TextEncoder().encode(target).subarray(0, room);
  buffer.set(bytes);
  put32(instance, result, bytes.length);
};

/** What a file may be opened for: as much as is wanted of what the folder passes on. @throws Refusal NOTCAPABLE */
function openRights(folder: Opened, wanted: bigint) {
  const modes = wasi.READ_RIGHTS | wasi.WRITE_RIGHTS;
  const [reads, writes] = [wanted & wasi.READ_RIGHTS, wanted & wasi.WRITE_RIGHTS];
  if (wanted & modes & ~folder.inheriting) throw new Refusal(wasi.ERRNO_NOTCAPABLE);
  return { read: reads !== 0n || writes === 0n, write: writes !== 0n };
}

const open: Call = function* (context, sys, instance, args) {
  const [fd = 0, follow, path = 0, length = 0, how = 0, , , flags = 0, result = 0] = unsigned(args);
  const { table, files } = context;
  const folder = table.folder(fd, right("PATH_OPEN"));
  const [wanted, passing] = [args[5], args[6]].map((it) => BigInt.asUintN(64, BigInt(it ?? 0)));
  const [create, truncate] = [(how & wasi.OFLAG_CREATE) !== 0, (how & wasi.OFLAG_TRUNCATE) !== 0];
  const needed: wasi.Right[] = ["PATH_OPEN"];
  if (create) needed.push("PATH_CREATE_FILE");
  if (truncate) needed.push("PATH_FILESTAT_SET_SIZE");
  table.folder(fd, right(...needed));
  if (flags & ~wasi.FDFLAGS_ALL) throw new Refusal(wasi.ERRNO_INVAL);
  const place = placeOf(context, instance, [fd, path, length], "PATH_OPEN");
  bytesAt(instance, result, 4);
  const free = table.free();
  const mode = openRights(folder, wanted ?? 0n);
  const { answer } = yield* files.ask(sys, {
    ...{ op: "open", ...place, follow: follows(follow), create, truncate, ...mode },
    ...{ exclusive: (how & wasi.OFLAG_EXCLUSIVE) !== 0 },
    ...{ folder: (how & wasi.OFLAG_DIRECTORY) !== 0 },
  });
  const kind = answer.type === "folder" ? "folder" : "file";
  const most = kind === "folder" ? folder.rights : folder.inheriting;
  table.set(free, {
    ...{ kind, root: place.root, path: answer.path ?? "", id: answer.id ?? "", offset: 0 },
    ...{ write: mode.write, preopened: null, flags, rights: (wanted ?? 0n) & most },
    inheriting: (passing ?? 0n) & folder.inheriting,
  });
  put32(instance, result, free);
};

export const PATH_STEPS: Readonly<Record<string, Call>> = {
  path_create_directory: simple("mkdir", "PATH_CREATE_DIRECTORY"),
  path_filestat_get: filestat,
  path_filestat_set_times: setTimes,
  path_link: link,
  path_open: open,
  path_readlink: readlink,
  path_remove_directory: simple("rmdir", "PATH_REMOVE_DIRECTORY"),
  path_rename: rename,
  path_symlink: symlink,
  path_unlink_file: simple("unlink", "PATH_UNLINK_FILE"),
};
