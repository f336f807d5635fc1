/**
 * A fuzzer of system calls: agents that make any call with any arguments. Whatever they do, the kernel
 * must answer with a status, keep its invariants and never trap.
 *
 * A run is made of rounds, each in a world of its own. A round is a seed and turns, one call each; a
 * turn draws all that it needs from the round's seed and its own number. So turns can be left out of
 * a round, and those that are left still mean something.
 */
import type { CallName, StatusName } from "../testing/world-host.ts";
import { seedFrom } from "./random.ts";

/** Turns of a round at most: a world in which more has happened is more of the same. */
export const ROUND_TURNS = 5000;

/** So many rounds one after the other in which nobody gets an answer are a mistake of the fuzzer's. */
const SILENT_MAX = 50;

export interface Round {
  readonly seed: number;
  /** Turns are numbered from 0 up to this. */
  readonly turns: number;
  /** Those that are made; default all. */
  readonly only?: ReadonlySet<number>;
}

/** What a round is played on. */
export interface Subject {
  readonly name: string;
  /**
   * Plays the round; `made` hears of each call that was answered, and ends the round with false.
   * It may end before its last turn, when there is no memory for anybody new.
   * @throws FuzzFailure
   */
  play(round: Round, made: (name: CallName | null, status: StatusName) => boolean): Promise<void>;
}

/** Where the kernel broke, and how to see it again. */
export class FuzzFailure extends Error {
  override readonly name = "FuzzFailure";
  readonly subject: string;
  readonly seed: number;
  readonly turn: number;

  constructor(subject: string, seed: number, turn: number, what: string, cause?: unknown) {
    super(`${subject}, seed ${seed}, turn ${turn}: ${what}`, { cause });
    this.subject = subject;
    this.seed = seed;
    this.turn = turn;
  }
}

export interface FuzzOptions {
  readonly seed: number;
  readonly calls: number;
  /** Asked after each call; true ends the run. */
  readonly stop?: (calls: number) => boolean;
}

export interface FuzzResult {
  readonly calls: number;
  readonly rounds: number;
  /** How often each call was answered how. */
  readonly answers: ReadonlyMap<CallName, ReadonlyMap<StatusName, number>>;
}

/** @throws FuzzFailure when the kernel traps, an invariant doesn't hold, or a refusal changes something */
export async function fuzz(subject: Subject, { seed, calls, stop }: FuzzOptions): Promise<FuzzResult> {
  const answers = new Map<CallName, Map<StatusName, number>>();
  let done = 0;
  let rounds = 0;
  let silent = 0;
  let stopped = false;
  const made = (name: CallName | null, status: StatusName): boolean => {
    if (name !== null) {
      const counts = answers.get(name) ?? new Map<StatusName, number>();
      answers.set(name, counts.set(status, (counts.get(status) ?? 0) + 1));
    }
    done += 1;
    stopped ||= stop?.(done) ?? false;
    return !stopped && done < calls;
  };
  while (!stopped && done < calls) {
    const before = done;
    // The first round has the seed itself: that is how a failure is repeated.
    const round = rounds === 0 ? seed : seedFrom(seed, rounds);
    await subject.play({ seed: round, turns: Math.min(ROUND_TURNS, calls - done) }, made);
    rounds += 1;
    silent = done === before ? silent + 1 : 0;
    if (silent === SILENT_MAX) throw new Error(`${subject.name}, seed ${round}: nobody makes a call any more`);
  }
  return { calls: done, rounds, answers };
}
