import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Scheduler, type SimAgent } from "../testing/scheduler-host.ts";

const US = 1_000;
const MS = 1_000_000;

/** How long each job of `agent` took from its release; jobs that overlap are an error of the test. */
function jobs(
  it: Scheduler,
  agent: SimAgent,
  first: number,
  period: number,
  work: number,
): number[] {
  const times: number[] = [];
  let release = first;
  const start = () => it.wake(agent, work, done);
  const done = () => {
    times.push(it.now - release);
    release += period;
    if (release <= it.now) return it.again(agent, work, done);
    it.stop(agent);
    it.at(release, start);
  };
  it.at(first, start);
  return times;
}

const misses = (it: Scheduler) => Number(it.cpu(0).misses);

describe("the real-time class", () => {
  test("no deadline is missed at a utilisation of exactly 1, without a fair class", async () => {
    const it = await Scheduler.create({ fairReserve: 0 });
    const periods = [3 * MS, 4 * MS, 6 * MS, 8 * MS, 24 * MS];
    const budgets = [MS, MS, MS, MS, 3 * MS];
    const busy = periods.reduce(
      (sum, period, n) => sum + (24 * MS * (budgets[n] ?? 0)) / period,
      0,
    );
    expect(busy).toBe(24 * MS);
    const all = periods.map((period, n) => {
      const agent = it.make({ class: "realtime", budget: budgets[n] as number, period });
      return { period, times: jobs(it, agent, 24 * MS, period, budgets[n] as number) };
    });
    const hog = it.make();
    it.wake(hog);
    it.run(24 * MS * 21);
    expect(misses(it)).toBe(0);
    for (const { period, times } of all) {
      expect(times.length).toBe((24 * MS * 20) / period);
      expect(Math.max(...times)).toBeLessThanOrEqual(period);
    }
    // What is left is nothing: the fair class had the first 24 ms.
    expect(hog.ran).toBe(24 * MS);
    expect(it.invariant).toBe(0);
  });

  test("the fair class's reserve is admitted beside it, kept, and costs no deadline", async () => {
    const it = await Scheduler.create({ fairReserve: 256 });
    const rt = it.make({ class: "realtime", budget: 3 * MS, period: 4 * MS });
    expect(it.set(it.make(), { class: "realtime", budget: 2 * US, period: 60_000 * MS })).toBe(
      "NOT_ADMITTED",
    );
    const hog = it.make();
    it.wake(hog);
    const times = jobs(it, rt, 0, 4 * MS, 3 * MS);
    for (let epoch = 1; epoch <= 100; epoch++) {
      const before = hog.ran;
      it.run(epoch * 10 * MS);
      expect(hog.ran - before).toBeGreaterThanOrEqual(2.5 * MS - 1);
    }
    expect(misses(it)).toBe(0);
    expect(times.length).toBe(250);
    expect(Math.max(...times)).toBeLessThanOrEqual(4 * MS);
  });

  test("random admitted sets, whose agents stop and come back at any time, miss no deadline", async () => {
    const unit = 100 * US;
    const agent = fc.record({
      period: fc.integer({ min: 4, max: 40 }),
      deadline: fc.integer({ min: 0, max: 100 }),
      budget: fc.integer({ min: 1, max: 20 }),
      // Runs for so long, then waits for so long, over and over.
      phases: fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 40 })), {
        minLength: 1,
        maxLength: 6,
      }),
    });
    let admitted = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(agent, { minLength: 1, maxLength: 8 }),
        fc.constantFrom(0, 128, 512),
        async (wishes, fairReserve) => {
          const it = await Scheduler.create({ ramBytes: 8 << 20, fairReserve });
          it.wake(it.make());
          for (const { period, deadline, budget, phases } of wishes) {
            const made = it.make();
            const d = Math.max(1, Math.round((period * deadline) / 100));
            const status = it.set(made, {
              class: "realtime",
              budget: Math.min(budget, d) * unit,
              period: period * unit,
              deadline: d * unit,
            });
            if (status !== "OK") continue;
            admitted++;
            let phase = 0;
            const go = () => {
              const [work, wait] = phases[phase++ % phases.length] as [number, number];
              it.wake(made, work * 37 * US, () => {
                it.stop(made);
                it.at(it.now + wait * 41 * US, go);
              });
            };
            go();
          }
          it.run(60 * MS);
          expect(misses(it)).toBe(0);
          expect(it.invariant).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
    expect(admitted).toBeGreaterThan(150);
  });

  test("a budget left unused is no second demand: who comes back late in a period makes nobody late", async () => {
    const it = await Scheduler.create({ fairReserve: 0 });
    const short = it.make({ class: "realtime", budget: MS, period: 10 * MS, deadline: MS });
    const late = it.make({ class: "realtime", budget: 5 * MS, period: 10 * MS });
    it.wake(late, 4.5 * MS, () => it.stop(late));
    it.at(9 * MS, () => it.wake(late, 20 * MS, () => it.stop(late)));
    const times = jobs(it, short, 9 * MS, 10 * MS, MS);
    it.run(100 * MS);
    expect(Math.max(...times)).toBeLessThanOrEqual(MS);
    expect(misses(it)).toBe(0);
    expect(late.ran).toBe(24.5 * MS);
  });

  test("a reservation is hard: never more than its budget in a period, although nobody else wants to run", async () => {
    const it = await Scheduler.create();
    const agent = it.make({ class: "realtime", budget: 2 * MS, period: 7 * MS });
    it.wake(agent);
    for (let period = 1; period <= 20; period++) {
      it.run(period * 7 * MS);
      expect(agent.ran).toBe(period * 2 * MS);
    }
  });

  test("every budget that is admitted makes progress, and a smaller one is refused", async () => {
    const it = await Scheduler.create();
    const agent = it.make();
    const period = 100 * US;
    expect(it.set(agent, { class: "realtime", budget: 1_999, period })).toBe("BUDGET_TOO_SMALL");
    expect(it.set(agent, { class: "realtime", budget: 2_000, period })).toBe("OK");
    const hogs = [it.make(), it.make()];
    for (const each of [agent, ...hogs]) it.wake(each);
    it.run(10 * MS);
    expect(agent.ran).toBe(100 * 2_000);
  });

  test("bandwidth that was given up is given out again only when its last period is over", async () => {
    const it = await Scheduler.create({ fairReserve: 0 });
    const first = it.make({ class: "realtime", budget: 5 * MS, period: 10 * MS });
    const other = it.make({ class: "realtime", budget: 5 * MS, period: 10 * MS });
    it.wake(first, 5 * MS, () => it.stop(first));
    const times = jobs(it, other, 0, 10 * MS, 5 * MS);
    it.run(6 * MS);
    // It has had all of this period: whoever takes its place begins with the next.
    expect(it.set(first, {})).toBe("OK");
    const late = it.make({ class: "realtime", budget: 5 * MS, period: 10 * MS });
    it.wake(late);
    it.run(10 * MS);
    expect(late.ran).toBe(0);
    it.run(100 * MS);
    expect(late.ran).toBe(45 * MS);
    expect(Math.max(...times)).toBeLessThanOrEqual(10 * MS);
    expect(misses(it)).toBe(0);
  });

  test("real-time agents go to the first CPU of their affinity that admits them", async () => {
    const it = await Scheduler.create({ cpus: 3, fairReserve: 0 });
    const wish = { class: "realtime", budget: 6 * MS, period: 10 * MS } as const;
    const cpus = [wish, wish, wish].map((each) => it.make(each).view.cpu);
    expect(cpus).toEqual([0, 1, 2]);
    expect(it.set(it.make(), wish)).toBe("NOT_ADMITTED");
    expect(it.make({ ...wish, budget: 4 * MS, affinity: 0b110 }).view.cpu).toBe(1);
    expect(it.set(it.make(), { ...wish, affinity: 0b1000 })).toBe("OUT_OF_RANGE");
  });

  test("what makes no sense is refused by name, and changes nothing", async () => {
    const it = await Scheduler.create();
    const agent = it.make();
    const period = 10 * MS;
    const before = it.stateHash();
    const refused = [
      [{ class: "realtime", budget: 11 * MS, period }, "OUT_OF_RANGE"],
      [{ class: "realtime", budget: MS, period, deadline: 11 * MS }, "OUT_OF_RANGE"],
      [{ class: "realtime", budget: 6 * MS, period, deadline: 5 * MS }, "OUT_OF_RANGE"],
      [{ class: "realtime", budget: MS, period: 2 ** 36 + 1 }, "OUT_OF_RANGE"],
      [{ class: "realtime", budget: 0, period }, "BUDGET_TOO_SMALL"],
      [{ class: "realtime", budget: 9.5 * MS, period }, "NOT_ADMITTED"],
      [{ weight: 0 }, "OUT_OF_RANGE"],
      [{ weight: 65_537 }, "OUT_OF_RANGE"],
    ] as const;
    for (const [wish, status] of refused) {
      expect(it.set(agent, wish)).toBe(status);
      expect(it.stateHash()).toBe(before);
    }
  });

  test("a CPU takes 128 reservations, however small, and one more goes elsewhere or is refused by name", async () => {
    const it = await Scheduler.create({ cpus: 2 });
    const wish = { class: "realtime", budget: 2_000, period: 1_000 * MS } as const;
    const cpus = Array.from({ length: 256 }, () => it.make(wish).view.cpu);
    expect(cpus.filter((cpu) => cpu === 0)).toHaveLength(128);
    expect(cpus.slice(128).every((cpu) => cpu === 1)).toBe(true);
    const agent = it.make();
    const before = it.stateHash();
    expect(it.set(agent, wish)).toBe("LIMIT");
    expect(it.stateHash()).toBe(before);
    expect(it.invariant).toBe(0);
  });
});
