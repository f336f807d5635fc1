/** Capabilities, and messages that are sent, received and answered. */
import {
  type Bytes,
  decode,
  host,
  inClones,
  isAnother,
  made,
  STATUS_CAPABILITY_FOREIGN,
  STATUS_CAPABILITY_REVOKED,
  STATUS_OBJECT_GONE,
  STATUS_TIMED_OUT,
  SystemError,
  type Waiter,
  waiting,
} from "./host.ts";
import * as op from "./operations.ts";
import { addTimer, removeTimer } from "./timers.ts";

const KEY = Symbol("key");

/** A capability that came with a message, or with a child. */
export class Capability {
  readonly #handle: number;
  constructor(key: typeof KEY, handle: number) {
    if (key !== KEY) throw new TypeError("capabilities come with messages");
    this.#handle = handle;
  }
  drop(): void {
    const status = host(op.OP_DROP, this.#handle) as number;
    if (status !== 0) throw new SystemError("drop", status);
  }
  static {
    wrap = (handle) => new Capability(KEY, handle);
    unwrap = (it) => it.#handle;
  }
}
export var wrap: (handle: number) => Capability;
var unwrap: (it: Capability) => number;

/** What a name stands for is asked each time: a clone may have been given something else. */
export function handleOf(to: string | Capability): number {
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

/** Who has asked has ended, or has given the question up. */
const GONE: readonly number[] = [STATUS_CAPABILITY_REVOKED, STATUS_OBJECT_GONE];

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
    return decode(this.bytes);
  }
  json(): unknown {
    return JSON.parse(this.text);
  }
  /** Answers a request, once; false when nobody waits for it any more. */
  reply(data: Bytes): boolean {
    if (this.capability === undefined) throw new TypeError("the message asks for no answer");
    const handle = unwrap(this.capability);
    const status = host(op.OP_SEND, handle, contents(data), 0) as number;
    const isGone = GONE.includes(status);
    if (status !== 0 && !isGone) throw new SystemError("reply", status);
    host(op.OP_DROP, handle);
    return !isGone;
  }
}

interface Request extends Waiter<Message> {
  readonly target: number;
  readonly data: Bytes;
  /** It is refused when this one fires; 0 for none. */
  timer: number;
  queue: number;
  /** What the other one answers by. */
  answer: number;
}

export const receivers: Waiter<Message>[] = [];
/** Under way, and those that wait for their turn. */
export const requests: Request[] = [];
const waitingRequests: Request[] = [];
const idleQueues: number[] = [];

inClones(() => {
  // The answers come to its original.
  for (const { reject, timer } of requests.splice(0)) {
    removeTimer(timer);
    reject(new SystemError("request", STATUS_CAPABILITY_FOREIGN));
  }
  idleQueues.length = 0;
  beginWaiting();
});

function settle({ resolve, reject }: Waiter<Message>, from: number): void {
  const got = host(op.OP_RECEIVE, from);
  if (typeof got === "number") {
    reject(new SystemError("receive", got));
    return;
  }
  const [bytes, sender, capability] = got as [Uint8Array, number, number];
  resolve(new Message(bytes, sender, capability));
}

/** There is a message. */
export function takeMessage(): void {
  const receiver = receivers.shift();
  if (receiver !== undefined) settle(receiver, 0);
}

/** There is an answer to the request at this place. */
export function takeAnswer(place: number): void {
  const [request] = requests.splice(place, 1);
  if (request === undefined) return;
  removeTimer(request.timer);
  settle(request, request.queue);
  finish(request);
}

/** Nobody can answer it any more; its queue is another's. */
function finish({ queue, answer }: Request): void {
  host(op.OP_DROP, answer);
  clear(queue);
  idleQueues.push(queue);
  beginWaiting();
}

/** There was no answer in time, or no turn. */
function expire(request: Request): void {
  const place = requests.indexOf(request);
  const turn = waitingRequests.indexOf(request);
  if (place >= 0) {
    requests.splice(place, 1);
    finish(request);
  } else waitingRequests.splice(turn, 1);
  request.reject(new SystemError("request", STATUS_TIMED_OUT));
}

/** What came a second time, before the right to answer was dropped, is no answer to what is asked next. */
function clear(queue: number): void {
  while (typeof host(op.OP_WAIT, 0n, 0, queue) !== "number") {
    const got = host(op.OP_RECEIVE, queue);
    // A clone has none of its original's queues.
    if (typeof got === "number") return;
    const [, , capability] = got as [Uint8Array, number, number];
    if (capability !== 0) host(op.OP_DROP, capability);
  }
}

export const receive = (): Promise<Message> => waiting(receivers);

export async function* messages(): AsyncGenerator<Message, never> {
  while (true) yield await receive();
}

/** Time for an answer, ms. */
const TIMEOUT_MS = 60_000;

export async function request(
  to: string | Capability,
  data: Bytes,
  { timeout = TIMEOUT_MS }: { timeout?: number } = {},
): Promise<Message> {
  isAnother();
  const target = handleOf(to);
  if (typeof timeout !== "number" || !(timeout >= 0)) throw new RangeError(`no time: ${timeout}`);
  return await new Promise((resolve, reject) => {
    const it: Request = {
      resolve,
      reject,
      target,
      data: contents(data),
      timer: 0,
      queue: 0,
      answer: 0,
    };
    if (timeout !== Infinity) it.timer = addTimer(() => expire(it), timeout);
    waitingRequests.push(it);
    beginWaiting();
  });
}

function beginWaiting(): void {
  while (requests.length < op.QUEUES_MAX) {
    const it = waitingRequests.shift();
    if (it === undefined) return;
    try {
      begin(it);
    } catch (error) {
      removeTimer(it.timer);
      it.reject(error);
    }
  }
}

function begin(it: Request): void {
  it.queue = idleQueues.pop() ?? made("request", host(op.OP_QUEUE));
  try {
    it.answer = made("request", host(op.OP_SENDER, it.queue));
    sendTo(it.target, it.data, it.answer);
  } catch (error) {
    if (it.answer !== 0) host(op.OP_DROP, it.answer);
    idleQueues.push(it.queue);
    throw error;
  }
  requests.push(it);
}
