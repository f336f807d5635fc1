/**
 * An agent's memory: new ranges, ranges that end, protection. Each function checks everything that
 * can be refused before it changes anything, and answers a status.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { Image } from "../agent/image";
import { IMAGE_PAGES_MAX, MAPPINGS_PER_AGENT_MAX } from "../limits";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_LIMIT,
  STATUS_MISALIGNED,
  STATUS_NO_MEMORY,
  STATUS_NOT_MAPPED,
  STATUS_OK,
  STATUS_OUT_OF_RANGE,
  STATUS_QUOTA,
  STATUS_RIGHTS_MISSING,
  STATUS_TOO_LARGE,
} from "../syscall/status";
import { AddressSpace, Mapping, MAPPING_BYTES, SPACE_BYTES, SPACE_TABLES, spaceCreate, spaceSetImage } from "./address_space";
import { codeWritten } from "./code";
import { entryFlags } from "./fault";
import { framesPromise, framesRelease, frameUsers } from "./frames";
import {
  alignmentFor,
  freeAddress,
  mappingAt,
  mappingCreate,
  mappingInsert,
  mappingJoin,
  mappingSplit,
  rangeFree,
  recordsReserve,
  tablesFor,
  wholePages,
  withinLimits,
} from "./mappings";
import { PTE_ACCESSED, PTE_ADDRESS, PTE_DIRTY, PTE_PRESENT, PTE_WRITABLE } from "./paging";
import { Pool, poolCharge, poolChargeBoth, poolRoom } from "./pool";
import {
  MAPPING_ANONYMOUS,
  MAPPING_GUARD_ABOVE,
  MAPPING_GUARD_BELOW,
  MEMORY_DISCARDABLE,
  MEMORY_GUARD,
  PROTECTION_EXECUTE,
  PROTECTION_READ,
  PROTECTION_WRITE,
} from "./protection";
import { discardableAdd, discardableReserve } from "./reclaim";
import { shootdown } from "./shootdown";
import { SPAN_BYTES, tableFind } from "./tables";
import { clearRange, mappingEnd, rangeEnd, releasePages } from "./unmap";

const PAGE_SHIFT: u64 = 12;
export const PROTECTION_ALL: u32 = PROTECTION_READ | PROTECTION_WRITE | PROTECTION_EXECUTE;

/** Whether the processor can do it and the kernel allows it: readable, never writable and executable. */
@inline
export function protectionValid(protection: u64): bool {
  const both: u64 = PROTECTION_WRITE | PROTECTION_EXECUTE;
  return (protection & ~(<u64>PROTECTION_ALL)) == 0 && (protection & PROTECTION_READ) != 0 && (protection & both) != both;
}

/** Bytes that an agent's pool pays for a space, once, before its first mapping. */
@inline
export function spaceCharge(agent: Agent): u64 {
  return agent.space == 0 ? SPACE_BYTES + SPACE_TABLES * PAGE_BYTES : 0;
}

/**
 * Reserves all that a new range [start, end) in `records` mappings needs: `bytes` in `pool` for what
 * is behind it, of which `pages` frames are promised; records in `pool`; tables in the agent's pool.
 * The agent has a space afterwards. A status, and nothing changed when it isn't OK.
 */
export function rangeReserve(
  agent: Agent,
  pool: Pool,
  start: u64,
  end: u64,
  records: u32,
  bytes: u64,
  pages: u32,
): u32 {
  const tables = tablesFor(agent, start, end);
  const spaceTables = agent.space == 0 ? SPACE_TABLES : 0;
  const room = recordsReserve(agent, records);
  if (room != STATUS_OK) return room;
  if (!framesPromise(pages + tables + spaceTables)) return STATUS_NO_MEMORY;
  const own = <u64>tables * PAGE_BYTES + spaceCharge(agent);
  if (!poolChargeBoth(pool, bytes + <u64>records * MAPPING_BYTES, changetype<Pool>(agent.pool), own)) {
    framesRelease(pages + tables + spaceTables);
    return STATUS_QUOTA;
  }
  if (agent.space == 0) spaceCreate(agent);
  agent.tablesReserved += tables;
  return STATUS_OK;
}

