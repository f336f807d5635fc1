/**
 * The check that every system call passes: is the capability it names good for what it asks? It
 * reads a few words and writes nothing, so a refusal leaves no trace but the audit record.
 */
import { Agent } from "../agent/agent";
import { KIND_CAPABILITY } from "../object/kinds";
import { idIndex, idKind } from "../object/id";
import { KernelObject, objectStale, slabOf, slotOfShift } from "../object/slab";
import { Call, callerOf } from "../syscall/call";
import {
  STATUS_CAPABILITY_EXPIRED,
  STATUS_CAPABILITY_FOREIGN,
  STATUS_CAPABILITY_FORGED,
  STATUS_CAPABILITY_KIND,
  STATUS_CAPABILITY_REVOKED,
  STATUS_CAPABILITY_STALE,
  STATUS_OBJECT_GONE,
  STATUS_OK,
  STATUS_RIGHTS_MISSING,
} from "../syscall/status";
import { now } from "../time";
import { Capability, CAPABILITY_SHIFT, capabilityRevoked } from "./capability";

/**
 * The capability `id`, or 0: objectFind, where the compiler knows how large a slot is and that every
 * index of an identifier is one of the table's.
 */
@inline
function capabilityFind(id: u64): usize {
  if (idKind(id) != KIND_CAPABILITY) return 0;
  const slot = slotOfShift(slabOf(KIND_CAPABILITY), idIndex(id), CAPABILITY_SHIFT);
  return slot != 0 && changetype<Capability>(slot).id == id ? slot : 0;
}

/**
 * Checks that the call's capability names a live object of one of `kinds` (a bit each) with all of
 * `rights`, and notes both in the call.
 */
export function authorize(call: Call, kinds: u32, rights: u32): u32 {
  const found = capabilityFind(call.capability);
  if (found == 0) return unknownStatus(call.capability);
  const held = changetype<Capability>(found);
  const status = usable(held, callerOf(call), kinds, rights);
  if (status != STATUS_OK) return status;
  call.held = found;
  call.object = held.target;
  return STATUS_OK;
}

/**
 * The same check for a capability of `agent` that an argument names; it is `capabilityNamed(id)`
 * when the answer is STATUS_OK.
 */
export function capabilityLookup(agent: Agent, id: u64, kinds: u32, rights: u32): u32 {
  const found = capabilityFind(id);
  return found == 0 ? unknownStatus(id) : usable(changetype<Capability>(found), agent, kinds, rights);
}

/** The capability `id`, which capabilityLookup has found. */
@inline
export function capabilityNamed(id: u64): Capability {
  const found = capabilityFind(id);
  assert(found != 0, "capabilityNamed: not looked up");
  return changetype<Capability>(found);
}

/** Whether `agent` holds the capability `id`, whatever it may still be worth. */
export function heldStatus(agent: Agent, id: u64): u32 {
  const found = capabilityFind(id);
  if (found == 0) return unknownStatus(id);
  return changetype<Capability>(found).agent == agent.id ? STATUS_OK : STATUS_CAPABILITY_FOREIGN;
}

/** Whether it has its authority still, whoever holds it; the object may be gone. */
@inline
export function authorityStatus(held: Capability): u32 {
  if (held.expiry <= now()) return STATUS_CAPABILITY_EXPIRED;
  return capabilityRevoked(held) ? STATUS_CAPABILITY_REVOKED : STATUS_OK;
}

/** Whether the object that it names is there: slots are never unmapped, so this is one comparison. */
@inline
export function targetLives(held: Capability): bool {
  return held.target == 0 || changetype<KernelObject>(held.target).id == held.object;
}

@inline
function usable(held: Capability, agent: Agent, kinds: u32, rights: u32): u32 {
  if (held.agent != agent.id) return STATUS_CAPABILITY_FOREIGN;
  const status = authorityStatus(held);
  if (status != STATUS_OK) return status;
  if (((kinds >> held.kind) & 1) == 0) return STATUS_CAPABILITY_KIND;
  if ((held.rights & agent.rightsLeft & rights) != rights) return STATUS_RIGHTS_MISSING;
  return targetLives(held) ? STATUS_OK : STATUS_OBJECT_GONE;
}

function unknownStatus(id: u64): u32 {
  return objectStale(KIND_CAPABILITY, id) ? STATUS_CAPABILITY_STALE : STATUS_CAPABILITY_FORGED;
}
