/** AgentMerge: one agent goes into another, which takes over what it can, and no right more. */
import { END_MERGED } from "../agent/states.ts";
import * as Rights from "../cap/rights.ts";
import { NOTICE_COMPLETED } from "../ipc/notice_kinds.ts";
import { authorized } from "./authority.ts";
import { standsStill } from "./births.ts";
import { end } from "./ends.ts";
import { MAILBOX_BYTES_MAX, MERGE_CHILDREN_MAX } from "./limits.ts";
import { endOf, moveRanges, rangeCost, rangesIn, tableCost } from "./memory.ts";
import { charge, left, release } from "./pools.ts";
import { adopt, isAbove, orphan } from "./tree.ts";
import { type Agent, type Answer, get, type Name, NOBODY, type Range, refuse, type World } from "./world.ts";

export interface Merge {
  readonly call: "AGENT_MERGE";
  readonly capability: Name;
  readonly survivor: Name;
}

/** Needs MERGE on both, which stand still. How many ranges and messages have moved. */
export function merge(world: World, caller: Agent, call: Merge): Answer {
  const first = authorized(world, caller, call.capability, ["agent"], Rights.RIGHT_MERGE);
  if (call.survivor === NOBODY) refuse("BAD_ARGUMENT");
  const second = authorized(world, caller, call.survivor, ["agent"], Rights.RIGHT_MERGE);
  const agent = get(world.agents, first.thing.name);
  const survivor = get(world.agents, second.thing.name);
  if (agent === survivor) refuse("BAD_ARGUMENT");
  for (const one of [agent, survivor]) if (!standsStill(caller, one)) refuse("WRONG_STATE");
  if (agent.kept || survivor.kept) refuse("WRONG_STATE");
  checkTree(world, agent, survivor);
  checkMailbox(agent, survivor);
  const ranges = agent.memory.ranges.filter((range) => fits(range, survivor));
  if (left(get(world.pools, survivor.pool)) < price(world, agent, survivor, ranges)) refuse("QUOTA");
  for (const range of ranges) moveRanges(world, [range], agent, survivor);
  const value = ranges.length + moveMessages(world, agent, survivor);
  moveChildren(world, agent, survivor);
  end(world, agent, END_MERGED, survivor.name);
  return { status: "OK", value };
}

function checkTree(world: World, agent: Agent, survivor: Agent): void {
  if (isAbove(world, agent, survivor)) refuse("CYCLE");
  if (agent.children.length > MERGE_CHILDREN_MAX) refuse("LIMIT");
  if (agent.children.length > 0 && survivor.depth > agent.depth) refuse("TOO_DEEP");
}

function checkMailbox(agent: Agent, survivor: Agent): void {
  const all = [...agent.mailbox, ...survivor.mailbox];
  const bytes = all.reduce((sum, message) => sum + message.bytes.length, 0);
  if (all.length > survivor.mailboxLimit || bytes > MAILBOX_BYTES_MAX) refuse("FULL");
}

const fits = (range: Range, { memory }: Agent): boolean => rangesIn(memory, range.start, endOf(range)).length === 0;

/** What the survivor's pool must have left: for tables as much as if each range came alone. */
function price(world: World, agent: Agent, survivor: Agent, ranges: readonly Range[]): number {
  const { costs } = world;
  const space = survivor.memory.space ? 0 : costs.space;
  const tables = ranges.map((range) => tableCost(world, survivor.memory, [range]) - space);
  const others = ranges.filter(({ pool }) => pool !== survivor.pool).map((range) => rangeCost(world, range));
  const messages = agent.mailbox.filter(({ pool }) => pool !== survivor.pool).map(({ cost }) => cost);
  const all = [...tables, ...others, ...messages, ranges.length > 0 ? space : 0];
  return all.reduce((sum, cost) => sum + cost, 0);
}

/**
 * Behind those that are there, but before what their sender has sent later; what came along in them
 * was not for the survivor.
 */
function moveMessages(world: World, agent: Agent, survivor: Agent): number {
  const moved = agent.mailbox.splice(0);
  for (const message of moved) {
    if (message.pool !== survivor.pool) {
      charge(world, survivor.pool, message.cost);
      release(world, message.pool, message.cost);
    }
    const later = survivor.mailbox.findIndex(
      ({ sender, sequence }) => sender === message.sender && sequence > message.sequence,
    );
    const place = later === -1 ? survivor.mailbox.length : later;
    survivor.mailbox.splice(place, 0, { ...message, pool: survivor.pool, capability: NOBODY });
  }
  return moved.length;
}

/** The survivor is told of the children what their parent was to be told. */
function moveChildren(world: World, agent: Agent, survivor: Agent): void {
  for (const name of [...agent.children]) {
    const child = get(world.agents, name);
    orphan(world, child);
    adopt(survivor, child);
  }
  survivor.notices.push(...agent.notices.filter(({ kind }) => kind !== NOTICE_COMPLETED));
  agent.notices = agent.notices.filter(({ kind }) => kind === NOTICE_COMPLETED);
}
