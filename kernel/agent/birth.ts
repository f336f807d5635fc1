/**
 * How an agent comes to be: by AgentSpawn, AgentClone or AgentSplit. They differ in where its image,
 * registers and memory come from; what it is given, what it costs and where it stands in the tree is
 * the same for all, and is here.
 *
 * Everything is checked and counted before anything is made, so a refusal leaves no trace, and what
 * is made can't fail. The structure that the call points to is copied into the CPU's scratch first:
 *
 *      0  the structure (syscall/layouts.ts)
 *    128  its grants
 *    512  its ranges (AgentSplit)
 *    768  the capability behind each grant, as an address
 *    832  how the new agent is scheduled (AgentClone, AgentSplit)
 */
import { Capability } from "../cap/capability";
import { capabilityLookup, capabilityNamed } from "../cap/authorize";
import { capabilityGrant } from "../cap/grant";
import { RIGHT_DERIVE, RIGHT_SPAWN, RIGHTS_ALL } from "../cap/rights";
import { CAPABILITY_BYTES, capabilityCreate, capabilityRoom } from "../cap/table";
import { kernelCpu } from "../cpu/cpu";
import { kick } from "../cpu/switch";
import { AGENT_DEPTH_MAX, CAPABILITY_DEPTH_MAX, POOL_DEPTH_MAX } from "../limits";
import { spaceDestroy } from "../mm/destroy";
import { imageEnter } from "../mm/image_memory";
import { Pool, POOL_BYTES, poolCharge, poolCreate, poolRelease, poolRoom } from "../mm/pool";
import { copyToUser } from "../mm/user";
import { EVERY_KIND, KIND_AGENT, KIND_CAPABILITY, KIND_POOL } from "../object/kinds";
import { objectReturn, objectShortage, objectsReserve } from "../object/slab";
import { confine, ScheduleAttributes } from "../sched/attributes";
import { nodesRelease, nodesReserve } from "../sched/nodes";
import { schedAdmit, schedForget } from "../sched/scheduler";
import { Call, callerOf } from "../syscall/call";
import {
  CLONE_POOL,
  GRANT_BYTES,
  GRANT_CAPABILITY,
  GRANT_HANDLE,
  GRANT_RESERVED,
  GRANT_RIGHTS,
  GRANTS_MAX,
  SPAWN_ARGUMENT,
  SPAWN_CAPABILITIES,
  SPAWN_CHILD,
  SPAWN_GRANT_COUNT,
  SPAWN_GRANTS,
  SPAWN_MESSAGES,
  SPAWN_POOL_RIGHTS,
  SPAWN_SELF_RIGHTS,
} from "../syscall/layouts";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_LIMIT,
  STATUS_NO_MEMORY,
  STATUS_OK,
  STATUS_OUT_OF_RANGE,
  STATUS_OVERLAP,
  STATUS_QUOTA,
  STATUS_TOO_DEEP,
  STATUS_WOULD_WIDEN,
} from "../syscall/status";
import { readStructure } from "../syscall/structure";
import { Agent, AGENT_BYTES, contextOf } from "./agent";
import { agentCreate } from "./create";
import { Image, imageRelease } from "./image";
import { AGENT_FOREGROUND } from "./states";
import { orphan } from "./tree";
import { WORK_START, workAdd } from "./work";

const GRANTS_AT: usize = 128;
export const RANGES_AT: usize = 512;
const FOUND_AT: usize = 768;
const SCHEDULE_AT: usize = 832;
export const EDGES_AT: usize = 896;

@inline
export function scratchOf(call: Call): usize {
  return kernelCpu(call.cpu).scratch;
}

@inline
function grantCount(call: Call): u32 {
  return load<u32>(scratchOf(call), SPAWN_GRANT_COUNT);
}

/** Reads the structure of `bytes` bytes at a1 and its grants, and checks what all three calls share. */
export function birthRead(call: Call, bytes: u32): u32 {
  const at = scratchOf(call);
  const status = readStructure(call, call.a1, at, bytes, true);
  if (status != STATUS_OK) return status;
  const count = grantCount(call);
  if (count > <u32>GRANTS_MAX) return STATUS_OUT_OF_RANGE;
  if (count == 0) return STATUS_OK;
  const list = load<u64>(at, SPAWN_GRANTS);
  const listBytes = count * GRANT_BYTES;
  if (overlaps(list, listBytes, call.a1, bytes)) return STATUS_OVERLAP;
  return readStructure(call, list, at + GRANTS_AT, listBytes, true) || checkGrants(call, count);
}

