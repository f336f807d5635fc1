/**
 * What a script has that runs as an agent. Use it with `"lib": ["ES2023"]` and without the types of a
 * browser or of Node: there is no more than this and the language.
 */

declare module "aios" {
  /** What it was started with, without a program's name. */
  export const args: readonly string[];
  export const env: Readonly<Record<string, string>>;
  /** Names of the capabilities that it has been given. */
  export const capabilities: readonly string[];

  /** The agent's identifier; a clone has another. */
  export function id(): number;

  /** The right to send to somebody, which came with a message or a child. A clone doesn't have it. */
  export class Capability {
    private constructor();
    private readonly brand: symbol;
    /**
     * Gives it up, and whatever it was handed on to. Anybody who may send can send one along, and an agent holds 1,024
     * at most: who listens for long drops what it doesn't need. @throws SystemError when it is worth nothing
     */
    drop(): void;
  }

  /** A call has been refused. */
  export class SystemError extends Error {
    private constructor();
    /**
     * Name of the kernel's status: "OBJECT_GONE", "FULL", "QUOTA", "TOO_LARGE" (docs/syscalls.md has all). Of
     * files and streams, POSIX's name: "ENOENT", "EACCES", "ENOSPC"; "ENOTCAPABLE" where nothing has been granted.
     */
    readonly code: string;
  }

  export class Message {
    private constructor();
    /** Identifier of the agent that sent it: the kernel says so. */
    readonly sender: number;
    readonly bytes: Uint8Array;
    /** What came along: of a request, where the answer goes. */
    readonly capability: Capability | undefined;
    /** The bytes as UTF-8. */
    readonly text: string;
    /** @throws SyntaxError */
    json(): unknown;
    /**
     * Answers a request, once. False when nobody waits for it any more: who has asked is over, or has given it up.
     * @throws SystemError, TypeError when it is none
     */
    reply(data: string | Uint8Array): boolean;
  }

  /**
   * Sends a message of at most 65,536 bytes to an agent or a queue.
   * @param to name of a capability that it has been given, or one that came with a message
   * @param capability goes along
   * @throws SystemError when the kernel refuses it; RangeError for a name that nothing has
   */
  export function send(
    to: string | Capability,
    data: string | Uint8Array,
    capability?: string | Capability,
  ): void;

  /** The next message of its mailbox. */
  export function receive(): Promise<Message>;
  /** All of them, for `for await`. */
  export function messages(): AsyncGenerator<Message, never>;

  /**
   * Sends a message with a capability to answer to, and waits for the answer. 15 are under way at once;
   * further ones wait for their turn. What its original has asked is not answered in a clone:
   * CAPABILITY_FOREIGN.
   * @param options.timeout milliseconds of virtual time for turn and answer together, a minute unless it is said, and
   *   Infinity for any time; then it is refused with TIMED_OUT
   * @throws as `send`
   */
  export function request(
    to: string | Capability,
    data: string | Uint8Array,
    options?: { readonly timeout?: number },
  ): Promise<Message>;

  /** How an agent has ended. */
  export interface End {
    /** Identifier. */
    readonly child: number;
    /** "none" is told in a clone of its original's children, which are none of its own. */
    readonly reason: "none" | "exited" | "killed" | "fault" | "merged" | "spawn-failed";
    /** What it or its killer said; for a fault, the kernel's code of it. */
    readonly code: bigint;
  }

  /** An agent below this one, which pays for it, and with which it ends. */
  export class Child {
    private constructor();
    readonly id: number;
    /** To send to it. It is dropped when the end has been told. */
    readonly capability: Capability;
    /** Ends it, and all below it. The code is an integer from 0 on. @throws SystemError when it is over, RangeError */
    kill(code?: number): void;
    /** Its end. */
    ended(): Promise<End>;
  }

  /**
   * Makes a copy of the agent as of this call, with the same memory, streams, files and named capabilities, and an
   * identity and a random stream of its own. Undefined in the copy.
   * @throws SystemError when the kernel refuses it: QUOTA
   */
  export function clone(): Child | undefined;

  /**
   * Starts an agent of an image, with the same streams and files.
   * @param image name of a capability to it
   * @throws SystemError when the kernel refuses it; RangeError for a name that nothing has, or no argument
   */
  export function spawn(
    image: string | Capability,
    options?: {
      /** Behind its name, which is the image's. Without NULs. */
      readonly args?: readonly string[];
      /** Names of those that go along, or the names that they have there. Default: none. */
      readonly capabilities?: readonly string[] | Readonly<Record<string, string | Capability>>;
      /** Bytes of a pool of its own, which is cut out of this agent's. Default: it lives in the same one. */
      readonly memory?: number;
    },
  ): Child;

  /** The next end of a child, of those for which nobody waits by `ended`. */
  export function childEnded(): Promise<End>;

  /** Standard input. Who asks first gets what comes first. */
  export const stdin: {
    /** What there is, 65,536 bytes at most; undefined at its end, and where there is none. */
    read(): Promise<Uint8Array | undefined>;
    /** Lines of UTF-8 without their ends. What they leave is read by who comes next. */
    lines(): AsyncGenerator<string, void>;
    [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void>;
  };

  // Files, below the folders for which it has capabilities: FS_READ:FOLDER, FS_WRITE:FOLDER. The agent stands still
  // until the service has answered. All throw a SystemError when it refuses.

  export type FileKind = "file" | "folder" | "link" | "other";
  export function readFile(path: string): Uint8Array;
  /** The file's contents as UTF-8. */
  export function readText(path: string): string;
  /** "replace", the default, makes a file or empties it; "append" writes behind its end; "new" makes one: EEXIST. */
  export function writeFile(
    path: string,
    data: string | Uint8Array,
    mode?: "replace" | "append" | "new",
  ): void;
  /** By name. */
  export function readFolder(path: string): { readonly name: string; readonly kind: FileKind }[];
  /** Of what a link leads to. `size` in bytes, `modified` in nanoseconds since 1970. */
  export function stat(path: string): {
    readonly kind: FileKind;
    readonly size: number;
    readonly modified: bigint;
  };
  export function createFolder(path: string): void;
  /** An empty one: ENOTEMPTY. */
  export function removeFolder(path: string): void;
  export function removeFile(path: string): void;
  /** Within one folder that it has been given: EXDEV. */
  export function rename(from: string, to: string): void;

  /** Waits so many milliseconds of virtual time. */
  export function sleep(ms: number): Promise<void>;
  /** Virtual time since the machine was switched on, in nanoseconds. */
  export function now(): bigint;
  /** Bytes of the agent's own random stream, which no other agent has; 65,536 at most. */
  export function random(count: number): Uint8Array;
  /** Ends the agent, with a code of 32 bits. Without it, it ends with 0 when nothing is left to wait for. */
  export function exit(code?: number): never;
}

interface Console {
  /** To standard output. */
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  debug(...values: unknown[]): void;
  /** To standard error. */
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
}
declare const console: Console;

/** Milliseconds of virtual time. */
declare const performance: { now(): number };
declare function setTimeout<A extends unknown[]>(
  run: (...args: A) => void,
  ms?: number,
  ...args: A
): number;
declare function setInterval<A extends unknown[]>(
  run: (...args: A) => void,
  ms?: number,
  ...args: A
): number;
declare function clearTimeout(timer: number | undefined): void;
declare function clearInterval(timer: number | undefined): void;

declare class TextEncoder {
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array;
}
declare class TextDecoder {
  readonly encoding: "utf-8";
  decode(bytes?: Uint8Array): string;
}
