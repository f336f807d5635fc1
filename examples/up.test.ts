/** The examples on a running system: what their READMEs say, command by command. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compileAssemblyScript } from "../sdk/testing/compilers.ts";
import { Walkthrough } from "../sdk/testing/walkthrough.ts";

/** Making a module ready takes its time where many want the processor. */
const PATIENCE = { timeout: 300_000 };
const walkthrough = new Walkthrough();
beforeAll(() => walkthrough.begin());
afterAll(async () => expect(await walkthrough.end()).toBe(0));

test("a supervisor starts again what crashes", PATIENCE, async () => {
  const module = await compileAssemblyScript("examples/supervisor/agent.ts");
  writeFileSync(walkthrough.file("supervisor/agent.wasm"), module);
  const { said, told } = await walkthrough.perform("supervisor");
  expect(said).toBe(told);
});

test("a buyer and a seller agree on a price", PATIENCE, async () => {
  const module = await compileAssemblyScript("examples/negotiation/seller.ts");
  writeFileSync(walkthrough.file("negotiation/seller.wasm"), module);
  const { said, told } = await walkthrough.perform("negotiation");
  expect(said).toBe(told);
});
