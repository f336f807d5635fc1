/** Requests of clients: their parameters by the table, and their authority by what the kernel says of it. */

import {
  TOKEN_BYTES,
  TOKEN_SCOPE,
  TOKEN_SCOPE_BYTES,
  TOKEN_SCOPE_MASK,
} from "../../kernel/syscall/cap_layouts.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { RequestError } from "../messages/errors.ts";
import { problemLine } from "../messages/issues.ts";
import type { Method as Row } from "../messages/method.ts";
import { type Capability, capabilityText, scopeOf } from "../messages/scope.ts";
import type { Method } from "./rpc.ts";
import type { Work } from "./tasks.ts";

/** What a client asks: parameters of the method, and the tokens of what it holds. */
interface Asked {
  readonly params: unknown;
  readonly proofs: Proofs;
}

/** Tokens that a request shows, as many as a client's token can have capabilities. */
const PROOFS_MAX = 64;
/** Capabilities that one request needs, each counted once. */
export const NEEDS_MAX = 1024;

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
    const { params, proofs } = readAsked(asked, sender);
    const parsed = schema.safeParse(params);
    if (!parsed.success) throw new RequestError("bad-request", problemLine(parsed.error, params));
    function* require(needed: Capability): Work<void> {
      if (yield* proofs.cover(sys, needed)) return;
      denied(capabilityText(needed), sender);
      throw new RequestError("denied", `${capabilityText(needed)} is needed`);
    }
    for (const needed of different(needs(parsed.data as never))) yield* require(needed);
    return yield* run(parsed.data as never, sender, require);
  };
}

/** @throws RequestError bad-request */
function readAsked(asked: unknown, sender: number): Asked {
  const { params, proofs = [] } = (asked ?? {}) as { params?: unknown; proofs?: unknown };
  if (!Array.isArray(proofs) || !proofs.every((proof) => typeof proof === "string"))
    throw new RequestError("bad-request", "proofs: a list of tokens in base64 is meant");
  if (proofs.length > PROOFS_MAX)
    throw new RequestError("bad-request", `proofs: ${PROOFS_MAX} are the most`);
  return { params, proofs: new Proofs(proofs, sender) };
}

/** Each one once. @throws RequestError too-large */
function different(needs: readonly Capability[]): Iterable<Capability> {
  const each = new Map(needs.map((needed) => [capabilityText(needed), needed]));
  if (each.size <= NEEDS_MAX) return each.values();
  throw new RequestError("too-large", `${NEEDS_MAX} different capabilities are the most`);
}

/**
 * What a request shows of its sender's authority. A token says what it is for (kernel/cap/token.ts), and
 * the kernel whether that is so. It is asked about a token only where that would be enough, and no more
 * once it has refused it; so a request costs a judgement for each need and one for each proof at most.
 */
class Proofs {
  private readonly holder: number;
  private readonly tokens: Set<Uint8Array>;

  /** `holder` is the agent that shows them. */
  constructor(proofs: readonly string[], holder: number) {
    this.holder = holder;
    const tokens = proofs.map((proof) => Uint8Array.from(Buffer.from(proof, "base64")));
    this.tokens = new Set(tokens.filter(({ length }) => length === TOKEN_BYTES));
  }

  /** Whether the kernel says of one of the tokens that the sender holds what is needed. */
  *cover(sys: Sys, needed: Capability): Work<boolean> {
    const { tokens, holder } = this;
    const scope = scopeOf(needed);
    for (const token of tokens) {
      if (!claims(token, scope)) continue;
      if ((yield* sys.judge(token, { scope, holder })) === "OK") return true;
      tokens.delete(token);
    }
    return false;
  }
}

/** Whether a token, if it is good, covers a scope (kernel/cap/scope.ts). */
function claims(token: Uint8Array, { bytes, mask }: ReturnType<typeof scopeOf>): boolean {
  const { buffer, byteOffset } = token;
  const view = new DataView(buffer, byteOffset, token.length);
  const length = view.getUint16(TOKEN_SCOPE_BYTES, true);
  if (length > bytes.length || (mask & ~view.getUint32(TOKEN_SCOPE_MASK, true)) !== 0) return false;
  return bytes.subarray(0, length).every((byte, at) => byte === token[TOKEN_SCOPE + at]);
}
