import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  SYSCALL_AGENT_KILL,
  SYSCALL_AGENT_SCHEDULE,
  SYSCALL_EVENT_SIGNAL,
  SYSCALL_IPC_RECV,
  SYSCALL_IPC_SEND,
  SYSCALL_WAIT,
  SYSCALL_YIELD,
} from "../../kernel/syscall/numbers.ts";
import { compileWorkload } from "./compile.ts";
import { parseWorkload } from "./parse.ts";
import { MARK_FAILED, MARK_OVERRUN, MARK_TICK, MARK_WEIGHT } from "./program.ts";
import { ModelWorld } from "./testing/world.ts";

const MS = 1_000_000;
const US = 1000;
/** Some instructions and calls: what a step costs beside the time that it is about. */
const COST = 100;

function world(tasks: string, more = "", pause = () => 0): ModelWorld {
  const workload = parseWorkload(`{"tasks":{${tasks}}${more}}`, "w.json");
  return new ModelWorld(compileWorkload(workload), 1000, pause);
}

/** Now and then a pause of up to 200 us. */
function preemptions(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state % 4 === 0 ? (state >>> 8) % (200 * US) : 0;
  };
}

/** Ticks and overruns of an agent's timers: when, in whole units. */
function beats(run: ModelWorld, agent: string, unit: number): string[] {
  return run
    .marks(agent)
    .filter(({ kind }) => kind === MARK_TICK || kind === MARK_OVERRUN)
    .map(({ kind, time }) => `${kind === MARK_TICK ? "tick" : "late"} ${Math.round(time / unit)}`);
}

describe("a compiled task", () => {
  test("runs as many cycles as there are nanoseconds, as often as its loops say, and ends", () => {
    const run = world(
      '"t": { "loop": 3, "phases": { "a": { "loop": 5, "run": 1000 }, "b": { "run": 500 } } }',
    );
    run.run(100 * MS);
    const [end] = run.callsOf("t-0", SYSCALL_AGENT_KILL);
    expect(end?.time).toBeGreaterThan(3 * 5500 * US);
    expect(end?.time).toBeLessThan(3 * 5500 * US + 3 * 5 * COST);
    expect(run.agent("t-0").done).toBe(0n);
  });

  test("begins its delay after the start", () => {
    const run = world('"t": { "delay": 700, "loop": 1, "run": 50 }');
    run.run(10 * MS);
    const [end] = run.callsOf("t-0", SYSCALL_AGENT_KILL);
    expect(Math.round((end?.time ?? 0) / US)).toBe(750);
  });

  test("sleeps from when it comes to sleep", () => {
    const run = world('"t": { "loop": 2, "run": 5000, "sleep": 10000 }');
    run.run(100 * MS);
    const [end] = run.callsOf("t-0", SYSCALL_AGENT_KILL);
    expect(Math.round((end?.time ?? 0) / MS)).toBe(30);
  });

  test("is busy for a runtime in pieces of 32 us, until that time has passed", () => {
    const run = world('"t": { "loop": 1, "runtime": 100 }');
    run.run(MS);
    const [end] = run.callsOf("t-0", SYSCALL_AGENT_KILL);
    expect(Math.round((end?.time ?? 0) / US)).toBe(128);
  });

  // The two diagrams of rt-app's doc/tutorial.txt: a period of 20 ms, runs of 10, 10, 30 and 10 ms.
  const body = (mode: string) => `"phases": {
    "a": { "loop": 2, "run": 10000, "timer": { "ref": "unique", "period": 20000, "mode": "${mode}" } },
    "b": { "run": 30000, "timer": { "ref": "unique", "period": 20000, "mode": "${mode}" } },
    "c": { "loop": 3, "run": 10000, "timer": { "ref": "unique", "period": 20000, "mode": "${mode}" } } }`;

  test("goes on from now when a relative timer is late", () => {
    const run = world(`"t": { "loop": 1, ${body("relative")} }`);
    run.run(200 * MS);
    const expected = ["tick 20", "tick 40", "late 70", "tick 90", "tick 110", "tick 130"];
    expect(beats(run, "t-0", MS)).toEqual(expected);
  });

  test("keeps the beat of an absolute timer, late or not", () => {
    const run = world(`"t": { "loop": 1, ${body("absolute")} }`);
    run.run(200 * MS);
    const expected = ["tick 20", "tick 40", "late 70", "late 80", "tick 100", "tick 120"];
    expect(beats(run, "t-0", MS)).toEqual(expected);
  });

  test("leaves with every tick the time at which it should have come", () => {
    const run = world('"t": { "loop": 3, "timer": { "ref": "unique", "period": 500 } }');
    run.run(MS * 10);
    expect(run.marks("t-0").map(({ value }) => value)).toEqual(
      [500, 1000, 1500].map((at) => at * US),
    );
  });

  test("has timers of one name in common through its phases", () => {
    const phase = '{ "run": 10, "timer": { "ref": "unique", "period": 100 } }';
    const run = world(`"t": { "loop": 2, "phases": { "a": ${phase}, "b": ${phase} } }`);
    run.run(MS);
    expect(beats(run, "t-0", US)).toEqual(["tick 100", "tick 200", "tick 300", "tick 400"]);
  });

  test("draws random spans evenly from both ends, differently in each instance", () => {
    const run = world('"t": { "instance": 2, "loop": 200, "sleep": { "random": [10, 14] } }');
    run.run(100 * MS);
    const lengths = (agent: string) => {
      // The first two are for the start message and the start.
      const ends = run
        .callsOf(agent, SYSCALL_WAIT)
        .slice(2)
        .map(({ time }) => time);
      return ends.slice(1).map((time, at) => Math.round((time - (ends[at] ?? 0)) / US));
    };
    const [one, two] = [lengths("t-0"), lengths("t-1")];
    expect(new Set(one)).toEqual(new Set([10, 11, 12, 13, 14]));
    expect(one).not.toEqual(two);
  });

  test("writes its buffer a line at a time, as often as it goes round", () => {
    const run = world('"t": { "loop": 1, "mem": 1000 }', ', "global": { "mem_buffer_size": 256 }');
    run.run(MS);
    const [end] = run.callsOf("t-0", SYSCALL_AGENT_KILL);
    // Three times four lines, and 232 bytes more.
    expect(end?.time).toBeGreaterThan(16);
    expect(end?.time).toBeLessThan(16 + COST);
  });

  test("yields", () => {
    const run = world('"t": { "loop": 3, "run": 1, "yield": "" }');
    run.run(MS);
    expect(run.callsOf("t-0", SYSCALL_YIELD)).toHaveLength(3);
  });

  test("changes its scheduling where a phase does, and only there", () => {
    const run = world(`"t": { "loop": 2, "phases": {
      "a": { "priority": 5, "run": 1 }, "b": { "run": 1 }, "c": { "priority": -1, "run": 1 },
      "d": { "priority": -1, "loop": 4, "run": 1 } } }`);
    run.run(MS);
    expect(run.callsOf("t-0", SYSCALL_AGENT_SCHEDULE)).toHaveLength(4);
    const marks = run.agent("t-0").model.marks.filter(({ kind }) => Number(kind) === MARK_WEIGHT);
    expect(marks.map(({ value }) => Number(value))).toEqual([335, 1277, 335, 1277]);
  });

  test("ends with the status of a call that fails, and marks it", () => {
    const run = world('"t": { "loop": 1, "lock": "m", "unlock": "m" }');
    const { agent } = run;
    // No handle is any good.
    run.agents
      .map(({ name }) => agent.call(run, name))
      .forEach((each) => {
        const write = each.write.bind(each);
        each.write = (at: bigint, value: bigint) =>
          write(at, value >= 100n && value < 200n ? 0n : value);
      });
    run.run(MS);
    expect(run.marks("t-0").map(({ kind }) => kind)).toEqual([MARK_FAILED]);
    expect(run.agent("t-0").done).toBe(2n);
  });
});

