/** Turns that are drawn at random: of agents that communicate. */
import fc from "fast-check";
import * as Rights from "../cap/rights.ts";
import type { Call } from "./step.ts";
import { type EndpointType, type Name, NEVER, NOBODY, type World } from "./world.ts";

/**
 * A turn before it is known what there is: numbers that choose among what there is when it is taken,
 * so that a shrunk sequence still makes sense.
 */
export interface Choice {
  readonly agent: number;
  readonly call: number;
  readonly which: number;
  readonly other: number;
  readonly amount: number;
}

export const choice: fc.Arbitrary<Choice> = fc.record({
  agent: fc.nat(1000),
  call: fc.nat(1000),
  which: fc.nat(1000),
  other: fc.nat(1000),
  amount: fc.nat(1000),
});

const TYPES: readonly EndpointType[] = ["queue", "pipe", "event", "mutex"];
const LENGTHS = [0, 1, 8, 64, 65, 4096, 5000, 65536, 65537];
const CAPACITIES = [1, 2, 3, 40, 5000, 0, 65537];

export const among = <T>(list: readonly T[], number: number): T | undefined => list[number % list.length];

/** One of the agent's own capabilities, for a thing of that kind if it can be; now and then any that ever was. */
export function pick(world: World, agent: Name, kind: string, number: number): Name {
  if (number % 17 === 0) return (number * 7) % (world.capabilitiesNamed + 2);
  const own = [...world.capabilities.values()].filter(({ holder }) => holder === agent);
  const fitting = own.filter(({ thing }) => thing.kind === kind);
  return (among(fitting, number) ?? among(own, number))?.name ?? NOBODY;
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

export type Maker = (world: World, agent: Name, choice: Choice) => Call;

const soon = (world: World, amount: number): number =>
  amount % 5 === 0 ? NEVER : Math.max(0, world.now + (amount % 60) - 10);

export const MAKERS: readonly Maker[] = [
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