/**
 * Where a new range of `bytes` whole pages goes: `address`, or the lowest free place when that is 0,
 * with `margin` bytes free on both sides. 0 when the range can't be had: `rangeFree` says why.
 */
export function placeRange(agent: Agent, address: u64, bytes: u64, margin: u64): u64 {
  if (address != 0) return address;
  const found = freeAddress(agent, bytes + 2 * margin, margin == 0 ? alignmentFor(bytes) : 12);
  return found == 0 ? 0 : found + margin;
}

/**
 * Memory for `agent` that `pool` pays: whole pages, zeroed when they are first touched. `flags` is
 * PROTECTION_… with MEMORY_…
 * @returns where it begins, or a status, which is below any address
 */
export function memoryAllocate(agent: Agent, pool: Pool, address: u64, length: u64, flags: u64): u64 {
  const special = flags & (MEMORY_GUARD | MEMORY_DISCARDABLE);
  if (length == 0 || !protectionValid(flags ^ special)) return STATUS_BAD_ARGUMENT;
  const bytes = wholePages(length);
  if (bytes == 0) return STATUS_TOO_LARGE;
  const margin: u64 = (flags & MEMORY_GUARD) != 0 ? PAGE_BYTES : 0;
  const limits = withinLimits(agent, margin == 0 ? 1 : 3, bytes);
  if (limits != STATUS_OK) return limits;
  const start = placeRange(agent, address, bytes, margin);
  if (start < margin) return STATUS_OUT_OF_RANGE;
  const free = rangeFree(agent, start - margin, start + bytes + margin);
  if (free != STATUS_OK) return free;
  const status = allocateAt(agent, pool, start, bytes, flags, margin);
  return status == STATUS_OK ? start : status;
}

function allocateAt(agent: Agent, pool: Pool, start: u64, bytes: u64, flags: u64, margin: u64): u32 {
  const discardable = (flags & MEMORY_DISCARDABLE) != 0;
  const pages = discardable ? discardableReserve(bytes) : <u32>(bytes >> PAGE_SHIFT);
  const reserved = <u64>pages << PAGE_SHIFT;
  const low = start - margin;
  const high = start + bytes + margin;
  const records: u32 = margin == 0 ? 1 : 3;
  const status = rangeReserve(agent, pool, low, high, records, reserved, pages);
  if (status != STATUS_OK) return status;
  const mapping = changetype<Mapping>(mappingCreate(agent, pool));
  if (margin != 0) guardRange(agent, pool, start, start + bytes);
  mapping.start = start;
  mapping.end = start + bytes;
  mapping.type = MAPPING_ANONYMOUS;
  mapping.protection = <u32>flags & PROTECTION_ALL;
  mapping.allowed = PROTECTION_ALL;
  mapping.discardable = discardable ? 1 : 0;
  if (discardable) discardableAdd(mapping);
  mappingInsert(agent, mapping);
  agent.mappedBytes += bytes;
  return STATUS_OK;
}

/** Puts guards before and behind [start, end), for which there are records. */
function guardRange(agent: Agent, pool: Pool, start: u64, end: u64): void {
  const below = mappingCreate(agent, pool);
  const above = mappingCreate(agent, pool);
  guardInsert(agent, changetype<Mapping>(below), start - PAGE_BYTES, MAPPING_GUARD_BELOW);
  guardInsert(agent, changetype<Mapping>(above), end, MAPPING_GUARD_ABOVE);
}

function guardInsert(agent: Agent, guard: Mapping, start: u64, type: u32): void {
  guard.start = start;
  guard.end = start + PAGE_BYTES;
  guard.type = type;
  mappingInsert(agent, guard);
}

