/** How benchmarks measure and what they report. */

/** One line of the table. */
export interface Row {
  readonly group: string;
  readonly name: string;
  /** Median of ours, in `unit`. */
  readonly ours: number;
  readonly unit: "ns" | "ms" | "KiB" | "MiB" | "/s" | "MIPS";
  /** Median of the peer in the same unit, and who that is. */
  readonly peer?: number;
  readonly peerName?: string;
  /** Median of ours/peer over the interleaved runs (peer/ours of times makes rates: `higher`). */
  readonly ratio?: number;
  /** Quartiles of that ratio, or of ours when there is no peer. */
  readonly low: number;
  readonly high: number;
  readonly runs: number;
  /** What the project aims at; printed beside the ratio, and never a verdict. */
  readonly aim?: string;
}

/** How a figure grows; each becomes a plot. */
export interface Series {
  readonly file: string;
  readonly title: string;
  readonly x: string;
  readonly unit: string;
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly [number, number][];
  }[];
}

/** What several sides take for each of some tasks; each becomes a plot of dots. */
export interface Dots {
  readonly file: string;
  readonly title: string;
  readonly unit: string;
  readonly sides: readonly string[];
  /** The samples of each side, in the order of `sides`. */
  readonly rows: readonly {
    readonly name: string;
    readonly values: readonly (readonly number[])[];
  }[];
}

export interface Results {
  readonly rows: Row[];
  readonly series: Series[];
  readonly dots: Dots[];
}

/** Says what is being measured, on a line of stderr that the next one replaces. */
export type Progress = (what: string) => void;

/** The value below which the fraction `part` of them lies, interpolated. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Nanoseconds that `work` takes for each of its `count` operations. */
export function nsEach(count: number, work: () => unknown): number {
  const start = performance.now();
  work();
  return ((performance.now() - start) * 1e6) / count;
}

/** Lets V8 put optimised code in place: it compiles beside, and swaps between two calls. */
export async function warmUp(work: () => unknown): Promise<void> {
  for (let round = 0; round < 8; round++) {
    work();
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
}

type Sample = () => number | Promise<number>;

export interface Paired {
  readonly ours: number[];
  readonly peer: number[];
}

/**
 * Takes `runs` samples of each side in turn, the first of them alternating, after one of each that
 * does not count: what disturbs the computer disturbs both.
 */
export async function interleave(runs: number, ours: Sample, peer: Sample): Promise<Paired> {
  const samples: Paired = { ours: [], peer: [] };
  await ours();
  await peer();
  for (let run = 0; run < runs; run++) {
    const order = run % 2 === 0 ? (["ours", "peer"] as const) : (["peer", "ours"] as const);
    for (const side of order) samples[side].push(await (side === "ours" ? ours() : peer()));
  }
  return samples;
}

/** The line for interleaved samples of times: ratio = ours/peer. */
export function pairedRow(
  about: Pick<Row, "group" | "name" | "unit" | "peerName" | "aim">,
  { ours, peer }: Paired,
): Row {
  const ratios = ours.map((value, index) => value / (peer[index] ?? Number.NaN));
  return {
    ...about,
    ours: median(ours),
    peer: median(peer),
    ratio: median(ratios),
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
    runs: ours.length,
  };
}

/** The line for samples without a peer, or with a published figure as the peer. */
export function plainRow(
  about: Pick<Row, "group" | "name" | "unit" | "peer" | "peerName" | "aim">,
  samples: readonly number[],
): Row {
  const scale = about.peer ?? 1;
  const row = {
    ...about,
    ours: median(samples),
    low: quantile(samples, 0.25) / scale,
    high: quantile(samples, 0.75) / scale,
    runs: samples.length,
  };
  return about.peer === undefined ? row : { ...row, ratio: row.ours / about.peer };
}
