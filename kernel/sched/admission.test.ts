import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { World } from "../testing/world-host.ts";

interface Task {
  readonly budget: number;
  readonly period: number;
  readonly deadline: number;
}

interface AdmissionTesting {
  admissionSet(count: number): number;
  admissionTest(set: number, count: number): number;
}

const OK = 0;
const OVERLOAD = 1;
const MISS = 2;
const UNDECIDED = 3;
const MOST = 64;

let kernel: AdmissionTesting;
let data: DataView;
let set: number;

beforeAll(async () => {
  const world = await World.create({ ramBytes: 8 << 20 });
  kernel = world.exports as unknown as AdmissionTesting;
  data = world.data;
  set = kernel.admissionSet(MOST);
});

function verdict(tasks: readonly Task[]): number {
  tasks.forEach(({ budget, period, deadline }, index) => {
    data.setBigUint64(set + index * 24, BigInt(budget), true);
    data.setBigUint64(set + index * 24 + 8, BigInt(period), true);
    data.setBigUint64(set + index * 24 + 16, BigInt(deadline), true);
  });
  return kernel.admissionTest(set, tasks.length);
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/**
 * EDF in steps of one unit from the synchronous release, the worst case (Liu, Layland 1973; Baruah,
 * Rosier, Howell 1990), over a hyperperiod: whether nobody misses.
 */
function simulate(tasks: readonly Task[]): boolean {
  const hyperperiod = tasks.reduce((all, { period }) => (all * period) / gcd(all, period), 1);
  const left = tasks.map(() => 0);
  const due = tasks.map(() => 0);
  for (let time = 0; time <= hyperperiod; time++) {
    for (const [n, task] of tasks.entries()) {
      if ((left[n] ?? 0) > 0 && time >= (due[n] ?? 0)) return false;
      if (time % task.period !== 0) continue;
      left[n] = task.budget;
      due[n] = time + task.deadline;
    }
    const first = tasks
      .map((_, n) => n)
      .filter((n) => (left[n] ?? 0) > 0)
      .sort((a, b) => (due[a] ?? 0) - (due[b] ?? 0))[0];
    if (first !== undefined) left[first] = (left[first] ?? 0) - 1;
  }
  return true;
}

const small = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.nat(11), fc.nat(11))
  .map(([period, a, b]): Task => {
    const deadline = 1 + (a % period);
    return { period, deadline, budget: 1 + (b % deadline) };
  });

describe("the admission test", () => {
  test("agrees with a simulation of all deadlines, also where they come before the period's end", () => {
    let admitted = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.array(small, { minLength: 1, maxLength: 5 }), (tasks) => {
        const fits = simulate(tasks);
        expect(verdict(tasks) === OK).toBe(fits);
        if (fits) admitted++;
        else refused++;
      }),
      { numRuns: 5000 },
    );
    // Both answers have been tested.
    expect(Math.min(admitted, refused)).toBeGreaterThan(300);
  });

  test("every set of three tasks with periods up to 5 agrees with the simulation", () => {
    const all: Task[] = [];
    for (let period = 1; period <= 5; period++)
      for (let deadline = 1; deadline <= period; deadline++)
        for (let budget = 1; budget <= deadline; budget++) all.push({ budget, period, deadline });
    for (const [i, a] of all.entries())
      for (const [j, b] of all.slice(i).entries())
        for (const c of all.slice(i + j)) {
          const tasks = [a, b, c];
          if (a.budget / a.period + b.budget / b.period + c.budget / c.period > 1.01)
            expect(verdict(tasks)).toBe(OVERLOAD);
          else if ((verdict(tasks) === OK) !== simulate(tasks))
            throw new Error(JSON.stringify(tasks));
        }
  });

  test("a utilisation of exactly 1 is admitted, whatever the fractions", () => {
    const thirds = [3, 3, 3].map((period) => ({ budget: 1, period, deadline: period }));
    expect(verdict(thirds)).toBe(OK);
    const sevenths = [7, 14, 21, 42].map((period) => ({
      budget: period / 7,
      period,
      deadline: period,
    }));
    const rest = { budget: 3, period: 7, deadline: 7 };
    expect(verdict([...sevenths, rest])).toBe(OK);
    expect(verdict([...sevenths, { ...rest, budget: 4 }])).toBe(OVERLOAD);
  });

  test("demand decides, not density: the sum of C / D may be above 1, and half a load may be too much", () => {
    const tasks = [
      { budget: 1, period: 4, deadline: 2 },
      { budget: 2, period: 6, deadline: 4 },
      { budget: 2, period: 8, deadline: 7 },
    ];
    expect(tasks.reduce((sum, { budget, deadline }) => sum + budget / deadline, 0)).toBeGreaterThan(
      1,
    );
    expect(verdict(tasks)).toBe(OK);
    // h(1) = 2 > 1 at a utilisation of 1/2.
    const urgent = { budget: 1, period: 4, deadline: 1 };
    expect(verdict([urgent])).toBe(OK);
    expect(verdict([urgent, urgent])).toBe(MISS);
  });

  test("a test that comes to its bound is undecided, soon", () => {
    // Coprime periods near 2^36: no common multiple fits, and the load is 1 within 2^-24.
    const primes = [68_719_476_731, 68_719_476_713, 68_719_476_671];
    const tasks = primes.map((period) => ({
      budget: Math.floor(period / 3),
      period,
      deadline: period,
    }));
    expect(verdict(tasks)).toBe(UNDECIDED);
    const begin = performance.now();
    const many = Array.from({ length: MOST }, (_, n) => {
      const period = 1_000_003 + 2 * n;
      return { budget: Math.floor(period / MOST), period, deadline: period - 1 };
    });
    expect([OK, UNDECIDED, MISS]).toContain(verdict(many));
    expect(performance.now() - begin).toBeLessThan(500);
  });
});