describe("what tasks do to each other", () => {
  test("one at a time is between a lock and its unlock", () => {
    const run = world('"t": { "instance": 4, "loop": 5, "lock": "m", "run": 100, "unlock": "m" }');
    run.run(100 * MS);
    const ends = run.agents.map(({ name }) => run.callsOf(name, SYSCALL_AGENT_KILL)[0]?.time ?? 0);
    expect(Math.max(...ends)).toBeGreaterThan(20 * 100 * US);
    expect(Math.max(...ends)).toBeLessThan(20 * (100 * US + COST));
  });

  test("a signal wakes one who waits, a broadcast all, and nobody waiting loses it", () => {
    const wait = '"lock": "m", "wait": { "ref": "c", "mutex": "m" }, "unlock": "m"';
    const run = (how: string) => {
      const all = world(`
        "w": { "instance": 3, "loop": 1, "sleep": 100, ${wait} },
        "early": { "loop": 1, "${how}": "c" },
        "s": { "loop": 1, "sleep": 500, "lock": "m", "${how}": "c", "unlock": "m" }`);
      all.run(100 * MS);
      return all.agents.filter(({ name, done }) => name.startsWith("w") && done !== null).length;
    };
    expect(run("signal")).toBe(1);
    expect(run("broad")).toBe(3);
  });

  test("suspend waits for a resume, which wakes all of that name", () => {
    const run = world(`
      "a": { "instance": 2, "loop": 1, "suspend": "x" }, "b": { "loop": 1, "suspend": "y" },
      "r": { "loop": 1, "sleep": 300, "resume": "x" }`);
    run.run(MS);
    expect(run.agents.map(({ done }) => done)).toEqual([0n, 0n, null, 0n]);
  });

  test("sync hands a condition back and forth: neither runs twice in a row", () => {
    const player = '{ "run": 10, "sync": { "ref": "c", "mutex": "m" } }';
    const run = world(`"ping": ${player}, "pong": ${player}`);
    run.run(10 * MS);
    const turns = run.calls
      .filter((call) => /^wake/.test(call.object) && call.number === SYSCALL_EVENT_SIGNAL)
      .map(({ agent }) => agent);
    expect(turns.length).toBeGreaterThan(500);
    expect(turns.every((agent, at) => agent !== turns[at + 1])).toBe(true);
  });

  // The example of rt-app's doc/examples/tutorial/example7.json: what is to be seen stands there.
  test("a barrier holds until all have come, whoever comes last", () => {
    const run = world(`
      "task0": { "loop": 1, "run": 1000, "sleep": 2000, "barrier1": "FIRST",
                 "run1": 2000, "barrier2": "SECOND", "run2": 1000 },
      "task1": { "loop": 1, "run": 2000, "barrier1": "FIRST",
                 "run1": 1000, "sleep": 2000, "barrier2": "SECOND", "run2": 2000 }`);
    run.run(100 * MS);
    const end = (name: string) =>
      Math.round((run.callsOf(name, SYSCALL_AGENT_KILL)[0]?.time ?? 0) / US);
    expect([end("task0-0"), end("task1-0")]).toEqual([7000, 8000]);
  });

  test("a barrier that agents pass again and again keeps them within one pass of each other", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 2, maxLength: 6 }),
        fc.nat(),
        (most, seed) => {
          const tasks = most.map((sleep, index) => {
            const span = `{ "random": [0, ${sleep}] }`;
            return `"t${index}": { "loop": 8, "sleep": ${span}, "barrier": "B", "yield": "" }`;
          });
          const run = world(tasks.join(", "), "", preemptions(seed));
          run.run(100 * MS);
          const passes = new Map(run.agents.map(({ name }) => [name, 0]));
          for (const { agent, number } of run.calls) {
            if (number !== SYSCALL_YIELD) continue;
            passes.set(agent, (passes.get(agent) ?? 0) + 1);
            const counts = [...passes.values()];
            expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
          }
          expect([...passes.values()]).toEqual(most.map(() => 8));
        },
      ),
      { numRuns: 40 },
    );
  });

  test("no signal that somebody waits for is lost, however the two are preempted", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const player = `{ "loop": 40, "sync": { "ref": "c", "mutex": "m" }, "yield": "" }`;
        const run = world(`"ping": ${player}, "pong": ${player}`, "", preemptions(seed));
        run.run(100 * MS);
        // Whoever is done first leaves the other waiting, in its last turn at the earliest.
        const turns = run.agents.map(({ name }) => run.callsOf(name, SYSCALL_YIELD).length);
        expect(Math.max(...turns)).toBe(40);
        expect(Math.min(...turns)).toBeGreaterThanOrEqual(39);
      }),
      { numRuns: 40 },
    );
  });

  test("every message that is sent is received once", () => {
    const run = world(`
      "s": { "instance": 3, "loop": 50, "run": { "random": [1, 20] }, "send": { "ref": "q", "bytes": 8 } },
      "r": { "instance": 2, "loop": 75, "receive": "q", "run": { "random": [1, 20] } }`);
    run.run(100 * MS);
    expect(run.agents.map(({ done }) => done)).toEqual([0n, 0n, 0n, 0n, 0n]);
    const got = run.calls.filter(
      ({ number, object, status }) => number === SYSCALL_IPC_RECV && object !== "" && status === 0,
    );
    expect(got).toHaveLength(150);
  });

  test("senders wait while the queue is full", () => {
    const run = world('"s": { "loop": 100, "send": { "ref": "q", "bytes": 8 } }');
    run.run(100 * MS);
    expect(run.callsOf("s-0", SYSCALL_IPC_SEND)).toHaveLength(64);
    expect(run.agent("s-0").done).toBe(null);
  });

  test("a fork is asked for by the task's number", () => {
    const run = world(`
      "a": { "loop": 2, "run": 5, "fork": "c" }, "c": { "instance": 0, "loop": 1, "run": 1 }`);
    run.run(MS);
    const sends = run.callsOf("a-0", SYSCALL_IPC_SEND);
    expect(sends.map(({ object }) => object)).toEqual(["forks", "forks"]);
  });
});

describe("weights", () => {
  test("keep their ratios where Linux's heaviest are beyond the kernel's limit", () => {
    const divisor = (nice: number) =>
      compileWorkload(parseWorkload(`{"tasks":{"t":{"priority":${nice},"run":1}}}`, "w"))
        .weightDivisor;
    expect([divisor(-20), divisor(-19), divisor(-18)]).toEqual([2, 2, 1]);
  });
});
