import { expect, test } from "vitest";
import * as Rights from "../cap/rights.ts";
import { type Turn, turn } from "./compare.ts";
import { type Menu, type Walked, walk } from "./exhaustive.ts";
import { Subject } from "./subject.ts";
import { type EndpointType, type Name, NEVER, NOBODY, type World } from "./world.ts";

const QUOTA = 1 << 20;
/** Levels of the walk; more of them take longer, and need no other change. */
const DEPTH = Number(process.env.AIOS_MODEL_DEPTH ?? 2);

/** Agents that can make calls now. */
const awake = (world: World): Name[] =>
  [...world.agents.values()].filter(({ wait }) => wait === null).map(({ name }) => name);

const heldBy = (world: World, agent: Name): Name[] =>
  [...world.capabilities.values()].filter(({ holder }) => holder === agent).map(({ name }) => name);

/** The capability of an agent to itself; the first that it was given. */
const selfOf = (world: World, agent: Name): Name => heldBy(world, agent)[0] ?? NOBODY;

test("capabilities: every sequence of deriving, revoking, showing and judging", async () => {
  const { subject, world } = await Subject.create([QUOTA, QUOTA]);
  const [one, two] = [...world.agents.keys()] as [Name, Name];
  const peer = subject.share(world, one, selfOf(world, two));
  const narrow = Rights.RIGHT_DERIVE | Rights.RIGHT_SEND | Rights.RIGHT_INFO;
  const menu: Menu = (now) => {
    const turns: Turn[] = [];
    for (const agent of [one, two]) {
      const add = (call: Turn["call"]) => turns.push({ agent, call });
      const newest = now.capabilitiesNamed;
      // Its own, and one that may be another's, or nobody's any more.
      for (const capability of new Set([...heldBy(now, agent), newest])) {
        const derive = { call: "CAP_DERIVE", capability, expiry: 0, scope: "", mask: 0 } as const;
        const to = agent === one ? peer : NOBODY;
        add({ ...derive, rights: capability % 2 === 0 ? narrow : Rights.RIGHTS_ALL, to });
        add({ call: "CAP_REVOKE", capability, itself: false });
        add({ call: "CAP_REVOKE", capability, itself: true });
      }
      add({ call: "SHOW_TOKEN", capability: newest });
      add({
        call: "JUDGE_TOKEN",
        capability: selfOf(now, agent),
        token: newest,
        rights: narrow,
        shower: one,
      });
    }
    return turns;
  };
  expectWalk(walk(world, subject, menu, DEPTH + 1));
});

function expectWalk({ sequences, refused }: Walked): void {
  expect(sequences).toBeGreaterThan(2000);
  expect(refused).toBeGreaterThan(200);
}

/** Two or three agents that hold a capability to one endpoint of the first one's, and to each other. */
async function around(type: EndpointType, capacity: number, agents: number) {
  const { subject, world } = await Subject.create(Array.from({ length: agents }, () => QUOTA));
  const names = [...world.agents.keys()];
  const [first = NOBODY] = names;
  const pool = heldBy(world, first)[1] ?? NOBODY;
  turn(world, subject, {
    agent: first,
    call: { call: "ENDPOINT_CREATE", capability: pool, type, capacity },
  });
  const endpoint = world.capabilitiesNamed;
  const handles = new Map(
    names.map((name) => [name, name === first ? endpoint : subject.share(world, name, endpoint)]),
  );
  return { subject, world, handles };
}

const waitFor = (world: World, agent: Name, list: readonly Name[], deadline = NEVER): Turn => ({
  agent,
  call: {
    call: "WAIT",
    capability: selfOf(world, agent),
    list,
    deadline,
    mailbox: list.length === 0,
  },
});

