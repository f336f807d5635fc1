import { afterAll, beforeAll, expect, test } from "vitest";
import { PROGRAMS } from "./testing/programs.ts";
import { TestSystem } from "./testing/system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start(PROGRAMS);
});
afterAll(() => system.stop());

const restartsOf = async (service: string) => {
  const { services } = await system.call("system.status", {});
  return services.find(({ name }) => name === service)?.restarts ?? 0;
};

/** Lets a service fail, and waits until it is there again. */
async function failAndReturn(service: string): Promise<void> {
  const before = await restartsOf(service);
  system.fail(service);
  await expect.poll(() => restartsOf(service).catch(() => 0), { timeout: 10_000 }).toBe(before + 1);
}

test.each(["orchestrator", "logs"])(
  "%s ends: agents go on as they are, and are known again",
  async (service) => {
    const name = `steady-${service}`;
    const begun = await system.call("agent.run", { image: "counter:1.0.0", name });
    await failAndReturn(service);
    const after = await system.call("agent.inspect", { name });
    expect(after).toMatchObject({
      agent: begun.agent,
      uid: begun.uid,
      state: "running",
      restarts: 0,
    });
    expect(await system.call("agent.pause", { name })).toMatchObject({ state: "paused" });
    // The kernel's images are the orchestrator's, and are made anew.
    const next = `${name}-next`;
    await system.call("agent.run", { image: "counter:1.0.0", name: next });
    const { codeDigest } = await system.call("image.inspect", { reference: "counter:1.0.0" });
    for (const it of [name, next])
      expect((await system.call("agent.inspect", { name: it })).usage).toMatchObject({
        codeDigest,
      });
    await system.call("agent.remove", { name: next, force: true });
    // What it wrote while nobody took it has lost nothing, and nothing is there twice.
    const read = await system.call("agent.logs", { name, wait: 5 });
    await expect
      .poll(async () => (await system.call("agent.logs", { name })).lines.length)
      .toBeGreaterThan(read.lines.length - 1);
    const { lines } = await system.call("agent.logs", { name });
    expect(lines.map((line) => line.text)).toEqual(lines.map((_, n) => String(n)));
    await system.call("agent.remove", { name, force: true });
  },
);

test("whoever waits for lines is answered when the agent ends, whatever becomes of the logs", async () => {
  const limits = { memory: 1 << 18 };
  const run = { image: "brief:1.0.0", name: "silent", args: ["200", "0"], limits };
  await system.call("agent.run", run);
  const read = (wait: number) => system.call("agent.logs", { name: "silent", wait });
  const reads = [read(30), read(30)];
  system.fail("logs");
  expect(await read(0)).toEqual({ lines: [], next: 0, ended: false });
  expect(system.isArmed("logs")).toBe(false);
  const ended = { lines: [], next: 0, ended: true };
  expect(await Promise.all(reads)).toEqual([ended, ended]);
  expect(await read(30)).toEqual(ended);
});

test("lines of an agent that goes while the logs end go as well, if not then, when they are back", async () => {
  const run = { image: "writer:1.0.0", args: ["first", "second"] };
  for (const name of ["gone", "stays"]) {
    await system.call("agent.run", { ...run, name });
    await system.call("agent.wait", { name, wait: 30 });
  }
  const { uid } = await system.call("agent.inspect", { name: "stays" });
  system.fail("logs");
  await system.call("agent.remove", { name: "gone" });
  await expect
    .poll(async () => (await system.store.list("logmark/")).map(([key]) => key), {
      timeout: 30_000,
    })
    .toEqual([`logmark/${uid}`]);
  expect(system.isArmed("logs")).toBe(false);
  expect((await system.store.list("log/")).every(([key]) => key.includes(uid))).toBe(true);
  const { lines } = await system.call("agent.logs", { name: "stays" });
  expect(lines.map(({ text }) => text)).toEqual(["first", "second"]);
  await system.call("agent.remove", { name: "stays", force: true });
});

test("requests in flight when the orchestrator ends fail with a reason or have been done", async () => {
  const names = Array.from({ length: 12 }, (_, n) => `flight-${n}`);
  const limits = { memory: 1 << 18 };
  const run = (name: string) => system.call("agent.run", { image: "sleeper:1.0.0", name, limits });
  const before = names.slice(0, 6).map(run);
  await Promise.race(before);
  const during = names.slice(6).map(run);
  system.fail("orchestrator");
  const results = await Promise.allSettled([...before, ...during]);
  const list = await system.call("agent.list", {});
  results.forEach((result, n) => {
    const agent = list.find(({ name }) => name === names[n]);
    if (result.status === "fulfilled") expect(agent).toMatchObject({ state: "running" });
    else expect(String(result.reason)).toMatch(/has ended|can't be asked/);
  });
  expect(await restartsOf("orchestrator")).toBeGreaterThan(1);
  for (const { name } of list) await system.call("agent.remove", { name, force: true });
});

test("what ends while the orchestrator is away is settled by policy when it is back", async () => {
  const limits = { memory: 1 << 18 };
  const restart = { policy: "on-failure", limit: 1, pause: 0.01 } as const;
  const run = { image: "brief:1.0.0", name: "meanwhile", args: ["30", "4"], limits, restart };
  await system.call("agent.run", run);
  system.fail("orchestrator");
  await expect
    .poll(() => system.call("agent.inspect", { name: "meanwhile" }).catch(() => null), {
      timeout: 10_000,
    })
    .toMatchObject({ state: "exited", restarts: 1, exit: { reason: "exited", code: 4 } });
});

test("a shard of a project ends: its agents are started again by their policies", async () => {
  const limits = { memory: 1 << 18 };
  for (const restart of ["no", "always"])
    await system.call("agent.run", {
      image: "counter:1.0.0",
      name: `in-${restart}`,
      limits,
      restart,
    });
  system.fail("project");
  await expect
    .poll(() => system.call("agent.inspect", { name: "in-always" }), { timeout: 10_000 })
    .toMatchObject({ state: "running", restarts: 1 });
  expect(await system.call("agent.inspect", { name: "in-no" })).toMatchObject({
    state: "exited",
    exit: { reason: "its shard ended" },
  });
});

test("an agent that ends by itself while it is found to be ill takes nobody with it", async () => {
  const restarts = await restartsOf("orchestrator");
  const { store } = system;
  const write = store.write.bind(store);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  // Its shard tells of an end once the last lines are kept: until then it is over, and nobody knows.
  store.write = async (writes) => {
    if (writes.some(({ key }) => key.startsWith("log/"))) await released;
    await write(writes);
  };
  const health = { interval: 0.05, timeout: 0.05, retries: 1 };
  const mortal = { image: "mortal:1.0.0", limits: { memory: 1 << 18 }, restart: "no", health };
  await system.call("project.apply", { project: "mortals", agents: { m: mortal } });
  const kinds = async () => {
    const { events } = await system.call("events.read", { project: "mortals", limit: 1000 });
    return events.map(({ kind }) => kind);
  };
  await expect.poll(kinds, { timeout: 10_000 }).toContain("agent.unhealthy");
  release();
  await expect.poll(kinds, { timeout: 10_000 }).toContain("agent.exited");
  store.write = write;
  expect(await restartsOf("orchestrator")).toBe(restarts);
  await system.call("project.remove", { project: "mortals" });
});
