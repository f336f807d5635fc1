/** Notices: what an agent is told of what it has started. Each thing has one at most. */
import { NOTICE_COMPLETED, NOTICE_ENDED } from "../ipc/notice_kinds.ts";
import { hasDesk } from "./desk.ts";
import { release } from "./pools.ts";
import { orphan } from "./tree.ts";
import { endWait, READY_NOTICE } from "./waiting.ts";
import { type Agent, type Answer, get, type Name, type Notice, type World } from "./world.ts";

/** Tells `to`; a later notice about the same thing takes the place of one that wasn't taken. */
export function post(world: World, to: Name, notice: Notice): void {
  const agent = world.agents.get(to);
  if (!agent) return;
  const at = agent.notices.findIndex(({ subject }) => subject === notice.subject);
  if (at >= 0) agent.notices[at] = notice;
  else agent.notices.push(notice);
  if (at < 0 && agent.wait && !agent.suspended && agent.wait.notices !== "none")
    endWait(agent, takeNotice(world, agent, agent.wait.notices === "take"));
}

/** An agent that has a notice is told so, or is given the first. */
export function takeNotice(world: World, agent: Agent, take: boolean): Answer {
  const [notice] = agent.notices;
  if (!notice || !take) return { status: "OK", value: READY_NOTICE };
  // Where it was to be written there is nothing any more: it stays.
  if (!hasDesk(agent)) return { status: "BAD_ADDRESS", value: READY_NOTICE };
  agent.notices.shift();
  if (notice.kind === NOTICE_ENDED) forget(world, get(world.agents, notice.subject));
  if (notice.kind === NOTICE_COMPLETED) {
    const { pool } = get(world.operations, notice.subject);
    world.operations.delete(notice.subject);
    release(world, pool, world.costs.operation);
  }
  return { status: "OK", value: READY_NOTICE, notice };
}

/** Whoever has a notice of it has it no more. */
export function withdraw(world: World, subject: Name): void {
  for (const agent of world.agents.values())
    agent.notices = agent.notices.filter((notice) => notice.subject !== subject);
}

/** Nothing is left of an agent that is over, and that nobody need be told of any more. */
export function forget(world: World, agent: Agent): void {
  withdraw(world, agent.name);
  orphan(world, agent);
  world.agents.delete(agent.name);
  release(world, agent.pool, world.costs.agent);
}
