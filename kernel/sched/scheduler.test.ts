import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AGENT_SUSPENDED } from "../agent/states.ts";
import { Scheduler, type SimAgent } from "../testing/scheduler-host.ts";

const US = 1_000;
const MS = 1_000_000;
const QUANTUM = MS;

/** Lags of all that are in the root queue of their CPU; each must be below a quantum. */
function checkLags(it: Scheduler): void {
  for (const agent of it.agents)
    if (Math.abs(it.lag(agent)) >= QUANTUM)
      throw new Error(`lag of ${it.lag(agent)} cycles at ${it.now} ns`);
}

const runnable = (agent: SimAgent) => agent.view.state === 2 || agent.view.state === 3;

describe("the fair class", () => {
  test("agents share a CPU by weight", async () => {
    const it = await Scheduler.create();
    const weights = [1024, 2048, 1024];
    const agents = weights.map((weight) => it.make({ weight }));
    for (const agent of agents) it.wake(agent);
    it.run(400 * MS);
    expect(it.invariant).toBe(0);
    agents.forEach((agent, index) => {
      const share = (400 * MS * (weights[index] ?? 0)) / 4096;
      expect(Math.abs(agent.ran - share)).toBeLessThan(QUANTUM);
    });
  });

  test("lag stays below a quantum through joins, leaves and changes of weight", async () => {
    const action = fc.record({
      who: fc.nat(7),
      what: fc.constantFrom("wake", "stop", "weigh", "yield", "suspend"),
      weight: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 65_536 })),
      wait: fc.integer({ min: 0, max: 3 * MS }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 120 }), async (actions) => {
        const it = await Scheduler.create({ ramBytes: 8 << 20, fairReserve: 1024 });
        it.onDecision = () => checkLags(it);
        const agents = Array.from({ length: 8 }, (_, n) => it.make({ foreground: n % 3 === 0 }));
        for (const { who, what, weight, wait } of actions) {
          const agent = agents[who] as SimAgent;
          if (what === "wake" && !runnable(agent)) it.wake(agent);
          else if (what === "stop" && runnable(agent)) it.stop(agent);
          else if (what === "suspend" && runnable(agent)) it.stop(agent, AGENT_SUSPENDED);
          else if (what === "weigh")
            expect(it.set(agent, { weight, foreground: who % 3 === 0 })).toBe("OK");
          else if (what === "yield" && it.running[0] === agent) it.yield(agent);
          it.run(it.now + wait);
          expect(it.invariant).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("a new agent is first served within ceil(W / w) + 1 quanta", async () => {
    const it = await Scheduler.create({ fairReserve: 1024 });
    const weights = [3, 17, 1024, 5, 999, 64];
    const others = weights.map((weight) => it.make({ weight }));
    for (const agent of others) it.wake(agent);
    it.run(50 * MS);
    for (const weight of [1, 7, 100, 4096]) {
      const late = it.make({ weight });
      const start = it.now;
      it.wake(late, 10 * US, () => it.stop(late));
      const sum = weights.reduce((a, b) => a + b, weight);
      it.run(start + (Math.ceil(sum / weight) + 1) * QUANTUM);
      expect(late.ran).toBe(10 * US);
    }
  });

  test("foreground agents are served sooner, and get no more", async () => {
    const it = await Scheduler.create();
    const background = Array.from({ length: 6 }, () => it.make());
    for (const agent of background) it.wake(agent);
    const wait = async (foreground: boolean) => {
      const agent = it.make({ foreground });
      const delays: number[] = [];
      let woken = 0;
      it.onDecision = (_, chosen) => {
        if (chosen === agent && woken > 0) delays.push(it.now - woken);
        if (chosen === agent) woken = 0;
      };
      const begin = it.now;
      for (let round = 1; round <= 100; round++)
        it.at(begin + round * 7 * MS, () => {
          woken = it.now;
          it.wake(agent, 100 * US, () => it.stop(agent));
        });
      it.run(begin + 800 * MS);
      expect(agent.ran).toBe(100 * 100 * US);
      return Math.max(...delays);
    };
    const slow = await wait(false);
    const quick = await wait(true);
    expect(3 * quick).toBeLessThan(slow);
  });

  test("who yields lets those go first who are owed time", async () => {
    const it = await Scheduler.create();
    const agents = [it.make(), it.make()];
    for (const agent of agents) it.wake(agent);
    for (let round = 0; round < 20; round++) {
      it.run(it.now + 700 * US);
      const [first, other] = it.running[0] === agents[0] ? [0, 1] : [1, 0];
      const owed = it.lag(agents[other] as SimAgent) >= 0;
      it.yield(agents[first] as SimAgent);
      it.run(it.now + 1);
      if (owed) expect(it.running[0] === agents[other]).toBe(true);
    }
  });
});

describe("the views", () => {
  test("show whom the fair class runs, the first of the eligible, and lags as the kernel has them", async () => {
    const it = await Scheduler.create();
    const agents = [1, 3, 5, 7].map((weight) => it.make({ weight }));
    const leader = it.make({ weight: 4, group: true });
    for (const agent of [...agents, leader]) it.wake(agent);
    it.run(3 * MS);
    for (let turn = 0; turn < 200; turn++) {
      const [queue] = it.world.kernel.runqueues;
      for (const agent of agents) expect(queue?.lag(Number(agent.id))).toBe(it.lag(agent));
      it.run(Math.min(it.sliceEnd(0), it.now + 300 * US));
      it.choose(0);
      const chosen = it.world.kernel.runqueues[0];
      expect(chosen?.current).toBe(chosen?.eligible()[0]?.id);
    }
  });

  test("tell reservations by deadline, and when the next periods begin", async () => {
    const it = await Scheduler.create({ fairReserve: 256 });
    const reservation = { class: "realtime", budget: MS } as const;
    const slow = it.make({ ...reservation, period: 20 * MS });
    const quick = it.make({ ...reservation, period: 5 * MS });
    for (const agent of [slow, quick, it.make()]) it.wake(agent);
    it.run(500 * US);
    const [queue] = it.world.kernel.runqueues;
    expect(queue?.realtime().map(({ id, deadline }) => [id, Number(deadline)])).toEqual([
      [Number(quick.id), 5 * MS],
      [0, 10 * MS],
      [Number(slow.id), 20 * MS],
    ]);
    expect([queue?.current, queue?.payer, queue?.mode]).toEqual([
      Number(quick.id),
      Number(quick.id),
      "realtime",
    ]);
    it.run(2 * MS);
    expect(queue?.throttled().map(({ id, nextRelease }) => [id, nextRelease])).toEqual([
      [Number(quick.id), 5 * MS],
    ]);
    expect(queue?.mode).toBe("fair");
    expect(queue?.queue().length).toBe(1);
  });
});
