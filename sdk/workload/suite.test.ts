import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseWorkload } from "./parse.ts";

const FOLDER = "sdk/workload/suite";
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

describe("the workloads that come along", () => {
  test("mirror the field's suites", () => {
    expect(files.map((name) => name.replace(".json", "")).sort()).toEqual([
      "adaptive-priority",
      "cyclictest",
      "fairness",
      "hackbench",
      "mixed",
      "overload",
      "ping-pong",
      "priority-inversion",
      "schbench",
    ]);
  });

  test.each(files)("%s is accepted on four processors, says what it shows, and ends", (name) => {
    const workload = parseWorkload(readFileSync(`${FOLDER}/${name}`, "utf8"), name, 4);
    expect(workload.description).toMatch(/^[a-z].{20,90}$/);
    expect(workload.duration).toBeGreaterThan(0);
    expect(workload.notes).toEqual([]);
  });
});
