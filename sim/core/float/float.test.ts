/** binary32 and binary64 against the processor that runs the tests, bit for bit. */
import { expect, test } from "vitest";
import { digests, recordedAnswers, sseBatches } from "../../host/testing/float_answers.ts";
import {
  differences,
  machineArithmetic,
  processorArithmetic,
  sseCases,
} from "../../host/testing/float_cases.ts";

const CASES = 200_000;
const run = await machineArithmetic(CASES);

test("SSE arithmetic has the real processor's results and flags", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const processor = processorArithmetic("float_sse.c", ["-msse4.1"]);
  const cases = sseCases(seed, CASES);
  expect(differences(run(cases), processor(cases)), `seed ${seed}`).toEqual([]);
});

test("SSE arithmetic gives the answers that were recorded from a real processor", () => {
  const recorded = recordedAnswers();
  expect(digests(sseBatches(), run).filter((line) => !recorded.has(line))).toEqual([]);
});
