/**
 * What each agent of the fair class would get in the fluid ideal, where all that are runnable run at
 * once, each at a rate in proportion to its weight: generalized processor sharing (Parekh, Gallager
 * 1993) on several processors, of which an agent can use one at most (so that weights beyond that
 * are cut, as in surplus fair scheduling: Chandra et al. 2000). A group is one party that can use as
 * many processors as it has runnable agents, and shares what it gets the same way.
 */

/** Agents of one weight in one group: they all have the same rate. */
class Bucket {
  readonly weightEach: number;
  count = 0;
  /** Service that one who was there all the time has had. */
  service = 0;
  private rate = 0;

  constructor(weightEach: number) {
    this.weightEach = weightEach;
  }
  get weight(): number {
    return this.count * this.weightEach;
  }
  get most(): number {
    return this.count;
  }
  give(rate: number): void {
    this.rate = this.count === 0 ? 0 : rate / this.count;
  }
  advance(time: number): void {
    this.service += this.rate * time;
  }
}

interface Party {
  /** 0 when nobody in it is runnable. */
  readonly weight: number;
  /** Processors that it can use. */
  readonly most: number;
  give(rate: number): void;
  advance(time: number): void;
}

class Node implements Party {
  private readonly own: number;
  readonly buckets = new Map<number, Bucket>();
  readonly children: Node[] = [];

  constructor(weight: number) {
    this.own = weight;
  }
  get most(): number {
    return this.parties().reduce((sum, party) => sum + party.most, 0);
  }
  get weight(): number {
    return this.most === 0 ? 0 : this.own;
  }
  bucket(weight: number): Bucket {
    const known = this.buckets.get(weight);
    if (known) return known;
    const bucket = new Bucket(weight);
    this.buckets.set(weight, bucket);
    return bucket;
  }
  private parties(): Party[] {
    return [...this.buckets.values(), ...this.children];
  }

  /** Shares a rate: whoever can't use its part leaves the rest to the others. */
  give(rate: number): void {
    const all = this.parties().map((party) => {
      party.give(0);
      return { party, weight: party.weight, most: party.most };
    });
    const parties = all.filter(({ weight }) => weight > 0);
    // Whoever has the least use for its weight is satisfied first.
    parties.sort((a, b) => a.most / a.weight - b.most / b.weight);
    let [left, weights] = [rate, parties.reduce((sum, { weight }) => sum + weight, 0)];
    for (const { party, weight, most } of parties) {
      const part = Math.min(most, (left * weight) / weights);
      party.give(part);
      left -= part;
      weights -= weight;
    }
  }

  advance(time: number): void {
    for (const party of this.parties()) party.advance(time);
  }
}

interface Place {
  readonly bucket: Bucket;
  readonly since: number;
}

/** One set of processors that agents share freely. */
export class IdealShares {
  private readonly root = new Node(1);
  private readonly groups = new Map<string, Node>();
  private readonly runnable = new Map<number, Place>();
  private readonly had = new Map<number, number>();
  private capacity: number;
  private time: number;
  private stale = false;

  /** @param capacity processors that the fair class has */
  constructor(capacity: number, time: number) {
    this.capacity = capacity;
    this.time = time;
  }

  /** Declares a group; those around it first. */
  addGroup(path: string, weight: number): void {
    const node = new Node(weight);
    this.groups.set(path, node);
    this.nodeOf(path.slice(0, path.lastIndexOf("/"))).children.push(node);
  }

  setCapacity(capacity: number, time: number): void {
    this.advance(time);
    this.capacity = capacity;
    this.stale = true;
  }

  join(agent: number, weight: number, group: string, time: number): void {
    if (this.runnable.has(agent)) return;
    this.advance(time);
    const bucket = this.nodeOf(group).bucket(weight);
    bucket.count += 1;
    this.runnable.set(agent, { bucket, since: bucket.service });
    this.stale = true;
  }

  leave(agent: number, time: number): void {
    const place = this.runnable.get(agent);
    if (!place) return;
    this.advance(time);
    this.runnable.delete(agent);
    place.bucket.count -= 1;
    this.had.set(agent, this.before(agent) + place.bucket.service - place.since);
    this.stale = true;
  }

  /** Service in ns that the agent would have had by then. */
  serviceOf(agent: number, time: number): number {
    this.advance(time);
    const place = this.runnable.get(agent);
    return this.before(agent) + (place ? place.bucket.service - place.since : 0);
  }

  private before(agent: number): number {
    return this.had.get(agent) ?? 0;
  }

  private nodeOf(path: string): Node {
    return this.groups.get(path) ?? this.root;
  }

  private advance(time: number): void {
    if (time <= this.time) return;
    if (this.stale) this.root.give(this.capacity);
    this.stale = false;
    this.root.advance(time - this.time);
    this.time = time;
  }
}
