/**
 * The fair queue's tree (kernel/sched/fair_tree.ts, fair_node.ts) in plain TypeScript: typed arrays,
 * numbers instead of 64-bit integers. Virtual times stay below 2^53 for as long as a benchmark lasts.
 */
const SLOTS = 16;
const SLOTS_LEAST = 6;
const LEVELS = 12;

export class Tree {
  /** Keys and IDs of a leaf's records, or boundaries of an inner node's children. */
  readonly keys: Float64Array;
  readonly ids: Float64Array;
  /** Values of records, or least values of children. */
  readonly values: Float64Array;
  /** Entities, or children. */
  readonly items: Int32Array;
  private readonly counts: Uint8Array;
  private readonly free: Int32Array;
  private freeCount: number;
  private root: number;
  private rootCount = 0;
  private height = 0;
  private readonly wayNodes = new Int32Array(LEVELS);
  private readonly waySlots = new Int32Array(LEVELS);
  least = 0;
  entries = 0;

  constructor(nodes: number) {
    this.keys = new Float64Array(nodes * SLOTS);
    this.ids = new Float64Array(nodes * SLOTS);
    this.values = new Float64Array(nodes * SLOTS);
    this.items = new Int32Array(nodes * SLOTS);
    this.counts = new Uint8Array(nodes * SLOTS);
    this.free = Int32Array.from({ length: nodes }, (_, index) => nodes - 1 - index);
    this.freeCount = nodes;
    this.root = this.take();
  }

  private take(): number {
    this.freeCount--;
    return this.free[this.freeCount] as number;
  }

  private giveBack(node: number): void {
    this.free[this.freeCount++] = node;
  }

  private precedes(index: number, key: number, id: number): boolean {
    const own = this.keys[index] as number;
    return own < key || (own === key && (this.ids[index] as number) < id);
  }

  private slotFor(node: number, count: number, key: number, id: number): number {
    let slot = 0;
    while (slot + 1 < count && !this.reaches(node * SLOTS + slot + 1, key, id)) slot++;
    return slot;
  }

  /** Whether the boundary at `index` comes after (key, id). */
  private reaches(index: number, key: number, id: number): boolean {
    const own = this.keys[index] as number;
    return own > key || (own === key && (this.ids[index] as number) > id);
  }

  private leastIn(node: number, count: number): number {
    let least = this.values[node * SLOTS] as number;
    for (let slot = 1; slot < count; slot++) {
      const value = this.values[node * SLOTS + slot] as number;
      if (value < least) least = value;
    }
    return least;
  }

  private copy(to: number, from: number): void {
    this.keys[to] = this.keys[from] as number;
    this.ids[to] = this.ids[from] as number;
    this.values[to] = this.values[from] as number;
    this.items[to] = this.items[from] as number;
    this.counts[to] = this.counts[from] as number;
  }

  private copyMany(to: number, from: number, count: number): void {
    for (let at = 0; at < count; at++) this.copy(to + at, from + at);
  }

  private setBoundary(to: number, from: number): void {
    this.keys[to] = this.keys[from] as number;
    this.ids[to] = this.ids[from] as number;
  }

  /** Sets what a parent knows of the children in slot `left` (an index into all slots) and the next. */
  private setCounts(left: number, taken: number, rest: number): void {
    this.counts[left] = taken;
    this.counts[left + 1] = rest;
    this.values[left] = this.leastIn(this.items[left] as number, taken);
    this.values[left + 1] = this.leastIn(this.items[left + 1] as number, rest);
  }

  private split(parent: number, count: number, slot: number): void {
    const right = this.take();
    const keep = slot + 1 === count ? SLOTS - SLOTS_LEAST : SLOTS / 2;
    const index = parent * SLOTS + slot;
    this.copyMany(right * SLOTS, (this.items[index] as number) * SLOTS + keep, SLOTS - keep);
    for (let at = count; at > slot + 1; at--)
      this.copy(parent * SLOTS + at, parent * SLOTS + at - 1);
    this.items[index + 1] = right;
    this.setBoundary(index + 1, right * SLOTS);
    this.setCounts(index, keep, SLOTS - keep);
  }

  private even(left: number, taken: number, rest: number): void {
    const first = (this.items[left] as number) * SLOTS;
    const second = (this.items[left + 1] as number) * SLOTS;
    const half = (taken + rest) >> 1;
    if (taken < half) {
      this.copyMany(first + taken, second, half - taken);
      this.copyMany(second, second + half - taken, rest - (half - taken));
    } else {
      for (let at = rest; at > 0; at--) this.copy(second + at - 1 + taken - half, second + at - 1);
      this.copyMany(second, first + half, taken - half);
    }
    this.setBoundary(left + 1, second);
    this.setCounts(left, half, taken + rest - half);
  }

