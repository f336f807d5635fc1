/** What agents have written, from the service that keeps it. */
import type { Answered, Caller } from "../host/rpc.ts";
import type { Work } from "../host/tasks.ts";
import type { LogLine } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import { isOver, type Named, type Parts } from "./agents.ts";
import { ASK_NS } from "./limits.ts";
import { keyOf } from "./record.ts";

interface Asked extends Named {
  readonly from: number;
  readonly limit: number;
  readonly wait: number;
}

/** A read that a service's end has cut off changes nothing when it is asked of the next one. */
function* again(ask: () => Work<Answered>): Work<LogLine[]> {
  try {
    return (yield* ask()).result as LogLine[];
  } catch (error) {
    if (RequestError.from(error).code !== "unavailable") throw error;
    return (yield* ask()).result as LogLine[];
  }
}

/** Lines of an agent. Whoever waits for some is answered at once when it ends. */
export function* readLogs(asked: Asked, { ledger, tasks }: Parts, caller: Caller): Work<unknown> {
  const { from, limit } = asked;
  const record = ledger.find(asked);
  const { uid } = record.view;
  const wait = isOver(record) ? 0 : asked.wait;
  const isLeft = (): boolean => ledger.agents.get(keyOf(asked))?.view.uid !== uid;
  const forget = ledger.onChange(() => {
    if (isLeft() || isOver(ledger.find(asked))) {
      forget();
      tasks.start(caller.askService("logs", "wake", { uid }));
    }
  });
  try {
    const timeout = ASK_NS + BigInt(Math.round(wait * 1e9));
    const read = { uid, from, limit, wait };
    const lines = yield* again(() => caller.askService("logs", "read", read, timeout));
    const next = (lines.at(-1)?.sequence ?? from - 1) + 1;
    return { lines, next, ended: isOver(ledger.find(asked)) };
  } finally {
    forget();
  }
}
