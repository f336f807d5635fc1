import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AgentInfo, DescheduleReason } from "./events.ts";
import { domainsOf, Report, type ReportOptions } from "./report.ts";

const MS = 1_000_000;

function info(id: number, more: Partial<AgentInfo> = {}): AgentInfo {
  return {
    id,
    name: `a${id}`,
    task: `a${id}`,
    class: "fair",
    weight: 1024,
    budget: null,
    cpus: null,
    group: "",
    ...more,
  };
}

/** A report with short names for what happens. */
class Script {
  readonly report: Report;

  constructor(options: Partial<ReportOptions>, agents: readonly AgentInfo[]) {
    this.report = new Report({ cpus: 1, start: 0, ...options });
    for (const agent of agents) this.report.agent(agent, 0);
  }
  wake(time: number, agent: number, cpu = 0) {
    this.report.event({ kind: "wake", time, cpu, agent });
  }
  run(time: number, agent: number, cpu = 0) {
    this.report.event({ kind: "dispatch", time, cpu, agent });
  }
  stop(time: number, agent: number, reason: DescheduleReason = "preempted", cpu = 0) {
    this.report.event({ kind: "deschedule", time, cpu, agent, reason });
  }
  of(agent: number) {
    const found = this.report.agents.find((record) => record.info.id === agent);
    if (!found) throw new Error(`no agent ${agent}`);
    return found;
  }
}

describe("a report", () => {
  test("counts processor time, switches, and waits from wake-up or preemption to running", () => {
    const script = new Script({}, [info(1), info(2)]);
    script.wake(0, 1);
    script.run(10, 1);
    script.wake(400, 2);
    script.stop(1000, 1);
    script.run(1000, 2);
    script.stop(1500, 2, "blocked");
    script.run(1505, 1);
    script.report.finish(3000);
    const [one, two] = [script.of(1), script.of(2)];
    expect([one.service, one.dispatches, one.preemptions]).toEqual([990 + 1495, 2, 1]);
    expect([one.wakeups.count, one.wakeups.max]).toEqual([1, 10]);
    expect([one.waits.count, one.waits.max]).toEqual([2, 505]);
    expect([two.service, two.wakeups.max, two.waits.max]).toEqual([500, 600, 600]);
    expect(script.report.processors[0]).toMatchObject({ switches: 3 });
    expect(script.report.processors[0]?.service.fair).toBe(990 + 1495 + 500);
  });

  test("takes misses, ticks and overruns as they come", () => {
    const script = new Script({}, [info(1)]);
    script.report.event({ kind: "miss", time: 1, agent: 1 });
    script.report.event({ kind: "overrun", time: 2, agent: 1 });
    script.report.event({ kind: "tick", time: 3, agent: 1, late: 700 });
    script.report.event({ kind: "tick", time: 4, agent: 1, late: 900 });
    expect(script.of(1)).toMatchObject({ misses: 1, overruns: 1 });
    expect([script.of(1).ticks.percentile(50), script.of(1).ticks.max]).toEqual([700, 900]);
  });

  test("leaves alone what belongs to no agent of the workload", () => {
    const script = new Script({}, [info(1)]);
    script.run(0, 99);
    script.stop(500, 99, "blocked");
    script.report.finish(1000);
    expect(script.of(1).service).toBe(0);
    expect(script.report.processors[0]?.service).toEqual({ realtime: 0, fair: 0, idle: 0 });
  });

  test("sees a new agent on a processor as the end of the one before", () => {
    const script = new Script({}, [info(1), info(2)]);
    script.run(0, 1);
    script.run(100, 2);
    script.report.finish(250);
    expect([script.of(1).service, script.of(2).service]).toEqual([100, 150]);
  });
});

