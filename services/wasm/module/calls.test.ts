import { expect, test } from "vitest";
import { birthOf } from "../agent.ts";
import { Instance } from "../instance.ts";
import { compileSource } from "../testing/compile.ts";
import { prepare } from "./prepare.ts";

/** How deep `down` gets in a module, until the stack is too deep. */
async function depthOf(source: string, stackBytes?: number): Promise<number> {
  const bytes = await compileSource(
    `let depth: i32 = 0; ${source} export function main(): void { down(0); }`,
  );
  const prepared = await prepare(bytes, stackBytes === undefined ? {} : { stackBytes });
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const it = new Instance(prepared, module, birthOf(prepared), () => null);
  it.cycles = 1e9;
  expect(() => it.start("main")).toThrow("the stack is too deep");
  return Number(it.freeze().globals[0]);
}

const locals = Array.from(
  { length: 60 },
  (_, n) => `const v${n} = a * ${n + 3} ^ load<i32>(a + ${n});`,
);
const sum = Array.from({ length: 60 }, (_, n) => `v${n}`).join(" + ");
/** A function with a large frame. */
const LEAF = `@inline function mix(a: i32): i32 { ${locals.join(" ")} store<i32>(a, ${sum}); return ${sum}; }
function leaf(a: i32): i32 { return mix(a) + mix(a + 1); }`;

test("what has returned takes nothing of the stack that is left", async () => {
  const alone = await depthOf(
    "function down(n: i32): i32 { depth++; return n + down(n + 1) * 3; }",
  );
  const calling = await depthOf(
    `${LEAF} function down(n: i32): i32 { depth++; leaf(n & 15); return n + down(n + 1) * 3; }`,
  );
  expect(calling).toBeGreaterThan(0.9 * alone);
});

test("what is between two functions that look takes its part", async () => {
  const levels = 60;
  // Each of them looks, since it can reach itself; what it calls in between doesn't.
  const chain = Array.from(
    { length: levels },
    (_, n) => `
      function looks${n}(a: i32): i32 { depth++; return a < 0 ? looks${n}(a - 1) : between${n}(a); }
      function between${n}(a: i32): i32 { const b = mix(a); return looks${n + 1}(a + 1) ^ b; }`,
  );
  const source = `${LEAF} ${chain.join("")}
    function looks${levels}(a: i32): i32 { return a; }
    function down(n: i32): i32 { return looks0(n); }`;
  const depth = await depthOf(source, 16 * 1024);

  expect(depth).toBeLessThan(levels);
  expect(depth).toBeGreaterThan(5);
});

test("in a ring of functions of which one looks all take their part", async () => {
  const round = "depth++; const b = mix(a & 15);";
  const alone = await depthOf(
    `${LEAF} function ring(a: i32): i32 { ${round} return ring(a + 1) ^ b; }
     function down(n: i32): i32 { return ring(n); }`,
  );
  const inTwo = await depthOf(
    `${LEAF} function ring(a: i32): i32 { ${round} return other(a + 1) ^ b; }
     function other(a: i32): i32 { const b = mix(a & 15); return ring(a + 1) ^ b; }
     function down(n: i32): i32 { return ring(n); }`,
  );
  expect(inTwo / alone).toBeCloseTo(0.5, 1);
});

test("a module may have a deeper stack than others", async () => {
  const source = "function down(n: i32): i32 { depth++; return n + down(n + 1) * 3; }";
  const usual = await depthOf(source);
  expect(await depthOf(source, 512 * 1024)).toBeCloseTo(2 * usual, -1);
});

test("a module can ask how much of the stack it has left", async () => {
  const prepared = await prepare(
    await compileSource(`
      @external("aios", "room") declare function room(): i32;
      export let first: i32 = 0; export let second: i32 = 0;
      export let third: i32 = 0; export let after: i32 = 0;
      function down(n: i32): i32 {
        if (n == 1) second = room();
        if (n == 2) third = room();
        return n < 2 ? down(n + 1) * 3 + n : n;
      }
      export function main(): void { first = room(); down(1); after = room(); }`),
    { stackBytes: 100_000 },
  );
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const it = new Instance(prepared, module, birthOf(prepared), () => null);
  it.cycles = 1e6;
  expect(it.start("main")).toBe(true);
  const [first = 0, second = 0, third = 0, after] = it.freeze().globals.map(Number);
  expect(first).toBeLessThanOrEqual(100_000);
  expect(first).toBeGreaterThan(second);
  expect(first - second).toBeGreaterThanOrEqual(second - third);
  expect(second).toBeGreaterThan(third);
  expect(after).toBe(first);
  expect(prepared.imports).toEqual([]);
});
