/**
 * Authority that only userland understands, as people write it: `FS_READ:/projects/demo`. To the kernel it
 * is a scope: up to 32 bytes, of which those of a wider one are the beginning, and a bit for the verb.
 */
import { RequestError } from "./errors.ts";

/** Verbs and their bits. The bits are part of tokens and images: new verbs go behind the others. */
export const VERBS = {
  /** Files below a folder. */
  FS_READ: 1 << 0,
  FS_WRITE: 1 << 1,
  /** Agents of a project: look at them, start them, change and end them. */
  PROC_READ: 1 << 2,
  /** Of an agent also PROC_SPAWN:NAME:VERSION, an image: it starts agents of it below itself. */
  PROC_SPAWN: 1 << 3,
  PROC_CONTROL: 1 << 4,
  /** What agents write. */
  LOG_READ: 1 << 5,
  IMAGE_READ: 1 << 6,
  IMAGE_WRITE: 1 << 7,
  /** Messages to an agent of the same project, by its name. */
  IPC_SEND: 1 << 8,
  NET_BIND: 1 << 9,
  NET_CONNECT: 1 << 10,
  ML_CONTEXT: 1 << 11,
  /** Tokens of clients. */
  TOKEN_ADMIN: 1 << 12,
} as const;
export type Verb = keyof typeof VERBS;

/** Verbs whose object is a folder. */
const FOLDERS: readonly string[] = ["FS_READ", "FS_WRITE"];
export const SCOPE_TEXT_MAX = 32;
/** Characters of a text that a refusal repeats. */
const REPEATED_MAX = 64;
/** Names of agents and projects. An image that is meant has a colon, as they have not. */
export const NAME = /^[a-z0-9][a-z0-9._-]{0,30}$/;

export interface Capability {
  readonly verb: Verb;
  /** What it is about; empty for everything. */
  readonly object: string;
}

/**
 * `VERB` or `VERB:object`.
 * @throws RequestError bad-request
 */
export function parseCapability(text: string): Capability {
  const [, verb = "", object = ""] = /^([A-Z_]+)(?::(.*))?$/s.exec(text) ?? [];
  const refuse = (why: string) =>
    new RequestError("bad-request", `capability "${cut(text)}": ${why}`);
  if (!Object.hasOwn(VERBS, verb))
    throw refuse(`it begins with one of ${Object.keys(VERBS).join(", ")}`);
  if (FOLDERS.includes(verb)) {
    if (!object.startsWith("/")) throw refuse("a folder like /projects/demo is meant");
    if (object.split("/").some((part) => part === "." || part === ".."))
      throw refuse("a folder has no . or .. in it");
  }
  if (verb === "IPC_SEND" && object !== "" && !NAME.test(object))
    throw refuse("the name of an agent is meant");
  const capability = { verb: verb as Verb, object };
  if (scopeOf(capability).bytes.length > SCOPE_TEXT_MAX)
    throw refuse(`what it is about is longer than ${SCOPE_TEXT_MAX} bytes`);
  return capability;
}

const cut = (text: string): string =>
  text.length > REPEATED_MAX ? `${text.slice(0, REPEATED_MAX)}…` : text;

/**
 * What an agent is given by a capability: a scope, or what the object names. That the agent finds under the
 * object's name, and the kernel knows it by what it is, not by its name.
 */
export function kindOf({ verb, object }: Capability): "scope" | "agent" | "image" {
  if (verb === "IPC_SEND" && object !== "") return "agent";
  return verb === "PROC_SPAWN" && object.includes(":") ? "image" : "scope";
}

/** The name under which an agent finds what a capability gives. */
export function nameOf(text: string): string {
  const capability = parseCapability(text);
  return kindOf(capability) === "scope" ? text : capability.object;
}

export const capabilityText = ({ verb, object }: Capability): string =>
  object === "" ? verb : `${verb}:${object}`;

/** As the kernel has it. An object ends with a slash there, so that /projects isn't /projects2. */
export function scopeOf({ verb, object }: Capability): { bytes: Uint8Array; mask: number } {
  const text = object === "" || object.endsWith("/") ? object : `${object}/`;
  return { bytes: new TextEncoder().encode(text), mask: VERBS[verb] };
}