describe("the ideal share", () => {
  const shares = (script: Script, ids: readonly number[], time: number) => {
    script.report.finish(time);
    return ids.map((id) => (script.of(id).ideal ?? Number.NaN) / time);
  };

  test("is in proportion to weight among those that are runnable", () => {
    const script = new Script({}, [info(1), info(2, { weight: 3072 })]);
    script.wake(0, 1);
    script.wake(0, 2);
    expect(shares(script, [1, 2], 8 * MS)).toEqual([0.25, 0.75]);
  });

  test("is all of the processor while the others sleep", () => {
    const script = new Script({}, [info(1), info(2)]);
    script.wake(0, 1);
    script.wake(0, 2);
    script.stop(4 * MS, 2, "blocked");
    expect(shares(script, [1, 2], 8 * MS)).toEqual([0.75, 0.25]);
  });

  // Chandra et al. 2000: of two processors one agent can use one, however heavy it is.
  test("is cut to one processor an agent, and the rest goes to the others by weight", () => {
    const agents = [
      info(1, { weight: 10_000 }),
      info(2, { weight: 100 }),
      info(3, { weight: 300 }),
    ];
    const script = new Script({ cpus: 2 }, agents);
    for (const { id } of agents) script.wake(0, id);
    expect(shares(script, [1, 2, 3], MS)).toEqual([1, 0.25, 0.75]);
  });

  test("of a group's agents is what the group's weight gives, shared by theirs", () => {
    const groups = [
      { path: "/g", weight: 1024 },
      { path: "/g/h", weight: 1024 },
    ];
    const agents = [
      info(1),
      info(2, { group: "/g" }),
      info(3, { group: "/g", weight: 2048 }),
      info(4, { group: "/g/h" }),
    ];
    const script = new Script({ groups }, agents);
    for (const { id } of agents) script.wake(0, id);
    expect(shares(script, [1, 2, 3, 4], MS)).toEqual([0.5, 0.125, 0.25, 0.125]);
  });

  test("leaves the processors out that real-time agents run on", () => {
    const budget = { runtime: MS, deadline: 2 * MS, period: 2 * MS };
    const agents = [info(1), info(2, { class: "realtime", weight: 0, budget })];
    const script = new Script({}, agents);
    script.wake(0, 1);
    script.run(0, 2);
    script.stop(MS, 2, "blocked");
    script.run(MS, 1);
    expect(shares(script, [1], 4 * MS)).toEqual([0.75]);
    expect(script.of(2).ideal).toBe(null);
  });

  test("is known where agents keep to sets of processors that don't overlap, else not", () => {
    expect(domainsOf(4, [[0, 1], [2], null].slice(0, 2))).toEqual([0, 0, 2, 3]);
    expect(domainsOf(3, [null])).toEqual([0, 0, 0]);
    const masks = [[0], [1, 2]];
    const agents = [info(1, { cpus: [0] }), info(2, { cpus: [1, 2] }), info(3, { cpus: [1] })];
    const script = new Script({ cpus: 3, masks }, agents);
    for (const { id, cpus } of agents) script.wake(0, id, cpus?.[0]);
    expect(shares(script, [1, 2, 3], MS)).toEqual([1, 1, Number.NaN]);
  });
});

interface Contender {
  readonly id: number;
  readonly weight: number;
  v: number;
  deadline: number;
  runnable: boolean;
}

const QUANTUM = MS;

/**
 * Earliest eligible virtual deadline first on one processor, from the paper's definitions: V grows
 * by service / W; an agent is eligible when its v is not ahead of V. Runs `steps`, in each of which
 * one agent runs for some part of a quantum and others may come or go.
 */
function runEevdf(
  script: Script,
  all: Contender[],
  steps: readonly { part: number; toggle: number }[],
): void {
  let [V, time] = [0, 0];
  const inW = () => all.filter((each) => each.runnable || each.v > V);
  const weigh = (list: readonly Contender[]) => list.reduce((sum, { weight }) => sum + weight, 0);
  const comeOrGo = (each: Contender) => {
    each.runnable = !each.runnable;
    if (each.runnable) {
      each.v = Math.max(each.v, V);
      each.deadline = each.v + QUANTUM / each.weight;
      script.wake(time, each.id);
    }
  };
  for (const { part, toggle } of steps) {
    const target = all[toggle % all.length];
    if (target && !target.runnable) comeOrGo(target);
    const waiting = all.filter((each) => each.runnable);
    if (waiting.length === 0) continue;
    V = Math.max(V, Math.min(...waiting.map(({ v }) => v)));
    const eligible = waiting.filter(({ v }) => v <= V);
    const next = eligible.reduce((a, b) => (b.deadline < a.deadline ? b : a));
    script.run(time, next.id);
    let left = Math.ceil(part * QUANTUM);
    time += left;
    next.v += left / next.weight;
    // V's rate changes where a sleeper's v is reached.
    for (const ghost of all.filter((each) => !each.runnable).sort((a, b) => a.v - b.v)) {
      if (ghost.v <= V) continue;
      const need = (ghost.v - V) * weigh(inW());
      if (need > left) break;
      left -= need;
      V = ghost.v;
    }
    V += left / weigh(inW());
    next.deadline = next.v + QUANTUM / next.weight;
    const goes = part < 1;
    script.stop(time, next.id, goes ? "blocked" : "preempted");
    if (goes) next.runnable = false;
  }
}

