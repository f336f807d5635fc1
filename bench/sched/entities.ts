/** What is scheduled in the benchmarks, the same on all sides. */

/** Cycles of a request: 1 ms. */
export const SLICE = 1_000_000;
/** Random weights are 1 to WEIGHT; equal ones are WEIGHT. */
const WEIGHT = 1024;

/** xorshift32 (Marsaglia 2003), as in queues.c. */
function random(): (below: number) => number {
  let state = 2463534242;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export function weights(count: number, kind: "equal" | "random"): number[] {
  const next = random();
  return Array.from({ length: count }, () => (kind === "equal" ? WEIGHT : 1 + next(WEIGHT)));
}

/** Periods of 1 to 2 ms, which are the first deadlines as well. */
export function periods(count: number): number[] {
  const next = random();
  return Array.from({ length: count }, () => SLICE + next(SLICE));
}
