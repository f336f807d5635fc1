/** Questions to agents that are nobody's service. */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import { sendPatiently } from "../host/rpc.ts";
import type { Tasks, Work } from "../host/tasks.ts";
import type { Watches } from "../host/watches.ts";
import { RequestError } from "../messages/errors.ts";
import { decode, encode } from "../messages/json.ts";

const ASK = 1;

/**
 * Asks an agent that isn't believed. It answers to a queue of its own, to which no capability can be sent,
 * so it can fill neither a mailbox nor a table that others need; and its answer is an answer, or none.
 * @param timeout seconds of virtual time
 * @throws RequestError unavailable: there is no answer in time, or one that says what is wrong
 */
export function* askUnbelieved(
  { tasks, watches }: { readonly tasks: Tasks; readonly watches: Watches },
  to: number,
  question: { readonly method: string; readonly params: unknown },
  timeout: number,
): Work<void> {
  const { sys } = tasks;
  const queue = yield* sys.endpoint("queue");
  const back = yield* sys.derive(queue, { rights: RIGHT_SEND | RIGHT_DERIVE });
  const end = (yield* sys.now()) + BigInt(Math.round(timeout * 1e9));
  let late = false;
  try {
    yield* sendPatiently(tasks, to, encode({ ask: ASK, ...question }), back);
    const isTold = yield* watches.content(queue, (wake) =>
      tasks.alarm(end, () => {
        late = true;
        wake();
      }),
    );
    const said = late || !isTold ? null : decode((yield* sys.receive(queue)).bytes);
    if (!isAnswer(said)) throw new RequestError("unavailable", "it has not answered");
  } finally {
    yield* sys.drop(back);
    yield* sys.close(queue);
    yield* sys.drop(queue);
  }
}

function isAnswer(said: unknown): boolean {
  if (typeof said !== "object" || said === null) return false;
  const { answer, error } = said as { answer?: unknown; error?: unknown };
  return answer === ASK && error === undefined;
}
