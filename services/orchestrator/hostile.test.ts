/** Agents and clients that attack the system, and what their neighbours notice of it: nothing. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKERS } from "./testing/attackers.ts";
import { TestSystem } from "./testing/system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start(ATTACKERS);
});
afterAll(() => system.stop());

const CAPABILITY = "FS_READ:/projects/demo";
const SMALL = { memory: 1 << 18 };

/** The first line that an agent writes before it ends. */
async function said(name: string): Promise<number> {
  await system.call("agent.wait", { name, wait: 30 });
  const { lines } = await system.call("agent.logs", { name, wait: 5 });
  await system.call("agent.remove", { name });
  return Number(lines[0]?.text);
}

describe("a flood", () => {
  const WORK_MS = 20;
  /** A quarter of the processor is promised to one of the neighbours, so this is what the others share. */
  const PROMISED = 0.25;
  const TOLERANCE_MS = 1;
  const FLOOD = { memory: 4 << 20 };

  /** Virtual milliseconds that so much work takes. */
  async function taken(name: string, limits: { cpu?: number }): Promise<number> {
    const run = { image: "worker:1.0.0", name, args: [String(WORK_MS)] };
    await system.call("agent.run", { ...run, limits: { ...SMALL, ...limits } });
    return (await said(name)) / 1e6;
  }

  // `busy`: agents that the flood keeps busy at most, itself and the services that it reaches.
  test.each([
    { what: "messages", busy: 2 },
    { what: "lines", busy: 3 },
    { what: "clones", busy: 1 },
    { what: "files", busy: 2 },
  ])("of $what takes nothing of what a neighbour was promised", async ({ what, busy }) => {
    const alone = await taken("alone", { cpu: PROMISED });
    expect(Math.abs(alone - WORK_MS / PROMISED)).toBeLessThan(TOLERANCE_MS);
    const flood = { image: `floods-${what}:1.0.0`, name: "flood", limits: FLOOD };
    await system.call("agent.run", { ...flood, capabilities: [CAPABILITY] });
    const [promised, fair] = await Promise.all([
      taken("promised", { cpu: PROMISED }),
      taken("fair", {}),
    ]);
    expect(Math.abs(promised - alone)).toBeLessThan(TOLERANCE_MS);
    expect(fair).toBeLessThan((WORK_MS * (1 + busy)) / (1 - PROMISED) + 5 * TOLERANCE_MS);
    expect(await system.call("agent.inspect", { name: "flood" })).toMatchObject({
      state: "running",
    });
    await system.call("agent.remove", { name: "flood", force: true });
  });

  test("of requests to a service leaves room for a neighbour's", async () => {
    const flood = { image: "floods-messages:1.0.0", name: "flood", limits: FLOOD };
    await system.call("agent.run", flood);
    const reads = { image: "reader:1.0.0", name: "reader", args: ["8"], limits: SMALL };
    await system.call("agent.run", { ...reads, capabilities: [CAPABILITY] });
    expect(await said("reader")).toBe(8);
    await system.call("agent.remove", { name: "flood", force: true });
  });
});

test("an agent that was asking for files when their service ended is answered by the next one", async () => {
  system.fail("files");
  const reads = { image: "reader:1.0.0", name: "reader", args: ["8"], limits: SMALL };
  await system.call("agent.run", { ...reads, capabilities: [CAPABILITY] });
  expect(await said("reader")).toBe(8);
  expect(system.isArmed("files")).toBe(false);
});

test("an agent that takes all watches of its input is given its end all the same, and nobody ends of it", async () => {
  const neighbour = await system.call("agent.run", { image: "sleeper:1.0.0", limits: SMALL });
  const run = { image: "watches-input:1.0.0", name: "watcher", stdin: true, limits: SMALL };
  await system.call("agent.run", run);
  const { lines } = await system.call("agent.logs", { name: "watcher", wait: 10 });
  expect(lines.map((line) => line.text)).toEqual(["LIMIT"]);
  const data = Buffer.from("never read").toString("base64");
  const given = { name: "watcher", data, end: true };
  expect(await system.call("agent.input", given)).toEqual({ taken: 10 });
  await expect(system.call("agent.input", given)).rejects.toThrow("its input has ended");
  const { name } = neighbour;
  expect(await system.call("agent.inspect", { name })).toMatchObject({ agent: neighbour.agent });
  for (const each of ["watcher", name])
    await system.call("agent.remove", { name: each, force: true });
});

describe("an agent that is asked for its health", () => {
  const LIES = {
    "an answer in parts that are none": '{"answer":ASK,"part":0,"of":1}\nnull',
    "a part by a name of arrays": '{"answer":ASK,"part":"__proto__","of":0}\n{}',
    "an error without anything in it": '{"answer":ASK,"error":null}',
    "what is no JSON": '{"answer":',
  };
  test.each(Object.entries(LIES))("and says %s is ended alone", async (_, lie) => {
    const health = { interval: 0.05, timeout: 0.5, retries: 1 };
    const agent = { limits: SMALL, restart: "no" };
    await system.call("project.apply", {
      project: "lies",
      agents: {
        neighbour: { ...agent, image: "sleeper:1.0.0" },
        liar: { ...agent, image: "liar:1.0.0", args: [lie], health },
      },
    });
    const inside = { project: "lies", wait: 30 };
    expect(await system.call("agent.wait", { ...inside, name: "liar" })).toMatchObject({
      exit: { reason: "killed", code: 1 },
    });
    const neighbour = await system.call("agent.inspect", { project: "lies", name: "neighbour" });
    expect(neighbour).toMatchObject({ state: "running", restarts: 0, exit: null });
    await system.call("project.remove", { project: "lies" });
  });
});

test("clients that come and go, each with all the capabilities that a token has, shut nobody out", async () => {
  const capabilities = Array.from({ length: 64 }, (_, n) => `FS_READ:/projects/p${n}`);
  for (let n = 0; n < 40; n++) {
    const side = system.access.open({ id: `${n}`, capabilities, expires: null });
    await expect(side.call("agent.list", {})).rejects.toMatchObject({ code: "denied" });
  }
  const other = system.client(["PROC_READ:other"]);
  expect(await other("agent.list", { project: "other" })).toEqual([]);
});
