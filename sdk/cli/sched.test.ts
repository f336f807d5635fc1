import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "aios-sched-"));
afterAll(() => rmSync(folder, { recursive: true }));

const aios = (...options: string[]) =>
  spawnSync("node", ["pkg/cli.js", "sched", ...options], { encoding: "utf8" });

interface Summary {
  readonly name: string;
  readonly service: number;
  readonly ideal: number | null;
  readonly lag: { readonly least: number; readonly greatest: number } | null;
  readonly misses: number;
  readonly overruns: number;
  readonly switches: number;
  readonly ticks: { readonly count: number; readonly max: number } | null;
}
interface Result {
  readonly end: string;
  readonly elapsedNs: number;
  readonly lostRecords: number;
  readonly refused: readonly { readonly agent: string; readonly status: string }[];
  readonly failures: readonly unknown[];
  readonly agents: readonly Summary[];
}

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function run(tasks: unknown, ...options: string[]): Result {
  const { stdout, stderr } = aios(file("w.json", { tasks }), "--json", ...options);
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Result;
}

const MS = 1_000_000;
const one = ["--cpus", "1"];

describe("aios sched", () => {
  test("shares a processor by weight: each agent gets what the fluid ideal gives it, to a quantum", () => {
    const tasks = {
      a: { weight: 1000, run: 5000 },
      b: { weight: 2000, run: 700 },
      c: { weight: 5000, run: 90 },
    };
    const { agents, end, elapsedNs, lostRecords } = run(tasks, ...one, "--until", "200ms");
    expect([end, elapsedNs, lostRecords]).toEqual(["limit", 200 * MS, 0]);
    const total = agents.reduce((sum, { service }) => sum + service, 0);
    for (const [index, weight] of [1000, 2000, 5000].entries()) {
      const { service = 0, lag } = agents[index] ?? {};
      expect(Math.abs(service - (total * weight) / 8000)).toBeLessThan(MS);
      expect(lag?.greatest).toBeLessThan(MS);
      expect(lag?.least).toBeGreaterThan(-MS);
    }
  });

  test("keeps budgets: no deadline is missed beside a busy fair class, and ticks come in time", () => {
    const tasks = {
      timed: {
        instance: 3,
        policy: "SCHED_DEADLINE",
        "dl-runtime": 2500,
        "dl-period": 10000,
        run: 2400,
        timer: { ref: "unique", period: 10000, mode: "absolute" },
      },
      busy: { instance: 3, run: 10000 },
    };
    const { agents } = run(tasks, ...one, "--until", "300ms");
    for (const { name, misses, overruns, ticks, service } of agents) {
      if (name.startsWith("busy")) expect(service).toBeGreaterThan(5 * MS);
      else expect([misses, overruns, ticks?.count]).toEqual([0, 0, 29]);
    }
  });

  test("says which agents the kernel didn't admit", () => {
    const tasks = {
      big: {
        instance: 2,
        policy: "SCHED_DEADLINE",
        "dl-runtime": 6000,
        "dl-period": 10000,
        run: 1,
      },
    };
    const { refused } = run(tasks, ...one, "--until", "10ms");
    expect(refused).toEqual([{ agent: "big-1", status: "not admitted" }]);
  });

  test("bounds a wait for a mutex by inheritance, which pi_enabled switches", () => {
    const overruns = (pi: boolean) => {
      const text = readFileSync("sdk/workload/suite/priority-inversion.json", "utf8");
      const path = file("pi.json", text.replace('"pi_enabled": true', `"pi_enabled": ${pi}`));
      const { stdout } = aios(path, "--json", "--until", "500ms");
      const { agents } = JSON.parse(stdout) as Result;
      return agents.find(({ name }) => name === "urgent")?.overruns;
    };
    expect(overruns(true)).toBe(0);
    expect(overruns(false)).toBeGreaterThan(0);
  });

  test("a group's agents share its weight", () => {
    const tasks = {
      alone: { run: 1000 },
      member: { instance: 3, taskgroup: "/g", run: 1000 },
    };
    const { agents } = run(tasks, ...one, "--until", "200ms");
    const [alone, ...members] = agents.map(({ service }) => service / (200 * MS));
    expect(alone).toBeCloseTo(0.5, 1);
    for (const member of members) expect(member).toBeCloseTo(1 / 6, 1);
  });

  test("tasks meet at barriers, hand conditions on, fork and exchange messages until all have ended", () => {
    const meet = { loop: 5, run: { random: [10, 90] }, barrier: "all" };
    const { end, failures, agents } = run({
      a: meet,
      b: { instance: 3, ...meet },
      ping: { loop: 20, sync: { ref: "c", mutex: "m" }, resume: "done" },
      pong: { loop: 20, sync: { ref: "c", mutex: "m" }, resume: "done" },
      parent: { loop: 3, run: 10, fork: "child" },
      child: { instance: 0, loop: 1, run: 10 },
      sender: { loop: 200, send: { ref: "q", bytes: 100 } },
      receiver: { loop: 100, instance: 2, receive: "q" },
      ticker: { instance: 2, loop: 3, timer: { ref: "shared", period: 1000 } },
    });
    expect(failures).toEqual([]);
    expect(agents.filter(({ name }) => name.startsWith("child+"))).toHaveLength(3);
    // Whoever of ping and pong is done first leaves the other waiting.
    expect(end).toBe("stuck");
  });

  test("ends with status 0 when all agents have, and 3 when some wait for what can't come", () => {
    const ended = aios(file("ends.json", { tasks: { a: { loop: 2, run: 10 } } }));
    expect([ended.status, ended.stdout]).toEqual([
      0,
      expect.stringContaining("all agents have ended"),
    ]);
    const stuck = aios(file("stuck.json", { tasks: { a: { loop: 1, suspend: "never" } } }));
    expect(stuck.status).toBe(3);
    expect(stuck.stderr).toContain('nobody resumes "never"');
  });

  test("prints the same report for the same seed, and another one for another", () => {
    const path = file("random.json", {
      tasks: { a: { instance: 4, run: { random: [10, 900] }, sleep: { random: [10, 900] } } },
    });
    const report = (...options: string[]) => aios(path, "--until", "50ms", ...options).stdout;
    const first = report();
    expect(first).toContain("wake-up to running, us");
    expect(report()).toBe(first);
    expect(report("--seed", "ab".repeat(32))).not.toBe(first);
  });

  test("quantum and reserve are what the options say", () => {
    const tasks = { a: { instance: 2, run: 10000 } };
    const switches = (...options: string[]) =>
      run(tasks, ...one, "--until", "100ms", ...options).agents[0]?.switches ?? 0;
    expect(switches("--quantum", "500us")).toBeGreaterThan(1.5 * switches("--quantum", "1ms"));
    const full = {
      all: { policy: "SCHED_DEADLINE", "dl-runtime": 10000, "dl-period": 10000, run: 1 },
    };
    const refused = (percent: string) =>
      run(full, ...one, "--until", "10ms", "--fair-reserve", percent).refused.length;
    expect([refused("0"), refused("10%")]).toEqual([0, 1]);
  });

  test("writes a picture and a trace", () => {
    const [plot, trace] = [join(folder, "p.svg"), join(folder, "t.json")];
    expect(aios("ping-pong", "--until", "5ms", "--plot", plot, "--trace", trace).status).toBe(0);
    expect(readFileSync(plot, "utf8")).toContain("<title>ping-pong: who ran when</title>");
    const { traceEvents } = JSON.parse(readFileSync(trace, "utf8")) as { traceEvents: unknown[] };
    expect(traceEvents.length).toBeGreaterThan(100);
  });

  test("lists the workloads that come along, and runs each by its name", () => {
    const names = aios("--list")
      .stdout.trim()
      .split("\n")
      .map((line) => line.split(" ")[0] ?? "");
    expect(names).toContain("hackbench");
    for (const name of names) {
      const { status, stderr } = aios(name, "--until", "5ms");
      expect([name, status, stderr]).toEqual([name, 0, ""]);
    }
  });

  test.each([
    [[], "a workload is missing"],
    [["/nowhere/w.json"], "/nowhere/w.json"],
    [["fairness", "--cpus", "0"], "cpus"],
    [["fairness", "--until", "soon"], '"soon" is not a time'],
    [["fairness", "--fair-reserve", "101"], "not a percentage"],
    [["fairness", "--seed", "12"], "64 hexadecimal digits"],
    [["cyclictest", "--cpus", "2"], "tasks.cyclic2.cpus.0: there is no CPU 2"],
    [["fairness", "--speed", "1"], "unknown option"],
  ])("refuses %j with status 2 and a line that says why", (options, message) => {
    const { status, stderr } = aios(...options);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });

  test("refuses a bad file with its line, column, key and reason, and one that would never end", () => {
    const bad = file("bad.json", '{\n  "tasks": { "t": { "run": "fast" } }\n}');
    const { status, stderr } = aios(bad);
    expect([status, stderr]).toEqual([
      2,
      `aios: ${bad}:2:28: tasks.t.run: a string where a whole number belongs\n`,
    ]);
    const endless = aios(file("endless.json", { tasks: { a: { run: 1 } } }));
    expect([endless.status, endless.stderr]).toEqual([2, expect.stringContaining("--until")]);
  });

  test("--console shows the machine from power-on to power-off, however busy it is", () => {
    const { stdout, status } = aios("mixed", "--cpus", "4", "--until", "50ms", "--console");
    expect(status).toBe(0);
    const told = [
      "AIOS",
      "agents: init started",
      "power button: stopping",
      "power off",
      "promised",
    ];
    const places = told.map((text) => stdout.indexOf(text));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });
});
