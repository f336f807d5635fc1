/**
 * States of agents on the host, between an agent and whoever keeps them in files. No agent pays for that memory, and
 * an agent's parent may be anybody: so a state is left only under a name that somebody waits for, and one from which
 * an agent goes on is there for that agent alone. Names can't be guessed.
 */
export class States<S> {
  /** Null for one that is waited for. */
  private readonly all = new Map<string, S | null>();

  /** From now on a state can be left under this name, until it is dropped. */
  expect(name: string): void {
    this.all.set(name, null);
  }

  /** Leaves a state, if somebody waits for it. */
  leave(name: string, state: S): void {
    if (this.all.get(name) === null) this.all.set(name, state);
  }

  /** Makes a state known to an agent that is to go on from it. */
  give(name: string, state: S): void {
    this.all.set(name, state);
  }

  /** The state that is there, once; null if there is none. */
  take(name: string): S | null {
    const state = this.all.get(name) ?? null;
    if (state !== null) this.all.delete(name);
    return state;
  }

  drop(name: string): void {
    this.all.delete(name);
  }
}
