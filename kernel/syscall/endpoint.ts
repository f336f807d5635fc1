/** System calls: endpoints, and what is not a message: bytes of pipes, counts of events, mutexes. */
import { Agent } from "../agent/agent";
import { agentOver } from "../agent/tree";
import { Capability } from "../cap/capability";
import { Endpoint, waitersOf } from "../ipc/endpoint";
import { endpointCost, endpointDestroy, endpointMake, timerDestroy } from "../ipc/endpoints";
import { ENDPOINT_EVENT, ENDPOINT_MUTEX, ENDPOINT_PIPE, ENDPOINT_QUEUE } from "../ipc/endpoint_kinds";
import { mutexRelease } from "../ipc/mutex";
import { pipeRead, pipeWrite } from "../ipc/pipe";
import { IntervalTimer } from "../ipc/timer";
import { batonDrop, wakeFirst, wakeForContent } from "../ipc/wake";
import { watchesLook } from "../ipc/watch";
import { ENDPOINTS_PER_AGENT_MAX, PIPE_BYTES_MAX, QUEUE_MESSAGES_MAX } from "../limits";
import { Pool, poolCharge, poolRelease } from "../mm/pool";
import { userCheck } from "../mm/user";
import { KIND_ENDPOINT, KIND_TIMER } from "../object/kinds";
import { objectShortage } from "../object/slab";
import { Call, callerOf } from "./call";
import { nameObject, roomForObject } from "./name";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_CAPABILITY_KIND,
  STATUS_EMPTY,
  STATUS_FULL,
  STATUS_LIMIT,
  STATUS_NOT_OWNER,
  STATUS_OBJECT_GONE,
  STATUS_OK,
  STATUS_OUT_OF_RANGE,
  STATUS_QUOTA,
  STATUS_TOO_LARGE,
} from "./status";

/** Highest capacity of each type of endpoint; 0: there is no such type. */
function capacityMax(type: u64): u64 {
  if (type == ENDPOINT_QUEUE) return QUEUE_MESSAGES_MAX;
  if (type == ENDPOINT_PIPE) return PIPE_BYTES_MAX;
  if (type == ENDPOINT_EVENT) return u32.MAX_VALUE;
  return type == ENDPOINT_MUTEX ? 1 : 0;
}

/** EndpointCreate: a1 type, a2 capacity. */
export function endpointCreate(call: Call): u32 {
  const agent = callerOf(call);
  const pool = changetype<Pool>(call.object);
  const highest = capacityMax(call.a1);
  if (highest == 0) return STATUS_BAD_ARGUMENT;
  if (call.a2 == 0 || call.a2 > highest) return STATUS_OUT_OF_RANGE;
  if (agent.endpointCount >= ENDPOINTS_PER_AGENT_MAX) return STATUS_LIMIT;
  const type = <u32>call.a1;
  const capacity = <u32>call.a2;
  const cost = endpointCost(type, capacity);
  const room = roomForObject(call, pool, cost);
  if (room != STATUS_OK) return room;
  if (!poolCharge(pool, cost)) return STATUS_QUOTA;
  const made = endpointMake(agent, pool, type, capacity);
  if (made == 0) {
    poolRelease(pool, cost);
    return objectShortage(KIND_ENDPOINT);
  }
  nameObject(call, KIND_ENDPOINT, made);
  return STATUS_OK;
}

/** EndpointClose, of an endpoint or a timer. */
export function endpointClose(call: Call): u32 {
  if (changetype<Capability>(call.held).kind == <u8>KIND_TIMER) timerDestroy(changetype<IntervalTimer>(call.object));
  else call.value = endpointDestroy(changetype<Endpoint>(call.object));
  return STATUS_OK;
}

/** The endpoint that the call names, if it is a pipe, and a1, a2 are bytes that a pipe could take. */
function pipeStatus(call: Call, write: bool): u32 {
  if (changetype<Endpoint>(call.object).type != ENDPOINT_PIPE) return STATUS_CAPABILITY_KIND;
  if (call.a2 > <u64>PIPE_BYTES_MAX) return STATUS_TOO_LARGE;
  return call.a2 == 0 ? STATUS_OK : userCheck(callerOf(call), call.a1, call.a2, write);
}

/** PipeWrite: a1 address, a2 bytes; as many as there is room for. */
export function pipeWriteCall(call: Call): u32 {
  const status = pipeStatus(call, false);
  if (status != STATUS_OK) return status;
  const pipe = changetype<Endpoint>(call.object);
  if (agentOver(changetype<Agent>(pipe.owner))) return STATUS_OBJECT_GONE;
  const moved = min(<u32>call.a2, pipe.capacity - pipe.count);
  if (moved == 0) return call.a2 == 0 ? STATUS_OK : STATUS_FULL;
  const written = pipeWrite(pipe, callerOf(call), call.a1, moved);
  if (written != STATUS_OK) return written;
  call.value = moved;
  wakeForContent(pipe);
  watchesLook(pipe);
  return STATUS_OK;
}

/** PipeRead: a1 address, a2 bytes; as many as there are. */
export function pipeReadCall(call: Call): u32 {
  const status = pipeStatus(call, true);
  if (status != STATUS_OK) return status;
  const pipe = changetype<Endpoint>(call.object);
  const agent = callerOf(call);
  const moved = min(<u32>call.a2, pipe.count);
  if (moved == 0) {
    if (call.a2 == 0) return STATUS_OK;
    batonDrop(agent, pipe.id);
    return STATUS_EMPTY;
  }
  const read = pipeRead(pipe, agent, call.a1, moved);
  if (read != STATUS_OK) return read;
  batonDrop(agent, pipe.id);
  call.value = moved;
  // One write may be enough for several readers, and woke one.
  if (pipe.count != 0) wakeForContent(pipe);
  watchesLook(pipe);
  return STATUS_OK;
}

/** EventSignal: an event counts a1 more; a mutex is released. */
export function eventSignal(call: Call): u32 {
  const endpoint = changetype<Endpoint>(call.object);
  if (endpoint.type == ENDPOINT_MUTEX) return release(call, endpoint);
  if (endpoint.type != ENDPOINT_EVENT) return STATUS_CAPABILITY_KIND;
  if (call.a1 == 0 || call.a1 > u32.MAX_VALUE) return STATUS_OUT_OF_RANGE;
  const count = <u32>call.a1;
  const taken = min(count, endpoint.waitCount);
  // Agents wait only while the count is 0.
  if (count - taken > endpoint.capacity - endpoint.count) return STATUS_FULL;
  for (let woken: u32 = 0; woken < taken; woken++) wakeFirst(waitersOf(endpoint), 0);
  endpoint.count += count - taken;
  call.value = taken;
  return STATUS_OK;
}

function release(call: Call, mutex: Endpoint): u32 {
  if (call.a1 > 1) return STATUS_OUT_OF_RANGE;
  if (mutex.holder != call.agent) return STATUS_NOT_OWNER;
  call.value = mutexRelease(mutex);
  return STATUS_OK;
}
