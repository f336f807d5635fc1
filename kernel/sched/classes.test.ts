import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AGENT_READY, AGENT_RUNNING, AGENT_SUSPENDED, AGENT_WAITING } from "../agent/states.ts";
import { type Attributes, Scheduler, type SimAgent } from "../testing/scheduler-host.ts";

const US = 1_000;
const MS = 1_000_000;
const QUANTUM = MS;
const EPOCH = 10 * MS;

const runnable = ({ view }: SimAgent) => view.state === AGENT_READY || view.state === AGENT_RUNNING;
const at = (list: readonly SimAgent[], index: number) => list[index] as SimAgent;

describe("everything together", () => {
  const attributes: fc.Arbitrary<Attributes> = fc.oneof(
    fc.record({
      weight: fc.integer({ min: 1, max: 4096 }),
      affinity: fc.nat(7),
      group: fc.boolean(),
      foreground: fc.boolean(),
    }),
    fc.record({
      class: fc.constant("realtime" as const),
      budget: fc.integer({ min: 2 * US, max: 3 * MS }),
      period: fc.integer({ min: 3 * MS, max: 12 * MS }),
      affinity: fc.nat(7),
    }),
    fc.record({ class: fc.constant("idle" as const), affinity: fc.nat(7) }),
  );
  const action = fc.record({
    what: fc.constantFrom(
      "wake",
      "wake",
      "stop",
      "suspend",
      "set",
      "give",
      "take",
      "yield",
      "make",
      "end",
    ),
    who: fc.nat(15),
    other: fc.nat(15),
    wish: attributes,
    wait: fc.integer({ min: 0, max: 4 * MS }),
  });
  type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

  function act(it: Scheduler, { what, who, other, wish }: Action): void {
    const agent = at(it.agents, who % it.agents.length);
    const second = at(it.agents, other % it.agents.length);
    if (what === "wake" && !runnable(agent)) {
      it.undonate(agent);
      it.wake(agent);
    } else if (what === "stop" && runnable(agent)) it.stop(agent);
    else if (what === "suspend" && runnable(agent)) it.stop(agent, AGENT_SUSPENDED);
    else if (what === "set") it.set(agent, wish);
    else if (what === "give" && agent.view.state !== AGENT_SUSPENDED) {
      if (it.donate(agent, second) === "OK" && runnable(agent)) it.stop(agent);
    } else if (what === "take") it.undonate(agent);
    else if (what === "yield" && agent.view.running !== 0) it.yield(agent);
    else if (what === "make" && it.agents.length < 16) it.make({}, second);
    else if (what === "end" && agent.view.childCount === 0 && it.agents.length > 4) {
      if (runnable(agent)) it.stop(agent, AGENT_WAITING);
      it.run(it.now);
      if (agent.view.running === 0) it.end(agent);
    }
  }

  /** No CPU is idle while an agent that waits for its own turn, with budget left, is queued there. */
  function conserves(it: Scheduler): boolean {
    return it.running.every((running, index) => {
      const cpu = it.cpu(index);
      return (
        running !== null || (cpu.fairCount === 0 && cpu.idleCount === 0 && cpu.edfAt(0).count === 0)
      );
    });
  }

  test("whatever agents do, all invariants hold, no CPU idles while one waits there, and no reservation is late", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 150 }), async (actions) => {
        const it = await Scheduler.create({ cpus: 3, ramBytes: 8 << 20 });
        for (let count = 0; count < 6; count++) it.make();
        for (const one of actions) {
          act(it, one);
          expect(it.invariant).toBe(0);
          it.run(it.now + one.wait);
          expect(it.invariant).toBe(0);
          expect(conserves(it)).toBe(true);
        }
        for (let index = 0; index < 3; index++) expect(it.cpu(index).misses).toBe(0n);
      }),
      { numRuns: 120 },
    );
  });

  test("the same seed gives the same trace", async () => {
    const actions = fc.sample(fc.array(action, { minLength: 200, maxLength: 200 }), {
      numRuns: 1,
      seed: 20_261_121,
    })[0] as Action[];
    const trace = async () => {
      const it = await Scheduler.create({ cpus: 3 });
      const hash = createHash("sha256");
      it.onDecision = (cpu, chosen) => hash.update(`${it.now} ${cpu} ${chosen?.id ?? 0n};`);
      for (let count = 0; count < 8; count++) it.make();
      for (const one of actions) {
        act(it, one);
        it.run(it.now + one.wait);
      }
      return `${hash.digest("hex")} ${it.stateHash()}`;
    };
    expect(await trace()).toBe(await trace());
  });
});

