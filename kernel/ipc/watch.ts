/**
 * Watches: what EndpointNotify arms. When a pipe or a queue has so much, or room for so much, a message
 * comes to a queue of the watcher's, once.
 *
 *   watched endpoint ── watch ── watch        by next, previous: what is looked at when it changes
 *                         │        │
 *   queue of the watcher ─┴────────┘          by nextReserved, previousReserved: places that are taken
 *
 * A watch is that message: it is made and paid when it is armed, and has a place in its queue, so when the
 * condition comes true nothing can fail and nothing overshoots. A queue is either watched or told by
 * watches: one message never sets off another.
 */
import { Agent } from "../agent/agent";
import { agentOver } from "../agent/tree";
import { kernel, Ptr } from "../state";
import { KernelObject } from "../object/slab";
import { Pool } from "../mm/pool";
import { NOTIFY_BYTES } from "../syscall/ipc_layouts";
import { Endpoint } from "./endpoint";
import { Message, messageReturn, messageTake } from "./message";
import { queueAppend, queueOf } from "./message_queue";
import { NOTIFY_DATA, NOTIFY_GONE } from "./notify_kinds";
import { wakeForContent } from "./wake";

/** The message as it waits for its condition; all of this lies in the area of its payload. */
@unmanaged
export class Watch extends Message {
  // What it says, as ipc_layouts.ts has it.
  tag: u64;
  condition: u64;
  /** The least amount that is to be there; once it is told, the amount that was. */
  amount: u64;
  /** The endpoint that it watches, and its neighbours in that one's list. */
  source: Ptr<Endpoint>;
  nextWatch: Ptr<Watch>;
  previousWatch: Ptr<Watch>;
  /** The queue that has a place for it, and its neighbours in that one's list. */
  queue: Ptr<Endpoint>;
  nextReserved: Ptr<Watch>;
  previousReserved: Ptr<Watch>;
}

/** Bytes or messages that are in the endpoint, or that it has room for. */
@inline
function amountOf(endpoint: Endpoint, condition: u64): u32 {
  return condition == NOTIFY_DATA ? endpoint.count : endpoint.capacity - endpoint.count;
}

/** Whether the watch's condition is true. */
@inline
export function watchHolds(watch: Watch): bool {
  const source = changetype<Endpoint>(watch.source);
  return amountOf(source, watch.condition) >= <u32>watch.amount;
}

/** A watch, in no list, that the queue's pool pays; 0 when it can't, or no slot was left. */
export function watchTake(queue: Endpoint): usize {
  return messageTake(changetype<Pool>(queue.pool), NOTIFY_BYTES, changetype<Agent>(queue.owner).cpu);
}

/** Takes the queue's place for the watch, which tells it of `source` as soon as the condition is true. */
export function watchArm(watch: Watch, source: Endpoint, queue: Endpoint, condition: u64, tag: u64, least: u64): void {
  assert(queue.count + queue.reserved < queue.capacity, "watchArm: the queue is full");
  const at = changetype<usize>(watch);
  watch.sender = changetype<KernelObject>(kernel().authority).id;
  // The number that it has when nothing comes before it.
  watch.sequence = queue.told + 1;
  watch.capability = 0;
  watch.next = 0;
  watch.tag = tag;
  watch.condition = condition;
  watch.amount = least;
  watch.source = changetype<usize>(source);
  watch.previousWatch = lastWatch(source);
  watch.nextWatch = 0;
  if (watch.previousWatch == 0) source.watchFirst = at;
  else changetype<Watch>(watch.previousWatch).nextWatch = at;
  source.watchCount += 1;
  watch.queue = changetype<usize>(queue);
  watch.previousReserved = 0;
  watch.nextReserved = queue.reservedFirst;
  if (queue.reservedFirst != 0) changetype<Watch>(queue.reservedFirst).previousReserved = at;
  queue.reservedFirst = at;
  queue.reserved += 1;
}

/** The youngest watch, which is told last: of WATCHES_MAX at most. */
function lastWatch(source: Endpoint): usize {
  let last = source.watchFirst;
  while (last != 0 && changetype<Watch>(last).nextWatch != 0) last = changetype<Watch>(last).nextWatch;
  return last;
}

/** Takes the watch out of both lists. */
function disarm(watch: Watch): void {
  const source = changetype<Endpoint>(watch.source);
  if (watch.previousWatch == 0) source.watchFirst = watch.nextWatch;
  else changetype<Watch>(watch.previousWatch).nextWatch = watch.nextWatch;
  if (watch.nextWatch != 0) changetype<Watch>(watch.nextWatch).previousWatch = watch.previousWatch;
  source.watchCount -= 1;
  const queue = changetype<Endpoint>(watch.queue);
  if (watch.previousReserved == 0) queue.reservedFirst = watch.nextReserved;
  else changetype<Watch>(watch.previousReserved).nextReserved = watch.nextReserved;
  if (watch.nextReserved != 0) changetype<Watch>(watch.nextReserved).previousReserved = watch.previousReserved;
  queue.reserved -= 1;
}

/** The watch is not wanted any more. */
export function watchCancel(watch: Watch): void {
  disarm(watch);
  messageReturn(watch);
}

/** The watch is told, of its condition or of the end of what it watches. */
function tell(watch: Watch, gone: bool): void {
  const source = changetype<Endpoint>(watch.source);
  const queue = changetype<Endpoint>(watch.queue);
  disarm(watch);
  watch.amount = gone ? 0 : amountOf(source, watch.condition);
  if (gone) watch.condition = NOTIFY_GONE;
  queue.told += 1;
  watch.sequence = queue.told;
  queueAppend(queueOf(queue), watch);
  wakeForContent(queue);
}

/** Tells the watch if it has something to tell; whether it had. */
export function watchLook(watch: Watch): bool {
  const source = changetype<Endpoint>(watch.source);
  const gone = agentOver(changetype<Agent>(source.owner));
  if (!gone && !watchHolds(watch)) return false;
  tell(watch, gone);
  return true;
}

/** The endpoint's content has changed. */
@inline
export function watchesLook(endpoint: Endpoint): void {
  if (endpoint.watchFirst != 0) lookAtAll(endpoint);
}

function lookAtAll(endpoint: Endpoint): void {
  let at = endpoint.watchFirst;
  while (at != 0) {
    const watch = changetype<Watch>(at);
    at = watch.nextWatch;
    watchLook(watch);
  }
}

/** Takes back the watches of the endpoint that have this queue, condition and tag; how many. */
export function watchesCancel(source: Endpoint, queue: Endpoint, condition: u64, tag: u64): u32 {
  let count: u32 = 0;
  let at = source.watchFirst;
  while (at != 0) {
    const watch = changetype<Watch>(at);
    at = watch.nextWatch;
    if (watch.queue != changetype<usize>(queue) || watch.condition != condition || watch.tag != tag) continue;
    watchCancel(watch);
    count += 1;
  }
  return count;
}

/** The endpoint goes: who watches it is told, and what it was to be told is off. */
export function watchesEnd(endpoint: Endpoint): void {
  while (endpoint.watchFirst != 0) tell(changetype<Watch>(endpoint.watchFirst), true);
  while (endpoint.reservedFirst != 0) watchCancel(changetype<Watch>(endpoint.reservedFirst));
}
