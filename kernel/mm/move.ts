/**
 * Whole ranges that go from one agent to another with all that they are made of: what AgentSplit and
 * AgentMerge do to memory.
 */
import { PAGE_BYTES } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { MAPPINGS_PER_AGENT_MAX } from "../limits";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_LIMIT,
  STATUS_MISALIGNED,
  STATUS_NO_MEMORY,
  STATUS_OK,
  STATUS_OVERLAP,
  STATUS_QUOTA,
  STATUS_WRONG_STATE,
} from "../syscall/status";
import { AddressSpace, Mapping, MAPPING_BYTES, SPACE_TABLES, spaceCreate } from "./address_space";
import { entryMake } from "./fault";
import { framesPromise, framesRelease } from "./frames";
import {
  endBefore,
  mappingAt,
  mappingFrom,
  mappingInsert,
  mappingJoin,
  mappingRemove,
  recordsReserve,
  startAfter,
  withinLimits,
} from "./mappings";
import { cut, spaceCharge } from "./memory";
import { PTE_PRESENT } from "./paging";
import { Pool, poolCharge, poolDrop, poolHold, poolRelease } from "./pool";
import { MAPPING_ANONYMOUS, MAPPING_GUARD_BELOW, MAPPING_REGION } from "./protection";
import { discardableAdd, discardableRemove, discardableReserve } from "./reclaim";
import { Region } from "./region";
import { othersOf } from "./shootdown";
import { SPAN_BYTES, tableFind, tablesNeeded } from "./tables";
import { clearRange, rangeEnd } from "./unmap";

const PAGE_MASK: u64 = PAGE_BYTES - 1;
const PAGE_SHIFT: u64 = 12;

/** What a mapping costs the pool that pays for it. */
export function mappingCharge(mapping: Mapping): u64 {
  if (mapping.type != MAPPING_ANONYMOUS) return MAPPING_BYTES;
  const bytes = mapping.end - mapping.start;
  if (mapping.discardable == 0) return MAPPING_BYTES + bytes;
  return MAPPING_BYTES + (<u64>max(mapping.present, discardableReserve(bytes)) << PAGE_SHIFT);
}

/**
 * Whether all that `from` has in [start, end) can go to `to`, at the same addresses: a status. No
 * other CPU may be executing `from`. Discardable memory, regions and blocks of frames go as a whole.
 */
export function moveCheck(from: Agent, to: Agent, start: u64, end: u64): u32 {
  if (((start | end) & PAGE_MASK) != 0) return STATUS_MISALIGNED;
  if (end <= start || from == to) return STATUS_BAD_ARGUMENT;
  if (from.space != 0 && othersOf(changetype<AddressSpace>(from.space)) != 0) return STATUS_WRONG_STATE;
  let records: u32 = 0;
  let cuts: u32 = 0;
  let bytes: u64 = 0;
  for (let at = mappingFrom(from, start); at != 0; at = changetype<Mapping>(at).next) {
    const mapping = changetype<Mapping>(at);
    if (mapping.start >= end) break;
    const low = max(mapping.start, start);
    const high = min(mapping.end, end);
    const edges: u32 = (mapping.start < start ? 1 : 0) + (mapping.end > end ? 1 : 0);
    const divisible = mapping.discardable == 0 && mapping.type == MAPPING_ANONYMOUS;
    if (edges != 0 && !divisible) return STATUS_BAD_ARGUMENT;
    if (mappingAt(to, low) != 0 || startAfter(to, low) < high) return STATUS_OVERLAP;
    cuts += edges;
    records += 1;
    if (mapping.type < <u32>MAPPING_GUARD_BELOW) bytes += high - low;
  }
  if (from.mappingCount + cuts > MAPPINGS_PER_AGENT_MAX) return STATUS_LIMIT;
  return withinLimits(to, records, bytes);
}

/**
 * Moves all that `from` has in [start, end) to `to`, whose pool pays for it from now on: a status,
 * and nothing changed when it isn't OK.
 */
export function moveRanges(from: Agent, to: Agent, start: u64, end: u64): u32 {
  let status = moveCheck(from, to, start, end);
  if (status != STATUS_OK) return status;
  const edges = edgesInside(from, start, end);
  status = cutEdges(from, start, end) || reserveMove(from, to, start, end);
  if (status != STATUS_OK) {
    joinEdges(from, start, end, edges);
    return status;
  }
  for (let at = mappingFrom(from, start); at != 0 && changetype<Mapping>(at).start < end; ) {
    const mapping = changetype<Mapping>(at);
    at = mapping.next;
    moveMapping(from, to, mapping);
  }
  return STATUS_OK;
}

