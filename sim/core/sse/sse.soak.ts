/** Millions of MMX and SSE instructions against the processor that runs the soak. */
import { expect, test } from "vitest";
import { processorArithmetic, Random } from "../../host/testing/float_cases.ts";
import {
  APPROXIMATE,
  machineSse,
  ROWS,
  sseDifferences,
  sseInstructions,
} from "../../host/testing/sse-cases.ts";

const CASES = 50_000;
const ROUNDS = 100;

test(`${CASES * ROUNDS} MMX and SSE instructions leave the real processor's state`, async () => {
  const run = await machineSse();
  const processor = processorArithmetic("sse.c", []);
  const rows = ROWS.filter(({ operation }) => !APPROXIMATE.test(operation));
  const first = Math.floor(Math.random() * 2 ** 32);
  for (let seed = first; seed < first + ROUNDS; seed++) {
    const cases = sseInstructions(new Random(seed), rows, CASES);
    expect(sseDifferences(cases, run(cases), processor(cases)), `seed ${seed}`).toEqual([]);
  }
});
