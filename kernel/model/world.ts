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
/** The kernel itself, of which there is one. */
export const KERNEL: Name = -1;
/** A time that never comes. */
export const NEVER = Number.POSITIVE_INFINITY;
export const PAGE = 4096;

export type Kind = "agent" | "pool" | "endpoint" | "timer" | "scope" | "kernel" | "image" | "region";

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

/** Whether a wait is for notices: not, only to know of one, or to be given it. */
export type Notices = "none" | "look" | "take";

/** What an agent is told about something that it has started; numbers as the kernel has them. */
export interface Notice {
  readonly kind: number;
  /** The agent or the operation. */
  readonly subject: Name;
  readonly status: number;
  readonly value: number;
}

/** A range of an agent's addresses. */
export interface Range {
  readonly start: number;
  /** What was last written into each page: one number stands for all of its bytes. */
  readonly pages: number[];
  /** NOBODY: memory of its own, and `pages` are its pages. */
  readonly region: Name;
  readonly writable: boolean;
  /** Who pays for the range, and for the pages when they are the agent's own. */
  pool: Name;
}

/** An agent's memory: its ranges, and whether it ever had any, which costs something for good. */
export interface Memory {
  ranges: Range[];
  space: boolean;
}

/** Memory that several agents map, and see each other's writes in. */
export interface Region {
  readonly name: Name;
  readonly pages: number[];
  readonly pool: Name;
}

/** What an upgrade that isn't confirmed goes back to. */
export interface Kept {
  readonly image: Name;
  readonly memory: Memory;
  /** Whether it was in a system call, whose result then tells of the way back. */
  readonly inCall: boolean;
  readonly result: Answer | null;
}

/** A wait that has begun. */
export interface Wait {
  /** Who waits longer has a smaller number. */
  readonly since: number;
  readonly things: readonly Thing[];
  readonly deadline: number;
  readonly mailbox: boolean;
  readonly notices: Notices;
  /** In DonateTo: only a message from this agent ends it. */
  readonly reply: Name;
  /** The earliest time at which there may be something to see. */
  until: number;
}

/**
 * "unborn" until a step of the kernel starts it; "dying" until one has taken apart what it had;
 * "dead" until its parent has taken the notice of that.
 */
export type Phase = "unborn" | "alive" | "dying" | "dead";

export interface Agent {
  readonly name: Name;
  /** The number by which the kernel breaks ties. */
  identifier: number;
  readonly pool: Name;
  phase: Phase;
  suspended: boolean;
  /** NOBODY: who made it is no part of this world. */
  parent: Name;
  /** The newest first. */
  children: Name[];
  depth: number;
  /** Why it ended, and the agent with whose tree it ends. */
  ended: { readonly reason: number; readonly code: number } | null;
  endsWith: Name;
  image: Name;
  kept: Kept | null;
  memory: Memory;
  notices: Notice[];
  /** What AgentSpecialize has left it of all rights. */
  rightsLeft: number;
  /** Capabilities that it may hold, messages that may wait in its mailbox. */
  capabilityLimit: number;
  mailboxLimit: number;
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
  /** What its quota was cut out of; NOBODY for one that was there from the beginning. */
  readonly parent: Name;
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
  /** The largest is the mutex that was taken last. */
  heldSince: number;
  abandoned: boolean;
}

/** Work that a service does for an agent. */
export interface Operation {
  readonly name: Name;
  readonly requester: Name;
  readonly number: number;
  readonly bytes: readonly number[];
  /** Most bytes that the result may have. */
  readonly room: number;
  readonly pool: Name;
  state: "pending" | "taken" | "done";
  /** Who has taken it, and when. */
  service: Name;
  takenSince: number;
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
  readonly agent: number;
  readonly pool: number;
  /** A range of addresses, beside its pages; and the first table of all that has ranges. */
  readonly range: number;
  readonly space: number;
  /** A region, beside its pages. */
  readonly region: number;
  /** An operation, beside whole pages for more than 64 bytes. */
  readonly operation: number;
}

/** Memory that an upgrade no longer needs, and that a step of the kernel is to give back. */
export interface Remains {
  readonly pool: Name;
  readonly memory: Memory;
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
  readonly regions: Map<Name, Region>;
  /** In the order in which they were asked for. */
  readonly operations: Map<Name, Operation>;
  /** What the kernel has still to do for agents' lives, in its order. */
  readonly starting: Name[];
  readonly ending: Name[];
  readonly remains: Remains[];
}

/** What AgentSpawn, AgentClone and AgentSplit give. */
export interface Born {
  readonly agent: Name;
  /** The caller's capability to it, and its own: to itself, to its pool, and what it was granted. */
  readonly child: Name;
  readonly self: Name;
  readonly purse: Name;
  readonly grants: readonly Name[];
  readonly argument: number;
}

/** What AgentInfo tells. */
export type Info = Readonly<Record<string, number | string>>;

/** What PqcTake tells of an operation. */
export interface Taken {
  readonly requester: Name;
  readonly number: number;
  readonly bytes: readonly number[];
  readonly room: number;
}

/** What a call is answered with; of the fields after the first, those that the call is about. */
export interface Answer {
  readonly status: StatusName;
  readonly value?: number;
  /** The caller's new capability. */
  readonly made?: Name;
  readonly message?: Message;
  readonly bytes?: readonly number[];
  readonly born?: Born;
  readonly info?: Info;
  readonly notice?: Notice;
  /** An operation that the caller has asked for, or has taken. */
  readonly operation?: Name;
  readonly taken?: Taken;
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
    regions: new Map(),
    operations: new Map(),
    starting: [],
    ending: [],
    remains: [],
  };
}

/** What is named; it must be there. */
export function get<T>(map: ReadonlyMap<Name, T>, name: Name): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`the specification lost ${name}`);
  return found;
}

const copyRanges = ({ ranges, space }: Memory): Memory => ({
  ranges: ranges.map((range) => ({ ...range, pages: [...range.pages] })),
  space,
});

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
      children: [...agent.children],
      notices: [...agent.notices],
      memory: copyRanges(agent.memory),
      kept: agent.kept && { ...agent.kept, memory: copyRanges(agent.kept.memory) },
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
    regions: each(world.regions, (region) => ({ ...region, pages: [...region.pages] })),
    operations: each(world.operations, (operation) => ({ ...operation })),
    starting: [...world.starting],
    ending: [...world.ending],
    remains: world.remains.map(({ pool, memory }) => ({ pool, memory: copyRanges(memory) })),
  };
}
