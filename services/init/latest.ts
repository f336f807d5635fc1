/**
 * Queues of one message: the last word about something, to an agent that looks when it needs to know. Only the
 * agent takes from it, and only its shard puts there; a word that nobody has taken makes room for the next.
 */
import { SCRATCH_HEADER } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Work } from "../host/tasks.ts";

/** Of a message: a table of the longest names fits. */
const BYTES_MAX = 16 * 1024;

/** A queue that `pool` pays. */
export const latestQueue = (sys: Sys, pool: number): Work<number> => sys.endpoint("queue", 1, pool);

/** @throws SyscallError as sending does */
export function* postLatest(sys: Sys, queue: number, bytes: Uint8Array): Work<void> {
  const at = yield* sys.room(BYTES_MAX);
  const header = (yield* sys.scratch()) + SCRATCH_HEADER;
  yield* sys.attempt("IPC_RECV", queue, at, BYTES_MAX, header);
  yield* sys.send(queue, bytes);
}
