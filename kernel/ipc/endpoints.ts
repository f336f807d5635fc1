/** The life of endpoints and timers. */
import { PAGE_BYTES, physical, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { frameAlloc, frameFree, orderFor, OWNER_AGENT } from "../mm/frames";
import { Pool, poolRelease } from "../mm/pool";
import { linkClose } from "../network/link";
import { KIND_ENDPOINT, KIND_TIMER } from "../object/kinds";
import { objectAllocate, objectFree, objectReturn } from "../object/slab";
import { Endpoint, waitersOf } from "./endpoint";
import { ENDPOINT_MUTEX, ENDPOINT_PIPE, ENDPOINT_QUEUE } from "./endpoint_kinds";
import { messageFree } from "./message";
import { queueOf, queueTake } from "./message_queue";
import { mutexDrop } from "./mutex";
import { IntervalTimer, timerWaiters } from "./timer";
import { abandon } from "./wake";
import { watchesEnd } from "./watch";

/** Bytes of the block of frames that a pipe's ring takes. */
function ringBytes(type: u32, capacity: u32): u64 {
  return type == ENDPOINT_PIPE ? PAGE_BYTES << orderFor(capacity) : 0;
}

/** What an endpoint costs its pool, without what is in it. */
export function endpointCost(type: u32, capacity: u32): u64 {
  return <u64>offsetof<Endpoint>() + ringBytes(type, capacity);
}

/** An endpoint that `pool`, which was charged, pays; 0 when the table is full or RAM is short. */
export function endpointMake(owner: Agent, pool: Pool, type: u32, capacity: u32): usize {
  const slot = objectAllocate(KIND_ENDPOINT, owner.cpu);
  if (slot == 0) return 0;
  const endpoint = changetype<Endpoint>(slot);
  if (type == ENDPOINT_PIPE) {
    const ring = frameAlloc(orderFor(capacity), OWNER_AGENT);
    if (ring == 0) {
      objectReturn(slot);
      return 0;
    }
    endpoint.ring = pointer(ring);
  }
  endpoint.type = type;
  endpoint.capacity = capacity;
  endpoint.owner = changetype<usize>(owner);
  endpoint.pool = changetype<usize>(pool);
  pool.references += 1;
  endpoint.next = owner.endpoints;
  if (owner.endpoints != 0) changetype<Endpoint>(owner.endpoints).previous = slot;
  owner.endpoints = slot;
  owner.endpointCount += 1;
  return slot;
}

/** Closes an endpoint: what is in it is gone, and who waits for it is told. How much was in it. */
export function endpointDestroy(endpoint: Endpoint): u32 {
  const count = endpoint.count;
  if (endpoint.type == ENDPOINT_MUTEX && endpoint.holder != 0) mutexDrop(endpoint);
  abandon(waitersOf(endpoint));
  watchesEnd(endpoint);
  if (endpoint.type == ENDPOINT_QUEUE)
    while (endpoint.count != 0) messageFree(queueTake(queueOf(endpoint)));
  if (endpoint.link != 0) linkClose(endpoint);
  if (endpoint.ring != 0) frameFree(physical(endpoint.ring));
  const owner = changetype<Agent>(endpoint.owner);
  if (endpoint.previous == 0) owner.endpoints = endpoint.next;
  else changetype<Endpoint>(endpoint.previous).next = endpoint.next;
  if (endpoint.next != 0) changetype<Endpoint>(endpoint.next).previous = endpoint.previous;
  owner.endpointCount -= 1;
  const pool = changetype<Pool>(endpoint.pool);
  poolRelease(pool, endpointCost(endpoint.type, endpoint.capacity));
  pool.references -= 1;
  objectFree(changetype<usize>(endpoint));
  return count;
}

/** A timer, off, that the owner's pool, which was charged, pays; 0 when there is no slot. */
export function timerMake(owner: Agent): usize {
  const slot = objectAllocate(KIND_TIMER, owner.cpu);
  if (slot == 0) return 0;
  const timer = changetype<IntervalTimer>(slot);
  timer.expiry = u64.MAX_VALUE;
  timer.owner = changetype<usize>(owner);
  timer.pool = owner.pool;
  timer.next = owner.timers;
  if (owner.timers != 0) changetype<IntervalTimer>(owner.timers).previous = slot;
  owner.timers = slot;
  owner.timerCount += 1;
  return slot;
}

export function timerDestroy(timer: IntervalTimer): void {
  abandon(timerWaiters(timer));
  const owner = changetype<Agent>(timer.owner);
  if (timer.previous == 0) owner.timers = timer.next;
  else changetype<IntervalTimer>(timer.previous).next = timer.next;
  if (timer.next != 0) changetype<IntervalTimer>(timer.next).previous = timer.previous;
  owner.timerCount -= 1;
  poolRelease(changetype<Pool>(timer.pool), offsetof<IntervalTimer>());
  objectFree(changetype<usize>(timer));
}
