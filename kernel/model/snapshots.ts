/**
 * Snapshots of the kernel's memory that cost little: only the pages that ever change are copied, and
 * that no other page has changed is checked by looking at all of them.
 */
const PAGE = 4096;

export interface Range {
  readonly address: number;
  readonly bytes: number;
}

export class Snapshots {
  private readonly memory: Uint8Array;
  private readonly baseline: Uint8Array;
  private pages: number[] = [];

  constructor(buffer: ArrayBufferLike) {
    this.memory = new Uint8Array(buffer);
    this.baseline = this.memory.slice();
  }

  /** Adds the pages that differ from the beginning to those that are copied; how many are new. */
  learn(): number {
    const known = new Set(this.pages);
    for (let at = 0; at < this.memory.length; at += PAGE) {
      if (known.has(at)) continue;
      const now = Buffer.from(this.memory.buffer, at, PAGE);
      if (now.compare(this.baseline, at, at + PAGE) !== 0) this.pages.push(at);
    }
    this.pages.sort((one, other) => one - other);
    return this.pages.length - known.size;
  }

  /** Everything is as it was at the beginning; `learn` has found all that isn't. */
  reset(): void {
    for (const at of this.pages) this.memory.set(this.baseline.subarray(at, at + PAGE), at);
  }

  save(): Uint8Array {
    const saved = new Uint8Array(this.pages.length * PAGE);
    for (const [n, at] of this.pages.entries()) saved.set(this.memory.subarray(at, at + PAGE), n * PAGE);
    return saved;
  }

  restore(saved: Uint8Array): void {
    for (const [n, at] of this.pages.entries()) this.memory.set(saved.subarray(n * PAGE, (n + 1) * PAGE), at);
  }

  /** Addresses of words that are not as in `saved`, outside of `except`. */
  changes(saved: Uint8Array, except: readonly Range[] = []): number[] {
    const found: number[] = [];
    for (const [n, at] of this.pages.entries()) {
      const now = Buffer.from(this.memory.buffer, at, PAGE);
      if (now.compare(saved, n * PAGE, (n + 1) * PAGE) === 0) continue;
      const words = new Uint32Array(this.memory.buffer, at, PAGE / 4);
      const before = new Uint32Array(saved.buffer, n * PAGE, PAGE / 4);
      for (const [index, word] of words.entries()) {
        if (word === before[index]) continue;
        const address = at + 4 * index;
        if (!except.some((range) => address >= range.address && address < range.address + range.bytes))
          found.push(address);
      }
    }
    return found;
  }
}
