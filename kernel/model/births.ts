/**
 * How agents come to be: spawned with an image, cloned with another one's memory, or split off with
 * a part of it. What a new agent has beside that is what its maker grants, and never more than its
 * maker has; it starts in a later step.
 */
import * as Rights from "../cap/rights.ts";
import { authorized, checkRoom, give, giveNew } from "./authority.ts";
import { AGENT_DEPTH_MAX, CAPABILITY_DEPTH_MAX, RANGES_MAX } from "./limits.ts";
import { checkMapped, copyMemory, cutAt, moveRanges, rangesIn } from "./memory.ts";
import { charge, left } from "./pools.ts";
import { makeAgent } from "./tree.ts";
import {
  type Agent,
  type Answer,
  type Capability,
  get,
  type Name,
  NOBODY,
  PAGE,
  type Pool,
  refuse,
  type World,
} from "./world.ts";

export interface Grant {
  readonly capability: Name;
  readonly rights: number;
}

/** What all ways to be born have in common. */
export interface Birth {
  readonly grants: readonly Grant[];
  /** Of the new agent's capabilities to itself, and to its pool; 0: none to its pool. */
  readonly selfRights: number;
  readonly poolRights: number;
  /** Capabilities that it may hold, messages that may wait for it; 0: as many as with its maker. */
  readonly capabilities: number;
  readonly messages: number;
  readonly argument: number;
}

type Limits = Pick<Agent, "rightsLeft" | "capabilityLimit" | "mailboxLimit">;

export interface Spawn extends Birth {
  readonly call: "AGENT_SPAWN";
  /** To the pool that pays. */
  readonly capability: Name;
  readonly image: Name;
  /** Bytes of a pool of its own, cut out of the one that pays; 0: it lives on that one. */
  readonly quota: number;
}

/** Needs SPAWN on the pool, EXECUTE on the image and DERIVE on what is granted. */
export function spawn(world: World, caller: Agent, call: Spawn): Answer {
  const payer = authorized(world, caller, call.capability, ["pool"], Rights.RIGHT_SPAWN);
  const granted = readGrants(world, caller, call);
  const image = authorized(world, caller, call.image, ["image"], Rights.RIGHT_EXECUTE);
  const limits = checkBirth(world, caller, call, payer, granted, caller, call.quota);
  const pool = call.quota === 0 ? payer.thing.name : cutPool(world, payer.thing.name, call.quota);
  const agent = makeAgent(world, pool, image.thing.name, caller);
  Object.assign(agent, limits);
  return finish(world, caller, call, agent, payer, granted);
}

export interface Clone extends Birth {
  readonly call: "AGENT_CLONE";
  readonly capability: Name;
  /** To the pool that pays. */
  readonly pool: Name;
}

/** Needs CLONE, on an agent that stands still, and SPAWN on the pool. */
export function clone(world: World, caller: Agent, call: Clone): Answer {
  const original = standingStill(world, caller, call.capability, Rights.RIGHT_CLONE);
  const granted = readGrants(world, caller, call);
  const { agent, payer } = beginFrom(world, caller, call, original, granted);
  holdBack(world, caller, agent, granted, call, () =>
    copyMemory(world, original.memory, agent.memory, agent.pool),
  );
  return finish(world, caller, call, agent, payer, granted);
}

export interface Split extends Birth {
  readonly call: "AGENT_SPLIT";
  readonly capability: Name;
  readonly pool: Name;
  readonly ranges: readonly { readonly start: number; readonly pages: number }[];
}

/** Needs SPLIT, on an agent that stands still, and SPAWN on the pool. */
export function split(world: World, caller: Agent, call: Split): Answer {
  const original = standingStill(world, caller, call.capability, Rights.RIGHT_SPLIT);
  const granted = readGrants(world, caller, call);
  const parts = call.ranges.map(({ start, pages }) => ({ start, end: start + pages * PAGE }));
  if (parts.length === 0 || parts.length > RANGES_MAX) refuse("OUT_OF_RANGE");
  for (const [index, { start, end }] of parts.entries()) {
    checkMapped(original.memory, start, end);
    if (parts.slice(0, index).some((other) => start < other.end && other.start < end)) refuse("OVERLAP");
  }
  const { agent, payer } = beginFrom(world, caller, call, original, granted);
  holdBack(world, caller, agent, granted, call, () => {
    for (const { start, end } of parts) {
      cutAt(world, original.memory, end);
      cutAt(world, original.memory, start);
      moveRanges(world, rangesIn(original.memory, start, end), original, agent);
    }
  });
  return finish(world, caller, call, agent, payer, granted);
}

/** The agent that a capability names, which nothing but this call can change: the caller, or suspended. */
export function standingStill(world: World, caller: Agent, name: Name, right: number): Agent {
  const { thing } = authorized(world, caller, name, ["agent"], right);
  const agent = get(world.agents, thing.name);
  return standsStill(caller, agent) ? agent : refuse("WRONG_STATE");
}

export const standsStill = (caller: Agent, agent: Agent): boolean =>
  agent === caller || (agent.suspended && agent.phase === "alive");

const readGrants = (world: World, caller: Agent, { grants }: Birth): Capability[] =>
  grants.map(({ capability }) => authorized(world, caller, capability, "any", Rights.RIGHT_DERIVE));

