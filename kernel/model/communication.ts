/**
 * Communication: messages to agents and queues, bytes of pipes, counts of events, mutexes, timers.
 * No call of these waits; what has no room or is not there is an answer.
 */
import * as Rights from "../cap/rights.ts";
import { authorized, authorizedSelf, checkNew, checkRoom, give, giveNew } from "./authority.ts";
import * as Limits from "./limits.ts";
import { charge, left, release } from "./pools.ts";
import { isOver } from "./tree.ts";
import {
  abandon,
  amountIn,
  hold,
  timerChanged,
  waiters,
  wakeFirst,
  wakeForContent,
  wakeForMessage,
} from "./waiting.ts";
import {
  type Agent,
  type Answer,
  type Capability,
  type Endpoint,
  type EndpointType,
  get,
  type Message,
  type Name,
  NOBODY,
  PAGE,
  refuse,
  type Thing,
  type World,
} from "./world.ts";

/** Payloads up to so many bytes need no page. */
const SMALL = 64;

/** Bytes that depend on a number: what is sent has to arrive. */
export const payload = (length: number, seed: number): number[] =>
  Array.from({ length }, (_, index) => (index * 31 + seed * 17 + (index >> 8)) & 0xff);

/** Whole pages for what doesn't fit into the record of a message, or of an operation. */
export const pagesFor = (length: number): number => (length > SMALL ? Math.ceil(length / PAGE) * PAGE : 0);

const messageCost = (world: World, length: number): number => world.costs.message + pagesFor(length);

export interface Send {
  readonly call: "IPC_SEND";
  readonly capability: Name;
  readonly length: number;
  readonly seed: number;
  /** A capability that goes along: the receiver gets one that is derived from it. */
  readonly along: Name;
}

/** Needs SEND, and DERIVE for a capability that goes along. The receiver pays. */
export function send(world: World, caller: Agent, call: Send): Answer {
  const { thing } = authorized(world, caller, call.capability, ["agent", "endpoint"], Rights.RIGHT_SEND);
  if (call.length > Limits.IPC_MESSAGE_BYTES_MAX) refuse("TOO_LARGE");
  if (thing.kind === "endpoint") return sendToQueue(world, caller, call, get(world.endpoints, thing.name));
  const receiver = get(world.agents, thing.name);
  const waiting = receiver.mailbox.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (receiver.mailbox.length >= receiver.mailboxLimit) refuse("FULL");
  if (waiting + call.length > Limits.MAILBOX_BYTES_MAX) refuse("FULL");
  const along =
    call.along === NOBODY ? null : authorized(world, caller, call.along, "any", Rights.RIGHT_DERIVE);
  const cost = messageCost(world, call.length);
  const pool = get(world.pools, receiver.pool);
  if (left(pool) < cost) refuse("QUOTA");
  if (along) checkRoom(world, receiver, along, cost);
  charge(world, pool.name, cost);
  const capability = along ? pass(world, caller, along, receiver) : NOBODY;
  receiver.mailbox.push(message(caller, call, receiver.pool, cost, capability));
  wakeForMessage(receiver, caller.name);
  return { status: "OK", value: caller.sent };
}

const pass = (world: World, from: Agent, along: Capability, to: Agent): Name =>
  give(world, to, { ...along, rights: along.rights & from.rightsLeft }, along);

function message(from: Agent, call: Send, pool: Name, cost: number, capability: Name): Message {
  from.sent += 1;
  const bytes = payload(call.length, call.seed);
  return { sender: from.name, sequence: from.sent, bytes, capability, pool, cost };
}

function sendToQueue(world: World, caller: Agent, call: Send, queue: Endpoint): Answer {
  if (queue.type !== "queue") refuse("CAPABILITY_KIND");
  // A queue has no one receiver who could hold it.
  if (call.along !== NOBODY) refuse("BAD_ARGUMENT");
  if (isOver(get(world.agents, queue.owner))) refuse("OBJECT_GONE");
  if (queue.messages.length >= queue.capacity) refuse("FULL");
  const cost = messageCost(world, call.length);
  const pool = get(world.pools, queue.pool);
  if (left(pool) < cost) refuse("QUOTA");
  charge(world, pool.name, cost);
  queue.messages.push(message(caller, call, queue.pool, cost, NOBODY));
  wakeForContent(world, { kind: "endpoint", name: queue.name });
  return { status: "OK", value: caller.sent };
}

export interface Receive {
  readonly call: "IPC_RECV";
  readonly capability: Name;
  /** Bytes that the caller has room for. */
  readonly room: number;
}

