/** What an agent reads: a pipe that its shard writes for clients, of whom one waits for room at a time. */
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Tasks, Work } from "../host/tasks.ts";
import type { Watches } from "../host/watches.ts";
import { RequestError } from "../messages/errors.ts";
import type { InputSpec } from "../messages/system.ts";
import { type Other, PIPE_BYTES } from "./streams.ts";

export class Input {
  readonly pipe: number;
  private readonly sys: Sys;
  private readonly tasks: Tasks;
  private readonly watches: Watches;
  private waiting = false;
  private ended = false;

  constructor(tasks: Tasks, watches: Watches, pipe: number) {
    this.sys = tasks.sys;
    this.tasks = tasks;
    this.watches = watches;
    this.pipe = pipe;
  }

  /**
   * How many of the bytes the pipe has taken; with `wait`, seconds, once there is room for one.
   * @throws RequestError wrong-state: it has ended, or another client waits
   */
  *write({ data, wait, end }: InputSpec, reader: Other): Work<number> {
    this.requireOpen(reader);
    const bytes = Buffer.from(data, "base64");
    let taken = yield* this.put(bytes);
    if (taken === 0 && bytes.length > 0 && wait > 0) {
      yield* this.room(1, reader, wait);
      this.requireOpen(reader);
      taken = yield* this.put(bytes);
    }
    if (end && taken === bytes.length) this.ended = true;
    return taken;
  }

  get isEnding(): boolean {
    return this.ended;
  }

  /**
   * The agent finds its end behind what it has been given: so that has to be read first. The shard keeps its
   * capability as long as the agent lives, for the agent's is derived of it: dropped, it would be a refusal.
   */
  *close(reader: Other): Work<void> {
    while (!(yield* this.room(PIPE_BYTES, reader)));
    yield* this.sys.close(this.pipe);
  }

  private requireOpen(reader: Other): void {
    const refuse = (why: string) => new RequestError("wrong-state", why);
    if (reader.isOver()) throw refuse("the agent is over");
    if (this.ended) throw refuse("its input has ended");
    if (this.waiting) throw refuse("another client waits to write to its input");
  }

  private *put(bytes: Uint8Array): Work<number> {
    if (bytes.length === 0) return 0;
    try {
      return yield* this.sys.write(this.pipe, bytes);
    } catch (error) {
      if (error instanceof SyscallError && error.status === "FULL") return 0;
      throw error;
    }
  }

  /**
   * Until there is so much room, the agent is over, or so many seconds have passed. False: nobody knows, since the
   * agent has taken all watches of the pipe.
   */
  private *room(least: number, reader: Other, seconds?: number): Work<boolean> {
    if (reader.isOver()) return true;
    const { sys, tasks, watches, pipe } = this;
    const end = seconds && (yield* sys.now()) + BigInt(Math.round(seconds * 1e9));
    this.waiting = true;
    try {
      return yield* watches.room(pipe, least, (wake) => {
        reader.onEnd(wake);
        if (end) tasks.alarm(end, wake);
      });
    } finally {
      this.waiting = false;
    }
  }
}
