/**
 * What agents write, on its way from their pipes to the logs. A pipe is read once the logs have kept what
 * came out of it before: so one whose reader is slow holds back its writer and nobody else, and what the
 * logs have not acknowledged is given to them again when they have been started anew.
 */
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Caller } from "../host/rpc.ts";
import type { Tasks, Work } from "../host/tasks.ts";
import type { Watches } from "../host/watches.ts";
import { RequestError } from "../messages/errors.ts";
import type { Life, Written } from "../messages/system.ts";

export const PIPE_BYTES = 16 * 1024;
/** A line that is longer is cut. */
const PENDING_BYTES_MAX = 32 * 1024;
const RETRY_NS = 20_000_000n;

/** Whoever has the other end of a pipe. */
export interface Other {
  isOver(): boolean;
  /** `wake` is called when it is over; one at a time for each of its pipes. */
  onEnd(wake: () => void): void;
}

export class Streams {
  private readonly sys: Sys;
  private readonly tasks: Tasks;
  private readonly caller: Caller;
  private readonly watches: Watches;

  constructor(tasks: Tasks, caller: Caller, watches: Watches) {
    this.sys = tasks.sys;
    this.tasks = tasks;
    this.caller = caller;
    this.watches = watches;
  }

  /** Follows a pipe until its writer is over; then closes it. */
  *follow(life: Life, stream: Written["stream"], pipe: number, writer: Other): Work<void> {
    let offset = 0;
    let pending: Uint8Array = new Uint8Array();
    while (true) {
      const last = writer.isOver();
      const more = yield* this.take(pipe);
      pending = joined(pending, more);
      const end = (last && more.length === 0) || pending.length >= PENDING_BYTES_MAX;
      if (more.length > 0 || (end && pending.length > 0)) {
        const kept = yield* this.give({ ...life, stream, offset, end }, pending);
        offset += kept;
        pending = pending.slice(kept);
      }
      if (more.length > 0) continue;
      if (last) break;
      yield* this.watches.content(pipe, (wake) => writer.onEnd(wake));
    }
    yield* this.sys.close(pipe);
    yield* this.sys.drop(pipe);
  }

  private *take(pipe: number): Work<Uint8Array> {
    const { sys } = this;
    const at = yield* sys.room(PIPE_BYTES);
    const reply = yield* sys.attempt("PIPE_READ", pipe, at, PIPE_BYTES);
    return reply.error === 0 ? yield* sys.load(at, reply.value) : new Uint8Array();
  }

  /** Tries until the logs have answered. How many bytes they have kept. */
  private *give(written: Omit<Written, "bytes">, bytes: Uint8Array): Work<number> {
    const text = Buffer.from(bytes).toString("base64");
    while (true)
      try {
        const asked: Written = { ...written, bytes: text };
        return Number((yield* this.caller.askService("logs", "append", asked)).result);
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        yield* this.tasks.sleep(RETRY_NS);
      }
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (second.length === 0) return first;
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
