import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Params } from "../messages/api.ts";
import { nextTime, parseCron } from "./cron.ts";
import { cycleOf } from "./order.ts";
import { verdict } from "./restarts.ts";
import { PROGRAMS } from "./testing/programs.ts";
import { TestSystem } from "./testing/system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start(PROGRAMS, { projectBytes: 16 << 20 });
});
afterAll(() => system.stop());

type Doc = Params<"project.apply">;
const limits = { memory: 1 << 18 };
const sleeper = { image: "sleeper:1.0.0", limits };
const apply = (document: Doc) => system.call("project.apply", document);
const listed = (project: string) => system.call("agent.list", { project });
/** Which of two kinds of events there is first about an agent. */
async function firstOf(project: string, one: string, other: string, name: string): Promise<string> {
  for (let from = 0; ; ) {
    const { events, next } = await system.call("events.read", { project, from, wait: 10 });
    const found = events.find((it) => it.name === name && [one, other].includes(it.kind));
    if (found) return found.kind;
    from = next;
  }
}
const running = async (project: string) =>
  (await listed(project)).filter(({ state }) => state === "running").map(({ name }) => name);

describe("a document", () => {
  test("is applied once: the second time it changes nothing, and says so", async () => {
    const document: Doc = { project: "p1", agents: { a: sleeper, b: sleeper } };
    const dry = await apply({ ...document, dryRun: true });
    expect(dry.created).toEqual(["a", "b"]);
    expect(await listed("p1")).toEqual([]);
    expect(await apply(document)).toMatchObject({ created: ["a", "b"], removed: [] });
    await expect.poll(() => running("p1")).toEqual(["a", "b"]);
    const before = await listed("p1");
    expect(await apply(document)).toMatchObject({ created: [], unchanged: ["a", "b"] });
    expect(await listed("p1")).toEqual(before);
  });

  test("what it changes is started again, what it lacks is removed", async () => {
    const [a] = await listed("p1");
    const document: Doc = {
      project: "p1",
      agents: { a: { ...sleeper, args: ["new"] }, c: sleeper },
    };
    expect(await apply(document)).toMatchObject({ created: ["c"], changed: ["a"], removed: ["b"] });
    await expect.poll(() => running("p1")).toEqual(["a", "c"]);
    const [again] = await listed("p1");
    expect(again).toMatchObject({ uid: a?.uid, args: ["new"] });
    expect(again?.agent).not.toBe(a?.agent);
  });

  test("is refused as a whole when one of its agents needs more memory than the project has", async () => {
    const large = { ...sleeper, limits: { memory: "32M" } };
    const document: Doc = { project: "p1-small", memory: "16M", agents: { a: sleeper, large } };
    for (const dryRun of [true, false])
      await expect(apply({ ...document, dryRun })).rejects.toThrow(
        "agents.large.limits.memory: more than the whole project has, 16 MiB",
      );
    expect(await listed("p1-small")).toEqual([]);
  });

  test("gives back all that agents have taken which it lacks", async () => {
    // Each costs its shard a capability, and the kernel gives that 1,024.
    const capabilities = Array.from({ length: 60 }, (_, n) => `FS_READ:/projects/p11/${n}`);
    for (let n = 0; n < 20; n++) {
      await apply({ project: "p11", agents: { [`a${n}`]: { ...sleeper, capabilities } } });
      await expect.poll(() => running("p11"), { timeout: 10_000 }).toEqual([`a${n}`]);
    }
    await system.call("project.remove", { project: "p11" });
  });

  test("holds for agents that are being started when it comes, and so does a removal", async () => {
    const later = async (turns: number) => {
      for (let n = 0; n < turns; n++) await new Promise((resolve) => setImmediate(resolve));
    };
    /** What has begun before has come to its end. */
    const barrier = async (project: string) => {
      const by = await system.call("agent.run", { image: "sleeper:1.0.0", project, limits });
      await system.call("agent.remove", { project, name: by.name, force: true });
    };
    const [project, other] = ["p12", "p13"];
    for (let n = 0; n < 20; n++) {
      await apply({ project, agents: { kept: sleeper, [`a${n}`]: sleeper } });
      await later(n);
      await apply({ project, agents: { kept: { ...sleeper, args: [`${n}`] } } });
      await barrier(project);
      await expect.poll(() => running(project)).toEqual(["kept"]);
      expect(await listed(project)).toMatchObject([{ name: "kept", args: [`${n}`] }]);
      const begun = system
        .call("agent.run", { image: "sleeper:1.0.0", project: other, limits })
        .catch((error: Error) => error);
      await later(n);
      await system.call("project.remove", { project: other });
      await begun;
      await barrier(other);
      expect(await listed(other)).toEqual([]);
    }
    await system.call("project.remove", { project });
  });

  test("holds for an agent that is being paused, whichever comes first", async () => {
    const project = "p14";
    for (let n = 0; n < 20; n++) {
      await apply({ project, agents: { kept: sleeper } });
      await expect.poll(() => running(project)).toEqual(["kept"]);
      const paused = system
        .call("agent.pause", { project, name: "kept" })
        .catch((error: Error) => error);
      for (let turns = 0; turns < n; turns++) await new Promise((resolve) => setImmediate(resolve));
      await apply({ project, agents: { kept: { ...sleeper, args: [`${n}`] } } });
      await paused;
      await expect
        .poll(() => listed(project))
        .toMatchObject([{ state: "running", args: [`${n}`] }]);
    }
    await system.call("project.remove", { project });
  });

  test("says sizes and shares as an agent's own file does, or as numbers", async () => {
    const said = { ...sleeper, limits: { memory: "256K", cpu: "1.5%", storage: "1M" } };
    const limits = { memory: 256 * 1024, cpu: 0.015, storage: 1024 * 1024 };
    await apply({ project: "p10", memory: "4M", agents: { a: said } });
    expect(await listed("p10")).toMatchObject([{ limits }]);
    const same = { project: "p10", memory: 4 << 20, agents: { a: { ...sleeper, limits } } };
    expect(await apply(same)).toMatchObject({ unchanged: ["a"], changed: [] });
    await system.call("project.remove", { project: "p10" });
  });

  test("who was killed is started when it is applied again; who has ended by itself isn't", async () => {
    const ended = { image: "ender:1.0.0", args: ["0"], limits, restart: "no" };
    const document: Doc = { project: "p9", agents: { killed: sleeper, ended } };
    await apply(document);
    await expect.poll(() => running("p9")).toContain("killed");
    await system.call("agent.wait", { project: "p9", name: "ended", wait: 20 });
    await system.call("agent.kill", { project: "p9", name: "killed" });
    const again = { created: [], changed: ["killed"], unchanged: ["ended"], removed: [] };
    expect(await apply(document)).toMatchObject(again);
    await expect.poll(() => running("p9")).toEqual(["killed"]);
    await system.call("project.remove", { project: "p9" });
  });

  test.each<[string, Doc, string]>([
    [
      "size that is none",
      { project: "x", agents: { a: { ...sleeper, limits: { memory: "lots" } } } },
      'agents.a.limits.memory: "lots" is not a size like 64M',
    ],
    [
      "size that is too small",
      { project: "x", agents: { a: { ...sleeper, limits: { memory: "1K" } } } },
      "agents.a.limits.memory: less than 64 KiB",
    ],
    [
      "share that is none",
      { project: "x", agents: { a: { ...sleeper, limits: { cpu: "much" } } } },
      "agents.a.limits.cpu: not a share like 20% or 0.2",
    ],
    [
      "unknown image",
      { project: "x", agents: { a: { image: "none" } } },
      "agents.a.image: there is",
    ],
    [
      "ring",
      {
        project: "x",
        agents: {
          a: { ...sleeper, dependsOn: { b: "started" } },
          b: { ...sleeper, dependsOn: { c: "started" } },
          c: { ...sleeper, dependsOn: { a: "started" } },
        },
      },
      "agents.a.dependsOn: it waits for itself: a → b → c → a",
    ],
    [
      "unknown dependency",
      { project: "x", agents: { a: { ...sleeper, dependsOn: { z: "started" } } } },
      "agents.a.dependsOn.z: the document has no such agent",
    ],
    [
      "health without check",
      {
        project: "x",
        agents: { a: { ...sleeper, dependsOn: { b: "healthy" } }, b: sleeper },
      },
      "agents.a.dependsOn.b: b has no health check",
    ],
    [
      "unknown image of a health check",
      { project: "x", agents: { a: { ...sleeper, health: { exec: ["none"] } } } },
      "agents.a.health.exec.0: there is",
    ],
    ["unknown member", { project: "x", agents: { a: { ...sleeper, imag: 1 } } } as Doc, "agents.a"],
    [
      "both times",
      { project: "x", jobs: { j: { ...sleeper, every: 1, cron: "* * * * *" } } },
      "jobs.j",
    ],
    ["bad cron", { project: "x", jobs: { j: { ...sleeper, cron: "61 * * * *" } } }, "jobs.j.cron"],
    [
      "capability",
      { project: "x", agents: { a: { ...sleeper, capabilities: ["FS_READ:x"] } } },
      "agents.a.capabilities.0",
    ],
  ])("with a mistake is refused by its path: %s", async (_name, document, message) => {
    await expect(apply(document)).rejects.toThrow(message);
    expect(await listed("x")).toEqual([]);
  });

  test("agents start in the order of their dependencies, and wait for health", async () => {
    const health = { interval: 0.05, timeout: 0.5 };
    await apply({
      project: "p2",
      agents: {
        app: { ...sleeper, dependsOn: { db: "healthy" } },
        db: { ...sleeper, health, dependsOn: { disk: "started" } },
        disk: sleeper,
      },
    });
    const order = async () => {
      const { events } = await system.call("events.read", { project: "p2", limit: 1000 });
      return events
        .filter(({ kind }) => kind === "agent.started" || kind === "agent.healthy")
        .map(({ kind, name }) => `${name} ${kind.slice(6)}`);
    };
    await expect
      .poll(order, { timeout: 10_000 })
      .toEqual(["disk started", "db started", "db healthy", "app started"]);
  });

  test("an agent that doesn't answer is unhealthy, is ended, and its policy decides", async () => {
    const health = { interval: 0.05, timeout: 0.05, retries: 2 };
    const restart = { policy: "on-failure", limit: 1, pause: 0.01 } as const;
    await apply({
      project: "p3",
      agents: { d: { ...sleeper, image: "deaf:1.0.0", health, restart } },
    });
    await expect
      .poll(() => system.call("agent.inspect", { project: "p3", name: "d" }), { timeout: 10_000 })
      .toMatchObject({ state: "exited", restarts: 1 });
  });

  test("another image says whether an agent is well, and nothing of it is left", async () => {
    const project = "p5";
    const check = { interval: 0.05, timeout: 5, retries: 2 };
    const deaf = { image: "deaf:1.0.0", limits, restart: { policy: "no" } as const };
    const health = (code: string) => ({ ...check, exec: ["ender:1.0.0", code] });
    await apply({
      project,
      agents: { well: { ...deaf, health: health("0") }, ill: { ...deaf, health: health("3") } },
    });
    const ill = await system.call("agent.wait", { project, name: "ill", wait: 20 });
    expect(ill.exit).toEqual({ reason: "killed", code: 1 });
    expect(await firstOf(project, "agent.healthy", "agent.unhealthy", "well")).toBe(
      "agent.healthy",
    );
    expect(await firstOf(project, "agent.healthy", "agent.unhealthy", "ill")).toBe(
      "agent.unhealthy",
    );
    // Those two, and who says how the one is.
    expect((await listed(project)).length).toBeLessThanOrEqual(3);
    const ender = { reference: "ender:1.0.0" };
    await expect(system.call("image.remove", ender)).rejects.toThrow(
      "ender:1.0.0 is wanted by the health check of p5/well, the health check of p5/ill; remove",
    );
    await system.call("project.remove", { project });
  });

  test("that there is no room for who was to say it isn't held against an agent", async () => {
    const project = "p7";
    const health = { interval: 0.05, timeout: 5, retries: 1, exec: ["ender:1.0.0", "0"] };
    const deaf = { image: "deaf:1.0.0", restart: { policy: "no" } as const };
    const memory = 1 << 20;
    const agents = { full: { ...deaf, limits: { memory: 700 << 10 }, health } };
    await apply({ project, memory, agents });
    await firstOf(project, "agent.started", "agent.exited", "full");
    // Once this one has been checked ten times, that one has been, too.
    const other = {
      ...deaf,
      limits,
      health: { ...health, exec: ["ender:1.0.0", "1"], retries: 10 },
    };
    await apply({ project: "p8", agents: { other } });
    await system.call("agent.wait", { project: "p8", name: "other", wait: 30 });
    const { state, health: is } = await system.call("agent.inspect", { project, name: "full" });
    expect([state, is]).toEqual(["running", "starting"]);
    for (const it of [project, "p8"]) await system.call("project.remove", { project: it });
  });

  test("who says nothing in time says that an agent isn't well", async () => {
    const health = { interval: 0.05, timeout: 0.05, retries: 1, exec: ["deaf:1.0.0"] };
    const deaf = { image: "deaf:1.0.0", limits, restart: { policy: "no" } as const };
    await apply({ project: "p6", agents: { a: { ...deaf, health } } });
    const { exit } = await system.call("agent.wait", { project: "p6", name: "a", wait: 20 });
    expect(exit).toEqual({ reason: "killed", code: 1 });
    await system.call("project.remove", { project: "p6" });
  });

  test("a project has the memory that it says, and no more", async () => {
    const memory = 4 << 20;
    const big = { ...sleeper, limits: { memory: 3 << 20 }, restart: "no" };
    await apply({ project: "p4", memory, agents: { a: big } });
    await expect.poll(() => running("p4")).toEqual(["a"]);
    const run = { ...sleeper, project: "p4", name: "b", limits: { memory: 3 << 20 } };
    await expect(system.call("agent.run", run)).rejects.toThrow(
      "QUOTA: the project has no 3 MiB of memory left: give the agent less",
    );
    await expect(apply({ project: "p4", memory: 2 * memory, agents: { a: big } })).rejects.toThrow(
      "memory",
    );
    await system.call("agent.kill", { project: "p4", name: "a" });
    await apply({ project: "p4", memory: 2 * memory, agents: { a: big } });
    await expect
      .poll(() => system.call("agent.run", run).then(({ state }) => state))
      .toBe("running");
    await apply({ project: "p8", memory: 512 << 20 });
    await expect(system.call("agent.run", { ...run, project: "p8" })).rejects.toThrow(
      "QUOTA: the machine has no 512 MiB of memory left: give the project less",
    );
  });
});

