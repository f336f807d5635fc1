/** Requests of clients: their parameters by the table, and their authority by what the kernel says of it. */

import type { Message } from "../../sdk/agent/messages.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { RequestError } from "../messages/errors.ts";
import type { Method as Row } from "../messages/method.ts";
import { type Capability, capabilityText, scopeOf } from "../messages/scope.ts";
import type { Method } from "./rpc.ts";
import type { Work } from "./tasks.ts";

/** What a client asks: parameters of the method, and the tokens of what it holds. */
interface Asked {
  readonly params: unknown;
  readonly proofs: readonly string[];
}

const PROOFS_MAX = 64;

/** Lets go on only if whoever asks holds this. @throws RequestError denied */
export type Require = (needed: Capability) => Work<void>;

/** `sender` is the agent that asks, as the kernel says; `require` is for what the parameters don't show. */
export type Implementation = (
  params: never,
  sender: Message["sender"],
  require: Require,
) => Work<unknown>;

/** A method, by its row of the table, behind its checks; `denied` hears what was missing. */
export function checked(
  sys: Sys,
  { params: schema, needs }: Row,
  run: Implementation,
  denied: (needed: string, sender: number) => void = () => {},
): Method {
  return function* (asked, { sender }) {
    const { params, proofs = [] } = (asked ?? {}) as Asked;
    const parsed = schema.safeParse(params);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const place = issue?.path.join(".") || "parameters";
      throw new RequestError("bad-request", `${place}: ${issue?.message}`);
    }
    function* require(needed: Capability): Work<void> {
      if (yield* holds(sys, needed, proofs, sender)) return;
      denied(capabilityText(needed), sender);
      throw new RequestError("denied", `${capabilityText(needed)} is needed`);
    }
    for (const needed of needs(parsed.data as never)) yield* require(needed);
    return yield* run(parsed.data as never, sender, require);
  };
}

/** Whether the kernel says of one of the tokens that the sender holds what is needed. */
function* holds(
  sys: Sys,
  needed: Capability,
  proofs: readonly string[],
  holder: number,
): Work<boolean> {
  const scope = scopeOf(needed);
  for (const proof of proofs.slice(0, PROOFS_MAX)) {
    const token = Uint8Array.from(Buffer.from(String(proof), "base64"));
    if ((yield* sys.judge(token, { scope, holder })) === "OK") return true;
  }
  return false;
}
