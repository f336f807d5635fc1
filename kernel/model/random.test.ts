import fc from "fast-check";
import { expect, test } from "vitest";
import * as Rights from "../cap/rights.ts";
import { type Turn, turn } from "./compare.ts";
import type { Call } from "./step.ts";
import { Subject } from "./subject.ts";
import { type EndpointType, type Name, NEVER, NOBODY, type World } from "./world.ts";

/** Runs, and the longest; AIOS_MODEL_SEED repeats a run that failed. */
const RUNS = Number(process.env.AIOS_MODEL_RUNS ?? 12);
const CALLS_MAX = 1500;

/**
 * A turn before it is known what there is: numbers that choose among what there is when it is taken,
 * so that a shrunk sequence still makes sense.
 */
interface Choice {
  readonly agent: number;
  readonly call: number;
  readonly which: number;
  readonly other: number;
  readonly amount: number;
}

const choice: fc.Arbitrary<Choice> = fc.record({
  agent: fc.nat(1000),
  call: fc.nat(1000),
  which: fc.nat(1000),
  other: fc.nat(1000),
  amount: fc.nat(1000),
});

const TYPES: readonly EndpointType[] = ["queue", "pipe", "event", "mutex"];
const LENGTHS = [0, 1, 8, 64, 65, 4096, 5000, 65536, 65537];
const CAPACITIES = [1, 2, 3, 40, 5000, 0, 65537];

const among = <T>(list: readonly T[], number: number): T | undefined => list[number % list.length];

/** One of the agent's own capabilities for a thing of that kind; now and then any that ever was. */
function pick(world: World, agent: Name, kind: string, number: number): Name {
  if (number % 17 === 0) return (number * 7) % (world.capabilitiesNamed + 2);
  const own = [...world.capabilities.values()].filter(
    ({ holder, thing }) => holder === agent && thing.kind === kind,
  );
  return among(own, number)?.name ?? among([...world.capabilities.keys()], number) ?? NOBODY;
}

/** Of a type, when there is one. */
function pickEndpoint(world: World, agent: Name, type: EndpointType, number: number): Name {
  const own = [...world.capabilities.values()].filter(
    ({ holder, thing }) =>
      holder === agent &&
      thing.kind === "endpoint" &&
      world.endpoints.get(thing.name)?.type === type,
  );
  return among(own, number)?.name ?? pick(world, agent, "endpoint", number);
}

type Maker = (world: World, agent: Name, choice: Choice) => Call;

const soon = (world: World, amount: number): number =>
  amount % 5 === 0 ? NEVER : Math.max(0, world.now + (amount % 60) - 10);

const MAKERS: readonly Maker[] = [
  (world, agent, { which, other, amount }) => ({
    call: "CAP_DERIVE",
    capability: pick(
      world,
      agent,
      among(["agent", "endpoint", "pool", "timer", "scope"], which) ?? "agent",
      which,
    ),
    to: other % 3 === 0 ? NOBODY : pick(world, agent, "agent", other),
    rights: amount % 3 === 0 ? Rights.RIGHTS_ALL : Rights.RIGHTS_ALL & ~(1 << (amount % 30)),
    expiry: amount % 4 === 1 ? world.now + (amount % 50) : 0,
    scope: which % 5 === 4 ? "p".repeat(amount % 34) : "",
    mask: which % 5 === 4 ? amount : 0,
  }),
  (world, agent, { which, other }) => ({
    call: "CAP_REVOKE",
    capability: pick(
      world,
      agent,
      among(["agent", "endpoint", "timer", "scope"], other) ?? "agent",
      which,
    ),
    itself: other % 2 === 0,
  }),
  (world, agent, { which }) => ({
    call: "SHOW_TOKEN",
    capability: pick(world, agent, "endpoint", which),
  }),
  (world, agent, { which, other, amount }) => ({
    call: "JUDGE_TOKEN",
    capability: pick(world, agent, "agent", which),
    token: among([...world.shown], other) ?? NOBODY,
    rights: 1 << (amount % 30),
    shower: amount % 2 === 0 ? agent : NOBODY,
  }),
  (world, agent, { which, other, amount }) => ({
    call: "IPC_SEND",
    capability:
      which % 2 === 0
        ? pick(world, agent, "agent", other)
        : pickEndpoint(world, agent, "queue", other),
    length: among(LENGTHS, amount % (which % 8 === 0 ? 9 : 4)) ?? 0,
    seed: amount,
    along: which % 4 === 0 ? pick(world, agent, "endpoint", amount) : NOBODY,
  }),
  (world, agent, { which, other, amount }) => ({
    call: "IPC_RECV",
    capability:
      which % 2 === 0
        ? pick(world, agent, "agent", other)
        : pickEndpoint(world, agent, "queue", other),
    room: amount % 5 === 0 ? 4 : 65536,
  }),
  (world, agent, { which, other, amount }) => ({
    call: "ENDPOINT_CREATE",
    capability: pick(world, agent, "pool", which),
    type: among(TYPES, other) ?? "queue",
    capacity: among(CAPACITIES, amount) ?? 1,
  }),
  (world, agent, { which, other }) => ({
    call: "ENDPOINT_CLOSE",
    capability: pick(world, agent, other % 3 === 0 ? "timer" : "endpoint", which),
  }),
  (world, agent, { which, amount }) => ({
    call: "PIPE_WRITE",
    capability: pickEndpoint(world, agent, "pipe", which),
    length: among(LENGTHS, amount) ?? 0,
    seed: amount,
  }),
  (world, agent, { which, amount }) => ({
    call: "PIPE_READ",
    capability: pickEndpoint(world, agent, "pipe", which),
    length: among(LENGTHS, amount) ?? 0,
  }),
  (world, agent, { which, other, amount }) => ({
    call: "EVENT_SIGNAL",
    capability: pickEndpoint(world, agent, other % 2 === 0 ? "event" : "mutex", which),
    count: other % 2 === 0 ? amount % 4 : 0,
  }),
  (world, agent, { which, other, amount }) => ({
    call: "TIMER_SET",
    capability: pick(world, agent, "agent", which),
    timer: other % 3 === 0 ? NOBODY : pick(world, agent, "timer", other),
    expiry: soon(world, amount),
    period: amount % 3 === 0 ? 7 : 0,
  }),
  (world, agent, { which, other, amount }) => ({
    call: "WAIT",
    capability: pick(world, agent, "agent", which),
    list: Array.from({ length: other % 4 }, (_, n) =>
      pick(world, agent, n === 1 ? "timer" : "endpoint", other + 13 * n),
    ),
    deadline: soon(world, amount),
    mailbox: amount % 2 === 0,
  }),
  (world, agent, { which, amount }) => ({
    call: "DONATE_TO",
    capability: pick(world, agent, "agent", which),
    deadline: soon(world, amount),
  }),
];

