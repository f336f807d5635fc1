/**
 * Waiting, the only call that keeps an agent. It is for any of several things, a message and a
 * deadline, and level-triggered: what is there already is not waited for. Of what comes, exactly one
 * agent is woken for each, the one that has waited longest.
 */
import * as Rights from "../cap/rights.ts";
import { authorized, authorizedSelf } from "./authority.ts";
import { DONATION_DEPTH_MAX, WAIT_MAX } from "./limits.ts";
import { takeNotice } from "./notices.ts";
import { pay } from "./pools.ts";
import { isOver } from "./tree.ts";
import {
  type Agent,
  type Answer,
  type Endpoint,
  get,
  KERNEL,
  type Name,
  NEVER,
  NOBODY,
  type Notices,
  type Operation,
  Refused,
  refuse,
  type Thing,
  type Timer,
  type World,
} from "./world.ts";

/** Values of Wait beside the index of a thing in its list. */
const MAILBOX = 16;
export const READY_NOTICE = 17;
/** What is in the high half of the value: unseen expiries, or that a mutex was abandoned. */
const HIGH = 2 ** 32;
const UNSEEN_MAX = 2 ** 20 - 1;

const isFor = (thing: Thing, { kind, name }: Thing): boolean => thing.kind === kind && thing.name === name;

/** Operations that nobody has taken yet, the oldest first. */
export const pending = (world: World): Operation[] =>
  [...world.operations.values()].filter(({ state }) => state === "pending");

/** Who waits for a thing, the longest first. One that is suspended stands in no queue. */
export function waiters(world: World, thing: Thing): Agent[] {
  const all = waiting(world).filter(({ wait }) => wait?.things.some((one) => isFor(one, thing)));
  return all.sort((one, other) => (one.wait?.since ?? 0) - (other.wait?.since ?? 0));
}

const waiting = (world: World): Agent[] =>
  [...world.agents.values()].filter(({ wait, suspended }) => wait !== null && !suspended);

export function endWait(agent: Agent, result: Answer): void {
  agent.wait = null;
  agent.result = result;
}

/** The one that has waited longest for a thing gets its index there, and `high`. */
export function wakeFirst(world: World, thing: Thing, high = 0): Agent | undefined {
  const [first] = waiters(world, thing);
  if (!first?.wait) return undefined;
  const index = first.wait.things.findIndex((one) => isFor(one, thing));
  endWait(first, { status: "OK", value: index + high * HIGH });
  return first;
}

/** Something is in a queue or a pipe, or there is an operation to be done: one agent is sent there. */
export function wakeForContent(world: World, thing: Thing): void {
  const woken = wakeFirst(world, thing);
  if (woken) woken.errand = thing.name;
}

export const amountIn = (endpoint: Endpoint): number =>
  endpoint.messages.length + endpoint.bytes.length + endpoint.count + (endpoint.holder === NOBODY ? 0 : 1);

/** The agent does something else than what it was woken for: the next one is sent instead. */
export function passErrand(world: World, agent: Agent): void {
  const name = agent.errand;
  agent.errand = NOBODY;
  const endpoint = world.endpoints.get(name);
  if (endpoint && amountIn(endpoint) > 0) wakeForContent(world, { kind: "endpoint", name });
  if (name === KERNEL && pending(world).length > 0) wakeForContent(world, { kind: "kernel", name });
}

/** Everyone who waits for a thing is told that it is gone. */
export function abandon(world: World, thing: Thing): void {
  for (const agent of waiters(world, thing)) {
    const { things = [], reply } = agent.wait ?? {};
    const index = reply === NOBODY ? things.findIndex((one) => isFor(one, thing)) : MAILBOX;
    endWait(agent, { status: "ABANDONED", value: index });
  }
}

/** A message has come from `sender`. */
export function wakeForMessage(agent: Agent, sender: Name): void {
  const { wait, suspended } = agent;
  if (suspended || !wait?.mailbox || (wait.reply !== NOBODY && wait.reply !== sender)) return;
  endWait(agent, { status: "OK", value: MAILBOX });
}

/** All expiries up to now as one; how many besides the first. */
function takeExpiries(world: World, timer: Timer): number {
  if (timer.period === 0) {
    timer.expiry = NEVER;
    return 0;
  }
  const unseen = Math.floor((world.now - timer.expiry) / timer.period);
  timer.expiry += (unseen + 1) * timer.period;
  return Math.min(unseen, UNSEEN_MAX);
}

