/**
 * Requests between agents: a message with a method and its parameters as JSON, and with a capability to
 * whoever asks, by which the answer comes back. A service keeps nothing of those who ask, so one that
 * has been started again can go on.
 *
 * An answer that is larger than a message comes in parts: a line of JSON that says which, and bytes.
 */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import { type ErrorCode, RequestError } from "../messages/errors.ts";
import { decode, encode } from "../messages/json.ts";
import { Outcome } from "./outcome.ts";
import type { Peer, Peers } from "./peers.ts";
import type { Tasks, Work } from "./tasks.ts";

/** A request as it stands in a message. */
export interface Asked {
  readonly ask: number;
  readonly method: string;
  readonly params: unknown;
}

type Answer =
  | { readonly answer: number; readonly result: unknown }
  | { readonly answer: number; readonly error: { code: ErrorCode; message: string } };

interface Part {
  readonly answer: number;
  readonly part: number;
  readonly of: number;
}

/** Bytes of a request, and of a part of an answer. */
export const REQUEST_BYTES_MAX = 60 * 1024;
/** A receiver that can't take a message now is tried again, for a second or so. */
const TRIES = 10;
const TRY_FIRST_NS = 1_000_000n;
/** Answers that wait until one asker has room: a client's requests at once. Further ones are tried once. */
const WAITING_EACH_MAX = 256;
const LATER: readonly string[] = ["FULL", "QUOTA"];
/** The receiver has ended. */
const GONE: readonly string[] = ["OBJECT_GONE", "CAPABILITY_REVOKED", "CAPABILITY_STALE"];
const NEWLINE = 10;
const ANSWER_START = new TextEncoder().encode('{"answer":');

interface Pending {
  readonly to: Peer;
  readonly parts: Uint8Array[];
  resolve(answer: Answered): void;
  reject(error: RequestError): void;
}

/** What asks: each agent has one. */
export class Caller {
  private readonly tasks: Tasks;
  private readonly peers: Peers | undefined;
  private readonly pending = new Map<number, Pending>();
  private next = 1;
  /** A capability to this agent that can do no more than send. */
  private back = 0;

  /** With `peers`, what has been asked of a service that is started anew is refused at once. */
  constructor(tasks: Tasks, peers?: Peers) {
    this.tasks = tasks;
    this.peers = peers;
    tasks.intercept((message) => this.hear(message));
    peers?.onIntroduction((_name, _now, before) => before && this.gone(before.id));
  }

  /**
   * Asks another agent; what it answers, and the capability that comes with the answer.
   * @param timeout ns of virtual time; default: as long as it takes
   * @throws RequestError as the other one refuses; "unavailable" when there is none, or it ends;
   *   "too-large" for more than REQUEST_BYTES_MAX
   */
  *ask(to: Peer, method: string, params: unknown, timeout?: bigint): Work<Answered> {
    const { tasks, pending } = this;
    const { sys } = tasks;
    const ask = this.next++;
    const bytes = encode({ ask, method, params });
    if (bytes.length > REQUEST_BYTES_MAX)
      throw new RequestError("too-large", `"${method}" has more than ${REQUEST_BYTES_MAX} bytes`);
    this.back ||= yield* sys.derive(sys.self, { rights: RIGHT_SEND | RIGHT_DERIVE });
    if (timeout !== undefined) tasks.alarm((yield* sys.now()) + timeout, () => this.late(ask));
    const answer = new Outcome<Answered>();
    pending.set(ask, { to, parts: [], resolve: answer.resolve, reject: answer.reject });
    try {
      yield* sendPatiently(tasks, to.capability, bytes, this.back);
    } catch (error) {
      pending.delete(ask);
      if (!(error instanceof SyscallError)) throw error;
      throw new NotAsked(method, error.status);
    }
    return yield* answer.wait();
  }

  /**
   * Asks a service by its name. While it is being started anew this waits; what it has been asked when it
   * ends is refused, for nobody knows how far it has come. For the errors see `ask`.
   */
  *askService(name: string, method: string, params: unknown, timeout?: bigint): Work<Answered> {
    const { peers } = this;
    if (!peers) throw new Error("a caller without peers knows no services");
    let before: Peer | undefined;
    while (true) {
      const to = yield* peers.get(name, before);
      try {
        return yield* this.ask(to, method, params, timeout);
      } catch (error) {
        if (!(error instanceof NotAsked) || !GONE.includes(error.status)) throw error;
        before = to;
      }
    }
  }

  /** An agent has ended: it won't answer. */
  gone(agent: number): void {
    for (const [ask, it] of this.pending)
      if (it.to.id === agent) this.refuse(ask, "the service has ended; it is started again");
  }

