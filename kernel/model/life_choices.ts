/** Turns that are drawn at random: of agents that are born, change and end. */
import * as Rights from "../cap/rights.ts";
import { needsDesk } from "./asking.ts";
import type { Birth } from "./births.ts";
import { among, type Choice, MAKERS, type Maker, pick } from "./choices.ts";
import type { Turn } from "./compare.ts";
import { CONTENTS, DESK, DESK_PAGES, hasDesk } from "./desk.ts";
import { isOver } from "./tree.ts";
import { type Agent, get, type Name, NEVER, NOBODY, PAGE, type World } from "./world.ts";

/** No more agents are made than this, so that they meet each other. */
const AGENTS_MAX = 12;
const QUOTAS = [0, 2000, 300 << 10, 300 << 10];
const RIGHTS = [
  Rights.RIGHTS_ALL,
  Rights.RIGHTS_ALL,
  Rights.RIGHTS_ALL & ~Rights.RIGHT_KILL,
  Rights.RIGHTS_ALL & ~(Rights.RIGHT_SPAWN | Rights.RIGHT_MERGE),
  Rights.RIGHT_INFO | Rights.RIGHT_WAIT,
];
const MODES = ["begin", "confirm", "roll back"] as const;

const rightsOf = (number: number): number => among(RIGHTS, number) ?? 0;

/** Pages close to each other, and some behind the reach of one page table. */
const place = (number: number): number => CONTENTS + (number % 5) * PAGE + (number % 3) * 2 ** 21;

/** A range that the agent has, mostly, and a page or two of it. */
function within(agent: Agent, which: number, other: number): { start: number; pages: number } {
  const range = among(
    agent.memory.ranges.filter(({ start }) => start >= CONTENTS),
    which,
  );
  if (!range || which % 7 === 0) return { start: place(which), pages: 1 + (other % 3) };
  const first = other % range.pages.length;
  return { start: range.start + first * PAGE, pages: 1 + (other % (range.pages.length - first)) };
}

function birth(world: World, agent: Name, { which, other, amount }: Choice): Birth {
  const kinds = ["agent", "endpoint", "pool", "region", "kernel", "image"];
  const granted = Array.from({ length: other % 3 }, (_, n) => ({
    capability: pick(world, agent, among(kinds, amount + n) ?? "agent", which + 5 * n),
    rights: rightsOf(amount + n),
  }));
  return {
    grants: granted,
    selfRights: rightsOf(other),
    poolRights: which % 5 === 0 ? 0 : rightsOf(which),
    // A few are within reach of what agents here do; now and then it is more than the maker has.
    capabilities: among([0, 0, 0, 4, 6, 9, 1500], which + amount) ?? 0,
    messages: among([0, 0, 1, 2, 300], other + amount) ?? 0,
    argument: amount,
  };
}

/** A capability of the caller to an agent that fits; to any when it knows none, and now and then. */
function pickAgent(world: World, caller: Name, number: number, fits: (agent: Agent) => boolean): Name {
  const known = [...world.capabilities.values()].filter(({ holder, thing }) => {
    const agent = thing.kind === "agent" ? world.agents.get(thing.name) : undefined;
    return holder === caller && agent !== undefined && fits(agent);
  });
  return (number % 19 === 0 ? undefined : among(known, number)?.name) ?? pick(world, caller, "agent", number);
}

/** Another agent than the caller. */
const pickOther = (world: World, caller: Name, number: number): Name =>
  pickAgent(world, caller, number, (agent) => !isOver(agent) && agent.name !== caller);

/** One that stands still. */
const pickStill = (world: World, caller: Name, number: number): Name =>
  pickAgent(world, caller, number, ({ suspended }) => suspended);

/** One that stands still, or the caller. */
const pickOpen = (world: World, caller: Name, number: number): Name =>
  pickAgent(world, caller, number, (agent) => agent.suspended || agent.name === caller);

/** The caller's capability to itself. */
const pickSelf = (world: World, caller: Name, number: number): Name =>
  pickAgent(world, caller, number, ({ name }) => name === caller);