/** The agent takes what is there of a thing; what is to be told about it, or null for nothing there. */
function take(world: World, agent: Agent, thing: Thing): number | null {
  if (thing.kind === "timer") {
    const timer = get(world.timers, thing.name);
    return timer.expiry <= world.now ? takeExpiries(world, timer) : null;
  }
  if (thing.kind === "kernel") return pending(world).length > 0 ? 0 : null;
  const endpoint = get(world.endpoints, thing.name);
  if (endpoint.type === "mutex") return endpoint.holder === NOBODY ? hold(world, endpoint, agent) : null;
  if (amountIn(endpoint) === 0) return null;
  if (endpoint.type === "event") endpoint.count -= 1;
  return 0;
}

/** The agent holds the mutex; 1 when its last holder ended without releasing it. */
export function hold(world: World, mutex: Endpoint, agent: Agent): number {
  const abandoned = mutex.abandoned ? 1 : 0;
  mutex.heldSince = ++world.waitsBegun;
  mutex.holder = agent.name;
  mutex.abandoned = false;
  return abandoned;
}

interface Want {
  readonly things: readonly Thing[];
  readonly deadline: number;
  readonly mailbox: boolean;
  readonly notices: Notices;
  readonly reply: Name;
}

const ready = (value: number): Answer => ({ status: "OK", value });

/** The first thing of a list that is there, as Wait's answer. */
function takeFirst(world: World, agent: Agent, { things, mailbox, notices, reply }: Want): Answer | null {
  if (reply !== NOBODY) return agent.mailbox.some(({ sender }) => sender === reply) ? ready(MAILBOX) : null;
  for (const [index, thing] of things.entries()) {
    const high = take(world, agent, thing);
    if (high !== null) return ready(index + high * HIGH);
  }
  if (mailbox && agent.mailbox.length > 0) return ready(MAILBOX);
  return notices !== "none" && agent.notices.length > 0 ? takeNotice(world, agent, notices === "take") : null;
}

/** Who runs on the time of an agent that waits so: whose answer, or whose mutex, it waits for. */
function doneeOf(world: World, { reply, things }: Pick<Want, "reply" | "things">): Name {
  if (reply !== NOBODY) return reply;
  const mutex = things
    .map(({ kind, name }) => (kind === "endpoint" ? world.endpoints.get(name) : undefined))
    .find((endpoint) => endpoint?.type === "mutex");
  return mutex?.holder ?? NOBODY;
}

/** Donations on the longest chain that ends in an agent. */
function height(world: World, agent: Name): number {
  const donors = waiting(world).filter(({ wait }) => wait && doneeOf(world, wait) === agent);
  return donors.reduce((highest, donor) => Math.max(highest, height(world, donor.name) + 1), 0);
}

/** Refuses a donation that would close a ring or make a chain too long. */
function checkDonation(world: World, from: Agent, to: Name): void {
  let depth = height(world, from.name) + 1;
  for (let at = to; at !== NOBODY; depth += 1) {
    if (at === from.name) refuse("CYCLE");
    if (depth > DONATION_DEPTH_MAX) refuse("TOO_DEEP");
    const { wait, suspended } = get(world.agents, at);
    at = wait && !suspended ? doneeOf(world, wait) : NOBODY;
  }
}

/** Takes what is there, or waits for it. */
function waitFor(world: World, agent: Agent, want: Want): Answer {
  const found = takeFirst(world, agent, want);
  if (found || want.deadline <= world.now) {
    passErrand(world, agent);
    return found ?? { status: "TIMED_OUT" };
  }
  checkWait(world, agent, want);
  if (want.things.length > 1 && !agent.roomToWait) {
    pay(world, agent.pool, world.costs.waits);
    agent.roomToWait = true;
  }
  passErrand(world, agent);
  enter(world, agent, want);
  return { status: "OK", waits: true };
}

function checkWait(world: World, agent: Agent, want: Want): void {
  const donee = doneeOf(world, want);
  if (donee !== NOBODY) checkDonation(world, agent, donee);
}

function enter(world: World, agent: Agent, want: Want): void {
  agent.wait = { ...want, since: ++world.waitsBegun, until: NEVER };
  look(world, agent);
}

const isThere = (world: World, { kind, name }: Thing): boolean => {
  if (kind === "endpoint") return world.endpoints.has(name);
  if (kind === "timer") return world.timers.has(name);
  const agent = world.agents.get(name);
  return kind === "kernel" || (agent !== undefined && !isOver(agent));
};

/**
 * An agent that was suspended in a wait is resumed: it is told of what has come meanwhile, and of what
 * has gone; else it waits on, at the end of the queues.
 */
