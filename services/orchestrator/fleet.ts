/** Shards of projects: where agents are, which has room for another one, and requests to them. */
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Peer } from "../host/peers.ts";
import { type Answered, type Caller, sendPatiently } from "../host/rpc.ts";
import type { Tasks, Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import { encode } from "../messages/json.ts";
import {
  type Life,
  lifeKey,
  type Member,
  type Parcel,
  type ShardSpec,
  type SpawnSpec,
} from "../messages/system.ts";
import { ASK_NS, ENTRIES_PER_AGENT, SHARD_ENTRIES_MAX } from "./limits.ts";
import { type AgentRecord, lifeOf } from "./record.ts";

/** Code of who is ended by another one, as by SIGKILL in a shell. */
export const KILLED = 137;

const keyOf = (project: string, shard: number): string => `${project}/${shard}`;

/** What is asked about an agent that may be over by now, or whose shard may be: then there is nothing to do. */
export function* unlessOver(work: Work<unknown>): Work<void> {
  try {
    yield* work;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
  }
}

/** What there is to know of projects. */
export interface ProjectsKnown {
  /** Bytes. */
  memoryOf(project: string): number;
  /** It has something that can be listed, and removed. */
  isThere(project: string): boolean;
}

export class Fleet {
  private readonly tasks: Tasks;
  private readonly caller: Caller;
  private readonly projects: ProjectsKnown;
  private readonly shards = new Map<string, Peer>();
  /** Entries of each shard that are taken, or are about to be. */
  private readonly taken = new Map<string, number>();

  constructor(tasks: Tasks, caller: Caller, projects: ProjectsKnown) {
    this.tasks = tasks;
    this.caller = caller;
    this.projects = projects;
  }

  /** Members of all shards that there are. */
  *members(): Work<{ project: string; shard: number; members: Member[] }[]> {
    const { result } = yield* this.caller.askService("init", "project.list", {}, ASK_NS);
    const all: { project: string; shard: number; members: Member[] }[] = [];
    for (const { project, shard } of result as { project: string; shard: number }[]) {
      const members = yield* this.ask(project, shard, "list", {});
      all.push({ project, shard, members: members as Member[] });
    }
    return all;
  }

  /** Asks a shard. @throws RequestError as it refuses; "unavailable" when it ends meanwhile */
  *ask(
    project: string,
    shard: number,
    method: string,
    params: object,
    timeout = ASK_NS,
  ): Work<unknown> {
    const it = yield* this.open(project, shard);
    return (yield* this.caller.ask(it, method, params, timeout)).result;
  }

  /**
   * Has a shard start an agent: from the kernel's image that goes before, or as a clone.
   * @throws RequestError as the shard refuses
   */
  *spawn(project: string, shard: number, spec: SpawnSpec, image = 0): Work<Member> {
    if (image) yield* this.hand(project, shard, { parcel: lifeKey(spec) }, image);
    return (yield* this.ask(project, shard, "spawn", spec)) as Member;
  }

  /** Sends a capability to a shard, for the request that follows. @throws RequestError unavailable */
  *hand(project: string, shard: number, told: Parcel, capability: number): Work<void> {
    const it = yield* this.open(project, shard);
    try {
      yield* sendPatiently(this.tasks, it.capability, encode(told), capability);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw new RequestError("unavailable", `the shard takes no image: ${error.status}`);
    }
  }

  /** Asks the shard of an agent about it; `timeout` in ns. */
  *askFor(
    record: AgentRecord,
    method: string,
    params: object = {},
    timeout = ASK_NS,
  ): Work<unknown> {
    const { project } = record.view;
    const about = { ...lifeOf(record), ...params };
    return yield* this.ask(project, record.shard, method, about, timeout);
  }

  /** Takes room in the first shard that has it. */
  reserve(project: string, capabilities: number): number {
    for (let shard = 0; ; shard++) if (this.reserveIn(project, shard, capabilities)) return shard;
  }

  reserveIn(project: string, shard: number, capabilities: number): boolean {
    const key = keyOf(project, shard);
    const taken = (this.taken.get(key) ?? 0) + ENTRIES_PER_AGENT + capabilities;
    if (taken > SHARD_ENTRIES_MAX) return false;
    this.taken.set(key, taken);
    return true;
  }

  release(project: string, shard: number, capabilities: number): void {
    const key = keyOf(project, shard);
    const taken = (this.taken.get(key) ?? 0) - ENTRIES_PER_AGENT - capabilities;
    this.taken.set(key, Math.max(0, taken));
  }

  /** A shard has ended, by what init says: what has been asked of it is refused. */
  ended(project: string, shard: number, id: number): void {
    const key = keyOf(project, shard);
    if (this.shards.get(key)?.id === id) this.shards.delete(key);
    this.caller.gone(id);
  }

  /** Ends a member of which there is no record; its shard tells of that. @throws RequestError as `ask` */
  *end(project: string, shard: number, { uid, run }: Life): Work<void> {
    const it = this.shards.get(keyOf(project, shard));
    if (it) yield* this.caller.ask(it, "kill", { uid, run, code: KILLED }, ASK_NS);
  }

  isShard(id: number): boolean {
    return this.byId(id) !== undefined;
  }

  /** The end of a member is known, of which the shard with this identifier has told: it needs nothing more of it. */
  *forget(id: number, { uid, run }: Life): Work<void> {
    const it = this.byId(id);
    if (it) yield* unlessOver(this.caller.ask(it, "forget", { uid, run }, ASK_NS));
  }

  private byId(id: number): Peer | undefined {
    return [...this.shards.values()].find((it) => it.id === id);
  }

  /** Ends all agents of a project, and the project. */
  *close(project: string): Work<void> {
    for (const key of [...this.shards.keys()])
      if (key.startsWith(`${project}/`)) this.shards.delete(key);
    for (const key of [...this.taken.keys()])
      if (key.startsWith(`${project}/`)) this.taken.delete(key);
    yield* this.caller.askService("init", "project.close", { project }, ASK_NS);
  }

  private *open(project: string, shard: number): Work<Peer> {
    const key = keyOf(project, shard);
    const known = this.shards.get(key);
    if (known) return known;
    const spec: ShardSpec = { project, shard, quota: this.projects.memoryOf(project) };
    const { result, capability } = yield* this.made(spec);
    const it = { id: (result as { id: number }).id, capability };
    this.shards.set(key, it);
    return it;
  }

  /** Where there is no memory or room for it, what is left of projects gives way that have nothing any more. */
  private *made(spec: ShardSpec): Work<Answered> {
    while (true)
      try {
        return yield* this.caller.askService("init", "shard.open", spec, ASK_NS);
      } catch (error) {
        const isFull = error instanceof RequestError && error.code === "quota-exceeded";
        if (!isFull || !(yield* this.closeUnused(spec.project))) throw error;
      }
  }

  /** Whether there was one, beside the project that is about to have something. */
  private *closeUnused(but: string): Work<boolean> {
    const known = [...this.shards.keys()].map((key) => key.slice(0, key.lastIndexOf("/")));
    const unused = known.find((it) => it !== but && !this.projects.isThere(it));
    if (unused === undefined) return false;
    yield* this.close(unused);
    return true;
  }
}
