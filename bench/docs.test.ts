import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { mergePage } from "./docs.ts";
import { plotDots } from "./dots.ts";
import { type Dots, plainRow, type Results } from "./measure.ts";

const HOST = { processor: "P", cores: 2, memoryGiB: 3, node: "v20", v8: "11", gcc: "gcc 12" };
const FIGURES = "<!-- figures: written by bench/docs.ts -->\n<!-- end of figures -->";

function results(group: string, name: string, ns: number, file = group): Results {
  const rows = [plainRow({ group, name, unit: "ns" }, [ns])];
  return { rows, series: [{ file, title: `T ${name}`, x: "x", unit: "ns", lines: [] }], dots: [] };
}
const run = (subjects: string[], seconds = 1) => ({ subjects, host: HOST, seconds });
const lines = (page: string, start: string) =>
  page.split("\n").filter((line) => line.startsWith(start));

describe("figures in docs/benchmarks.md", () => {
  const both = {
    rows: [...results("mm", "map", 1).rows, ...results("cpu", "old", 2).rows],
    series: [...results("mm", "map", 1).series, ...results("cpu", "old", 2).series],
    dots: [],
  };
  const full = mergePage(`before\n${FIGURES}\nafter\n`, both, run(["mm", "cpu"], 9));

  it("of a subject that ran take the place of its old ones, all others stay", () => {
    const page = mergePage(full, results("mm", "new", 7), run(["mm"], 4));
    expect(lines(page, "| mm")).toEqual(["| mm | new | 7.00 ns |  |  | 7.00-7.00 | 1 |  |"]);
    expect(lines(page, "| cpu")).toEqual(lines(full, "| cpu"));
    expect(lines(page, "- ")).toEqual([
      expect.stringMatching(/^- cpu: in 9 s on P, 2 cores/),
      expect.stringMatching(/^- mm: in 4 s on P, 2 cores/),
    ]);
    expect(lines(page, "![")).toEqual([
      "![T new](benchmarks/mm.svg)",
      "![T old](benchmarks/cpu.svg)",
    ]);
    expect(page.startsWith("before\n") && page.endsWith("\nafter\n")).toBe(true);
  });

  it("of a subject that wasn't there come last", () => {
    const page = mergePage(full, results("ipc", "send", 3), run(["ipc"]));
    expect(
      lines(page, "| ")
        .slice(1)
        .map((row) => row.split(" ")[1]),
    ).toEqual(["---", "mm", "cpu", "ipc"]);
  });

  it("are the same when a run finds the same again", () => {
    expect(mergePage(full, both, run(["mm", "cpu"], 9))).toBe(full);
  });

  it("lose the pictures that a run of everything doesn't draw any more", () => {
    const page = mergePage(full, results("mm", "map", 1, "other"), run(["mm", "cpu"]));
    expect(lines(page, "![")).toEqual(["![T map](benchmarks/other.svg)"]);
  });

  it("can be merged into the page that there is, and lose no row", () => {
    const page = readFileSync("docs/benchmarks.md", "utf8");
    const merged = mergePage(page, { rows: [], series: [], dots: [] }, run(["none"]));
    expect(lines(merged, "| ").length).toBe(lines(page, "| ").length);
    expect(lines(merged, "![")).toEqual(lines(page, "!["));
    expect(lines(merged, "- ").length).toBe(lines(page, "- ").length + 1);
  });
});

describe("a plot of dots", () => {
  const dots: Dots = {
    file: "f",
    title: "A & B",
    unit: "ns",
    sides: ["one", "two"],
    rows: [
      { name: "first", values: [[1, 1, 9], [10]] },
      { name: "second", values: [[100], [1]] },
    ],
  };
  const circles = [
    ...plotDots(dots).matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)" r="5" fill="(#\w+)"/g),
  ];

  it("has a dot for each median, as far apart as their logarithms are", () => {
    // Four dots, then those of the legend.
    const [first = 0, second = 0, third = 0, fourth] = circles.map(([, x]) => Number(x));
    expect(circles.length).toBe(6);
    expect(second - first).toBeCloseTo((third - first) / 2, 0);
    expect(fourth).toBe(first);
  });

  it("has a line a row and a colour a side", () => {
    const [first, second, third] = circles.map(([, , y, colour]) => ({ y, colour }));
    expect(first?.y).toBe(second?.y);
    expect(third?.y).not.toBe(first?.y);
    expect(first?.colour).toBe(third?.colour);
    expect(first?.colour).not.toBe(second?.colour);
  });
});
