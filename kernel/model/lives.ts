/**
 * Small worlds in which agents live: what can be done in each of them, for all sequences of calls up
 * to a length (exhaustive.ts). lives.test.ts walks them, lives.soak.ts one level deeper.
 */
import * as Rights from "../cap/rights.ts";
import { needsDesk } from "./asking.ts";
import { type Turn, turn } from "./compare.ts";
import { CONTENTS, hasDesk } from "./desk.ts";
import type { Menu } from "./exhaustive.ts";
import type { Call } from "./step.ts";
import { Subject } from "./subject.ts";
import { type Name, NEVER, NOBODY, PAGE, type World } from "./world.ts";

export interface SmallWorld {
  readonly subject: Subject;
  readonly world: World;
  readonly menu: Menu;
}

const QUOTA = 1 << 20;
const SETTLE: Turn = { agent: NOBODY, call: { call: "SETTLE" } };
const RIGHTS = { selfRights: Rights.RIGHTS_ALL, poolRights: Rights.RIGHTS_ALL } as const;
const BIRTH = { ...RIGHTS, capabilities: 0, messages: 0, argument: 7 } as const;

/** What an agent has of a kind, the newest last. */
const heldBy = (world: World, agent: Name, kind: string): Name[] =>
  [...world.capabilities.values()]
    .filter(({ holder, thing }) => holder === agent && thing.kind === kind)
    .map(({ name }) => name);

const selfOf = (world: World, agent: Name): Name =>
  [...world.capabilities.values()].find(
    ({ holder, thing }) => holder === agent && thing.kind === "agent" && thing.name === agent,
  )?.name ?? NOBODY;

/** Agents that can make calls now. */
const awake = (world: World): Name[] =>
  [...world.agents.values()]
    .filter(({ wait, suspended, phase }) => !wait && !suspended && phase === "alive")
    .map(({ name }) => name);

/** Those of the calls that `agent` can make: without a desk, few. */
function turnsOf(world: World, agent: Name, calls: readonly Call[]): Turn[] {
  const desk = world.agents.get(agent);
  const possible = calls.filter((call) => !needsDesk(call) || (desk && hasDesk(desk)));
  return possible.map((call) => ({ agent, call }));
}

const waitForNotice = (world: World, agent: Name, deadline: number): Call => ({
  call: "WAIT",
  capability: selfOf(world, agent),
  list: [],
  deadline,
  mailbox: false,
  notices: "take",
});

/** A maker and its child, which has a child; more are spawned, and all of them can end. */
export async function families(): Promise<SmallWorld> {
  const { subject, world } = await Subject.create([QUOTA]);
  const [maker = NOBODY] = world.agents.keys();
  const image = subject.shareImage(world, maker);
  const grants = [{ capability: image, rights: Rights.RIGHTS_ALL }];
  const [pool = NOBODY] = heldBy(world, maker, "pool");
  const spawn = { call: "AGENT_SPAWN", capability: pool, image, quota: 0, grants, ...BIRTH } as const;
  turn(world, subject, { agent: maker, call: { ...spawn, quota: 200 << 10 } });
  turn(world, subject, SETTLE);
  const menu: Menu = (now) => {
    const turns = awake(now).flatMap((agent) => {
      const calls: Call[] = [waitForNotice(now, agent, agent === maker ? NEVER : now.now)];
      const others = heldBy(now, agent, "agent");
      const [purse = NOBODY] = heldBy(now, agent, "pool");
      const newest = others.at(-1) ?? NOBODY;
      if (agent === maker) calls.push(spawn, { ...spawn, quota: 2000, grants: [] });
      else calls.push({ call: "FAULT", vector: 6 }, { call: "CAP_REVOKE", capability: purse, itself: true });
      for (const capability of new Set([others[0] ?? NOBODY, newest]))
        calls.push({ call: "AGENT_KILL", capability, code: 3 }, { call: "AGENT_SUSPEND", capability });
      calls.push({ call: "AGENT_RESUME", capability: newest }, { call: "AGENT_INFO", capability: newest });
      const rights = Rights.RIGHTS_ALL & ~Rights.RIGHT_KILL;
      calls.push({ call: "AGENT_SPECIALIZE", capability: newest, rights });
      return turnsOf(now, agent, calls);
    });
    return [...turns, SETTLE];
  };
  return { subject, world, menu };
}

