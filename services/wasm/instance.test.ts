import { expect, test } from "vitest";
import { birthOf } from "./agent.ts";
import { CALL_GROW, CALL_YIELD, Instance } from "./instance.ts";
import { type Prepared, prepare } from "./module/prepare.ts";
import { compileSource } from "./testing/compile.ts";

/** Asks for numbers at the bottom of a recursion, grows its memory, fills it, and gives a checksum. */
const SOURCE = `
@external("env", "ask") declare function ask(x: i32): i32;
let total: i32 = 0;
function down(n: i32): i32 {
  if (n == 0) return ask(total);
  const below = down(n - 1);
  total += below;
  return below + n;
}
export function main(): void {
  for (let i = 0; i < 3; i++) { total += 7; ask(down(10)); }
  const before = memory.grow(3);
  ask(before);
  ask(memory.size());
  const base = <usize>before << 16;
  let seed: u32 = 1;
  for (let i = 0; i < 20000; i++) {
    seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5;
    store<u32>(base + (seed & 0x1fffc), seed);
  }
  let sum: u32 = 0;
  for (let at: usize = 0; at < 0x20000; at += 4) sum = sum * 31 + load<u32>(base + at);
  ask(sum);
}`;

const ask = (asked: number) => asked * 2;

/** What the module asks when the engine runs it as it is. */
function plainAnswers(bytes: Uint8Array): number[] {
  const asked: number[] = [];
  const env = {
    ask: (x: number) => {
      asked.push(x);
      return ask(x);
    },
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), {
    env,
  });
  (exports.main as () => void)();
  return asked;
}

interface Run {
  readonly asked: number[];
  readonly cycles: number;
  /** How often it was left. */
  readonly stops: number;
}

/** Runs it in slices of so many cycles; frozen and made anew at each stop if that is wanted. */
function run(prepared: Prepared, slice: number, freezing: boolean): Run {
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const thaw = (state = birthOf(prepared)) => new Instance(prepared, module, state, () => null);
  const asked: number[] = [];
  let it = thaw();
  it.cycles = slice;
  let cycles = 0;
  let stops = 0;
  for (let done = it.start("main"); !done; stops++) {
    const { import: index, args } = it.pending ?? { import: 0, args: [] };
    let answer: number | undefined;
    if (index === CALL_YIELD) {
      cycles += slice - it.cycles;
      it.cycles = slice;
    } else if (index === CALL_GROW) answer = it.grow(Number(args[0]));
    else {
      asked.push(Number(args[0]));
      answer = ask(Number(args[0]));
    }
    if (freezing) {
      const left = it.cycles;
      it = thaw(it.freeze());
      it.cycles = left;
    }
    done = it.resume(answer);
  }
  return { asked, cycles: cycles + slice - it.cycles, stops };
}

test("code that is stopped, frozen and made anew at any point does what it does undisturbed", async () => {
  const bytes = await compileSource(SOURCE);
  const prepared = await prepare(bytes);
  const expected = plainAnswers(bytes);
  const undisturbed = run(prepared, 1e9, false);
  expect(undisturbed.asked).toEqual(expected);
  for (const [slice, freezing] of [
    [1e9, true],
    [20_011, true],
    [20_011, false],
    [997, false],
  ] as const) {
    const cut = run(prepared, slice, freezing);
    expect(cut.asked).toEqual(expected);
    expect(cut.cycles).toBe(undisturbed.cycles);
    if (slice < 1e9) expect(cut.stops).toBeGreaterThan(undisturbed.cycles / slice / 2);
  }
});

