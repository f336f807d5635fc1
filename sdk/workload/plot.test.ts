import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Timeline } from "./bins.ts";
import type { AgentInfo } from "./events.ts";
import { Plot, ROWS_MAX } from "./plot.ts";

const MS = 1_000_000;
const agent = (id: number, name: string, task = name): AgentInfo => ({
  id,
  name,
  task,
  class: "fair",
  weight: 1024,
  budget: null,
  cpus: null,
  group: "",
});

describe("bins", () => {
  test("keep all of the time, wherever it falls and however long the run gets", () => {
    const interval = fc.record({ gap: fc.nat(5 * MS), length: fc.nat(5 * MS) });
    fc.assert(
      fc.property(fc.array(interval), (intervals) => {
        const timeline = new Timeline(0);
        const bins = timeline.bins();
        let [time, total] = [0, 0];
        for (const { gap, length } of intervals) {
          bins.addInterval(time + gap, time + gap + length);
          time += gap + length;
          total += length;
        }
        const sum = bins.values.reduce((a, b) => a + b, 0);
        expect(Math.abs(sum - total)).toBeLessThan(1);
        expect(Math.max(...bins.values)).toBeLessThan(timeline.binNs + 1);
      }),
    );
  });
});

function example(name = "reader"): Plot {
  const plot = new Plot({ title: "who ran when", cpus: 2, start: 0, agents: 2 });
  plot.agent(agent(1, name));
  plot.agent(agent(2, "writer"));
  plot.event({ kind: "wake", time: 0, cpu: 0, agent: 1 });
  plot.event({ kind: "wake", time: 0, cpu: 1, agent: 2 });
  plot.event({ kind: "dispatch", time: 0, cpu: 0, agent: 1 });
  plot.event({ kind: "dispatch", time: 5 * MS, cpu: 1, agent: 2 });
  plot.event({ kind: "deschedule", time: 10 * MS, cpu: 0, agent: 1, reason: "blocked" });
  plot.event({ kind: "miss", time: 15 * MS, agent: 2 });
  plot.finish(20 * MS);
  return plot;
}

describe("a plot of who ran when", () => {
  test("says in words what it shows, for screen readers", () => {
    const svg = example().svg();
    expect(svg).toContain("<title>who ran when</title>");
    expect(svg).toContain(
      "<desc>2 agents on 2 processors for 20 ms. reader: 50.0 % of a processor; " +
        "writer: 75.0 % of a processor, 1 deadlines missed</desc>",
    );
    expect(svg).toContain("<title>reader: 50.0 % of a processor</title>");
  });

  test("has a stroke from when an agent got a processor to when it left it, in its colour", () => {
    const svg = example().svg();
    const scale = (1200 - 150 - 20) / 20;
    const bars = [
      ...svg.matchAll(/<path d="M([\d.]+) \d+h([\d.]+)"[^>]*stroke="(#\w+)" stroke-opacity="1"/g),
    ];
    const [reader, writer] = bars.map(([, x, length, colour]) => [
      Number(x),
      Number(length),
      colour,
    ]);
    expect(reader?.[0]).toBe(150);
    expect(Number(reader?.[1])).toBeCloseTo(10 * scale, -1);
    expect(Number(writer?.[0])).toBeCloseTo(150 + 5 * scale, -1);
    expect([reader?.[2], writer?.[2]]).toEqual(["#0072b2", "#d55e00"]);
    expect(svg.match(/stroke="red"/g)).toHaveLength(1);
  });

  test("is well-formed whatever the names are", () => {
    const svg = example('<b> & "x"').svg();
    expect(svg).not.toContain("<b>");
    expect(svg).toContain("&#60;b&#62; &#38; &#34;x&#34;");
  });

  test("folds into a row a task when there are more agents than rows", () => {
    const agents = ROWS_MAX + 1;
    const plot = new Plot({ title: "many", cpus: 1, start: 0, agents });
    for (let id = 0; id < agents; id++) plot.agent(agent(id, `w-${id}`, id % 2 ? "odd" : "even"));
    plot.finish(MS);
    expect(plot.svg().match(/<g>/g)).toHaveLength(2);
    expect(plot.svg()).toContain("even (33 agents)");
  });

  test("stays small however often agents take turns", () => {
    const plot = new Plot({ title: "turns", cpus: 1, start: 0, agents: 2 });
    plot.agent(agent(1, "ping"));
    plot.agent(agent(2, "pong"));
    for (let turn = 0; turn < 100_000; turn++)
      plot.event({ kind: "dispatch", time: turn * 1000, cpu: 0, agent: 1 + (turn % 2) });
    plot.finish(100 * MS);
    expect(plot.svg().length).toBeLessThan(30_000);
  });
});
