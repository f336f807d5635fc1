/**
 * The check that every system call passes: is the capability it names good for what it asks? It
 * reads a few words and writes nothing, so a refusal leaves no trace but the audit record.
 */
import { Agent } from "../agent/agent";
import { agentOver } from "../agent/tree";
import { KIND_AGENT, KIND_CAPABILITY } from "../object/kinds";
import { idIndex, idKind } from "../object/id";
import { KernelObject, objectFind, objectStale, slotOfCapability } from "../object/slab";
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
import { Capability, CAPABILITY_SHIFT, capabilityRevoked, cutOff } from "./capability";
import { RIGHT_INFO } from "./rights";

/**
 * Checks that the call's capability names a live object of one of `kinds` (a bit each) with all of
 * `rights`, and notes both in the call.
 */
export function authorize(call: Call, kinds: u32, rights: u32): u32 {
  const found = check(callerOf(call), call.capability, kinds, rights);
  if (found <= STATUS_MAX) return <u32>found;
  call.held = found;
  call.object = changetype<Capability>(found).target;
  return STATUS_OK;
}

/** The same for calls that are about the caller: its capability must name itself. */
export function authorizeSelf(call: Call, rights: u32): u32 {
  const status = authorize(call, 1 << KIND_AGENT, rights);
  if (status != STATUS_OK) return status;
  return call.object == call.agent ? STATUS_OK : STATUS_CAPABILITY_KIND;
}

/**
 * The same check for a capability of `agent` that an argument names; it is `capabilityNamed(id)`
 * when the answer is STATUS_OK.
 */
export function capabilityLookup(agent: Agent, id: u64, kinds: u32, rights: u32): u32 {
  const found = check(agent, id, kinds, rights);
  return found <= STATUS_MAX ? <u32>found : STATUS_OK;
}

/** Statuses are numbers up to this, addresses of objects are above it. */
const STATUS_MAX: usize = 0xff;

/** Address of the capability `id` when it is good for what is asked, else the status that says why not. */
@inline
function check(agent: Agent, id: u64, kinds: u32, rights: u32): usize {
  const slot = slotOfCapability(idIndex(id), CAPABILITY_SHIFT);
  const held = changetype<Capability>(slot);
  if (slot == 0 || held.id != id || idKind(id) != KIND_CAPABILITY) return unknownStatus(id);
  if (held.agent != agent.id) return STATUS_CAPABILITY_FOREIGN;
  if (held.expiry <= now()) return STATUS_CAPABILITY_EXPIRED;
  if (held.parent != 0 && cutOff(held)) return STATUS_CAPABILITY_REVOKED;
  if (((kinds >> held.kind) & 1) == 0) return STATUS_CAPABILITY_KIND;
  if ((held.rights & agent.rightsLeft & rights) != rights) return STATUS_RIGHTS_MISSING;
  if (!targetLives(held) || targetOver(held, rights)) return STATUS_OBJECT_GONE;
  return slot;
}

/** The capability `id`, which capabilityLookup has found. */
@inline
export function capabilityNamed(id: u64): Capability {
  const found = objectFind(KIND_CAPABILITY, id);
  assert(found != 0, "capabilityNamed: not looked up");
  return changetype<Capability>(found);
}

/** Whether `agent` holds the capability `id`, whatever it may still be worth. */
export function heldStatus(agent: Agent, id: u64): u32 {
  const found = objectFind(KIND_CAPABILITY, id);
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

/** Of an agent that is over nothing is left but what AgentInfo tells. */
@inline
export function targetOver(held: Capability, rights: u64): bool {
  return held.kind == <u8>KIND_AGENT && rights != RIGHT_INFO && agentOver(changetype<Agent>(held.target));
}

function unknownStatus(id: u64): u32 {
  return objectStale(KIND_CAPABILITY, id) ? STATUS_CAPABILITY_STALE : STATUS_CAPABILITY_FORGED;
}
