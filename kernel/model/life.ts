/** The life of an agent between its birth and its end: standing still, giving up rights, being asked. */
import * as Rights from "../cap/rights.ts";
import { authorized, tableOf } from "./authority.ts";
import { endOf } from "./memory.ts";
import { treeOf } from "./tree.ts";
import { passErrand, waitAgain } from "./waiting.ts";
import { type Agent, type Answer, get, type Info, type Name, refuse, type World } from "./world.ts";

export interface Suspend {
  readonly call: "AGENT_SUSPEND" | "AGENT_RESUME";
  readonly capability: Name;
}

/** Needs SUSPEND. What it waited for goes to others meanwhile; its deadline counts on. */
export function suspend(world: World, caller: Agent, call: Suspend): Answer {
  const { thing } = authorized(world, caller, call.capability, ["agent"], Rights.RIGHT_SUSPEND);
  const agent = get(world.agents, thing.name);
  if (agent.suspended) refuse("WRONG_STATE");
  agent.suspended = true;
  passErrand(world, agent);
  return { status: "OK", value: 0 };
}

/** Needs RESUME. One that waited looks again for what it waited for. */
export function resume(world: World, caller: Agent, call: Suspend): Answer {
  const { thing } = authorized(world, caller, call.capability, ["agent"], Rights.RIGHT_RESUME);
  const agent = get(world.agents, thing.name);
  if (!agent.suspended) refuse("WRONG_STATE");
  agent.suspended = false;
  waitAgain(world, agent);
  return { status: "OK", value: 0 };
}

export interface Specialize {
  readonly call: "AGENT_SPECIALIZE";
  readonly capability: Name;
  readonly rights: number;
}

/** Needs SPECIALIZE. Of all rights, those that are not named count no more, for good. */
export function specialize(world: World, caller: Agent, call: Specialize): Answer {
  const { thing } = authorized(world, caller, call.capability, ["agent"], Rights.RIGHT_SPECIALIZE);
  if ((call.rights & ~Rights.RIGHTS_ALL) !== 0) refuse("BAD_ARGUMENT");
  get(world.agents, thing.name).rightsLeft &= call.rights;
  return { status: "OK", value: 0 };
}

export interface Ask {
  readonly call: "AGENT_INFO";
  readonly capability: Name;
}

/** Needs INFO, which is enough for one that is over as well. */
export function info(world: World, caller: Agent, call: Ask): Answer {
  const { thing } = authorized(world, caller, call.capability, ["agent"], Rights.RIGHT_INFO);
  return { status: "OK", info: describe(world, get(world.agents, thing.name)) };
}

/** What is to be known of an agent. */
export function describe(world: World, agent: Agent): Info {
  const pool = get(world.pools, agent.pool);
  const { ranges } = agent.memory;
  return {
    agent: agent.name,
    parent: agent.parent,
    state: stateOf(agent),
    reason: agent.ended?.reason ?? 0,
    code: agent.ended?.code ?? 0,
    children: agent.children.length,
    depth: agent.depth,
    capabilities: tableOf(world, agent).length,
    rightsLeft: agent.rightsLeft,
    capabilityLimit: agent.capabilityLimit,
    mailboxLimit: agent.mailboxLimit,
    messages: agent.mailbox.length,
    notices: agent.notices.length,
    mapped: ranges.reduce((sum, range) => sum + endOf(range) - range.start, 0),
    quota: pool.quota,
    used: pool.used,
    image: agent.image,
    tree: treeOf(world, agent),
  };
}

export function stateOf({ phase, suspended, wait }: Agent): string {
  if (phase === "dying") return "DYING";
  if (phase === "dead") return "DEAD";
  if (suspended) return "SUSPENDED";
  if (phase === "unborn") return "SPAWNING";
  return wait ? "WAITING" : "READY";
}