export function waitAgain(world: World, agent: Agent): void {
  const { wait } = agent;
  if (!wait) return;
  agent.wait = null;
  const gone = wait.things.findIndex((thing) => !isThere(world, thing));
  if (gone >= 0) return endWait(agent, { status: "ABANDONED", value: wait.reply === NOBODY ? gone : MAILBOX });
  const found = takeFirst(world, agent, wait);
  if (found) return endWait(agent, found);
  if (wait.deadline <= world.now) return endWait(agent, { status: "TIMED_OUT", value: 0 });
  try {
    checkWait(world, agent, wait);
    enter(world, agent, wait);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    endWait(agent, { status: refused.status, value: 0 });
  }
}

/** Notes when there is something to see for a waiting agent: its deadline, or a timer's expiry. */
function look(world: World, agent: Agent): void {
  const { wait } = agent;
  if (!wait) return;
  const timers = wait.things.filter(({ kind }) => kind === "timer").map(({ name }) => get(world.timers, name));
  wait.until = Math.min(wait.deadline, ...timers.map(({ expiry }) => expiry));
}

export interface WaitCall {
  readonly call: "WAIT";
  readonly capability: Name;
  readonly list: readonly Name[];
  readonly deadline: number;
  readonly mailbox: boolean;
  readonly notices?: Notices;
}

const RIGHT_TO_WAIT = { endpoint: Rights.RIGHT_RECEIVE, timer: Rights.RIGHT_WAIT, kernel: Rights.RIGHT_CRYPTO };

export function wait(world: World, caller: Agent, call: WaitCall): Answer {
  authorizedSelf(world, caller, call.capability, Rights.RIGHT_WAIT);
  const { list, deadline, mailbox, notices = "none" } = call;
  if (list.length > WAIT_MAX) refuse("TOO_LARGE");
  // Nothing but its end could end such a wait.
  if (list.length === 0 && !mailbox && notices === "none" && deadline === NEVER) refuse("BAD_ARGUMENT");
  const things: Thing[] = [];
  for (const name of list) {
    const thing = waitable(world, caller, name);
    if (things.some((one) => isFor(one, thing))) refuse("BAD_ARGUMENT");
    things.push(thing);
  }
  return waitFor(world, caller, { things, deadline, mailbox, notices, reply: NOBODY });
}

function waitable(world: World, caller: Agent, name: Name): Thing {
  // Of what is gone nobody asks whether it could have been waited for.
  const { thing } = authorized(world, caller, name, ["endpoint", "timer", "kernel"], 0);
  const right = RIGHT_TO_WAIT[thing.kind as keyof typeof RIGHT_TO_WAIT];
  authorized(world, caller, name, [thing.kind], right);
  return thing;
}

export interface Donate {
  readonly call: "DONATE_TO";
  readonly capability: Name;
  readonly deadline: number;
}

/** The caller waits for a message of another agent, which runs on its time meanwhile. */
export function donate(world: World, caller: Agent, call: Donate): Answer {
  const { thing } = authorized(world, caller, call.capability, ["agent"], Rights.RIGHT_DONATE);
  const { deadline } = call;
  const things = [thing];
  return waitFor(world, caller, { things, deadline, mailbox: true, notices: "none", reply: thing.name });
}

/** Time passes: waits whose time has come end, the earliest first, ties by identifier. */
export function tick(world: World, to: number): void {
  world.now = to;
  for (;;) {
    const due = waiting(world).filter(({ wait }) => wait && wait.until <= to);
    const until = ({ wait }: Agent): number => wait?.until ?? 0;
    due.sort((one, other) => until(one) - until(other) || one.identifier - other.identifier);
    const [first] = due;
    if (!first) return;
    expire(world, first);
  }
}

function expire(world: World, agent: Agent): void {
  const { wait } = agent;
  if (!wait) return;
  for (const [index, { kind, name }] of wait.things.entries()) {
    const timer = kind === "timer" ? get(world.timers, name) : null;
    if (timer && timer.expiry <= world.now)
      return endWait(agent, { status: "OK", value: index + takeExpiries(world, timer) * HIGH });
  }
  if (wait.deadline <= world.now) return endWait(agent, { status: "TIMED_OUT", value: 0 });
  // Somebody else has taken the expiry.
  look(world, agent);
}

/** A timer was set: those that wait for it look anew. */
export function timerChanged(world: World, timer: Timer): void {
  for (const agent of waiters(world, { kind: "timer", name: timer.name })) look(world, agent);
}
