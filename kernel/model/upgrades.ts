/**
 * AgentUpgrade: another image for the same agent. Until the upgrade is confirmed there is a way back,
 * for which image and memory are kept as they were.
 */
import * as Rights from "../cap/rights.ts";
import { authorized } from "./authority.ts";
import { standsStill } from "./births.ts";
import { copyMemory, moveRanges, rangesIn } from "./memory.ts";
import { pay } from "./pools.ts";
import { passErrand } from "./waiting.ts";
import { type Agent, type Answer, get, type Memory, type Name, NOBODY, PAGE, Refused, refuse, type World } from "./world.ts";

export interface Upgrade {
  readonly call: "AGENT_UPGRADE";
  readonly capability: Name;
  readonly mode: "begin" | "confirm" | "roll back";
  readonly image: Name;
  /** The argument of the new image, or the reason to go back. */
  readonly argument: number;
}

/** Needs UPGRADE, and EXECUTE on the image. */
export function upgrade(world: World, caller: Agent, call: Upgrade): Answer {
  const { thing } = authorized(world, caller, call.capability, ["agent"], Rights.RIGHT_UPGRADE);
  const agent = get(world.agents, thing.name);
  if (call.mode === "begin") begin(world, caller, agent, call);
  else if (!agent.kept) refuse("WRONG_STATE");
  else if (call.mode === "confirm") {
    world.remains.push({ pool: agent.pool, memory: agent.kept.memory });
    agent.kept = null;
  } else if (!standsStill(caller, agent)) refuse("WRONG_STATE");
  else rollBack(world, agent, call.argument);
  return { status: "OK", value: 0 };
}

function begin(world: World, caller: Agent, agent: Agent, call: Upgrade): void {
  if (agent.kept || !standsStill(caller, agent)) refuse("WRONG_STATE");
  if (call.image === NOBODY) refuse("BAD_ARGUMENT");
  const image = authorized(world, caller, call.image, ["image"], Rights.RIGHT_EXECUTE);
  pay(world, agent.pool, world.costs.agent);
  const memory: Memory = { ranges: [], space: false };
  copyMemory(world, agent.memory, memory, agent.pool);
  const inCall = agent === caller || agent.wait !== null;
  agent.kept = { image: agent.image, memory, inCall, result: agent.result };
  agent.image = image.thing.name;
  restart(world, agent);
}

/** It goes on with other registers: a wait is over, and no result is due. */
function restart(world: World, agent: Agent): void {
  agent.wait = null;
  agent.result = null;
  passErrand(world, agent);
}

/** The way back. Regions were not kept: those that the new image has mapped stay, where there is room. */
export function rollBack(world: World, agent: Agent, reason: number): void {
  const { kept, memory } = agent;
  if (!kept) return;
  agent.image = kept.image;
  agent.memory = kept.memory;
  agent.kept = null;
  for (const range of memory.ranges.filter(({ region }) => region !== NOBODY)) {
    if (rangesIn(agent.memory, range.start, range.start + range.pages.length * PAGE).length > 0) continue;
    try {
      moveRanges(world, [range], { memory, pool: agent.pool }, agent);
    } catch (refused) {
      // Its pool can't pay for the tables: it can be mapped again.
      if (!(refused instanceof Refused)) throw refused;
    }
  }
  world.remains.push({ pool: agent.pool, memory });
  restart(world, agent);
  agent.result = kept.inCall ? { status: "ROLLED_BACK", value: reason } : kept.result;
}
