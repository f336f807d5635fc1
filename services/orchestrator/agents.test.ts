import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { putImage } from "./images.ts";
import { PROGRAMS } from "./testing/programs.ts";
import { TestSystem } from "./testing/system.ts";

const text = (value: string) => new TextEncoder().encode(value);

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start(PROGRAMS);
});
afterAll(() => system.stop());

/** An image of the sleeper whose author wishes something. */
async function wishing() {
  const file = agentFile({
    ...{ name: "wishing", runtime: "host", program: "sleeper", entry: undefined },
    ...{ args: ["from", "image"], env: { A: "1", B: "2" }, capabilities: ["LOG_READ"] },
    limits: { memory: "2M", weight: 50 },
  });
  const archive = await putImage(system.store, (await build(file, {})).archive);
  return { image: (await system.call("image.register", { archive })).digest };
}

const over = (name: string, project = "default") =>
  system.call("agent.wait", { name, project, wait: 10 });

describe("agents", () => {
  test("run until they end, and say how", async () => {
    await system.call("agent.run", { image: "ender:1.0.0", name: "e3", args: ["3"] });
    expect(await over("e3")).toMatchObject({
      state: "exited",
      exit: { reason: "exited", code: 3 },
      restarts: 0,
      agent: null,
    });
  });

  test("what they have written is there once they are over", async () => {
    await system.call("agent.run", { image: "writer:1.0.0", name: "w", args: ["one", "two"] });
    await over("w");
    const { lines } = await system.call("agent.logs", { name: "w", wait: 5 });
    expect(lines.map((line) => line.text)).toEqual(["one", "two"]);
  });

  test("pause, resume, kill: each from the states in which it means something", async () => {
    const named = { name: "s1" };
    await system.call("agent.run", { image: "sleeper:1.0.0", ...named, restart: "always" });
    expect(await system.call("agent.pause", named)).toMatchObject({ state: "paused" });
    const { usage } = await system.call("agent.inspect", named);
    expect(usage?.kernelState).toBe("suspended");
    await expect(system.call("agent.pause", named)).rejects.toThrow("paused already");
    expect(await system.call("agent.resume", named)).toMatchObject({ state: "running" });
    expect(await system.call("agent.kill", { ...named, code: 9 })).toMatchObject({
      state: "exited",
      exit: { reason: "killed", code: 9 },
    });
    await expect(system.call("agent.kill", named)).rejects.toThrow("doesn't run");
    await expect(system.call("agent.pause", named)).rejects.toThrow("doesn't run");
    expect(await system.call("agent.start", named)).toMatchObject({ state: "running" });
    await system.call("agent.remove", { ...named, force: true });
    await expect(system.call("agent.inspect", named)).rejects.toThrow("there is no agent");
  });

  test("are told of when what is told is on the disk: their end as well", async () => {
    const { store } = system;
    const [ending, paused] = [{ name: "told-end" }, { name: "told-pause" }];
    const other = { name: "nobody" };
    for (const named of [ending, paused])
      await system.call("agent.run", { image: "sleeper:1.0.0", ...named });
    const write = store.write.bind(store);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const writes = vi
      .spyOn(store, "write")
      .mockImplementation((batch) => held.then(() => write(batch)));
    const acts = [system.call("agent.kill", ending), system.call("agent.pause", paused)];
    await vi.waitUntil(() => writes.mock.calls.length > 1);
    const told: string[] = [];
    const asked = [
      system.call("agent.wait", { ...ending, wait: 10 }),
      system.call("agent.inspect", paused),
    ].map((answer) => answer.then(({ state }) => told.push(state)));
    try {
      // What doesn't wait is answered meanwhile.
      for (let turn = 0; turn < 5; turn++)
        await expect(system.call("agent.resume", other)).rejects.toThrow("there is no agent");
      expect(told).toEqual([]);
    } finally {
      writes.mockRestore();
      release();
    }
    await Promise.all([...acts, ...asked]);
    expect(told.sort()).toEqual(["exited", "paused"]);
  });

  test("with time to end, an agent ends by itself; without a word from it, it is ended", async () => {
    await system.call("agent.run", { image: "sleeper:1.0.0", name: "polite" });
    const ended = await system.call("agent.kill", { name: "polite", grace: 10 });
    expect(ended.exit).toEqual({ reason: "exited", code: 0 });
  });

  test("a name is had once, at whatever time it is asked for", async () => {
    const image = "sleeper:1.0.0";
    const runs = [1, 2, 3].map(() => system.call("agent.run", { image, name: "once" }));
    const results = await Promise.allSettled(runs);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(2);
    await system.call("agent.remove", { name: "once", force: true });
  });

  test("what isn't said when one is started is as its image says; capabilities aren't", async () => {
    const { image } = await wishing();
    const base = { image, args: ["from", "image"], env: { A: "1", B: "2" } };
    const ran = await system.call("agent.run", { image, name: "as-wished" });
    expect(ran).toMatchObject({ args: base.args, env: base.env, capabilities: [] });
    expect(ran.limits).toEqual({ memory: 2 << 20, weight: 50, foreground: false });
    const asked = { name: "as-asked", args: [], env: { B: "3" }, limits: { cpu: 0.01 } };
    const other = await system.call("agent.run", { image, ...asked });
    expect(other).toMatchObject({ args: [], env: { A: "1", B: "3" } });
    expect(other.limits).toEqual({ memory: 2 << 20, cpu: 0.01, weight: 1024, foreground: false });
    for (const name of ["as-wished", "as-asked"])
      await system.call("agent.remove", { name, force: true });
  });

  test("an update changes what it says, and nothing else", async () => {
    const named = { name: "updated" };
    const limits = { memory: 3 << 20, weight: 77, foreground: true };
    await system.call("agent.run", { image: "sleeper:1.0.0", ...named, limits });
    const { limits: now } = await system.call("agent.update", { ...named, limits: { weight: 78 } });
    expect(now).toEqual({ ...limits, weight: 78 });
    await system.call("agent.remove", { ...named, force: true });
  });

  test("limits and shares change while they run, memory doesn't", async () => {
    const named = { name: "changing" };
    await system.call("agent.run", { image: "sleeper:1.0.0", ...named });
    const { limits } = await system.call("agent.update", { ...named, limits: { cpu: 0.2 } });
    expect(limits.cpu).toBe(0.2);
    await expect(
      system.call("agent.update", { ...named, limits: { memory: 1 << 20 } }),
    ).rejects.toThrow("limits.memory");
    const refusal = "NOT_ADMITTED: no processor can promise 100% of its time any more: give";
    const whole = { limits: { cpu: 1 } };
    await expect(system.call("agent.update", { ...named, ...whole })).rejects.toThrow(refusal);
    const another = { image: "sleeper:1.0.0", ...whole };
    await expect(system.call("agent.run", another)).rejects.toThrow(refusal);
    expect((await system.call("agent.inspect", named)).limits.cpu).toBe(0.2);
    await system.call("agent.remove", { ...named, force: true });
  });

  test("an image that isn't there, or isn't an image, is refused by name", async () => {
    await expect(system.call("agent.run", { image: "nobody" })).rejects.toThrow(
      "no image nobody; an image is meant by NAME:VERSION or its digest",
    );
    const archive = await system.store.putObject(text("no archive at all"));
    await expect(system.call("image.register", { archive })).rejects.toThrow();
    await expect(system.call("image.remove", { reference: "nobody" })).rejects.toThrow("no image");
  });
});

