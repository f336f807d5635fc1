import { expect, test } from "vitest";
import type { AgentInfo } from "./events.ts";
import { SchedulingTrace } from "./trace.ts";

interface Entry {
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly name: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

const agent = (id: number, name: string): AgentInfo => ({
  id,
  name,
  task: name,
  class: "fair",
  weight: 1024,
  budget: null,
  cpus: null,
  group: "",
});

function example(): Entry[] {
  let text = "";
  const trace = new SchedulingTrace(1, (piece) => {
    text += piece;
  });
  trace.agent(agent(11, "ping"));
  trace.agent(agent(12, "pong"));
  trace.event({ kind: "wake", time: 1000, cpu: 0, agent: 11 });
  trace.event({ kind: "dispatch", time: 1500, cpu: 0, agent: 11 });
  trace.event({ kind: "wake", time: 2000, cpu: 0, agent: 12 });
  trace.event({ kind: "dispatch", time: 3007, cpu: 0, agent: 12 });
  trace.event({ kind: "miss", time: 3100, agent: 11 });
  trace.event({ kind: "deschedule", time: 4000, cpu: 0, agent: 12, reason: "preempted" });
  trace.event({ kind: "dispatch", time: 4000, cpu: 0, agent: 99 });
  trace.finish(5000);
  return (JSON.parse(text) as { traceEvents: Entry[] }).traceEvents;
}

const rowName = (entries: readonly Entry[], { pid, tid }: Entry) =>
  entries.find((each) => each.name === "thread_name" && each.pid === pid && each.tid === tid)?.args
    ?.name;

test("rows of processors and agents begin and end in pairs, in the order of time", () => {
  const entries = example();
  const depth = new Map<unknown, number>();
  let last = 0;
  for (const entry of entries) {
    if (entry.ph === "M") continue;
    expect(entry.ts).toBeGreaterThanOrEqual(last);
    last = entry.ts;
    const row = rowName(entries, entry);
    const now = (depth.get(row) ?? 0) + (entry.ph === "B" ? 1 : entry.ph === "E" ? -1 : 0);
    expect(now === 0 || now === 1).toBe(true);
    depth.set(row, now);
  }
  expect([...depth.values()].every((open) => open === 0)).toBe(true);
});

test("an agent waits from its wake-up, runs from its dispatch, and the times are exact", () => {
  const entries = example();
  const row = (name: string) =>
    entries
      .filter((entry) => entry.ph !== "M" && rowName(entries, entry) === name)
      .map(({ ph, ts, name: what }) => `${ph} ${what} ${ts}`);
  expect(row("pong")).toEqual([
    "B waiting 2",
    "E  3.007",
    "B running 3.007",
    "E  4",
    "B waiting 4",
    "E  5",
  ]);
  expect(row("ping")).toContain("i deadline missed 3.1");
  expect(row("CPU 0")).toEqual(["B ping 1.5", "E  3.007", "B pong 3.007", "E  4"]);
});
