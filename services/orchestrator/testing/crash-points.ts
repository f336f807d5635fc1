/** Where a process is killed: before, during or after the nth write of a kind. The seed says which. */
import type { Write } from "../../host/store.ts";
import type { Event } from "../../messages/api.ts";
import { randomOf } from "./driver.ts";

/** Kinds of writes, with how many of them there are to be at most before the process is killed. */
const NTH_MAX = {
  /** A start of an agent is recorded. */
  spawn: 10,
  snapshot: 4,
  /** Lines of agents. */
  log: 60,
  /** All other records: ends, changes, events. */
  state: 40,
  image: 4,
  token: 5,
  /** The file of an image or of a state. */
  object: 8,
  /** An agent writes to a file. */
  file: 60,
} as const;
export type WriteKind = keyof typeof NTH_MAX;
export const WRITE_KINDS = Object.keys(NTH_MAX) as WriteKind[];
export const MOMENTS = ["before", "during", "after"] as const;

export interface Point {
  readonly kind: WriteKind;
  readonly moment: (typeof MOMENTS)[number];
  readonly nth: number;
}

/** As many seeds as there are kinds and moments have each of them once. */
export function pointOf(seed: number): Point {
  const kinds = WRITE_KINDS.length;
  const kind = WRITE_KINDS[seed % kinds] ?? "state";
  const moment = MOMENTS[Math.floor(seed / kinds) % MOMENTS.length] ?? "before";
  return { kind, moment, nth: 1 + Math.floor(randomOf(seed)() * NTH_MAX[kind]) };
}

const KIND_OF_KEY: readonly [prefix: string, kind: WriteKind][] = [
  ["snapshot/", "snapshot"],
  ["image/", "image"],
  ["token/", "token"],
  ["log/", "log"],
];
const STARTS: readonly string[] = ["agent.started", "agent.restarted"];

/** What a batch is about. */
export function kindOf(batch: readonly Write[]): WriteKind {
  for (const [prefix, kind] of KIND_OF_KEY)
    if (batch.some(({ key }) => key.startsWith(prefix))) return kind;
  const isStart = batch.some(
    ({ key, value }) =>
      key.startsWith("event/") && STARTS.includes((value as Event | undefined)?.kind ?? ""),
  );
  return isStart ? "spawn" : "state";
}
