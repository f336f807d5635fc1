/** What can be seen of a world: of the specification's, and of the kernel's. They have to be alike. */
import * as Views from "../host/views.generated.ts";
import { ALL_KINDS } from "../testing/cap-host.ts";
import { statusName } from "../testing/world-host.ts";
import { describe } from "./life.ts";
import { pagesOf } from "./memory.ts";
import type { Subject } from "./subject.ts";
import * as Telling from "./telling.ts";
import { amountIn, waiters } from "./waiting.ts";
import { type Agent, type Answer, type Capability, get, type Info, NOBODY, type World } from "./world.ts";

export type Seen = Record<string, number | string | boolean | Answer | Info | null>;

/** Occurrences of a thing in the lists of those that wait. */
function places(world: World, kind: "endpoint" | "timer", name: number): number {
  const lists = waiters(world, { kind, name }).map(({ wait }) => wait?.things ?? []);
  return lists.flat().filter((thing) => thing.kind === kind && thing.name === name).length;
}

const owned = (things: ReadonlyMap<number, { owner: number }>, agent: Agent): number =>
  [...things.values()].filter(({ owner }) => owner === agent.name).length;

function worth(world: World, { expiry, revoked }: Capability): string {
  if (expiry <= world.now) return "CAPABILITY_EXPIRED";
  return revoked ? "CAPABILITY_REVOKED" : "OK";
}

export function seenInSpecification(world: World): Seen {
  const seen: Seen = {};
  for (const agent of world.agents.values()) {
    const of = `agent ${agent.name}`;
    seen[of] = describe(world, agent);
    seen[`${of} went on with`] = agent.wait ? null : agent.result;
    seen[`${of} sent`] = agent.sent;
    seen[`${of} endpoints`] = owned(world.endpoints, agent);
    seen[`${of} timers`] = owned(world.timers, agent);
    const asked = [...world.operations.values()].filter(({ requester }) => requester === agent.name);
    seen[`${of} operations`] = asked.length;
    seen[`${of} errand`] = agent.errand !== NOBODY;
    seen[`${of} memory`] = agent.memory.ranges
      .map((one) => Telling.show(one.start, one.region === NOBODY, one.writable, one.pool, pagesOf(world, one)))
      .join(" ");
  }
  for (const pool of world.pools.values()) seen[`pool ${pool.name}`] = pool.used;
  for (const capability of world.capabilities.values()) {
    const of = `capability ${capability.name}`;
    const { kind, name } = capability.thing;
    seen[of] = worth(world, capability);
    seen[`${of} rights`] = capability.rights;
    if (NAMED.has(kind)) seen[`${of} names`] = name;
    const endpoint = kind === "endpoint" ? world.endpoints.get(name) : undefined;
    if (endpoint) {
      seen[`${of} amount`] = amountIn(endpoint);
      seen[`${of} waiters`] = places(world, "endpoint", endpoint.name);
    }
  }
  return seen;
}

/** Kinds of things that have the same names on both sides. */
const NAMED: ReadonlySet<string> = new Set(["agent", "pool", "image"]);

export function seenInKernel(world: World, subject: Subject): Seen {
  const seen: Seen = {};
  for (const agent of world.agents.values()) {
    const of = `agent ${agent.name}`;
    const party = subject.party(agent.name);
    const { view } = party;
    seen[of] = Telling.described(subject, party);
    seen[`${of} went on with`] = !agent.wait && agent.result ? wentOnWith(subject, agent) : null;
    seen[`${of} sent`] = Number(view.sent);
    seen[`${of} endpoints`] = view.endpointCount;
    seen[`${of} timers`] = view.timerCount;
    seen[`${of} operations`] = view.operationCount;
    seen[`${of} errand`] = view.baton !== 0n;
    seen[`${of} memory`] = Telling.memoryOf(subject, party);
  }
  const { exports, world: there } = subject.ipc;
  for (const { name } of world.pools.values()) {
    const at = exports.worldObject(BigInt(subject.thing(name)));
    seen[`pool ${name}`] = at === 0 ? "gone" : Number(new Views.Pool(there.data, at).used);
  }
  for (const capability of world.capabilities.values()) seeCapability(seen, capability, subject);
  return seen;
}

/** With what an agent goes on after a wait, and the notice that it was given. */
function wentOnWith(subject: Subject, { name, result }: Agent): Answer {
  const party = subject.party(name);
  return result?.notice ? { ...party.result, notice: Telling.notice(subject, party) } : party.result;
}

function seeCapability(seen: Seen, capability: Capability, subject: Subject): void {
  const of = `capability ${capability.name}`;
  const id = subject.id(capability.name);
  const holder = BigInt(subject.party(capability.holder).id);
  const { exports, world } = subject.ipc;
  const status = statusName(exports.worldAuthorize(holder, BigInt(id), ALL_KINDS, 0));
  seen[of] = status === "OBJECT_GONE" ? "OK" : status;
  const view = new Views.Capability(world.data, exports.worldObject(BigInt(id)));
  seen[`${of} rights`] = view.rights;
  if (NAMED.has(capability.thing.kind)) seen[`${of} names`] = subject.nameOf(Number(view.object));
  if (capability.thing.kind !== "endpoint" || status === "OBJECT_GONE") return;
  const at = exports.worldObject(view.object);
  if (at === 0) return;
  const endpoint = new Views.Endpoint(world.data, at);
  seen[`${of} amount`] = endpoint.count;
  seen[`${of} waiters`] = endpoint.waitCount;
}
