/**
 * What the arguments of each system call look like: enough of the grammar that most calls get past
 * their first check, and none of the semantics.
 */
import {
  KIND_AGENT,
  KIND_ENDPOINT,
  KIND_FRAME,
  KIND_KERNEL,
  KIND_POOL,
  KIND_REGION,
} from "../object/kinds.ts";
import type { CallName } from "../testing/world-host.ts";

export type Argument =
  /** Address and length of a range, two arguments. */
  | "range"
  | "address"
  | "length"
  /** A handle, of whatever. */
  | "capability"
  /** A structure in the caller's memory, filled with fields that could be right. */
  | "structure"
  /** A list of handles in the caller's memory. */
  | "handles"
  | "flags"
  | "count"
  | "time"
  | "rights"
  | "pages"
  | "protection";

/** What a call takes: the kind of object that its capability mostly names, and its arguments. */
export interface Shape {
  readonly kind: number;
  readonly arguments: readonly Argument[];
}

const of =
  (kind: number) =>
  (...list: readonly Argument[]): Shape => ({ kind, arguments: list });
const agent = of(KIND_AGENT);
const pool = of(KIND_POOL);
const endpoint = of(KIND_ENDPOINT);
const region = of(KIND_REGION);
const frame = of(KIND_FRAME);
const kernel = of(KIND_KERNEL);
/** Any kind will do. */
const any = of(0);

export const GRAMMAR: Readonly<Partial<Record<CallName, Shape>>> = {
  AGENT_SPAWN: pool("structure"),
  AGENT_CLONE: agent("structure"),
  AGENT_MERGE: agent("capability"),
  AGENT_SPLIT: agent("structure"),
  AGENT_UPGRADE: agent("capability", "flags"),
  AGENT_SPECIALIZE: agent("rights"),
  AGENT_SUSPEND: agent(),
  AGENT_RESUME: agent(),
  AGENT_KILL: agent("count"),
  AGENT_INFO: agent("address", "length"),
  AGENT_SCHEDULE: agent("structure"),
  SCHED_CONFIGURE: kernel("structure"),
  IPC_SEND: any("address", "length", "flags", "capability"),
  IPC_RECV: any("address", "length", "address", "flags"),
  ENDPOINT_CREATE: pool("flags", "count"),
  ENDPOINT_CLOSE: endpoint(),
  PIPE_READ: endpoint("address", "length"),
  PIPE_WRITE: endpoint("address", "length"),
  EVENT_SIGNAL: endpoint("count"),
  REGION_SHARE: pool("pages", "length"),
  REGION_MAP: region("pages", "protection"),
  REGION_UNMAP: region("pages"),
  FRAME_ALLOC: pool("count"),
  FRAME_FREE: frame(),
  PAGE_MAP: frame("pages", "protection"),
  PAGE_UNMAP: agent("pages", "length"),
  PAGE_PROTECT: agent("pages", "length", "protection"),
  AGENT_POOL_ALLOC: pool("length"),
  AGENT_MEM_ALLOC: pool("length", "pages", "protection"),
  AGENT_MEM_FREE: pool("pages", "length"),
  PREDICTION_WRITE: kernel("structure", "count"),
  CAP_DERIVE: any("structure"),
  CAP_REVOKE: any("flags"),
  CAP_INSPECT: any("address", "address", "rights", "address", "capability"),
  TIMER_SET: agent("capability", "time", "time"),
  WAIT: agent("handles", "count", "time", "flags", "address"),
  YIELD: agent(),
  DONATE_TO: agent("time"),
  PQC_OPERATION: agent("count", "address", "length", "address", "length"),
  PQC_TAKE: kernel("address", "address", "length"),
  PQC_COMPLETE: kernel("count", "count", "address", "length"),
  RANDOM_GET: agent("address", "length"),
  AUDIT_APPEND: kernel("address", "length"),
  AUDIT_DRAIN: kernel("address", "length"),
  IMAGE_OPEN: kernel("address", "length"),
};
