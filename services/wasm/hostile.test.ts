/** Modules made to break what runs them: refused, trapped or stopped, and the host goes on. */
import { expect, test } from "vitest";
import { birthOf } from "./agent.ts";
import { CALL_YIELD, Instance } from "./instance.ts";
import { type Prepared, prepare } from "./module/prepare.ts";
import { compileSource } from "./testing/compile.ts";
import { mutated, outcomeOf } from "./testing/mutations.ts";

const instanceOf = (prepared: Prepared) =>
  new Instance(
    prepared,
    new WebAssembly.Module(prepared.code as BufferSource),
    birthOf(prepared),
    () => null,
  );

test("a loop without end, and one in the start function, are stopped again and again", async () => {
  const source = "let n: i32 = 0; function spin(): void { while (true) n++; }";
  const loops = [
    ["main", `${source} export function main(): void { spin(); }`],
    ["aios:start", `${source} spin();`],
  ] as const;
  for (const [entry, text] of loops) {
    const it = instanceOf(await prepare(await compileSource(text)));
    it.cycles = 100_000;
    let done = it.start(entry);
    for (let stops = 0; stops < 20; stops++) {
      expect([done, it.pending?.import]).toEqual([false, CALL_YIELD]);
      // No slice is exceeded by more than a function or a few rounds may take.
      expect(it.cycles).toBeGreaterThan(-10_000);
      it.cycles = 100_000;
      done = it.resume();
    }
  }
});

test("reads and writes far outside of the memory trap, and no other instance sees what is written", async () => {
  const prepared = await prepare(
    await compileSource(`
      export function far(): void { store<u8>(0xfffffff0, 1); }
      export function read(): void { load<u64>(0xfffffffe, 0xffff); }
      export function fill(): void { memory.fill(0, 7, <usize>memory.size() << 16); }`),
  );
  const [one, other] = [instanceOf(prepared), instanceOf(prepared)];
  for (const it of [one, other]) it.cycles = 1e6;
  const before = other.bytes.slice();
  for (const entry of ["far", "read"])
    expect(() => one.start(entry)).toThrow(WebAssembly.RuntimeError);
  one.start("fill");
  expect(one.bytes.every((byte) => byte === 7)).toBe(true);
  expect(other.bytes).toEqual(before);
});

test("mutations of a module are refused with a reason, or run within what they are given", async () => {
  const bytes = await compileSource(`
    @external("env", "ask") declare function ask(x: i32): i32;
    const table = memory.data<u8>([3, 1, 4, 1, 5, 9, 2, 6]);
    function twice(n: i32): i32 { return n < 2 ? n : twice(n - 1) + load<u8>(table + (n & 7)); }
    export function main(): void {
      let sum = 0;
      for (let n = 0; n < 40; n++) { sum += twice(n); if (sum & 1) sum ^= ask(sum); }
    }`);
  const seen = { refused: 0, ran: 0 };
  for (let seed = 1; seed <= 60; seed++) seen[await outcomeOf(mutated(bytes, seed))]++;
  expect(seen.refused).toBeGreaterThan(0);
  expect(seen.ran).toBeGreaterThan(0);
});
