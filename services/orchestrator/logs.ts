/** What agents have written, from the service that keeps it. */
import type { Answered, Caller } from "../host/rpc.ts";
import type { Work } from "../host/tasks.ts";
import type { LogLine } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import { isOver, type Named, type Parts } from "./agents.ts";
import type { Ledger } from "./ledger.ts";
import { ASK_NS } from "./limits.ts";
import { keyOf } from "./record.ts";

interface Asked extends Named {
  readonly from: number;
  readonly limit: number;
  readonly wait: number;
}

/** What a service's end has cut off is asked of the next one: reads, and wakes, may be done twice. */
function* again(ask: () => Work<Answered>): Work<unknown> {
  try {
    return (yield* ask()).result;
  } catch (error) {
    if (RequestError.from(error).code !== "unavailable") throw error;
    return (yield* ask()).result;
  }
}

/** Nobody waits for lines of this agent any longer. If the logs can't be asked, nobody waits there. */
function* wake(uid: string, caller: Caller): Work<void> {
  try {
    yield* again(() => caller.askService("logs", "wake", { uid }, ASK_NS));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
  }
}

/** Lines of an agent. Whoever waits for some is answered at once when it ends. */
export function* readLogs(asked: Asked, { ledger, tasks }: Parts, caller: Caller): Work<unknown> {
  const { from, limit } = asked;
  const { uid } = ledger.find(asked).view;
  const isLeft = (): boolean => ledger.agents.get(keyOf(asked))?.view.uid !== uid;
  function* read(wait: number): Work<LogLine[]> {
    const timeout = ASK_NS + BigInt(Math.round(wait * 1e9));
    const about = { uid, from, limit, wait };
    return (yield* again(() => caller.askService("logs", "read", about, timeout))) as LogLine[];
  }
  const forget = ledger.onChange(() => {
    if (!isLeft() && !isOver(ledger.find(asked))) return;
    forget();
    tasks.start(wake(uid, caller));
  });
  try {
    let over = isOver(ledger.find(asked));
    let lines = yield* read(over ? 0 : asked.wait);
    // Its last lines were kept before it was known to be over (services/init/project.ts), but perhaps not read.
    if (lines.length === 0 && !over && isOver(ledger.find(asked))) {
      over = true;
      lines = yield* read(0);
    }
    const next = (lines.at(-1)?.sequence ?? from - 1) + 1;
    return { lines, next, ended: over && lines.length < limit };
  } finally {
    forget();
  }
}

/** Lines of agents that nobody knows any more go. */
export function* forgetLogs(uids: readonly string[], caller: Caller): Work<void> {
  for (const uid of uids)
    try {
      yield* caller.askService("logs", "forget", { uid }, ASK_NS);
    } catch (error) {
      // The logs have ended over it: when they are back, `sweepLogs` finds what is left.
      if (!(error instanceof RequestError)) throw error;
    }
}

/**
 * When the logs have begun: lines of agents that have gone meanwhile go. Of one that is about to be born there
 * is a record before there is a line, so that whoever has lines and no record is gone.
 */
export function* sweepLogs({ agents }: Ledger, caller: Caller): Work<void> {
  let uids: unknown;
  try {
    uids = (yield* caller.askService("logs", "known", {}, ASK_NS)).result;
  } catch (error) {
    // They have ended again, and will begin again.
    if (!(error instanceof RequestError)) throw error;
    return;
  }
  const known = new Set([...agents.values()].map(({ view }) => view.uid));
  yield* forgetLogs(
    (uids as string[]).filter((uid) => !known.has(uid)),
    caller,
  );
}
