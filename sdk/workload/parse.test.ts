import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WorkloadError } from "./error.ts";
import { NESTING_MAX } from "./json.ts";
import type { Step, Task } from "./model.ts";
import { parseWorkload } from "./parse.ts";

const parse = (text: string, cpus?: number) => parseWorkload(text, "w.json", cpus);
const us = 1000;
const span = (microseconds: number) => ({ least: microseconds * us, most: microseconds * us });

function only(text: string): Task {
  const { tasks } = parse(text);
  expect(tasks).toHaveLength(1);
  return tasks[0] as Task;
}
const task = (body: string) => only(`{ "tasks": { "t": { ${body} } } }`);
const steps = (body: string): readonly Step[] => task(body).phases.flatMap((phase) => phase.steps);

function refusal(text: string, cpus?: number): string {
  try {
    parse(text, cpus);
  } catch (error) {
    if (error instanceof WorkloadError) return error.message;
    throw error;
  }
  return "accepted";
}

// What rt-app's doc/tutorial.txt promises.
describe("rt-app's format", () => {
  test("only tasks is mandatory; without global a file runs until its tasks have ended", () => {
    const { duration, inheritance, tasks } = parse('{ "tasks": { "a": { "run": 10 } } }');
    expect([duration, inheritance, tasks.length]).toEqual([null, false, 1]);
    expect(parse('{"tasks":{"a":{"run":1}},"global":{"duration":-1}}').duration).toBe(null);
    expect(parse('{"tasks":{"a":{"run":1}},"global":{"duration":6}}').duration).toBe(6e9);
  });

  test("a task without phases is one phase with its events", () => {
    const plain = task('"run": 10, "sleep": 10');
    const phased = task('"phases": { "phase1": { "run": 10, "sleep": 10 } }');
    expect(plain.phases[0]?.steps).toEqual(phased.phases[0]?.steps);
    expect(plain.phases[0]?.steps).toEqual([
      { kind: "run", span: span(10) },
      { kind: "sleep", span: span(10) },
    ]);
  });

  test("tasks loop for ever and phases once unless they say otherwise", () => {
    const phased = task('"phases": { "a": { "run": 1 }, "b": { "loop": 7, "run": 1 } }');
    expect([phased.loop, ...phased.phases.map(({ loop }) => loop)]).toEqual([-1, 1, 7]);
    expect(task('"loop": 3, "run": 1').loop).toBe(3);
    expect(task('"run": 1')).toMatchObject({ loop: -1, instances: 1, delay: 0, cpus: null });
  });

  test("times are microseconds, and durations of the whole seconds", () => {
    expect(task('"delay": 250, "run": 1').delay).toBe(250_000);
    expect(steps('"sleep": 3')).toEqual([{ kind: "sleep", span: { least: 3000, most: 3000 } }]);
  });

  test("events keep their order, whether keys repeat or are told apart by an ending", () => {
    const kinds = (body: string) => steps(body).map((step) => step.kind);
    const repeated = '"run": 1, "sleep": 2, "run": 3, "runtime": 4, "sleep": 5';
    const numbered = '"run0": 1, "sleep0": 2, "run1": 3, "runtime_x": 4, "sleepB": 5';
    expect(kinds(repeated)).toEqual(["run", "sleep", "run", "runtime", "sleep"]);
    expect(steps(numbered)).toEqual(steps(repeated));
  });

  test("comments, and commas before a closing bracket, are as good as not there", () => {
    const text = `{
      /* a use case */
      "tasks": { "a": { "run": 10, "cpus": [ 0, ], }, }, // and its end
    }`;
    expect(only(text).cpus).toEqual([0]);
  });

  test("a deadline's default is the period, and the period's is the runtime", () => {
    const budget = (body: string) =>
      task(`"policy": "SCHED_DEADLINE", "run": 1, ${body}`).scheduling.budget;
    expect(budget('"dl-runtime": 2000')).toEqual({ runtime: 2e6, deadline: 2e6, period: 2e6 });
    expect(budget('"dl-runtime": 2000, "dl-period": 9000')).toMatchObject({ deadline: 9e6 });
    expect(budget('"dl-runtime": 2000, "dl-period": 9000, "dl-deadline": 4000')).toEqual({
      runtime: 2e6,
      deadline: 4e6,
      period: 9e6,
    });
  });

  test("a budget's older names count in a task, where runtime is an event as well", () => {
    const phases = '"phases": { "p": { "run": 1 } }';
    const old = '"policy": "SCHED_DEADLINE", "runtime": 10, "period": 30, "deadline": 20';
    const budget = { runtime: 10 * us, deadline: 20 * us, period: 30 * us };
    expect(task(`${old}, ${phases}`).scheduling.budget).toEqual(budget);
    const both = task(old);
    expect(both.scheduling.budget).toEqual(budget);
    expect(both.phases[0]?.steps).toEqual([{ kind: "runtime", span: span(10) }]);
  });

  test("policies are classes, and a file's default policy holds where a task has none", () => {
    const policy = (name: string) => task(`"policy": "${name}", "dl-runtime": 9, "run": 1`);
    expect(policy("SCHED_DEADLINE").scheduling.class).toBe("realtime");
    expect(policy("SCHED_OTHER").scheduling).toMatchObject({ class: "fair" });
    const text = '{"tasks":{"a":{"run":1}},"global":{"default_policy":"SCHED_IDLE"}}';
    expect(only(text).scheduling.class).toBe("idle");
  });

  // Linux, kernel/sched/core.c, sched_prio_to_weight.
  test.each([
    [-20, 88761],
    [-10, 9548],
    [-1, 1277],
    [0, 1024],
    [1, 820],
    [10, 110],
    [19, 15],
  ])("nice %i weighs %i, as in Linux", (nice, weight) => {
    expect(task(`"priority": ${nice}, "run": 1`).scheduling.weight).toBe(weight);
  });

  test("one level of nice is a factor of 1.25, within what whole numbers allow", () => {
    const weight = (nice: number) => task(`"priority": ${nice}, "run": 1`).scheduling.weight;
    for (let nice = -20; nice < 19; nice++) {
      const ideal = weight(nice + 1) * 1.25;
      expect(Math.abs(weight(nice) - ideal)).toBeLessThan(Math.max(1, ideal * 0.04));
    }
  });

  test("a phase may change processors and scheduling; what it doesn't name stays", () => {
    const { phases, cpus } = task(`"cpus": [4, 5, 6], "phases": {
      "a": { "cpus": [1, 0], "run": 1 },
      "b": { "priority": 5, "run": 1 },
      "c": { "run": 1 } }`);
    expect(cpus).toEqual([4, 5, 6]);
    expect(phases.map((phase) => phase.cpus)).toEqual([[0, 1], null, null]);
    expect(phases.map((phase) => phase.scheduling?.weight)).toEqual([undefined, 335, undefined]);
  });

  test('timers are relative unless they say otherwise, and an agent\'s own when named "unique"', () => {
    const timer = (body: string) => steps(`"timer": { ${body} }`)[0];
    const common = { kind: "timer", period: 20_000 };
    expect(timer('"ref": "uniqueA", "period": 20')).toEqual({
      ...common,
      timer: "uniqueA",
      unique: true,
      mode: "relative",
    });
    expect(timer('"ref": "tick", "period": 20, "mode": "absolute"')).toEqual({
      ...common,
      timer: "tick",
      unique: false,
      mode: "absolute",
    });
  });

  test("sync takes the mutex itself where it isn't held", () => {
    const sync = '"sync": { "ref": "c", "mutex": "m" }';
    const common = { kind: "sync", condition: "c", mutex: "m" };
    expect(steps(sync)).toEqual([{ ...common, locks: true }]);
    expect(steps(`"lock": "m", ${sync}, "unlock": "m"`)[1]).toEqual({ ...common, locks: false });
  });

  test("an empty suspend is the task's own name", () => {
    expect(steps('"suspend": "", "suspend": "x"')).toEqual([
      { kind: "suspend", name: "t" },
      { kind: "suspend", name: "x" },
    ]);
  });

  test("a barrier is passed by as many agents as name it, instances counted", () => {
    const { barriers } = parse(`{ "tasks": {
      "a": { "instance": 3, "barrier": "ALL" },
      "b": { "barrier": "ALL", "run": 1, "barrier": "OTHER" } } }`);
    expect([...barriers]).toEqual([
      ["ALL", 4],
      ["OTHER", 1],
    ]);
  });

  test("a task of no instances is there to be forked", () => {
    const { tasks } = parse(`{ "tasks": {
      "a": { "fork": "child", "run": 1 }, "child": { "instance": 0, "loop": 1, "run": 1 } } }`);
    expect(tasks.map(({ instances }) => instances)).toEqual([1, 0]);
  });

  test("groups are paths; those around them exist too, parents first", () => {
    const { groups, tasks } = parse(`{ "tasks": {
      "a": { "taskgroup": "/db/readers", "run": 1 }, "b": { "taskgroup": "", "run": 1 } },
      "groups": { "/db": { "weight": 2048 } } }`);
    expect(groups).toEqual([
      { path: "/db", weight: 2048 },
      { path: "/db/readers", weight: 1024 },
    ]);
    expect(tasks.map(({ group }) => group)).toEqual(["/db/readers", ""]);
  });

  test("what is about logs and Linux alone is let through, and noted where it would matter", () => {
    const { notes } = parse(`{
      "tasks": { "a": { "util_min": 512, "nodes_membind": [0], "run": 1 } },
      "global": { "calibration": "CPU0", "lock_pages": true, "logdir": "./", "log_basename": "x",
        "log_size": "file", "ftrace": "main,task", "gnuplot": true, "cumulative_slack": false,
        "io_device": "/dev/null", "mem_buffer_size": 4194304, "pi_enabled": true } }`);
    expect(notes).toEqual([
      "util_min has no effect: processors run at one speed",
      "nodes_membind has no effect: all memory is equally near",
    ]);
  });

  test("who waits for what nobody signals is noted", () => {
    const { notes } = parse('{ "tasks": { "a": { "suspend": "b" } } }');
    expect(notes).toEqual(['nobody resumes "b": who suspends on it waits for ever']);
  });
});

