/** A small generator that a seed repeats exactly (Marsaglia 2003, "Xorshift RNGs", 32 bits). */
export class Random {
  private state: number;

  constructor(seed: number) {
    // The state must not be 0.
    this.state = seed | 0 || 0x6d2b79f5;
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

  /** `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
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

/** Seed number `index` of those that follow from `seed`: neighbours have nothing in common. */
export function seedFrom(seed: number, index: number): number {
  // The finalizer of MurmurHash3, 32 bits, by Austin Appleby, over both.
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
