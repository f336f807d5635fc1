/**
 * What agents of a project may do. Each capability has one of the shard's between itself and what it is
 * derived from; when that goes, the agent's goes, and whatever the agent has handed on, in one step.
 *
 *   all scopes ─┐
 *   an image   ─┼─▶ the shard's ─▶ the agent's ─▶ whoever it hands it to
 *   an agent   ─┘
 */
import { RIGHT_DERIVE, RIGHT_EXECUTE, RIGHT_SEND, RIGHTS_ALL } from "../../kernel/cap/rights.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { giveUp, type Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import { kindOf, parseCapability, scopeOf } from "../messages/scope.ts";
import type { Located, Meant } from "../messages/system.ts";

export const RIGHTS_TO_SEND = RIGHT_SEND | RIGHT_DERIVE;
const RIGHTS: Readonly<Record<ReturnType<typeof kindOf>, number>> = {
  scope: RIGHTS_ALL,
  agent: RIGHTS_TO_SEND,
  image: RIGHT_EXECUTE | RIGHT_DERIVE,
};

export interface Granted {
  readonly text: string;
  /** The shard's capability; 0 where the agent that is meant doesn't run. */
  own: number;
  /** The agent's: as it was at its birth, or renewed since; null for one that came with a message. */
  handle: number | null;
  /** The life to which it sends, if it does. */
  to: Located | null;
  /** It is for the agent alone, which can't hand it on. */
  readonly alone: boolean;
}

/** Where a capability comes from, if not from what the shard has. */
interface From {
  readonly meant?: Meant | undefined;
  /** What another agent was given. */
  readonly heir?: readonly Granted[] | undefined;
}

/** Where capabilities come from that are no scopes. */
export interface Sources {
  /** The shard's capability to an image, which has come from the orchestrator; 0 when it hasn't. */
  image(parcel: string): number;
  /** A new capability of the shard's that sends to an agent; 0 when that isn't there any more. */
  sender(to: Located): Work<number>;
}

export class Grants {
  private readonly sys: Sys;
  private readonly scopes: number;
  private readonly sources: Sources;

  constructor(sys: Sys, scopes: number, sources: Sources) {
    this.sys = sys;
    this.scopes = scopes;
    this.sources = sources;
  }

  /**
   * Gives an agent a capability; with `heir`, derived from one that another agent was given.
   * @throws RequestError denied: the other agent's don't cover it
   */
  *give(holder: number, text: string, { meant, heir }: From, alone: boolean): Work<Granted> {
    const it = { ...(yield* this.take(text, meant, heir)), alone };
    try {
      it.handle = it.own ? yield* this.hand(it, holder) : yield* this.nobody(holder);
      return it;
    } catch (error) {
      yield* this.dropAll([it]);
      throw error;
    }
  }

  /** The shard's part of it alone. @throws as `give` */
  *take(text: string, meant?: Meant, heir?: readonly Granted[]): Work<Granted> {
    const capability = parseCapability(text);
    const it = { text, handle: null, alone: false };
    if (kindOf(capability) === "scope") {
      const own = yield* this.ownScope(text, heir);
      return { ...it, own, to: null };
    }
    if (heir) return { ...it, ...(yield* this.inherit(text, heir)) };
    if (meant && "image" in meant) return { ...it, own: this.sources.image(meant.image), to: null };
    const to = meant?.agent ?? null;
    const own = to ? yield* this.sources.sender(to) : 0;
    return { ...it, own, to: own ? to : null };
  }

  /** From the shard's capability the agent's. */
  *hand({ text, own, alone }: Granted, holder: number): Work<number> {
    const capability = parseCapability(text);
    const kind = kindOf(capability);
    const rights = alone ? RIGHTS[kind] & ~RIGHT_DERIVE : RIGHTS[kind];
    const wanted =
      kind === "scope" ? { holder, rights, scope: scopeOf(capability) } : { holder, rights };
    return yield* this.sys.derive(own, wanted);
  }

  /** Takes it back. @throws RequestError not-found */
  *revoke(granted: Granted[], text: string): Work<void> {
    const at = granted.findIndex((it) => it.text === text);
    const [it] = at < 0 ? [] : granted.splice(at, 1);
    if (!it) throw new RequestError("not-found", `it doesn't hold ${text}`);
    yield* this.dropAll([it]);
  }

  *dropAll(granted: readonly Granted[]): Work<void> {
    for (const { own } of granted) if (own) yield* giveUp(this.sys, own);
  }

  private *ownScope(text: string, heir?: readonly Granted[]): Work<number> {
    const scope = scopeOf(parseCapability(text));
    const scopes = heir?.filter((it) => kindOf(parseCapability(it.text)) === "scope");
    for (const parent of scopes?.map(({ own }) => own) ?? [this.scopes])
      try {
        return yield* this.sys.derive(parent, { scope });
      } catch (error) {
        // The kernel says whether one scope covers another.
        if (!(error instanceof SyscallError && error.status === "WOULD_WIDEN")) throw error;
      }
    throw notAmongThem(text);
  }

  private *inherit(text: string, heir: readonly Granted[]) {
    const from = heir.find((it) => it.text === text);
    if (!from) throw notAmongThem(text);
    const { own, to } = from;
    const rights = RIGHTS[kindOf(parseCapability(text))];
    return { own: own && (yield* this.sys.derive(own, { rights })), to };
  }

  /** A capability of the agent's that is worth nothing: what it has by a name that nobody has now. */
  private *nobody(holder: number): Work<number> {
    const { sys } = this;
    const own = yield* sys.derive(sys.self, { rights: RIGHTS_TO_SEND });
    try {
      return yield* sys.derive(own, { holder, rights: RIGHTS_TO_SEND });
    } finally {
      yield* sys.drop(own);
    }
  }
}

const notAmongThem = (text: string) =>
  new RequestError("denied", `${text} is not among the agent's capabilities`);
