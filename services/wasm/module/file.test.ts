import { expect, test } from "vitest";
import { birthOf } from "../agent.ts";
import { Instance } from "../instance.ts";
import { compileSource } from "../testing/compile.ts";
import { begun } from "./begun.ts";
import { readPrepared, writePrepared } from "./file.ts";
import { type Prepared, prepare } from "./prepare.ts";

/** Fills memory and counts in globals of two types first; then tells what it finds. */
const SOURCE = `
@external("env", "seed") declare function seed(): i32;
@external("env", "tell") declare function tell(x: i64): void;
let count: i32 = 0;
let sum: i64 = -5000000000;
const room = memory.data(70000);
export function prepare(): void {
  const first = memory.grow(2) << 16;
  for (let at = 0; at < 60000; at += 4) { store<i32>(room + at, seed()); count++; }
  memory.fill(first, 7, 100);
  memory.copy(first + 65536, room, 5000);
  sum -= load<i32>(first + 65536 + 400);
}
export function main(): void {
  tell(count);
  tell(sum);
  tell(load<i32>(room + 59996));
  tell(load<u8>((memory.size() - 2 << 16) + 99));
  tell(memory.size());
}`;

const seeds = () => {
  let last = 1;
  return () => {
    last = (Math.imul(last, 1103515245) + 12345) | 0;
    return last;
  };
};

/** What the engine tells of the module as it is. */
function plain(bytes: Uint8Array): bigint[] {
  const told: bigint[] = [];
  const env = { seed: seeds(), tell: (x: bigint) => told.push(x) };
  const module = new WebAssembly.Module(bytes as BufferSource);
  const { exports } = new WebAssembly.Instance(module, { env });
  (exports.prepare as () => void)();
  (exports.main as () => void)();
  return told;
}

function told(prepared: Prepared): bigint[] {
  const all: bigint[] = [];
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const it = new Instance(prepared, module, birthOf(prepared), ({ name }) => (x) => {
    if (name === "tell") all.push(x as bigint);
    return 0;
  });
  it.cycles = 1e9;
  expect(it.start("main")).toBe(true);
  return all;
}

test("what a module has done once before is the state at every birth, from a file as well", async () => {
  const bytes = await compileSource(SOURCE);
  const next = seeds();
  const prepared = await begun(await prepare(bytes), "prepare", () => () => next());
  const expected = plain(bytes);
  expect(told(prepared)).toEqual(expected);
  const file = writePrepared(prepared);
  expect(writePrepared(readPrepared(file))).toEqual(file);
  expect(told(readPrepared(file))).toEqual(expected);
});

test("a file that is none, or not a whole one, is refused", async () => {
  const file = writePrepared(await prepare(await compileSource("export function main(): void {}")));
  const wrong: readonly (readonly [Uint8Array, RegExp])[] = [
    [new Uint8Array(4), /too short/],
    [new TextEncoder().encode("AIOSWASN--------"), /no such file/],
    [file.subarray(0, 20), /its header isn't all there/],
    [file.subarray(0, -1), /it has another length/],
    [Uint8Array.from([...file, 0]), /it has another length/],
  ];
  for (const [bytes, reason] of wrong) expect(() => readPrepared(bytes)).toThrow(reason);
});

test("a beginning that waits for the machine is refused", async () => {
  const prepared = await prepare(
    await compileSource(`
      @external("env", "ask") declare function ask(): i32;
      export function prepare(): void { ask(); }`),
  );
  const wait = (): never => {
    throw new Error("asked");
  };
  await expect(begun(prepared, "prepare", () => wait)).rejects.toThrow("asked");
});
