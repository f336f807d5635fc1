/**
 * Who the service for files is, when that has changed: an agent that had it under a handle of its own is
 * given the new one under another, and is told in a queue, from which only it takes and into which only the
 * shard puts. One piece of news is there at most, the latest.
 */
import { RIGHT_RECEIVE, RIGHT_WAIT } from "../../kernel/cap/rights.ts";
import { ENDPOINT_QUEUE } from "../../kernel/ipc/endpoint_kinds.ts";
import type { Child } from "../../sdk/agent/births.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Work } from "../host/tasks.ts";
import type { FilesNews } from "../messages/birth.ts";
import { encode } from "../messages/json.ts";

export const RIGHTS_TO_HEAR = RIGHT_RECEIVE | RIGHT_WAIT;

/** A queue for an agent's news; `pool` pays. */
export function* newsQueue(sys: Sys, pool: number): Work<number> {
  return (yield* sys.call("ENDPOINT_CREATE", pool, ENDPOINT_QUEUE, 1)).value;
}

/** Gives an agent the service that there is now, with these rights. One that is over needs none. */
export function* tellFiles(
  sys: Sys,
  { capability: holder }: Child,
  queue: number,
  service: { readonly capability: number; readonly rights: number },
): Work<void> {
  try {
    const files = yield* sys.derive(service.capability, { holder, rights: service.rights });
    const told: FilesNews = { files };
    const bytes = encode(told);
    const at = yield* sys.room(bytes.length);
    yield* sys.attempt("IPC_RECV", queue, at, bytes.length);
    yield* sys.send(queue, bytes);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}