  private mend(parent: number, count: number, slot: number, level: number): number {
    const left = parent * SLOTS + (slot + 1 < count ? slot : slot - 1);
    const taken = this.counts[left] as number;
    const rest = this.counts[left + 1] as number;
    const second = this.items[left + 1] as number;
    if (level !== 0) this.setBoundary(second * SLOTS, left + 1);
    if (taken + rest > SLOTS) {
      this.even(left, taken, rest);
      return count;
    }
    this.copyMany((this.items[left] as number) * SLOTS + taken, second * SLOTS, rest);
    this.giveBack(second);
    this.counts[left] = taken + rest;
    this.values[left] = Math.min(this.values[left] as number, this.values[left + 1] as number);
    this.copyMany(left + 1, left + 2, parent * SLOTS + count - left - 2);
    return count - 1;
  }

  insert(key: number, id: number, value: number, item: number): void {
    if (this.entries === 0 || value < this.least) this.least = value;
    this.entries++;
    if (this.rootCount === SLOTS) this.growRoot();
    let node = this.root;
    let counter = -1;
    for (let level = this.height; level > 0; level--) {
      const count = counter < 0 ? this.rootCount : (this.counts[counter] as number);
      let slot = this.slotFor(node, count, key, id);
      if ((this.counts[node * SLOTS + slot] as number) === SLOTS) {
        this.split(node, count, slot);
        if (counter < 0) this.rootCount = count + 1;
        else this.counts[counter] = count + 1;
        if (!this.reaches(node * SLOTS + slot + 1, key, id)) slot++;
      }
      counter = node * SLOTS + slot;
      if (value < (this.values[counter] as number)) this.values[counter] = value;
      node = this.items[counter] as number;
    }
    let index = node * SLOTS + (counter < 0 ? this.rootCount++ : (this.counts[counter] as number));
    if (counter >= 0) this.counts[counter] = index - node * SLOTS + 1;
    for (; index > node * SLOTS && !this.precedes(index - 1, key, id); index--)
      this.copy(index, index - 1);
    this.keys[index] = key;
    this.ids[index] = id;
    this.values[index] = value;
    this.items[index] = item;
  }

  private growRoot(): void {
    const root = this.take();
    this.items[root * SLOTS] = this.root;
    this.counts[root * SLOTS] = this.rootCount;
    this.values[root * SLOTS] = this.least;
    this.root = root;
    this.rootCount = 1;
    this.height++;
  }

  /** Index of the first record whose value is at most `limit`; -1 when there is none. */
  first(limit: number): number {
    if (this.entries === 0 || this.least > limit) return -1;
    let node = this.root;
    for (let level = this.height; level > 0; level--) {
      let slot = 0;
      while ((this.values[node * SLOTS + slot] as number) > limit) slot++;
      this.wayNodes[level] = node;
      this.waySlots[level] = slot;
      node = this.items[node * SLOTS + slot] as number;
    }
    let index = node * SLOTS;
    while ((this.values[index] as number) > limit) index++;
    return index;
  }

  /** Index of what counts the slots of the node at `level` of the way; -1 for the root. */
  private counterAt(level: number): number {
    if (level === this.height) return -1;
    return (this.wayNodes[level + 1] as number) * SLOTS + (this.waySlots[level + 1] as number);
  }

  /** Takes out the record at `index`, which was looked up last. */
  remove(index: number): void {
    const leaf = (index / SLOTS) | 0;
    const counter = this.counterAt(0);
    const count = (counter < 0 ? this.rootCount : (this.counts[counter] as number)) - 1;
    const value = this.values[index] as number;
    for (let at = index; at < leaf * SLOTS + count; at++) this.copy(at, at + 1);
    if (counter < 0) this.rootCount = count;
    else this.counts[counter] = count;
    this.entries--;
    if (this.height !== 0) this.removedBelow(leaf, count, value);
    else if (count !== 0 && this.least === value) this.least = this.leastIn(leaf, count);
  }

  private removedBelow(leaf: number, left: number, value: number): void {
    let node = leaf;
    let count = left;
    for (let level = 0; level < this.height; level++) {
      const parent = this.wayNodes[level + 1] as number;
      const slot = this.waySlots[level + 1] as number;
      const isLeast = (this.values[parent * SLOTS + slot] as number) === value;
      if (!isLeast && count >= SLOTS_LEAST) return;
      if (isLeast) {
        const least = this.leastIn(node, count);
        if (least === value && count >= SLOTS_LEAST) return;
        this.values[parent * SLOTS + slot] = least;
      }
      const counter = this.counterAt(level + 1);
      let parentCount = counter < 0 ? this.rootCount : (this.counts[counter] as number);
      if (count < SLOTS_LEAST) {
        parentCount = this.mend(parent, parentCount, slot, level);
        if (counter < 0) this.rootCount = parentCount;
        else this.counts[counter] = parentCount;
      }
      node = parent;
      count = parentCount;
    }
    if (this.least === value) this.least = this.leastIn(node, count);
    if (count === 1) this.shrinkRoot();
  }

  private shrinkRoot(): void {
    const root = this.root;
    this.root = this.items[root * SLOTS] as number;
    this.rootCount = this.counts[root * SLOTS] as number;
    this.height--;
    this.giveBack(root);
  }
}
