/**
 * Authority: the only way to do anything is to hold a capability for it. What is derived from one
 * has never more rights, time or scope than it, and ends with it.
 */
import {
  CAPABILITY_DEPTH_MAX,
  SCOPE_BYTES_MAX,
} from "./limits.ts";
import * as Rights from "../cap/rights.ts";
import type { StatusName } from "../testing/world-host.ts";
import { charge, left, release } from "./pools.ts";
import { isOver } from "./tree.ts";
import {
  type Agent,
  type Answer,
  type Capability,
  get,
  type Kind,
  type Name,
  NEVER,
  NOBODY,
  refuse,
  type Thing,
  type World,
} from "./world.ts";

/**
 * Whether the thing that a capability is for is there. Of an agent that is over nothing is left but
 * what AgentInfo tells, which is asked for with the right INFO alone.
 */
function exists(world: World, { kind, name }: Thing, rights: number): boolean {
  if (kind === "endpoint") return world.endpoints.has(name);
  if (kind === "timer") return world.timers.has(name);
  if (kind === "region") return world.regions.has(name);
  if (kind !== "agent") return true;
  const agent = world.agents.get(name);
  return agent !== undefined && (rights === Rights.RIGHT_INFO || !isOver(agent));
}

/** The caller's capability of this name, whatever it may still be worth. */
export function held(world: World, caller: Agent, name: Name): Capability {
  const capability = world.capabilities.get(name);
  if (!capability)
    return refuse(
      name > 0 && name <= world.capabilitiesNamed ? "CAPABILITY_STALE" : "CAPABILITY_FORGED",
    );
  return capability.holder === caller.name ? capability : refuse("CAPABILITY_FOREIGN");
}

/** Whether it still gives what it once gave, to somebody. */
function worth(world: World, capability: Capability): "OK" | "CAPABILITY_EXPIRED" | "CAPABILITY_REVOKED" {
  if (capability.expiry <= world.now) return "CAPABILITY_EXPIRED";
  return capability.revoked ? "CAPABILITY_REVOKED" : "OK";
}

/** The caller's capability, which must be good for `rights` on a thing of one of `kinds`. */
export function authorized(
  world: World,
  caller: Agent,
  name: Name,
  kinds: readonly Kind[] | "any",
  rights: number,
): Capability {
  const capability = held(world, caller, name);
  const status = worth(world, capability);
  if (status !== "OK") refuse(status);
  if (kinds !== "any" && !kinds.includes(capability.thing.kind)) refuse("CAPABILITY_KIND");
  if ((capability.rights & caller.rightsLeft & rights) !== rights) refuse("RIGHTS_MISSING");
  return exists(world, capability.thing, rights) ? capability : refuse("OBJECT_GONE");
}

/** The same for calls about the caller itself. */
export function authorizedSelf(world: World, caller: Agent, name: Name, rights: number): void {
  const { thing } = authorized(world, caller, name, ["agent"], rights);
  if (thing.name !== caller.name) refuse("CAPABILITY_KIND");
}

/** What was derived from a capability, directly or not, and is not yet revoked. */
function descendants(world: World, from: Name): Capability[] {
  const all = [...world.capabilities.values()];
  const children = all.filter((one) => one.parent === from && !one.revoked);
  return children.flatMap((child) => [child, ...descendants(world, child.name)]);
}

/** Takes all authority that came from a capability; how many have lost theirs. */
function revokeBelow(world: World, from: Name): number {
  const lost = descendants(world, from);
  for (const capability of lost) capability.revoked = true;
  return lost.length;
}

export function remove(world: World, capability: Capability): number {
  const lost = revokeBelow(world, capability.name);
  world.capabilities.delete(capability.name);
  const holder = get(world.agents, capability.holder);
  release(world, holder.pool, world.costs.capability);
  // What it named may have lived by it alone.
  if (capability.thing.kind === "pool" && world.pools.has(capability.thing.name))
    release(world, capability.thing.name, 0);
  return lost;
}

export const tableOf = (world: World, agent: Agent): Capability[] =>
  [...world.capabilities.values()].filter((one) => one.holder === agent.name);

/**
 * Refuses unless `holder` has room for one more capability derived from `parent`: in its table and
 * in the pool that pays, which pays `besides` as well. Capabilities that are worth nothing any more
 * make room when it is needed.
 */
export function checkRoom(world: World, holder: Agent, parent: Capability | null, besides = 0): void {
  if (parent && parent.depth + 1 >= CAPABILITY_DEPTH_MAX) refuse("TOO_DEEP");
  const table = tableOf(world, holder);
  const good = table.filter((one) => worth(world, one) === "OK").length;
  if (good >= holder.capabilityLimit) refuse("LIMIT");
  const clearing = (table.length - good) * world.costs.capability;
  if (left(get(world.pools, holder.pool)) - besides + clearing < world.costs.capability) refuse("QUOTA");
}

/** Refuses unless `pool` can pay `cost` for a new thing, and there is room for the caller's capability to it. */
export function checkNew(world: World, caller: Agent, pool: Name, cost: number): void {
  checkRoom(world, caller, null);
  const capability = caller.pool === pool ? world.costs.capability : 0;
  if (left(get(world.pools, pool)) < cost + capability) refuse("QUOTA");
}

