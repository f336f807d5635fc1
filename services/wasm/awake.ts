/** Agents whose code has an instance: engines reserve gigabytes of addresses for each memory. */

/** By default. Each costs its memory, and some 10 GiB of V8's addresses. */
const AWAKE_MAX = 256;

interface Sleeper {
  /** Gives up all but its state. */
  rest(): void;
}

/** So many at most are awake; the one that has not run for the longest time is put to rest. */
export class Awake {
  /** Who has run last is the last one. */
  private readonly programs = new Set<Sleeper>();
  private readonly limit: number;

  /** @param limit 1 or more */
  constructor(limit = AWAKE_MAX) {
    this.limit = limit;
  }

  get count(): number {
    return this.programs.size;
  }

  runs(program: Sleeper): void {
    this.programs.delete(program);
    this.programs.add(program);
    if (this.programs.size <= this.limit) return;
    const [longest] = this.programs;
    if (longest === undefined) return;
    this.programs.delete(longest);
    longest.rest();
  }

  ends(program: Sleeper): void {
    this.programs.delete(program);
  }
}