function cutEdges(from: Agent, start: u64, end: u64): u32 {
  const last = mappingAt(from, end - 1);
  if (last != 0 && changetype<Mapping>(last).end > end) {
    const status = cut(from, changetype<Mapping>(last), end);
    if (status != STATUS_OK) return status;
  }
  const first = mappingAt(from, start);
  if (first == 0 || changetype<Mapping>(first).start == start) return STATUS_OK;
  return cut(from, changetype<Mapping>(first), start);
}

/** Which ends of [start, end) are inside of a mapping, so that a move cuts it there: bit 0, bit 1. */
export function edgesInside(from: Agent, start: u64, end: u64): u32 {
  return isInside(from, start) | (isInside(from, end) << 1);
}

function isInside(from: Agent, address: u64): u32 {
  const at = mappingAt(from, address);
  return at != 0 && changetype<Mapping>(at).start < address ? 1 : 0;
}

/** Undoes the cuts at `edges`: of what was one, one is made again. */
export function joinEdges(from: Agent, start: u64, end: u64, edges: u32): void {
  if ((edges & 1) != 0) mappingJoin(from, start);
  if ((edges & 2) != 0) mappingJoin(from, end);
}

/** Reserves what `to` needs for the mappings of `from` in [start, end): a status. */
function reserveMove(from: Agent, to: Agent, start: u64, end: u64): u32 {
  const pool = changetype<Pool>(to.pool);
  let charge = spaceCharge(to);
  let tables: u32 = 0;
  let before: u64 = 0;
  let records: u32 = 0;
  for (let at = mappingFrom(from, start); at != 0; at = changetype<Mapping>(at).next) {
    const mapping = changetype<Mapping>(at);
    if (mapping.start >= end) break;
    if (mapping.pool != changetype<usize>(pool)) charge += mappingCharge(mapping);
    before = max(before, endBefore(to, mapping.start));
    tables += tablesNeeded(mapping.start, mapping.end, before, startAfter(to, mapping.end));
    before = mapping.end;
    records += 1;
  }
  if (records == 0) return STATUS_OK;
  const room = recordsReserve(to, 0);
  if (room != STATUS_OK) return room;
  const promised = tables + (to.space == 0 ? SPACE_TABLES : 0);
  if (!framesPromise(promised)) return STATUS_NO_MEMORY;
  charge += <u64>tables * PAGE_BYTES;
  if (!poolCharge(pool, charge)) {
    framesRelease(promised);
    return STATUS_QUOTA;
  }
  if (to.space == 0) spaceCreate(to);
  to.tablesReserved += tables;
  return STATUS_OK;
}

/** Moves one mapping, whose costs `to` has paid. */
function moveMapping(from: Agent, to: Agent, mapping: Mapping): void {
  const space = changetype<AddressSpace>(from.space);
  const bytes = mapping.type < <u32>MAPPING_GUARD_BELOW ? mapping.end - mapping.start : 0;
  if (mapping.discardable != 0) discardableRemove(mapping);
  if (mapping.type == MAPPING_ANONYMOUS) moveEntries(space, changetype<AddressSpace>(to.space), mapping);
  else if (mapping.object != 0) clearRange(space, mapping.start, mapping.end, false);
  mappingRemove(from, mapping);
  rangeEnd(from, mapping.start, mapping.end);
  if (mapping.pool != to.pool) repay(mapping, changetype<Pool>(to.pool));
  if (mapping.type == MAPPING_REGION) {
    const region = changetype<Region>(mapping.object);
    if (region.owner == from.id) region.owner = to.id;
  }
  from.mappedBytes -= bytes;
  to.mappedBytes += bytes;
  mappingInsert(to, mapping);
  if (mapping.discardable != 0) discardableAdd(mapping);
}

/** `pool` has paid for the mapping: the one that did has its bytes back. */
function repay(mapping: Mapping, pool: Pool): void {
  const old = changetype<Pool>(mapping.pool);
  poolRelease(old, mappingCharge(mapping));
  mapping.pool = changetype<usize>(pool);
  poolHold(pool);
  poolDrop(old);
}

/** Entries go as they are: who shares a frame does not change. */
function moveEntries(from: AddressSpace, to: AddressSpace, mapping: Mapping): void {
  for (let at = mapping.start; at < mapping.end; ) {
    const stop = min((at & ~(SPAN_BYTES - 1)) + SPAN_BYTES, mapping.end);
    const table = tableFind(from, at);
    for (; table != 0 && at < stop; at += PAGE_BYTES) {
      const entry = table + (<usize>(<u32>(at >> PAGE_SHIFT) & 511) << 3);
      const value = load<u64>(entry);
      if ((value & PTE_PRESENT) == 0) continue;
      store<u64>(entry, 0);
      store<u64>(entryMake(to, at), value);
    }
    at = stop;
  }
}
