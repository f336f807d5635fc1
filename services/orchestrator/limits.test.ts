import { afterAll, beforeAll, expect, test } from "vitest";
import type { Params } from "../messages/api.ts";
import { JOBS_PER_PROJECT_MAX, PROJECTS_MAX } from "./limits.ts";
import { PROGRAMS } from "./testing/programs.ts";
import { TestSystem } from "./testing/system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start(PROGRAMS, { projectBytes: 1 << 20, memory: 768 << 20 });
});
afterAll(() => system.stop());

const limits = { memory: 1 << 18 };
const run = { image: "sleeper:1.0.0", name: "a", limits };

test("one project more than there may be is refused; those that there are go on", async () => {
  for (let n = 0; n < PROJECTS_MAX; n++)
    await system.call("agent.run", { ...run, project: `p${n}` });
  await expect(system.call("agent.run", { ...run, project: "more" })).rejects.toThrow(
    "64 projects",
  );
  const list = await system.call("agent.list", {});
  expect(list.filter(({ state }) => state === "running")).toHaveLength(PROJECTS_MAX);
  await system.call("project.remove", { project: "p0" });
  await system.call("agent.run", { ...run, project: "more" });
});

test("a project that has nothing any more makes room for another one, and gives it its memory", async () => {
  await expect(system.call("agent.run", { ...run, project: "again" })).rejects.toThrow(
    "64 projects",
  );
  await system.call("agent.remove", { project: "p2", name: "a", force: true });
  await system.call("agent.run", { ...run, project: "again" });
  const small = await TestSystem.start(PROGRAMS);
  try {
    for (let n = 0; n < 6; n++) {
      const project = `one-off-${n}`;
      await small.call("agent.run", { ...run, project });
      await small.call("agent.remove", { project, name: "a", force: true });
    }
    expect(await small.call("project.list", {})).toEqual([]);
  } finally {
    await small.stop();
  }
});

test("a document has so many jobs at most", async () => {
  const job = { image: "ender:1.0.0", every: 3600, limits };
  const names = Array.from({ length: JOBS_PER_PROJECT_MAX + 1 }, (_, n) => `j${n}`);
  const jobs = Object.fromEntries(names.map((name) => [name, job]));
  const document: Params<"project.apply"> = { project: "p1", jobs };
  await expect(system.call("project.apply", document)).rejects.toThrow("jobs: 64 are the most");
  expect(await system.call("job.list", {})).toEqual([]);
});

test("a request that is larger than a message is refused before it is sent", async () => {
  const args = Array.from({ length: 20 }, () => "x".repeat(4000));
  await expect(system.call("agent.run", { ...run, args })).rejects.toThrow("bytes");
});

test("what is longer, more or less than the table allows is refused by its path", async () => {
  const wrong: [Partial<Params<"agent.run">>, string][] = [
    [{ name: "x".repeat(32) }, "name"],
    [{ name: "UP" }, "name"],
    [{ limits: { memory: 1 } }, "limits.memory"],
    [{ limits: { weight: 0 } }, "limits.weight"],
    [{ limits: { cpu: 1.5 } }, "limits.cpu"],
    [{ args: ["x".repeat(4097)] }, "args.0"],
    [{ capabilities: ["FS_READ:/a/../b"] }, "capabilities.0"],
    [{ restart: "sometimes" }, "restart"],
  ];
  for (const [change, path] of wrong)
    await expect(system.call("agent.run", { ...run, ...change }), path).rejects.toThrow(path);
});
