import { expect, test } from "vitest";
import { processorArithmetic, Random } from "../../host/testing/float_cases.ts";
import {
  closeness,
  FORMS,
  isTranscendental,
  machineUnit,
  nameOf,
  stateDifferences,
  x87Cases,
} from "../../host/testing/x87_cases.ts";

const CASES = 50_000;
const ROUNDS = 60;

test(`${CASES * ROUNDS} x87 instructions leave the real processor's state`, async () => {
  const run = await machineUnit(CASES);
  const processor = processorArithmetic("x87.c", []);
  const forms = FORMS.filter((form) => !isTranscendental(form));
  for (let seed = 0; seed < ROUNDS; seed++) {
    const cases = x87Cases(new Random(seed), forms, CASES);
    expect(stateDifferences(cases, run(cases), processor(cases)), `seed ${seed}`).toEqual([]);
  }
});

test("transcendental functions agree with the real processor's", async () => {
  const run = await machineUnit(CASES);
  const processor = processorArithmetic("x87.c", []);
  for (const form of FORMS.filter(isTranscendental)) {
    const cases = x87Cases(new Random(form), [form], CASES);
    const { differences, results, same } = closeness(cases, run(cases), processor(cases));
    console.log(`${nameOf(form)}: ${same} of ${results} are the same`);
    expect(differences.slice(0, 4), `seed ${form}`).toEqual([]);
  }
});
