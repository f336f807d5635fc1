/**
 * What agents of a project may do: kernel scopes. Each one given has a capability of the shard's between
 * itself and all scopes; when that goes, the agent's goes, and whatever the agent has handed on, in one step.
 */
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import { parseCapability, scopeOf } from "../messages/scope.ts";

export interface Granted {
  readonly text: string;
  /** The shard's capability. */
  readonly own: number;
  /** The agent's. */
  readonly handle: number;
}

export class Grants {
  private readonly sys: Sys;
  private readonly scopes: number;

  constructor(sys: Sys, scopes: number) {
    this.sys = sys;
    this.scopes = scopes;
  }

  /**
   * Gives an agent a capability: derived from all scopes, or from one that another agent was given.
   * @throws RequestError denied: the other agent's don't cover it
   */
  *give(holder: number, text: string, heir?: readonly Granted[]): Work<Granted> {
    const { sys } = this;
    const scope = scopeOf(parseCapability(text));
    const from = heir ? heir.map(({ own }) => own) : [this.scopes];
    for (const parent of from) {
      const own = yield* this.attempt(parent, scope);
      if (!own) continue;
      try {
        return { text, own, handle: yield* sys.derive(own, { holder, scope }) };
      } catch (error) {
        yield* sys.drop(own);
        throw error;
      }
    }
    throw new RequestError("denied", `${text} is not among the agent's capabilities`);
  }

  /** The kernel says whether one scope covers another. */
  private *attempt(parent: number, scope: { bytes: Uint8Array; mask: number }): Work<number> {
    try {
      return yield* this.sys.derive(parent, { scope });
    } catch (error) {
      if (error instanceof SyscallError && error.status === "WOULD_WIDEN") return 0;
      throw error;
    }
  }

  /** Takes it back. @throws RequestError not-found */
  *revoke(granted: Granted[], text: string): Work<void> {
    const at = granted.findIndex((it) => it.text === text);
    const [it] = at < 0 ? [] : granted.splice(at, 1);
    if (!it) throw new RequestError("not-found", `it doesn't hold ${text}`);
    yield* this.sys.drop(it.own);
  }

  *dropAll(granted: readonly Granted[]): Work<void> {
    for (const { own } of granted) yield* this.sys.drop(own);
  }
}