describe("donation", () => {
  test("the donee runs on the donor's time, with the donor's share, and the time adds up", async () => {
    const it = await Scheduler.create();
    const donor = it.make({ weight: 3000 });
    const donee = it.make({ weight: 1000 });
    const other = it.make({ weight: 4000 });
    for (const agent of [donor, donee, other]) it.wake(agent);
    expect(it.donate(donor, donee)).toBe("OK");
    it.stop(donor);
    it.run(80 * MS);
    expect(Math.abs(donee.ran - 40 * MS)).toBeLessThan(2 * QUANTUM);
    expect(donor.ran).toBe(0);
    expect(donee.view.got).toBe(donor.view.gave);
    expect(Math.abs(Number(donor.view.gave) - 30 * MS)).toBeLessThan(QUANTUM);
    expect(it.invariant).toBe(0);
    it.undonate(donor);
    const before = donor.view.gave;
    it.run(120 * MS);
    expect(donor.view.gave).toBe(before);
  });

  test("a low priority holder does not keep a real-time agent waiting for longer than its critical section", async () => {
    const it = await Scheduler.create();
    const holder = it.make({ weight: 1 });
    const urgent = it.make({ class: "realtime", budget: 4 * MS, period: 20 * MS });
    const hogs = Array.from({ length: 20 }, () => it.make({ weight: 65_536 }));
    const middle = it.make({ class: "realtime", budget: 8 * MS, period: 40 * MS });
    for (const hog of hogs) it.wake(hog);
    const section = 500 * US;
    let begun = 0;
    let got = 0;
    it.wake(holder, section, () => {
      it.stop(holder);
      it.undonate(urgent);
      it.wake(urgent, MS, () => {
        got = it.now;
        it.stop(urgent);
      });
    });
    it.wake(middle);
    it.run(100 * US);
    it.at(MS, () => {
      begun = it.now;
      expect(it.donate(urgent, holder)).toBe("OK");
      it.wake(urgent, 0);
      it.stop(urgent);
    });
    it.run(40 * MS);
    // One critical section, and its own millisecond.
    expect(got - begun).toBe(section + MS);
  });

  test("chains pass time on, and rings, long chains and crowds are refused by name", async () => {
    const it = await Scheduler.create();
    const chain = Array.from({ length: 10 }, () => it.make());
    for (let index = 0; index < 8; index++)
      expect(it.donate(at(chain, index), at(chain, index + 1))).toBe("OK");
    expect(it.donate(at(chain, 8), at(chain, 9))).toBe("TOO_DEEP");
    expect(it.donate(at(chain, 8), at(chain, 0))).toBe("CYCLE");
    expect(it.donate(at(chain, 9), at(chain, 9))).toBe("CYCLE");
    expect(it.donate(at(chain, 0), at(chain, 9))).toBe("WRONG_STATE");
    for (let index = 0; index < 8; index++) {
      it.wake(at(chain, index));
      it.stop(at(chain, index));
    }
    it.wake(at(chain, 8));
    it.run(20 * MS);
    expect(at(chain, 8).ran).toBe(20 * MS);
    expect(Number(at(chain, 0).view.gave)).toBeGreaterThan(MS);
    expect(it.invariant).toBe(0);
    const crowd = Array.from({ length: 65 }, () => it.make());
    const statuses = crowd.map((agent) => it.donate(agent, at(chain, 9)));
    expect(statuses.slice(0, 64).every((status) => status === "OK")).toBe(true);
    expect(statuses[64]).toBe("LIMIT");
  });

  test("a donee that runs on another CPU is waited for, and then runs on the donor's", async () => {
    const it = await Scheduler.create({ cpus: 2 });
    const donee = it.make({ affinity: 0b11 });
    it.wake(donee);
    it.run(MS);
    const home = it.running.indexOf(donee);
    const donor = it.make({
      class: "realtime",
      budget: 8 * MS,
      period: 10 * MS,
      affinity: 1 << (1 - home),
    });
    it.wake(donor);
    expect(it.donate(donor, donee)).toBe("OK");
    it.stop(donor);
    it.run(5 * MS);
    expect(it.running.filter((agent) => agent === donee).length).toBe(1);
    expect(it.invariant).toBe(0);
    // Somebody more urgent takes its CPU; it goes on at once where its donor is.
    const urgent = it.make({
      class: "realtime",
      budget: 9 * MS,
      period: 20 * MS,
      affinity: 1 << home,
    });
    it.wake(urgent);
    it.run(6 * MS);
    expect(it.running[home] === urgent).toBe(true);
    expect(it.running[1 - home] === donee).toBe(true);
    expect(it.invariant).toBe(0);
  });
});