test("states share the pages that have not changed", async () => {
  const prepared = await prepare(
    await compileSource(`
      @external("env", "ask") declare function ask(x: i32): i32;
      const big = memory.data(1 << 20);
      export function main(): void {
        for (let at: usize = 0; at < 1 << 20; at += 4096) store<u8>(big + at, 1);
        ask(0);
        store<u8>(big, 2);
        ask(1);
      }`),
  );
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const thaw = (state = birthOf(prepared)) => new Instance(prepared, module, state, () => null);
  const first = thaw();
  first.cycles = 1e9;
  first.start("main");
  const before = first.freeze();
  const second = thaw(before);
  second.cycles = 1e9;
  second.resume(0);
  const after = second.freeze();
  const differing = after.pages.filter((page, n) => page !== before.pages[n]);
  expect(before.pages.filter(Boolean).length).toBeGreaterThanOrEqual(256);
  expect(differing).toHaveLength(1);
});

test("recursion without end is a fault of the agent, at the same depth whatever the host's stack", async () => {
  const prepared = await prepare(
    await compileSource(`
      let depth: i32 = 0;
      function down(n: i32): i32 { depth++; return n + down(n + 1) * 3; }
      export function main(): void { down(0); }`),
  );
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const depths = [0, 1].map((more) => {
    const it = new Instance(prepared, module, birthOf(prepared), () => null);
    it.cycles = 1e9;
    const enter = (frames: number): void => {
      if (frames === 0) it.start("main");
      else enter(frames - 1);
    };
    expect(() => enter(more * 500)).toThrow("the stack is too deep (wasm-state)");
    return it.freeze().globals;
  });
  expect(depths[0]).toEqual(depths[1]);
  expect(Number(depths[0]?.[0])).toBeGreaterThan(500);
});

test("a stack that is nearly full is left and entered again, and takes no more of the host's than before", async () => {
  const source = (bottom: string) => `
    let depth: i32 = 0; export let wanted: i32 = 0; let sum: i32 = 0;
    function down(n: i32): i32 {
      depth = n;
      if (n == wanted) { ${bottom} return 1; }
      return down(n + 1) * 3 + n;
    }
    export function main(): void { sum = down(1); }`;
  const BOTTOM = "for (let i = 0; i < 30000; i++) depth += i & 1;";
  const prepared = await prepare(await compileSource(source(BOTTOM)), { stackBytes: 1 << 20 });
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const [, wanted = 0] = prepared.globals;
  const runs = (deep: number, slice: number) => {
    const birth = birthOf(prepared);
    const it = new Instance(prepared, module, birth, () => null);
    const values = it.freeze().globals.map((value, n) => (n === wanted ? deep : value));
    const run = new Instance(prepared, module, { ...birth, globals: values }, () => null);
    run.cycles = slice;
    let stops = 0;
    for (let done = run.start("main"); !done; stops++) {
      run.cycles = slice;
      done = run.resume();
    }
    return { stops, globals: run.freeze().globals };
  };
  let deepest = 0;
  expect(() => runs(-1, 1e9)).toThrow("the stack is too deep");
  for (let step = 1 << 14; step > 0; step >>= 1)
    try {
      runs(deepest + step, 1e9);
      deepest += step;
    } catch {
      // Too deep by so many.
    }
  expect(deepest).toBeGreaterThan(1000);
  const cut = runs(deepest, 20_000);
  expect(cut.stops).toBeGreaterThan(10);
  expect(cut.globals).toEqual(runs(deepest, 1e9).globals);
});

test("states of an instance share the pages that haven't changed in between", async () => {
  const prepared = await prepare(await compileSource(SOURCE, "--initialMemory", "1"));
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const it = new Instance(prepared, module, birthOf(prepared), () => null);
  const memory = it.bytes;
  memory[3 * 4096] = 1;
  memory[5 * 4096] = 2;
  const before = it.freeze().pages;
  memory[5 * 4096] = 3;
  const after = it.freeze().pages;
  expect(after.flatMap((page, n) => (page === before[n] ? [] : [n]))).toEqual([5]);
  expect([before[5]?.[0], after[5]?.[0], after[3]?.[0]]).toEqual([2, 3, 1]);
});
