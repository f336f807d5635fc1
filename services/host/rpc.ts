/**
 * Requests between agents: a message with a method and its parameters as JSON, and with a capability to
 * whoever asks, by which the answer comes back. A service keeps nothing of those who ask, so one that
 * has been started again can go on.
 */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import { type ErrorCode, RequestError } from "../messages/errors.ts";
import { decode, encode } from "../messages/json.ts";
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

/** What asks: each caller has one. */
export class Caller {
  private readonly tasks: Tasks;
  private next = 1;
  /** A capability to this agent that can do no more than send. */
  private back = 0;

  constructor(tasks: Tasks) {
    this.tasks = tasks;
  }

  /**
   * Asks another agent, with a capability for it if one is given; what it answers, and the capability
   * that comes with the answer.
   * @throws RequestError as the other one refuses; "unavailable" when there is none
   */
  *ask(to: number, method: string, params: unknown, timeout?: bigint): Work<Answered> {
    const { tasks } = this;
    const { sys } = tasks;
    const ask = this.next++;
    this.back ||= yield* sys.derive(sys.self, { rights: RIGHT_SEND | RIGHT_DERIVE });
    try {
      yield* sys.send(to, encode({ ask, method, params }), this.back);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw new RequestError("unavailable", `"${method}" can't be asked: ${error.status}`);
    }
    const reply = yield* tasks.messageThat((message) => isAnswer(message, ask), timeout);
    if (!reply) throw new RequestError("unavailable", `nobody answered to "${method}"`);
    const answer = decode(reply.bytes) as Answer;
    if ("error" in answer) throw new RequestError(answer.error.code, answer.error.message);
    return { result: answer.result, capability: reply.capability };
  }
}

export interface Answered {
  readonly result: unknown;
  readonly capability: number;
}

function isAnswer({ bytes }: Message, ask: number): boolean {
  const answer = decode(bytes) as Partial<Answer> | null;
  return answer?.answer === ask;
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
  const { sys } = tasks;
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
    if (message.capability === 0) return;
    try {
      yield* sys.send(message.capability, encode(said), along);
      yield* sys.drop(message.capability);
    } catch (error) {
      // Whoever asked is over; there is nobody to tell.
      if (!(error instanceof SyscallError)) throw error;
    }
  };
}
