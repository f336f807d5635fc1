/**
 * How agents end. One that ends stops in the call that ends it; what is below it stops, and all that
 * they had is given back, in a step of the kernel, of which the parent is told when it is done.
 */
import { END_EXITED, END_FAULT, END_KILLED } from "../agent/states.ts";
import * as Rights from "../cap/rights.ts";
import { NOTICE_ENDED, NOTICE_STARTED } from "../ipc/notice_kinds.ts";
import { STATUS_ABANDONED } from "../syscall/status.ts";
import { authorized, remove, tableOf } from "./authority.ts";
import { destroy, handOn } from "./communication.ts";
import { endMemory } from "./memory.ts";
import { forget, post, withdraw } from "./notices.ts";
import { complete, endOperation } from "./operations.ts";
import { release } from "./pools.ts";
import { isOver, orphan, treeOf } from "./tree.ts";
import { rollBack } from "./upgrades.ts";
import { abandon, passErrand } from "./waiting.ts";
import { type Agent, type Answer, get, type Memory, type Name, type World } from "./world.ts";

export interface Kill {
  readonly call: "AGENT_KILL";
  readonly capability: Name;
  readonly code: number;
}

/** Needs KILL. How many agents end. */
export function kill(world: World, caller: Agent, call: Kill): Answer {
  const { thing } = authorized(world, caller, call.capability, ["agent"], Rights.RIGHT_KILL);
  const agent = get(world.agents, thing.name);
  const value = treeOf(world, agent);
  end(world, agent, agent === caller ? END_EXITED : END_KILLED, call.code);
  return { status: "OK", value };
}

/** An agent does what its processor doesn't allow; no call. */
export interface Fault {
  readonly call: "FAULT";
  readonly vector: number;
}

/** It ends, unless its image is one that has still to prove itself. */
export function fault(world: World, agent: Agent, { vector }: Fault): Answer {
  if (agent.kept) rollBack(world, agent, vector);
  else end(world, agent, END_FAULT, vector);
  return { status: "OK" };
}

/** Ends an agent, with all below it. */
export function end(world: World, agent: Agent, reason: number, code: number): void {
  // One that is to be started is found there.
  if (agent.phase !== "unborn") world.ending.push(agent.name);
  stop(world, agent, reason, code);
  agent.endsWith = agent.name;
}

/** It does nothing and waits for nothing any more, and who depended on it is told. */
function stop(world: World, agent: Agent, reason: number, code: number): void {
  withdraw(world, agent.name);
  agent.ended = { reason, code };
  agent.phase = "dying";
  agent.suspended = false;
  agent.wait = null;
  agent.result = null;
  passErrand(world, agent);
  abandon(world, { kind: "agent", name: agent.name });
  const mutexes = [...world.endpoints.values()].filter(({ holder }) => holder === agent.name);
  for (const mutex of mutexes.sort((one, other) => other.heldSince - one.heldSince)) {
    mutex.abandoned = true;
    handOn(world, mutex);
  }
}

/** The kernel does what is left to be done for agents' lives. */
export function settle(world: World): void {
  const ending = world.ending.splice(0);
  // It grows as it is walked: trees end from above, breadth first.
  for (const name of ending) stopChildren(world, get(world.agents, name), ending);
  const late = world.starting.splice(0).filter((name) => !begin(world, get(world.agents, name)));
  const all = [...ending, ...late];
  for (const [index, name] of all.entries()) {
    const agent = get(world.agents, name);
    takeApart(world, agent);
    const root = rootOf(world, agent);
    const rest = all.slice(index + 1).map((other) => rootOf(world, get(world.agents, other)));
    if (!rest.includes(root)) bury(world, root);
  }
  // One is there until all of it is given back: a region lasts as long as anything of it is mapped.
  for (const { pool, memory } of world.remains) giveBack(world, pool, memory);
  world.remains.splice(0);
}

/** A new agent starts, unless it is over already: whether it does. */
function begin(world: World, agent: Agent): boolean {
  if (isOver(agent)) return false;
  agent.phase = "alive";
  post(world, agent.parent, { kind: NOTICE_STARTED, subject: agent.name, status: 0, value: 0 });
  return true;
}

/** Stops what stands right below an agent that ends, and adds it to those that end. */
function stopChildren(world: World, agent: Agent, ending: Name[]): void {
  for (const name of [...agent.children]) {
    const child = get(world.agents, name);
    orphan(world, child);
    if (child.phase === "dead") {
      forget(world, child);
      continue;
    }
    child.endsWith = agent.endsWith;
    if (child.phase === "alive") ending.push(name);
    if (!isOver(child)) stop(world, child, END_KILLED, 0);
  }
}

/** The agent with whose end that of `agent` is complete. */
function rootOf(world: World, agent: Agent): Agent {
  return agent.endsWith === agent.name ? agent : rootOf(world, get(world.agents, agent.endsWith));
}

/** Nothing of a tree has anything any more: its root can tell its parent, and the rest is gone. */
function bury(world: World, root: Agent): void {
  const members = [...world.agents.values()].filter((one) => one.phase === "dying" && rootOf(world, one) === root);
  for (const member of members) if (member !== root) forget(world, member);
  root.phase = "dead";
  const { reason, code } = root.ended ?? { reason: 0, code: 0 };
  post(world, root.parent, { kind: NOTICE_ENDED, subject: root.name, status: reason, value: code });
}

/** Gives back all that an agent has. */
function takeApart(world: World, agent: Agent): void {
  for (const { pool, cost } of agent.mailbox.splice(0)) release(world, pool, cost);
  const owned = <T extends { name: Name; owner: Name }>(things: ReadonlyMap<Name, T>) =>
    [...things.values()].filter(({ owner }) => owner === agent.name).reverse();
  for (const { name } of owned(world.endpoints)) destroy(world, { kind: "endpoint", name });
  for (const { name } of owned(world.timers)) destroy(world, { kind: "timer", name });
  endOperations(world, agent);
  agent.notices = [];
  if (agent.roomToWait) release(world, agent.pool, world.costs.waits);
  agent.roomToWait = false;
  endMemory(world, agent.memory, agent.pool);
  if (agent.kept) giveBack(world, agent.pool, agent.kept.memory);
  agent.kept = null;
  for (const capability of tableOf(world, agent).reverse()) remove(world, capability);
}

/** What it has asked for is forgotten; who has asked for what it was doing is told. */
function endOperations(world: World, agent: Agent): void {
  const all = [...world.operations.values()].reverse();
  for (const operation of all) if (operation.requester === agent.name) endOperation(world, operation);
  const taken = all.filter(({ state, service }) => state === "taken" && service === agent.name);
  for (const operation of taken.sort((one, other) => other.takenSince - one.takenSince))
    if (world.operations.has(operation.name)) complete(world, operation, STATUS_ABANDONED, 0);
}

/** What an upgrade has kept goes. */
function giveBack(world: World, pool: Name, memory: Memory): void {
  endMemory(world, memory, pool);
  release(world, pool, world.costs.agent);
}