/** Needs RECEIVE. The oldest message of a queue, or of the caller's own mailbox. */
export function receive(world: World, caller: Agent, call: Receive): Answer {
  const { thing } = authorized(world, caller, call.capability, ["agent", "endpoint"], Rights.RIGHT_RECEIVE);
  if (thing.kind === "agent" && thing.name !== caller.name) refuse("CAPABILITY_KIND");
  const queue = thing.kind === "endpoint" ? get(world.endpoints, thing.name) : null;
  if (queue && queue.type !== "queue") refuse("CAPABILITY_KIND");
  const messages = queue ? queue.messages : caller.mailbox;
  const [first] = messages;
  if (!first) {
    arrived(caller, thing.name);
    return { status: "EMPTY" };
  }
  if (first.bytes.length > call.room) refuse("TOO_LARGE", first.bytes.length);
  messages.shift();
  arrived(caller, thing.name);
  release(world, first.pool, first.cost);
  return { status: "OK", value: first.sequence, message: first };
}

/** The agent has looked where it was sent. */
export function arrived(agent: Agent, endpoint: Name): void {
  if (agent.errand === endpoint) agent.errand = NOBODY;
}

/** Highest capacity of each type. */
const CAPACITY_MAX: Readonly<Record<EndpointType, number>> = {
  queue: Limits.QUEUE_MESSAGES_MAX,
  pipe: Limits.PIPE_BYTES_MAX,
  event: Limits.EVENT_COUNT_MAX,
  mutex: 1,
};

/** A pipe has its bytes in a block of 1, 2, 4, … pages. */
function endpointCost(world: World, type: EndpointType, capacity: number): number {
  if (type !== "pipe") return world.costs.endpoint;
  let block = PAGE;
  while (block < capacity) block *= 2;
  return world.costs.endpoint + block;
}

export interface Create {
  readonly call: "ENDPOINT_CREATE";
  readonly capability: Name;
  readonly type: EndpointType;
  readonly capacity: number;
}

/** Needs CREATE on the pool that pays. */
export function create(world: World, caller: Agent, call: Create): Answer {
  const { thing } = authorized(world, caller, call.capability, ["pool"], Rights.RIGHT_CREATE);
  const { type, capacity } = call;
  if (capacity < 1 || capacity > CAPACITY_MAX[type]) refuse("OUT_OF_RANGE");
  const owned = [...world.endpoints.values()].filter(({ owner }) => owner === caller.name);
  if (owned.length >= Limits.ENDPOINTS_PER_AGENT_MAX) refuse("LIMIT");
  const pool = get(world.pools, thing.name);
  const cost = endpointCost(world, type, capacity);
  checkNew(world, caller, pool.name, cost);
  charge(world, pool.name, cost);
  const name = ++world.thingsNamed;
  world.endpoints.set(name, {
    name, type, capacity, owner: caller.name, pool: pool.name,
    messages: [], bytes: [], count: 0, holder: NOBODY, heldSince: 0, abandoned: false,
  });
  return { status: "OK", made: giveNew(world, caller, { kind: "endpoint", name }) };
}

export interface Close {
  readonly call: "ENDPOINT_CLOSE";
  readonly capability: Name;
}

/** Needs CLOSE. What is in an endpoint is lost; who waits for it, or for a timer, is told. */
export function close(world: World, caller: Agent, call: Close): Answer {
  const { thing } = authorized(world, caller, call.capability, ["endpoint", "timer"], Rights.RIGHT_CLOSE);
  return { status: "OK", value: destroy(world, thing) };
}

/** Ends an endpoint or a timer; how much was in it. */
export function destroy(world: World, thing: Thing): number {
  abandon(world, thing);
  if (thing.kind === "timer") {
    release(world, get(world.timers, thing.name).pool, world.costs.timer);
    world.timers.delete(thing.name);
    return 0;
  }
  const endpoint = get(world.endpoints, thing.name);
  for (const { pool, cost } of endpoint.messages) release(world, pool, cost);
  world.endpoints.delete(thing.name);
  release(world, endpoint.pool, endpointCost(world, endpoint.type, endpoint.capacity));
  return amountIn(endpoint);
}

export interface PipeWrite {
  readonly call: "PIPE_WRITE";
  readonly capability: Name;
  readonly length: number;
  readonly seed: number;
}

/** Needs SEND. As many bytes as there is room for. */
export function pipeWrite(world: World, caller: Agent, call: PipeWrite): Answer {
  const pipe = pipeOf(world, caller, call, Rights.RIGHT_SEND);
  if (isOver(get(world.agents, pipe.owner))) refuse("OBJECT_GONE");
  if (call.length === 0) return { status: "OK", value: 0 };
  const moved = Math.min(call.length, pipe.capacity - pipe.bytes.length);
  if (moved === 0) refuse("FULL");
  pipe.bytes.push(...payload(moved, call.seed));
  wakeForContent(world, { kind: "endpoint", name: pipe.name });
  return { status: "OK", value: moved };
}

