import { describe, expect, test } from "vitest";
import type { AgentInfo } from "./events.ts";
import { Report } from "./report.ts";
import { byAgent, byTask, ROWS_MAX, reportText } from "./summary.ts";

const MS = 1_000_000;
const fair = (id: number, task: string, weight = 1024): AgentInfo => ({
  id,
  name: `${task}-${id}`,
  task,
  class: "fair",
  weight,
  budget: null,
  cpus: null,
  group: "",
});

/** One agent with a budget and two fair ones take turns on one processor for 10 ms. */
function example(): Report {
  const report = new Report({ cpus: 1, start: 5 * MS });
  const budget = { runtime: MS, deadline: 5 * MS, period: 5 * MS };
  report.agent(
    { ...fair(1, "timed"), name: "timed", class: "realtime", weight: 0, budget },
    5 * MS,
  );
  report.agent(fair(2, "busy"), 5 * MS);
  report.agent(fair(3, "busy", 3072), 5 * MS);
  const at = (ms: number) => (5 + ms) * MS;
  for (const agent of [1, 2, 3]) report.event({ kind: "wake", time: at(0), cpu: 0, agent });
  const turns = [1, 3, 2, 3, 3, 1, 3, 3, 3, 2];
  for (const [ms, agent] of turns.entries()) {
    report.event({ kind: "dispatch", time: at(ms), cpu: 0, agent });
    const reason = agent === 1 ? "blocked" : "preempted";
    report.event({ kind: "deschedule", time: at(ms + 1), cpu: 0, agent, reason });
  }
  report.event({ kind: "tick", time: at(5), agent: 1, late: 3500 });
  report.event({ kind: "miss", time: at(9), agent: 1 });
  report.finish(at(10));
  return report;
}

describe("a summary", () => {
  test("has what each agent got beside what it was promised", () => {
    const [timed, light, heavy] = byAgent(example());
    expect(timed).toMatchObject({ service: 2 * MS, misses: 1, ideal: null, lag: null });
    // 8 ms are left by the budget; of those a quarter and three quarters.
    expect(light).toMatchObject({ service: 2 * MS, ideal: 2 * MS });
    expect(heavy).toMatchObject({ service: 6 * MS, ideal: 6 * MS });
  });

  test("of a task adds up its agents, and merges how long they waited", () => {
    const tasks = byTask(example());
    expect(tasks.map(({ name, agents }) => [name, agents])).toEqual([
      ["timed", 1],
      ["busy", 2],
    ]);
    expect(tasks[1]).toMatchObject({ service: 8 * MS, ideal: 8 * MS, switches: 8 });
    expect(tasks[1]?.wakeups).toMatchObject({ count: 2, max: 2 * MS });
  });

  test("as text has rows of shares, latencies and processors in columns", () => {
    const text = reportText(example());
    const lines = text.split("\n");
    expect(lines[2]).toMatch(/^timed +realtime +1 ms of 5 ms +20\.00 +20\.00 +1 +0$/);
    expect(lines[4]).toMatch(/^busy-3 +fair +weight 3072 +60\.00 +60\.00 +-?\d+ +\d+$/);
    expect(text).toContain("timer's tick to running, us  times  50 %  95 %  99 %  99.9 %  max");
    expect(text).toMatch(/^timed +1 +3\.5 +3\.5 +3\.5 +3\.5 +3\.5$/m);
    expect(text).toMatch(/^CPU 0 +20\.00 +80\.00 +0\.00 +0\.00 +1000$/m);
  });

  test("as text folds many agents into tasks", () => {
    const report = new Report({ cpus: 1, start: 0 });
    for (let id = 0; id <= ROWS_MAX; id++) report.agent(fair(id, "many"), 0);
    report.finish(MS);
    expect(reportText(report)).toMatch(/^many x 33 /m);
  });
});