const BIRTHS: readonly Maker[] = [
  (world, agent, choice) => ({
    call: "AGENT_SPAWN",
    capability: pick(world, agent, "pool", choice.which),
    image: pick(world, agent, "image", choice.other),
    quota: among(QUOTAS, choice.amount) ?? 0,
    ...birth(world, agent, choice),
  }),
  (world, agent, choice) => ({
    call: "AGENT_CLONE",
    capability: pickOpen(world, agent, choice.other),
    pool: pick(world, agent, "pool", choice.which),
    ...birth(world, agent, choice),
  }),
  (world, agent, choice) => {
    const capability = pickOpen(world, agent, choice.other);
    const { thing } = world.capabilities.get(capability) ?? { thing: { name: agent } };
    const from = world.agents.get(thing.name) ?? get(world.agents, agent);
    const ranges = Array.from({ length: 1 + (choice.amount % 2) }, (_, n) =>
      within(from, choice.which + n, choice.amount + n),
    );
    const pool = pick(world, agent, "pool", choice.which);
    return { call: "AGENT_SPLIT", capability, pool, ranges, ...birth(world, agent, choice) };
  },
];

const LIVES: readonly Maker[] = [
  (world, agent, { which, other }) => ({
    call: "AGENT_MERGE",
    capability: pickStill(world, agent, which),
    survivor: pickOpen(world, agent, other),
  }),
  (world, agent, { which, other, amount }) => ({
    call: "AGENT_UPGRADE",
    capability: pickOpen(world, agent, which),
    mode: among(MODES, amount) ?? "begin",
    image: pick(world, agent, "image", other),
    argument: amount,
  }),
  (world, agent, { which }) => ({ call: "AGENT_SUSPEND", capability: pickOther(world, agent, which) }),
  (world, agent, { which, other }) => ({
    call: other % 9 === 0 ? "AGENT_SUSPEND" : "AGENT_RESUME",
    capability: other % 9 === 0 ? pickOther(world, agent, which) : pickStill(world, agent, which),
  }),
  (world, agent, { which, amount }) => ({
    call: "AGENT_SPECIALIZE",
    capability: pickOther(world, agent, which),
    rights: amount % 7 === 0 ? -1 >>> 0 : Rights.RIGHTS_ALL & ~(1 << (amount % 30)),
  }),
  (world, agent, { which }) => ({ call: "AGENT_INFO", capability: pick(world, agent, "agent", which) }),
  (world, agent, { which, amount }) => ({
    call: "AGENT_KILL",
    capability: amount % 8 === 0 ? pick(world, agent, "agent", which) : pickOther(world, agent, which),
    code: amount,
  }),
  (_world, _agent, { amount }) => ({ call: "FAULT", vector: amount % 32 }),
  (world, agent, { which, amount }) => ({
    call: "WAIT",
    capability: pickSelf(world, agent, which),
    list: which % 4 === 0 ? [pick(world, agent, "kernel", amount)] : [],
    deadline: amount % 3 === 0 ? NEVER : world.now + (amount % 40),
    mailbox: amount % 4 === 0,
    notices: which % 6 === 0 ? "look" : "take",
  }),
];

const MEMORY: readonly Maker[] = [
  (world, agent, { which, other, amount }) => ({
    call: "AGENT_MEM_ALLOC",
    capability: pick(world, agent, "pool", which),
    start: place(other),
    pages: 1 + (amount % 4),
  }),
  (world, agent, { which, other, amount }) => ({
    call: "AGENT_MEM_FREE",
    capability: pick(world, agent, "pool", which),
    ...within(get(world.agents, agent), other, amount),
  }),
  (world, agent, { which, other, amount }) => ({
    call: "REGION_SHARE",
    capability: pick(world, agent, "pool", which),
    ...within(get(world.agents, agent), other, amount),
  }),
  (world, agent, { which, other, amount }) => ({
    call: "REGION_MAP",
    capability: pick(world, agent, "region", which),
    start: place(other),
    writable: amount % 3 !== 0,
  }),
  (world, agent, { which, other }) => ({
    call: "REGION_UNMAP",
    capability: pick(world, agent, "region", which),
    start: within(get(world.agents, agent), other, 0).start,
  }),
  (world, agent, { which, other, amount }) => ({
    call: "STORE",
    start: within(get(world.agents, agent), which, other).start,
    value: amount + 1,
  }),
];

