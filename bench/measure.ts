/** Paired measurement: both sides take turns in one run, so that a busy machine slows both. */

/** One line of the table. */
export interface Result {
  readonly suite: string;
  readonly name: string;
  /** Median of ours and of the peer, in `unit`. */
  readonly ours: number;
  readonly peer: number;
  readonly unit: "ns" | "ms" | "MiB";
  /** ours / peer: the median of the rounds' ratios. Below 1 means that ours takes less. */
  readonly ratio: number;
  /** Lowest and highest ratio of a round. */
  readonly spread: readonly [number, number];
  /** What the peer is, and the ratio that is aimed at. */
  readonly against: string;
  readonly goal?: number;
}

/** Nanoseconds for one operation. */
export type Timed = () => number | Promise<number>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Runs `act`, which does `count` operations; ns for each. */
export function timed(count: number, act: () => unknown): number {
  const start = process.hrtime.bigint();
  act();
  return Number(process.hrtime.bigint() - start) / count;
}

/** Rounds of ours and the peer by turns, after one unmeasured round each. */
export async function paired(
  what: Pick<Result, "suite" | "name" | "against" | "unit"> & { readonly goal?: number },
  rounds: number,
  ours: Timed,
  peer: Timed,
): Promise<Result> {
  await ours();
  await peer();
  const samples: (readonly [number, number])[] = [];
  for (let round = 0; round < rounds; round++) samples.push([await ours(), await peer()]);
  const ratios = samples.map(([a, b]) => a / b);
  return {
    ...what,
    ours: median(samples.map(([a]) => a)),
    peer: median(samples.map(([, b]) => b)),
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
  };
}
