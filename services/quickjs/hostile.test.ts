import { describe, expect, test } from "vitest";
import { drain, outcomeOf, runScript, runScripts, startScript } from "./testing/run.ts";

/** What runs for ever, in the engine's own code as well as in the script's. */
const ENDLESS: readonly (readonly [what: string, script: string])[] = [
  ["a loop", "for (;;);"],
  ["jobs that make jobs", "const again = () => Promise.resolve().then(again); again();"],
  // Exponential in the number of a's: backtracking, all of it in one call of the engine.
  ["a regular expression", "/^(a+)+$/.test('a'.repeat(60) + 'b');"],
  ["a sort that never agrees", "for (;;) Array.from({ length: 1e4 }, Math.random).sort(() => 1);"],
];

test.each(ENDLESS)("%s takes its share of the time, and no more", async (_what, script) => {
  const turns: bigint[] = [];
  await runScripts({ script }, function* (sys) {
    const child = yield* startScript(sys, "script");
    for (let n = 0; n < 4; n++) {
      yield* sys.sleep(20_000_000);
      turns.push(yield* sys.now());
    }
    yield* sys.kill(child.capability, 9);
    expect(yield* sys.ended(child.id)).toMatchObject({ reason: "killed", code: 9n });
  });
  const gaps = turns.slice(1).map((turn, n) => Number(turn - (turns[n] ?? 0n)));
  // It waits no longer than a quantum beyond what it asked for.
  for (const gap of gaps) expect(gap).toBeLessThan(20_000_000 + 10_000_000);
});

/** What fills memory, each in another way. */
const GREEDY: readonly (readonly [what: string, script: string])[] = [
  ["arrays", "const all = []; for (;;) all.push(new Array(1000).fill(1));"],
  ["one string", "let s = 'x'; for (;;) s += s;"],
  ["buffers", "const all = []; for (;;) all.push(new ArrayBuffer(1 << 20));"],
  ["promises", "const all = []; for (;;) all.push(new Promise(() => {}));"],
  ["timers", "for (;;) setTimeout(() => {}, 1e6);"],
];

test.each(GREEDY)(
  "%s without end: the engine's error, when its pool is used up",
  async (_, script) => {
    const { stderr, end } = await runScript(script, { quota: 6 << 20 });
    // Null is thrown where not even an error has room.
    expect(stderr).toMatch(
      /^Uncaught (InternalError: (out of memory|string too long)|RangeError: |null)/,
    );
    expect(end).toMatchObject({ reason: "exited", code: 1n });
  },
);

test("a script goes on after it has caught that there is no memory", async () => {
  const { stdout, end } = await runScript(
    `let all = [];
     try { for (;;) all.push(new Uint8Array(1 << 18)); } catch (error) { var caught = error.message; }
     const had = all.length;
     all = null;
     console.log(caught, had, new Uint8Array(1 << 20).length);`,
    { quota: 8 << 20 },
  );
  expect(stdout).toMatch(/^out of memory \d+ 1048576\n$/);
  expect(end).toMatchObject({ reason: "exited", code: 0n });
});

test("a script that calls itself without end gets an error that it can catch, hot or not", async () => {
  const { stdout, stderr, end } = await runScript(`
    const fib = (n) => n < 2 ? n : fib(n - 1) + fib(n - 2);
    fib(20);
    let depth = 0;
    function count() { depth++; count(); }
    try { count(); } catch (error) { console.log(error.name, depth > 300); }
    function sort() { [2, 1].sort(sort); }
    try { sort(); } catch (error) { console.log(error.name); }
    const sorted = (() => Array.from({ length: 20000 }, (_, n) => (n * 7919) % 20011).sort((p, q) => p - q))();
    console.log(sorted.every((it, n) => n === 0 || sorted[n - 1] <= it));`);
  expect({ stdout, stderr }).toEqual({ stdout: "RangeError true\nRangeError\ntrue\n", stderr: "" });
  expect(end).toMatchObject({ reason: "exited", code: 0n });
});

