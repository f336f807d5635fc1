/** Makes a failing round shorter: which of its turns are enough. */
import { FuzzFailure, type Subject } from "./fuzz.ts";

/** Attempts, each of which plays what is left of the round. */
const ATTEMPTS_MAX = 500;

/**
 * The fewest of `items` that still fail, in their order: halves, quarters and so on are left out as
 * long as the rest fails, until none alone can be (after Zeller and Hildebrandt 2002, "Simplifying
 * and isolating failure-inducing input", of which the 1-minimal result is kept).
 */
export async function leaveOut<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
  attemptsMax = ATTEMPTS_MAX,
): Promise<T[]> {
  let kept = [...items];
  let size = Math.ceil(kept.length / 2);
  let attempts = 0;
  while (size >= 1 && attempts < attemptsMax) {
    const before = kept.length;
    for (let at = 0; at < kept.length && kept.length > size && attempts < attemptsMax; attempts++) {
      const shorter = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await fails(shorter)) kept = shorter;
      else at += size;
    }
    // With one left out something before it may have become needless.
    if (size > 1 || kept.length === before) size = Math.floor(size / 2);
  }
  return kept;
}

/** Plays those turns of a round; how it failed, or null. */
export async function replay(subject: Subject, seed: number, turns: readonly number[]): Promise<FuzzFailure | null> {
  try {
    await subject.play({ seed, turns: (turns.at(-1) ?? -1) + 1, only: new Set(turns) }, () => true);
    return null;
  } catch (error) {
    if (error instanceof FuzzFailure) return error;
    throw error;
  }
}

/** The turns of the round that failed which are enough for it to fail. */
export async function shrink(subject: Subject, failure: FuzzFailure, attemptsMax = ATTEMPTS_MAX): Promise<number[]> {
  const all = Array.from({ length: failure.turn + 1 }, (_, turn) => turn);
  return leaveOut(all, async (turns) => (await replay(subject, failure.seed, turns)) !== null, attemptsMax);
}
