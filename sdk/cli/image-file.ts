import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import type { ImageSource } from "../image/source.ts";

/** Runs of zeros of this size are left out of the file: it becomes sparse where that is possible. */
const CHUNK_BYTES = 1024 * 1024;
/** The most that one read of Node takes: larger than any kernel, initial RAM disk or agent. */
export const INPUT_BYTES_MAX = 0x7fff_ffff;

/** Bad input from the file system, said in one line. */
export class FileError extends Error {
  override readonly name = "FileError";
}

/** Reads a regular file whole, if it has at most `bytesMax` bytes. @throws FileError */
export function readInputFile(path: string, bytesMax: number): Uint8Array {
  return withFile(path, (source) => {
    if (source.bytes > bytesMax) {
      throw new FileError(`${path}: has ${source.bytes} bytes, more than ${bytesMax}`);
    }
    return source.read(0, source.bytes);
  });
}

/** Opens a regular file for the time that `use` takes. @throws FileError */
export function withFile<T>(path: string, use: (source: ImageSource) => T): T {
  const file = fileCall(path, () => openRegular(path));
  const close = () => closeSync(file.descriptor);
  let result: T;
  try {
    result = use(fileSource(path, file));
  } catch (error) {
    close();
    throw error;
  }
  if (result instanceof Promise) return result.finally(close) as T;
  close();
  return result;
}

/**
 * Writes a file so that its name stands for the old content or the whole new one, whatever
 * happens: into a temporary file beside it, flushed, then renamed. A link is followed.
 *
 * @param mode of a file that is made, before the umask
 * @throws FileError when the name is that of a directory or device, or a system call fails; no
 *   temporary file is left behind
 */
export function writeFileAtomically(path: string, bytes: Uint8Array, mode = 0o666): void {
  fileCall(path, () => {
    const exists = statSync(path, { throwIfNoEntry: false });
    if (exists !== undefined && !exists.isFile())
      throw new FileError(`${path}: not a regular file`);
    const target = exists === undefined ? path : realpathSync(path);
    const temporary = `${target}.${process.pid}.tmp`;
    const descriptor = openSync(temporary, "wx", mode);
    try {
      try {
        writeSparse(descriptor, bytes);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(temporary, target);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

function writeSparse(descriptor: number, bytes: Uint8Array): void {
  ftruncateSync(descriptor, bytes.length);
  const zeros = Buffer.alloc(CHUNK_BYTES);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const chunk = bytes.subarray(at, at + CHUNK_BYTES);
    if (zeros.compare(chunk, 0, chunk.length, 0, chunk.length) === 0) continue;
    for (let done = 0; done < chunk.length; ) {
      done += writeSync(descriptor, chunk, done, chunk.length - done, at + done);
    }
  }
}

interface OpenFile {
  readonly descriptor: number;
  readonly bytes: number;
}

function openRegular(path: string): OpenFile {
  // Asked before opening, because opening a pipe waits for its other end.
  if (!statSync(path).isFile()) throw new FileError(`${path}: not a regular file`);
  const descriptor = openSync(path, "r");
  return { descriptor, bytes: fstatSync(descriptor).size };
}

function fileSource(path: string, { descriptor, bytes }: OpenFile): ImageSource {
  return {
    bytes,
    read: (byteOffset, byteLength) =>
      fileCall(path, () => {
        const buffer = new Uint8Array(byteLength);
        for (let done = 0; done < byteLength; ) {
          const got = readSync(descriptor, buffer, done, byteLength - done, byteOffset + done);
          if (got === 0) throw new FileError(`${path}: became shorter while it was read`);
          done += got;
        }
        return buffer;
      }),
  };
}

/** Runs system calls; their errors become one line with the path and the system's reason. */
function fileCall<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && "code" in error && "syscall" in error) {
      throw new FileError(`${path}: ${error.message.split(",")[0]}`);
    }
    throw error;
  }
}
