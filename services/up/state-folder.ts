/** The folder of a state directory: its owner's alone, and of a format that it says in a file, as PG_VERSION does. */
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { RequestError } from "../messages/errors.ts";

const OWNERS_ALONE = 0o700;
export const FORMAT_FILE = "format";
/** Grows with each change that an older version would misread. */
const FORMAT = "1";

/**
 * Makes it if there is none.
 * @throws RequestError unavailable: it can't be made, is no folder of ours, or of another format
 */
export function makeStateFolder(state: string): void {
  try {
    makeFolder(state);
    chmodSync(state, OWNERS_ALONE);
    requireFormat(state);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw unusable(state, error as NodeJS.ErrnoException);
  }
}

/** One that says nothing is new, or older than formats are. */
function requireFormat(state: string): void {
  const file = join(state, FORMAT_FILE);
  const said = statSync(file, { throwIfNoEntry: false }) ? readFileSync(file, "utf8").trim() : "";
  if (said === FORMAT) return;
  if (said !== "") {
    const formats = `it has format ${JSON.stringify(said.slice(0, 16))}, this version reads ${FORMAT}`;
    const remedy = "use the version that wrote it, or another directory with --state";
    throw new RequestError("unavailable", `state directory ${state}: ${formats}; ${remedy}`);
  }
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${FORMAT}\n`, { mode: 0o600, flush: true });
  renameSync(draft, file);
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
