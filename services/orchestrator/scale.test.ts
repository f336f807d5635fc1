import { expect, test } from "vitest";
import { PROGRAMS } from "./testing/programs.ts";
import { TestSystem } from "./testing/system.ts";

const COUNT = 1000;
const AT_ONCE = 50;

test("a project has 1,000 agents: they run, are listed, write, and are ended with it", async () => {
  // Beside the project and its shards, an eighth of the memory is for the kernel's images.
  const system = await TestSystem.start(PROGRAMS, { memory: 640 << 20, projectBytes: 320 << 20 });
  try {
    const limits = { memory: 128 * 1024 };
    const run = async (first: number) => {
      for (let n = first; n < COUNT; n += AT_ONCE)
        await system.call("agent.run", { image: "sleeper:1.0.0", name: `a${n}`, limits });
    };
    await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => run(n)));
    const list = await system.call("agent.list", { project: "default" });
    expect(list.filter(({ state }) => state === "running")).toHaveLength(COUNT);
    expect(new Set(list.map(({ agent }) => agent)).size).toBe(COUNT);
    await system.call("agent.kill", { name: "a500" });
    const writer = { image: "writer:1.0.0", name: "w", args: ["still here"], limits };
    await system.call("agent.run", writer);
    const { lines } = await system.call("agent.logs", { name: "w", wait: 10 });
    expect(lines.map(({ text }) => text)).toEqual(["still here"]);
    // Adopted, all of them, by a new orchestrator.
    system.fail("orchestrator");
    await system.call("system.status", {}).catch(() => undefined);
    expect(system.isArmed("orchestrator")).toBe(false);
    const again = await system.call("agent.list", { project: "default" });
    expect(again.filter(({ state }) => state === "running")).toHaveLength(COUNT - 1);
    expect(await system.call("project.remove", { project: "default" })).toEqual({
      agents: COUNT + 1,
    });
  } finally {
    await system.stop();
  }
});
