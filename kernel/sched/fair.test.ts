import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ENTITY_STRIDE, loadQueues, type Queues } from "../testing/sched-host.ts";
import { Member, ReferenceQueue, SCALE } from "./fair.reference.ts";

const MIB = 1 << 20;
/** Cycles; requests are shorter by one at least. */
const QUANTUM = 1000;
const GHOST = 2;
const MASK = (1n << 64n) - 1n;

/** One queue in the kernel. */
class Side {
  readonly queue: number;
  readonly entities: number;
  readonly sched: Queues["sched"];

  constructor({ sched }: Queues, count: number, start = 0n) {
    this.sched = sched;
    this.queue = sched.newFairQueue();
    expect(sched.fairInit(this.queue)).toBe(1);
    sched.setVirtualTime(this.queue, start);
    this.entities = sched.newEntities(count);
  }

  at(index: number): number {
    return this.entities + index * ENTITY_STRIDE;
  }

  add(index: number, weight: number, slice = QUANTUM - 1): number {
    this.sched.setEntity(this.at(index), BigInt(index + 1), weight, slice);
    expect(this.sched.fairJoin(this.queue, this.at(index))).toBe(1);
    return this.at(index);
  }

  /** One decision: the one picked runs for its slice, or for `cycles`. */
  run(cycles = QUANTUM - 1): number {
    const entity = this.sched.fairPick(this.queue);
    this.sched.fairCharge(this.queue, entity, BigInt(cycles));
    this.sched.fairRequeue(this.queue, entity);
    return (entity - this.entities) / ENTITY_STRIDE;
  }

  lag(index: number): number {
    return Number(this.sched.fairLag(this.queue, this.at(index)));
  }
}

type Step =
  | { readonly do: "join" | "leave" | "forget"; readonly who: number }
  | { readonly do: "reweigh"; readonly who: number; readonly weight: number }
  | { readonly do: "requeue"; readonly who: number; readonly slice: number }
  | { readonly do: "run"; readonly part: number };

const who = fc.nat({ max: 11 });
const weight = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 65536 }));
const slice = fc.integer({ min: 1, max: QUANTUM - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("run"), part: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("join"), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave"), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget"), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("reweigh"), who, weight }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("requeue"), who, slice }) },
) as fc.Arbitrary<Step>;

/** The kernel's queue and the reference, taking the same steps; compared after each. */
class Pair extends Side {
  readonly reference: ReferenceQueue;
  readonly members: Member[];
  private nextId = 1n;

  constructor(queues: Queues, weights: readonly number[], start = 0n) {
    super(queues, weights.length, start);
    this.reference = new ReferenceQueue(start);
    this.members = weights.map((each, index) => this.born(index, each));
  }

  private born(index: number, each: number): Member {
    const slice = 1 + ((index * 389 + 600) % (QUANTUM - 1));
    const one = new Member(this.nextId++, BigInt(each), BigInt(slice));
    this.sched.setEntity(this.at(index), one.id, each, slice);
    return one;
  }

  take(one: Step): void {
    if (one.do === "run") {
      this.decide(one.part);
      return;
    }
    const member = this.members[one.who];
    if (!member) return;
    const [queue, entity] = [this.queue, this.at(one.who)];
    if (one.do === "join" && member.state !== "queued") {
      this.reference.join(member);
      expect(this.sched.fairJoin(queue, entity)).toBe(1);
    } else if (one.do === "leave" && member.state === "queued") {
      this.reference.leave(member);
      this.sched.fairLeave(queue, entity);
    } else if (one.do === "forget" && this.reference.members.includes(member)) {
      this.reference.forget(member);
      this.sched.fairForget(queue, entity);
      this.members[one.who] = this.born(one.who, Number(member.weight));
    } else if (one.do === "reweigh") {
      this.reference.reweigh(member, BigInt(one.weight));
      this.sched.fairReweigh(queue, entity, one.weight);
    } else if (one.do === "requeue") {
      member.slice = BigInt(one.slice);
      this.sched.setSlice(entity, one.slice);
      if (member.state !== "queued") return;
      this.reference.requeue(member);
      this.sched.fairRequeue(queue, entity);
    }
  }

