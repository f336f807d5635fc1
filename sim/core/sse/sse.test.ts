/** MMX and SSE against the processor that runs the tests: state, memory, flags, exceptions. */
import { expect, test } from "vitest";
import { processorArithmetic, Random } from "../../host/testing/float_cases.ts";
import {
  APPROXIMATE,
  approximateDifferences,
  machineSse,
  ROWS,
  rowsWithoutCases,
  sseDifferences,
  sseInstructions,
} from "../../host/testing/sse-cases.ts";
import { digestsOf, recordedDigests } from "../../host/testing/sse-record.ts";

const CASES = 20_000;
const run = await machineSse();
const seed = Math.floor(Math.random() * 2 ** 32);

test("every row of the description with a vector operand has cases", () => {
  expect(rowsWithoutCases()).toEqual([]);
});

test("every MMX and SSE instruction leaves the state that the real processor leaves", () => {
  const processor = processorArithmetic("sse.c", []);
  const rows = ROWS.filter(({ operation }) => !APPROXIMATE.test(operation));
  const cases = sseInstructions(new Random(seed), rows, CASES);
  expect(sseDifferences(cases, run(cases), processor(cases)), `seed ${seed}`).toEqual([]);
});

test("every MMX and SSE instruction leaves the states that were recorded of a real processor", () => {
  expect(digestsOf(run)).toEqual(recordedDigests());
});

test("approximations are as close to the real processor's as the manual has them", () => {
  const processor = processorArithmetic("sse.c", []);
  const rows = ROWS.filter(({ operation }) => APPROXIMATE.test(operation));
  const cases = sseInstructions(new Random(seed), rows, CASES / 10);
  expect(approximateDifferences(cases, run(cases), processor(cases)), `seed ${seed}`).toEqual([]);
});