describe("lag", () => {
  test("of two busy agents in turn is what the fluid ideal gave the one that waited", () => {
    const script = new Script({}, [info(1, { weight: 100 }), info(2, { weight: 300 })]);
    script.wake(0, 1);
    script.wake(0, 2);
    script.run(0, 1);
    script.stop(MS, 1);
    script.run(MS, 2);
    script.stop(3 * MS, 2);
    script.report.finish(3 * MS);
    // After 1 ms: 1 had 1 ms of its 0.25; 2 had none of its 0.75. After 3 ms: 2 of 2.25.
    expect(script.of(1).lag?.least).toBeCloseTo(-0.75 * MS, 3);
    expect(script.of(2).lag?.greatest).toBeCloseTo(0.75 * MS, 3);
    expect(script.of(2).lag?.least).toBeCloseTo(0.25 * MS, 3);
  });

  // Stoica, Abdel-Wahab 1995, theorem 1, with requests of one quantum.
  test("stays under a quantum when an exact scheduler runs agents that come and go", () => {
    const weight = fc.integer({ min: 1, max: 5000 });
    const step = fc.record({
      part: fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 0.99, noNaN: true })),
      toggle: fc.nat(20),
    });
    fc.assert(
      fc.property(
        fc.array(weight, { minLength: 2, maxLength: 8 }),
        fc.array(step, { minLength: 1, maxLength: 120 }),
        (weights, steps) => {
          const agents = weights.map((each, id) => info(id, { weight: each }));
          const script = new Script({}, agents);
          const all = agents.map(({ id, weight }) => ({
            id,
            weight,
            v: 0,
            deadline: 0,
            runnable: false,
          }));
          runEevdf(script, all, steps);
          for (const { lag } of script.report.agents) {
            expect(lag?.greatest ?? 0).toBeLessThan(QUANTUM + 1);
            expect(lag?.least ?? 0).toBeGreaterThan(-QUANTUM - 1);
          }
        },
      ),
    );
  });

  test("is that of the one who pays, when another runs on its time", () => {
    const script = new Script({}, [info(1), info(2)]);
    script.wake(0, 1);
    script.wake(0, 2);
    script.report.event({ kind: "dispatch", time: 0, cpu: 0, agent: 1, payer: 2 });
    script.stop(MS, 1);
    script.report.finish(MS);
    expect([script.of(1).service, script.of(2).service]).toEqual([MS, 0]);
    expect(script.of(2).lag?.least).toBeCloseTo(-0.5 * MS, 3);
    expect(script.report.processors[0]?.service.fair).toBe(MS);
  });

  test("keeps through a change of weight", () => {
    const script = new Script({}, [info(1), info(2)]);
    script.wake(0, 1);
    script.wake(0, 2);
    script.run(0, 1);
    script.stop(MS, 1);
    script.report.event({ kind: "reweigh", time: MS, agent: 2, weight: 4096 });
    script.run(MS, 2);
    script.report.finish(MS);
    expect(script.of(2).lag?.greatest).toBeCloseTo(0.5 * MS, 3);
  });

  test("of a group's agents is measured in the service that the group gets", () => {
    const groups = [{ path: "/g", weight: 1024 }];
    const agents = [info(1), info(2, { group: "/g" }), info(3, { group: "/g" })];
    const script = new Script({ groups }, agents);
    for (const { id } of agents) script.wake(0, id);
    script.run(0, 1);
    script.stop(5 * MS, 1);
    script.run(5 * MS, 2);
    script.stop(6 * MS, 2);
    script.run(6 * MS, 3);
    expect(script.of(3).lag?.greatest).toBeCloseTo(0.5 * MS, 3);
  });
});
