/** Parts of kernel/cap by themselves, for tests and benchmarks. */
import { sipHash } from "../../sim/lib/siphash";
import { chacha20Block } from "../../sim/lib/chacha20";
import { Agent, agentFind } from "../agent/agent";
import { agentCreate } from "../agent/create";
import { Image } from "../agent/image";
import { authorize } from "../cap/authorize";
import { Capability } from "../cap/capability";
import { entropyDerive } from "../cap/entropy";
import { capabilityGrant } from "../cap/grant";
import { capabilitiesDrop, capabilityCreate, capabilityDelete, capabilityRevoke, capabilityRoom } from "../cap/table";
import { kernelCpu } from "../cpu/cpu";
import { Pool } from "../mm/pool";
import { copyFromUser, copyToUser } from "../mm/user";
import { idKind } from "../object/id";
import { KIND_CAPABILITY, KIND_POOL } from "../object/kinds";
import { KernelObject, objectAllocate, objectFind, objectFree, slabOf } from "../object/slab";
import { kernel } from "../state";
import { Call } from "../syscall/call";

export { sipHash, chacha20Block };

/** Sets the 32 bytes at linear address `key` as the root key, as if the processor had drawn them. */
export function worldKey(key: usize): void {
  memory.copy(kernel().entropy, key, 32);
  entropyDerive();
}

/** Makes an agent with `quota` bytes of its own, a child of the first agent; its identifier, or 0. */
export function worldAgent(quota: u64): u64 {
  const slot = objectAllocate(KIND_POOL, 0);
  if (slot == 0) return 0;
  const pool = changetype<Pool>(slot);
  pool.quota = quota;
  const init = changetype<Agent>(kernel().init);
  const made = agentCreate(init, pool, changetype<Image>(init.image), 0);
  return made == 0 ? 0 : changetype<KernelObject>(made).id;
}

/** A zeroed object of `kind` that nothing knows of; 0 when there is no table for the kind. */
export function worldRaw(kind: u32): u64 {
  if (slabOf(kind).limit == 0) return 0;
  const made = objectAllocate(kind, 0);
  return made == 0 ? 0 : changetype<KernelObject>(made).id;
}

/** Frees an object that worldRaw made. */
export function worldFree(id: u64): void {
  objectFree(objectFind(idKind(id), id));
}

/** Linear address of the object `id`; 0 when there is none. */
export function worldObject(id: u64): usize {
  return objectFind(idKind(id), id);
}

/** Makes a capability that was derived from nothing; its identifier, or 0. */
export function worldCapability(holder: u64, kind: u32, object: u64, rights: u32): u64 {
  const made = capabilityCreate(changetype<Agent>(agentFind(holder)), null, kind, object, rights);
  return made == 0 ? 0 : changetype<KernelObject>(made).id;
}

/** What authorize answers to a call of `agent` that names `capability`. */
export function worldAuthorize(agent: u64, capability: u64, kinds: u32, rights: u32): u32 {
  const call = changetype<Call>(kernelCpu(0).call);
  call.agent = changetype<usize>(agentFind(agent));
  call.capability = capability;
  return authorize(call, kinds, rights);
}

/** What capabilityRoom answers for `count` more, derived from `from` (0: from nothing). */
export function worldRoom(holder: u64, from: u64, count: u32): u32 {
  const parent = objectFind(KIND_CAPABILITY, from);
  return capabilityRoom(changetype<Agent>(agentFind(holder)), changetype<Capability | null>(parent), count);
}

/** Derives a capability from the one named `from` for the agent `to`; its identifier, or 0. */
export function worldGrant(from: u64, to: u64, rights: u32): u64 {
  const parent = objectFind(KIND_CAPABILITY, from);
  const holder = agentFind(to);
  if (parent == 0 || holder == null) return 0;
  const made = capabilityGrant(changetype<Capability>(parent), holder, rights);
  return made == 0 ? 0 : changetype<KernelObject>(made).id;
}

/** Drops up to `most` capabilities of an agent; how many are left. */
export function worldDrop(agent: u64, most: u32): u32 {
  const holder = agentFind(agent);
  return holder == null ? 0 : capabilitiesDrop(changetype<Agent>(holder), most);
}

/** Authorizes the calls in turn that name the `idCount` capabilities at `ids`; the sum of statuses. */
export function authorizeMany(agent: u64, ids: usize, idCount: u32, kinds: u32, rights: u32, count: u32): u32 {
  const call = changetype<Call>(kernelCpu(0).call);
  call.agent = changetype<usize>(agentFind(agent));
  let sum: u32 = 0;
  let next: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    call.capability = load<u64>(ids + (<usize>next << 3));
    sum += authorize(call, kinds, rights);
    next = next + 1 == idCount ? 0 : next + 1;
  }
  return sum;
}

/** Derives `count` capabilities for `to`, each from the one before it when `chain` says so. */
export function deriveMany(from: u64, to: u64, count: u32, chain: bool): u64 {
  const holder = changetype<Agent>(agentFind(to));
  let parent = objectFind(KIND_CAPABILITY, from);
  let made: usize = 0;
  for (let index: u32 = 0; index < count; index++) {
    const above = changetype<Capability>(parent);
    made = capabilityCreate(holder, above, above.kind, above.object, above.rights);
    if (made == 0) return 0;
    if (chain) parent = made;
  }
  return made == 0 ? 0 : changetype<KernelObject>(made).id;
}

export function worldRevoke(capability: u64): u32 {
  const found = objectFind(KIND_CAPABILITY, capability);
  return found == 0 ? 0 : capabilityRevoke(changetype<Capability>(found));
}

export function worldDelete(capability: u64): void {
  capabilityDelete(changetype<Capability>(objectFind(KIND_CAPABILITY, capability)));
}

/** Copies between an agent's memory and linear memory, as the kernel does; a status. */
export function worldStore(agent: u64, address: u64, from: usize, bytes: u32): u32 {
  return copyToUser(changetype<Agent>(agentFind(agent)), address, from, bytes);
}

export function worldLoad(agent: u64, address: u64, to: usize, bytes: u32): u32 {
  return copyFromUser(changetype<Agent>(agentFind(agent)), address, to, bytes);
}

/** MACs of `count` inputs of `bytes` bytes at `at`; their sum. */
export function sipHashMany(at: usize, bytes: usize, count: u32): u64 {
  let sum: u64 = 0;
  for (let index: u32 = 0; index < count; index++) sum += sipHash(sum, 1, at, bytes);
  return sum;
}
