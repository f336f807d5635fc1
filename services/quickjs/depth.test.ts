import { expect, test } from "vitest";
import { runScript } from "./testing/run.ts";

/** Recursion without end, or as deep as its data: of a script, and of the engine's own code. */
const DEEP: Readonly<Record<string, string>> = {
  "its own calls": "const f = () => f() + 1; f();",
  callbacks: "const f = () => [1].map(f); f();",
  "a sort's comparisons": "const f = () => [2, 1].sort(f); f();",
  getters: "const o = { get x() { return this.x; } }; o.x;",
  conversions: "const o = { toString() { return '' + o; } }; '' + o;",
  "an array that is in itself, by toString":
    "const a = [[]]; a[0][0] = { toString: () => String(a) }; String(a);",
  "arrays in arrays, by toString": "let a = []; for (let n = 0; n < 1e4; n++) a = [a]; String(a);",
  "arrays in arrays, by flat":
    "let a = []; for (let n = 0; n < 1e4; n++) a = [a]; a.flat(Infinity);",
  replacers: "const f = () => 'a'.replace(/a/, f); f();",
  constructors: "class A { constructor() { new A(); } } new A();",
  generators: "function* f() { yield* f(); } [...f()];",
  "proxies of proxies": "let p = {}; for (let n = 0; n < 1e4; n++) p = new Proxy(p, {}); p.x;",
  "bound functions":
    "let f = () => 1; for (let n = 0; n < 1e4; n++) { f = f.bind(null); Object.defineProperty(f, 'name', { value: '' }); } f();",
  "prototypes that are proxies":
    "let p = {}; for (let n = 0; n < 1e4; n++) p = Object.create(new Proxy(p, {})); 'x' in p;",
  "brackets in a program": "eval('('.repeat(1e5));",
  "functions in functions": "eval('(() => '.repeat(1e4) + '1' + ')'.repeat(1e4));",
  "JSON that is read": "JSON.parse('['.repeat(1e5));",
  "JSON that is written": "let a = []; for (let n = 0; n < 1e4; n++) a = [a]; JSON.stringify(a);",
  "groups in a regular expression": "new RegExp('(?:'.repeat(1e5) + ')'.repeat(1e5));",
};

test("too deep is an error of the script, wherever the engine gets there", async () => {
  const cases = JSON.stringify(Object.entries(DEEP));
  const { stdout, stderr, end } = await runScript(
    `for (const [what, code] of ${cases})
       try { (0, eval)("(() => {" + code + "})()"); console.log(what + ": no error"); }
       catch (error) { console.log(what + ": " + error.name); }`,
    { quota: 24 << 20 },
  );
  const told = stdout.trim().split("\n");
  // What the engine says of a pattern that it can't read.
  const name = (what: string) => (what.includes("regular") ? "SyntaxError" : "RangeError");
  expect(told).toEqual(Object.keys(DEEP).map((what) => `${what}: ${name(what)}`));
  expect(stderr).toBe("");
  expect(end).toMatchObject({ reason: "exited", code: 0n });
});

test("a script that has come too deep goes on, deep as it is", async () => {
  const { stdout, end } = await runScript(`
    const again = () => { try { return again() + 1; } catch { return 1; } };
    const depths = [again(), again(), again()];
    // What catches at the bottom and tries once more there.
    let tries = 0;
    const stubborn = () => { try { stubborn(); } catch { if (tries++ < 100) stubborn(); } };
    stubborn();
    console.log(new Set(depths).size, depths[0] > 500, tries > 100);`);
  expect(stdout).toBe("1 true true\n");
  expect(end).toMatchObject({ reason: "exited", code: 0n });
});
