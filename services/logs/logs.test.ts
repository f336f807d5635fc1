import { afterAll, beforeAll, expect, test } from "vitest";
import { PROGRAMS } from "../orchestrator/testing/programs.ts";
import { TestSystem } from "../orchestrator/testing/system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start(PROGRAMS);
});
afterAll(() => system.stop());

const logs = (name: string, from: number, wait: number) =>
  system.call("agent.logs", { name, from, wait });

test("who waits for a line is answered when it is there, not when another is", async () => {
  await system.call("agent.run", { image: "counter:1.0.0", name: "counts" });
  // Each line is written, and kept, by itself.
  const [first, tenth] = await Promise.all([logs("counts", 0, 30), logs("counts", 10, 30)]);
  expect(first.lines[0]).toMatchObject({ sequence: 0, text: "0", stream: "stdout" });
  expect(tenth.lines[0]).toMatchObject({ sequence: 10, text: "10" });
  await system.call("agent.remove", { name: "counts", force: true });
});

test("who waits for lines that won't come is answered at the end, or after its time", async () => {
  const brief = { image: "brief:1.0.0", name: "brief", args: ["50", "0"] };
  await system.call("agent.run", brief);
  expect(await logs("brief", 0, 30)).toEqual({ lines: [], next: 0, ended: true });
  await system.call("agent.run", { image: "sleeper:1.0.0", name: "silent" });
  expect(await logs("silent", 0, 0.01)).toEqual({ lines: [], next: 0, ended: false });
  await system.call("agent.remove", { name: "silent", force: true });
});

test("a line that isn't finished is kept when its writer is over", async () => {
  const image = "writer:1.0.0";
  await system.call("agent.run", { image, name: "writes", args: ["one\ntwo\nno end"] });
  await system.call("agent.wait", { name: "writes", wait: 30 });
  const { lines } = await logs("writes", 0, 0);
  expect(lines.map(({ text }) => text)).toEqual(["one", "two", "no end"]);
  expect((await logs("writes", 2, 0)).lines).toHaveLength(1);
});
