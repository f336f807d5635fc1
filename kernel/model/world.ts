/**
 * The kernel as plain data: who there is, what they may do, what is on its way between them.
 *
 * This is an executable specification. It says what every call does, in the fewest words that we
 * found, and nothing of how: no slots, no generations, no lists, no caches. kernel/model/*.test.ts
 * runs it beside the kernel and compares each answer, and all that can be seen, after every call.
 *
 * Objects have names, numbers in the order in which they came; a name is never used again.
 */
import type { StatusName } from "../testing/world-host.ts";

export type Name = number;
/** No capability, no agent. */
export const NOBODY: Name = 0;
/** A time that never comes. */
export const NEVER = Number.POSITIVE_INFINITY;

export type Kind = "agent" | "pool" | "endpoint" | "timer" | "scope" | "kernel";

export interface Thing {
  readonly kind: Kind;
  readonly name: Name;
}

/** Leave to do to one thing what the rights say. */
export interface Capability {
  readonly name: Name;
  /** The agent that may. */
  readonly holder: Name;
  readonly thing: Thing;
  readonly rights: number;
  /** ns; from then on it is worth nothing. */
  readonly expiry: number;
  /** For a thing of kind "scope": what it begins with, and bits. */
  readonly scope: string;
  readonly mask: number;
  /** What it was derived from, and how many there are above it. */
  readonly parent: Name;
  readonly depth: number;
  revoked: boolean;
}

export interface Message {
  readonly sender: Name;
  /** Which of its sender's messages it is, from 1. */
  readonly sequence: number;
  readonly bytes: readonly number[];
  /** The receiver's, when one came along. */
  readonly capability: Name;
  /** Who pays, and how much. */
  readonly pool: Name;
  readonly cost: number;
}

/** A wait that has begun. */
export interface Wait {
  /** Who waits longer has a smaller number. */
  readonly since: number;
  readonly things: readonly Thing[];
  readonly deadline: number;
  readonly mailbox: boolean;
  /** In DonateTo: only a message from this agent ends it. */
  readonly reply: Name;
  /** The earliest time at which there may be something to see. */
  until: number;
}

export interface Agent {
  readonly name: Name;
  readonly pool: Name;
  /** What AgentSpecialize has left it of all rights. */
  rightsLeft: number;
  sent: number;
  mailbox: Message[];
  wait: Wait | null;
  /** With what the last wait that blocked has ended. */
  result: Answer | null;
  /**
   * The queue or pipe for which it was woken and where it has not yet looked: while it is on its
   * way, nobody else is woken for the same thing.
   */
  errand: Name;
  /** Has waited for several things at once, and paid for the room that this takes. */
  roomToWait: boolean;
}

export interface Pool {
  readonly name: Name;
  readonly quota: number;
  used: number;
}

export type EndpointType = "queue" | "pipe" | "event" | "mutex";

export interface Endpoint {
  readonly name: Name;
  readonly type: EndpointType;
  readonly capacity: number;
  readonly owner: Name;
  readonly pool: Name;
  /** Of a queue. */
  messages: Message[];
  /** Of a pipe. */
  bytes: number[];
  /** Of an event. */
  count: number;
  /** Of a mutex: who holds it, and whether its last holder ended without releasing it. */
  holder: Name;
  abandoned: boolean;
}

export interface Timer {
  readonly name: Name;
  readonly owner: Name;
  readonly pool: Name;
  expiry: number;
  period: number;
}

/** What things cost the pool that pays for them, in bytes. */
export interface Costs {
  readonly capability: number;
  readonly endpoint: number;
  readonly timer: number;
  /** A message, beside whole pages for more than 64 bytes. */
  readonly message: number;
  /** Room to wait for several things at once. */
  readonly waits: number;
}

export interface World {
  readonly costs: Costs;
  now: number;
  /** Names given to capabilities, and to all else; waits begun. */
  capabilitiesNamed: number;
  thingsNamed: number;
  waitsBegun: number;
  readonly agents: Map<Name, Agent>;
  readonly pools: Map<Name, Pool>;
  readonly capabilities: Map<Name, Capability>;
  /** Capabilities whose tokens have been made: their bytes may be anywhere. */
  readonly shown: Set<Name>;
  readonly endpoints: Map<Name, Endpoint>;
  readonly timers: Map<Name, Timer>;
}

/** What a call is answered with; of the fields after the first, those that the call is about. */
export interface Answer {
  readonly status: StatusName;
  readonly value?: number;
  /** The caller's new capability. */
  readonly made?: Name;
  readonly message?: Message;
  readonly bytes?: readonly number[];
  /** What a token that was shown is worth. */
  readonly verdict?: StatusName;
  /** The caller waits: its answer comes later (`Agent.result`). */
  readonly waits?: boolean;
}

/** A call that is refused: whoever throws this has changed nothing. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: StatusName;
  readonly value: number | undefined;

  constructor(status: StatusName, value?: number) {
    super(status);
    this.status = status;
    this.value = value;
  }
}

export function refuse(status: StatusName, value?: number): never {
  throw new Refused(status, value);
}

export function emptyWorld(costs: Costs): World {
  return {
    costs,
    now: 0,
    capabilitiesNamed: 0,
    thingsNamed: 0,
    waitsBegun: 0,
    agents: new Map(),
    pools: new Map(),
    capabilities: new Map(),
    shown: new Set(),
    endpoints: new Map(),
    timers: new Map(),
  };
}

/** What is named; it must be there. */
export function get<T>(map: ReadonlyMap<Name, T>, name: Name): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`the specification lost ${name}`);
  return found;
}

export const left = (pool: Pool): number => pool.quota - pool.used;

/** An agent with a pool of its own, of which it is no part of the price. */
export function addAgent(world: World, quota: number, used = 0): Agent {
  const pool: Pool = { name: ++world.thingsNamed, quota, used };
  const agent: Agent = {
    name: ++world.thingsNamed,
    pool: pool.name,
    rightsLeft: ~0,
    sent: 0,
    mailbox: [],
    wait: null,
    result: null,
    errand: NOBODY,
    roomToWait: false,
  };
  world.pools.set(pool.name, pool);
  world.agents.set(agent.name, agent);
  return agent;
}

/** The same world once more: nothing that happens to one happens to the other. */
export function copyOf(world: World): World {
  const each = <T>(map: ReadonlyMap<Name, T>, copy: (one: T) => T): Map<Name, T> =>
    new Map([...map].map(([name, one]) => [name, copy(one)]));
  return {
    ...world,
    agents: each(world.agents, (agent) => ({
      ...agent,
      mailbox: [...agent.mailbox],
      wait: agent.wait && { ...agent.wait },
    })),
    pools: each(world.pools, (pool) => ({ ...pool })),
    capabilities: each(world.capabilities, (capability) => ({ ...capability })),
    shown: new Set(world.shown),
    endpoints: each(world.endpoints, (endpoint) => ({
      ...endpoint,
      messages: [...endpoint.messages],
      bytes: [...endpoint.bytes],
    })),
    timers: each(world.timers, (timer) => ({ ...timer })),
  };
}
