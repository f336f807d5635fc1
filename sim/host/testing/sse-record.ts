/**
 * What a real processor has left of fixed cases of every MMX and SSE instruction, as digests: recorded
 * in sse-vectors.txt, for hosts without a compiler or with another processor.
 *
 *   tsx sim/host/testing/sse-record.ts    records anew, from the processor that runs it
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { processorArithmetic, Random, type Runner } from "./float_cases.ts";
import { APPROXIMATE, CASE_BYTES, comparable, ROWS, sseInstructions } from "./sse-cases.ts";

const FILE = fileURLToPath(new URL("sse-vectors.txt", import.meta.url));
const CASES = 64;
const DIGITS = 12;

/** A line for each row: digest of the states after its cases, and the row. */
export function digestsOf(run: Runner): string[] {
  return ROWS.filter(({ operation }) => !APPROXIMATE.test(operation)).map((row, index) => {
    const answers = run(sseInstructions(new Random(index), [row], CASES));
    const hash = createHash("sha256");
    for (let at = 0; at < answers.length; at += CASE_BYTES) hash.update(comparable(answers, at));
    return `${hash.digest("hex").slice(0, DIGITS)} ${row.text.replaceAll(/\s+/g, " ")}`;
  });
}

export function recordedDigests(): string[] {
  return readFileSync(FILE, "utf8").trimEnd().split("\n");
}

if (argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(FILE, `${digestsOf(processorArithmetic("sse.c", [])).join("\n")}\n`);
