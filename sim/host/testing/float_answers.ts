/**
 * The real processor's answers to cases that a seed makes, recorded as one digest an instruction, so
 * that tests say something where there is no compiler or another processor.
 *
 *   npx tsx sim/host/testing/float_answers.ts     records them anew
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  caseAnswer,
  OPERATIONS,
  operationName,
  processorArithmetic,
  Random,
  type Runner,
  CASE_BYTES as SSE_BYTES,
  sseCases,
} from "./float_cases.ts";
import {
  comparable,
  FORMS,
  isTranscendental,
  nameOf,
  CASE_BYTES as X87_BYTES,
  x87Cases,
} from "./x87_cases.ts";

const SSE_CASES = 400;
const X87_CASES = 100;
const DIGEST_DIGITS = 12;
const FILE = fileURLToPath(new URL("float_answers.txt", import.meta.url));

/** Cases of one instruction, and what is compared of the answer to the one at `at`. */
interface Batch {
  readonly name: string;
  readonly cases: Buffer;
  readonly bytes: number;
  readonly answer: (cases: Buffer, at: number) => Buffer;
}

export function sseBatches(): Batch[] {
  return [64, 32].flatMap((width) =>
    Object.values(OPERATIONS).map((number) => {
      const operation = (width << 8) | number;
      const cases = sseCases(operation, SSE_CASES, operation);
      return { name: operationName(operation), cases, bytes: SSE_BYTES, answer: caseAnswer };
    }),
  );
}

export function x87Batches(): Batch[] {
  return FORMS.filter((form) => !isTranscendental(form)).map((form) => ({
    name: `${nameOf(form)}.${form.toString(16)}`,
    cases: x87Cases(new Random(form), [form], X87_CASES),
    bytes: X87_BYTES,
    answer: comparable,
  }));
}

/** A line for each batch: its name and the digest of all answers. */
export function digests(batches: readonly Batch[], run: Runner): string[] {
  return batches.map(({ name, cases, bytes, answer }) => {
    const answers = run(cases);
    const hash = createHash("sha256");
    for (let at = 0; at < answers.length; at += bytes) hash.update(answer(answers, at));
    return `${name} ${hash.digest("hex").slice(0, DIGEST_DIGITS)}`;
  });
}

/** Lines recorded from a real processor. */
export function recordedAnswers(): Set<string> {
  return new Set(readFileSync(FILE, "utf8").split("\n"));
}

/** One run of the C program for all batches. */
function record(batches: readonly Batch[], run: Runner): string[] {
  const answers = run(Buffer.concat(batches.map(({ cases }) => cases)));
  let at = 0;
  return digests(batches, (cases) => {
    at += cases.length;
    return answers.subarray(at - cases.length, at);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(
    FILE,
    [
      ...record(sseBatches(), processorArithmetic("float_sse.c", ["-msse4.1"])),
      ...record(x87Batches(), processorArithmetic("x87.c", [])),
      "",
    ].join("\n"),
  );
