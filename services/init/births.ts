/**
 * How a member of a shard comes to be: from an image, or as a clone of another member. It is given what its
 * shard keeps the other end of, then its capabilities, then its first message; if anything of that is refused,
 * nothing of it stays.
 */
import { RIGHT_DERIVE, RIGHT_RECEIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import type { Birth, Child, Grant, Schedule } from "../../sdk/agent/births.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Tasks, Work } from "../host/tasks.ts";
import type { Limits } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import type { Life, SpawnSpec } from "../messages/system.ts";
import { birthOf } from "./birth.ts";
import type { Granted, Grants } from "./grants.ts";
import { type Holder, newsQueue, RIGHTS_TO_FILES, RIGHTS_TO_HEAR } from "./news.ts";
import { admitted, type Price, paid } from "./paid.ts";
import { isAlone, type Storage } from "./storage.ts";
import { PIPE_BYTES } from "./streams.ts";

/** What it writes to and reads from, agents below it can be given, too. */
const RIGHTS_TO_WRITE = RIGHT_SEND | RIGHT_DERIVE;
const RIGHTS_TO_READ = RIGHT_RECEIVE | RIGHT_DERIVE;
/** Of a CPU's time, for agents with a guaranteed share. */
const PERIOD_NS = 10_000_000;
/** How long a suspended agent may take until it stands still. */
const STAND_STILL_TRIES = 50;
const STAND_STILL_NS = 100_000n;

const PRICE: Omit<Price, "bytes"> = {
  payer: "the project",
  remedy: "give the agent less (limits.memory), end others, or give the project more",
};

export const STREAMS = ["stdout", "stderr"] as const;

/** What its shard has of an agent that has been born. */
export interface Born extends Holder {
  /** Of each of STREAMS. */
  readonly pipes: readonly number[];
  /** Its standard input; 0 for none. */
  readonly stdin: number;
  /** The pool of a clone; 0 for one that was spawned, whose pool the kernel has cut out for it. */
  readonly own: number;
  /** The service for files adds up by how much it makes files longer. */
  readonly counted: boolean;
}

/** What an agent is made from, as capabilities and members of the shard. */
export interface Origin {
  /** The kernel's image; 0 for a clone. */
  readonly image: number;
  readonly original?: { readonly child: Child; readonly paused: boolean } | undefined;
  /** Whose capabilities its own are derived from, instead of the shard's. */
  readonly heir?: readonly Granted[] | undefined;
}

/** Half a birth: what has to go again if the rest of it is refused. */
interface Begun {
  readonly endpoints: number[];
  readonly granted: Granted[];
  own: number;
  child: Child | null;
  counted: boolean;
}

interface Parts {
  readonly tasks: Tasks;
  readonly grants: Grants;
  readonly storage: Storage;
  /** Pays for agents. */
  readonly pool: number;
}

export class Births {
  private readonly sys: Sys;
  private readonly parts: Parts;

  constructor(parts: Parts) {
    this.sys = parts.tasks.sys;
    this.parts = parts;
  }

  /** @param files capability to the service for files */
  *make(spec: SpawnSpec, origin: Origin, files: number): Work<Born> {
    const begun: Begun = { endpoints: [], granted: [], own: 0, child: null, counted: false };
    try {
      return yield* this.bear(begun, spec, origin, files);
    } catch (error) {
      yield* this.undo(begun, spec);
      throw error;
    }
  }

  private *bear(begun: Begun, spec: SpawnSpec, origin: Origin, service: number): Work<Born> {
    const { sys } = this;
    const { grants: given, pool } = this.parts;
    const { granted } = begun;
    const pipes: number[] = [];
    for (const _ of STREAMS) pipes.push(yield* this.pipe(begun));
    const stdin = spec.stdin ? yield* this.pipe(begun) : 0;
    const news = yield* newsQueue(sys, pool);
    begun.endpoints.push(news);
    const grants: Grant[] = pipes.map((pipe) => ({ capability: pipe, rights: RIGHTS_TO_WRITE }));
    grants.push({ capability: service, rights: RIGHTS_TO_FILES });
    grants.push({ capability: news, rights: RIGHTS_TO_HEAR });
    if (stdin) grants.push({ capability: stdin, rights: RIGHTS_TO_READ });
    requireHandles(spec, grants.length);
    const child = yield* this.child(begun, spec.limits, origin, grants);
    yield* this.count(begun, spec, child);
    for (const text of spec.capabilities) {
      const from = { meant: spec.meant?.[text], heir: origin.heir };
      granted.push(yield* given.give(child.capability, text, from, isAlone(text, spec)));
    }
    yield* sys.send(child.capability, birthOf(spec, child, granted));
    if (spec.paused) yield* sys.suspend(child.capability);
    const [, , files = 0] = child.grants;
    const { own, counted } = begun;
    return { child, files, granted, news, pipes, stdin, own, counted };
  }

  /** Before it has anything by which it could write. */
  private *count(begun: Begun, spec: SpawnSpec, { id }: Child): Work<void> {
    const { storage } = spec.limits;
    if (storage === undefined) return;
    begun.counted = true;
    yield* this.parts.storage.limit(id, spec, storage);
  }

  private *pipe({ endpoints }: Begun): Work<number> {
    const pipe = yield* this.sys.endpoint("pipe", PIPE_BYTES, this.parts.pool);
    endpoints.push(pipe);
    return pipe;
  }

  private *child(
    begun: Begun,
    limits: Limits,
    { image, original }: Origin,
    grants: readonly Grant[],
  ): Work<Child> {
    const { sys } = this;
    const { pool } = this.parts;
    const { memory: quota, handles: capabilities, messages } = limits;
    const schedule = scheduleOf(limits);
    const birth: Birth = {
      grants,
      ...(capabilities !== undefined && { capabilities }),
      ...(messages !== undefined && { messages }),
    };
    const price = { ...PRICE, bytes: quota };
    if (!original) {
      const born = sys.spawn({ image, pool, quota, ...birth, ...schedule });
      begun.child = yield* admitted(paid(born, price), limits.cpu);
      return begun.child;
    }
    // A clone would share the pool that pays for it: one that is cut out is its limit.
    begun.own = yield* paid(sys.createPool(quota, pool), price);
    begun.child = yield* this.copy(original, { pool: begun.own, ...birth });
    // It leads no group, whatever its original leads.
    yield* admitted(sys.schedule(begun.child.capability, schedule), limits.cpu);
    return begun.child;
  }

  /** A clone of a member, which stands still meanwhile. */
  private *copy({ child, paused }: NonNullable<Origin["original"]>, birth: Birth): Work<Child> {
    const { sys } = this;
    const { capability } = child;
    if (!paused) yield* sys.suspend(capability);
    try {
      for (let tried = 0; ; tried++)
        try {
          return yield* sys.clone(capability, birth);
        } catch (error) {
          // A processor may still have its registers.
          const moving = error instanceof SyscallError && error.status === "WRONG_STATE";
          if (!moving || tried === STAND_STILL_TRIES) throw error;
          yield* this.parts.tasks.sleep(STAND_STILL_NS);
        }
    } finally {
      if (!paused) yield* unlessOver(sys.resume(capability));
    }
  }

  private *undo({ child, endpoints, granted, own, counted }: Begun, life: Life): Work<void> {
    const { sys } = this;
    if (child) {
      yield* unlessOver(sys.kill(child.capability));
      yield* sys.drop(child.capability);
      if (counted) this.uncount(child, life);
    }
    for (const endpoint of endpoints) yield* this.close(endpoint);
    yield* this.parts.grants.dropAll(granted);
    if (own) yield* sys.drop(own);
  }

  /** Gives up what its shard has of an agent that is over, whose pipes have been read to their ends. */
  *release({ child, news, stdin, granted, own, counted, ...life }: Born & Life): Work<void> {
    const { sys } = this;
    yield* sys.drop(child.capability);
    if (counted) this.uncount(child, life);
    if (stdin) yield* sys.drop(stdin);
    yield* this.close(news);
    yield* this.parts.grants.dropAll(granted);
    if (own) yield* sys.drop(own);
  }

  /** The service for files is told while others go on: it may be about to be started anew. */
  private uncount({ id }: Child, life: Life): void {
    const { tasks, storage } = this.parts;
    tasks.start(storage.forget(id, life));
  }

  private *close(endpoint: number): Work<void> {
    yield* this.sys.close(endpoint);
    yield* this.sys.drop(endpoint);
  }
}

const OVER = ["OBJECT_GONE", "WRONG_STATE"];

/** An agent that has ended meanwhile needs nothing more. */
function* unlessOver(work: Step<unknown>): Step<void> {
  try {
    yield* work;
  } catch (error) {
    if (!(error instanceof SyscallError && OVER.includes(error.status))) throw error;
  }
}

/** @throws RequestError bad-request: the kernel would refuse to make an agent with more than it may hold */
function requireHandles({ limits, capabilities }: SpawnSpec, grants: number): void {
  // Itself and its pool come from the kernel.
  const begins = 2 + grants + capabilities.length;
  if (limits.handles !== undefined && limits.handles < begins)
    throw new RequestError("bad-request", `limits.handles: it begins with ${begins}`);
}

/** An agent and all below it share its weight: who makes a hundred children has no more of the time. */
export function scheduleOf({ cpu, weight, foreground }: Limits): Schedule {
  if (cpu === undefined) return { class: "fair", weight, foreground, group: true };
  const budget = Math.round(PERIOD_NS * cpu);
  return { class: "realtime", budget, period: PERIOD_NS, group: true };
}