describe("restart policies", () => {
  test("on-failure starts again with doubling pauses, up to its limit", async () => {
    const restart = { policy: "on-failure", limit: 3, pause: 0.02 } as const;
    await system.call("agent.run", { image: "ender:1.0.0", name: "f", args: ["1"], restart });
    const ended = await over("f");
    expect(ended).toMatchObject({ state: "exited", restarts: 3 });
    expect(ended.reason).toContain("restarted 3 times");
    const { events } = await system.call("events.read", { limit: 1000 });
    const pauses = events
      .filter(({ kind, name }) => kind === "agent.exited" && name === "f")
      .map(({ detail }) => detail.again);
    expect(pauses).toEqual([0.02, 0.04, 0.08, undefined]);
  });

  test("success is no failure", async () => {
    const run = { image: "ender:1.0.0", name: "ok", args: ["0"], restart: "on-failure" };
    await system.call("agent.run", run);
    expect(await over("ok")).toMatchObject({ restarts: 0, exit: { code: 0 } });
  });

  test("an agent between two starts is stopped by kill", async () => {
    const restart = { policy: "always", pause: 5 } as const;
    await system.call("agent.run", { image: "ender:1.0.0", name: "b", args: ["0"], restart });
    await expect
      .poll(() => system.call("agent.inspect", { name: "b" }))
      .toMatchObject({ state: "waiting" });
    expect(await system.call("agent.kill", { name: "b" })).toMatchObject({ state: "exited" });
  });
});

