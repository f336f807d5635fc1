/** AgentSplit: part of an agent's memory becomes a new agent's. */
import { audit } from "../audit/audit";
import { AUDIT_SPLIT } from "../audit/kinds";
import { PAGE_BYTES } from "../../hal/memory";
import { rangeMapped } from "../mm/memory";
import { edgesInside, joinEdges, moveRanges } from "../mm/move";
import { Call, callerOf } from "../syscall/call";
import {
  GRANT_BYTES,
  RANGE_ADDRESS,
  RANGE_BYTES,
  RANGE_LENGTH,
  RANGES_MAX,
  SPAWN_GRANT_COUNT,
  SPAWN_GRANTS,
  SPLIT_BYTES,
  SPLIT_RANGE_COUNT,
  SPLIT_RANGES,
} from "../syscall/layouts";
import { STATUS_MISALIGNED, STATUS_OK, STATUS_OUT_OF_RANGE, STATUS_OVERLAP, STATUS_WRONG_STATE } from "../syscall/status";
import { readStructure } from "../syscall/structure";
import { Agent } from "./agent";
import {
  birthFinish,
  birthFrom,
  birthMemory,
  birthRead,
  birthUndo,
  capabilitiesRelease,
  capabilitiesReserve,
  EDGES_AT,
  overlaps,
  payerOf,
  RANGES_AT,
  scratchOf,
} from "./birth";
import { contextInit } from "./create";
import { standsStill } from "./suspend";

/**
 * AgentSplit(agent, structure): the new agent's identifier. The agent must be the caller, or stand
 * still. The new one runs the same image from its entry, at the same weight, and has the memory in
 * the ranges, at the same addresses, where its original has none any more; its pool pays for it.
 */
export function agentSplit(call: Call): u32 {
  const original = changetype<Agent>(call.object);
  if (!standsStill(call, original)) return STATUS_WRONG_STATE;
  let status = birthRead(call, SPLIT_BYTES) || readRanges(call, original) || birthFrom(call, original);
  if (status != STATUS_OK) return status;
  const part = changetype<Agent>(call.made);
  status = birthMemory(call, part) || moveAll(call, original, part);
  if (status != STATUS_OK) return birthUndo(part, status);
  contextInit(part, 0, 0, 0);
  audit(AUDIT_SPLIT, callerOf(call).id, part.id, original.id);
  birthFinish(call, payerOf(call), part);
  return STATUS_OK;
}

@inline
function rangeAt(call: Call, index: u32): usize {
  return scratchOf(call) + RANGES_AT + <usize>index * RANGE_BYTES;
}

/** Reads the ranges: whole pages of the agent's memory, and no byte twice. */
function readRanges(call: Call, agent: Agent): u32 {
  const at = scratchOf(call);
  const count = load<u64>(at, SPLIT_RANGE_COUNT);
  if (count == 0 || count > <u64>RANGES_MAX) return STATUS_OUT_OF_RANGE;
  const status = readStructure(call, load<u64>(at, SPLIT_RANGES), at + RANGES_AT, <u32>count * RANGE_BYTES);
  if (status != STATUS_OK) return status;
  for (let index: u32 = 0; index < <u32>count; index++) {
    const start = load<u64>(rangeAt(call, index), RANGE_ADDRESS);
    const bytes = load<u64>(rangeAt(call, index), RANGE_LENGTH);
    if (((start | bytes) & (PAGE_BYTES - 1)) != 0) return STATUS_MISALIGNED;
    const mapped = rangeMapped(agent, start, bytes);
    if (mapped != STATUS_OK) return mapped;
    // The answer must find its place still.
    if (agent == callerOf(call) && holdsAnswer(call, start, bytes)) return STATUS_OVERLAP;
    for (let other: u32 = 0; other < index; other++) {
      const range = rangeAt(call, other);
      if (overlaps(start, bytes, load<u64>(range, RANGE_ADDRESS), load<u64>(range, RANGE_LENGTH)))
        return STATUS_OVERLAP;
    }
  }
  return STATUS_OK;
}

/** Whether the structure or the grants, to which the answer goes, are in the range. */
function holdsAnswer(call: Call, start: u64, bytes: u64): bool {
  const at = scratchOf(call);
  const grants = <u64>load<u32>(at, SPAWN_GRANT_COUNT) * GRANT_BYTES;
  return overlaps(start, bytes, call.a1, SPLIT_BYTES) || overlaps(start, bytes, load<u64>(at, SPAWN_GRANTS), grants);
}

/** Moves all ranges, or none. */
function moveAll(call: Call, from: Agent, to: Agent): u32 {
  capabilitiesReserve(call, to);
  const count = load<u32>(scratchOf(call), SPLIT_RANGE_COUNT);
  for (let index: u32 = 0; index < count; index++)
    store<u32>(edgesAt(call, index), edgesInside(from, startOf(call, index), endOf(call, index)));
  let moved: u32 = 0;
  let status: u32 = STATUS_OK;
  while (status == STATUS_OK && moved < count) {
    status = moveRange(call, from, to, moved);
    if (status == STATUS_OK) moved += 1;
  }
  capabilitiesRelease(call, to);
  if (status == STATUS_OK) return STATUS_OK;
  while (moved != 0) {
    moved -= 1;
    const back = moveRange(call, to, from, moved);
    assert(back == STATUS_OK, "moveAll: what has moved can move back");
  }
  for (let index: u32 = 0; index < count; index++)
    joinEdges(from, startOf(call, index), endOf(call, index), load<u32>(edgesAt(call, index)));
  return status;
}

function moveRange(call: Call, from: Agent, to: Agent, index: u32): u32 {
  return moveRanges(from, to, startOf(call, index), endOf(call, index));
}

@inline
function startOf(call: Call, index: u32): u64 {
  return load<u64>(rangeAt(call, index), RANGE_ADDRESS);
}

@inline
function endOf(call: Call, index: u32): u64 {
  return startOf(call, index) + load<u64>(rangeAt(call, index), RANGE_LENGTH);
}

/** Where it is kept at which of its ends moving the range cuts a mapping. */
@inline
function edgesAt(call: Call, index: u32): usize {
  return scratchOf(call) + EDGES_AT + (<usize>index << 2);
}
