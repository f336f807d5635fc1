/** System calls: capabilities are derived, revoked and shown. */
import { Agent, agentFind } from "../agent/agent";
import { audit } from "../audit/audit";
import { AUDIT_GRANT, AUDIT_REVOKE } from "../audit/kinds";
import { authorize, capabilityLookup, capabilityNamed, heldStatus } from "../cap/authorize";
import { capScratch, SCRATCH_BYTES } from "../cap/authority";
import { Capability, scopeOf } from "../cap/capability";
import { RIGHT_REVOKE, RIGHT_SPECIALIZE } from "../cap/rights";
import { SCOPE_BYTES_MAX, scopeCovers } from "../cap/scope";
import { capabilityCreate, capabilityDelete, capabilityRevoke, capabilityRoom } from "../cap/table";
import { Token, tokenKeep, tokenMake, tokenStatus } from "../cap/token";
import { copyToUser } from "../mm/user";
import { EVERY_KIND, KIND_AGENT, KIND_CAPABILITY, KIND_SCOPE } from "../object/kinds";
import { objectShortage } from "../object/slab";
import { now } from "../time";
import { Call, callerOf } from "./call";
import { DERIVE_BYTES, REVOKE_ITSELF, SCOPE_BYTES, TOKEN_BYTES } from "./cap_layouts";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_OK,
  STATUS_OUT_OF_RANGE,
  STATUS_RIGHTS_MISSING,
  STATUS_SCOPE,
  STATUS_TOO_LARGE,
  STATUS_WOULD_WIDEN,
} from "./status";
import { readStructure, structureStatus } from "./structure";

@unmanaged
class DeriveArguments {
  holder: u64;
  rights: u32;
  mask: u32;
  expiry: u64;
  scopeBytes: u32;
  reserved: u32;
  scope0: u64;
  scope1: u64;
  scope2: u64;
  scope3: u64;
}

@unmanaged
class ScopeArguments {
  mask: u32;
  bytes: u32;
  scope0: u64;
  scope1: u64;
  scope2: u64;
  scope3: u64;
}

/**
 * CapDerive: a1 -> DeriveArguments; the identifier of the new capability. To give it to another agent, the
 * caller must be one that chooses that agent's rights: others send it, and the receiver takes it or doesn't.
 */
export function capDerive(call: Call): u32 {
  const from = changetype<Capability>(call.held);
  const wanted = changetype<DeriveArguments>(capScratch());
  const status =
    readStructure(call, call.a1, capScratch(), DERIVE_BYTES) || narrows(call, from, wanted) || deriveScope(from, wanted);
  if (status != STATUS_OK) return status;
  let holder = callerOf(call);
  if (wanted.holder != 0) {
    const found = capabilityLookup(callerOf(call), wanted.holder, 1 << KIND_AGENT, RIGHT_SPECIALIZE);
    if (found != STATUS_OK) return found;
    holder = changetype<Agent>(capabilityNamed(wanted.holder).target);
  }
  const room = capabilityRoom(holder, from, 1);
  if (room != STATUS_OK) return room;
  const slot = capabilityCreate(holder, from, from.kind, from.object, wanted.rights);
  if (slot == 0) return objectShortage(KIND_CAPABILITY);
  const made = changetype<Capability>(slot);
  if (wanted.expiry != 0) made.expiry = wanted.expiry;
  if (from.kind == KIND_SCOPE) {
    made.scopeBytes = <u8>wanted.scopeBytes;
    made.scopeMask = wanted.mask;
    memory.copy(scopeOf(made), scopeAt(wanted), SCOPE_BYTES_MAX);
  }
  audit(AUDIT_GRANT, callerOf(call).id, made.id, holder.id, from.id, made.rights);
  call.value = made.id;
  return STATUS_OK;
}

@inline
function scopeAt(wanted: DeriveArguments): usize {
  return changetype<usize>(wanted) + offsetof<DeriveArguments>("scope0");
}

/** Whether what is wanted has no more rights and no more time than what it is derived from. */
function narrows(call: Call, from: Capability, wanted: DeriveArguments): u32 {
  if (wanted.reserved != 0) return STATUS_BAD_ARGUMENT;
  if ((wanted.rights & ~(from.rights & callerOf(call).rightsLeft)) != 0) return STATUS_WOULD_WIDEN;
  if (wanted.expiry > from.expiry) return STATUS_WOULD_WIDEN;
  return wanted.expiry != 0 && wanted.expiry <= now() ? STATUS_OUT_OF_RANGE : STATUS_OK;
}

