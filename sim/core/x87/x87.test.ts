/** The x87 unit against the processor that runs the tests: state, memory and flags, bit for bit. */
import { expect, test } from "vitest";
import { processorArithmetic, Random } from "../../host/testing/float_cases.ts";
import {
  closeness,
  FORMS,
  isTranscendental,
  machineUnit,
  stateDifferences,
  x87Cases,
} from "../../host/testing/x87_cases.ts";

const CASES = 30_000;
const run = await machineUnit(CASES);
const seed = Math.floor(Math.random() * 2 ** 32);

test("every x87 instruction leaves the state that the real processor leaves", () => {
  const processor = processorArithmetic("x87.c", []);
  const forms = FORMS.filter((form) => !isTranscendental(form));
  const cases = x87Cases(new Random(seed), forms, CASES);
  expect(stateDifferences(cases, run(cases), processor(cases)), `seed ${seed}`).toEqual([]);
});

test("transcendental functions are within a unit in the last place of the real processor's", () => {
  const processor = processorArithmetic("x87.c", []);
  const forms = FORMS.filter(isTranscendental);
  const cases = x87Cases(new Random(seed), forms, CASES / 3);
  const { differences, results, same } = closeness(cases, run(cases), processor(cases));
  expect(differences.slice(0, 4), `seed ${seed}`).toEqual([]);
  // Real units err by up to a unit; most of their results are right, as all of ours should be.
  expect(same / results).toBeGreaterThan(0.9);
});
