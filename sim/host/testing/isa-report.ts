/** Runs cases on both processors, and says what is different in a way that can be repeated. */
import { Decoder } from "../decoder.ts";
import { disassemble } from "../disassemble.ts";
import { loadModule } from "../modules.ts";
import { REGISTERS } from "./code.ts";
import type { IsaBench } from "./isa-bench.ts";
import * as L from "./isa-cases.ts";
import { drawCase } from "./isa-cases-draw.ts";
import { differencesOf } from "./isa-compare.ts";
import type { Coverage } from "./isa-coverage.ts";
import type { NativeProcessor } from "./isa-native.ts";
import { PLANS, type PlanName } from "./isa-plans.ts";
import { shrink } from "./isa-shrink.ts";

export interface Judged {
  readonly cases: number;
  /** How many of them have ended without an exception. */
  readonly ended: number;
  /** How many reached for the pages of the program that executes them, and weren't compared. */
  readonly outside: number;
  /** Seeds whose outcomes are different. */
  readonly failed: readonly number[];
}

/** `count` cases of a plan, from seed `from` on. */
export function judge(
  name: PlanName,
  from: number,
  count: number,
  bench: IsaBench,
  native: NativeProcessor,
  coverage?: Coverage,
): Judged {
  const plan = PLANS[name];
  const cases = Array.from({ length: count }, (_, n) => drawCase(plan, from + n));
  const input = Buffer.concat(cases.map(({ record }) => record));
  const [mine, theirs] = [bench.run(input), native.run(input)];
  if (theirs.length !== input.length)
    throw new Error(`${name} ${from}: the program has ended early`);
  const failed: number[] = [];
  let ended = 0;
  let outside = 0;
  cases.forEach((one, n) => {
    const span = [n * L.RECORD_BYTES, (n + 1) * L.RECORD_BYTES] as const;
    const [a, b] = [mine.subarray(...span), theirs.subarray(...span)];
    const whole = b.readUInt32LE(L.VECTOR_AT) === L.ENDED;
    if (whole) ended++;
    if (a.readUInt32LE(L.VECTOR_AT) === L.OUTSIDE) outside++;
    coverage?.note(one.steps, whole);
    if (differencesOf(one, a, b).length > 0) failed.push(from + n);
  });
  return { cases: count, ended, outside, failed };
}

/** The case of a seed, shrunk, with both outcomes. */
export async function explain(
  name: PlanName,
  seed: number,
  bench: IsaBench,
  native: NativeProcessor,
): Promise<string> {
  const plan = PLANS[name];
  const decoder = new Decoder(await loadModule("sim"));
  const differences = (one: L.Case) =>
    differencesOf(one, bench.run(one.record), native.run(one.record));
  const whole = drawCase(plan, seed);
  const fails = (smaller: L.Case) => differences(smaller).length > 0;
  const one = fails(whole) ? shrink(whole, fails) : whole;
  return [
    `${name}, seed ${seed}; again: npx tsx sim/host/testing/isa-replay.ts ${name} ${seed}`,
    ...one.steps.map((step) => `  ${stepText(decoder, one, step)}`),
    `  ${stateText(one)}`,
    ...differences(one).map((line) => `    ${line}`),
  ].join("\n");
}

function stepText(decoder: Decoder, { record }: L.Case, { drawn, at }: L.Step): string {
  const from = L.CODE_AT + at;
  const bytes = record.subarray(from, from + drawn.bytes.length);
  const address = record.readBigUInt64LE(L.RIP_AT) + BigInt(at);
  return `${bytes.toString("hex").padEnd(24)} ${disassemble(decoder, bytes, drawn.mode, address).text}`;
}

/** What registers and flags begin with, zeros left out. */
function stateText({ record }: L.Case): string {
  const named = [...REGISTERS, "rip", "rflags"].map((name, n) => [name, 8 * n] as const);
  return named
    .map(([name, at]) => [name, record.readBigUInt64LE(at)] as const)
    .filter(([, value]) => value !== 0n)
    .map(([name, value]) => `${name}=${value.toString(16)}`)
    .join(" ");
}
