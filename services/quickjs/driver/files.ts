/** Streams, files, time and chance for the prelude: WASI preview 1. What is refused is an errno below 0. */
import * as op from "../guest/operations";
import * as js from "./engine";
import { argument, block, firstView, give, longAt, number, numberAt, room, ROOM_BYTES, secondView, take, View, words } from "./memory";

@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, list: usize, count: i32, written: usize): i32;
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, list: usize, count: i32, read: usize): i32;
@external("wasi_snapshot_preview1", "fd_close") declare function fd_close(fd: i32): i32;
@external("wasi_snapshot_preview1", "fd_readdir")
declare function fd_readdir(fd: i32, at: usize, bytes: usize, cookie: u64, used: usize): i32;
@external("wasi_snapshot_preview1", "fd_prestat_get") declare function fd_prestat_get(fd: i32, at: usize): i32;
@external("wasi_snapshot_preview1", "fd_prestat_dir_name")
declare function fd_prestat_dir_name(fd: i32, at: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "path_open")
declare function path_open(
  fd: i32, follow: i32, at: usize, bytes: usize, how: i32, rights: u64, inheriting: u64, flags: i32, opened: usize): i32;
@external("wasi_snapshot_preview1", "path_filestat_get")
declare function path_filestat_get(fd: i32, follow: i32, at: usize, bytes: usize, stat: usize): i32;
@external("wasi_snapshot_preview1", "path_create_directory")
declare function path_create_directory(fd: i32, at: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "path_remove_directory")
declare function path_remove_directory(fd: i32, at: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "path_unlink_file")
declare function path_unlink_file(fd: i32, at: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "path_rename")
declare function path_rename(fd: i32, at: usize, bytes: usize, to: i32, toAt: usize, toBytes: usize): i32;
@external("wasi_snapshot_preview1", "clock_time_get")
declare function clock_time_get(clock: i32, precision: u64, at: usize): i32;
@external("wasi_snapshot_preview1", "random_get")
export declare function random_get(at: usize, bytes: usize): i32;

const CLOCK_MONOTONIC: i32 = 1;
const LOOKUP_FOLLOW: i32 = 1;
const FILESTAT_BYTES: usize = 64;
const ERRNO_INVAL: i32 = 28;

@inline function refused(errno: i32): usize {
  return number(-<f64>errno);
}

/** Writes all of it, unless it is refused: an errno. */
export function writeAll(fd: i32, at: usize, bytes: usize): i32 {
  const list = words();
  let done: usize = 0;
  while (done < bytes) {
    block.word0 = at + done;
    block.word1 = bytes - done;
    block.word2 = 0;
    const errno = fd_write(fd, list, 1, list + 8);
    if (errno != 0) return errno;
    done += block.word2;
  }
  return 0;
}

export function write(list: usize): usize {
  const view = firstView();
  if (!take(argument(list, 2), view)) return refused(ERRNO_INVAL);
  const errno = writeAll(<i32>numberAt(list, 1), view.at, view.bytes);
  give(view);
  return refused(errno);
}

export function read(list: usize): usize {
  const out = words();
  block.word0 = room;
  block.word1 = ROOM_BYTES;
  const errno = fd_read(<i32>numberAt(list, 1), out, 1, out + 8);
  return errno == 0 ? js.qjs_new_uint8_array(room, block.word2) : refused(errno);
}

export function close(list: usize): usize {
  return refused(fd_close(<i32>numberAt(list, 1)));
}

/** The name of a folder that it has from its birth. */
export function folder(list: usize): usize {
  const fd = <i32>numberAt(list, 1);
  const errno = fd_prestat_get(fd, words());
  if (errno != 0) return refused(errno);
  // Its first word is the kind, of which there is one.
  const bytes = min(block.word1, ROOM_BYTES);
  const unnamed = fd_prestat_dir_name(fd, room, bytes);
  return unnamed == 0 ? js.qjs_new_string(room, bytes) : refused(unnamed);
}

export function open(list: usize): usize {
  const path = firstView();
  if (!take(argument(list, 2), path)) return refused(ERRNO_INVAL);
  const rights = <u64>numberAt(list, 4);
  const errno = path_open(
    <i32>numberAt(list, 1), LOOKUP_FOLLOW, path.at, path.bytes, <i32>numberAt(list, 3), rights, 0,
    <i32>numberAt(list, 5), words());
  give(path);
  return errno == 0 ? number(<f64>block.word0) : refused(errno);
}

export function entries(list: usize): usize {
  const errno = fd_readdir(<i32>numberAt(list, 1), room, ROOM_BYTES, longAt(list, 2), words());
  return errno == 0 ? js.qjs_new_uint8_array(room, block.word0) : refused(errno);
}

export function stat(list: usize): usize {
  const path = firstView();
  if (!take(argument(list, 2), path)) return refused(ERRNO_INVAL);
  const errno = path_filestat_get(<i32>numberAt(list, 1), LOOKUP_FOLLOW, path.at, path.bytes, room);
  give(path);
  return errno == 0 ? js.qjs_new_uint8_array(room, FILESTAT_BYTES) : refused(errno);
}

function changed(which: i32, fd: i32, path: View, to: i32, target: View): i32 {
  switch (which) {
    case op.CHANGE_CREATE_FOLDER: return path_create_directory(fd, path.at, path.bytes);
    case op.CHANGE_REMOVE_FOLDER: return path_remove_directory(fd, path.at, path.bytes);
    case op.CHANGE_REMOVE_FILE: return path_unlink_file(fd, path.at, path.bytes);
    case op.CHANGE_RENAME: return path_rename(fd, path.at, path.bytes, to, target.at, target.bytes);
  }
  return ERRNO_INVAL;
}

export function change(list: usize): usize {
  const path = firstView();
  const target = secondView();
  if (!take(argument(list, 3), path)) return refused(ERRNO_INVAL);
  if (!take(argument(list, 5), target)) {
    give(path);
    return refused(ERRNO_INVAL);
  }
  const errno = changed(
    <i32>numberAt(list, 1), <i32>numberAt(list, 2), path, <i32>numberAt(list, 4), target);
  give(path);
  give(target);
  return refused(errno);
}

export function now(): usize {
  clock_time_get(CLOCK_MONOTONIC, 0, words());
  return js.qjs_new_big_int64(<i32>block.word0, <i32>block.word1);
}

export function random(list: usize): usize {
  const bytes = <usize>min(max(numberAt(list, 1), 0.0), <f64>ROOM_BYTES);
  random_get(room, bytes);
  return js.qjs_new_uint8_array(room, bytes);
}
