import { Pause, type Work } from "./tasks.ts";

/** What a task waits for that may come before it waits. */
export class Outcome<T> {
  private settle: (() => void) | null = null;
  private done: { readonly value: T } | { readonly error: Error } | null = null;
  readonly resolve = (value: T): void => this.end({ value });
  readonly reject = (error: Error): void => this.end({ error });

  private end(done: NonNullable<Outcome<T>["done"]>): void {
    this.done = done;
    this.settle?.();
  }

  *wait(): Work<T> {
    if (!this.done)
      yield new Pause<void>((resume) => {
        this.settle = resume;
      });
    const { done } = this;
    if (!done) throw new Error("a wait has ended before its time");
    if ("error" in done) throw done.error;
    return done.value;
  }
}
