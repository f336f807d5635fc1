/** Tasks that may not be in the same thing at once take turns, in the order in which they came. */
import { Pause, type Work } from "./tasks.ts";

export class Locks {
  private readonly queues = new Map<string, (() => void)[]>();

  /** Does work while no other work under this key is being done. */
  *hold<T>(key: string, work: Work<T>): Work<T> {
    const queue = this.queues.get(key);
    if (queue) yield new Pause<void>((resume) => void queue.push(resume));
    else this.queues.set(key, []);
    try {
      return yield* work;
    } finally {
      const next = this.queues.get(key)?.shift();
      if (next) next();
      else this.queues.delete(key);
    }
  }
}
