/**
 * Shards: an agent can have about a thousand capabilities and children, so a project has one parent of
 * agents for each few hundred of them. One pool pays for all of a project.
 */
import { RIGHT_DERIVE, RIGHT_EXECUTE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import type { Child } from "../../sdk/agent/births.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { WithCapability } from "../host/rpc.ts";
import type { Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import { encode } from "../messages/json.ts";
import { type Handles, PROJECT_IMAGE, type ShardSpec } from "../messages/system.ts";
import { type Price, paid } from "./paid.ts";

const MIB = 1024 * 1024;

/** Each is an agent, and has a few of init's capabilities. */
export const PROJECTS_MAX = 64;
export const SHARDS_MAX = 128;
/** Of its own, so that agents that use up a project's memory can't stop its shards. */
const SHARD_BYTES = 4 * MIB;

const priced = (bytes: number): Price => ({
  ...{ payer: "the machine", bytes },
  remedy: "give the project less, remove another one, or start the machine with more",
});

export interface Shard {
  readonly project: string;
  readonly shard: number;
  readonly child: Child;
  /** Can do no more than send: those of the orchestrator and of other shards are derived from it. */
  readonly sends: number;
}

export class Shards {
  private readonly sys: Sys;
  private readonly pools = new Map<string, number>();
  private readonly byId = new Map<number, Shard>();

  constructor(sys: Sys) {
    this.sys = sys;
  }

  children(): Child[] {
    return [...this.byId.values()].map(({ child }) => child);
  }

  /** The other shards of a shard's project. */
  besides({ project, child }: Shard): Shard[] {
    return [...this.byId.values()].filter((it) => it.project === project && it.child !== child);
  }

  /** The shard, with a capability to it; `made` if it is a new one. */
  *open(spec: ShardSpec): Work<{ made: Shard | null; answer: WithCapability }> {
    const known = [...this.byId.values()].find(
      ({ project, shard }) => project === spec.project && shard === spec.shard,
    );
    const it = known ?? (yield* this.make(spec));
    const answer = new WithCapability({ id: it.child.id }, it.sends);
    return { made: known ? null : it, answer };
  }

  private *make({ project, shard, quota }: ShardSpec): Work<Shard> {
    const { sys, byId } = this;
    if (byId.size >= SHARDS_MAX)
      throw new RequestError("quota-exceeded", `${SHARDS_MAX} shards of projects are the most`);
    const pool = this.pools.get(project) ?? (yield* this.pool(project, quota));
    const image = yield* sys.image(PROJECT_IMAGE);
    const kernel = { capability: Number(sys.argument), rights: RIGHT_EXECUTE | RIGHT_DERIVE };
    const grants = [kernel, { capability: sys.allScopes }, { capability: pool }];
    const born = sys.spawn({ image, quota: SHARD_BYTES, grants });
    const child = yield* paid(born, priced(SHARD_BYTES));
    yield* sys.drop(image);
    const sends = yield* sys.derive(child.capability, { rights: RIGHT_SEND | RIGHT_DERIVE });
    const it: Shard = { project, shard, child, sends };
    byId.set(child.id, it);
    const [kernelHandle = 0, scopes = 0, poolHandle = 0] = child.grants;
    const handles: Handles = { kernel: kernelHandle, scopes, pool: poolHandle };
    yield* sys.send(child.capability, encode(handles));
    return it;
  }

  private *pool(project: string, quota: number): Work<number> {
    if (this.pools.size >= PROJECTS_MAX)
      throw new RequestError("quota-exceeded", `${PROJECTS_MAX} projects are the most`);
    const pool = yield* paid(this.sys.createPool(quota), priced(quota));
    this.pools.set(project, pool);
    return pool;
  }

  *list(): Work<{ project: string; shard: number }[]> {
    return [...this.byId.values()].map(({ project, shard }) => ({ project, shard }));
  }

  /** What an agent that has ended was, if it was a shard. */
  *ended(id: number): Work<{ project: string; shard: number } | null> {
    const it = this.byId.get(id);
    if (!it) return null;
    this.byId.delete(id);
    yield* this.sys.drop(it.child.capability);
    const { project, shard } = it;
    return { project, shard };
  }

  /** Ends a project: its shards and all their agents. How many agents that are. */
  *close(project: string): Work<number> {
    let agents = 0;
    for (const [id, it] of [...this.byId]) {
      if (it.project !== project) continue;
      agents += yield* this.sys.kill(it.child.capability);
      yield* this.sys.drop(it.child.capability);
      this.byId.delete(id);
    }
    const pool = this.pools.get(project);
    this.pools.delete(project);
    if (pool) yield* this.sys.drop(pool);
    return agents;
  }
}
