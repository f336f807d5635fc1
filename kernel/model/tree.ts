/** The tree of agents: who has made whom. */
import * as Rights from "../cap/rights.ts";
import { CAPABILITIES_PER_AGENT_MAX, MAILBOX_MESSAGES_MAX } from "./limits.ts";
import { type Agent, get, type Name, NOBODY, type Pool, type World } from "./world.ts";

/** A new agent of nobody's, which has nothing and costs nothing yet. */
export function makeAgent(world: World, pool: Name, image: Name, parent: Agent | null): Agent {
  const agent: Agent = {
    name: ++world.thingsNamed,
    identifier: 0,
    pool,
    phase: "unborn",
    suspended: false,
    parent: parent?.name ?? NOBODY,
    children: [],
    depth: (parent?.depth ?? 0) + 1,
    ended: null,
    endsWith: NOBODY,
    image,
    kept: null,
    memory: { ranges: [], space: false },
    notices: [],
    rightsLeft: Rights.RIGHTS_ALL,
    capabilityLimit: CAPABILITIES_PER_AGENT_MAX,
    mailboxLimit: MAILBOX_MESSAGES_MAX,
    sent: 0,
    mailbox: [],
    wait: null,
    result: null,
    errand: NOBODY,
    roomToWait: false,
  };
  world.agents.set(agent.name, agent);
  parent?.children.unshift(agent.name);
  return agent;
}

/** An agent that lives already, with a pool of its own, and pays for itself. */
export function addAgent(world: World, quota: number, image: Name = NOBODY): Agent {
  const pool: Pool = { name: ++world.thingsNamed, parent: NOBODY, quota, used: world.costs.agent };
  world.pools.set(pool.name, pool);
  const agent = makeAgent(world, pool.name, image, null);
  agent.phase = "alive";
  return agent;
}

/** Whether an agent is there of which more can be had than what became of it. */
export const isOver = ({ phase }: Agent): boolean => phase === "dying" || phase === "dead";

/** Agents of its tree that are not over, itself included. */
export function treeOf(world: World, agent: Agent): number {
  if (isOver(agent)) return 0;
  return agent.children.reduce((sum, child) => sum + treeOf(world, get(world.agents, child)), 1);
}

/** Takes an agent away from its parent. */
export function orphan(world: World, agent: Agent): void {
  const parent = world.agents.get(agent.parent);
  if (parent) parent.children = parent.children.filter((name) => name !== agent.name);
  agent.parent = NOBODY;
}

/** `agent`, which has no parent, becomes the newest child of `parent`. */
export function adopt(parent: Agent, agent: Agent): void {
  agent.parent = parent.name;
  agent.depth = Math.max(agent.depth, parent.depth + 1);
  parent.children.unshift(agent.name);
}

/** Whether `above` is `agent`, or above it. */
export function isAbove(world: World, above: Agent, agent: Agent): boolean {
  if (above === agent) return true;
  const parent = world.agents.get(agent.parent);
  return parent !== undefined && isAbove(world, above, parent);
}