/** Makes a capability, for which there must be room. */
export function give(
  world: World,
  holder: Agent,
  from: Pick<Capability, "thing" | "rights" | "expiry" | "scope" | "mask">,
  parent: Capability | null,
): Name {
  const pool = get(world.pools, holder.pool);
  const table = tableOf(world, holder);
  const full = table.length >= holder.capabilityLimit || left(pool) < world.costs.capability;
  if (full) for (const one of table) if (worth(world, one) !== "OK") remove(world, one);
  charge(world, pool.name, world.costs.capability);
  const name = ++world.capabilitiesNamed;
  const { thing, rights, expiry, scope, mask } = from;
  const depth = parent ? parent.depth + 1 : 0;
  const above = parent ? parent.name : NOBODY;
  world.capabilities.set(name, {
    name, holder: holder.name, thing, rights, expiry, scope, mask, depth, parent: above, revoked: false,
  });
  return name;
}

/** The capability that comes with a thing that the kernel has made for `holder`. */
export function giveNew(world: World, holder: Agent, thing: Thing, rights = Rights.RIGHTS_ALL): Name {
  const whole = thing.kind === "scope" ? 0xffff_ffff : 0;
  return give(world, holder, { thing, rights, expiry: NEVER, scope: "", mask: whole }, null);
}

export interface Derive {
  readonly call: "CAP_DERIVE";
  readonly capability: Name;
  /** Capability to the agent that gets the new one; NOBODY: the caller. */
  readonly to: Name;
  readonly rights: number;
  /** 0: as long as what it is derived from. */
  readonly expiry: number;
  readonly scope: string;
  readonly mask: number;
}

/** Needs DERIVE, and SPECIALIZE of whoever gets it. */
export function derive(world: World, caller: Agent, call: Derive): Answer {
  const from = authorized(world, caller, call.capability, "any", Rights.RIGHT_DERIVE);
  if ((call.rights & ~(from.rights & caller.rightsLeft)) !== 0) refuse("WOULD_WIDEN");
  if (call.expiry > from.expiry) refuse("WOULD_WIDEN");
  if (call.expiry !== 0 && call.expiry <= world.now) refuse("OUT_OF_RANGE");
  if (call.scope.length > SCOPE_BYTES_MAX) refuse("TOO_LARGE");
  if (from.thing.kind !== "scope") {
    if (call.scope !== "" || call.mask !== 0) refuse("BAD_ARGUMENT");
  } else if (!covers(from, call)) refuse("WOULD_WIDEN");
  let holder = caller;
  if (call.to !== NOBODY) {
    const { thing } = authorized(world, caller, call.to, ["agent"], Rights.RIGHT_SPECIALIZE);
    holder = get(world.agents, thing.name);
  }
  checkRoom(world, holder, from);
  const { rights, scope, mask } = call;
  const expiry = call.expiry === 0 ? from.expiry : call.expiry;
  return { status: "OK", made: give(world, holder, { thing: from.thing, rights, expiry, scope, mask }, from) };
}

/** A scope covers what begins with its text and has no other bits. */
const covers = (outer: { scope: string; mask: number }, inner: { scope: string; mask: number }): boolean =>
  inner.scope.startsWith(outer.scope) && (inner.mask & ~outer.mask) === 0;

export interface Revoke {
  readonly call: "CAP_REVOKE";
  readonly capability: Name;
  /** The capability goes as well. */
  readonly itself: boolean;
}

/** Needs REVOKE; to give up one's own needs no right, and works for one that is worth nothing. */
export function revoke(world: World, caller: Agent, call: Revoke): Answer {
  if (call.itself) return { status: "OK", value: remove(world, held(world, caller, call.capability)) };
  const from = authorized(world, caller, call.capability, "any", Rights.RIGHT_REVOKE);
  return { status: "OK", value: revokeBelow(world, from.name) };
}

export interface Show {
  readonly call: "SHOW_TOKEN";
  readonly capability: Name;
}

/** CapInspect with a place for the token: how many derive from it. */
export function show(world: World, caller: Agent, call: Show): Answer {
  const shown = authorized(world, caller, call.capability, "any", 0);
  world.shown.add(shown.name);
  return { status: "OK", value: descendants(world, shown.name).length };
}

export interface Judge {
  readonly call: "JUDGE_TOKEN";
  readonly capability: Name;
  /** The capability whose token it is: bytes, which anyone can have. */
  readonly token: Name;
  readonly rights: number;
  /** The agent that showed it; NOBODY: it doesn't matter. */
  readonly shower: Name;
}

/** CapInspect with a token: what the capability that it shows is worth. */
export function judge(world: World, caller: Agent, call: Judge): Answer {
  authorized(world, caller, call.capability, "any", 0);
  return { status: "OK", verdict: verdict(world, call) };
}

function verdict(world: World, call: Judge): StatusName {
  if (!world.shown.has(call.token)) return "CAPABILITY_FORGED";
  const shown = world.capabilities.get(call.token);
  if (!shown) return "CAPABILITY_STALE";
  if (call.shower !== NOBODY && call.shower !== shown.holder) return "CAPABILITY_FOREIGN";
  if (worth(world, shown) !== "OK") return worth(world, shown);
  if (!exists(world, shown.thing, call.rights)) return "OBJECT_GONE";
  const { rightsLeft } = get(world.agents, shown.holder);
  return (call.rights & ~(shown.rights & rightsLeft)) === 0 ? "OK" : "RIGHTS_MISSING";
}
