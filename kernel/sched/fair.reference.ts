/**
 * Earliest eligible virtual deadline first by its definition: fractions of BigInts, and every question
 * answered by looking at everybody. What kernel/sched/fair.ts is compared with.
 *
 * Rounding is part of the definition, so that choices can be the same: V is a multiple of 1/W, times
 * are compared by whole units, deadlines are rounded up.
 */
export const SCALE = 1n << 20n;

const floor = (n: bigint, d: bigint): bigint => {
  const quotient = n / d;
  return n % d !== 0n && n < 0n !== d < 0n ? quotient - 1n : quotient;
};
const ceil = (n: bigint, d: bigint): bigint => -floor(-n, d);
const least = (a: bigint, b: bigint) => (a < b ? a : b);
const greatest = (a: bigint, b: bigint) => (a > b ? a : b);

export class Member {
  readonly id: bigint;
  weight: bigint;
  slice: bigint;
  state: "away" | "queued" | "ghost" | "dead" = "away";
  /** Virtual time is work / weight. */
  work = 0n;
  deadline = 0n;
  pending: bigint | null = null;

  constructor(id: bigint, weight: bigint, slice: bigint) {
    this.id = id;
    this.weight = weight;
    this.slice = slice;
  }

  /** Virtual time in whole units, and rounded up. */
  get v(): bigint {
    return floor(this.work, this.weight);
  }
  get passed(): bigint {
    return ceil(this.work, this.weight);
  }
}

const byDeadline = (a: Member, b: Member) =>
  Number(a.deadline - b.deadline) || Number(a.id - b.id);
const byPassed = (a: Member, b: Member) => Number(a.passed - b.passed) || Number(a.id - b.id);

export class ReferenceQueue {
  readonly members: Member[] = [];
  /** Sum of weights, ghosts included, and V times that. */
  weight = 0n;
  progress: bigint;

  constructor(start = 0n) {
    this.progress = start;
  }

  /** V in whole units: without any weight, progress is V itself. */
  get v(): bigint {
    return this.weight === 0n ? this.progress : floor(this.progress, this.weight);
  }
  get queued(): Member[] {
    return this.members.filter((one) => one.state === "queued");
  }
  private get ghosts(): Member[] {
    return this.members.filter((one) => one.state === "ghost" || one.state === "dead");
  }
  private get ceiling(): bigint {
    return this.weight === 0n ? this.progress : ceil(this.progress, this.weight);
  }

  private setWeight(weight: bigint): void {
    const v = this.v;
    if (this.weight === 0n) this.progress = v * weight;
    else if (weight === 0n) this.progress = v;
    else {
      const part = this.progress - v * this.weight;
      this.progress = v * weight + floor(part * weight, this.weight);
    }
    this.weight = weight;
  }

  private moveTo(v: bigint): void {
    this.progress = this.weight === 0n ? v : v * this.weight;
    this.dropGhosts();
  }

  private dropGhosts(): void {
    for (const one of this.ghosts.sort(byPassed)) {
      if (one.passed > this.v) break;
      this.setWeight(this.weight - one.weight);
      this.away(one);
    }
  }

  private away(one: Member): void {
    if (one.state === "dead") this.members.splice(this.members.indexOf(one), 1);
    one.state = "away";
    if (one.pending !== null) one.weight = one.pending;
    one.pending = null;
  }

  private renew(one: Member): void {
    one.deadline = ceil(one.work + one.slice * SCALE, one.weight);
  }

  join(one: Member): void {
    if (!this.members.includes(one)) this.members.push(one);
    if (one.state === "away") {
      one.work = this.ceiling * one.weight;
      this.setWeight(this.weight + one.weight);
    }
    one.state = "queued";
    this.renew(one);
  }

  leave(one: Member): void {
    one.state = "ghost";
    if (this.queued.length === 0) {
      const last = this.ghosts.map(({ passed }) => passed).reduce(greatest);
      this.moveTo(greatest(this.v, last));
    } else if (one.passed <= this.v) {
      this.setWeight(this.weight - one.weight);
      this.away(one);
    }
  }

  /** The member dies; a ghost stays one without it. */
  forget(one: Member): void {
    if (one.state === "queued") this.leave(one);
    if (one.state === "ghost") one.state = "dead";
    else this.members.splice(this.members.indexOf(one), 1);
  }

  pick(): Member | null {
    for (;;) {
      const queued = this.queued;
      if (queued.length === 0) return null;
      const first = queued.map(({ v }) => v).reduce(least);
      if (first > this.v) this.moveTo(first);
      const v = this.v;
      const [picked] = queued.filter((one) => one.v <= v).sort(byDeadline);
      if (!picked || picked.pending === null || !this.mayFall(picked)) return picked ?? null;
      this.reweigh(picked, picked.pending);
    }
  }

  /** Whole cycles that are left of a request. */
  rest(one: Member): bigint {
    return floor(one.deadline * one.weight - one.work, SCALE);
  }

  charge(one: Member, cycles: bigint): void {
    one.work += cycles * SCALE;
    this.progress += cycles * SCALE;
    if (one.passed >= one.deadline) this.renew(one);
    this.dropGhosts();
  }

  /** A new request, never due earlier than the old one. */
  requeue(one: Member): void {
    const due = one.deadline;
    this.renew(one);
    one.deadline = greatest(one.deadline, due);
  }

  /** weight x (V - v): numerator; the denominator is the sum of weights. In virtual units. */
  lag(one: Member): { n: bigint; d: bigint } {
    const d = this.weight;
    return { n: one.weight * this.progress - one.work * d, d };
  }

  lagUnits(one: Member): bigint {
    const { n, d } = this.lag(one);
    return floor(n, d);
  }

  private mayFall(one: Member): boolean {
    return this.lagUnits(one) >= 0n || (this.queued.length === 1 && this.ghosts.length === 0);
  }

  reweigh(one: Member, weight: bigint): void {
    one.pending = null;
    if (one.state === "away") one.weight = weight;
    else if (weight < one.weight && !this.mayFall(one)) one.pending = weight;
    else if (weight !== one.weight) this.changeWeight(one, weight);
  }

  private changeWeight(one: Member, weight: bigint): void {
    const lag = this.lagUnits(one);
    const heavier = weight > one.weight;
    const rest = greatest(one.deadline * one.weight - one.work, 0n);
    const now = this.ceiling;
    let v: bigint;
    if (lag < 0n) v = heavier ? least(one.passed, now + ceil(-lag, weight)) : now;
    else if (!heavier) v = now - floor(lag, weight);
    else
      v = least(now, greatest(now - floor(lag, weight), one.deadline - floor(rest, weight)));
    const deadline = v + ceil(rest, weight);
    one.deadline = lag >= 0n && v < now ? greatest(one.deadline, deadline) : deadline;
    one.work = v * weight;
    this.setWeight(this.weight - one.weight + weight);
    one.weight = weight;
  }
}