/** Whether two ranges of addresses have a byte in common; neither goes around the end. */
export function overlaps(a: u64, aBytes: u64, b: u64, bBytes: u64): bool {
  return a < b + bBytes && b < a + aBytes;
}

function checkGrants(call: Call, count: u32): u32 {
  for (let index: u32 = 0; index < count; index++) {
    const grant = scratchOf(call) + GRANTS_AT + <usize>index * GRANT_BYTES;
    const id = load<u64>(grant, GRANT_CAPABILITY);
    const status = capabilityLookup(callerOf(call), id, EVERY_KIND, RIGHT_DERIVE);
    if (status != STATUS_OK) return status;
    if (load<u32>(grant, GRANT_RESERVED) != 0) return STATUS_BAD_ARGUMENT;
    const held = changetype<usize>(capabilityNamed(id));
    store<u32>(scratchOf(call) + FOUND_AT + ((<usize>index) << 2), <u32>held);
  }
  return STATUS_OK;
}

/** Whether the new agent gets a capability to its pool. */
@inline
function givesPool(call: Call): u32 {
  return load<u32>(scratchOf(call), SPAWN_POOL_RIGHTS) != 0 ? 1 : 0;
}

/** Capabilities with which the new agent begins: to itself, to its pool, and what it is granted. */
function capabilityCount(call: Call): u32 {
  return 1 + givesPool(call) + grantCount(call);
}

/** A limit of the new agent: what the structure has at `offset`, else the highest that it may have. */
@inline
function limitAt(call: Call, offset: usize, most: u32): u32 {
  const wished = <u32>load<u16>(scratchOf(call) + offset);
  return wished != 0 ? wished : most;
}

/** Whether its limits are within those of its maker and of `model`, and it can hold what it begins with. */
function limitsHold(call: Call, model: Agent): u32 {
  const caller = callerOf(call);
  const capabilities = min(caller.capabilityLimit, model.capabilityLimit);
  const messages = min(caller.mailboxLimit, model.mailboxLimit);
  const wished = limitAt(call, SPAWN_CAPABILITIES, capabilities);
  if (wished > capabilities || limitAt(call, SPAWN_MESSAGES, messages) > messages) return STATUS_WOULD_WIDEN;
  return capabilityCount(call) > wished ? STATUS_LIMIT : STATUS_OK;
}

/**
 * Whether everything that the new agent needs, but for its memory, is there: `payer` is the
 * capability to the pool that pays, `quota` the size of a pool of its own (0: none), `model` the
 * agent of which it is a copy or a part, else the caller.
 */
export function birthRoom(call: Call, payer: Capability, quota: u64, model: Agent): u32 {
  const caller = callerOf(call);
  if (caller.depth + 1 >= AGENT_DEPTH_MAX) return STATUS_TOO_DEEP;
  const status = limitsHold(call, model) || chainsRoom(call, payer, quota);
  if (status != STATUS_OK) return status;
  const held = capabilityCount(call);
  const own = <u64>AGENT_BYTES + <u64>held * CAPABILITY_BYTES;
  if (quota != 0 && own > quota) return STATUS_QUOTA;
  const pool = changetype<Pool>(payer.target);
  if (quota != 0 && pool.depth + 1 >= POOL_DEPTH_MAX) return STATUS_TOO_DEEP;
  if (quota > pool.quota) return STATUS_QUOTA;
  const charge = quota != 0 ? quota + POOL_BYTES : own;
  if (!poolsHave(pool, charge, changetype<Pool>(caller.pool), CAPABILITY_BYTES)) return STATUS_QUOTA;
  if (!nodesReserve(1, 0)) return STATUS_NO_MEMORY;
  nodesRelease(1, 0);
  return (
    tableRoom(KIND_AGENT, 1, call.cpu) ||
    tableRoom(KIND_CAPABILITY, held + 1, call.cpu) ||
    (quota != 0 ? tableRoom(KIND_POOL, 1, call.cpu) : STATUS_OK)
  );
}

