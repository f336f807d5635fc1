/** What can be seen of a world: of the specification's, and of the kernel's. They have to be alike. */
import * as Views from "../host/views.generated.ts";
import { ALL_KINDS } from "../testing/cap-host.ts";
import { statusName } from "../testing/world-host.ts";
import type { Subject } from "./subject.ts";
import { amountIn, waiters } from "./waiting.ts";
import { type Agent, type Answer, type Capability, get, NOBODY, type World } from "./world.ts";

export type Seen = Readonly<Record<string, number | string | boolean | Answer | null>>;

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
  const seen: Record<string, number | string | boolean | Answer | null> = {};
  for (const agent of world.agents.values()) {
    const of = `agent ${agent.name}`;
    seen[`${of} waits`] = agent.wait !== null;
    seen[`${of} went on with`] = agent.wait ? null : agent.result;
    seen[`${of} capabilities`] = [...world.capabilities.values()].filter((one) => one.holder === agent.name).length;
    seen[`${of} messages`] = agent.mailbox.length;
    seen[`${of} sent`] = agent.sent;
    seen[`${of} endpoints`] = owned(world.endpoints, agent);
    seen[`${of} timers`] = owned(world.timers, agent);
    seen[`${of} errand`] = agent.errand !== NOBODY;
    seen[`${of} bytes used`] = get(world.pools, agent.pool).used;
  }
  for (const capability of world.capabilities.values()) {
    const of = `capability ${capability.name}`;
    seen[of] = worth(world, capability);
    seen[`${of} rights`] = capability.rights;
    const endpoint = capability.thing.kind === "endpoint" ? world.endpoints.get(capability.thing.name) : undefined;
    if (endpoint) {
      seen[`${of} amount`] = amountIn(endpoint);
      seen[`${of} waiters`] = places(world, "endpoint", endpoint.name);
    }
  }
  return seen;
}

export function seenInKernel(world: World, subject: Subject): Seen {
  const seen: Record<string, number | string | boolean | Answer | null> = {};
  for (const agent of world.agents.values()) {
    const of = `agent ${agent.name}`;
    const party = subject.party(agent.name);
    const { view } = party;
    seen[`${of} waits`] = party.waits;
    seen[`${of} went on with`] = !party.waits && agent.result ? party.result : null;
    seen[`${of} capabilities`] = view.capabilityCount;
    seen[`${of} messages`] = view.mailboxCount;
    seen[`${of} sent`] = Number(view.sent);
    seen[`${of} endpoints`] = view.endpointCount;
    seen[`${of} timers`] = view.timerCount;
    seen[`${of} errand`] = view.baton !== 0n;
    seen[`${of} bytes used`] = party.used;
  }
  for (const capability of world.capabilities.values()) seeCapability(seen, capability, subject);
  return seen;
}

function seeCapability(
  seen: Record<string, number | string | boolean | Answer | null>,
  capability: Capability,
  subject: Subject,
): void {
  const of = `capability ${capability.name}`;
  const id = subject.id(capability.name);
  const holder = BigInt(subject.party(capability.holder).id);
  const { exports, world } = subject.ipc;
  const status = statusName(exports.worldAuthorize(holder, BigInt(id), ALL_KINDS, 0));
  seen[of] = status === "OBJECT_GONE" ? "OK" : status;
  const view = new Views.Capability(world.data, exports.worldObject(BigInt(id)));
  seen[`${of} rights`] = view.rights;
  if (capability.thing.kind !== "endpoint" || status === "OBJECT_GONE") return;
  const at = exports.worldObject(view.object);
  if (at === 0) return;
  const endpoint = new Views.Endpoint(world.data, at);
  seen[`${of} amount`] = endpoint.count;
  seen[`${of} waiters`] = endpoint.waitCount;
}