test.each([
  ["queue", 2],
  ["pipe", 80],
  ["event", 2],
] as const)(
  "%s: every sequence of putting, taking, waiting and closing, by three agents",
  async (type, capacity) => {
    const { subject, world, handles } = await around(type, capacity, 3);
    const menu: Menu = (now) =>
      awake(now).flatMap((agent) => {
        const capability = handles.get(agent) ?? NOBODY;
        const turns = [
          waitFor(now, agent, [capability]),
          waitFor(now, agent, [capability], now.now),
        ];
        const add = (call: Turn["call"]) => turns.push({ agent, call });
        if (type === "queue") {
          add({ call: "IPC_SEND", capability, length: 8, seed: agent, along: NOBODY });
          add({ call: "IPC_RECV", capability, room: agent === 2 ? 4 : 8 });
        } else if (type === "pipe") {
          add({ call: "PIPE_WRITE", capability, length: 50, seed: agent });
          add({ call: "PIPE_READ", capability, length: agent === 2 ? 0 : 30 });
        } else {
          if (agent === 2) turns.push(waitFor(now, agent, [capability, capability]));
          add({ call: "EVENT_SIGNAL", capability, count: 1 });
          add({ call: "EVENT_SIGNAL", capability, count: 2 });
        }
        if (agent === 2) add({ call: "ENDPOINT_CLOSE", capability });
        return turns;
      });
    expectWalk(walk(world, subject, menu, DEPTH + 2));
  },
);

test("two mutexes: every sequence of taking, releasing, closing, and asking each other for help", async () => {
  const { subject, world, handles } = await around("mutex", 1, 3);
  const [first = NOBODY, second = NOBODY] = handles.keys();
  const pool = heldBy(world, second)[1] ?? NOBODY;
  turn(world, subject, {
    agent: second,
    call: { call: "ENDPOINT_CREATE", capability: pool, type: "mutex", capacity: 1 },
  });
  const other = world.capabilitiesNamed;
  const others = new Map(
    [...handles.keys()].map((name) => [
      name,
      name === second ? other : subject.share(world, name, other),
    ]),
  );
  const friends = new Map(
    [...handles.keys()].map((name) => [
      name,
      subject.share(world, name, selfOf(world, name === first ? second : first)),
    ]),
  );
  const menu: Menu = (now) =>
    awake(now).flatMap((agent) => {
      const mine = handles.get(agent) ?? NOBODY;
      const theirs = others.get(agent) ?? NOBODY;
      const friend = friends.get(agent) ?? NOBODY;
      const calls: Turn["call"][] = [
        { call: "EVENT_SIGNAL", capability: mine, count: 0 },
        { call: "DONATE_TO", capability: friend, deadline: NEVER },
        { call: "IPC_SEND", capability: friend, length: 0, seed: 0, along: NOBODY },
        agent === first
          ? { call: "ENDPOINT_CLOSE", capability: mine }
          : { call: "EVENT_SIGNAL", capability: theirs, count: 1 },
      ];
      const waits = [waitFor(now, agent, [mine]), waitFor(now, agent, [theirs, mine])];
      return [...waits, ...calls.map((call) => ({ agent, call }))];
    });
  expectWalk(walk(world, subject, menu, DEPTH + 1));
});

test("timers: every sequence of setting them, of waits and of time", async () => {
  const { subject, world } = await Subject.create([QUOTA, QUOTA]);
  const [one, two] = [...world.agents.keys()] as [Name, Name];
  const set = {
    call: "TIMER_SET",
    capability: selfOf(world, one),
    timer: NOBODY,
    expiry: NEVER,
    period: 0,
  } as const;
  turn(world, subject, { agent: one, call: set });
  const timer = world.capabilitiesNamed;
  const shared = subject.share(world, two, timer);
  const menu: Menu = (now) => {
    const turns = awake(now).flatMap((agent): Turn[] => {
      const capability = selfOf(now, agent);
      const own = agent === one ? timer : shared;
      const at = now.now + 10;
      return [
        { agent, call: { call: "TIMER_SET", capability, timer: own, expiry: at, period: 0 } },
        { agent, call: { call: "TIMER_SET", capability, timer: own, expiry: at, period: 7 } },
        waitFor(now, agent, [own]),
        waitFor(now, agent, [own], now.now + 9),
        ...(agent === two
          ? [{ agent, call: { call: "ENDPOINT_CLOSE", capability: own } } as const]
          : []),
      ];
    });
    return [
      ...turns,
      ...[9, 10, 31].map(
        (ns): Turn => ({ agent: NOBODY, call: { call: "TICK", to: now.now + ns } }),
      ),
    ];
  };
  expectWalk(walk(world, subject, menu, DEPTH + 2));
});
