/** Disk images in files: the backend of a drive in Node. */
import {
  closeSync,
  constants,
  type fstatSync,
  fsyncSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from "node:fs";
import type { DriveBackend, DriveOptions } from "../drives.ts";
import { MachineError, type MachineErrorCode } from "../errors.ts";

export interface FileDriveOptions extends Omit<DriveOptions, "data" | "backend"> {
  /** The guest's writes stay in the machine and the file stays as it was. Default false. */
  readonly overlay?: boolean;
}

const CODES: Readonly<Record<string, MachineErrorCode>> = {
  ENOENT: "drive-missing",
  ENOTDIR: "drive-missing",
  EISDIR: "drive-not-a-file",
  EACCES: "drive-unreadable",
  EPERM: "drive-unreadable",
  EROFS: "drive-read-only",
};

function refusal(path: string, cause: unknown): MachineError {
  const { code = "", message = String(cause) } = cause as { code?: string; message?: string };
  return new MachineError(CODES[code] ?? "drive-unreadable", `drive ${path}: ${message}`, {
    cause,
  });
}

/**
 * A drive over the image in `path`, opened at the first access. With neither `overlay` nor
 * `readOnly` the guest's writes go to the file, and the machine can't be snapshotted or forked.
 * @throws MachineError drive-missing, drive-empty, drive-not-a-file, drive-unreadable, drive-read-only
 */
export function fileDrive(path: string, options: FileDriveOptions = {}): DriveOptions {
  const writable = !options.overlay && !options.readOnly;
  return { ...options, backend: new FileBackend(path, writable) };
}

class FileBackend implements DriveBackend {
  readonly bytes: number;
  readonly write?: (offset: number, from: Uint8Array) => void;
  private readonly path: string;
  private readonly writable: boolean;
  private file: number | undefined;

  constructor(path: string, writable: boolean) {
    this.path = path;
    this.writable = writable;
    this.bytes = imageBytes(path);
    // A guest should not find out by errors of its drive what can be known before it runs.
    this.open();
    this.close();
    if (writable) this.write = (offset, from) => this.writeAll(offset, from);
  }

  read(offset: number, into: Uint8Array): void {
    const file = this.open();
    for (let done = 0; done < into.length; ) {
      const count = readSync(file, into, done, into.length - done, offset + done);
      if (count === 0)
        throw new MachineError(
          "drive-unreadable",
          `drive ${this.path}: the file ends at ${offset + done}, it was ${this.bytes} bytes long`,
        );
      done += count;
    }
  }

  flush(): void {
    if (this.file !== undefined && this.writable) fsyncSync(this.file);
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }

  private writeAll(offset: number, from: Uint8Array): void {
    const file = this.open();
    for (let done = 0; done < from.length; )
      done += writeSync(file, from, done, from.length - done, offset + done);
  }

  private open(): number {
    if (this.file !== undefined) return this.file;
    try {
      this.file = openSync(this.path, this.writable ? constants.O_RDWR : constants.O_RDONLY);
    } catch (cause) {
      throw refusal(this.path, cause);
    }
    return this.file;
  }
}

/** Size of the image; a block device has the one that its end tells. */
function imageBytes(path: string): number {
  let stat: ReturnType<typeof fstatSync>;
  try {
    stat = statSync(path);
  } catch (cause) {
    throw refusal(path, cause);
  }
  if (!stat.isFile())
    throw new MachineError("drive-not-a-file", `drive ${path}: it is not a regular file`);
  if (stat.size === 0) throw new MachineError("drive-empty", `drive ${path}: the file is empty`);
  return Number(stat.size);
}
