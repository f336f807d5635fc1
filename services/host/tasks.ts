/**
 * The inside of a service: one agent, and any number of tasks in it that take turns.
 *
 * A task is a generator. It yields operations of the machine, as every step does, and `Pause`s, in which
 * it waits for something that the service's loop hears of: a reply, a child's end, a time, work of the
 * host. While all tasks pause, the agent waits in the kernel, and nothing runs.
 *
 * Whoever is sent a capability has it in its table until it gives it up, and anybody who may send can send
 * one. So the capability of a message is given up once that has been dealt with, unless a task keeps it.
 *
 *   mailbox ─┐
 *   notices ─┼─▶ loop ──▶ handler, or the task that pauses for it ──▶ operations
 *   bell    ─┘
 */

import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import type { Notice } from "../../sdk/agent/notices.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { NEVER } from "../../sdk/agent/waits.ts";
import type { Operation, Reply } from "../../sim/host/programs.ts";
import type { Door } from "./door.ts";

/** What a task gives that waits for no operation of the machine. */
export class Pause<T> {
  /** Is given how the task goes on: with a value, or with an error that is thrown in it. */
  readonly begin: (resume: (value: T) => void, fail: (error: unknown) => void) => void;

  constructor(begin: Pause<T>["begin"]) {
    this.begin = begin;
  }
}

/** Steps of a task. */
// biome-ignore lint/suspicious/noExplicitAny: what goes in depends on what came out last.
export type Work<T> = Generator<Operation | Pause<any>, T, any>;

interface Turn {
  readonly task: Work<unknown>;
  readonly value: unknown;
  readonly failed: boolean;
}

interface Alarm {
  readonly at: bigint;
  ring(): void;
}

/** A door to the host, and a capability to the kernel with the right to create, which opens it. */
export interface Entrance {
  readonly door: Door;
  readonly kernel: number;
}

export interface Handlers {
  /** A message that nobody has asked for. */
  message?(message: Message): Work<unknown>;
  notice?(notice: Notice): Work<unknown>;
}

/**
 * Gives up a capability that somebody else may have made worthless: then the kernel may have cleared it away, for in a
 * table that is full such entries make room.
 */
export function* giveUp(sys: Sys, capability: number): Step<void> {
  try {
    yield* sys.drop(capability);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}

export class Tasks {
  readonly sys: Sys;
  private readonly entrance: Entrance | null;
  private readonly ready: Turn[] = [];
  /** The latest first. */
  private readonly alarms: Alarm[] = [];
  private readonly queues: { readonly queue: number; hear(message: Message): void }[] = [];
  private readonly interested = new Set<(message: Message) => boolean>();
  /** Capabilities that stay when the messages that they have come with are done with. */
  private readonly kept = new Set<number>();

  constructor(sys: Sys, entrance: Entrance | null = null) {
    this.sys = sys;
    this.entrance = entrance;
  }

  /** Receives from a queue of the agent's own, too. */
  listen(queue: number, hear: (message: Message) => void): void {
    this.queues.push({ queue, hear });
  }

  /** Begins a task; it gets its first turn when the present one pauses. */
  start(task: Work<unknown>): void {
    this.ready.push({ task, value: undefined, failed: false });
  }

  /** Waits for work of the host, which the machine doesn't wait for. */
  *host<T>(work: () => Promise<T>): Work<T> {
    const { entrance } = this;
    if (!entrance) throw new Error("a service without a door has no work on the host");
    const { door } = entrance;
    return (yield new Pause<T>((resume, fail) => {
      work().then(
        (value) => door.post(() => resume(value)),
        (error) => door.post(() => fail(error)),
      );
    })) as T;
  }

  /** Shows each message to `hears` first; what that takes isn't given to the handler. */
  intercept(hears: (message: Message) => boolean): void {
    this.interested.add(hears);
  }

  /** The capability that has come with a message is the caller's from now on, to be given up by it. */
  keep({ capability }: Message): number {
    if (capability) this.kept.add(capability);
    return capability;
  }

  /** Does nothing for so many nanoseconds of virtual time. */
  *sleep(nanoseconds: bigint): Work<void> {
    const at = (yield* this.sys.now()) + nanoseconds;
    yield new Pause<void>((resume) => this.alarm(at, resume));
  }

  /** Calls `ring` at a virtual time, ns, or soon after it. */
  alarm(at: bigint, ring: () => void): void {
    const { alarms } = this;
    let [low, high] = [0, alarms.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((alarms[middle] as Alarm).at > at) low = middle + 1;
      else high = middle;
    }
    alarms.splice(low, 0, { at, ring });
  }

  /** Runs the tasks, and what the handlers make of messages and notices, for good. */
  *run(handlers: Handlers): Step<never> {
    const { sys, entrance } = this;
    yield* sys.roomForLarge();
    const queue = entrance ? yield* entrance.door.open(sys, entrance.kernel) : 0;
    while (true) {
      for (let turn = this.ready.shift(); turn; turn = this.ready.shift()) yield* this.take(turn);
      const deadline = this.alarms.at(-1)?.at ?? NEVER;
      const own = queue ? [queue] : [];
      const on = [...own, ...this.queues.map((it) => it.queue)];
      const woken = yield* sys.wait({ on, mailbox: true, notices: true, deadline });
      if (woken.what === "message") this.hear(yield* sys.receive(), handlers);
      if (woken.what === "notice" && handlers.notice) this.start(handlers.notice(woken.notice));
      if (woken.what === "object") {
        const other = this.queues[woken.index - own.length];
        if (other) other.hear(yield* sys.receive(other.queue));
        else if (entrance) yield* entrance.door.take(sys, queue);
      }
      if (woken.what === "deadline") this.ring(deadline);
    }
  }

  private hear(message: Message, handlers: Handlers): void {
    const taken = [...this.interested].some((hears) => hears(message));
    const work = taken ? undefined : handlers.message?.(message);
    if (work || message.capability) this.start(this.dealtWith(message, work));
  }

  private *dealtWith({ capability }: Message, work: Work<unknown> | undefined): Work<void> {
    try {
      if (work) yield* work;
    } finally {
      if (capability && !this.kept.delete(capability)) yield* giveUp(this.sys, capability);
    }
  }

  private ring(now: bigint): void {
    const { alarms } = this;
    for (let last = alarms.at(-1); last && last.at <= now; last = alarms.at(-1)) {
      alarms.pop();
      last.ring();
    }
  }

  /** Lets a task run up to its next pause, or its end. */
  private *take({ task, value, failed }: Turn): Step<void> {
    let step = failed ? task.throw(value) : task.next(value);
    while (!step.done) {
      const { value: wanted } = step;
      if (wanted instanceof Pause) {
        let paused = true;
        const go = (result: unknown, gone: boolean): void => {
          if (paused) this.ready.push({ task, value: result, failed: gone });
          paused = false;
        };
        wanted.begin(
          (result) => go(result, false),
          (error) => go(error, true),
        );
        return;
      }
      step = yield* this.operate(task, wanted);
    }
  }

  private *operate(
    task: Work<unknown>,
    operation: Operation,
  ): Step<IteratorResult<Operation | Pause<unknown>, unknown>> {
    let reply: Reply;
    try {
      reply = yield operation;
    } catch (error) {
      return task.throw(error);
    }
    return task.next(reply);
  }
}
