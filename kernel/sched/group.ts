/**
 * Groups: an agent's children share its weight. In each CPU a group has a context of its own in the
 * queue above it, and a queue with its members: the leader, its descendants, and groups among them.
 *
 *   CPU 0's queue:  agent a    group g (share 683)    agent b        CPU 1's:  group g (share 341)
 *                              |                                               |
 *                              leader, child 1                                 child 2
 *
 * The weight of the leader is divided among the CPUs as the weight of what is runnable there is; the
 * division is made anew when an epoch begins.
 */
import { pointer, physical } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { GROUP_DEPTH_MAX } from "../limits";
import { frameAllocZeroed, frameFree, orderFor, OWNER_KERNEL } from "../mm/frames";
import { Pool, poolCharge, poolRelease } from "../mm/pool";
import { Ptr } from "../state";
import { STATUS_NO_MEMORY, STATUS_QUOTA } from "../syscall/status";
import { ENTITY_RESERVED } from "./entity";
import { FairQueue, fairForget, fairFree, fairInit } from "./fair";
import { nodesRelease, nodesReserve } from "./nodes";
import { CONTEXT_GROUP, Schedulable } from "./schedulable";
import { sched, schedCpu } from "./sched";

@unmanaged
export class GroupCpu extends Schedulable {
  group: Ptr<Group>;
  /** The members that are runnable on this CPU, and their weight. */
  inner: Ptr<FairQueue>;
  innerLoad: u64;
  /** Neighbours in the CPU's list of groups that have somebody to run. */
  nextGroup: Ptr<GroupCpu>;
  previousGroup: Ptr<GroupCpu>;
}

@unmanaged
export class Group {
  parent: Ptr<Group>;
  cpus: Ptr<GroupCpu>;
  /** Who pays for its memory. */
  pool: Ptr<Pool>;
  /** Agents and groups that belong to it. */
  members: u32;
  /** What its members share: the leader's. */
  weight: u32;
  /** Groups above it. */
  depth: u32;
  /** Weight of what is runnable in it on all CPUs. */
  load: u64;
}

/** Bytes of a group, whole frames. */
function groupBytes(): u64 {
  const each = offsetof<GroupCpu>() + offsetof<FairQueue>();
  const bytes = offsetof<Group>() + <usize>sched().cpuCount * each;
  return <u64>4096 << orderFor(bytes);
}

@inline
export function groupCpu(group: usize, cpu: u32): GroupCpu {
  return changetype<GroupCpu>(changetype<Group>(group).cpus + <usize>cpu * offsetof<GroupCpu>());
}

/** The group in which `leader`'s own group would be, and whether that is not too deep. */
export function groupFits(outer: usize): bool {
  return outer == 0 || changetype<Group>(outer).depth + 1 < GROUP_DEPTH_MAX;
}

/** An empty group inside `outer` (0: none) that `leader`'s pool pays; or the status that says why not. */
export function groupCreate(leader: Agent, outer: usize, weight: u32): usize {
  const pool = changetype<Pool>(leader.pool);
  if (!poolCharge(pool, groupBytes())) return STATUS_QUOTA;
  const count = sched().cpuCount;
  // A context and a queue (a tree for the runnable and one for ghosts) a CPU.
  const reserved = nodesReserve(count, 2 * count);
  const frames = reserved ? frameAllocZeroed(orderFor(groupBytes()), OWNER_KERNEL) : 0;
  if (reserved && frames == 0) nodesRelease(count, 2 * count);
  if (frames == 0) {
    poolRelease(pool, groupBytes());
    return STATUS_NO_MEMORY;
  }
  const group = changetype<Group>(pointer(frames));
  prepare(group, leader, outer, weight);
  return changetype<usize>(group);
}

function prepare(group: Group, leader: Agent, outer: usize, weight: u32): void {
  group.parent = outer;
  group.pool = leader.pool;
  changetype<Pool>(leader.pool).references += 1;
  group.weight = weight;
  if (outer != 0) {
    changetype<Group>(outer).members += 1;
    group.depth = changetype<Group>(outer).depth + 1;
  }
  group.cpus = changetype<usize>(group) + offsetof<Group>();
  const queues = group.cpus + <usize>sched().cpuCount * offsetof<GroupCpu>();
  // What was reserved as a whole is now taken queue by queue.
  nodesRelease(0, 2 * sched().cpuCount);
  for (let index: u32 = 0; index < sched().cpuCount; index++) {
    const it = groupCpu(changetype<usize>(group), index);
    it.id = leader.id;
    it.context = CONTEXT_GROUP;
    it.group = changetype<usize>(group);
    it.slice = sched().quantum;
    it.inner = queues + <usize>index * offsetof<FairQueue>();
    it.queueFlags = ENTITY_RESERVED;
    const made = fairInit(changetype<FairQueue>(it.inner));
    assert(made, "groupCreate: nodes were reserved");
  }
}

/** Takes back a group that nobody has come into. */
export function groupDiscard(at: usize): void {
  changetype<Group>(at).members = 1;
  groupRelease(at);
}

/** A member leaves; the last one takes the group with it, and so upwards. */
export function groupRelease(at: usize): void {
  while (at != 0) {
    const group = changetype<Group>(at);
    assert(group.members > 0, "groupRelease: nobody is in it");
    group.members -= 1;
    if (group.members > 0) return;
    const parent = group.parent;
    destroy(group);
    at = parent;
  }
}

function destroy(group: Group): void {
  for (let index: u32 = 0; index < sched().cpuCount; index++) {
    const it = groupCpu(changetype<usize>(group), index);
    fairForget(changetype<FairQueue>(it.queue == 0 ? schedCpu(index).fair : it.queue), it);
    fairFree(changetype<FairQueue>(it.inner));
  }
  const pool = changetype<Pool>(group.pool);
  poolRelease(pool, groupBytes());
  pool.references -= 1;
  frameFree(physical(changetype<usize>(group)));
}

/** What a group's context weighs on CPU `it` is of. */
export function groupShare(it: GroupCpu): u32 {
  const group = changetype<Group>(it.group);
  if (group.load == 0) return group.weight;
  return max(<u32>((<u64>group.weight * it.innerLoad) / group.load), 1);
}
