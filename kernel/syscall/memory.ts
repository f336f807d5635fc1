/** System calls: an agent's own memory, and the pools that pay for it. */
import { PAGE_BYTES } from "../../hal/memory";
import { agentFind } from "../agent/agent";
import { POOL_DEPTH_MAX, PREDICTION_WRITE_MAX, PREDICTIONS_MAX } from "../limits";
import { memoryAllocate, memoryFree, memoryProtect } from "../mm/memory";
import { USER_BASE } from "../mm/layout";
import { unmapBlocks } from "../mm/objects";
import { POOL_BYTES, Pool, poolCreate, poolDrop, poolHold } from "../mm/pool";
import { PREDICTION_BYTES, predictionAt, predictionFind, predictionFree, predictionKept } from "../mm/predictions";
import { KIND_POOL } from "../object/kinds";
import { objectShortage } from "../object/slab";
import { now } from "../time";
import { Call, callerOf } from "./call";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_LIMIT,
  STATUS_MISALIGNED,
  STATUS_OBJECT_GONE,
  STATUS_OK,
  STATUS_QUOTA,
  STATUS_TOO_DEEP,
  STATUS_TOO_LARGE,
} from "./status";
import { nameObject, roomForObject } from "./name";
import { readStructure } from "./structure";

/** AgentPoolAlloc: a child pool of a1 bytes. */
export function agentPoolAlloc(call: Call): u32 {
  const parent = changetype<Pool>(call.object);
  if (call.a1 == 0) return STATUS_BAD_ARGUMENT;
  if (parent.depth + 1 >= POOL_DEPTH_MAX) return STATUS_TOO_DEEP;
  if (call.a1 > parent.quota) return STATUS_QUOTA;
  const room = roomForObject(call, parent, call.a1 + POOL_BYTES);
  if (room != STATUS_OK) return room;
  const slot = poolCreate(parent, call.a1);
  if (slot == 0) return objectShortage(KIND_POOL);
  const pool = changetype<Pool>(slot);
  // Held while its capability is made: without one the pool ends here.
  poolHold(pool);
  nameObject(call, KIND_POOL, slot);
  poolDrop(pool);
  return STATUS_OK;
}

/** AgentMemAlloc: a1 bytes at a2 (0: anywhere), with a3 = protection and MEMORY_… flags. */
export function agentMemAlloc(call: Call): u32 {
  const result = memoryAllocate(callerOf(call), changetype<Pool>(call.object), call.a2, call.a1, call.a3);
  if (result < USER_BASE) return <u32>result;
  call.value = result;
  return STATUS_OK;
}

/** AgentMemFree: a2 bytes from a1. */
export function agentMemFree(call: Call): u32 {
  return memoryFree(callerOf(call), changetype<Pool>(call.object), call.a1, call.a2);
}

/** PageUnmap: the blocks of frames that make up a2 bytes from a1. */
export function pageUnmap(call: Call): u32 {
  return unmapBlocks(callerOf(call), call.a1, call.a2);
}

/** PageProtect: protection a3 for a2 bytes from a1. */
export function pageProtect(call: Call): u32 {
  return memoryProtect(callerOf(call), call.a1, call.a2, call.a3);
}

/** PredictionWrite: a2 records (mm/predictions.ts) at a1. */
export function predictionWrite(call: Call): u32 {
  if (call.a2 == 0) return STATUS_BAD_ARGUMENT;
  if (call.a2 > PREDICTION_WRITE_MAX) return STATUS_TOO_LARGE;
  const bytes = <u32>call.a2 * PREDICTION_BYTES;
  // Behind the table there is room for the records of one call.
  const records = predictionAt(PREDICTIONS_MAX);
  const read = readStructure(call, call.a1, changetype<usize>(records), bytes);
  if (read != STATUS_OK) return read;
  const status = predictionsStatus(<u32>call.a2);
  if (status == STATUS_OK) for (let index: u32 = 0; index < <u32>call.a2; index++) write(index);
  memory.fill(changetype<usize>(records), 0, bytes);
  call.value = status == STATUS_OK ? call.a2 : 0;
  return status;
}

/** Whether all of the `count` records that were copied can be kept: a status. */
function predictionsStatus(count: u32): u32 {
  let fresh: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const it = predictionAt(PREDICTIONS_MAX + index);
    if (((it.start | it.end) & (PAGE_BYTES - 1)) != 0) return STATUS_MISALIGNED;
    if (it.end <= it.start) return STATUS_BAD_ARGUMENT;
    if (agentFind(it.agent) == null) return STATUS_OBJECT_GONE;
    if (!predictionKept(it.agent, it.start)) fresh += 1;
  }
  return predictionFree() < fresh ? STATUS_LIMIT : STATUS_OK;
}

function write(index: u32): void {
  const it = predictionAt(PREDICTIONS_MAX + index);
  const at = predictionFind(it.agent, it.start);
  const kept = predictionAt(at);
  // One that has expired already takes away what was predicted.
  if (it.expiry <= now()) memory.fill(changetype<usize>(kept), 0, PREDICTION_BYTES);
  else memory.copy(changetype<usize>(kept), changetype<usize>(it), PREDICTION_BYTES);
}