describe("jobs", () => {
  test("are what makes a project, as agents and limits are: it is listed, and goes with them", async () => {
    const named = async () => (await system.call("project.list", {})).map(({ name }) => name);
    const jobs = { later: { image: "ender:1.0.0", every: 3600 } };
    await apply({ project: "j2", jobs });
    await apply({ project: "j3", memory: 1 << 20 });
    expect(await named()).toEqual(expect.arrayContaining(["j2", "j3"]));
    for (const project of ["j2", "j3"]) {
      expect(await system.call("project.remove", { project })).toEqual({ agents: 0 });
      expect(await named()).not.toContain(project);
      await expect(system.call("project.remove", { project })).rejects.toThrow("no project");
    }
    expect(await system.call("job.list", { project: "j2" })).toEqual([]);
  });

  test("run every so often, one at a time, and keep a history", async () => {
    const job = { image: "ender:1.0.0", args: ["0"], limits, every: 0.1, history: 2 };
    await apply({ project: "j1", jobs: { tick: job } });
    await expect
      .poll(async () => (await system.call("job.list", { project: "j1" }))[0]?.runs, {
        timeout: 10_000,
      })
      .toBeGreaterThan(4);
    const cancelled = await system.call("job.cancel", { project: "j1", name: "tick" });
    expect(cancelled.next).toBeNull();
    const runs = await listed("j1");
    expect(runs.length).toBeLessThanOrEqual(3);
    expect(runs.every(({ origin }) => origin === "job:tick")).toBe(true);
  });

  test.each([
    ["forbid", "job.skipped"],
    ["replace", "job.started"],
  ] as const)("when the last run isn't over: %s", async (concurrency, kind) => {
    const project = `j-${concurrency}`;
    await apply({ project, jobs: { slow: { ...sleeper, every: 0.1, concurrency, history: 1 } } });
    await expect
      .poll(
        async () => {
          const { events } = await system.call("events.read", { project, limit: 1000 });
          return events.filter((event) => event.kind === kind).length;
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(2);
    const live = (await listed(project)).filter(({ agent }) => agent !== null);
    expect(live.length).toBeLessThanOrEqual(2);
    await system.call("project.remove", { project });
    expect(await system.call("job.list", { project })).toEqual([]);
  });

  test("a run takes no name that an agent has, so none is forgotten while it lives", async () => {
    const project = "j-names";
    const byHand = { ...sleeper, project, name: "tick-1" };
    const { uid } = await system.call("agent.run", byHand);
    const job = { ...sleeper, every: 0.1, concurrency: "allow", history: 10 } as const;
    await apply({ project, jobs: { tick: job } });
    const names = async () => (await listed(project)).map(({ name }) => name);
    await expect.poll(names, { timeout: 10_000 }).toContain("tick-3");
    // A job that is taken out and in again begins to count anew; its runs are there still.
    await apply({ project, jobs: {} });
    const before = await listed(project);
    await apply({ project, jobs: { tick: job } });
    await expect
      .poll(async () => (await system.call("job.list", { project }))[0]?.runs, { timeout: 10_000 })
      .toBeGreaterThan(1);
    const after = new Map((await listed(project)).map((it) => [it.name, it.uid]));
    for (const it of before) expect([it.name, after.get(it.name)]).toEqual([it.name, it.uid]);
    expect(after.get("tick-1")).toBe(uid);
    await system.call("project.remove", { project });
  });
});

describe("times as crontab(5) has them", () => {
  const at = (text: string) => Date.parse(text) / 1000;

  test.each([
    ["*/15 * * * *", "2026-01-01T00:01:00Z", "2026-01-01T00:15:00Z"],
    ["0 3 * * 1-5", "2026-01-02T03:00:00Z", "2026-01-05T03:00:00Z"],
    ["30 4 1,15 * 5", "2026-01-03T00:00:00Z", "2026-01-09T04:30:00Z"],
    ["0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"],
    ["59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"],
    ["0 12 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T12:00:00Z"],
  ])("%s after %s is %s", (cron, after, next) => {
    expect(nextTime(parseCron(cron), at(after))).toBe(at(next));
  });

  test("a day that never comes has no time", () => {
    expect(nextTime(parseCron("0 0 31 2 *"), 0)).toBeNull();
  });

  test.each(["* * * *", "a * * * *", "*/0 * * * *", "5-1 * * * *", "* 24 * * *", "* * 0 * *"])(
    "%s is refused",
    (cron) => expect(() => parseCron(cron)).toThrow("cron"),
  );
});

describe("order", () => {
  test("a graph has a ring exactly when no order puts all behind what they wait for", () => {
    const graphs = fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(graphs, (edges) => {
        const graph = new Map(
          edges.map((to, n) => [`${n}`, to.filter((it) => it < edges.length).map(String)]),
        );
        // Kahn's algorithm: take away what waits for nothing that is left.
        const left = new Map(graph);
        for (let taken = true; taken; ) {
          taken = false;
          for (const [name, to] of left)
            if (!to.some((it) => left.has(it))) taken = left.delete(name);
        }
        const ring = cycleOf(graph);
        expect(ring !== null).toBe(left.size > 0);
        for (const [n, name] of (ring ?? []).slice(1).entries())
          expect(graph.get(ring?.[n] ?? "")).toContain(name);
      }),
    );
  });
});

describe("the verdict on an end", () => {
  const policy = {
    policy: "always",
    limit: 0,
    pause: 1,
    longestPause: 60,
    healthyAfter: 10,
  } as const;

  test("pauses double up to the longest, and begin anew after a time of health", () => {
    const pauses: number[] = [];
    for (let failures = 0; failures < 8; ) {
      const judged = verdict(policy, { reason: "exited", code: 1 }, failures, 0);
      if (!judged.again) break;
      pauses.push(judged.pause);
      failures = judged.failures;
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(verdict(policy, { reason: "exited", code: 1 }, 8, 10)).toMatchObject({ pause: 1 });
  });
});
