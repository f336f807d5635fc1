/**
 * Requests for files: a line of JSON, and bytes behind it. Whoever asks shows tokens of its scopes with each
 * request; there is no session, so nothing is lost when the service is started anew.
 */
import { z } from "zod";
import { decode, encode } from "./json.ts";
import type { Verb } from "./scope.ts";

/** Bytes of a file in one message. */
export const FILE_BYTES_MAX = 48 * 1024;
export const PATH_BYTES_MAX = 4096;
/** Names and headers of a list in one message: written as JSON they are up to six times as long. */
export const LIST_BYTES_MAX = 8 * 1024;

const Path = z.string().max(PATH_BYTES_MAX);
const Size = z.int().min(0);
/** Nanoseconds since 1970, in decimal: more than a number holds. */
const Time = z.string().regex(/^\d{1,20}$/);

const common = {
  /** Tokens, base64. */
  proofs: z.array(z.string().max(128)).min(1).max(2),
  /** The folder of the scope. */
  root: z.string().max(32),
  /** Below the root. */
  path: Path,
};
/** What is open: `id` is the identity of the file that the path named when it was opened. */
const opened = { ...common, id: z.string().max(80), write: z.boolean() };
const follow = z.boolean();
const times = { accessed: Time.nullable(), modified: Time.nullable() };

export const FileRequest = z.discriminatedUnion("op", [
  z.object({
    ...{ op: z.literal("open"), ...common, follow },
    ...{ create: z.boolean(), exclusive: z.boolean(), truncate: z.boolean() },
    ...{ folder: z.boolean(), read: z.boolean(), write: z.boolean() },
  }),
  z.object({ op: z.literal("stat"), ...common, follow }),
  z.object({ op: z.literal("times"), ...common, follow, ...times }),
  z.object({ op: z.literal("mkdir"), ...common }),
  z.object({ op: z.literal("rmdir"), ...common }),
  z.object({ op: z.literal("unlink"), ...common }),
  z.object({ op: z.literal("readlink"), ...common }),
  z.object({ op: z.literal("symlink"), ...common, target: Path }),
  z.object({ op: z.literal("link"), ...common, follow, to: Path }),
  z.object({ op: z.literal("rename"), ...common, to: Path }),
  z.object({ op: z.literal("list"), ...opened, cookie: Time, bytes: Size.max(LIST_BYTES_MAX) }),
  z.object({ op: z.literal("read"), ...opened, offset: Size, bytes: Size.max(FILE_BYTES_MAX) }),
  /** Without an offset: behind the end. The bytes are behind the request. */
  z.object({ op: z.literal("write"), ...opened, offset: Size.nullable() }),
  /** `grow`: it is made no smaller. */
  z.object({ op: z.literal("size"), ...opened, size: Size, grow: z.boolean() }),
  z.object({ op: z.literal("fstat"), ...opened }),
  z.object({ op: z.literal("ftimes"), ...opened, ...times }),
  z.object({ op: z.literal("sync"), ...opened, data: z.boolean() }),
  z.object({ op: z.literal("close"), ...opened }),
]);
export type FileRequest = z.infer<typeof FileRequest>;
export type FileOp = FileRequest["op"];

/** Before tokens are added. */
export type FileAsked = FileRequest extends infer R
  ? R extends unknown
    ? Omit<R, "proofs">
    : never
  : never;

/** A shard asks by "limit": an agent, to which it holds it. What is asked for isn't an operation on files. */
export const FileLimit = z.object({
  /** Token of all scopes, base64: only who makes agents has that. */
  proof: z.string().max(128),
  /** The kernel's identifier of the agent, and its identity over restarts. */
  agent: z.int(),
  uid: z.string().max(64),
  /** Bytes by which it may make files longer, over all its lives; null when this life is over. */
  storage: z.int().min(0).nullable(),
});
export type FileLimit = z.infer<typeof FileLimit>;
/** How much of it an agent has used: asked by who has set it. */
export const FileUse = FileLimit.pick({ proof: true, uid: true });
export type FileUse = z.infer<typeof FileUse>;

const READ: readonly Verb[] = ["FS_READ"];
const WRITE: readonly Verb[] = ["FS_WRITE"];
/** What an operation takes; `open` and what is open say it themselves. */
const NEEDS: Readonly<Partial<Record<FileOp, readonly Verb[]>>> = {
  stat: READ,
  readlink: READ,
  list: READ,
  read: READ,
  link: WRITE,
  mkdir: WRITE,
  rename: WRITE,
  rmdir: WRITE,
  symlink: WRITE,
  times: WRITE,
  unlink: WRITE,
  write: WRITE,
  size: WRITE,
  ftimes: WRITE,
};

/** What whoever asks has to hold for the root. */
export function needsOf(request: FileAsked): readonly Verb[] {
  const own = NEEDS[request.op];
  if (own) return own;
  if (request.op !== "open") return "write" in request && request.write ? WRITE : READ;
  const writes = request.write || request.create || request.truncate;
  return [...(request.read || !writes ? READ : []), ...(writes ? WRITE : [])];
}

export type FileType = "file" | "folder" | "link" | "other";

export interface FileStat {
  readonly type: FileType;
  readonly device: string;
  readonly inode: string;
  readonly links: number;
  readonly size: number;
  /** Nanoseconds since 1970, in decimal. */
  readonly accessed: string;
  readonly modified: string;
  readonly changed: string;
}

export interface Entry {
  readonly name: string;
  readonly type: FileType;
  readonly inode: string;
  /** The list goes on behind it with this cookie. */
  readonly next: string;
}

/** What is answered; `error` is POSIX's name of it, or ENOTCAPABLE. */
export interface FileAnswer {
  readonly error?: string;
  readonly id?: string;
  /** As it was resolved, without links. */
  readonly path?: string;
  readonly type?: FileType;
  readonly stat?: FileStat;
  readonly target?: string;
  readonly entries?: readonly Entry[];
  /** Bytes that were written, and where they end. */
  readonly written?: number;
  readonly end?: number;
}

export const NEWLINE = 10;

export function pack(head: unknown, bytes: Uint8Array = new Uint8Array()): Uint8Array {
  const line = encode(head);
  const whole = new Uint8Array(line.length + 1 + bytes.length);
  whole.set(line);
  whole[line.length] = NEWLINE;
  whole.set(bytes, line.length + 1);
  return whole;
}

export function unpack(message: Uint8Array): { head: unknown; bytes: Uint8Array } {
  const end = message.indexOf(NEWLINE);
  if (end < 0) return { head: null, bytes: new Uint8Array() };
  return { head: decode(message.subarray(0, end)), bytes: message.subarray(end + 1) };
}
