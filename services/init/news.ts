/**
 * Who the service for files is, when that has changed: an agent that had it under a handle of its own is
 * given the new one under another, and is told in a queue of its own (latest.ts).
 */
import { RIGHT_RECEIVE, RIGHT_WAIT } from "../../kernel/cap/rights.ts";
import type { Child } from "../../sdk/agent/births.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Work } from "../host/tasks.ts";
import type { FilesNews } from "../messages/birth.ts";
import { encode } from "../messages/json.ts";
import { postLatest } from "./latest.ts";

export const RIGHTS_TO_HEAR = RIGHT_RECEIVE | RIGHT_WAIT;

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
    yield* postLatest(sys, queue, encode(told));
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}
