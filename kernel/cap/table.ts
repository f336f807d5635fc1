/** Agents' tables of capabilities: each is paid by the pool of the agent that holds it. */
import { Agent, agentFind } from "../agent/agent";
import { CAPABILITY_DEPTH_MAX } from "../limits";
import { nameDropped, nameTaken } from "../mm/names";
import { Pool, poolCharge, poolRelease } from "../mm/pool";
import { KIND_CAPABILITY, KIND_KERNEL, KIND_SCOPE } from "../object/kinds";
import { objectFind, objectFree, objectTake } from "../object/slab";
import { kernel } from "../state";
import { STATUS_LIMIT, STATUS_OK, STATUS_QUOTA, STATUS_TOO_DEEP } from "../syscall/status";
import { NEVER } from "../time";
import { authorityStatus } from "./authorize";
import { Capability, capabilityRevoked } from "./capability";

/** What a capability costs its holder's pool. */
export const CAPABILITY_BYTES: u64 = offsetof<Capability>();

/**
 * Whether `count` more capabilities, derived from `parent` (null: made by the kernel), fit into the
 * table of `holder` and its pool can pay for them: STATUS_OK, or the status to refuse with.
 */
export function capabilityRoom(holder: Agent, parent: Capability | null, count: u32): u32 {
  if (parent != null && <u32>parent.depth + 1 >= CAPABILITY_DEPTH_MAX) return STATUS_TOO_DEEP;
  const pool = changetype<Pool>(holder.pool);
  const bytes = <u64>count * CAPABILITY_BYTES;
  const free = holder.capabilityLimit - holder.capabilityCount;
  if (count <= free && bytes <= pool.quota - pool.used) return STATUS_OK;
  const worthless = countWorthless(holder);
  if (count > free + worthless) return STATUS_LIMIT;
  const left = pool.quota - pool.used + <u64>worthless * CAPABILITY_BYTES;
  return bytes <= left ? STATUS_OK : STATUS_QUOTA;
}

/**
 * A capability in `holder`'s table: with `parent`, for the same object or scope and until the same
 * time as it. Clears worthless ones from the table when there is no room for it. 0, and nothing
 * else changed, when capabilityRoom refuses or RAM is short.
 */
export function capabilityCreate(
  holder: Agent,
  parent: Capability | null,
  kind: u32,
  object: u64,
  rights: u32,
): usize {
  assert(parent == null || authorityStatus(parent) == STATUS_OK, "capabilityCreate: the parent is worthless");
  if (capabilityRoom(holder, parent, 1) != STATUS_OK) return 0;
  const pool = changetype<Pool>(holder.pool);
  if (holder.capabilityCount == holder.capabilityLimit || !poolCharge(pool, CAPABILITY_BYTES)) {
    clearWorthless(holder);
    const paid = poolCharge(pool, CAPABILITY_BYTES);
    assert(paid, "capabilityCreate: capabilityRoom promised the bytes");
  }
  const slot = objectTake(KIND_CAPABILITY, holder.cpu);
  if (slot == 0) {
    poolRelease(pool, CAPABILITY_BYTES);
    return 0;
  }
  const made = changetype<Capability>(slot);
  made.agent = holder.id;
  made.object = object;
  made.kind = <u8>kind;
  made.rights = rights;
  made.revocations = 0;
  made.checked = 0;
  made.mac = 0;
  made.descendants = 0;
  made.target = kind == KIND_SCOPE ? 0 : kind == KIND_KERNEL ? kernel().authority : objectFind(kind, object);
  assert(made.target != 0 || kind == KIND_SCOPE, "capabilityCreate: no such object");
  if (parent != null) descend(made, parent);
  else begin(made);
  nameTaken(kind, made.target);
  enlist(holder, made);
  return slot;
}