describe("capabilities", () => {
  const CAPABILITY = "FS_READ:/projects/demo";

  test("are granted while it runs, listed, and revoked", async () => {
    const named = { name: "caps" };
    await system.call("agent.run", {
      image: "sleeper:1.0.0",
      ...named,
      capabilities: ["LOG_READ"],
    });
    await system.call("agent.grant", { ...named, capability: CAPABILITY });
    const held = await system.call("agent.caps", named);
    expect(held.map((it) => it.text)).toEqual(["LOG_READ", CAPABILITY]);
    const revoked = await system.call("agent.revoke", { ...named, capability: "LOG_READ" });
    expect(revoked.capabilities).toEqual([CAPABILITY]);
    await expect(system.call("agent.revoke", { ...named, capability: "LOG_READ" })).rejects.toThrow(
      "doesn't hold",
    );
  });

  test("what is executed beside an agent has a part of its capabilities, by the kernel's judgement", async () => {
    const exec = { name: "caps", image: "sleeper:1.0.0" };
    const child = await system.call("agent.exec", { ...exec, as: "part" });
    expect(child).toMatchObject({ capabilities: [CAPABILITY], origin: "exec:caps" });
    const narrow = [`${CAPABILITY}/inner`];
    await system.call("agent.exec", { ...exec, as: "narrower", capabilities: narrow });
    await expect(
      system.call("agent.exec", { ...exec, capabilities: ["FS_READ:/projects"] }),
    ).rejects.toThrow("not among the agent's capabilities");
    for (const name of ["caps", "part", "narrower"])
      await system.call("agent.remove", { name, force: true });
  });

  test("a client does what its own allow, and hands on nothing else", async () => {
    const call = system.client(["PROC_SPAWN:mine", "PROC_READ:mine", "FS_READ:/projects/demo"]);
    const run = { image: "sleeper:1.0.0", project: "mine", name: "a" };
    await expect(call("agent.run", { ...run, project: "other" })).rejects.toThrow(
      "PROC_SPAWN:other",
    );
    await expect(
      call("agent.run", { ...run, capabilities: ["FS_WRITE:/projects/demo"] }),
    ).rejects.toThrow("FS_WRITE:/projects/demo is needed");
    await call("agent.run", { ...run, capabilities: [CAPABILITY] });
    await expect(call("agent.kill", { name: "a", project: "mine" })).rejects.toThrow(
      "PROC_CONTROL",
    );
    await expect(call("agent.list", {})).rejects.toThrow("PROC_READ");
    expect(await call("agent.list", { project: "mine" })).toHaveLength(1);
    await system.call("project.remove", { project: "mine" });
    expect(await call("agent.list", { project: "mine" })).toHaveLength(0);
    const { events } = await system.call("events.read", { limit: 1000 });
    expect(events.filter(({ kind }) => kind === "request.denied").length).toBeGreaterThan(3);
  });
});

describe("who may control an agent that holds what they don't", () => {
  const SECRET = "FS_READ:/projects/secret";
  const named = { name: "keeper", project: "mine" };
  const image = "sleeper:1.0.0";
  const all = ["PROC_READ:mine", "PROC_SPAWN:mine", "PROC_CONTROL:mine"];
  const needed = { code: "denied", message: `${SECRET} is needed` };
  beforeAll(async () => {
    await system.call("agent.run", { image, ...named, capabilities: [SECRET] });
  });
  afterAll(() => system.call("project.remove", { project: "mine" }));

  test("starts no other image with it", async () => {
    const call = system.client(all);
    for (const capabilities of [undefined, [SECRET]]) {
      const exec = { ...named, image, as: "thief", ...(capabilities && { capabilities }) };
      await expect(call("agent.exec", exec)).rejects.toMatchObject(needed);
    }
    await call("agent.exec", { ...named, image, as: "bare", capabilities: [] });
    await system.client([...all, SECRET])("agent.exec", { ...named, image, as: "heir" });
  });

  test("makes no copy of it, which would keep it when it is taken from the agent", async () => {
    const clone = { ...named, as: "copy" };
    await expect(system.client(all)("agent.clone", clone)).rejects.toMatchObject(needed);
    const names = (await system.call("agent.list", { project: "mine" })).map(({ name }) => name);
    expect(names.sort()).toEqual(["bare", "heir", "keeper"]);
    await system.client([...all, SECRET])("agent.clone", clone);
  });

  test("changes and ends it, though", async () => {
    const call = system.client(all);
    await call("agent.revoke", { ...named, capability: SECRET });
    expect(await call("agent.kill", named)).toMatchObject({ state: "exited" });
  });
});

describe("the system", () => {
  test("events have numbers without gaps, and are waited for", async () => {
    const { next } = await system.call("events.read", { limit: 1000 });
    const waiting = system.call("events.read", { from: next, wait: 10 });
    await system.call("agent.run", { image: "ender:1.0.0", name: "seen", args: ["0"] });
    const { events } = await waiting;
    expect(events[0]).toMatchObject({ sequence: next, kind: "agent.started", name: "seen" });
    await over("seen");
    const all = await system.call("events.read", { limit: 1000 });
    expect(all.events.map(({ sequence }) => sequence)).toEqual(all.events.map((_, n) => n));
  });

  test("says how it is", async () => {
    const { services, memory, agents, cpu } = await system.call("system.status", {});
    expect(services.map(({ name }) => name)).toEqual(["logs", "files", "orchestrator", "gateway"]);
    expect(memory.used).toBeLessThan(memory.total);
    expect(cpu).toMatchObject({ processors: 1 });
    expect(cpu.busy).toBeGreaterThan(0);
    expect(agents.exited).toBeGreaterThan(2);
  });
});