/** A new agent with the image of `original`, and none of the rights that this one has given up. */
function beginFrom(
  world: World,
  caller: Agent,
  call: Clone | Split,
  original: Agent,
  granted: readonly Capability[],
): { agent: Agent; payer: Capability } {
  const payer = authorized(world, caller, call.pool, ["pool"], Rights.RIGHT_SPAWN);
  const limits = checkBirth(world, caller, call, payer, granted, original, 0);
  const agent = makeAgent(world, payer.thing.name, original.image, caller);
  Object.assign(agent, limits);
  return { agent, payer };
}

/** Capabilities that the new agent begins with, and their bytes. */
const capabilityCount = (granted: readonly Capability[], { poolRights }: Birth): number =>
  1 + (poolRights === 0 ? 0 : 1) + granted.length;
const capabilityCost = (world: World, granted: readonly Capability[], birth: Birth): number =>
  capabilityCount(granted, birth) * world.costs.capability;

/** What the new agent may at most: no more than its maker, nor than `model`, of which it is a copy or a part. */
function limitsOf(caller: Agent, model: Agent, birth: Birth): Limits {
  const capabilities = Math.min(caller.capabilityLimit, model.capabilityLimit);
  const messages = Math.min(caller.mailboxLimit, model.mailboxLimit);
  if (birth.capabilities > capabilities || birth.messages > messages) refuse("WOULD_WIDEN");
  return {
    rightsLeft: caller.rightsLeft & model.rightsLeft,
    capabilityLimit: birth.capabilities || capabilities,
    mailboxLimit: birth.messages || messages,
  };
}

/** Refuses unless there is room and money for the new agent, but for its memory: what it may at most. */
function checkBirth(
  world: World,
  caller: Agent,
  birth: Birth,
  payer: Capability,
  granted: readonly Capability[],
  model: Agent,
  quota: number,
): Limits {
  const { costs } = world;
  if (caller.depth + 1 >= AGENT_DEPTH_MAX) refuse("TOO_DEEP");
  const limits = limitsOf(caller, model, birth);
  if (capabilityCount(granted, birth) > limits.capabilityLimit) refuse("LIMIT");
  const derived = quota === 0 && birth.poolRights !== 0 ? [payer, ...granted] : granted;
  if (derived.some(({ depth }) => depth + 1 >= CAPABILITY_DEPTH_MAX)) refuse("TOO_DEEP");
  checkRoom(world, caller, null);
  const own = costs.agent + capabilityCost(world, granted, birth);
  if (quota !== 0 && own > quota) refuse("QUOTA");
  const pool = get(world.pools, payer.thing.name);
  const price = quota === 0 ? own : quota + costs.pool;
  const shared = caller.pool === pool.name;
  if (left(pool) < price + (shared ? costs.capability : 0)) refuse("QUOTA");
  if (left(get(world.pools, caller.pool)) < costs.capability) refuse("QUOTA");
  return limits;
}

function cutPool(world: World, parent: Name, quota: number): Name {
  charge(world, parent, quota + world.costs.pool);
  const pool: Pool = { name: ++world.thingsNamed, parent, quota, used: 0 };
  world.pools.set(pool.name, pool);
  return pool.name;
}

/** Does `work`, which charges the new agent's pool, while the price of all else is held back there. */
function holdBack(
  world: World,
  caller: Agent,
  agent: Agent,
  granted: readonly Capability[],
  birth: Birth,
  work: () => void,
): void {
  const child = caller.pool === agent.pool ? world.costs.capability : 0;
  const price = world.costs.agent + capabilityCost(world, granted, birth) + child;
  charge(world, agent.pool, price);
  work();
  charge(world, agent.pool, -price);
}

/** The new agent gets its capabilities, and the caller one to it. */
function finish(
  world: World,
  caller: Agent,
  birth: Birth,
  agent: Agent,
  payer: Capability,
  granted: readonly Capability[],
): Answer {
  charge(world, agent.pool, world.costs.agent);
  const most = Rights.RIGHTS_ALL & caller.rightsLeft;
  const self = giveNew(world, agent, { kind: "agent", name: agent.name }, most & birth.selfRights);
  const purse = givePurse(world, agent, payer, most & birth.poolRights, birth);
  const grants = granted.map((from, index) => {
    const rights = from.rights & most & (birth.grants[index]?.rights ?? 0);
    return give(world, agent, { ...from, rights }, from);
  });
  const child = giveNew(world, caller, { kind: "agent", name: agent.name }, most);
  world.starting.push(agent.name);
  const { argument } = birth;
  return { status: "OK", born: { agent: agent.name, child, self, purse, grants, argument } };
}

/** A pool of its own it has by the kernel; the payer's by what the caller has of it. */
function givePurse(world: World, agent: Agent, payer: Capability, rights: number, birth: Birth): Name {
  if (birth.poolRights === 0) return NOBODY;
  const from = { ...payer, rights: payer.rights & rights };
  if (payer.thing.name === agent.pool) return give(world, agent, from, payer);
  return giveNew(world, agent, { kind: "pool", name: agent.pool }, from.rights);
}
