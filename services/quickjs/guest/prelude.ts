/**
 * The module "aios" as a script sees it, and the event loop. It runs in the engine, in the state in which
 * every script begins; whatever it keeps for itself is in its own scope, out of a script's reach.
 */
import {
  EVENT_ENDED,
  EVENT_INPUT,
  EVENT_MESSAGE,
  EVENT_OBJECT,
  WAIT_CHILDREN,
  WAIT_INPUT,
  WAIT_MAILBOX,
} from "../../wasm/aios_layouts.ts";
import { endsAreAwaited, tellEnd } from "./children.ts";
import { host, isAnother, STATUS_TIMED_OUT, SystemError } from "./host.ts";
import { inputIsAwaited, takeInput } from "./input.ts";
import { inspect } from "./inspect.ts";
import { receivers, requests, takeAnswer, takeMessage } from "./messages.ts";
import * as op from "./operations.ts";
import { addTimer, fire, nextDeadline, removeTimer, time } from "./timers.ts";

export { Child, childEnded, clone, spawn } from "./children.ts";
export {
  createFolder,
  readFile,
  readFolder,
  readText,
  removeFile,
  removeFolder,
  rename,
  stat,
  writeFile,
} from "./files.ts";
export { SystemError } from "./host.ts";
export { stdin } from "./input.ts";
export { Capability, Message, messages, receive, request, send } from "./messages.ts";

const NEVER = 0xffff_ffff_ffff_ffffn;
const CODE_UNCAUGHT = 1;
const STDOUT = 1;
const STDERR = 2;
// ── What the script has been told ────────────────────────────────────────────────────────────────

interface Told {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
}

// Live bindings are read when the script runs: in the common beginning nothing has been told yet.
export let args: readonly string[] = [];
export let env: Readonly<Record<string, string>> = {};
export let capabilities: readonly string[] = [];
function begin(): void {
  isAnother();
  const told = JSON.parse(host(op.OP_TEXT, op.TEXT_TOLD) as string) as Told;
  args = Object.freeze(told.args);
  env = Object.freeze(told.env);
  capabilities = Object.freeze(told.capabilities);
}

// ── What it waits for ────────────────────────────────────────────────────────────────────────────

const rejections = new Map<unknown, unknown>();

/** The driver calls it when no job is left: one thing is waited for, and done. False: nothing is wanted. */
function turn(): boolean {
  for (const [, reason] of rejections) {
    report(reason);
    host(op.OP_EXIT, CODE_UNCAUGHT);
  }
  // What a clone has heard of that now fails is for the jobs to see.
  if (isAnother()) return true;
  const flags =
    (receivers.length > 0 ? WAIT_MAILBOX : 0) |
    (endsAreAwaited() ? WAIT_CHILDREN : 0) |
    (inputIsAwaited() ? WAIT_INPUT : 0);
  const queues = requests.map(({ queue }) => queue);
  const deadline = nextDeadline();
  if (deadline === undefined && queues.length + flags === 0) return false;
  const woken = host(op.OP_WAIT, deadline ?? NEVER, flags, ...queues);
  if (typeof woken !== "number") take(woken as Event);
  else if (woken === STATUS_TIMED_OUT) fire();
  // A clone has none of the queues.
  else if (!isAnother()) throw new SystemError("wait", woken);
  return true;
}

type Event = readonly [kind: number, index: number, agent: number, reason: number, code: bigint];

function take([kind, index, agent, reason, code]: Event): void {
  if (kind === EVENT_OBJECT) takeAnswer(index);
  else if (kind === EVENT_MESSAGE) takeMessage();
  else if (kind === EVENT_ENDED) tellEnd(agent, reason, code);
  else if (kind === EVENT_INPUT) takeInput();
}

export const id = (): number => host(op.OP_WHO) as number;

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    addTimer(resolve, ms);
  });
}

export const now = (): bigint => time();

export function random(count: number): Uint8Array {
  if (!Number.isInteger(count) || count < 0 || count > op.MESSAGE_BYTES_MAX)
    throw new RangeError(`${count} bytes; 0 to ${op.MESSAGE_BYTES_MAX} can be had at once`);
  return host(op.OP_RANDOM, count) as Uint8Array;
}

export function exit(code = 0): never {
  host(op.OP_EXIT, Number(code) >>> 0);
  throw new Error("an agent that has ended goes on");
}

// ── What is there without being imported ─────────────────────────────────────────────────────────

function report(reason: unknown): void {
  host(op.OP_WRITE, STDERR, `Uncaught ${inspect(reason)}\n`);
}

const say =
  (stream: number) =>
  (...values: unknown[]): void => {
    const text = values.map((value) => (typeof value === "string" ? value : inspect(value)));
    host(op.OP_WRITE, stream, `${text.join(" ")}\n`);
  };

class Encoder {
  readonly encoding = "utf-8";
  encode(text = ""): Uint8Array {
    return host(op.OP_ENCODE, String(text)) as Uint8Array;
  }
}
class Decoder {
  readonly encoding = "utf-8";
  decode(bytes: Uint8Array = new Uint8Array()): string {
    return host(op.OP_DECODE, bytes) as string;
  }
}

type Callback = (...args: unknown[]) => void;
const later =
  (repeat: boolean) =>
  (callback: Callback, ms?: number, ...rest: unknown[]): number => {
    if (typeof callback !== "function") throw new TypeError("a timer calls a function");
    return addTimer(() => callback(...rest), ms, repeat);
  };

function define(name: string, value: unknown, on: object = globalThis): void {
  Object.defineProperty(on, name, { value, writable: true, configurable: true, enumerable: false });
}

define("random", () => host(op.OP_CHANCE) as number, Math);
define("setTimeout", later(false));
define("setInterval", later(true));
define("clearTimeout", removeTimer);
define("clearInterval", removeTimer);
define("TextEncoder", Encoder);
define("TextDecoder", Decoder);
const [out, err] = [say(STDOUT), say(STDERR)];
define("console", { log: out, info: out, debug: out, warn: err, error: err });

host(
  op.OP_HOOKS,
  turn,
  report,
  (promise: unknown, reason: unknown, handled: boolean) => {
    if (handled) rejections.delete(promise);
    else rejections.set(promise, reason);
  },
  begin,
);