/** Whether [start, end) is well formed and all of it mapped: a status. */
export function rangeMapped(agent: Agent, start: u64, length: u64): u32 {
  if ((start & (PAGE_BYTES - 1)) != 0) return STATUS_MISALIGNED;
  if (length == 0) return STATUS_BAD_ARGUMENT;
  const bytes = wholePages(length);
  if (bytes == 0) return STATUS_TOO_LARGE;
  const end = start + bytes;
  if (end < start) return STATUS_OUT_OF_RANGE;
  let at = mappingAt(agent, start);
  for (let covered = start; covered < end; at = changetype<Mapping>(at).next) {
    if (at == 0 || changetype<Mapping>(at).start > covered) return STATUS_NOT_MAPPED;
    covered = changetype<Mapping>(at).end;
  }
  return STATUS_OK;
}

/**
 * Gives `length` bytes of the agent's own memory from `start` on back to `pool`, which paid for it.
 * Discardable memory goes as a whole, and guards with the memory beside them.
 */
export function memoryFree(agent: Agent, pool: Pool, start: u64, length: u64): u32 {
  const mapped = rangeMapped(agent, start, length);
  if (mapped != STATUS_OK) return mapped;
  const end = start + wholePages(length);
  const first = mappingAt(agent, start);
  for (let at = first; at != 0 && changetype<Mapping>(at).start < end; at = changetype<Mapping>(at).next) {
    const mapping = changetype<Mapping>(at);
    if (mapping.type != MAPPING_ANONYMOUS) return STATUS_NOT_MAPPED;
    if (mapping.pool != changetype<usize>(pool)) return STATUS_BAD_ARGUMENT;
    if (mapping.discardable != 0 && (mapping.start < start || mapping.end > end)) return STATUS_BAD_ARGUMENT;
  }
  const whole = changetype<Mapping>(first);
  if (whole.start < start && whole.end > end) {
    // A hole in the middle: the part behind it needs a record.
    const status = cut(agent, whole, end);
    if (status != STATUS_OK) return status;
  }
  freeRange(agent, start, end);
  return STATUS_OK;
}

/** Cuts a mapping in two at `address`, with a new record that its pool pays: a status. */
export function cut(agent: Agent, mapping: Mapping, address: u64): u32 {
  if (agent.mappingCount == MAPPINGS_PER_AGENT_MAX) return STATUS_LIMIT;
  const pool = changetype<Pool>(mapping.pool);
  const room = recordsReserve(agent, 1);
  if (room != STATUS_OK) return room;
  if (!poolCharge(pool, MAPPING_BYTES)) return STATUS_QUOTA;
  mappingSplit(mapping, address, changetype<Mapping>(mappingCreate(agent, pool)));
  return STATUS_OK;
}

/** Unmaps [start, end), in which no mapping reaches over both ends. */
function freeRange(agent: Agent, start: u64, end: u64): void {
  let low = start;
  let high = end;
  for (let at = mappingAt(agent, start); at != 0 && changetype<Mapping>(at).start < end; ) {
    const mapping = changetype<Mapping>(at);
    at = mapping.next;
    if (mapping.start < start) {
      releasePages(agent, mapping, start, mapping.end);
      mapping.end = start;
    } else if (mapping.end > end) {
      releasePages(agent, mapping, mapping.start, end);
      mapping.start = end;
    } else mappingEnd(agent, mapping);
  }
  const before: usize = start == 0 ? <usize>0 : mappingAt(agent, start - 1);
  if (before != 0 && changetype<Mapping>(before).type == MAPPING_GUARD_BELOW) {
    low = changetype<Mapping>(before).start;
    mappingEnd(agent, changetype<Mapping>(before));
  }
  const behind = mappingAt(agent, end);
  if (behind != 0 && changetype<Mapping>(behind).type == MAPPING_GUARD_ABOVE) {
    high = changetype<Mapping>(behind).end;
    mappingEnd(agent, changetype<Mapping>(behind));
  }
  rangeEnd(agent, low, high);
}