export interface PipeRead {
  readonly call: "PIPE_READ";
  readonly capability: Name;
  readonly length: number;
}

/** Needs RECEIVE. As many bytes as there are. */
export function pipeRead(world: World, caller: Agent, call: PipeRead): Answer {
  const pipe = pipeOf(world, caller, call, Rights.RIGHT_RECEIVE);
  if (call.length === 0) return { status: "OK", value: 0, bytes: [] };
  arrived(caller, pipe.name);
  if (pipe.bytes.length === 0) return { status: "EMPTY" };
  const bytes = pipe.bytes.splice(0, call.length);
  // One write may be enough for several readers, and woke one.
  if (pipe.bytes.length > 0) wakeForContent(world, { kind: "endpoint", name: pipe.name });
  return { status: "OK", value: bytes.length, bytes };
}

function pipeOf(world: World, caller: Agent, call: PipeRead | PipeWrite, right: number): Endpoint {
  const { thing } = authorized(world, caller, call.capability, ["endpoint"], right);
  const pipe = get(world.endpoints, thing.name);
  if (pipe.type !== "pipe") refuse("CAPABILITY_KIND");
  return call.length > Limits.PIPE_BYTES_MAX ? refuse("TOO_LARGE") : pipe;
}

export interface Signal {
  readonly call: "EVENT_SIGNAL";
  readonly capability: Name;
  readonly count: number;
}

/** Needs SEND. An event counts more; a mutex is released. How many were woken. */
export function signal(world: World, caller: Agent, call: Signal): Answer {
  const { thing } = authorized(world, caller, call.capability, ["endpoint"], Rights.RIGHT_SEND);
  const endpoint = get(world.endpoints, thing.name);
  if (endpoint.type === "mutex") {
    if (call.count > 1) refuse("OUT_OF_RANGE");
    if (endpoint.holder !== caller.name) refuse("NOT_OWNER");
    return { status: "OK", value: handOn(world, endpoint) };
  }
  if (endpoint.type !== "event") refuse("CAPABILITY_KIND");
  if (call.count < 1 || call.count > Limits.EVENT_COUNT_MAX) refuse("OUT_OF_RANGE");
  const woken = Math.min(call.count, waiters(world, thing).length);
  if (endpoint.count + call.count - woken > endpoint.capacity) refuse("FULL");
  for (let n = 0; n < woken; n++) wakeFirst(world, thing);
  endpoint.count += call.count - woken;
  return { status: "OK", value: woken };
}

/** The mutex goes to the one that has waited longest; how many that are. */
export function handOn(world: World, mutex: Endpoint): number {
  mutex.holder = NOBODY;
  const thing = { kind: "endpoint", name: mutex.name } as const;
  const [next] = waiters(world, thing);
  if (!next) return 0;
  wakeFirst(world, thing, hold(world, mutex, next));
  return 1;
}

export interface TimerSet {
  readonly call: "TIMER_SET";
  readonly capability: Name;
  /** NOBODY: a new one. */
  readonly timer: Name;
  readonly expiry: number;
  /** ns between expiries; 0: once. */
  readonly period: number;
}

/** Needs WAIT on oneself, and on a timer that is there already. */
export function timerSet(world: World, caller: Agent, call: TimerSet): Answer {
  authorizedSelf(world, caller, call.capability, Rights.RIGHT_WAIT);
  const { expiry, period } = call;
  if (call.timer !== NOBODY) {
    const { thing } = authorized(world, caller, call.timer, ["timer"], Rights.RIGHT_WAIT);
    const timer = get(world.timers, thing.name);
    Object.assign(timer, { expiry, period });
    timerChanged(world, timer);
    return { status: "OK", made: call.timer };
  }
  const owned = [...world.timers.values()].filter(({ owner }) => owner === caller.name);
  if (owned.length >= Limits.TIMERS_PER_AGENT_MAX) refuse("LIMIT");
  const pool = get(world.pools, caller.pool);
  checkNew(world, caller, pool.name, world.costs.timer);
  charge(world, pool.name, world.costs.timer);
  const name = ++world.thingsNamed;
  world.timers.set(name, { name, owner: caller.name, pool: pool.name, expiry, period });
  return { status: "OK", made: giveNew(world, caller, { kind: "timer", name }) };
}
