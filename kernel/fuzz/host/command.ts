/** The command `npm run fuzz`: makes system calls at random until one breaks the kernel, or it is time. */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { FuzzFailure, type FuzzResult, fuzz, type Subject } from "../fuzz.ts";
import {
  BUILDS,
  type Build,
  parseRecording,
  type Recording,
  RecordingError,
  recordingText,
  SUBJECTS,
  type SubjectName,
} from "../recording.ts";
import { replay, shrink } from "../shrink.ts";

const HELP = `npm run fuzz -- [options]

  --seed N       which run; the same seed makes the same calls (default: 1)
  --calls N      calls to make (default: 1000000)
  --seconds N    stop after so many seconds of the host's time
  --on SUBJECT   harness: the kernel alone, every invariant checked after each call, and after a
                 refused one that nothing has changed; machine: agents on the booted machine;
                 both, round by round (default)
  --build BUILD  release (default), or debug: with the kernel's assertions
  --replay FILE  plays a failing run again, as it was written by this command
  --out FILE     where a failing run is written (default: fuzz-SEED.json)
  --json         the result as JSON
  --help         this text

Exit status 0: nothing was found; 1: the kernel has trapped, an invariant does not hold, or a refused
call has changed something; 2: an option or a file is wrong.`;

export const STATUS_NOTHING = 0;
export const STATUS_FOUND = 1;
export const STATUS_BAD_INPUT = 2;

/** What the command has of the world around it. */
export interface Surroundings {
  /** Builds what is needed; tells what it plays on. */
  readonly subjects: (build: Build) => Promise<Readonly<Record<SubjectName, Subject>>>;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Shows how far it is; "" clears that. */
  readonly progress: (line: string) => void;
}

class BadInput extends Error {}

interface Options {
  readonly seed: number;
  readonly calls: number;
  readonly seconds: number;
  readonly on: SubjectName | "both";
  readonly build: Build;
  readonly replay: string | undefined;
  readonly file: string | undefined;
  readonly json: boolean;
}

function whole(text: string | undefined, fallback: number, name: string, most: number): number {
  if (text === undefined) return fallback;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number <= most) return number;
  throw new BadInput(`--${name}: "${text}" is no whole number up to ${most}`);
}

function oneOf<T extends string>(text: string, name: string, names: readonly T[]): T {
  const found = names.find((known) => known === text);
  if (found === undefined) throw new BadInput(`--${name}: "${text}" is not ${names.join(" or ")}`);
  return found;
}

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const OPTIONS = {
  ...{ seed: text, calls: text, seconds: text, on: text, build: text, replay: text, out: text },
  ...{ json: flag, help: flag },
} as const;

/** Null: help was asked for. @throws BadInput */
function optionsOf(args: readonly string[]): Options | null {
  const { values } = parsed(args);
  if (values.help) return null;
  const { replay: file } = values;
  if (file !== undefined)
    for (const name of ["seed", "calls", "seconds", "on", "build", "out"] as const)
      if (values[name] !== undefined)
        throw new BadInput(`--${name}: goes not with --replay, whose file says it`);
  return {
    seed: whole(values.seed, 1, "seed", 0xffff_ffff),
    calls: whole(values.calls, 1_000_000, "calls", Number.MAX_SAFE_INTEGER),
    seconds: whole(values.seconds, Number.POSITIVE_INFINITY, "seconds", 1e9),
    on: oneOf(values.on ?? "both", "on", [...SUBJECTS, "both"]),
    build: oneOf(values.build ?? "release", "build", BUILDS),
    replay: file,
    file: values.out,
    json: values.json ?? false,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS });
  } catch (error) {
    throw new BadInput(error instanceof Error ? error.message : String(error));
  }
}

/** Runs the command; its exit status. */
export async function command(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  try {
    const options = optionsOf(args);
    if (options === null) {
      surroundings.out(HELP);
      return STATUS_NOTHING;
    }
    if (options.replay !== undefined) return await again(options.replay, options, surroundings);
    return await search(options, surroundings);
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    surroundings.err(error.message);
    return STATUS_BAD_INPUT;
  }
}