describe("what is ours", () => {
  test("weights and classes by name, foreground, random spans, messages", () => {
    expect(task('"weight": 300, "foreground": true, "run": 1').scheduling).toEqual({
      class: "fair",
      weight: 300,
      budget: null,
      foreground: true,
    });
    expect(task('"class": "idle", "run": 1').scheduling.class).toBe("idle");
    expect(steps('"run": { "random": [5, 9] }, "send": { "ref": "q", "bytes": 100 }')).toEqual([
      { kind: "run", span: { least: 5000, most: 9000 } },
      { kind: "send", queue: "q", bytes: 100 },
    ]);
  });
});

describe("bad files are refused with file, line, column, key and reason", () => {
  test("in full", () => {
    const text = '{\n  "tasks": {\n    "t": { "run": "fast" }\n  }\n}';
    expect(refusal(text)).toBe("w.json:3:19: tasks.t.run: a string where a whole number belongs");
  });

  const deadline = '"policy": "SCHED_DEADLINE", "run": 1';
  test.each([
    ['"rum": 1', "tasks.t.rum: unknown key; settings are"],
    ['"runn": 1', "tasks.t.runn: unknown key"],
    ['"run": 1.5', "1.5 is not a whole number"],
    ['"run": -1', "-1 is not from 0 to 86400000000"],
    ['"run": true', "a boolean where a whole number belongs"],
    ['"run": { "random": [9, 5] }', "the least is more than the most"],
    ['"run": { "random": [9] }', "a random span is"],
    ['"lock": 1', "a number where a string belongs"],
    ['"sleep": null', "null where a whole number belongs"],
    ['"timer": { "period": 5 }', '"ref" is missing'],
    ['"timer": { "ref": "x", "period": 5, "mode": "late" }', '"late" is not one of relative'],
    ['"timer": { "ref": "x", "period": 5, "phase": 1 }', "tasks.t.timer.phase: unknown key"],
    ['"run": 1, "cpus": []', "no CPU is left"],
    ['"run": 1, "cpus": [64]', "tasks.t.cpus.0: 64 is not from 0 to 63"],
    ['"run": 1, "cpus": 0', "a number where an array belongs"],
    ['"loop": 0, "run": 1', "nothing would be done"],
    ['"loop": 1, "loop": 2, "run": 1', "the key is given twice"],
    ['"loop": 1', "no events"],
    ['"phases": {}', "no phases"],
    ['"phases": { "p": { "run": 1 } }, "run": 1', "events stand in the phases"],
    ['"phases": { "p": { "phases": {} } }', "tasks.t.phases.p.phases: unknown key"],
    ['"run": 1, "policy": "SCHED_FIFO"', "no class of fixed priorities"],
    ['"run": 1, "policy": "SCHED_BATCH"', '"SCHED_BATCH" is not one of SCHED_OTHER'],
    ['"run": 1, "priority": 20', "20 is not from -20 to 19"],
    ['"run": 1, "priority": 0, "weight": 1', "priority says it already"],
    ['"run": 1, "weight": 0', "0 is not from 1"],
    ['"run": 1, "class": "idle", "weight": 5', "says nothing about the idle class"],
    ['"run": 1, "dl-period": 5', "says nothing about the fair class"],
    ['"run": 1, "period": 5', "says nothing about the fair class"],
    [`${deadline}`, "the real-time class needs dl-runtime"],
    [`${deadline}, "dl-period": 5`, "a budget needs dl-runtime"],
    [`${deadline}, "dl-runtime": 0`, "0 is not from 1"],
    [`${deadline}, "dl-runtime": 6, "dl-period": 5`, "6 us can't be had within 5 us"],
    [`${deadline}, "dl-runtime": 3, "dl-period": 9, "dl-deadline": 2`, "no schedule meets"],
    [`${deadline}, "dl-runtime": 3, "dl-period": 9, "dl-deadline": 10`, "after the period's end"],
    [`${deadline}, "dl-runtime": 3, "taskgroup": "/g"`, "a budget stands by itself"],
    ['"run": 1, "taskgroup": "g"', "a group is a path"],
    ['"run": 1, "taskgroup": "/a/b/c/d/e"', "groups nest at most 4 deep"],
    ['"lock": "a\\u001b[2J"', "a control character"],
    ['"fork": "nobody"', 'there is no task "nobody"'],
    ['"unlock": "m"', '"m" isn\'t held here'],
    ['"lock": "m", "lock": "m"', "it would wait for itself"],
    ['"lock": "m", "run": 1', '"m" isn\'t locked as often as unlocked'],
    ['"wait": { "ref": "c", "mutex": "m" }', '"m" isn\'t held here'],
    ['"lock": "m", "suspend": "m", "unlock": "m"', "it would wait for itself"],
    ['"send": { "ref": "q", "bytes": 65537 }', "65537 is not from 0 to 65536"],
    ['"instance": 1000001, "run": 1', "1000001 is not from 0 to 1000000"],
    ['"instance": 0, "run": 1', "no task has an instance"],
  ])("%s: %s", (body, reason) => {
    const message = refusal(`{ "tasks": { "t": { ${body} } } }`);
    expect(message).toContain(reason);
    expect(message).toMatch(/^w\.json:\d+:\d+: /);
  });

  test.each([
    ["", "unexpected end of input"],
    ["{", "a bracket is not closed"],
    ['{ "tasks": { "t": { "run": 01 } } }', "unexpected character '1'"],
    ["[]", "an array where an object belongs"],
    ["{}", '"tasks" is missing'],
    ['{ "tasks": { "a\\nb": {} } }', "a control character"],
    ['{ "tasks": {} }', "there are no tasks"],
    ['{ "tasks": { "t": { "run": 1 } }, "task": {} }', "task: unknown key"],
    ['{ "tasks": { "t": { "run": 1 }, "t": { "run": 1 } } }', "two tasks have this name"],
    ['{ "tasks": { "t": { "run": 1 } }, "global": { "duration": 0 } }', "global.duration: nothing"],
    ['{ "tasks": { "t": { "run": 1 } }, "global": { "io_device": "/a" } }', "no files to write"],
    ['{ "tasks": { "t": { "run": 1 } }, "groups": { "/g": {} } }', 'no task is in the group "/g"'],
    ['{ "tasks": { "t": { "run": 1 ', "1:29: a bracket is not closed"],
    [`${"[".repeat(NESTING_MAX + 1)}`, "nested more than 32 deep"],
  ])("%s: %s", (text, reason) => {
    expect(refusal(text)).toContain(reason);
  });

  test("a processor that the machine hasn't got is one of them", () => {
    const text = '{ "tasks": { "t": { "run": 1, "cpus": [0, 2] } } }';
    expect(refusal(text, 2)).toContain("tasks.t.cpus.1: there is no CPU 2; the machine has 2");
    expect(refusal(text, 3)).toBe("accepted");
  });

  test("so are too many that may wait for one condition, and a forked one that would wait", () => {
    const waiting = (instances: number) =>
      `{"tasks":{"w":{"instance":${instances},"suspend":"c"},"r":{"resume":"c"}}}`;
    expect(refusal(waiting(512))).toBe("accepted");
    expect(refusal(waiting(513))).toContain('tasks: more than 512 agents may wait for "c"');
    const forked = '{"tasks":{"f":{"fork":"w","resume":"c"},"w":{"instance":0,"suspend":"c"}}}';
    expect(refusal(forked)).toContain('tasks.f.fork: "w" waits for a condition');
  });

  test("a million agents are accepted, and one more is not", () => {
    const text = (more: number) =>
      `{"tasks":{"a":{"instance":999999,"run":1},"b":{"instance":${more},"run":1}}}`;
    expect(refusal(text(1))).toBe("accepted");
    expect(refusal(text(2))).toContain("more than 1000000 agents");
  });

  test("any text is accepted or refused by a WorkloadError", () => {
    const word = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"tasks"',
      '"run"',
      "1",
      "null",
      "/*",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((list) => list.join("")),
        ),
        (text) => {
          refusal(text);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("any JSON is accepted or refused by a WorkloadError", () => {
    const key = fc.constantFrom("tasks", "run", "lock", "timer", "phases", "loop", "global", "x");
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.oneof(fc.integer(), fc.double(), fc.string(), fc.boolean(), fc.constant(null)),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(key, tie("tree"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        refusal(JSON.stringify({ tasks: { t: value } }));
      }),
      { numRuns: 2000 },
    );
  });
});
