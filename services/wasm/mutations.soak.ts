/** Thousands of mutations of a module, of which hostile.test.ts tries dozens. */
import { expect, test } from "vitest";
import { SOURCE } from "../../bench/wasm/kernels.ts";
import { compileSource } from "./testing/compile.ts";
import { mutated, outcomeOf } from "./testing/mutations.ts";

const SEEDS = 5000;

test("mutations of a module are refused with a reason, or run within what they are given", async () => {
  const bytes = await compileSource(`${SOURCE} export function main(): void { interpreter(); }`);
  const seen = { refused: 0, ran: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = await outcomeOf(mutated(bytes, seed)).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${error}`, { cause: error });
    });
    seen[outcome]++;
  }
  expect(seen.ran).toBeGreaterThan(SEEDS / 20);
  expect(seen.refused).toBeGreaterThan(SEEDS / 20);
});
