/**
 * What an agent's addresses are made of: a list of ranges in the order of addresses, at most
 * MAPPINGS_PER_AGENT_MAX, with a finger on the one that was found last.
 */
import { PAGE_BYTES } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { AGENT_BYTES_MAX, MAPPINGS_PER_AGENT_MAX } from "../limits";
import { KIND_MAPPING, KIND_SPACE } from "../object/kinds";
import { objectAllocate, objectReturn, objectShortage, objectsReserve } from "../object/slab";
import { kernel } from "../state";
import {
  STATUS_LIMIT,
  STATUS_MISALIGNED,
  STATUS_OK,
  STATUS_OUT_OF_RANGE,
  STATUS_OVERLAP,
  STATUS_TOO_LARGE,
} from "../syscall/status";
import { Mapping, MAPPING_BYTES } from "./address_space";
import { USER_BASE, USER_END } from "./layout";
import { Pool, poolDrop, poolHold, poolRelease } from "./pool";
import { MAPPING_ANONYMOUS } from "./protection";
import { PAGE_2M } from "./paging";
import { tablesNeeded } from "./tables";

/** "Start" of what follows the last mapping. */
export const NOTHING_AFTER: u64 = 0xffff_ffff_ffff_ffff;

/** The last mapping that begins at or before `address`; 0 when there is none. */
export function mappingBefore(agent: Agent, address: u64): usize {
  let at = agent.mappingFinger;
  if (at == 0 || changetype<Mapping>(at).start > address) at = agent.mappings;
  if (at == 0 || changetype<Mapping>(at).start > address) return 0;
  while (true) {
    const next = changetype<Mapping>(at).next;
    if (next == 0 || changetype<Mapping>(next).start > address) break;
    at = next;
  }
  agent.mappingFinger = at;
  return at;
}

/** The mapping that holds `address`; 0 when there is none. Most often it is the one under the finger. */
@inline
export function mappingAt(agent: Agent, address: u64): usize {
  const finger = changetype<Mapping>(agent.mappingFinger);
  if (agent.mappingFinger != 0 && address - finger.start < finger.end - finger.start) return agent.mappingFinger;
  return mappingSearch(agent, address);
}

function mappingSearch(agent: Agent, address: u64): usize {
  const at = mappingBefore(agent, address);
  return at != 0 && address < changetype<Mapping>(at).end ? at : 0;
}

/** The first mapping that ends behind `address`; 0 when there is none. */
export function mappingFrom(agent: Agent, address: u64): usize {
  const at = mappingBefore(agent, address);
  if (at == 0) return agent.mappings;
  return address < changetype<Mapping>(at).end ? at : changetype<Mapping>(at).next;
}

/** End of the last mapping before `address`; 0 when there is none. None may hold it. */
export function endBefore(agent: Agent, address: u64): u64 {
  if (address == 0) return 0;
  const at = mappingBefore(agent, address - 1);
  return at == 0 ? 0 : changetype<Mapping>(at).end;
}

/** Start of the first mapping at or behind `address`; NOTHING_AFTER when there is none. */
export function startAfter(agent: Agent, address: u64): u64 {
  const at = mappingBefore(agent, address);
  if (at != 0 && changetype<Mapping>(at).start == address) return address;
  const next = at == 0 ? agent.mappings : changetype<Mapping>(at).next;
  return next == 0 ? NOTHING_AFTER : changetype<Mapping>(next).start;
}

/** Tables that [start, end), which is free, would add to what the agent's mappings need. */
export function tablesFor(agent: Agent, start: u64, end: u64): u32 {
  return tablesNeeded(start, end, endBefore(agent, start), startAfter(agent, end));
}

/** Whether [start, end), page-aligned, may be mapped anew: a status. */
export function rangeFree(agent: Agent, start: u64, end: u64): u32 {
  if ((start & (PAGE_BYTES - 1)) != 0) return STATUS_MISALIGNED;
  if (start < USER_BASE || end > USER_END || end < start) return STATUS_OUT_OF_RANGE;
  const first = mappingFrom(agent, start);
  return first != 0 && changetype<Mapping>(first).start < end ? STATUS_OVERLAP : STATUS_OK;
}

/**
 * Lowest address at which `bytes` bytes are free, 2^shift bytes aligned; 0 when there is none.
 */
export function freeAddress(agent: Agent, bytes: u64, shift: u32): u64 {
  const mask = (<u64>1 << shift) - 1;
  let candidate = (USER_BASE + mask) & ~mask;
  for (let at = agent.mappings; at != 0; at = changetype<Mapping>(at).next) {
    const mapping = changetype<Mapping>(at);
    if (mapping.start >= candidate + bytes) break;
    candidate = max(candidate, (mapping.end + mask) & ~mask);
  }
  return candidate + bytes <= USER_END ? candidate : 0;
}

