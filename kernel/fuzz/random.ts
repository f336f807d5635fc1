/** A small generator that a seed repeats exactly (Marsaglia 2003, "Xorshift RNGs", 32 bits). */
export class Random {
  private state: number;

  constructor(seed: number) {
    // The state must not be 0; neighbouring seeds are spread by an odd multiplier.
    this.state = Math.imul(seed | 0, 0x9e3779b1) ^ 0x6d2b79f5 || 1;
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x >>> 0;
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * limit);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new Error("pick: the list is empty");
    return item;
  }
}
