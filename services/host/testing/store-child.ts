/**
 * Writes records and objects to a store whose disk may fail: `store-child.ts DIRECTORY`. On its standard output
 * stands, a line for each, what has become of it: acknowledged, or refused and why.
 */
import { writeSync } from "node:fs";
import { RequestError } from "../../messages/errors.ts";
import { Store } from "../store.ts";

/** One act: the directory opened (told if that is refused), three records of a batch, or an object. */
export interface Told {
  readonly round: number;
  readonly kind: "open" | "records" | "object";
  readonly refused: string | null;
}

export const ROUNDS = 12;
const EVERY = 3;
const FILL = 400;
export const PARTS = ["a", "b", "c"];
export const keyOf = (part: string, round: number): string => `${part}/${round}`;
export const textOf = (part: string, round: number): string =>
  `${keyOf(part, round)} `.padEnd(FILL, part);
export const objectOf = (round: number): Uint8Array => new Uint8Array(5000).fill(round);

async function told(
  round: number,
  kind: Told["kind"],
  work: () => Promise<unknown>,
): Promise<void> {
  const refused = await work().then(
    () => null,
    ({ message }: Error) => message,
  );
  writeSync(1, `${JSON.stringify({ round, kind, refused } satisfies Told)}\n`);
}

async function run(directory: string): Promise<void> {
  let store: Store;
  try {
    store = await Store.open(directory);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return await told(0, "open", () => Promise.reject(error));
  }
  for (let round = 0; round < ROUNDS; round++) {
    const batch = PARTS.map((part) => ({ key: keyOf(part, round), value: textOf(part, round) }));
    await told(round, "records", () => store.write(batch));
    if (round % EVERY === 0) await told(round, "object", () => store.putObject(objectOf(round)));
  }
  await store.close();
}

const [directory] = process.argv.slice(2);
if (directory !== undefined) await run(directory);
