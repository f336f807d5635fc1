/**
 * Folders of the host that are held open. A name in a folder is reached through the folder's descriptor
 * (proc(5), /proc/PID/fd), as openat(2) does: whatever is renamed meanwhile, it is this folder's name.
 * Where there is no /proc, a folder is reached by its path, and one that has been exchanged between two
 * looks is found out by its identity; there a short time is left in which an attacker could win.
 */
import { constants } from "node:fs";
import { type FileHandle, lstat, open, realpath } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "./errors.ts";

const HAS_PROC = process.platform === "linux";
const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export class Folder {
  /** Nothing in it may be changed. */
  readonly readOnly: boolean;
  private readonly handle: FileHandle;
  private readonly path: string;

  private constructor(handle: FileHandle, path: string, readOnly: boolean) {
    this.handle = handle;
    this.path = path;
    this.readOnly = readOnly;
  }

  /** A folder that the host's owner has named; it may be a link. */
  static async root(path: string, readOnly: boolean): Promise<Folder> {
    const real = await realpath(path);
    return new Folder(await open(real, FLAGS), real, readOnly);
  }

  /** A path of the host for a name in this folder, as long as this is open. */
  at(name: string): string {
    return HAS_PROC ? `/proc/self/fd/${this.handle.fd}/${name}` : join(this.path, name);
  }

  /** A folder in this one; a link is none. */
  async folder(name: string): Promise<Folder> {
    const handle = await open(this.at(name), FLAGS);
    const it = new Folder(handle, join(this.path, name), this.readOnly);
    if (HAS_PROC) return it;
    const [opened, named] = [await handle.stat(), await lstat(it.path)];
    if (opened.ino === named.ino && (await realpath(it.path)) === it.path) return it;
    await it.close();
    throw new FileError("ENOTCAPABLE");
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