describe("what a script can't reach", () => {
  test("only the language, and what its types say, is there", async () => {
    const { stdout } = await runScript(`
      const names = Object.getOwnPropertyNames(globalThis);
      const beside = ["console", "setTimeout", "setInterval", "clearTimeout", "clearInterval",
        "TextEncoder", "TextDecoder", "performance"];
      console.log(beside.filter((name) => !names.includes(name)).join());
      console.log(["host", "require", "process", "std", "os", "fetch", "WebAssembly", "navigator",
        "print", "load", "gc", "scriptArgs", "bjson"].filter((name) => name in globalThis).join());
      console.log(Object.keys(await import("aios")).sort().join());`);
    expect(stdout.split("\n").slice(0, 3)).toEqual([
      "",
      "",
      [
        ...["Capability", "Child", "Message", "SystemError", "args", "capabilities", "childEnded"],
        ...["clone", "createFolder", "env", "exit", "id", "messages", "now", "random", "readFile"],
        ...["readFolder", "readText", "receive", "removeFile", "removeFolder", "rename", "request"],
        ...["send", "sleep", "spawn", "stat", "stdin", "writeFile"],
      ].join(),
    ]);
  });

  test("there is no other module, whatever it is called and however it is asked for", async () => {
    const { stdout } = await runScript(`
      const names = ["fs", "node:fs", "std", "os", "qjs:std", "/etc/passwd",
        "file:///etc/passwd", "https://example.org/x.js", "data:text/javascript,1", "", "aios/x", "__proto__"];
      for (const name of names) await import(name).then(
        () => console.log("loaded " + name), (error) => console.log(error.name));`);
    expect(new Set(stdout.trimEnd().split("\n"))).toEqual(new Set(["ReferenceError"]));
    expect(stdout.trimEnd().split("\n")).toHaveLength(12);
  });

  test("the API's objects can't be changed, and show nothing of what is behind them", async () => {
    const { stdout, stderr } = await runScript(`
      import * as aios from "aios";
      const tried = (run) => { try { run(); return "done"; } catch (error) { return error.name; } };
      console.log(
        tried(() => { aios.send = 1; }), tried(() => { aios.__proto__ = {}; }),
        tried(() => { aios.args.push(1); }), tried(() => { aios.env.PATH = "/"; }),
        tried(() => { aios.capabilities[0] = "kernel"; }), tried(() => { delete aios.exit; }),
        tried(() => new aios.Capability(1)), tried(() => Reflect.construct(aios.Capability, [7], Object)),
        tried(() => aios.send({ __proto__: aios.Capability.prototype }, "x")),
        tried(() => aios.send("__proto__", "x")), tried(() => aios.send("constructor", "x")));
      const seen = new Set();
      const reach = (it) => {
        if ((typeof it !== "object" && typeof it !== "function") || it === null || seen.has(it)) return;
        seen.add(it);
        for (const key of Reflect.ownKeys(it)) {
          const { value, get, set } = Object.getOwnPropertyDescriptor(it, key);
          for (const next of [value, get, set]) reach(next);
        }
        reach(Object.getPrototypeOf(it));
      };
      reach(aios); reach(globalThis);
      console.log([...seen].filter((it) => typeof it === "function" && it.name === "host").length);`);
    expect(stderr).toBe("");
    expect(stdout).toBe(
      "TypeError TypeError TypeError TypeError TypeError TypeError TypeError TypeError TypeError RangeError RangeError\n0\n",
    );
  });

  test("tampering with the language's own objects reaches no further than the script", async () => {
    let after = "";
    const tamper = `
      const got = [];
      for (const [of, name] of [[Array.prototype, "splice"], [Array.prototype, "indexOf"], [Map.prototype, "get"],
        [JSON, "parse"], [Promise.prototype, "then"], [Function.prototype, "call"], [Object, "freeze"]]) {
        const real = of[name];
        of[name] = function (...all) { got.push(this, ...all); return Reflect.apply(real, this, all); };
      }
      Object.prototype.sender = "x";
      Object.defineProperty(Array.prototype, 0, { get() { return 666; }, set() {}, configurable: true });
      const aios = await import("aios");
      try { aios.send(0, "x"); } catch {}
      try { aios.send("other", "x"); } catch {}
      globalThis.console = undefined;
      throw got.find((it) => typeof it === "function" && it.name === "host") ?? "nothing";`;
    await runScripts(
      { tamper, neighbour: "console.log([1, 2].indexOf(2), {}.sender);" },
      function* (sys) {
        const first = yield* startScript(sys, "tamper");
        const { stderr, end } = yield* outcomeOf(sys, first);
        expect(stderr).toContain("nothing");
        expect(end).toMatchObject({ reason: "exited", code: 1n });
        after = (yield* outcomeOf(sys, yield* startScript(sys, "neighbour"))).stdout;
      },
    );
    expect(after).toBe("1 undefined\n");
  });

  test("code made of text has no more than the script that made it", async () => {
    const { stdout } = await runScript(`
      console.log(typeof eval("globalThis.host"), new Function("return typeof host")(),
        (0, eval)("typeof require"), typeof (await new (async () => {}).constructor("return import('aios')")()).send);`);
    expect(stdout).toBe("undefined undefined undefined function\n");
  });
});

test("a script that writes into a pipe that nobody reads waits, and stops nobody", async () => {
  const turns: bigint[] = [];
  let first = "";
  await runScripts({ flood: "for (;;) console.log('x'.repeat(10000));" }, function* (sys) {
    const child = yield* startScript(sys, "flood");
    for (let n = 0; n < 3; n++) {
      yield* sys.sleep(10_000_000);
      turns.push(yield* sys.now());
    }
    first = yield* drain(sys, child.stdout);
    yield* sys.kill(child.capability);
  });
  expect(first).toHaveLength(65_536);
  expect(Number((turns[2] ?? 0n) - (turns[0] ?? 0n))).toBeLessThan(40_000_000);
});