/** Two agents that know each other, one with memory that it shares a part of: cloned, split, merged. */
export async function estates(): Promise<SmallWorld> {
  const { subject, world } = await Subject.create([QUOTA, QUOTA]);
  const [one = NOBODY, two = NOBODY] = world.agents.keys();
  const friend = subject.share(world, one, selfOf(world, two));
  subject.share(world, two, selfOf(world, one));
  const [pool = NOBODY] = heldBy(world, one, "pool");
  const take = (agent: Name, call: Call) => turn(world, subject, { agent, call });
  take(one, { call: "AGENT_MEM_ALLOC", capability: pool, start: CONTENTS, pages: 3 });
  take(one, { call: "STORE", start: CONTENTS, value: 5 });
  take(one, { call: "REGION_SHARE", capability: pool, start: CONTENTS + 2 * PAGE, pages: 1 });
  take(one, { call: "IPC_SEND", capability: friend, length: 8, seed: 1, along: pool });
  const menu: Menu = (now) => {
    const turns = awake(now).flatMap((agent) => {
      const [mine = NOBODY] = heldBy(now, agent, "pool");
      const [first = NOBODY, second = NOBODY] = heldBy(now, agent, "agent");
      const own = { pool: mine, grants: [], ...BIRTH };
      const calls: Call[] = [
        { call: "STORE", start: CONTENTS, value: agent + 10 },
        { call: "STORE", start: CONTENTS + 2 * PAGE, value: agent + 20 },
        { call: "AGENT_CLONE", capability: first, ...own },
        { call: "AGENT_CLONE", capability: second, ...own, poolRights: 0 },
        { call: "AGENT_SPLIT", capability: first, ranges: [{ start: CONTENTS + PAGE, pages: 2 }], ...own },
        { call: "AGENT_SUSPEND", capability: second },
        { call: "AGENT_MERGE", capability: second, survivor: first },
        { call: "AGENT_MERGE", capability: first, survivor: second },
        { call: "AGENT_KILL", capability: second, code: 1 },
        { call: "IPC_RECV", capability: first, room: 64 },
      ];
      const [region] = heldBy(now, agent, "region");
      if (region) calls.push({ call: "REGION_MAP", capability: region, start: CONTENTS + 4 * PAGE, writable: true });
      return turnsOf(now, agent, calls);
    });
    return [...turns, SETTLE];
  };
  return { subject, world, menu };
}

/** An agent with memory, and one that upgrades it, confirms and goes back. */
export async function upgrades(): Promise<SmallWorld> {
  const { subject, world } = await Subject.create([QUOTA, 450 << 10]);
  const [owner = NOBODY, agent = NOBODY] = world.agents.keys();
  const handle = subject.share(world, owner, selfOf(world, agent));
  const [pool = NOBODY] = heldBy(world, agent, "pool");
  const images = new Map([owner, agent].map((name) => [name, subject.shareImage(world, name, true)]));
  const take = (call: Call) => turn(world, subject, { agent, call });
  take({ call: "AGENT_MEM_ALLOC", capability: pool, start: CONTENTS, pages: 2 });
  take({ call: "STORE", start: CONTENTS, value: 5 });
  const menu: Menu = (now) => {
    const turns = awake(now).flatMap((name) => {
      const capability = name === owner ? handle : selfOf(now, agent);
      const image = images.get(name) ?? NOBODY;
      const modes = (["begin", "confirm", "roll back"] as const).map(
        (mode): Call => ({ call: "AGENT_UPGRADE", capability, mode, image, argument: 9 }),
      );
      const calls: Call[] = [...modes];
      if (name === owner)
        calls.push({ call: "AGENT_SUSPEND", capability }, { call: "AGENT_RESUME", capability });
      else
        calls.push(
          { call: "STORE", start: CONTENTS, value: 8 },
          { call: "FAULT", vector: 13 },
          { call: "REGION_SHARE", capability: pool, start: CONTENTS + PAGE, pages: 1 },
          { call: "AGENT_MEM_ALLOC", capability: pool, start: CONTENTS + 2 ** 21, pages: 1 },
          { call: "AGENT_MEM_FREE", capability: pool, start: CONTENTS, pages: 1 },
          waitForNotice(now, name, NEVER),
        );
      if (name === owner) calls.push({ call: "AGENT_KILL", capability, code: 0 });
      return turnsOf(now, name, calls);
    });
    return [...turns, SETTLE];
  };
  return { subject, world, menu };
}

