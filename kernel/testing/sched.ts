/** The scheduler's queues by themselves, with loops over them for the benchmarks. */
import { pointer } from "../../hal/memory";
import { frameAllocZeroed, orderFor, OWNER_KERNEL } from "../mm/frames";
import { edfJoin, edfPick, edfRequeue } from "../sched/edf";
import { Entity } from "../sched/entity";
import { FairQueue, fairCharge, fairPick, fairRequeue, ghostsOf } from "../sched/fair";
import { nodesBelow } from "../sched/fair_valid";
import { Heap } from "../sched/heap";
import { nodes } from "../sched/nodes";

export {
  fairCharge,
  fairEligible,
  fairForget,
  fairFree,
  fairInit,
  fairJoin,
  fairLag,
  fairLeave,
  fairMigrate,
  fairPick,
  fairRequeue,
  fairRest,
  fairReweigh,
} from "../sched/fair";
export { fairValid } from "../sched/fair_valid";
export { edfInit, edfJoin, edfLeave, edfPick, edfRequeue } from "../sched/edf";
export { heapDeadline, heapFree, heapReserve, heapValid } from "../sched/heap";

/** Bytes from one entity to the next, as far apart as those of agents are at least. */
export const ENTITY_STRIDE: u32 = 128;

/** Zeroed memory for a queue; 0 when there is no frame. */
export function newFairQueue(): usize {
  const frame = frameAllocZeroed(0, OWNER_KERNEL);
  return frame == 0 ? 0 : pointer(frame);
}

export function newHeap(): usize {
  return newFairQueue();
}

/** Zeroed memory for `count` entities, ENTITY_STRIDE apart; 0 when there is not enough. */
export function newEntities(count: u32): usize {
  const block = frameAllocZeroed(orderFor(<u64>count * ENTITY_STRIDE), OWNER_KERNEL);
  return block == 0 ? 0 : pointer(block);
}

export function setEntity(entity: Entity, id: u64, weight: u32, slice: u32): void {
  entity.id = id;
  entity.weight = weight;
  entity.slice = slice;
}

/** Starts virtual time at `v`: tests look at what happens where it wraps around. */
export function setVirtualTime(queue: FairQueue, v: u64): void {
  queue.v = v;
}

export function virtualTime(queue: FairQueue): u64 {
  return queue.v;
}

export function virtualPart(queue: FairQueue): u64 {
  return queue.part;
}

export function queueWeight(queue: FairQueue): u64 {
  return queue.weight;
}

export function queueRunnable(queue: FairQueue): u32 {
  return queue.runnable;
}

export function queueGhosts(queue: FairQueue): u32 {
  return ghostsOf(queue).entries;
}

export function queueHeight(queue: FairQueue): u32 {
  return queue.height;
}

export function queueNodes(queue: FairQueue): u32 {
  return nodesBelow(queue.root, queue.height, queue.rootCount);
}

export function nodesUsed(): u32 {
  return nodes().used;
}

export function nodesTotal(): u32 {
  return nodes().total;
}

export function nodesReserved(): u32 {
  return nodes().entries;
}

export function entityV(entity: Entity): u64 {
  return entity.v;
}

export function entityRemainder(entity: Entity): u32 {
  return entity.remainder;
}

export function entityDeadline(entity: Entity): u64 {
  return entity.deadline;
}

export function entityWeight(entity: Entity): u32 {
  return entity.weight;
}

export function entityFlags(entity: Entity): u32 {
  return entity.queueFlags;
}

export function edfSetDeadline(entity: Entity, deadline: u64): void {
  entity.deadline = deadline;
}

export function setSlice(entity: Entity, slice: u32): void {
  entity.slice = slice;
}

/** Queues `count` entities that have the given deadlines: u64 after u64 at `deadlines`. */
export function edfFill(queue: Heap, entities: usize, count: u32, deadlines: usize): void {
  for (let index: usize = 0; index < count; index++) {
    const entity = changetype<Entity>(entities + index * ENTITY_STRIDE);
    entity.deadline = load<u64>(deadlines + (index << 3));
    edfJoin(queue, entity);
  }
}

/** `count` decisions: the one picked runs for its slice. A digest of who it was, in order. */
export function fairLoop(queue: FairQueue, count: u32): u32 {
  let digest: u32 = 0;
  for (let turn: u32 = 0; turn < count; turn++) {
    const entity = fairPick(queue)!;
    fairCharge(queue, entity, entity.slice);
    fairRequeue(queue, entity);
    digest = digest * 31 + <u32>entity.id;
  }
  return digest;
}

/** `count` decisions: the first is due again a period later; slices stand for periods here. */
export function edfLoop(queue: Heap, count: u32): u32 {
  let digest: u32 = 0;
  for (let turn: u32 = 0; turn < count; turn++) {
    const entity = edfPick(queue)!;
    edfRequeue(queue, entity, entity.deadline + entity.slice);
    digest = digest * 31 + <u32>entity.id;
  }
  return digest;
}
