/**
 * Copies of scripts that are stopped where nothing of theirs waits: in a loop, a generator, a recursion, or
 * in the engine's own code. Each script does one thing, which takes several slices.
 */
import { describe, expect, test } from "vitest";
import { machineWith, type Run } from "../../sdk/agent/testing.ts";
import { Machine } from "../../sim/host/machine.ts";
import { Snapshot } from "../../sim/host/snapshot.ts";
import type { WasmState } from "../wasm/agent.ts";
import { CALL_YIELD, type Frozen } from "../wasm/instance.ts";
import { replayed } from "../wasm/testing/replayed.ts";
import { cloneScript, drain, outcomeOf, programsOf, startScript } from "./testing/run.ts";

/** What it says must be what this process's own engine says. */
const COMPUTATIONS: Readonly<Record<string, string>> = {
  "a loop": `let sum = 0;
    for (let n = 0; n < 60000; n++) sum = (sum * 31 + n) | 0;
    return sum;`,
  "a generator": `function* squares(until) { for (let n = 0; n < until; n++) yield n * n; }
    let sum = 0;
    for (const n of squares(12000)) sum = (sum + n) % 1000003;
    return sum;`,
  "a deep recursion": `const work = () => { let sum = 0; for (let n = 0; n < 30000; n++) sum ^= n * n; return sum; };
    const down = (depth) => depth === 0 ? work() : down(depth - 1) + depth;
    return down(300);`,
  "JSON.parse": `const text = "[" + '{"id":12345,"name":"n","tags":["a","b"]},'.repeat(1500) + "0]";
    return JSON.parse(text).length;`,
  "a regular expression": "return /^(a+)+$/.test('a'.repeat(14) + 'b');",
  "a sort's comparisons": `const list = Array.from({ length: 1200 }, (_, n) => (n * 7919) % 1201);
    return list.sort((a, b) => a - b)[600];`,
};
const resultOf = (body: string): string => String(new Function(body)());
const scriptOf = (body: string) => `
  import { random } from "aios";
  const before = Math.random();
  const result = (() => { ${body} })();
  console.log([result, before, Math.random(), random(8).join("-")].join(" "));`;

const UNTIL = 10_000_000_000n;
/** More than a slice: it is stopped at another place after so many ns. */
const APART = 1_100_000n;
const PLACES = 2;
const CLONES = 4;

async function boot(body: string, init: Run): Promise<Machine> {
  const programs = { init: replayed(init), ...(await programsOf({ script: scriptOf(body) })) };
  return await machineWith({}, { programs });
}

/** What the script is, when it has been stopped in its code and by nothing else. */
function stopped(machine: Machine): Frozen | null {
  for (const { state } of machine.agents.freeze().agents) {
    const { instance } = (state ?? {}) as Partial<WasmState<unknown>>;
    if (instance?.pending?.import === CALL_YIELD) return instance;
  }
  return null;
}

function runMidway(machine: Machine): Frozen {
  for (let frozen = stopped(machine); ; frozen = stopped(machine)) {
    if (frozen !== null) return frozen;
    if (machine.run({ steps: 1, until: UNTIL }) !== "steps") throw new Error("it has ended");
  }
}

function finish(machine: Machine): string {
  machine.run({ until: UNTIL });
  expect(machine.agents.failures).toEqual([]);
  return machine.stateHash();
}

describe.each(Object.entries(COMPUTATIONS))("in the middle of %s", (_what, body) => {
  test("forks and restored machines come to the same end", async () => {
    const written: string[] = [];
    const init: Run = function* (sys) {
      const { stdout } = yield* outcomeOf(sys, yield* startScript(sys, "script"));
      written.push(stdout);
    };
    const whole = finish(await boot(body, init));
    const machine = await boot(body, init);
    const options = {
      drives: machine.drives.map(({ options }) => options),
      programs: machine.agents.programs,
    };
    const copies: Machine[] = [];
    for (let place = 0; place < PLACES; place++) {
      if (place > 0) machine.run({ until: machine.time + APART });
      expect(runMidway(machine).stack.length).toBeGreaterThan(0);
      const file = await machine.snapshot().toBytes();
      copies.push(machine.fork(), await Machine.restore(await Snapshot.fromBytes(file), options));
    }
    for (const copy of [...copies, machine]) expect(finish(copy)).toBe(whole);
    expect(written[0]?.split(" ")[0]).toBe(resultOf(body));
    expect(written).toHaveLength(2 * PLACES + 2);
    expect(new Set(written).size).toBe(1);
  });

  test("clones come to the same result, each with a chance and an identity of its own", async () => {
    const written: string[][] = [];
    const ids: number[] = [];
    const init: Run = function* (sys) {
      const original = yield* startScript(sys, "script", { quota: 4 << 20 });
      yield* sys.sleep(2 * Number(APART));
      yield* sys.suspend(original.capability);
      const all = [original];
      for (let n = 0; n < CLONES; n++) all.push(yield* cloneScript(sys, original));
      expect(yield* drain(sys, original.stdout)).toBe("");
      yield* sys.resume(original.capability);
      for (let over = 0; over < all.length; ) if ((yield* sys.notice()).kind === "ended") over++;
      for (const it of all) {
        ids.push(it.id);
        written.push((yield* drain(sys, it.stdout)).trim().split(" "));
      }
    };
    const machine = await boot(body, init);
    runMidway(machine);
    finish(machine);
    const [results, befores, ...chances] = [0, 1, 2, 3].map((at) => written.map((it) => it[at]));
    expect(results).toEqual(Array(CLONES + 1).fill(resultOf(body)));
    expect(new Set(befores).size).toBe(1);
    for (const drawn of [...chances, ids.map(String)]) expect(new Set(drawn).size).toBe(CLONES + 1);
  });
});