describe("the idle class", () => {
  test("it runs when nobody else wants to, in turn", async () => {
    const it = await Scheduler.create();
    const idle = [it.make({ class: "idle" }), it.make({ class: "idle" })];
    for (const agent of idle) it.wake(agent);
    it.run(20 * MS);
    expect(idle.map(({ ran }) => ran)).toEqual([10 * MS, 10 * MS]);
    it.wake(it.make());
    it.run(30 * MS);
    expect(idle.map(({ ran }) => ran)).toEqual([10 * MS, 10 * MS]);
  });

  test("the k-th that waits begins within so many epochs of ageing and k more, however busy the CPU is", async () => {
    const it = await Scheduler.create({ ageing: 5 });
    const rt = it.make({ class: "realtime", budget: 8 * MS, period: 10 * MS });
    const hogs = [rt, it.make(), it.make()];
    for (const agent of hogs) it.wake(agent);
    const idle = Array.from({ length: 4 }, () => it.make({ class: "idle" }));
    for (const agent of idle) it.wake(agent);
    for (let k = 0; k < 4; k++) {
      it.run((5 + k + 1) * EPOCH + 1);
      expect(idle.filter(({ ran }) => ran > 0).length).toBeGreaterThanOrEqual(k);
    }
    it.run((5 + 4 + 1) * EPOCH);
    expect(idle.every(({ ran }) => ran > 0)).toBe(true);
    expect(it.cpu(0).misses).toBe(0n);
  });
});

describe("groups", () => {
  test("an agent's children share its weight", async () => {
    const it = await Scheduler.create();
    const leader = it.make({ weight: 1000, group: true });
    const children = Array.from({ length: 9 }, () => it.make({ weight: 1000 }, leader));
    const other = it.make({ weight: 1000 });
    for (const agent of [...children, other]) it.wake(agent);
    it.run(180 * MS);
    expect(Math.abs(other.ran - 90 * MS)).toBeLessThan(2 * QUANTUM);
    for (const child of children) expect(Math.abs(child.ran - 10 * MS)).toBeLessThan(2 * QUANTUM);
    expect(it.invariant).toBe(0);
  });

  test("groups inside of groups, four deep and no deeper", async () => {
    const it = await Scheduler.create();
    const other = it.make();
    let parent: SimAgent | null = null;
    const inner: SimAgent[] = [];
    for (let depth = 0; depth < 4; depth++) {
      parent = it.make({ group: true }, parent);
      inner.push(it.make({}, parent));
    }
    expect(it.set(it.make({}, parent), { group: true })).toBe("TOO_DEEP");
    for (const agent of [other, ...inner]) it.wake(agent);
    it.run(160 * MS);
    // Each level has half of the one above: 80, 40, 20, 10, 10.
    const parts = [other, ...inner].map(({ ran }) => Math.round(ran / MS / 2.5) * 2.5);
    expect(parts).toEqual([80, 40, 20, 10, 10]);
    expect(it.invariant).toBe(0);
  });

  test("a group's weight is divided among CPUs as its members are", async () => {
    const it = await Scheduler.create({ cpus: 2 });
    const leader = it.make({ weight: 1000, group: true });
    const members = [1, 1, 1, 2].map((affinity) => it.make({ affinity }, leader));
    const others = [1, 2].map((affinity) => it.make({ weight: 1000, affinity }));
    for (const agent of [...members, ...others]) it.wake(agent);
    it.run(20 * MS);
    const before = members.map(({ ran }) => ran);
    it.run(420 * MS);
    const shares = members.map(({ ran }, n) => ran - (before[n] ?? 0));
    // CPU 0: 750 against 1000; CPU 1: 250 against 1000.
    expect(Math.abs((shares[0] as number) - (400 * MS * 0.75) / 1.75 / 3)).toBeLessThan(3 * MS);
    expect(Math.abs((shares[3] as number) - (400 * MS * 0.25) / 1.25)).toBeLessThan(3 * MS);
  });
});