/** A capability that the kernel makes has no limits but its rights. */
function begin(made: Capability): void {
  made.parent = 0;
  made.parentId = 0;
  made.epoch = 0;
  made.depth = 0;
  made.expiry = NEVER;
  made.scopeBytes = 0;
  made.scopeMask = 0;
  made.scope0 = 0;
  made.scope1 = 0;
  made.scope2 = 0;
  made.scope3 = 0;
}

function descend(made: Capability, parent: Capability): void {
  assert(parent.kind == made.kind && parent.object == made.object, "capabilityCreate: another object");
  made.parent = changetype<usize>(parent);
  made.parentId = parent.id;
  made.epoch = parent.revocations;
  made.depth = parent.depth + 1;
  made.expiry = parent.expiry;
  made.scopeBytes = parent.scopeBytes;
  made.scopeMask = parent.scopeMask;
  made.scope0 = parent.scope0;
  made.scope1 = parent.scope1;
  made.scope2 = parent.scope2;
  made.scope3 = parent.scope3;
  addDescendants(made, 1);
}

/** Adds to what every ancestor counts. The ancestors must be there: nothing above is revoked. */
function addDescendants(held: Capability, count: i32): void {
  let link = held.parent;
  while (link != 0) {
    const ancestor = changetype<Capability>(link);
    ancestor.descendants += count;
    link = ancestor.parent;
  }
}

function enlist(holder: Agent, made: Capability): void {
  const slot = changetype<usize>(made);
  made.previous = 0;
  made.next = holder.capabilities;
  if (made.next != 0) changetype<Capability>(made.next).previous = slot;
  holder.capabilities = slot;
  holder.capabilityCount += 1;
}

/**
 * Takes the authority of all that was derived from `held`, in one step: those holders see REVOKED.
 * How many there were.
 */
export function capabilityRevoke(held: Capability): u32 {
  const count = held.descendants;
  assert(!capabilityRevoked(held), "capabilityRevoke: it is revoked itself");
  held.revocations += 1;
  addDescendants(held, -(<i32>count));
  held.descendants = 0;
  return count;
}

/**
 * Deletes a capability: it is stale from now on, and what was derived from it is revoked. How many
 * others have lost their authority by that.
 */
export function capabilityDelete(held: Capability): u32 {
  const count = capabilityRevoked(held) ? 0 : held.descendants;
  if (!capabilityRevoked(held)) addDescendants(held, -(<i32>count + 1));
  const found = agentFind(held.agent);
  assert(found != null, "capabilityDelete: the holder is gone");
  const holder = changetype<Agent>(found);
  if (held.previous != 0) changetype<Capability>(held.previous).next = held.next;
  else holder.capabilities = held.next;
  if (held.next != 0) changetype<Capability>(held.next).previous = held.previous;
  holder.capabilityCount -= 1;
  poolRelease(changetype<Pool>(holder.pool), CAPABILITY_BYTES);
  const kind = held.kind;
  const object = held.object;
  objectFree(changetype<usize>(held));
  nameDropped(kind, object);
  return count;
}

/** Deletes up to `most` capabilities of an agent that ends; how many it has left. */
export function capabilitiesDrop(agent: Agent, most: u32): u32 {
  for (let left = most; left != 0 && agent.capabilities != 0; left--)
    capabilityDelete(changetype<Capability>(agent.capabilities));
  return agent.capabilityCount;
}

/** Capabilities in the table that are revoked or expired, at most CAPABILITIES_PER_AGENT_MAX. */
function countWorthless(holder: Agent): u32 {
  let count: u32 = 0;
  for (let at = holder.capabilities; at != 0; at = changetype<Capability>(at).next)
    if (authorityStatus(changetype<Capability>(at)) != STATUS_OK) count += 1;
  return count;
}

function clearWorthless(holder: Agent): void {
  let at = holder.capabilities;
  while (at != 0) {
    const held = changetype<Capability>(at);
    at = held.next;
    if (authorityStatus(held) != STATUS_OK) capabilityDelete(held);
  }
}
