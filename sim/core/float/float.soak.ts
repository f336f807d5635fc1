import { expect, test } from "vitest";
import {
  differences,
  machineArithmetic,
  processorArithmetic,
  sseCases,
} from "../../host/testing/float_cases.ts";

const CASES = 500_000;
const ROUNDS = 20;

test(`${CASES * ROUNDS} SSE operations have the real processor's results and flags`, async () => {
  const run = await machineArithmetic(CASES);
  const processor = processorArithmetic("float_sse.c", ["-msse4.1"]);
  for (let seed = 0; seed < ROUNDS; seed++) {
    const cases = sseCases(seed, CASES);
    expect(differences(run(cases), processor(cases)), `seed ${seed}`).toEqual([]);
  }
});
