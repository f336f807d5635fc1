/**
 * The module "aios" as a script sees it, and the event loop. It runs in the engine, in the state in which
 * every script begins; whatever it keeps for itself is in its own scope, out of a script's reach.
 */
import { inspect } from "./inspect.ts";
import * as op from "./operations.ts";

type Host = (operation: number, ...args: unknown[]) => unknown;
const world = globalThis as unknown as Record<string, unknown>;
const host = world.host as Host;
delete world.host;

type Bytes = string | Uint8Array;

const NS_PER_MS = 1_000_000;
const NEVER = 0xffff_ffff_ffff_ffffn;
const CODE_UNCAUGHT = 1;
const STDOUT = 1;
const STDERR = 2;

const statuses = new Map(
  Object.entries(
    JSON.parse(host(op.OP_TEXT, op.TEXT_STATUSES) as string) as Record<string, number>,
  ).map(([name, code]) => [code, name] as const),
);

/** The kernel has refused something; `code` is the name of its status. */
export class SystemError extends Error {
  readonly code: string;
  constructor(what: string, status: number) {
    const code = statuses.get(status) ?? `STATUS_${status}`;
    super(`${what}: ${code}`);
    this.name = "SystemError";
    this.code = code;
  }
}

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
  const told = JSON.parse(host(op.OP_TEXT, op.TEXT_TOLD) as string) as Told;
  args = Object.freeze(told.args);
  env = Object.freeze(told.env);
  capabilities = Object.freeze(told.capabilities);
}

const KEY = Symbol("key");

/** A capability that came with a message. */
export class Capability {
  readonly #handle: number;
  constructor(key: typeof KEY, handle: number) {
    if (key !== KEY) throw new TypeError("capabilities come with messages");
    this.#handle = handle;
  }
  static {
    wrap = (handle) => new Capability(KEY, handle);
    unwrap = (it) => it.#handle;
  }
}
var wrap: (handle: number) => Capability;
var unwrap: (it: Capability) => number;

/** What a name stands for is asked each time: a clone may have been given something else. */
function handleOf(to: string | Capability): number {
  if (to instanceof Capability) return unwrap(to);
  const place = host(op.OP_FIND, String(to)) as number;
  if (place === 0) throw new RangeError(`no capability is called "${String(to)}"`);
  return place;
}

function contents(data: unknown): Bytes {
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  throw new TypeError("a message is a string or a Uint8Array");
}

function sendTo(to: number, data: unknown, capability: number): void {
  const status = host(op.OP_SEND, to, contents(data), capability) as number;
  if (status !== 0) throw new SystemError("send", status);
}

export function send(to: string | Capability, data: Bytes, capability?: string | Capability): void {
  sendTo(handleOf(to), data, capability === undefined ? 0 : handleOf(capability));
}

export class Message {
  readonly sender: number;
  readonly bytes: Uint8Array;
  /** What came along: where an answer goes, as a rule. */
  readonly capability: Capability | undefined;
  constructor(bytes: Uint8Array, sender: number, capability: number) {
    this.bytes = bytes;
    this.sender = sender;
    this.capability = capability === 0 ? undefined : wrap(capability);
  }
  get text(): string {
    return host(op.OP_DECODE, this.bytes) as string;
  }
  json(): unknown {
    return JSON.parse(this.text);
  }
  /** Answers a request, once. */
  reply(data: Bytes): void {
    if (this.capability === undefined) throw new TypeError("the message asks for no answer");
    const handle = unwrap(this.capability);
    sendTo(handle, data, 0);
    host(op.OP_DROP, handle);
  }
}

function take(from: number): Message {
  const got = host(op.OP_RECEIVE, from);
  if (typeof got === "number") throw new SystemError("receive", -got);
  const [bytes, sender, capability] = got as [Uint8Array, number, number];
  return new Message(bytes, sender, capability);
}

// ── What it waits for ────────────────────────────────────────────────────────────────────────────

