/**
 * Records what this host's processor does with drawn cases, so that the tests have a judge on hosts
 * without a compiler or with another processor.
 *
 *   npx tsx sim/host/testing/isa-record.ts
 *
 * The file has the processor's name, a digest of the cases, and in base64 the compressed outcomes. Of
 * these, what is the same as in the case is 0, so most of an outcome is.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import * as L from "./isa-cases.ts";
import { drawCase } from "./isa-cases-draw.ts";
import { NativeProcessor } from "./isa-native.ts";
import { PLANS, type PlanName } from "./isa-plans.ts";
import { REGRESSIONS } from "./isa-regressions.ts";

export const RECORDED = fileURLToPath(new URL("isa-recorded.txt", import.meta.url));
/** Cases of each plan that are recorded; their seeds count from 0. */
export const RECORDED_PLANS = Object.keys(PLANS) as PlanName[];
export const RECORDED_CASES = 600;
const COLUMNS = 120;

export interface Recording {
  readonly processor: string;
  readonly cases: readonly L.Case[];
  readonly outcomes: Buffer;
}

function drawn(): { cases: L.Case[]; records: Buffer; digest: string } {
  const drawnCases = RECORDED_PLANS.flatMap((name) =>
    Array.from({ length: RECORDED_CASES }, (_, seed) => drawCase(PLANS[name], seed)),
  );
  const cases = [...drawnCases, ...REGRESSIONS];
  const records = Buffer.concat(cases.map(({ record }) => record));
  return { cases, records, digest: createHash("sha256").update(records).digest("hex") };
}

/** Registers, window and FXSAVE image as differences to the case. */
function against(records: Buffer, outcomes: Buffer): Buffer {
  const result = Buffer.from(outcomes);
  for (let at = 0; at < result.length; at += L.RECORD_BYTES) {
    const mix = (from: number, to: number) => {
      for (let n = at + from; n < at + to; n++) result[n] = (outcomes[n] ?? 0) ^ (records[n] ?? 0);
    };
    mix(L.REGISTERS_AT, L.MODE_AT);
    mix(L.WINDOW_AT, L.IMAGE_AT + L.IMAGE_KNOWN);
  }
  return result;
}

/** @throws Error when other cases are drawn than those that were recorded */
export function readRecording(): Recording {
  const [processor = "", digest, ...lines] = readFileSync(RECORDED, "latin1").split("\n");
  const { cases, records, digest: now } = drawn();
  if (digest !== now)
    throw new Error("other cases are drawn now: record them again (isa-record.ts)");
  const outcomes = inflateRawSync(Buffer.from(lines.join(""), "base64"));
  return { processor, cases, outcomes: against(records, outcomes) };
}

function write(): void {
  const native = new NativeProcessor();
  const { records, digest } = drawn();
  const outcomes = against(records, native.run(records));
  native.close();
  const text = deflateRawSync(outcomes, { level: 9 }).toString("base64");
  const lines = text.match(new RegExp(`.{1,${COLUMNS}}`, "g")) ?? [];
  writeFileSync(RECORDED, `${[NativeProcessor.model, digest, ...lines].join("\n")}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) write();
