/** Long sequences of turns, drawn at random and made shorter when kernel and specification differ. */
import fc from "fast-check";
import { type Choice, choice } from "./choices.ts";
import { type Turn, turn } from "./compare.ts";
import type { Subject } from "./subject.ts";
import type { World } from "./world.ts";

export interface Drawn {
  readonly seed: number;
  /** Sequences, and the calls of each. */
  readonly runs: number;
  readonly calls: number;
  /** To repeat one: its number, and which of its choices are left. */
  readonly repeat?: { readonly run: number; readonly kept: readonly number[] } | undefined;
  /** What a choice means in a world. */
  readonly turnOf: (world: World, chosen: Choice) => Turn;
  readonly create: () => Promise<{ subject: Subject; world: World }>;
  /** Makes the specification wrong before a turn, to see that it is found out. */
  readonly twist?: (world: World, next: Turn) => void;
}

export interface Outcome {
  readonly calls: number;
  /** Statuses with which each call was answered. */
  readonly answered: ReadonlyMap<string, ReadonlySet<string>>;
  /** Null when kernel and specification have agreed. */
  readonly failure: Failure | null;
}

export interface Failure {
  readonly run: number;
  /** Which choices of the run are enough, and the turns that they come to. */
  readonly kept: readonly number[];
  readonly turns: readonly Turn[];
  readonly error: unknown;
}

/** How far a sequence went, and why not farther. */
interface Walked {
  readonly turns: readonly Turn[];
  readonly error: unknown;
}

/** What a repetition is asked for with: its number, a colon and the choices with points between them. */
export function repeatOf(text: string | undefined): Drawn["repeat"] {
  const [run, kept] = (text ?? "").split(":");
  return run && kept ? { run: Number(run), kept: kept.split(".").map(Number) } : undefined;
}

export async function draw(drawn: Drawn): Promise<Outcome> {
  const { seed, runs, repeat } = drawn;
  const answered = new Map<string, Set<string>>();
  const numbers = repeat ? [repeat.run] : Array.from({ length: runs }, (_, run) => run);
  let calls = 0;
  for (const run of numbers) {
    const all = choicesOf(seed + run, drawn.calls);
    const kept = repeat?.kept ?? all.map((_, n) => n);
    const walked = await walk(drawn, all, kept, answered);
    calls += walked.turns.length;
    if (walked.error) return { calls, answered, failure: { run, ...(await shrink(drawn, all, kept, walked)) } };
  }
  return { calls, answered, failure: null };
}

function choicesOf(seed: number, length: number): Choice[] {
  const many = fc.noBias(fc.array(choice, { minLength: length, maxLength: length, size: "max" }));
  return fc.sample(many, { seed, numRuns: 1 })[0] ?? [];
}

async function walk(
  { create, turnOf, twist }: Drawn,
  all: readonly Choice[],
  kept: readonly number[],
  answered = new Map<string, Set<string>>(),
): Promise<Walked> {
  const { subject, world } = await create();
  const turns: Turn[] = [];
  for (const index of kept) {
    const next = turnOf(world, all[index] as Choice);
    turns.push(next);
    try {
      twist?.(world, next);
      const { status } = turn(world, subject, next);
      answered.set(next.call.call, (answered.get(next.call.call) ?? new Set()).add(status));
    } catch (error) {
      return { turns, error };
    }
  }
  return { turns, error: null };
}

/**
 * Leaves choices out, many at a time and then fewer, as long as it still fails: in the end no single
 * one can be missed (Zeller, Hildebrandt, "Simplifying and isolating failure-inducing input", 2002).
 */
async function shrink(drawn: Drawn, all: readonly Choice[], begun: readonly number[], first: Walked) {
  let kept = begun.slice(0, first.turns.length);
  let last = first;
  let before = 0;
  for (let size = kept.length >> 1; size > 0; size = size > 1 || before === kept.length ? size >> 1 : 1) {
    before = kept.length;
    for (let at = 0; at < kept.length; ) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)];
      const walked = await walk(drawn, all, fewer);
      if (walked.error) {
        kept = fewer.slice(0, walked.turns.length);
        last = walked;
      } else at += size;
    }
  }
  return { kept, ...last };
}

/** What a failure says: each turn of the shortest sequence, and the command that repeats it. */
export function tell({ failure }: Outcome, { seed }: Drawn, command: string): string {
  if (!failure) return "";
  const { run, kept, turns, error } = failure;
  const lines = turns.map(({ agent, call }, n) => `  ${n + 1}. agent ${agent}: ${JSON.stringify(call)}`);
  const where = `AIOS_MODEL_SEED=${seed} AIOS_MODEL_REPEAT=${run}:${kept.join(".")}`;
  return `${error}\n${lines.join("\n")}\nrepeat: ${where} ${command}`;
}
