/**
 * Follows one agent through its mutexes: what would lock itself out for ever, or give back what it
 * doesn't hold, is refused before it runs.
 */
import type { Value } from "./json.ts";
import type { Step } from "./model.ts";

export class HeldMutexes {
  private readonly held = new Set<string>();

  take(mutex: string, value: Value): void {
    if (this.held.has(mutex)) value.refuse(`"${mutex}" is held already: it would wait for itself`);
    this.held.add(mutex);
  }

  give(mutex: string, value: Value): void {
    if (!this.held.delete(mutex)) value.refuse(`"${mutex}" isn't held here`);
  }

  /** Goes past a step; returns it as it is meant. */
  pass(step: Step, value: Value): Step {
    switch (step.kind) {
      case "lock":
        this.take(step.mutex, value);
        return step;
      case "unlock":
        this.give(step.mutex, value);
        return step;
      case "wait":
        if (!this.held.has(step.mutex)) value.refuse(`"${step.mutex}" isn't held here`);
        return step;
      case "sync":
        // rt-app's tutorial has it take the mutex, its examples hold it: both are meant well.
        return { ...step, locks: !this.held.has(step.mutex) };
      case "suspend":
      case "resume":
        this.take(step.name, value);
        this.give(step.name, value);
        return step;
      default:
        return step;
    }
  }

  /** What is held, in no particular order. */
  get names(): readonly string[] {
    return [...this.held];
  }

  /** A loop's end must hold what its beginning held, or its second pass goes wrong. */
  requireSame(before: readonly string[], value: Value, what: string): void {
    const kept = this.names.filter((name) => !before.includes(name));
    const lost = before.filter((name) => !this.held.has(name));
    const [wrong] = [...kept, ...lost];
    if (wrong !== undefined)
      value.refuse(`${what} is repeated, but "${wrong}" isn't locked as often as unlocked`);
  }
}