/** Both subjects, one round each in turn. */
function alternate(subjects: Readonly<Record<SubjectName, Subject>>): Subject {
  let rounds = 0;
  return {
    name: "both",
    play: (round, made) => {
      const name = SUBJECTS[rounds++ % SUBJECTS.length] ?? "harness";
      return subjects[name].play(round, made);
    },
  };
}

async function search(options: Options, surroundings: Surroundings): Promise<number> {
  const { seed, calls, seconds, on, build } = options;
  const subjects = await surroundings.subjects(build);
  const subject = on === "both" ? alternate(subjects) : subjects[on];
  const start = performance.now();
  let shown = 0;
  const stop = (done: number): boolean => {
    const past = (performance.now() - start) / 1000;
    if (past - shown >= 0.25) {
      shown = past;
      surroundings.progress(`${done} calls, ${Math.round(done / past)} a second`);
    }
    return past >= seconds;
  };
  try {
    const result = await fuzz(subject, { seed, calls, stop });
    surroundings.progress("");
    surroundings.out(options.json ? resultJson(options, result) : resultText(options, result));
    return STATUS_NOTHING;
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error;
    surroundings.progress("");
    await report(error, options, subjects, surroundings);
    return STATUS_FOUND;
  }
}

function resultText({ seed, build }: Options, { calls, rounds, answers }: FuzzResult): string {
  const succeeded = [...answers.values()].filter((counts) => counts.has("OK")).length;
  return (
    `seed ${seed}, ${build}: ${calls} calls in ${rounds} rounds, ${succeeded} of ${answers.size} ` +
    "calls have succeeded; no trap, every invariant held"
  );
}

function resultJson({ seed, build }: Options, { calls, rounds, answers }: FuzzResult): string {
  const counts = [...answers].sort().map(([name, of]) => [name, Object.fromEntries([...of].sort())]);
  return JSON.stringify({ seed, build, calls, rounds, failure: null, answers: Object.fromEntries(counts) });
}

/** Makes the failure shorter, writes it to a file, and says how to see it again. */
async function report(
  failure: FuzzFailure,
  { build, file, json }: Options,
  subjects: Readonly<Record<SubjectName, Subject>>,
  { out, err, progress }: Surroundings,
): Promise<void> {
  const name = oneOf(failure.subject, "on", SUBJECTS);
  err(failure.message);
  progress("making it shorter");
  const turns = await shrink(subjects[name], failure);
  progress("");
  const { seed } = failure;
  const recording: Recording = { subject: name, build, seed, turns, failure: failure.message };
  const path = file ?? `fuzz-${seed}.json`;
  write(path, recordingText(recording));
  if (json) out(JSON.stringify({ seed, build, failure: recording, file: path }));
  else out(`${turns.length} of its ${failure.turn + 1} turns are enough: npm run fuzz -- --replay ${path}`);
}

function write(path: string, content: string): void {
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new BadInput(`--out: ${error instanceof Error ? error.message : error}`);
  }
}

/** Plays what is in the file. */
async function again(path: string, { json }: Options, surroundings: Surroundings): Promise<number> {
  const { subject, build, seed, turns } = read(path);
  const subjects = await surroundings.subjects(build);
  const failure = await replay(subjects[subject], seed, turns);
  const message = failure?.message ?? null;
  if (json) surroundings.out(JSON.stringify({ seed, build, failure: message }));
  else surroundings.out(message ?? `${path}: does not fail any more`);
  return failure === null ? STATUS_NOTHING : STATUS_FOUND;
}

function read(path: string): Recording {
  try {
    return parseRecording(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof RecordingError) throw new BadInput(`${path}: ${error.message}`);
    throw new BadInput(`--replay: ${error instanceof Error ? error.message : error}`);
  }
}