/** Whether what is derived for the new agent stays within the depth of derivations. */
function chainsRoom(call: Call, payer: Capability, quota: u64): u32 {
  if (quota == 0 && givesPool(call) != 0 && payer.depth + 1 >= CAPABILITY_DEPTH_MAX) return STATUS_TOO_DEEP;
  for (let index: u32 = 0; index < grantCount(call); index++)
    if (granted(call, index).depth + 1 >= CAPABILITY_DEPTH_MAX) return STATUS_TOO_DEEP;
  return capabilityRoom(callerOf(call), null, 1);
}

/** Whether two pools, which may be one, have so many bytes left. */
function poolsHave(first: Pool, firstBytes: u64, second: Pool, secondBytes: u64): bool {
  if (first == second) return firstBytes + secondBytes <= poolRoom(first);
  return firstBytes <= poolRoom(first) && secondBytes <= poolRoom(second);
}

function tableRoom(kind: u32, count: u32, cpu: u32): u32 {
  return objectsReserve(kind, count, cpu) ? STATUS_OK : objectShortage(kind, count);
}

@inline
function granted(call: Call, index: u32): Capability {
  return changetype<Capability>(<usize>load<u32>(scratchOf(call) + FOUND_AT + ((<usize>index) << 2)));
}

/**
 * Makes the agent, in the state SPAWNING, with its pool; birthRoom has been asked, about the same
 * model. It has no registers, no memory and no capabilities yet.
 */
export function birthMake(call: Call, payer: Capability, quota: u64, image: Image, model: Agent): Agent {
  const caller = callerOf(call);
  const shared = changetype<Pool>(payer.target);
  const pool = quota == 0 ? shared : changetype<Pool>(poolCreate(shared, quota));
  const slot = agentCreate(caller, pool, image, call.cpu);
  assert(slot != 0, "birthMake: birthRoom promised a control block");
  const agent = changetype<Agent>(slot);
  agent.rightsLeft = caller.rightsLeft & model.rightsLeft;
  agent.capabilityLimit = limitAt(call, SPAWN_CAPABILITIES, min(caller.capabilityLimit, model.capabilityLimit));
  agent.mailboxLimit = limitAt(call, SPAWN_MESSAGES, min(caller.mailboxLimit, model.mailboxLimit));
  return agent;
}

/** Attributes with which the new agent is scheduled as `model` is; it leads no group. */
function scheduleCopy(call: Call, model: Agent): ScheduleAttributes {
  const wish = changetype<ScheduleAttributes>(scratchOf(call) + SCHEDULE_AT);
  wish.class = model.class;
  wish.weight = model.weight;
  wish.budget = model.budget;
  wish.period = model.period;
  wish.deadline = model.relativeDeadline;
  wish.affinity = model.affinity;
  wish.flags = model.flags & AGENT_FOREGROUND;
  wish.reserved = 0;
  return wish;
}

/** The capability to the pool that pays for a clone or a part, which birthFrom has looked up. */
export function payerOf(call: Call): Capability {
  return capabilityNamed(load<u64>(scratchOf(call), CLONE_POOL));
}

/**
 * Makes a new agent, in `call.made`, that has the image and the schedule of `original` and no rights
 * that this has given up: a status. What it copies or takes of the memory is up to the call.
 */
export function birthFrom(call: Call, original: Agent): u32 {
  const named = load<u64>(scratchOf(call), CLONE_POOL);
  const found = capabilityLookup(callerOf(call), named, 1 << KIND_POOL, RIGHT_SPAWN);
  if (found != STATUS_OK) return found;
  const wish = scheduleCopy(call, original);
  const confined = confine(wish, callerOf(call));
  if (confined != STATUS_OK) return confined;
  const room = birthRoom(call, payerOf(call), 0, original);
  if (room != STATUS_OK) return room;
  const agent = birthMake(call, payerOf(call), 0, changetype<Image>(original.image), original);
  call.made = changetype<usize>(agent);
  const admitted = schedAdmit(agent, wish);
  return admitted == STATUS_OK ? STATUS_OK : birthUndo(agent, admitted);
}

/** What the capabilities of birthFinish will cost the new agent's pool, and the caller's if that is it. */
function capabilitiesCharge(call: Call, agent: Agent): u64 {
  const callers: u32 = callerOf(call).pool == agent.pool ? 1 : 0;
  return <u64>(capabilityCount(call) + callers) * CAPABILITY_BYTES;
}