/** Gives `length` bytes from `start` on another protection: a status. */
export function memoryProtect(agent: Agent, start: u64, length: u64, protection: u64): u32 {
  if (!protectionValid(protection)) return STATUS_BAD_ARGUMENT;
  const mapped = rangeMapped(agent, start, length);
  if (mapped != STATUS_OK) return mapped;
  const end = start + wholePages(length);
  const wanted = <u32>protection;
  const first = changetype<Mapping>(mappingAt(agent, start));
  for (let at = changetype<usize>(first); at != 0 && changetype<Mapping>(at).start < end; ) {
    const mapping = changetype<Mapping>(at);
    at = mapping.next;
    if (mapping.type >= <u32>MAPPING_GUARD_BELOW) return STATUS_NOT_MAPPED;
    if ((wanted & ~mapping.allowed) != 0) return STATUS_RIGHTS_MISSING;
    const whole = mapping.start >= start && mapping.end <= end;
    if (!whole && (mapping.discardable != 0 || mapping.object != 0)) return STATUS_BAD_ARGUMENT;
  }
  const last = changetype<Mapping>(mappingAt(agent, end - 1));
  const status = cutEdges(agent, first, last, start, end, wanted);
  if (status != STATUS_OK) return status;
  for (let at = mappingAt(agent, start); at != 0 && changetype<Mapping>(at).start < end; ) {
    const mapping = changetype<Mapping>(at);
    at = mapping.next;
    if (mapping.protection == wanted) continue;
    mapping.protection = wanted;
    protectPages(agent, mapping);
  }
  shootdown(changetype<AddressSpace>(agent.space), start, <u32>((end - start) >> PAGE_SHIFT));
  mappingJoin(agent, start);
  mappingJoin(agent, end);
  return STATUS_OK;
}

/** Cuts at both ends of the range where the protection is to change there: a status. */
function cutEdges(agent: Agent, first: Mapping, last: Mapping, start: u64, end: u64, wanted: u32): u32 {
  const front = first.start < start && first.protection != wanted;
  const back = last.end > end && last.protection != wanted;
  const cuts: u32 = (front ? 1 : 0) + (back ? 1 : 0);
  if (agent.mappingCount + cuts > MAPPINGS_PER_AGENT_MAX) return STATUS_LIMIT;
  const same = first.pool == last.pool ? cuts : 1;
  if (front && poolRoom(changetype<Pool>(first.pool)) < <u64>same * MAPPING_BYTES) return STATUS_QUOTA;
  // The back first: it leaves `first` what it was.
  if (back) {
    const status = cut(agent, last, end);
    if (status != STATUS_OK) return status;
  }
  return front ? cut(agent, first, start) : STATUS_OK;
}

/** Brings the entries of a mapping in line with its protection. */
function protectPages(agent: Agent, mapping: Mapping): void {
  const space = changetype<AddressSpace>(agent.space);
  if (mapping.object != 0) {
    clearRange(space, mapping.start, mapping.end, false);
    return;
  }
  const flags = entryFlags(mapping.protection);
  for (let at = mapping.start; at < mapping.end; ) {
    const stop = min((at & ~(SPAN_BYTES - 1)) + SPAN_BYTES, mapping.end);
    const table = tableFind(space, at);
    for (; table != 0 && at < stop; at += PAGE_BYTES) {
      const entry = table + (<usize>(<u32>(at >> PAGE_SHIFT) & 511) << 3);
      const value = load<u64>(entry);
      if ((value & PTE_PRESENT) == 0) continue;
      const frame = value & PTE_ADDRESS;
      // What the kernel has stored there while nobody could execute it.
      if ((mapping.protection & PROTECTION_EXECUTE) != 0) codeWritten(pointer(frame), <u32>PAGE_BYTES);
      const kept = value & (PTE_ADDRESS | PTE_ACCESSED | PTE_DIRTY);
      store<u64>(entry, kept | (frameUsers(frame) == 1 ? flags : flags & ~PTE_WRITABLE));
    }
    at = stop;
  }
}

/** Shows another image's text from now on (AgentUpgrade has set `agent.image`). */
export function memorySetImage(agent: Agent): void {
  if (agent.space == 0) return;
  const space = changetype<AddressSpace>(agent.space);
  spaceSetImage(space, changetype<Image>(agent.image));
  shootdown(space, 0, IMAGE_PAGES_MAX);
}
