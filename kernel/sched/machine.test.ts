import { describe, expect, test } from "vitest";
import type { Step, Sys } from "../../sdk/agent/index.ts";
import type { Machine } from "../../sim/host/machine.ts";
import { agentMachine, agentView, SPINNER } from "../host/testing/agents.ts";

const MS = 1_000_000;
/** Virtual time in which a test is over. */
const LIMIT = 5_000_000_000n;

/** A machine whose init has spawned spinners, and waits. */
async function spinners(cpus: number, schedules: readonly object[]): Promise<[Machine, number[]]> {
  const ids: number[] = [];
  function* init(sys: Sys): Step<void> {
    const image = yield* sys.image("spinner");
    for (const schedule of schedules) {
      const child = yield* sys.spawn({ image, ...schedule });
      ids.push(child.id);
    }
    yield* sys.receive();
  }
  const machine = await agentMachine({ init }, { cpus, images: { spinner: SPINNER } });
  machine.boot({ until: LIMIT });
  expect(ids.length).toBe(schedules.length);
  return [machine, ids];
}

/** ns that an agent has run, up to the last choice of its CPU. */
const ran = (machine: Machine, id: number) => Number(agentView(machine, id).ran);

describe("on the machine", () => {
  test("agents share a CPU by weight, a reservation gets its budget, and no deadline is missed", async () => {
    const [machine, ids] = await spinners(1, [
      { weight: 1000 },
      { weight: 3000 },
      { class: "realtime", budget: 2 * MS, period: 10 * MS, deadline: 5 * MS },
      { class: "idle" },
    ]);
    const [light, heavy, realtime, idle] = ids as [number, number, number, number];
    machine.run(machine.time + BigInt(20 * MS));
    const before = ids.map((id) => ran(machine, id));
    machine.run(machine.time + BigInt(400 * MS));
    const got = (id: number) => ran(machine, id) - (before[ids.indexOf(id)] ?? 0);
    expect(Math.abs(got(realtime) - 80 * MS)).toBeLessThan(2 * MS);
    // One quantum each, at the beginning and at the end.
    const rest = got(light) + got(heavy);
    expect(Math.abs(got(light) - rest / 4)).toBeLessThan(2 * MS);
    expect(rest + got(realtime) + got(idle)).toBeGreaterThan(398 * MS);
    // Ageing: a quantum each ten epochs.
    expect(got(idle)).toBeGreaterThan(0);
    expect(got(idle)).toBeLessThan(6 * MS);
    expect(machine.kernel.runqueues[0]?.misses).toBe(0);
  });

  test("a least budget makes progress on the machine too, with traps at what they cost", async () => {
    const [machine, [tiny = 0]] = await spinners(1, [
      { class: "realtime", budget: 2_000, period: 100_000 },
      { weight: 1 },
    ]);
    const before = ran(machine, tiny);
    machine.run(machine.time + BigInt(100 * MS));
    expect(ran(machine, tiny) - before).toBeGreaterThan(MS);
  });

  test("the queues show each choice, micro-step by micro-step", async () => {
    const [machine, ids] = await spinners(1, [{ weight: 1 }, { weight: 2 }, { weight: 3 }]);
    let decisions = 0;
    for (let step = 0; step < 3000; step++) {
      const [before] = machine.kernel.runqueues;
      const made = before?.decisions ?? 0;
      machine.step();
      const [queue] = machine.kernel.runqueues;
      if (!queue || queue.decisions === made) continue;
      decisions++;
      expect(queue.current).toBe(queue.eligible()[0]?.id);
      for (const id of ids) expect(Math.abs(queue.lag(id))).toBeLessThan(MS);
    }
    expect(decisions).toBeGreaterThan(20);
  });

  test("four CPUs share out eight agents", async () => {
    const [machine, ids] = await spinners(
      4,
      Array.from({ length: 8 }, () => ({})),
    );
    machine.run(machine.time + BigInt(50 * MS));
    const before = ids.map((id) => ran(machine, id));
    machine.run(machine.time + BigInt(200 * MS));
    ids.forEach((id, n) => {
      expect(Math.abs(ran(machine, id) - (before[n] ?? 0) - 100 * MS)).toBeLessThan(10 * MS);
    });
  });
});