describe("several CPUs", () => {
  test("agents spread out, by weight, and stay where their affinity says", async () => {
    const it = await Scheduler.create({ cpus: 4 });
    const agents = Array.from({ length: 8 }, () => it.make());
    for (const agent of agents) it.wake(agent);
    it.run(400 * MS);
    for (const agent of agents) expect(Math.abs(agent.ran - 200 * MS)).toBeLessThan(20 * MS);
    const pinned = Array.from({ length: 3 }, () => it.make({ affinity: 0b100 }));
    for (const agent of pinned) it.wake(agent);
    it.onDecision = (cpu, chosen) => {
      if (chosen && pinned.includes(chosen) && cpu !== 2) throw new Error("not its CPU");
    };
    it.run(800 * MS);
    expect(it.invariant).toBe(0);
  });

  test("the idle class gets nothing where an agent of the fair class waits for another CPU", async () => {
    const it = await Scheduler.create({ cpus: 2 });
    const idle = it.make({ class: "idle" });
    it.wake(idle);
    const agents = Array.from({ length: 3 }, () => it.make());
    for (const agent of agents) it.wake(agent);
    it.run(5 * MS);
    const alone = it.running.find((agent, cpu) => agent && it.cpu(cpu).fairCount === 1) as SimAgent;
    const before = idle.ran;
    it.stop(alone);
    it.run(20 * MS);
    expect(idle.ran).toBe(before);
    expect(it.invariant).toBe(0);
  });

  test("agents of four weights that begin in any order share four CPUs by weight", async () => {
    const it = await Scheduler.create({ cpus: 4 });
    const weights = [3121, 1024, 335, 110];
    const agents = weights.flatMap((weight) =>
      Array.from({ length: 4 }, () => it.make({ weight })),
    );
    for (const agent of agents) it.wake(agent);
    it.run(2000 * MS);
    const before = agents.map(({ ran }) => ran);
    it.run(4000 * MS);
    const total = weights.reduce((sum, weight) => sum + 4 * weight, 0);
    for (const [index, agent] of agents.entries()) {
      const ideal = (4 * 2000 * MS * (weights[index >> 2] as number)) / total;
      expect(Math.abs(agent.ran - (before[index] as number) - ideal)).toBeLessThan(ideal / 50);
    }
    expect(it.invariant).toBe(0);
  });

  test("agents share what reservations leave of each CPU", async () => {
    const it = await Scheduler.create({ cpus: 2, fairReserve: 0 });
    const urgent = it.make({ class: "realtime", budget: 6 * MS, period: 10 * MS });
    expect(urgent.view.cpu).toBe(0);
    const agents = Array.from({ length: 14 }, () => it.make());
    for (const agent of [...agents, urgent]) it.wake(agent);
    it.run(1000 * MS);
    const before = agents.map(({ ran }) => ran);
    it.run(3000 * MS);
    expect(urgent.ran).toBe(1800 * MS);
    // 0.4 and 1 of a CPU for 14: four on the one and ten on the other, a tenth for each.
    for (const [index, agent] of agents.entries())
      expect(Math.abs(agent.ran - (before[index] as number) - 200 * MS)).toBeLessThan(4 * MS);
    expect(it.invariant).toBe(0);
    it.stop(urgent);
    expect(it.set(urgent, { class: "idle" })).toBe("OK");
    it.run(4000 * MS);
    const middle = agents.map(({ ran }) => ran);
    it.run(6000 * MS);
    for (const [index, agent] of agents.entries())
      expect(Math.abs(agent.ran - (middle[index] as number) - (2 * 2000 * MS) / 14)).toBeLessThan(
        6 * MS,
      );
  });

  test("a CPU that runs out of work takes some at once", async () => {
    const it = await Scheduler.create({ cpus: 2 });
    const agents = Array.from({ length: 3 }, () => it.make());
    for (const agent of agents) it.wake(agent);
    it.run(5 * MS);
    const alone = it.running.find((agent, cpu) => agent && it.cpu(cpu).fairCount === 1) as SimAgent;
    it.stop(alone);
    it.run(it.now);
    expect(it.running.every((agent) => agent !== null)).toBe(true);
    expect(it.invariant).toBe(0);
  });
});
