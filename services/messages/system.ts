/** What services tell each other that no client sees. */
import type { Limits } from "./api.ts";
import type { Mount } from "./mounts.ts";

export const PROJECT_IMAGE = "project";

/** The first message of a service: its handles of what init has granted it; 0 for none. */
export interface Handles {
  readonly kernel: number;
  readonly scopes: number;
  /** Of a shard: its project's pool. Of the orchestrator: the one that pays for the kernel's images. */
  readonly pool?: number;
  /** Bytes of that pool of the orchestrator's. */
  readonly poolBytes?: number;
}

/** A shard of a project, as init makes it: a parent of agents. All of a project share its pool. */
export interface ShardSpec {
  readonly project: string;
  readonly shard: number;
  /** Bytes of the project's pool, for the first of its shards. */
  readonly quota: number;
}

/** Init tells the orchestrator. */
export interface ShardEnded {
  readonly shardEnded: { readonly project: string; readonly shard: number; readonly id: number };
}

export interface ServiceState {
  readonly name: string;
  readonly agent: number | null;
  readonly restarts: number;
  /** Bytes in use of its pool. */
  readonly memory: number;
}

/** How init finds the system. */
export interface SystemState {
  readonly services: readonly ServiceState[];
  /** Bytes, of all that agents can have. */
  readonly memory: { readonly total: number; readonly used: number; readonly free: number };
  readonly cpu: { readonly processors: number; readonly busy: number };
}

/** One life of an agent: its uid, and how often it has been started before. */
export interface Life {
  readonly uid: string;
  readonly run: number;
}

/** Which life it is, as text. */
export const lifeKey = ({ uid, run }: Life): string => `${uid}.${run}`;

/**
 * The orchestrator sends a capability to a shard, for the request that follows. A life's key: the kernel's
 * image that it is to be started from; with a capability's text behind: an image that it is given.
 */
export interface Parcel {
  readonly parcel: string;
}

/** A life, and where it is. */
export interface Located extends Life {
  readonly shard: number;
}

/** What a capability names that is no scope: an agent of the project, null while it doesn't run; an image that has come before. */
export type Meant = { readonly agent: Located | null } | { readonly image: Parcel["parcel"] };

/** Name of a shard as a peer of the project's other shards. */
export const SHARD_PEER = "shard/";

/** What a shard is asked to start, from the image that has come before, or as a clone. */
export interface SpawnSpec extends Life {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  /** Folders of theirs that it finds under other names. */
  readonly mounts?: readonly Mount[];
  /** What those mean that are no scopes. */
  readonly meant?: Readonly<Record<string, Meant>>;
  readonly limits: Limits;
  /** It is machine code: that is how it is told what it is given. */
  readonly native: boolean;
  /** It is suspended before it runs. */
  readonly paused: boolean;
  /** It has a standard input, which a shard writes (`InputSpec`). */
  readonly stdin?: boolean;
  /** It is a clone of this life. */
  readonly original?: Life;
  /** It leaves its state under this name, and ends; nobody is told of it but who has asked. */
  readonly keepAs?: string;
  /** Name of a state that it goes on from. */
  readonly state?: string;
  /** Whose capabilities its own are derived from, instead of the shard's. */
  readonly heir?: Life;
}

/** What an agent is to read. */
export interface InputSpec {
  /** Base64. */
  readonly data: string;
  /** Seconds for which an answer is held back until something of it has been taken. */
  readonly wait: number;
  /** Nothing follows, if all of it is taken. */
  readonly end: boolean;
}

/** A life in a shard, as that knows it. */
export interface Member extends Life {
  readonly agent: number;
  readonly paused: boolean;
  /** Once it is over. */
  readonly end: { readonly reason: string; readonly code: number } | null;
}

/** A shard tells the orchestrator. */
export interface MemberEnded {
  readonly ended: Member;
}

/**
 * What an agent has written, as a shard gives it to the logs: answered with how many of these bytes have
 * been kept. The others, a line that isn't finished, are given again with what follows them.
 */
export interface Written extends Life {
  readonly stream: "stdout" | "stderr";
  /** How many bytes of this life's stream have been kept before. */
  readonly offset: number;
  /** Base64. */
  readonly bytes: string;
  /** Nothing follows: what is there is kept as a line. */
  readonly end: boolean;
}
