/**
 * A decision of the scheduler's queues: choose, charge a slice, put back. Against the same structures in
 * C and in TypeScript, from 10 to a million entities; every one of them chooses the same, in the same order.
 */
import { type Progress, pairedRow, plainRow, quantile, type Results } from "../measure.ts";
import {
  type Compiler,
  compilePeer,
  kernelQueue,
  type Load,
  type Side,
  typedArrays,
} from "./sides.ts";

const COUNTS = [10, 100, 1000, 10_000, 100_000, 1_000_000];
/** What is aimed at, in ns, by entities. */
const AIMS: Readonly<Record<number, number>> = { 10: 40, 1000: 120, 100000: 200, 1000000: 400 };
const RUNS = 60;
/** Decisions of a sample: a few milliseconds, so that most of them are undisturbed. */
const DECISIONS = 5000;

type Name = "kernel" | "C" | "TypeScript";

/** Samples of each side in ns a decision, taken in turn after all of them are warm. */
async function sample(sides: ReadonlyMap<Name, Side>, count: number): Promise<Map<Name, number[]>> {
  const samples = new Map<Name, number[]>([...sides.keys()].map((name) => [name, []]));
  const warm = Math.ceil((3 * count + 200_000) / DECISIONS);
  for (let run = -warm; run < RUNS; run++) {
    const order = run % 2 === 0 ? [...sides] : [...sides].reverse();
    const digests = new Set<number>();
    for (const [name, side] of order) {
      const { ns, digest } = await side.run(DECISIONS);
      digests.add(digest);
      if (run >= 0) samples.get(name)?.push(ns / DECISIONS);
      // V8 puts optimised code in place between two calls.
      if (run < 0 && run % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    if (digests.size !== 1) throw new Error(`sched: ${count} entities, different choices`);
  }
  return samples;
}

async function measure(load: Load, compiler: Compiler | null): Promise<Map<Name, number[]>> {
  const sides = new Map<Name, Side>([["kernel", await kernelQueue(load)]]);
  if (compiler) sides.set("C", compiler.start(load));
  sides.set("TypeScript", typedArrays(load));
  try {
    return await sample(sides, load.count);
  } finally {
    for (const side of sides.values()) side.stop();
  }
}

function addRows(results: Results, name: string, aim: string, samples: Map<Name, number[]>): void {
  const ours = samples.get("kernel") ?? [];
  const [c, typescript] = [samples.get("C"), samples.get("TypeScript") ?? []];
  const about = { group: "sched", name, unit: "ns" } as const;
  if (c) results.rows.push(pairedRow({ ...about, peerName: "C, gcc -O2", aim }, { ours, peer: c }));
  else results.rows.push(plainRow({ ...about, peerName: "no gcc", aim }, ours));
  results.rows.push(pairedRow({ ...about, peerName: "TypeScript" }, { ours, peer: typescript }));
}

export async function measureSched(results: Results, progress: Progress): Promise<void> {
  const compiler = compilePeer();
  const kinds = [
    { queue: "fair", weights: "random", text: "fair, random weights" },
    { queue: "fair", weights: "equal", text: "fair, equal weights" },
    { queue: "edf", weights: "equal", text: "EDF" },
  ] as const;
  for (const { text, ...kind } of kinds) {
    const lines = new Map<Name, [number, number][]>();
    for (const count of COUNTS) {
      progress(`scheduler, ${text}, ${count}`);
      const samples = await measure({ ...kind, count }, compiler);
      for (const [name, values] of samples)
        lines.set(name, [...(lines.get(name) ?? []), [count, quantile(values, 0.1)]]);
      const goal = kind.queue === "fair" ? AIMS[count] : undefined;
      if (goal === undefined && (kind.queue === "fair" || count !== 100_000)) continue;
      const aim = goal === undefined ? "<= 1.3" : `<= 1.3, ${goal} ns`;
      addRows(results, `pick and requeue, ${text}, ${count.toLocaleString("en")}`, aim, samples);
    }
    results.series.push({
      file: `sched-${kind.queue}-${kind.weights}`.replace("-edf-equal", "-edf"),
      title: `A decision: pick, charge, requeue; ${text}`,
      x: "runnable entities",
      unit: "ns",
      lines: [...lines].map(([name, points]) => ({ name, points })),
    });
  }
  compiler?.remove();
}