  /** A pick, of which the first of `part` parts of what is left of the request is served. */
  private decide(part: number): void {
    const picked = this.reference.pick();
    const entity = this.sched.fairPick(this.queue);
    expect(entity !== 0).toBe(picked !== null);
    if (!picked) return;
    expect(entity).toBe(this.at(this.members.indexOf(picked)));
    const rest = this.reference.rest(picked);
    expect(this.sched.fairRest(entity)).toBe(rest);
    const cycles = rest / BigInt(part);
    this.reference.charge(picked, cycles);
    this.sched.fairCharge(this.queue, entity, cycles);
  }

  /** Everything that both sides know is the same, and every lag is below a quantum. */
  compare(): void {
    const { sched, queue, reference } = this;
    expect(sched.virtualTime(queue) & MASK).toBe(reference.v & MASK);
    expect(sched.queueWeight(queue) & MASK).toBe(reference.weight);
    expect(sched.queueRunnable(queue)).toBe(reference.queued.length);
    this.members.forEach((one, index) => {
      if (one.state !== "queued" && one.state !== "ghost") return;
      expect(sched.entityV(this.at(index)) & MASK).toBe(one.v & MASK);
      expect(BigInt(sched.entityRemainder(this.at(index)))).toBe(one.work - one.v * one.weight);
      if (one.state === "queued")
        expect(sched.entityDeadline(this.at(index)) & MASK).toBe(one.deadline & MASK);
      const units = reference.lagUnits(one);
      expect(sched.fairLag(queue, this.at(index))).toBe(units >> 20n);
      expect(units < BigInt(QUANTUM) * SCALE && units > -BigInt(QUANTUM) * SCALE).toBe(true);
    });
  }
}

