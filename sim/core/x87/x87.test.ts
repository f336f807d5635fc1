/** The x87 unit against the processor that runs the tests: state, memory and flags, bit for bit. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { digests, recordedAnswers, x87Batches } from "../../host/testing/float_answers.ts";
import { processorArithmetic, Random } from "../../host/testing/float_cases.ts";
import {
  closeness,
  FORMS,
  isTranscendental,
  machineUnit,
  nameOf,
  resultOf,
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

test("every x87 instruction gives the answers that were recorded from a real processor", () => {
  const recorded = recordedAnswers();
  expect(digests(x87Batches(), run).filter((line) => !recorded.has(line))).toEqual([]);
});

// Lines of instruction, ST(0), ST(1), rounding control, result: computed with 2,000 bits by mpmath.
const VECTORS = new URL("../../host/testing/transcendental.txt", import.meta.url);

test("transcendental functions are rounded correctly, in every rounding mode", () => {
  const wrong = readFileSync(VECTORS, "utf8")
    .trimEnd()
    .split("\n")
    .filter((line) => {
      const [form, x, y, rounding, result] = line.split(" ");
      return resultOf(run, Number(`0x${form}`), x ?? "", y ?? "", Number(rounding)) !== result;
    })
    .map((line) => `${nameOf(Number(`0x${line.slice(0, 3)}`))} ${line}`);
  expect(wrong).toEqual([]);
});
