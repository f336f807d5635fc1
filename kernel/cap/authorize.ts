/** The check that every system call passes: is the capability it names good for what it asks? */
import { agentFind } from "../agent/agent";
import { objectFind, objectStale } from "../object/slab";
import { KIND_CAPABILITY, KIND_SCOPE } from "../object/kinds";
import { now } from "../time";
import { Call, callerOf } from "../syscall/call";
import {
  STATUS_CAPABILITY_EXPIRED,
  STATUS_CAPABILITY_FOREIGN,
  STATUS_CAPABILITY_FORGED,
  STATUS_CAPABILITY_KIND,
  STATUS_CAPABILITY_STALE,
  STATUS_OBJECT_GONE,
  STATUS_OK,
  STATUS_RIGHTS_MISSING,
} from "../syscall/status";
import { Capability } from "./capability";

/** Finds the capability `id` of the agent named `agent`, alive and unexpired. */
export function capabilityStatus(id: u64, agent: u64): u32 {
  const found = objectFind(KIND_CAPABILITY, id);
  if (found == 0) return objectStale(KIND_CAPABILITY, id) ? STATUS_CAPABILITY_STALE : STATUS_CAPABILITY_FORGED;
  const held = changetype<Capability>(found);
  if (held.agent != agent) return STATUS_CAPABILITY_FOREIGN;
  return held.expiry <= now() ? STATUS_CAPABILITY_EXPIRED : STATUS_OK;
}

/**
 * Checks that the call's capability names a live object of one of `kinds` (a bit each) with all of
 * `rights`, and notes both in the call.
 */
export function authorize(call: Call, kinds: u32, rights: u32): u32 {
  const status = capabilityStatus(call.capability, callerOf(call).id);
  if (status != STATUS_OK) return status;
  const held = changetype<Capability>(objectFind(KIND_CAPABILITY, call.capability));
  if (((kinds >> held.kind) & 1) == 0) return STATUS_CAPABILITY_KIND;
  if ((held.rights & callerOf(call).rightsLeft & rights) != rights) return STATUS_RIGHTS_MISSING;
  call.held = changetype<usize>(held);
  call.object = held.kind == KIND_SCOPE ? 0 : objectFind(held.kind, held.object);
  return call.object == 0 && held.kind != KIND_SCOPE ? STATUS_OBJECT_GONE : STATUS_OK;
}