/** Whether the scope that is wanted is inside of what it is derived from. */
function deriveScope(from: Capability, wanted: DeriveArguments): u32 {
  if (wanted.scopeBytes > SCOPE_BYTES_MAX) return STATUS_TOO_LARGE;
  const at = scopeAt(wanted);
  for (let index: usize = wanted.scopeBytes; index < SCOPE_BYTES_MAX; index++)
    if (load<u8>(at + index) != 0) return STATUS_BAD_ARGUMENT;
  if (from.kind != KIND_SCOPE) return wanted.scopeBytes == 0 && wanted.mask == 0 ? STATUS_OK : STATUS_BAD_ARGUMENT;
  const inside = scopeCovers(scopeOf(from), from.scopeBytes, from.scopeMask, at, wanted.scopeBytes, wanted.mask);
  return inside ? STATUS_OK : STATUS_WOULD_WIDEN;
}

/**
 * CapRevoke: a1 says whether the capability itself goes as well, which needs no right and works for
 * one that is worth nothing any more; how many others have lost their authority. It does its own
 * check of the capability.
 */
export function capRevoke(call: Call): u32 {
  const itself = call.a1 == REVOKE_ITSELF;
  const status = itself
    ? heldStatus(callerOf(call), call.capability)
    : authorize(call, EVERY_KIND, RIGHT_REVOKE);
  if (status != STATUS_OK) return status;
  if (call.a1 > <u64>REVOKE_ITSELF) return STATUS_BAD_ARGUMENT;
  const held = capabilityNamed(call.capability);
  call.value = itself ? capabilityDelete(held) : capabilityRevoke(held);
  audit(AUDIT_REVOKE, callerOf(call).id, call.capability, call.value, call.a1);
  return STATUS_OK;
}

/**
 * CapInspect: a1 -> room for the capability's token, and how many derive from it; or a2 -> a token
 * that somebody has shown, a3 rights and a4 -> a scope (or 0) that it is asked for, a5 the agent
 * that has shown it (or 0): its status.
 */
export function capInspect(call: Call): u32 {
  if ((call.a1 == 0) == (call.a2 == 0)) return STATUS_BAD_ARGUMENT;
  return call.a2 == 0 ? showToken(call) : judgeToken(call);
}

function showToken(call: Call): u32 {
  const held = changetype<Capability>(call.held);
  const status = structureStatus(call, call.a1, TOKEN_BYTES, true);
  if (status != STATUS_OK) return status;
  tokenMake(held, capScratch());
  const copied = copyToUser(callerOf(call), call.a1, capScratch(), TOKEN_BYTES);
  if (copied != STATUS_OK) return copied;
  tokenKeep(held, capScratch());
  call.value = held.descendants;
  return STATUS_OK;
}

function judgeToken(call: Call): u32 {
  assert(SCRATCH_BYTES >= 2 * TOKEN_BYTES + SCOPE_BYTES, "judgeToken: scratch");
  const at = capScratch();
  const asked = at + 2 * TOKEN_BYTES;
  const status = readStructure(call, call.a2, at, TOKEN_BYTES);
  if (status != STATUS_OK) return status;
  if (call.a4 != 0) {
    const scope = readStructure(call, call.a4, asked, SCOPE_BYTES);
    if (scope != STATUS_OK) return scope;
    if (changetype<ScopeArguments>(asked).bytes > SCOPE_BYTES_MAX) return STATUS_TOO_LARGE;
  }
  call.value = judge(call, changetype<Token>(at), call.a4 == 0 ? 0 : asked);
  return STATUS_OK;
}

/** What the token is worth for the agent that showed it and for what it is asked. */
function judge(call: Call, token: Token, asked: usize): u32 {
  const at = changetype<usize>(token);
  const status = tokenStatus(at, at + TOKEN_BYTES, call.a5, call.a3);
  if (status != STATUS_OK) return status;
  const rights = <u64>token.rights & <u64>changetype<Agent>(agentFind(token.agent)).rightsLeft;
  if ((call.a3 & ~rights) != 0) return STATUS_RIGHTS_MISSING;
  if (asked == 0) return STATUS_OK;
  const scope = changetype<ScopeArguments>(asked);
  const text = asked + offsetof<ScopeArguments>("scope0");
  const covers =
    token.kind == KIND_SCOPE &&
    scopeCovers(at + offsetof<Token>("scope0"), token.scopeBytes, token.scopeMask, text, scope.bytes, scope.mask);
  return covers ? STATUS_OK : STATUS_SCOPE;
}