describe("a fair queue", () => {
  test("chooses as the definition does, whatever comes, goes and changes its weight", async () => {
    const queues = await loadQueues(16 * MIB);
    fc.assert(
      fc.property(
        fc.array(weight, { minLength: 1, maxLength: 12 }),
        fc.array(step, { maxLength: 150, size: "max" }),
        fc.constantFrom(0n, (1n << 63n) - 10_000_000n, (1n << 64n) - 10_000_000n),
        (weights, steps, start) => {
          const pair = new Pair(queues, weights, start);
          let before = pair.reference.v;
          for (const one of steps) {
            pair.take(one);
            pair.compare();
            expect(pair.reference.v >= before).toBe(true);
            before = pair.reference.v;
          }
          expect(pair.sched.fairValid(pair.queue)).toBe(1);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("is seen to be wrong when an entity doesn't agree with its record", async () => {
    const { sched, data } = await loadQueues(4 * MIB);
    const side = new Side({ sched } as Queues, 40);
    for (let index = 0; index < 40; index++) side.add(index, 1 + index);
    const valid = () => sched.fairValid(side.queue);
    expect(valid()).toBe(1);
    // id u64, weight u32, slice u32, v u64, deadline u64 (entity.ts)
    for (const offset of [0, 8, 16, 24]) {
      const before = data.getUint32(side.at(7) + offset, true);
      data.setUint32(side.at(7) + offset, before + 1, true);
      expect(valid()).toBe(0);
      data.setUint32(side.at(7) + offset, before, true);
      expect(valid()).toBe(1);
    }
  });

  test("gives service by weight: v x weight + remainder is 2^20 a cycle, to the last one", async () => {
    const side = new Side(await loadQueues(4 * MIB), 7);
    const weights = [1, 3, 7, 100, 1024, 12345, 65536];
    for (const [index, each] of weights.entries()) side.add(index, each);
    const service = weights.map(() => 0n);
    for (let turn = 0; turn < 20_000; turn++) {
      const cycles = 1 + ((turn * 7919) % (QUANTUM - 1));
      const index = side.run(cycles);
      service[index] = (service[index] ?? 0n) + BigInt(cycles);
    }
    const all = service.reduce((a, b) => a + b);
    const sum = weights.reduce((a, b) => a + b);
    weights.forEach((each, index) => {
      const had = side.sched.entityV(side.at(index)) * BigInt(each);
      expect(had + BigInt(side.sched.entityRemainder(side.at(index)))).toBe(
        (service[index] ?? 0n) * SCALE,
      );
      const share = (Number(all) * each) / sum;
      expect(Math.abs(Number(service[index]) - share)).toBeLessThan(QUANTUM);
    });
  });

  test("serves who comes within ceil(W / w) + 1 quanta", async () => {
    const queues = await loadQueues(16 * MIB);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1024 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 1024 }),
        fc.nat({ max: 200 }),
        (weights, own, turns) => {
          const side = new Side(queues, weights.length + 1);
          for (const [index, each] of weights.entries()) side.add(index, each);
          for (let turn = 0; turn < turns; turn++) side.run();
          side.add(weights.length, own);
          const sum = weights.reduce((a, b) => a + b, own);
          let quanta = 1;
          while (side.run() !== weights.length) quanta++;
          expect(quanta).toBeLessThanOrEqual(Math.ceil(sum / own) + 1);
        },
      ),
      { numRuns: 200 },
    );
  });

  // Half of them are served and half are due when the first half's weight is gone from one moment to
  // the next: were it gone from V's rate as well, the last one due would wait for 1.5 quanta.
  const half = 50;
  const vanishings: Record<string, (side: Side, index: number) => void> = {
    "become light": (side, index) => side.sched.fairReweigh(side.queue, side.at(index), 1),
    sleep: (side, index) => side.sched.fairLeave(side.queue, side.at(index)),
    die: (side, index) => side.sched.fairForget(side.queue, side.at(index)),
  };
  test.each(Object.entries(vanishings))(
    "keeps lags below a quantum when those ahead %s",
    async (_, vanish) => {
      const side = new Side(await loadQueues(4 * MIB), 2 * half);
      for (let index = 0; index < 2 * half; index++) side.add(index, 1000);
      for (let turn = 0; turn < half; turn++) side.run();
      for (let index = 0; index < half; index++) vanish(side, index);
      for (let turn = 0; turn < 3 * half; turn++) {
        for (let index = half; index < 2 * half; index++)
          expect(Math.abs(side.lag(index))).toBeLessThan(QUANTUM);
        side.run();
        expect(side.sched.fairValid(side.queue)).toBe(1);
      }
    },
  );

  test("keeps lags below a quantum when those that are owed time become heavy", async () => {
    const side = new Side(await loadQueues(4 * MIB), 2 * half);
    for (let index = 0; index < 2 * half; index++) side.add(index, 1);
    for (let turn = 0; turn < half; turn++) side.run();
    for (let index = half; index < 2 * half - 1; index++)
      side.sched.fairReweigh(side.queue, side.at(index), 1000);
    for (let turn = 0; turn < 3 * half; turn++) {
      for (let index = 0; index < 2 * half; index++)
        expect(Math.abs(side.lag(index))).toBeLessThan(QUANTUM);
      side.run();
    }
  });

  test("lets nobody gain by sleeping: who was ahead is ahead when it wakes", async () => {
    const side = new Side(await loadQueues(4 * MIB), 2);
    const [first, second] = [side.add(0, 10), side.add(1, 10)];
    side.run();
    const ahead = side.lag(0);
    expect(ahead).toBeLessThan(0);
    side.sched.fairLeave(side.queue, first);
    expect(side.sched.entityFlags(first) & GHOST).toBe(GHOST);
    side.sched.fairJoin(side.queue, first);
    expect(side.lag(0)).toBe(ahead);
    expect(side.sched.fairPick(side.queue)).toBe(second);
  });

  test("takes a lag along to another queue, if it is time had in advance", async () => {
    const queues = await loadQueues(4 * MIB);
    const [from, to] = [new Side(queues, 2), new Side(queues, 2, 1n << 40n)];
    from.add(0, 10);
    from.add(1, 10);
    to.add(0, 30);
    to.run(500);
    from.run();
    const lags = [from.lag(0), from.lag(1)];
    for (const index of [0, 1])
      expect(from.sched.fairMigrate(from.queue, to.queue, from.at(index))).toBe(1);
    const moved = [0, 1].map((index) => Number(to.sched.fairLag(to.queue, from.at(index))));
    expect(Math.abs((moved[0] ?? 0) - (lags[0] ?? 0))).toBeLessThanOrEqual(1);
    expect(lags[1]).toBeGreaterThan(0);
    expect(moved[1] === 0 || moved[1] === -1).toBe(true);
    for (const side of [from, to]) expect(side.sched.fairValid(side.queue)).toBe(1);
  });

  test("keeps its trees in order through 100,000 steps of 3,000 entities", async () => {
    const count = 3000;
    const side = new Side(await loadQueues(16 * MIB), count);
    const { sched, queue } = side;
    let state = 88172645463325252n;
    const random = (below: number) => {
      state ^= (state << 13n) & MASK;
      state ^= state >> 7n;
      state ^= (state << 17n) & MASK;
      return Number(state % BigInt(below));
    };
    const queued = new Set<number>();
    for (let index = 0; index < count; index++)
      sched.setEntity(side.at(index), BigInt(index + 1), 1 + random(1024), 999);
    // Half of the time more come than go, half of the time fewer: the trees grow and shrink.
    for (let turn = 0; turn < 100_000; turn++) {
      const index = random(count);
      const comes = Math.floor(turn / 12_000) % 2 === 0;
      if (random(3) === 0 && queued.size > 0) {
        const entity = sched.fairPick(queue);
        if (turn % 50 === 0) expect(entity).toBe(firstOf(side, queued));
        sched.fairCharge(queue, entity, BigInt(1 + random(999)));
        if (random(2) === 0) sched.fairRequeue(queue, entity);
      } else if (random(8) === 0) sched.fairReweigh(queue, side.at(index), 1 + random(1024));
      else if (queued.has(index) && random(comes ? 8 : 1) === 0) {
        if (random(8) === 0) sched.fairForget(queue, side.at(index));
        else sched.fairLeave(queue, side.at(index));
        queued.delete(index);
      } else if (!queued.has(index) && random(comes ? 1 : 8) === 0) {
        expect(sched.fairJoin(queue, side.at(index))).toBe(1);
        queued.add(index);
      }
      if (turn % 500 === 0) expect(sched.fairValid(queue)).toBe(1);
    }
    for (const index of queued) sched.fairForget(queue, side.at(index));
    expect(sched.fairValid(queue)).toBe(1);
    for (let index = 0; index < count; index++) sched.fairForget(queue, side.at(index));
    expect(sched.nodesReserved()).toBe(0);
    expect(sched.nodesUsed()).toBe(2);
    sched.fairFree(queue);
    expect(sched.nodesUsed()).toBe(0);
  });

  test("refuses the first time without memory, changes nothing then, and never refuses later", async () => {
    const queues = await loadQueues(4 * MIB);
    const { sched } = queues;
    const side = new Side(queues, 2000);
    let joined = 0;
    // Everything else is taken before; what is left are the frames that nodes take one by one.
    while (queues.framesFree() > 8) sched.newFairQueue();
    for (;;) {
      sched.setEntity(side.at(joined), BigInt(joined + 1), 1 + (joined % 7), QUANTUM - 1);
      if (sched.fairJoin(side.queue, side.at(joined)) === 0) break;
      joined++;
    }
    expect(queues.framesFree()).toBe(0);
    expect(sched.queueRunnable(side.queue)).toBe(joined);
    expect(sched.entityFlags(side.at(joined))).toBe(0);
    expect(sched.fairValid(side.queue)).toBe(1);
    for (let round = 0; round < 3; round++) {
      for (let turn = 0; turn < joined / 2; turn++) side.run();
      for (let index = round; index < joined; index += 2)
        sched.fairLeave(side.queue, side.at(index));
      for (let index = round; index < joined; index += 2)
        expect(sched.fairJoin(side.queue, side.at(index))).toBe(1);
    }
    sched.fairForget(side.queue, side.at(0));
    while (sched.nodesReserved() === joined) side.run();
    expect(sched.fairJoin(side.queue, side.at(joined))).toBe(1);
  });
});

/** The eligible one with the earliest deadline, by looking at all of them. */
function firstOf({ sched, queue, at, entities }: Side, queued: ReadonlySet<number>): number {
  const address = (index: number) => at.call({ entities } as Side, index);
  const v = sched.virtualTime(queue);
  const ahead = (a: bigint, b: bigint) => BigInt.asIntN(64, a - b);
  const [first] = [...queued]
    .filter((index) => ahead(sched.entityV(address(index)), v) <= 0n)
    .map((index) => ({ index, deadline: ahead(sched.entityDeadline(address(index)), v) }))
    .sort((a, b) => Number(a.deadline - b.deadline) || a.index - b.index);
  return first ? address(first.index) : 0;
}
