/** What agents have written, from the service that keeps it. */
import type { Caller } from "../host/rpc.ts";
import type { Work } from "../host/tasks.ts";
import type { LogLine } from "../messages/api.ts";
import { isOver, type Named, type Parts } from "./agents.ts";
import { ASK_NS } from "./limits.ts";

interface Asked extends Named {
  readonly from: number;
  readonly limit: number;
  readonly wait: number;
}

export function* readLogs(
  { from, limit, wait, ...named }: Asked,
  { ledger }: Parts,
  caller: Caller,
): Work<unknown> {
  const { uid } = ledger.find(named).view;
  const timeout = ASK_NS + BigInt(Math.round(wait * 1e9));
  const { result } = yield* caller.askService("logs", "read", { uid, from, limit, wait }, timeout);
  const lines = result as LogLine[];
  const next = (lines.at(-1)?.sequence ?? from - 1) + 1;
  return { lines, next, ended: isOver(ledger.find(named)) };
}
