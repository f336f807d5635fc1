import { expect, test } from "vitest";
import { runScript } from "./testing/run.ts";

test("a script writes to its pipes, reads what it was given, and ends with its code", async () => {
  const { stdout, stderr, end } = await runScript(
    `import { args, env, exit } from "aios";
     console.log("hello", args[0], env.LANG, { a: [1, "x", null], b: new Map([[1n, new Set([2])]]) });
     console.error(new Uint8Array(3), undefined, () => 1, Symbol("s"));
     exit(args.length + 40);`,
    { args: ["world", "-"], env: { LANG: "C" } },
  );
  expect(stdout).toBe('hello world C { a: [1, "x", null], b: Map { 1n => Set { 2 } } }\n');
  expect(stderr).toBe("Uint8Array [0, 0, 0] undefined [function (anonymous)] Symbol(s)\n");
  expect(end).toMatchObject({ reason: "exited", code: 42n });
});

test("timers, promises and jobs come in the order that ECMAScript and HTML give them", async () => {
  const { stdout, end } = await runScript(`
    import { sleep } from "aios";
    const seen = [];
    setTimeout(() => { seen.push("20"); Promise.resolve().then(() => seen.push("job of 20")); }, 20);
    setTimeout((a, b) => seen.push(a + b), 5, "5", "!");
    setTimeout(() => seen.push("20 again"), 20);
    const cleared = setTimeout(() => seen.push("never"), 1);
    clearTimeout(cleared);
    let beats = 0;
    const beat = setInterval(() => { if (++beats === 3) clearInterval(beat); seen.push("beat"); }, 7);
    Promise.resolve().then(() => seen.push("job"));
    seen.push("now");
    await sleep(30);
    console.log(seen.join(", "));`);
  expect(stdout).toBe("now, job, 5!, beat, beat, 20, job of 20, 20 again, beat\n");
  expect(end).toMatchObject({ reason: "exited", code: 0n });
});

test("all its clocks are the machine's, which passes by waiting and by working", async () => {
  const { stdout } = await runScript(`
    import { now, sleep } from "aios";
    const clocks = () => [Number(now()) / 1e6, performance.now(), Date.now()];
    const before = clocks();
    await sleep(250);
    const slept = clocks();
    for (let n = 0; n < 1e5; n++);
    const worked = clocks();
    console.log(JSON.stringify([before, slept, worked]));`);
  const [before, slept, worked] = JSON.parse(stdout) as number[][];
  for (const [n, start] of before?.entries() ?? []) {
    expect((slept?.[n] ?? 0) - start).toBeGreaterThanOrEqual(250);
    expect((slept?.[n] ?? 0) - start).toBeLessThan(253);
  }
  // A cycle is a nanosecond, and a round of the loop takes the engine more than ten.
  expect((worked?.[0] ?? 0) - (slept?.[0] ?? 0)).toBeGreaterThan(1);
});

const ENDS: readonly (readonly [what: string, script: string, stderr: RegExp, code: bigint])[] = [
  ["an error", "\nthrow new TypeError('bad');", /^Uncaught TypeError: bad\n.*main\.js:2:\d+/, 1n],
  ["no error object", "throw { a: 1 };", /^Uncaught \{ a: 1 \}\n$/, 1n],
  ["an error of a timer", "setTimeout(() => { nope(); });", /^Uncaught ReferenceError: nope/, 1n],
  ["a rejection that nobody sees", "Promise.reject(new Error('no'));", /^Uncaught Error: no\n/, 1n],
  [
    "a rejected top-level await",
    "await Promise.reject(new Error('no'));",
    /^Uncaught Error: no/,
    1n,
  ],
  ["a mistake in its syntax", "let 1 = 2;", /^Uncaught SyntaxError: .*\n.*main\.js:1/, 1n],
  ["an await for nothing", "await new Promise(() => {});", /^$/, 13n],
  [
    "a rejection that is seen late",
    "const p = Promise.reject(1); await 0; p.catch(() => {});",
    /^$/,
    0n,
  ],
];

test.each(ENDS)("%s: what it shows, and its code", async (_what, script, stderr, code) => {
  const outcome = await runScript(script);
  expect(outcome.stderr).toMatch(stderr);
  expect(outcome.end).toMatchObject({ reason: "exited", code });
});

test("text goes through as UTF-8, halves of surrogate pairs as what they become there", async () => {
  const { stdout } = await runScript(`
    const bytes = new TextEncoder().encode("å€😀");
    console.log(bytes, new TextDecoder().decode(bytes), new TextDecoder().decode(bytes.subarray(2, 5)));
    console.log("ü".repeat(40000).length);`);
  expect(stdout).toBe("Uint8Array [195, 165, 226, 130, 172, 240, 159, 152, 128] å€😀 €\n40000\n");
});
