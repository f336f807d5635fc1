/** System call: messages about what happens to pipes and queues. */
import { Agent } from "../agent/agent";
import { capabilityLookup, capabilityNamed } from "../cap/authorize";
import { RIGHT_RECEIVE, RIGHT_SEND } from "../cap/rights";
import { Endpoint } from "../ipc/endpoint";
import { ENDPOINT_PIPE, ENDPOINT_QUEUE } from "../ipc/endpoint_kinds";
import { messageCost } from "../ipc/message";
import { NOTIFY_DATA, NOTIFY_ROOM } from "../ipc/notify_kinds";
import { Watch, watchArm, watchesCancel, watchLook, watchTake } from "../ipc/watch";
import { WATCHES_MAX } from "../limits";
import { Pool } from "../mm/pool";
import { KIND_ENDPOINT, KIND_MESSAGE } from "../object/kinds";
import { objectShortage } from "../object/slab";
import { Call, callerOf } from "./call";
import { NOTIFY_BYTES } from "./ipc_layouts";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_CAPABILITY_KIND,
  STATUS_FULL,
  STATUS_LIMIT,
  STATUS_NOT_OWNER,
  STATUS_OK,
  STATUS_OUT_OF_RANGE,
  STATUS_QUOTA,
  STATUS_TOO_DEEP,
} from "./status";

/** Who waits for room wants to put something there. */
export function notifyRight(call: Call): u32 {
  return call.a2 == NOTIFY_ROOM ? RIGHT_SEND : RIGHT_RECEIVE;
}

/** EndpointNotify: a1 queue of the caller's, a2 condition, a3 tag, a4 least amount; 0: not any more. */
export function endpointNotify(call: Call): u32 {
  const source = changetype<Endpoint>(call.object);
  if (source.type != ENDPOINT_PIPE && source.type != ENDPOINT_QUEUE) return STATUS_CAPABILITY_KIND;
  if (call.a2 != NOTIFY_DATA && call.a2 != NOTIFY_ROOM) return STATUS_BAD_ARGUMENT;
  if (call.a4 > <u64>source.capacity) return STATUS_OUT_OF_RANGE;
  const caller = callerOf(call);
  const found = capabilityLookup(caller, call.a1, 1 << KIND_ENDPOINT, RIGHT_RECEIVE);
  if (found != STATUS_OK) return found;
  const queue = changetype<Endpoint>(capabilityNamed(call.a1).target);
  if (queue.type != ENDPOINT_QUEUE) return STATUS_CAPABILITY_KIND;
  if (changetype<Agent>(queue.owner) != caller) return STATUS_NOT_OWNER;
  if (call.a4 != 0) return arm(call, source, queue);
  call.value = watchesCancel(source, queue, call.a2, call.a3);
  return STATUS_OK;
}

function arm(call: Call, source: Endpoint, queue: Endpoint): u32 {
  if (queue == source || queue.watchCount != 0 || source.reserved != 0) return STATUS_TOO_DEEP;
  if (source.watchCount >= WATCHES_MAX) return STATUS_LIMIT;
  if (queue.count + queue.reserved >= queue.capacity) return STATUS_FULL;
  const made = watchTake(queue);
  if (made == 0) {
    const pool = changetype<Pool>(queue.pool);
    return messageCost(NOTIFY_BYTES) > pool.quota - pool.used ? STATUS_QUOTA : objectShortage(KIND_MESSAGE);
  }
  const watch = changetype<Watch>(made);
  watchArm(watch, source, queue, call.a2, call.a3, call.a4);
  call.value = watchLook(watch) ? 1 : 0;
  return STATUS_OK;
}
