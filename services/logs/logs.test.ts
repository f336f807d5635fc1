import { afterAll, beforeAll, expect, test } from "vitest";
import { PROGRAMS } from "../orchestrator/testing/programs.ts";
import { TestSystem } from "../orchestrator/testing/system.ts";

/** Each line takes 128 beside its text. */
const LOG_BYTES = 20 * 1024;
let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start(PROGRAMS, { logBytes: LOG_BYTES });
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

test("an agent's oldest lines go when it has too many, and all of them with the agent", async () => {
  // So many lines of 1,128 bytes fit, and into a pipe as well; twice as many don't.
  const written = 14;
  const args = Array.from({ length: written }, () => "x".repeat(1000));
  const run = { image: "writer:1.0.0", args };
  for (const name of ["a", "b"]) await system.call("agent.run", { ...run, name });
  for (const name of ["a", "b"]) {
    await system.call("agent.wait", { name, wait: 30 });
    expect((await logs(name, 0, 0)).lines).toHaveLength(written);
  }
  await system.call("agent.start", { name: "a" });
  await system.call("agent.wait", { name: "a", wait: 30 });
  const { lines, next } = await logs("a", 0, 0);
  expect(next).toBe(2 * written);
  expect(lines.length * 1128).toBeLessThanOrEqual(LOG_BYTES);
  expect(lines.length * 1128).toBeGreaterThan(LOG_BYTES / 2);
  expect(lines.map(({ sequence }) => sequence)).toEqual(
    lines.map((_, n) => next - lines.length + n),
  );
  const kept = async () => (await system.store.list("log/")).length;
  expect(await kept()).toBeGreaterThanOrEqual(lines.length + written);
  for (const { name } of await system.call("agent.list", {}))
    await system.call("agent.remove", { name, force: true });
  await expect
    .poll(async () => [await kept(), await system.store.list("logmark/")], { timeout: 30_000 })
    .toEqual([0, []]);
});
