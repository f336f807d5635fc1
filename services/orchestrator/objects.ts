/**
 * Objects of the store are there for records that name them: images, states, and agents that run a module by
 * itself. An object is written before its record and goes after it, so what a crash leaves between the two is
 * an object without a name, and never a name without its object.
 */
import { Locks } from "../host/locks.ts";
import type { Store } from "../host/store.ts";
import type { Tasks, Work } from "../host/tasks.ts";

const ALL = "objects";

export class Objects {
  private readonly tasks: Tasks;
  private readonly store: Store;
  private readonly named: () => Iterable<string>;
  private readonly locks = new Locks();

  /** `named`: digests of the objects that records name now. */
  constructor(tasks: Tasks, store: Store, named: () => Iterable<string>) {
    this.tasks = tasks;
    this.store = store;
    this.named = named;
  }

  /**
   * Does work in which an object gets its name, or is let go of. One at a time: else an object could go that
   * has been found to be there, and is about to be named.
   */
  *change<T>(work: Work<T>): Work<T> {
    return yield* this.locks.hold(ALL, work);
  }

  /** Removes those that nothing names any more. Within `change`. */
  *release(digests: readonly string[]): Work<void> {
    const named = new Set(this.named());
    for (const digest of new Set(digests))
      if (!named.has(digest)) yield* this.tasks.host(() => this.store.removeObject(digest));
  }

  /**
   * Removes what nothing names of what is older than `since`, ms since 1970. What is younger has been put by
   * somebody who is about to name it.
   */
  *sweep(since: number): Work<void> {
    const { store } = this;
    const named = new Set(this.named());
    yield* this.tasks.host(async () => {
      for (const digest of await store.objects())
        if (!named.has(digest) && (await store.writtenAt(digest)) < since)
          await store.removeObject(digest);
    });
  }
}