const OPERATIONS: readonly Maker[] = [
  (world, agent, { which, other, amount }) => ({
    call: "PQC_OPERATION",
    capability: pickSelf(world, agent, which),
    number: amount,
    length: among([0, 8, 64, 65, 5000, 65537], which) ?? 0,
    seed: amount,
    room: among([0, 8, 100, 65536, 65537], other) ?? 0,
  }),
  (world, agent, { which, amount }) => ({
    call: "PQC_TAKE",
    capability: pick(world, agent, "kernel", which),
    room: amount % 4 === 0 ? 8 : 65536,
  }),
  (world, agent, { which, other, amount }) => {
    const taken = [...world.operations.values()].filter(({ service }) => service === agent);
    const any = [...world.operations.keys(), NOBODY];
    const operation = other % 5 === 0 ? among(any, which) : among(taken, which)?.name;
    const room = world.operations.get(operation ?? NOBODY)?.room ?? 0;
    return {
      call: "PQC_COMPLETE",
      capability: pick(world, agent, "kernel", which),
      operation: operation ?? NOBODY,
      code: amount,
      length: amount % 6 === 0 ? Math.min(room + 1, 65536) : Math.min(room, amount),
    };
  },
];

/** Those who were there from the beginning are mostly spared, or soon there would be nobody. */
function spares(world: World, { agent, call }: Turn, { which, other }: Choice): boolean {
  if ((which + other) % 100 === 0) return false;
  const founder = (name: Name): boolean => world.agents.get(name)?.parent === NOBODY;
  if (call.call === "FAULT") return founder(agent);
  if (call.call === "WAIT" || call.call === "DONATE_TO") return founder(agent) && call.deadline === NEVER;
  if (call.call === "CAP_REVOKE") return founder(agent) && call.itself;
  if (!ENDS.has(call.call) || !("capability" in call)) return false;
  const named = world.capabilities.get(call.capability)?.thing;
  return named?.kind === "agent" && founder(named.name);
}

const ENDS: ReadonlySet<string> = new Set([
  "AGENT_KILL",
  "AGENT_MERGE",
  "AGENT_SUSPEND",
  "AGENT_SPECIALIZE",
]);

/** What a choice means now. The kernel gets to its own work every few turns, and time passes. */
export function lifeTurnOf(world: World, chosen: Choice): Turn {
  const next = anyTurnOf(world, chosen);
  return spares(world, next, chosen) ? { agent: NOBODY, call: { call: "SETTLE" } } : next;
}

function anyTurnOf(world: World, chosen: Choice): Turn {
  const awake = [...world.agents.values()].filter(
    ({ wait, suspended, phase }) => wait === null && !suspended && phase === "alive",
  );
  const agent = among(awake, chosen.agent);
  if (chosen.call % 5 === 0) return { agent: NOBODY, call: { call: "SETTLE" } };
  if (!agent || chosen.call % 11 === 0)
    return { agent: NOBODY, call: { call: "TICK", to: world.now + (chosen.amount % 40) } };
  const call = (among(makersFor(world, chosen), chosen.call) as Maker)(world, agent.name, chosen);
  if (!needsDesk(call) || hasDesk(agent)) return { agent: agent.name, call };
  const capability = pick(world, agent.name, "pool", chosen.which);
  return { agent: agent.name, call: { call: "AGENT_MEM_ALLOC", capability, start: DESK, pages: DESK_PAGES } };
}

function makersFor(world: World, { other, which }: Choice): readonly Maker[] {
  const births = world.agents.size < AGENTS_MAX ? BIRTHS : LIVES;
  const groups = [births, births, LIVES, LIVES, MEMORY, MEMORY, OPERATIONS, MAKERS, MAKERS];
  return among(groups, other + which) ?? MAKERS;
}
