import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ENTITY_STRIDE, loadQueues, type Queues } from "../testing/sched-host.ts";

const MIB = 1 << 20;

class Edf {
  readonly heap: number;
  readonly entities: number;
  readonly sched: Queues["sched"];

  constructor({ sched }: Queues, count: number) {
    this.sched = sched;
    this.heap = sched.newHeap();
    sched.edfInit(this.heap);
    this.entities = sched.newEntities(count);
    for (let index = 0; index < count; index++)
      sched.setEntity(this.at(index), BigInt(index + 1), 1, 1);
  }

  at(index: number): number {
    return this.entities + index * ENTITY_STRIDE;
  }

  /** Queues an entity that is in no queue. */
  join(index: number, deadline: bigint): void {
    this.sched.edfSetDeadline(this.at(index), deadline);
    this.sched.edfJoin(this.heap, this.at(index));
  }
}

/** Deadlines with many ties, and with all 64 bits. */
const deadline = fc.oneof(
  fc.bigInt({ min: 0n, max: 7n }),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);
const who = fc.nat({ max: 39 });
const step = fc.oneof(
  fc.record({ do: fc.constant("join" as const), who, deadline }),
  fc.record({ do: fc.constant("move" as const), who, deadline }),
  fc.record({ do: fc.constant("leave" as const), who, deadline }),
);

describe("an EDF queue", () => {
  test("picks as a sorted list does, whoever comes, goes and gets another deadline", async () => {
    const queues = await loadQueues(64 * MIB);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
        const edf = new Edf(queues, 40);
        const { sched, heap } = edf;
        expect(sched.heapReserve(heap, 40)).toBe(1);
        const sorted: { index: number; deadline: bigint }[] = [];
        for (const one of steps) {
          const found = sorted.findIndex(({ index }) => index === one.who);
          if (one.do === "join" && found < 0) {
            edf.join(one.who, one.deadline);
            sorted.push({ index: one.who, deadline: one.deadline });
          } else if (one.do === "move" && found >= 0) {
            sched.edfRequeue(heap, edf.at(one.who), one.deadline);
            sorted[found] = { index: one.who, deadline: one.deadline };
          } else if (one.do === "leave" && found >= 0) {
            sched.edfLeave(heap, edf.at(one.who));
            sorted.splice(found, 1);
          }
          sorted.sort((a, b) => Number(a.deadline - b.deadline) || a.index - b.index);
          const [first] = sorted;
          expect(sched.edfPick(heap)).toBe(first ? edf.at(first.index) : 0);
          if (first) expect(BigInt.asUintN(64, sched.heapDeadline(heap))).toBe(first.deadline);
        }
        expect(sched.heapValid(heap)).toBe(1);
      }),
      { numRuns: 60 },
    );
  });

  test("grows only when it reserves, and keeps all that is queued", async () => {
    const count = 5000;
    const edf = new Edf(await loadQueues(8 * MIB), count);
    const { sched, heap } = edf;
    expect(sched.heapReserve(heap, 1)).toBe(1);
    const due = (index: number) => BigInt((index * 7919) % 4001);
    for (let index = 0; index < count; index++) {
      expect(sched.heapReserve(heap, index + 1)).toBe(1);
      edf.join(index, due(index));
    }
    expect(sched.heapValid(heap)).toBe(1);
    const order = Array.from({ length: count }, (_, index) => index).sort(
      (a, b) => Number(due(a) - due(b)) || a - b,
    );
    for (const index of order) {
      expect(sched.edfPick(heap)).toBe(edf.at(index));
      sched.edfLeave(heap, edf.at(index));
    }
    expect(sched.edfPick(heap)).toBe(0);
  });

  test("refuses a reservation that there are no frames for, and gives back what it held", async () => {
    const queues = await loadQueues(8 * MIB);
    const edf = new Edf(queues, 300);
    const { sched, heap } = edf;
    const before = queues.framesFree();
    expect(sched.heapReserve(heap, 100)).toBe(1);
    edf.join(0, 5n);
    expect(sched.heapReserve(heap, 1 << 20)).toBe(0);
    expect(() => {
      for (let index = 1; index < 300; index++) edf.join(index, 1n);
    }).toThrow("heapInsert: not reserved");
    expect(sched.heapValid(heap)).toBe(1);
    while (sched.edfPick(heap) !== 0) sched.edfLeave(heap, sched.edfPick(heap));
    sched.heapFree(heap);
    expect(queues.framesFree()).toBe(before);
  });
});
