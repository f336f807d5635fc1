/**
 * Whom an agent can reach, when that has changed: the service for files, and whoever runs under the names that
 * it was given. Each agent has a queue of one message for that. Only the agent takes from it, when it needs to
 * know, and only its shard puts there: all that it has, so that the last word is enough, and a word that nobody
 * has taken makes room for the next.
 */
import { RIGHT_DERIVE, RIGHT_RECEIVE, RIGHT_SEND, RIGHT_WAIT } from "../../kernel/cap/rights.ts";
import type { Child } from "../../sdk/agent/births.ts";
import { SCRATCH_HEADER } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Work } from "../host/tasks.ts";
import type { News } from "../messages/birth.ts";
import { encode } from "../messages/json.ts";
import { nameOf } from "../messages/scope.ts";
import type { Granted } from "./grants.ts";

export const RIGHTS_TO_HEAR = RIGHT_RECEIVE | RIGHT_WAIT;
/** The service for files: agents below an agent can be given it, too. */
export const RIGHTS_TO_FILES = RIGHT_SEND | RIGHT_DERIVE;
/** Of a message: a table of the longest names fits. */
const BYTES_MAX = 16 * 1024;

/** An agent that can reach others. */
export interface Holder {
  readonly child: Child;
  /** Its capability to the service for files. */
  files: number;
  readonly granted: Granted[];
  /** The shard's capability to its queue. */
  readonly news: number;
}

/** A queue that `pool` pays. */
export const newsQueue = (sys: Sys, pool: number): Work<number> => sys.endpoint("queue", 1, pool);

/** Tells it whom it can reach now. @throws SyscallError as sending does */
export function tellNews(sys: Sys, { files, granted, news }: Holder): Work<void> {
  const capabilities: News["capabilities"] = [];
  for (const { text, handle } of granted)
    if (handle !== null) capabilities.push({ text: nameOf(text), handle });
  return postLast(sys, news, encode({ files, capabilities } satisfies News));
}

/** Gives it the service for files that there is now, under another handle. One that is over needs none. */
export function* giveFiles(sys: Sys, holder: Holder, service: number): Work<void> {
  try {
    const to = { holder: holder.child.capability, rights: RIGHTS_TO_FILES };
    holder.files = yield* sys.derive(service, to);
    yield* tellNews(sys, holder);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}

/** Puts a message into a queue of one, instead of what is there. @throws SyscallError as sending does */
export function* postLast(sys: Sys, queue: number, bytes: Uint8Array): Work<void> {
  const at = yield* sys.room(BYTES_MAX);
  const header = (yield* sys.scratch()) + SCRATCH_HEADER;
  yield* sys.attempt("IPC_RECV", queue, at, BYTES_MAX, header);
  yield* sys.send(queue, bytes);
}