  private late(ask: number): void {
    this.refuse(ask, "nobody has answered in time");
  }

  private refuse(ask: number, why: string): void {
    const it = this.pending.get(ask);
    this.pending.delete(ask);
    it?.reject(new RequestError("unavailable", why));
  }

  private hear(message: Message): boolean {
    const { sender, bytes } = message;
    if (!ANSWER_START.every((byte, at) => bytes[at] === byte)) return false;
    const end = bytes.indexOf(NEWLINE);
    const said = decode(end < 0 ? bytes : bytes.subarray(0, end)) as Partial<Answer & Part> | null;
    const it = this.pending.get(said?.answer ?? 0);
    // An answer that nobody waits for any more is taken all the same, and so is one of somebody else.
    if (!said || it?.to.id !== sender) return said !== null;
    if (end >= 0) {
      it.parts[said.part ?? 0] = bytes.slice(end + 1);
      if (Object.keys(it.parts).length < (said.of ?? 0)) return true;
    }
    this.pending.delete(said.answer ?? 0);
    const whole = (end < 0 ? said : decode(joined(it.parts))) as Answer;
    if ("error" in whole) it.reject(new RequestError(whole.error.code, whole.error.message));
    else it.resolve({ result: whole.result, capability: this.tasks.keep(message) });
    return true;
  }
}

/** The request has not come to anybody. */
class NotAsked extends RequestError {
  readonly status: string;

  constructor(method: string, status: string) {
    super("unavailable", `"${method}" can't be asked: ${status}`);
    this.status = status;
  }
}

export interface Answered {
  readonly result: unknown;
  readonly capability: number;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Sends, and tries again for a while if there is no room now. @throws SyscallError */
export function* sendPatiently(
  tasks: Tasks,
  to: number,
  bytes: Uint8Array,
  capability = 0,
  tries = TRIES,
): Work<void> {
  for (let tried = 0; ; tried++)
    try {
      yield* tasks.sys.send(to, bytes, capability);
      return;
    } catch (error) {
      const later = error instanceof SyscallError && LATER.includes(error.status);
      if (!later || tried === tries) throw error;
      yield* tasks.sleep(TRY_FIRST_NS << BigInt(tried));
    }
}

/** What answers a method; the sender is as the kernel says. */
export type Method = (params: unknown, message: Message) => Work<unknown>;

/** An answer with a capability to go along. */
export class WithCapability {
  readonly result: unknown;
  readonly capability: number;

  constructor(result: unknown, capability: number) {
    this.result = result;
    this.capability = capability;
  }
}

/** Answers requests by a table of methods; what isn't a request is passed over. */
export function answering(tasks: Tasks, methods: Readonly<Record<string, Method>>) {
  const waiting = new Map<number, number>();
  /** Gives an answer to whoever asked; one that is over, or takes nothing, gets none. */
  function* give({ sender, capability }: Message, parts: Uint8Array[], along: number): Work<void> {
    const count = waiting.get(sender) ?? 0;
    waiting.set(sender, count + 1);
    const tries = count < WAITING_EACH_MAX ? TRIES : 0;
    try {
      for (const part of parts) yield* sendPatiently(tasks, capability, part, along, tries);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    } finally {
      const left = (waiting.get(sender) ?? 1) - 1;
      if (left > 0) waiting.set(sender, left);
      else waiting.delete(sender);
    }
  }
  return function* answer(message: Message): Work<void> {
    const asked = decode(message.bytes) as Partial<Asked> | null;
    if (typeof asked?.ask !== "number" || typeof asked.method !== "string") return;
    const { ask, method, params } = asked;
    let said: Answer;
    let along = 0;
    try {
      const run = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (!run) throw new RequestError("unknown-method", `there is no method "${method}"`);
      const result = yield* run(params, message);
      along = result instanceof WithCapability ? result.capability : 0;
      said = { answer: ask, result: result instanceof WithCapability ? result.result : result };
    } catch (error) {
      said = { answer: ask, error: RequestError.from(error).plain };
    }
    if (message.capability !== 0) yield* give(message, partsOf(ask, encode(said)), along);
  };
}

function partsOf(answer: number, bytes: Uint8Array): Uint8Array[] {
  if (bytes.length <= REQUEST_BYTES_MAX) return [bytes];
  const of = Math.ceil(bytes.length / REQUEST_BYTES_MAX);
  return Array.from({ length: of }, (_, part) => {
    const head: Part = { answer, part, of };
    const at = part * REQUEST_BYTES_MAX;
    const line = encode(head);
    return joined([line, Uint8Array.of(NEWLINE), bytes.subarray(at, at + REQUEST_BYTES_MAX)]);
  });
}