/** Whether the agent may have `records` mappings and `bytes` bytes more: a status. */
export function withinLimits(agent: Agent, records: u32, bytes: u64): u32 {
  if (bytes > AGENT_BYTES_MAX) return STATUS_TOO_LARGE;
  if (agent.mappedBytes + bytes > AGENT_BYTES_MAX) return STATUS_LIMIT;
  return agent.mappingCount + records > MAPPINGS_PER_AGENT_MAX ? STATUS_LIMIT : STATUS_OK;
}

/** Size that a range of `bytes` bytes really has; 0 when there is none such. */
@inline
export function wholePages(bytes: u64): u64 {
  return bytes > AGENT_BYTES_MAX ? 0 : (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

/**
 * Makes sure that `records` records, and a space if `agent` has none, can be had; a status. To be
 * asked before frames are promised and anything is changed.
 */
export function recordsReserve(agent: Agent, records: u32): u32 {
  if (agent.space == 0 && !objectsReserve(KIND_SPACE, 1, kernel().entered)) return objectShortage(KIND_SPACE);
  return objectsReserve(KIND_MAPPING, records, agent.cpu) ? STATUS_OK : objectShortage(KIND_MAPPING, records);
}

/** A record, in no list, paid by `pool`, whose charge was made before; `recordsReserve` has been asked. */
export function mappingCreate(agent: Agent, pool: Pool): usize {
  const slot = objectAllocate(KIND_MAPPING, agent.cpu);
  assert(slot != 0, "mappingCreate: recordsReserve promised a record");
  const mapping = changetype<Mapping>(slot);
  mapping.agent = changetype<usize>(agent);
  mapping.pool = changetype<usize>(pool);
  poolHold(pool);
  return slot;
}

/** Throws away a record that is in no list. The caller releases the charge, before. */
export function mappingFree(mapping: Mapping): void {
  const pool = changetype<Pool>(mapping.pool);
  // Nobody has been told its identifier.
  objectReturn(changetype<usize>(mapping));
  poolDrop(pool);
}

/** Puts a record, whose range is set and free, into its agent's list. */
export function mappingInsert(agent: Agent, mapping: Mapping): void {
  const slot = changetype<usize>(mapping);
  const previous = mappingBefore(agent, mapping.start);
  const next = previous == 0 ? agent.mappings : changetype<Mapping>(previous).next;
  assert(
    (previous == 0 || changetype<Mapping>(previous).end <= mapping.start) &&
      (next == 0 || mapping.end <= changetype<Mapping>(next).start),
    "mappingInsert: the range is not free",
  );
  mapping.agent = changetype<usize>(agent);
  mapping.previous = previous;
  mapping.next = next;
  if (previous == 0) agent.mappings = slot;
  else changetype<Mapping>(previous).next = slot;
  if (next != 0) changetype<Mapping>(next).previous = slot;
  agent.mappingCount += 1;
}

/** Takes a record out of its agent's list. */
export function mappingRemove(agent: Agent, mapping: Mapping): void {
  if (mapping.previous == 0) agent.mappings = mapping.next;
  else changetype<Mapping>(mapping.previous).next = mapping.next;
  if (mapping.next != 0) changetype<Mapping>(mapping.next).previous = mapping.previous;
  agent.mappingFinger = mapping.previous;
  agent.mappingCount -= 1;
}

/** Cuts the mapping at `address`, inside it; `fresh` becomes the part behind. */
export function mappingSplit(mapping: Mapping, address: u64, fresh: Mapping): void {
  const agent = changetype<Agent>(mapping.agent);
  assert(mapping.discardable == 0 && mapping.object == 0, "mappingSplit: only memory of its own");
  fresh.start = address;
  fresh.end = mapping.end;
  fresh.type = mapping.type;
  fresh.protection = mapping.protection;
  fresh.allowed = mapping.allowed;
  mapping.end = address;
  mappingInsert(agent, fresh);
}

/** Undoes a cut at `address`: two mappings that meet there and differ in nothing become one. */
export function mappingJoin(agent: Agent, address: u64): void {
  const at = mappingAt(agent, address);
  if (at == 0 || changetype<Mapping>(at).start != address) return;
  const behind = changetype<Mapping>(at);
  if (behind.previous == 0) return;
  const front = changetype<Mapping>(behind.previous);
  const alike =
    front.end == address &&
    front.type == MAPPING_ANONYMOUS &&
    behind.type == MAPPING_ANONYMOUS &&
    front.protection == behind.protection &&
    front.pool == behind.pool &&
    front.discardable + behind.discardable == 0;
  if (!alike) return;
  front.end = behind.end;
  mappingRemove(agent, behind);
  poolRelease(changetype<Pool>(behind.pool), MAPPING_BYTES);
  mappingFree(behind);
}

/** Alignment for a range of `bytes`: large ranges begin with a table of their own. */
@inline
export function alignmentFor(bytes: u64): u32 {
  return bytes >= <u64>1 << PAGE_2M ? PAGE_2M : 12;
}