/** What a choice means now. Time passes now and then, and when everybody waits. */
function turnOf(world: World, chosen: Choice): Turn {
  const awake = [...world.agents.values()].filter(({ wait }) => wait === null);
  const agent = among(awake, chosen.agent)?.name;
  if (agent === undefined || chosen.call % 12 === 0)
    return { agent: NOBODY, call: { call: "TICK", to: world.now + (chosen.amount % 40) } };
  const make = among(MAKERS, chosen.call) as Maker;
  return { agent, call: make(world, agent, chosen) };
}

/** Agents that know each other and hold some of all there is; the last one is poor. */
async function village(): Promise<{ subject: Subject; world: World }> {
  const { subject, world } = await Subject.create([1 << 20, 1 << 20, 1 << 18, 6000]);
  const selves = [...world.capabilities.values()].filter(({ thing }) => thing.kind === "agent");
  for (const agent of world.agents.keys())
    for (const { name, holder } of selves) if (holder !== agent) subject.share(world, agent, name);
  return { subject, world };
}

test("any sequence of calls: the kernel answers as the specification says, and looks like it", async () => {
  const seed = Number(process.env.AIOS_MODEL_SEED ?? 20261121);
  let calls = 0;
  const answered = new Map<string, Set<string>>();
  const property = fc.asyncProperty(
    fc.array(choice, { minLength: 1, maxLength: CALLS_MAX, size: "max" }),
    async (choices) => {
      const { subject, world } = await village();
      for (const [n, chosen] of choices.entries()) {
        const next = turnOf(world, chosen);
        try {
          const { status } = turn(world, subject, next);
          const statuses = answered.get(next.call.call) ?? new Set();
          answered.set(next.call.call, statuses.add(status));
        } catch (cause) {
          throw new Error(
            `call ${n + 1}, agent ${next.agent} ${JSON.stringify(next.call)}: ${cause}`,
            { cause },
          );
        }
        calls += 1;
      }
    },
  );
  // Shrinking makes many runs; after this long the shortest so far is shown.
  const result = await fc.check(property, { seed, numRuns: RUNS, interruptAfterTimeLimit: 30_000 });
  const shortest = result.counterexample?.[0].length ?? 0;
  const replay = `AIOS_MODEL_SEED=${seed} AIOS_MODEL_RUNS=${RUNS} npx vitest run kernel/model/random.test.ts`;
  expect(result.failed, `${result.errorInstance} (of ${shortest} calls)\nreplay: ${replay}`).toBe(
    false,
  );
  expect(calls).toBeGreaterThan(3000);
  // Every call was carried out at least once, and refused at least once.
  for (const [call, statuses] of answered) {
    expect(statuses, call).toContain("OK");
    if (call !== "TICK") expect(statuses.size, call).toBeGreaterThan(1);
  }
});
