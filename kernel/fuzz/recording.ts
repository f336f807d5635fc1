/** A failing round in a file, as `npm run fuzz` writes it and `npm run fuzz -- --replay` reads it. */

/** What the kernel was, and what ran it. */
export const BUILDS = ["release", "debug"] as const;
export const SUBJECTS = ["harness", "machine"] as const;
export type Build = (typeof BUILDS)[number];
export type SubjectName = (typeof SUBJECTS)[number];

export interface Recording {
  readonly subject: SubjectName;
  readonly build: Build;
  readonly seed: number;
  /** Numbers of the turns that are enough, in their order. */
  readonly turns: readonly number[];
  /** How it failed. */
  readonly failure: string;
}

/** The file is none that could be played. */
export class RecordingError extends Error {
  override readonly name = "RecordingError";
}

const KEYS: readonly string[] = ["subject", "build", "seed", "turns", "failure"] satisfies (keyof Recording)[];
const SEED_MAX = 0xffff_ffff;
/** More than any round has. */
const TURN_MAX = 1_000_000;

export function recordingText(recording: Recording): string {
  return `${JSON.stringify(recording, null, 1).replaceAll(/\n {2}(?=[\d\]])/g, " ")}\n`;
}

/** @throws RecordingError naming the key and what is wrong with it */
export function parseRecording(text: string): Recording {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new RecordingError("it is no object");
  const fields = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(fields)) if (!KEYS.includes(key)) throw new RecordingError(`unknown key "${key}"`);
  const { failure = "" } = fields;
  if (typeof failure !== "string") throw new RecordingError('"failure" is no text');
  return {
    subject: oneOf(fields, "subject", SUBJECTS),
    build: oneOf(fields, "build", BUILDS),
    seed: whole(fields.seed, "seed", SEED_MAX),
    turns: turnsOf(fields.turns),
    failure,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RecordingError(`it is no JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function oneOf<T extends string>(fields: Readonly<Record<string, unknown>>, key: string, names: readonly T[]): T {
  const found = names.find((name) => name === fields[key]);
  if (found === undefined) throw new RecordingError(`"${key}" is ${JSON.stringify(fields[key])}: ${names.join(" or ")}`);
  return found;
}

function whole(value: unknown, what: string, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new RecordingError(`"${what}" is ${JSON.stringify(value)}: a whole number up to ${most}`);
}

function turnsOf(value: unknown): number[] {
  if (!Array.isArray(value) || value.length === 0) throw new RecordingError('"turns" is no list of numbers');
  const turns = value.map((turn, index) => whole(turn, `turns[${index}]`, TURN_MAX));
  turns.forEach((turn, index) => {
    if (index > 0 && turn <= (turns[index - 1] ?? 0)) throw new RecordingError(`"turns[${index}]" is not above the one before`);
  });
  return turns;
}