interface Timer {
  readonly id: number;
  deadline: bigint;
  /** ns; 0 for one that fires once. */
  readonly period: bigint;
  readonly run: () => void;
}
interface Waiter {
  readonly resolve: (message: Message) => void;
  readonly reject: (error: unknown) => void;
}
interface Request extends Waiter {
  readonly queue: number;
}

const timers: Timer[] = [];
let lastTimer = 0;
const receivers: Waiter[] = [];
const requests: Request[] = [];
const waitingRequests: (() => void)[] = [];
const idleQueues: number[] = [];
const rejections = new Map<unknown, unknown>();

const time = (): bigint => host(op.OP_NOW) as bigint;

function place(timer: Timer): void {
  let at = timers.length;
  while (at > 0 && (timers[at - 1] as Timer).deadline > timer.deadline) at--;
  timers.splice(at, 0, timer);
}

function addTimer(run: () => void, ms: unknown, repeat: boolean): number {
  const delay = Math.min(Math.max(Number(ms) || 0, repeat ? 1 : 0), 2 ** 31 - 1);
  const ns = BigInt(Math.round(delay * NS_PER_MS));
  const id = ++lastTimer;
  place({ id, deadline: time() + ns, period: repeat ? ns : 0n, run });
  return id;
}

function removeTimer(id: unknown): void {
  const at = timers.findIndex((timer) => timer.id === id);
  if (at >= 0) timers.splice(at, 1);
}

function fire(): void {
  const [timer] = timers;
  if (timer === undefined || timer.deadline > time()) return;
  timers.shift();
  if (timer.period > 0n) {
    timer.deadline += timer.period;
    place(timer);
  }
  timer.run();
}

/** The driver calls it when no job is left: one thing is waited for, and done. False: nothing is wanted. */
function turn(): boolean {
  for (const [, reason] of rejections) {
    report(reason);
    host(op.OP_EXIT, CODE_UNCAUGHT);
  }
  if (timers.length + receivers.length + requests.length === 0) return false;
  const queues = requests.map(({ queue }) => queue);
  const deadline = timers[0]?.deadline ?? NEVER;
  const woken = host(op.OP_WAIT, deadline, receivers.length > 0 ? 1 : 0, ...queues) as number;
  if (woken === op.WOKEN_DEADLINE) fire();
  else if (woken === op.WOKEN_MAILBOX) settle(receivers.shift() as Waiter, 0);
  else {
    const [request] = requests.splice(woken, 1);
    if (request === undefined) return true;
    settle(request, request.queue);
    idleQueues.push(request.queue);
    waitingRequests.shift()?.();
  }
  return true;
}

function settle({ resolve, reject }: Waiter, from: number): void {
  try {
    resolve(take(from));
  } catch (error) {
    reject(error);
  }
}

export function receive(): Promise<Message> {
  return new Promise((resolve, reject) => {
    receivers.push({ resolve, reject });
  });
}

export async function* messages(): AsyncGenerator<Message, never> {
  while (true) yield await receive();
}

export async function request(to: string | Capability, data: Bytes): Promise<Message> {
  const target = handleOf(to);
  if (requests.length >= op.QUEUES_MAX)
    await new Promise<void>((resolve) => {
      waitingRequests.push(resolve);
    });
  const queue = idleQueues.pop() ?? made("request", host(op.OP_QUEUE));
  const answer = made("request", host(op.OP_SENDER, queue));
  try {
    sendTo(target, data, answer);
  } catch (error) {
    host(op.OP_DROP, answer);
    idleQueues.push(queue);
    throw error;
  }
  try {
    return await new Promise((resolve, reject) => {
      requests.push({ resolve, reject, queue });
    });
  } finally {
    // What comes late, or twice, is refused.
    host(op.OP_DROP, answer);
  }
}

function made(what: string, handle: unknown): number {
  if ((handle as number) < 0) throw new SystemError(what, -(handle as number));
  return handle as number;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    addTimer(resolve, ms, false);
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
