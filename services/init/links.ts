/**
 * What agents have by name. An agent's name stands for another one whenever it has been started anew, so
 * those who have the name are given another capability, and told of it (news.ts). With images it is the same:
 * they come from the orchestrator, and end with it.
 *
 * An agent in another shard is asked for there: its shard makes the capability and hands it over, shard to
 * shard. Nothing of it hangs on the orchestrator, which may end.
 */
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Peers } from "../host/peers.ts";
import { type Caller, WithCapability } from "../host/rpc.ts";
import { giveUp, type Tasks, type Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import { encode } from "../messages/json.ts";
import { nameOf } from "../messages/scope.ts";
import { type Life, type Located, lifeKey, type Meant, SHARD_PEER } from "../messages/system.ts";
import { type Granted, type Grants, RIGHTS_TO_SEND } from "./grants.ts";
import { type Holder, tellNews } from "./news.ts";

/** For the answer of another shard, which waits for nobody. */
const ASK_NS = 1_000_000_000n;

/** An agent that has names. */
export interface Linked extends Holder {
  /** Beside which it was executed: its capabilities are parts of that one's. */
  readonly heir: Linked | undefined;
}

interface Parts {
  readonly tasks: Tasks;
  readonly peers: Peers;
  readonly caller: Caller;
  /** A member of this shard that runs. */
  find(life: Life): Pick<Holder, "child"> | undefined;
}

export class Links {
  private readonly parts: Parts;
  /** Capabilities to members that those of other shards are derived from. */
  private readonly lent = new Map<string, number>();

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** A capability that can do no more than send to an agent; 0 when that isn't there. */
  *sender(to: Located): Work<number> {
    const { peers, caller } = this.parts;
    if (this.parts.find(to)) return yield* this.own(to);
    const shard = peers.find(SHARD_PEER + to.shard);
    if (!shard) return 0;
    try {
      return (yield* caller.ask(shard, "sender", { uid: to.uid, run: to.run }, ASK_NS)).capability;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return 0;
    }
  }

  /** The same of an agent of this shard. */
  *own(life: Life): Work<number> {
    const held = this.parts.find(life);
    if (!held) return 0;
    try {
      return yield* this.parts.tasks.sys.derive(held.child.capability, { rights: RIGHTS_TO_SEND });
    } catch (error) {
      // It has ended a moment ago.
      if (error instanceof SyscallError && error.status === "OBJECT_GONE") return 0;
      throw error;
    }
  }

  /** The same for another shard. @throws RequestError not-found */
  *lend(life: Life): Work<WithCapability> {
    const { lent } = this;
    const key = lifeKey(life);
    const made = lent.get(key) ?? (yield* this.own(life));
    if (!made) throw new RequestError("not-found", "the project has no such agent");
    lent.set(key, made);
    return new WithCapability({}, made);
  }

  /** A member is over. */
  *forget(life: Life): Work<void> {
    const key = lifeKey(life);
    const lent = this.lent.get(key);
    this.lent.delete(key);
    if (lent) yield* giveUp(this.parts.tasks.sys, lent);
  }

  /**
   * Has what a holder has by a name mean something else. One that holds it no more isn't given it again; of
   * several lives at once the last one counts.
   */
  *renew(grants: Grants, holder: Linked, text: string, meant: Meant): Work<void> {
    const { sys } = this.parts.tasks;
    const to = "agent" in meant ? meant.agent : null;
    const it = holder.granted.find((granted) => granted.text === text);
    if (!it || (to && it.own && isSame(it.to, to))) return;
    it.to = to;
    // What it was given later is its own.
    const heir = it.handle === null ? undefined : holder.heir;
    if (heir) yield* this.renew(grants, heir, text, meant);
    const now = yield* grants.take(text, meant, heir?.granted);
    const isLast = holder.granted.includes(it) && it.to === to;
    if (isLast && !now.own) it.to = null;
    if (!isLast || !now.own) {
      yield* grants.dropAll([now]);
      return;
    }
    if (it.own) yield* giveUp(sys, it.own);
    it.own = now.own;
    if (it.handle !== null) it.handle = yield* grants.hand(it, holder.child.capability);
    yield* this.tell(holder, it);
  }

  /** By a message in its mailbox, with the capability, of what it didn't have by name at its birth. */
  *tell(holder: Holder, { text, handle, own }: Granted): Work<void> {
    const { sys } = this.parts.tasks;
    if (handle === null)
      yield* sys.send(holder.child.capability, encode({ granted: { text: nameOf(text) } }), own);
    else yield* tellNews(sys, holder);
  }
}

const isSame = (one: Life | null, other: Life): boolean =>
  one?.uid === other.uid && one.run === other.run;
