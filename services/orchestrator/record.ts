/** What the orchestrator keeps of an agent. */
import type { Agent } from "../messages/api.ts";
import type { AgentSpec } from "../messages/document.ts";
import type { Life } from "../messages/system.ts";

/** What somebody has asked for last; the state follows it. */
export type Wanted = "running" | "paused" | "stopped";

export interface AgentRecord {
  /** As clients see it. */
  readonly view: Agent;
  readonly wanted: Wanted;
  /** Distinguishes its lives: another number each time it is started. */
  readonly run: number;
  /** The shard in which it was started last. */
  readonly shard: number;
  /** Restarts since it last was healthy. */
  readonly failures: number;
  /** When it is to be started again; seconds since 1970. */
  readonly due: number | null;
  /** Entries of its shard beside ENTRIES_PER_AGENT that its life takes: see `roomOf`. */
  readonly room: number;
  /** As a document has it, if one has. */
  readonly spec?: AgentSpec;
  /** It runs as an older document had it, and is started again as soon as it is over. */
  readonly stale?: boolean;
  /** It is forgotten as soon as it is over. */
  readonly leaving?: boolean;
}

export const keyOf = ({ project, name }: { project: string; name: string }): string =>
  `${project}/${name}`;
export const recordKey = (key: string): string => `agent/${key}`;
export const lifeOf = ({ view, run }: AgentRecord): Life => ({ uid: view.uid, run });
export const isLive = ({ view }: AgentRecord): boolean => view.agent !== null;
/** For each of its capabilities, for its standard input, and a clone's pool. */
export const roomOf = ({ capabilities, stdin, origin }: Agent): number =>
  capabilities.length + [stdin, origin?.startsWith("clone:")].filter(Boolean).length;
