/** Requests of clients: their parameters by the table, and their authority by what the kernel says of it. */
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Method } from "../host/rpc.ts";
import type { Work } from "../host/tasks.ts";
import { API, type MethodName } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import { type Capability, capabilityText, scopeOf } from "../messages/scope.ts";

/** What a client asks: parameters of the method, and the tokens of what it holds. */
interface Asked {
  readonly params: unknown;
  readonly proofs: readonly string[];
}

const PROOFS_MAX = 64;

export type Implementation = (params: never) => Work<unknown>;

/** A method behind its checks; `denied` hears of refusals. */
export function checked(
  sys: Sys,
  name: MethodName,
  run: Implementation,
  denied: (method: MethodName, needed: string, sender: number) => void,
): Method {
  const { params: schema, needs } = API[name];
  return function* (asked, { sender }) {
    const { params, proofs = [] } = (asked ?? {}) as Asked;
    const parsed = schema.safeParse(params);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const place = issue?.path.join(".") || "parameters";
      throw new RequestError("bad-request", `${place}: ${issue?.message}`);
    }
    for (const needed of needs(parsed.data as never)) {
      if (yield* holds(sys, needed, proofs, sender)) continue;
      denied(name, capabilityText(needed), sender);
      throw new RequestError("denied", `${capabilityText(needed)} is needed`);
    }
    return yield* run(parsed.data as never);
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
