import { expect, test } from "vitest";
import { TRACE_MARK } from "../../sim/spec/trace.ts";
import type { SchedulingEvent } from "./events.ts";
import { MARK_FAILED, MARK_TICK } from "./program.ts";
import {
  type Ring,
  SchedulingRecords,
  TRACE_DESCHEDULE,
  TRACE_DISPATCH,
  TRACE_MIGRATE,
  TRACE_MISS,
  TRACE_WAKE,
} from "./records.ts";

/** A ring as the machine and the kernel write theirs. */
class TestRing implements Ring {
  readonly data: DataView;
  readonly records = 64;
  readonly capacity: number;
  written = 0n;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.data = new DataView(new ArrayBuffer(64 + 32 * capacity));
  }

  private write(time: number, word: number, a: number, b: number, c: number): void {
    const at = this.records + 32 * Number(this.written % BigInt(this.capacity));
    this.written += 1n;
    this.data.setBigUint64(at, BigInt(time), true);
    this.data.setUint32(at + 8, word, true);
    this.data.setUint32(at + 12, a, true);
    this.data.setBigUint64(at + 16, BigInt(b), true);
    this.data.setBigUint64(at + 24, BigInt(c), true);
  }
  kernel(time: number, kind: number, a: number, b: number, c = 0): void {
    this.write(time, kind, a, b, c);
  }
  mark(time: number, cpu: number, kind: number, value: number): void {
    this.write(time, TRACE_MARK | (cpu << 16), 0, kind, value);
  }
}

function reader(capacity = 16) {
  const [kernel, marks] = [new TestRing(capacity), new TestRing(capacity)];
  const events: SchedulingEvent[] = [];
  const records = new SchedulingRecords(kernel, marks, (event) => events.push(event));
  return { kernel, marks, events, records, read: () => records.read(kernel, marks) };
}

const AGENT = 2 ** 40 + 3;

test("records become events in the kernel's order, marks those of whom the CPU runs", () => {
  const { kernel, marks, events, read } = reader();
  kernel.kernel(100, TRACE_WAKE, 1, AGENT);
  kernel.kernel(150, TRACE_DISPATCH, 1, AGENT, AGENT);
  kernel.kernel(120, TRACE_DISPATCH, 0, 7, 9);
  kernel.kernel(300, TRACE_DESCHEDULE, 1 | (3 << 8), AGENT);
  kernel.kernel(290, TRACE_WAKE, 2, AGENT);
  kernel.kernel(310, TRACE_MISS, 1, AGENT);
  kernel.kernel(320, TRACE_MIGRATE, 2, AGENT);
  marks.mark(200, 1, MARK_TICK, 140);
  marks.mark(400, 0, MARK_TICK, 400);
  read();
  expect(events).toEqual([
    { kind: "wake", time: 100, cpu: 1, agent: AGENT },
    { kind: "dispatch", time: 150, cpu: 1, agent: AGENT },
    { kind: "dispatch", time: 120, cpu: 0, agent: 7, payer: 9 },
    { kind: "tick", time: 200, agent: AGENT, late: 60 },
    { kind: "deschedule", time: 300, cpu: 1, agent: AGENT, reason: "blocked" },
    // Of another processor, whose clock is behind.
    { kind: "wake", time: 290, cpu: 2, agent: AGENT },
    { kind: "miss", time: 310, agent: AGENT },
    { kind: "migrate", time: 320, cpu: 2, agent: AGENT },
    { kind: "tick", time: 400, agent: 7, late: 0 },
  ]);
});

test("why an agent left its processor is told apart", () => {
  const { kernel, events, read } = reader();
  for (const why of [1, 2, 3]) kernel.kernel(why, TRACE_DESCHEDULE, why << 8, AGENT);
  read();
  expect(events.map((event) => ("reason" in event ? event.reason : ""))).toEqual([
    "preempted",
    "yielded",
    "blocked",
  ]);
});

test("other records of both rings are passed over", () => {
  const { kernel, marks, events, read } = reader();
  kernel.kernel(1, 1, 12, 0x1000);
  marks.kernel(2, 5, 0, 0);
  read();
  expect(events).toEqual([]);
});

test("each record is told once, around the end of the ring, and lost ones are counted", () => {
  const { kernel, events, records, read } = reader(4);
  const fill = (count: number) => {
    for (let n = 0; n < count; n++) kernel.kernel(events.length + n, TRACE_WAKE, 0, AGENT);
  };
  fill(3);
  expect(read()).toBe(0.75);
  fill(3);
  read();
  expect([events.length, records.lost]).toEqual([6, 0]);
  fill(6);
  expect(read()).toBe(1.5);
  expect([events.length, records.lost]).toEqual([10, 2]);
});

test("what came before is not told", () => {
  const kernel = new TestRing(4);
  kernel.kernel(1, TRACE_WAKE, 0, AGENT);
  const events: SchedulingEvent[] = [];
  new SchedulingRecords(kernel, new TestRing(4), (event) => events.push(event)).read(
    kernel,
    new TestRing(4),
  );
  expect(events).toEqual([]);
});

test("a failed call is kept with its agent and status", () => {
  const { kernel, marks, records, read } = reader();
  kernel.kernel(1, TRACE_DISPATCH, 0, AGENT, AGENT);
  marks.mark(5, 0, MARK_FAILED, 17);
  read();
  expect(records.failures).toEqual([{ agent: AGENT, time: 5, status: 17 }]);
});
