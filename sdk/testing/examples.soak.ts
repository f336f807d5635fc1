/** The example in Rust and C on a running system; its module is a large one. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compileC, compileRust } from "./compilers.ts";
import { Walkthrough } from "./walkthrough.ts";

/** Making a module ready takes its time where many want the processor. */
const PATIENCE = { timeout: 300_000 };
const walkthrough = new Walkthrough();
beforeAll(() => walkthrough.begin());
afterAll(async () => expect(await walkthrough.end()).toBe(0));

test("a worker reports what its tools have done, and what they haven't", PATIENCE, async () => {
  writeFileSync(walkthrough.file("worker/sum.wasm"), compileC("examples/worker/sum.c"));
  writeFileSync(walkthrough.file("worker/worker.wasm"), compileRust("examples/worker/worker.rs"));
  const { said, told } = await walkthrough.perform("worker");
  expect(said).toBe(told);
});
