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

  /** The right to send to somebody, which came with a message. A clone doesn't have it. */
  export class Capability {
    private constructor();
    private readonly brand: symbol;
  }

  /** The kernel has refused a call. */
  export class SystemError extends Error {
    private constructor();
    /** Name of the status: "OBJECT_GONE", "FULL", "QUOTA", "TOO_LARGE" (docs/syscalls.md has all). */
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
    /** Answers a request, once. @throws SystemError, TypeError when it is none */
    reply(data: string | Uint8Array): void;
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
   * further ones wait for their turn.
   * @throws as `send`
   */
  export function request(to: string | Capability, data: string | Uint8Array): Promise<Message>;

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
