/** MMX and SSE against the processor that runs the tests: state, memory, flags, exceptions. */
import { expect, test } from "vitest";
import { processorArithmetic, Random } from "../../host/testing/float_cases.ts";
import {
  APPROXIMATE,
  machineSse,
  ROWS,
  sseDifferences,
  sseInstructions,
} from "../../host/testing/sse-cases.ts";

/** Floating-point instructions. */
const FLOAT =
  /^(CVT|R?SQRT|RCP|ADD|SUB|MUL|DIV|MIN|MAX|U?COMIS|ROUND|DPP|HADDP|HSUBP)|^CMP[PS][SD]$/;
const CASES = 20_000;
const run = await machineSse();
const seed = Math.floor(Math.random() * 2 ** 32);

test("every MMX and SSE instruction leaves the state that the real processor leaves", () => {
  const processor = processorArithmetic("sse.c", []);
  const rows = ROWS.filter(
    ({ operation }) => !APPROXIMATE.test(operation) && !FLOAT.test(operation),
  );
  const cases = sseInstructions(new Random(seed), rows, CASES);
  expect(sseDifferences(cases, run(cases), processor(cases)), `seed ${seed}`).toEqual([]);
});
