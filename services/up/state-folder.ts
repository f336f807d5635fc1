/** The folder of a state directory: its owner's alone. */
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { RequestError } from "../messages/errors.ts";

const OWNERS_ALONE = 0o700;

/** Makes it if there is none. @throws RequestError unavailable: it can't be made, or is no folder of ours */
export function makeStateFolder(state: string): void {
  try {
    makeFolder(state);
    chmodSync(state, OWNERS_ALONE);
  } catch (error) {
    throw unusable(state, error as NodeJS.ErrnoException);
  }
}

/** What the file system says of it, as a refusal that names the directory. */
export function unusable(state: string, error: NodeJS.ErrnoException): RequestError {
  const { code = "", path = "", message } = error;
  const isItself = state.startsWith(path);
  const why = `${(isItself && WHY[code]) || message}; choose another with --state`;
  return new RequestError("unavailable", `state directory ${state}: ${why}`);
}

const WHY: Readonly<Record<string, string>> = {
  EEXIST: "there is a file of that name",
  ENOTDIR: "a part of its path is a file",
  ENOENT: "it can't be made there",
  EACCES: "it can't be made there, or is another user's",
  EPERM: "it is another user's",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
};

/** Folder by folder: in /proc, which makes none, Node's own way (recursive) doesn't end. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: OWNERS_ALONE });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    mkdirSync(path, { mode: OWNERS_ALONE });
  }
}
