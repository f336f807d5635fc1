/** The kernel's fair queue and EDF heap in plain TypeScript with typed arrays: a peer of the benchmark. */
import { Tree } from "./tree.ts";

const SCALE = 2 ** 20;

/** Decisions of a fair queue whose entities are always runnable. Entity n has the ID n + 1. */
export class TypedFair {
  private readonly tree: Tree;
  private readonly weights: Float64Array;
  private readonly v: Float64Array;
  private readonly remainders: Float64Array;
  private readonly deadlines: Float64Array;
  private readonly slice: number;
  private readonly weight: number;
  private virtual = 0;
  private part = 0;
  private current = -1;

  constructor(weights: readonly number[], slice: number) {
    this.slice = slice;
    this.weights = Float64Array.from(weights);
    this.v = new Float64Array(weights.length);
    this.remainders = new Float64Array(weights.length);
    this.deadlines = new Float64Array(weights.length);
    this.weight = weights.reduce((a, b) => a + b);
    this.tree = new Tree(Math.floor(weights.length / 5) + 16);
    for (let entity = 0; entity < weights.length; entity++) {
      this.renew(entity);
      this.insert(entity);
    }
  }

  private of(array: Float64Array, entity: number): number {
    return array[entity] as number;
  }

  private renew(entity: number): void {
    const work = this.slice * SCALE + this.of(this.remainders, entity);
    this.deadlines[entity] =
      this.of(this.v, entity) + Math.ceil(work / this.of(this.weights, entity));
  }

  private insert(entity: number): void {
    this.tree.insert(this.of(this.deadlines, entity), entity + 1, this.of(this.v, entity), entity);
  }

  private pick(): number {
    const { current, tree } = this;
    let least = tree.least;
    if (current >= 0) {
      const v = this.of(this.v, current);
      if (tree.entries === 0 || v < least) least = v;
    }
    if (least > this.virtual) {
      this.virtual = least;
      this.part = 0;
    }
    const index = tree.first(this.virtual);
    if (index < 0 || (current >= 0 && this.keeps(current, index))) return current;
    const picked = tree.items[index] as number;
    tree.remove(index);
    if (current >= 0) this.insert(current);
    this.current = picked;
    return picked;
  }

  private keeps(current: number, index: number): boolean {
    if (this.of(this.v, current) > this.virtual) return false;
    const [due, key] = [this.of(this.deadlines, current), this.tree.keys[index] as number];
    return due < key || (due === key && current + 1 < (this.tree.ids[index] as number));
  }

  private charge(entity: number, cycles: number): void {
    const work = cycles * SCALE;
    const own = work + this.of(this.remainders, entity);
    const weight = this.of(this.weights, entity);
    const advance = Math.floor(own / weight);
    this.v[entity] = this.of(this.v, entity) + advance;
    this.remainders[entity] = own - advance * weight;
    const part = this.part + work;
    const whole = Math.floor(part / this.weight);
    this.virtual += whole;
    this.part = part - whole * this.weight;
    this.renew(entity);
  }

  /** `count` decisions; a digest of who was chosen, in order. */
  run(count: number): number {
    let digest = 0;
    for (let turn = 0; turn < count; turn++) {
      const entity = this.pick();
      this.charge(entity, this.slice);
      digest = (Math.imul(digest, 31) + entity + 1) | 0;
    }
    return digest >>> 0;
  }
}

/** A 4-ary heap of entities by (deadline, ID), which know their positions. */
export class TypedEdf {
  private readonly keys: Float64Array;
  private readonly things: Int32Array;
  private readonly positions: Int32Array;
  private readonly periods: Float64Array;

  constructor(periods: readonly number[]) {
    this.periods = Float64Array.from(periods);
    this.keys = new Float64Array(periods.length);
    this.things = new Int32Array(periods.length);
    this.positions = new Int32Array(periods.length);
    periods.forEach((period, thing) => {
      this.rise(thing, period, thing);
    });
  }

  private put(position: number, key: number, thing: number): void {
    this.keys[position] = key;
    this.things[position] = thing;
    this.positions[thing] = position;
  }

  private before(position: number, key: number, thing: number): boolean {
    const own = this.keys[position] as number;
    return own < key || (own === key && (this.things[position] as number) < thing);
  }

  private rise(start: number, key: number, thing: number): void {
    let position = start;
    while (position > 0) {
      const parent = (position - 1) >> 2;
      if (this.before(parent, key, thing)) break;
      this.put(position, this.keys[parent] as number, this.things[parent] as number);
      position = parent;
    }
    this.put(position, key, thing);
  }

  private sink(start: number, key: number, thing: number): void {
    const count = this.keys.length;
    let position = start;
    for (;;) {
      const first = (position << 2) + 1;
      if (first >= count) break;
      let least = first;
      for (let child = first + 1; child < first + 4 && child < count; child++)
        if (this.before(child, this.keys[least] as number, this.things[least] as number))
          least = child;
      if (!this.before(least, key, thing)) break;
      this.put(position, this.keys[least] as number, this.things[least] as number);
      position = least;
    }
    this.put(position, key, thing);
  }

  run(count: number): number {
    let digest = 0;
    for (let turn = 0; turn < count; turn++) {
      const thing = this.things[0] as number;
      this.sink(0, (this.keys[0] as number) + (this.periods[thing] as number), thing);
      digest = (Math.imul(digest, 31) + thing + 1) | 0;
    }
    return digest >>> 0;
  }
}