/** Sets aside what capabilities will cost while the new agent gets its memory. */
export function capabilitiesReserve(call: Call, agent: Agent): void {
  const paid = poolCharge(changetype<Pool>(agent.pool), capabilitiesCharge(call, agent));
  assert(paid, "birth: birthRoom promised the capabilities");
}

export function capabilitiesRelease(call: Call, agent: Agent): void {
  poolRelease(changetype<Pool>(agent.pool), capabilitiesCharge(call, agent));
}

/** Gives it its schedule, whose group its pool pays for, with what its capabilities will cost set aside: a status. */
export function birthAdmit(call: Call, agent: Agent, wish: ScheduleAttributes): u32 {
  capabilitiesReserve(call, agent);
  const status = schedAdmit(agent, wish);
  capabilitiesRelease(call, agent);
  return status;
}

/** What its image has in its memory, with what its capabilities will cost set aside: a status. */
export function birthMemory(call: Call, agent: Agent): u32 {
  capabilitiesReserve(call, agent);
  const status = imageEnter(agent);
  capabilitiesRelease(call, agent);
  return status;
}

/**
 * Gives the new agent its capabilities and the caller one to it, and tells both: the agent in its
 * registers, the caller in the structure. The agent starts in a step of its CPU.
 */
export function birthFinish(call: Call, payer: Capability, agent: Agent): void {
  const at = scratchOf(call);
  const most = RIGHTS_ALL & callerOf(call).rightsLeft;
  const self = capabilityCreate(agent, null, KIND_AGENT, agent.id, most & load<u32>(at, SPAWN_SELF_RIGHTS));
  const context = contextOf(agent);
  agent.self = changetype<Capability>(self).id;
  agent.purse = givePool(call, payer, agent, most);
  context.rdi = agent.self;
  context.rsi = agent.purse;
  context.rdx = load<u64>(at, SPAWN_ARGUMENT);
  context.r14 = agent.id;
  for (let index: u32 = 0; index < grantCount(call); index++) {
    const grant = at + GRANTS_AT + <usize>index * GRANT_BYTES;
    const made = capabilityGrant(granted(call, index), agent, most & load<u32>(grant, GRANT_RIGHTS));
    store<u64>(grant, changetype<Capability>(made).id, GRANT_HANDLE);
  }
  const child = capabilityCreate(callerOf(call), null, KIND_AGENT, agent.id, most);
  store<u64>(at, changetype<Capability>(child).id, SPAWN_CHILD);
  tell(call, call.a1 + SPAWN_CHILD, at + SPAWN_CHILD, 8);
  const count = grantCount(call);
  if (count != 0) tell(call, load<u64>(at, SPAWN_GRANTS), at + GRANTS_AT, count * GRANT_BYTES);
  call.value = agent.id;
  workAdd(agent.cpu, WORK_START, agent);
  kick(agent.cpu);
}

/** Identifier of the new agent's capability to its pool; 0 when it gets none. */
function givePool(call: Call, payer: Capability, agent: Agent, most: u32): u64 {
  if (givesPool(call) == 0) return 0;
  const rights = most & payer.rights & load<u32>(scratchOf(call), SPAWN_POOL_RIGHTS);
  const pool = changetype<Pool>(agent.pool);
  const made =
    payer.target == agent.pool
      ? capabilityGrant(payer, agent, rights)
      : capabilityCreate(agent, null, KIND_POOL, pool.id, rights);
  return changetype<Capability>(made).id;
}

function tell(call: Call, address: u64, from: usize, bytes: u32): void {
  const status = copyToUser(callerOf(call), address, from, bytes);
  assert(status == STATUS_OK, "birth: the structure was writable");
}

/** Takes back what birthMake has made, and memory, as if it had never been: `status` says why. */
export function birthUndo(agent: Agent, status: u32): u32 {
  const pool = changetype<Pool>(agent.pool);
  while (!spaceDestroy(agent)) {}
  schedForget(agent);
  orphan(agent);
  imageRelease(changetype<Image>(agent.image));
  poolRelease(pool, AGENT_BYTES);
  objectReturn(changetype<usize>(agent));
  pool.references -= 1;
  if (pool.references != 0) return status;
  const payer = changetype<Pool>(pool.parent);
  payer.references -= 1;
  poolRelease(payer, pool.quota + POOL_BYTES);
  objectReturn(changetype<usize>(pool));
  return status;
}
