/**
 * Endpoints that tasks wait for. An agent can wait for a few things at a time; of any number of others the
 * kernel tells it by messages to one queue.
 */

import { notificationOf, type Watched } from "../../sdk/agent/endpoints.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import { Pause, type Tasks, type Work } from "./tasks.ts";

/** Places for notifications: one for each endpoint that is watched. */
const WATCHES_MAX = 1024;
/** An endpoint has places for a few watches, and whoever has its other end can take them all. */
const NO_PLACE: readonly string[] = ["LIMIT", "FULL", "QUOTA"];
/** After so long the caller looks for itself then, ns. */
const UNWATCHED_NS = 20_000_000n;

export class Watches {
  private readonly tasks: Tasks;
  private readonly sleeping = new Map<number, () => void>();
  private queue = 0;
  private nextTag = 1;

  constructor(tasks: Tasks) {
    this.tasks = tasks;
  }

  /**
   * Waits until there is something in a pipe or queue; `otherwise` is given what ends the wait before. False after a
   * while if the kernel has no place for that: then nobody knows whether there is something.
   */
  *content(endpoint: number, otherwise: (wake: () => void) => void): Work<boolean> {
    return (yield* this.until(endpoint, "data", 1, otherwise)) !== null;
  }

  /** Waits until a pipe has room for so many bytes; else as `content`. */
  *room(pipe: number, least: number, otherwise: (wake: () => void) => void): Work<boolean> {
    const tag = yield* this.until(pipe, "room", least, otherwise);
    if (tag !== null) yield* this.tasks.sys.unnotify(pipe, this.queue, "room", tag);
    return tag !== null;
  }

  private *until(
    endpoint: number,
    on: Watched,
    least: number,
    otherwise: (wake: () => void) => void,
  ): Work<number | null> {
    const tag = this.nextTag++;
    const queue = yield* this.opened();
    try {
      yield* this.tasks.sys.notify(endpoint, queue, on, { tag, least });
    } catch (error) {
      if (!(error instanceof SyscallError && NO_PLACE.includes(error.status))) throw error;
      yield* this.tasks.sleep(UNWATCHED_NS);
      return null;
    }
    yield new Pause<void>((resume) => {
      const wake = (): void => {
        this.sleeping.delete(tag);
        resume();
      };
      this.sleeping.set(tag, wake);
      otherwise(wake);
    });
    return tag;
  }

  private *opened(): Work<number> {
    if (this.queue === 0) {
      this.queue = yield* this.tasks.sys.endpoint("queue", WATCHES_MAX);
      this.tasks.listen(this.queue, ({ bytes }) => this.wake(Number(notificationOf(bytes).tag)));
    }
    return this.queue;
  }

  /** What is closed tells of that, too, when nobody waits any more. */
  private wake(tag: number): void {
    this.sleeping.get(tag)?.();
  }
}
