/** What goes into the bundle of `aios doctor`. Of the state directory only regular files are opened, no links. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
} from "node:fs";
import { arch, cpus, freemem, release, totalmem } from "node:os";
import { basename, join } from "node:path";
import { OciError } from "../../oci/errors.ts";
import { readJson } from "../../oci/json.ts";
import { FileError } from "../image-file.ts";
import { version } from "../version.ts";
import type { Finding } from "./checks.ts";
import { allowedVariables, redactText, redactValue } from "./redact.ts";

const JOURNAL_BYTES_MAX = 256 * 1024 ** 2;
const CONFIGURATION_BYTES_MAX = 64 * 1024;
const LOG_TAIL_BYTES = 64 * 1024;
const ENTRIES_MAX = 10_000;
/** Names of files whose content is nothing but a secret. */
const SECRET_FILE = /token|secret|key|credential|passw/i;

export interface BundleInput {
  readonly state: string;
  readonly findings: readonly Finding[];
  /** A file, its bytes, true for the last one of the state directory, or false. */
  readonly journal: string | boolean | Uint8Array;
}

/** Names and contents. @throws FileError: the journal that was named can't be read, or is too large */
export function bundleFiles({ state, findings, journal }: BundleInput): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const add = (name: string, value: unknown) =>
    files.set(name, new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`));
  add("report.json", { ...versions(), findings });
  add("environment.json", allowedVariables(process.env));
  add("state.json", summary(state));
  for (const name of names(state).filter(
    (each) => each.endsWith(".json") && !SECRET_FILE.test(each),
  )) {
    const configuration = readConfiguration(join(state, name));
    if (configuration !== undefined) add(`configuration/${safeName(name)}`, configuration);
  }
  const log = newest(state, [".", "log", "logs"], /\.log$/);
  if (log !== null) files.set("log.txt", new TextEncoder().encode(redactText(readTail(log))));
  if (journal instanceof Uint8Array) return files.set("journal/running", journal);
  const last = () => newest(state, ["journal"], /./);
  const path = typeof journal === "string" ? journal : journal ? last() : null;
  if (path !== null) files.set(`journal/${safeName(basename(path))}`, readJournal(path));
  return files;
}

/** What the program and the computer are. */
export function versions() {
  const processors = cpus();
  return {
    aios: version(),
    node: process.versions.node,
    v8: process.versions.v8,
    platform: process.platform,
    arch: arch(),
    release: release(),
    cpus: { count: processors.length, model: processors[0]?.model ?? "", flags: processorFlags() },
    memory: { total: totalmem(), free: freemem(), limit: process.constrainedMemory() },
  };
}

/** Where Linux says them; empty elsewhere. */
function processorFlags(): string[] {
  try {
    const text = readFileSync("/proc/cpuinfo", "latin1");
    return /^(?:flags|Features)\s*: (.*)$/m.exec(text)?.[1]?.split(" ") ?? [];
  } catch {
    return [];
  }
}

/** Entries of the state directory, with how much there is below each; null when there is none. */
function summary(state: string) {
  if (lstatSync(state, { throwIfNoEntry: false }) === undefined) return null;
  return names(state).map((name) => {
    const stats = lstatSync(join(state, name));
    const { files, bytes } = below(join(state, name));
    const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0");
    const modified = stats.mtime.toISOString();
    return { name: redactText(name), kind: kindOf(stats), mode, modified, files, bytes };
  });
}

type Kind = {
  isFile(): boolean;
  isDirectory(): boolean;
  isSocket(): boolean;
  isSymbolicLink(): boolean;
};

function kindOf(entry: Kind): string {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  if (entry.isSymbolicLink()) return "link";
  return entry.isSocket() ? "socket" : "other";
}

function below(root: string): { files: number; bytes: number } {
  const found = { files: 0, bytes: 0 };
  const rest = [root];
  for (let seen = 0; rest.length > 0 && seen < ENTRIES_MAX; seen++) {
    const path = rest.pop() ?? "";
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isFile()) {
      found.files += 1;
      found.bytes += stats.size;
    } else if (stats?.isDirectory()) rest.push(...names(path).map((name) => join(path, name)));
  }
  return found;
}

/** Sorted; none where there is no folder, or none that may be read. */
function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Undefined for what is no JSON: what isn't understood can't be cleaned. */
function readConfiguration(path: string): unknown {
  try {
    const bytes = withRegular(path, (descriptor, size) =>
      size > CONFIGURATION_BYTES_MAX ? null : readAt(descriptor, 0, size),
    );
    return bytes === null ? undefined : redactValue(readJson(bytes, path, true).value);
  } catch (error) {
    if (error instanceof OciError || error instanceof FileError) return undefined;
    throw error;
  }
}

/** The regular file that was changed last, in these folders of the state directory. */
function newest(state: string, folders: readonly string[], name: RegExp): string | null {
  const found = folders
    .flatMap((folder) => names(join(state, folder)).map((each) => join(state, folder, each)))
    .filter((path) => name.test(basename(path)))
    .map((path) => ({ path, stats: lstatSync(path, { throwIfNoEntry: false }) }))
    .filter(({ stats }) => stats?.isFile())
    .sort((a, b) => (b.stats?.mtimeMs ?? 0) - (a.stats?.mtimeMs ?? 0));
  return found[0]?.path ?? null;
}

/** Whole lines: the first of a tail may be half of a secret. */
function readTail(path: string): string {
  const bytes = withRegular(path, (descriptor, size) => {
    const from = Math.max(0, size - LOG_TAIL_BYTES);
    return readAt(descriptor, from, size - from);
  });
  const text = new TextDecoder().decode(bytes);
  return bytes.length < LOG_TAIL_BYTES ? text : text.slice(text.indexOf("\n") + 1);
}

function readJournal(path: string): Uint8Array {
  return withRegular(path, (descriptor, size) => {
    if (size > JOURNAL_BYTES_MAX)
      throw new FileError(
        `${path}: has ${size} bytes, more than ${JOURNAL_BYTES_MAX}; --no-journal`,
      );
    return readAt(descriptor, 0, size);
  });
}

/** @throws FileError for a link, what is no regular file, and what may not be read */
function withRegular<T>(path: string, use: (descriptor: number, bytes: number) => T): T {
  let descriptor: number;
  try {
    // A pipe would wait for its other end.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw new FileError(`${path}: ${(error as Error).message.split(",")[0]}`);
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new FileError(`${path}: not a regular file`);
    return use(descriptor, stats.size);
  } finally {
    closeSync(descriptor);
  }
}

/** Fewer when the file became shorter meanwhile. */
function readAt(descriptor: number, from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const got = readSync(descriptor, bytes, done, length - done, from + done);
    if (got === 0) break;
    done += got;
  }
  return bytes.subarray(0, done);
}

/** As a name in an archive. */
const safeName = (name: string) =>
  redactText(name)
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .slice(0, 64);