/** Two agents that ask for operations and do them, and can be stopped in the middle. */
export async function services(): Promise<SmallWorld> {
  const { subject, world } = await Subject.create([QUOTA, QUOTA]);
  const [one = NOBODY, two = NOBODY] = world.agents.keys();
  const kernels = new Map([one, two].map((name) => [name, subject.shareKernel(world, name)]));
  const others = new Map([
    [one, subject.share(world, one, selfOf(world, two))],
    [two, subject.share(world, two, selfOf(world, one))],
  ]);
  const menu: Menu = (now) => {
    const turns = awake(now).flatMap((agent) => {
      const kernel = kernels.get(agent) ?? NOBODY;
      const other = others.get(agent) ?? NOBODY;
      const [oldest = NOBODY] = now.operations.keys();
      const self = selfOf(now, agent);
      const complete = { call: "PQC_COMPLETE", capability: kernel, operation: oldest, code: 4 } as const;
      return turnsOf(now, agent, [
        { call: "PQC_OPERATION", capability: self, number: 2, length: 65, seed: 1, room: agent === one ? 70 : 0 },
        { call: "PQC_TAKE", capability: kernel, room: agent === one ? 64 : 65 },
        { call: "PQC_TAKE", capability: kernel, room: 100 },
        { ...complete, length: 0 },
        { ...complete, length: 70 },
        waitForNotice(now, agent, NEVER),
        { call: "WAIT", capability: self, list: [kernel], deadline: NEVER, mailbox: false },
        { call: "AGENT_SUSPEND", capability: other },
        { call: "AGENT_RESUME", capability: other },
        { call: "AGENT_KILL", capability: agent === one ? other : self, code: 0 },
      ]);
    });
    return [...turns, SETTLE];
  };
  return { subject, world, menu };
}

/** An agent that waits in each of the ways that there are, and is suspended and resumed there. */
export async function sleepers(): Promise<SmallWorld> {
  const { subject, world } = await Subject.create([QUOTA, QUOTA, QUOTA]);
  const [keeper = NOBODY, sleeper = NOBODY, friend = NOBODY] = world.agents.keys();
  const [pool = NOBODY] = heldBy(world, keeper, "pool");
  const make = (type: "queue" | "mutex"): Name => {
    turn(world, subject, {
      agent: keeper,
      call: { call: "ENDPOINT_CREATE", capability: pool, type, capacity: 1 },
    });
    return world.capabilitiesNamed;
  };
  const [queue, mutex] = [make("queue"), make("mutex")];
  const shared = (to: Name, of: Name): Name => subject.share(world, to, of);
  const [asleep, other] = [shared(keeper, selfOf(world, sleeper)), shared(keeper, selfOf(world, friend))];
  const known = new Map([sleeper, friend].map((name) => [name, [shared(name, queue), shared(name, mutex)]]));
  const ask = shared(sleeper, selfOf(world, friend));
  const answer = shared(friend, selfOf(world, sleeper));
  const menu: Menu = (now) => {
    const turns = awake(now).flatMap((agent) => {
      const list = known.get(agent) ?? [];
      const wait = { call: "WAIT", capability: selfOf(now, agent), list, deadline: NEVER, mailbox: false } as const;
      if (agent === keeper)
        return turnsOf(now, agent, [
          ...[asleep, other].flatMap((capability): Call[] => [
            { call: "AGENT_SUSPEND", capability },
            { call: "AGENT_RESUME", capability },
          ]),
          { call: "AGENT_KILL", capability: other, code: 0 },
          { call: "IPC_SEND", capability: queue, length: 1, seed: 1, along: NOBODY },
          { call: "ENDPOINT_CLOSE", capability: mutex },
        ]);
      const [, held = NOBODY] = list;
      const more: Call[] =
        agent === sleeper
          ? [
              { ...wait, deadline: now.now + 9 },
              { call: "DONATE_TO", capability: ask, deadline: NEVER },
            ]
          : [{ call: "IPC_SEND", capability: answer, length: 1, seed: 2, along: NOBODY }];
      return turnsOf(now, agent, [{ ...wait, list: [held] }, wait, ...more]);
    });
    return [...turns, SETTLE, { agent: NOBODY, call: { call: "TICK", to: now.now + 10 } }];
  };
  return { subject, world, menu };
}

export const WORLDS = [
  ["births and ends of a family", families],
  ["memory that is cloned, split, merged and shared", estates],
  ["upgrades, confirmed, rolled back and failed", upgrades],
  ["operations that are asked for, taken, completed and abandoned", services],
  ["waits that are suspended and resumed", sleepers],
] as const;
