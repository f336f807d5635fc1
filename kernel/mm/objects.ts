/** Regions and blocks of frames: how they come to be, and how they get into an agent's memory. */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { RIGHT_EXECUTE, RIGHT_READ, RIGHT_WRITE } from "../cap/rights";
import { KIND_FRAME, KIND_REGION } from "../object/kinds";
import { FIRST_SLOT, objectAllocate, objectShortage } from "../object/slab";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_MISALIGNED,
  STATUS_NOT_MAPPED,
  STATUS_OK,
  STATUS_OUT_OF_RANGE,
  STATUS_QUOTA,
  STATUS_RIGHTS_MISSING,
  STATUS_TOO_LARGE,
} from "../syscall/status";
import { AddressSpace, Mapping, MAPPING_BYTES } from "./address_space";
import { ownFrame } from "./fault";
import { blockCharge, BLOCK_ORDER_MAX, FrameBlock } from "./frame_block";
import { codeWritten } from "./code";
import { frameAllocZeroed, frameFree, orderFor, OWNER_AGENT } from "./frames";
import {
  freeAddress,
  mappingAt,
  mappingCreate,
  mappingInsert,
  rangeFree,
  wholePages,
  withinLimits,
} from "./mappings";
import { cut, protectionValid, rangeMapped, rangeReserve } from "./memory";
import { edgesInside, joinEdges } from "./move";
import { PAGE_2M, PTE_ADDRESS, PTE_PRESENT } from "./paging";
import { Pool, poolCharge, poolHold, poolRelease } from "./pool";
import {
  MAPPING_ANONYMOUS,
  MAPPING_FRAME,
  MAPPING_REGION,
  PROTECTION_EXECUTE,
  PROTECTION_READ,
  PROTECTION_WRITE,
} from "./protection";
import { listBytes, Region, regionCharge, regionSet } from "./region";
import { shootdown } from "./shootdown";
import { tableFind } from "./tables";
import { mappingEnd, rangeEnd } from "./unmap";

const PAGE_SHIFT: u64 = 12;

/** The most that rights allow of a mapping. */
export function protectionOf(rights: u32): u32 {
  return (
    ((rights & RIGHT_READ) != 0 ? PROTECTION_READ : 0) |
    ((rights & RIGHT_WRITE) != 0 ? PROTECTION_WRITE : 0) |
    ((rights & RIGHT_EXECUTE) != 0 ? PROTECTION_EXECUTE : 0)
  );
}

/** A zeroed block of 2^order frames that `pool` pays, with no name yet; its slot, or a status. */
export function blockCreate(pool: Pool, order: u64, shard: u32): usize {
  if (order > BLOCK_ORDER_MAX) return STATUS_TOO_LARGE;
  const charge = blockCharge(<u32>order);
  if (!poolCharge(pool, charge)) return STATUS_QUOTA;
  const base = frameAllocZeroed(<u32>order, OWNER_AGENT);
  const slot: usize = base == 0 ? <usize>0 : objectAllocate(KIND_FRAME, shard);
  if (slot == 0) {
    if (base != 0) frameFree(base);
    poolRelease(pool, charge);
    return objectShortage(KIND_FRAME);
  }
  codeWritten(pointer(base), <u32>PAGE_BYTES << <u32>order);
  const block = changetype<FrameBlock>(slot);
  block.base = base;
  block.order = <u32>order;
  block.pool = changetype<usize>(pool);
  poolHold(pool);
  return slot;
}

/**
 * Makes `length` bytes of the agent's own memory, all of one piece, a region that `pool` pays for:
 * its slot, or a status, which is below any slot, and nothing changed.
 */
export function regionShare(agent: Agent, pool: Pool, start: u64, length: u64): usize {
  const mapped = rangeMapped(agent, start, length);
  if (mapped != STATUS_OK) return mapped;
  const end = start + wholePages(length);
  const mapping = changetype<Mapping>(mappingAt(agent, start));
  if (mapping.type != MAPPING_ANONYMOUS || mapping.end < end || mapping.discardable != 0) return STATUS_BAD_ARGUMENT;
  const edges = edgesInside(agent, start, end);
  if (mapping.end > end) {
    const status = cut(agent, mapping, end);
    if (status != STATUS_OK) return status;
  }
  const status: u32 = mapping.start < start ? cut(agent, mapping, start) : STATUS_OK;
  const slot = status == STATUS_OK ? makeRegion(agent, pool, start, end - start) : status;
  if (slot >= FIRST_SLOT) return slot;
  joinEdges(agent, start, end, edges);
  return slot;
}

/** At most what `regionShare` charges `pool`; 0 for a range that it refuses. */
export function shareCharge(agent: Agent, pool: Pool, start: u64, length: u64): u64 {
  const at = mappingAt(agent, start);
  const bytes = wholePages(length);
  if (at == 0 || bytes == 0) return 0;
  const paid = changetype<Mapping>(at).pool == changetype<usize>(pool) ? bytes : 0;
  return regionCharge(bytes) - paid + 2 * MAPPING_BYTES;
}

function makeRegion(agent: Agent, pool: Pool, start: u64, bytes: u64): usize {
  const mapping = changetype<Mapping>(mappingAt(agent, start));
  const charge = regionCharge(bytes) - (mapping.pool == changetype<usize>(pool) ? bytes : 0);
  if (!poolCharge(pool, charge)) return STATUS_QUOTA;
  const list = frameAllocZeroed(orderFor(listBytes(bytes)), OWNER_AGENT);
  const slot: usize = list == 0 ? <usize>0 : objectAllocate(KIND_REGION, agent.cpu);
  if (slot == 0) {
    if (list != 0) frameFree(list);
    poolRelease(pool, charge);
    return objectShortage(KIND_REGION);
  }
  const region = changetype<Region>(slot);
  region.owner = agent.id;
  region.bytes = bytes;
  region.frames = pointer(list);
  region.mappings = 1;
  region.pool = changetype<usize>(pool);
  poolHold(pool);
  if (mapping.pool != changetype<usize>(pool)) poolRelease(changetype<Pool>(mapping.pool), bytes);
  takeOver(changetype<AddressSpace>(agent.space), mapping, region);
  mapping.type = MAPPING_REGION;
  mapping.object = slot;
  return slot;
}

/** The region's pages are those of the mapping, none of them shared any more with a clone. */
function takeOver(space: AddressSpace, mapping: Mapping, region: Region): void {
  const pages = region.bytes >> PAGE_SHIFT;
  for (let page: u64 = 0; page < pages; page++) {
    const address = mapping.start + (page << PAGE_SHIFT);
    const table = tableFind(space, address);
    if (table == 0) continue;
    const entry = table + (<usize>(<u32>(address >> PAGE_SHIFT) & 511) << 3);
    const value = load<u64>(entry);
    if ((value & PTE_PRESENT) == 0) continue;
    const frame = ownFrame(space, value & PTE_ADDRESS);
    // With the next touch it comes back with all that the protection allows.
    store<u64>(entry, 0);
    regionSet(region, page, frame);
  }
  shootdown(space, mapping.start, <u32>pages);
}

/**
 * Maps a region or a block of frames of `bytes` bytes into `agent` at `address`, or where there is
 * room when that is 0. `allowed` is the most that the capability gives.
 * @returns where it begins, or a status, which is below any address, and nothing changed
 */
export function mapObject(
  agent: Agent,
  type: u32,
  object: usize,
  bytes: u64,
  address: u64,
  protection: u64,
  allowed: u32,
): u64 {
  if (!protectionValid(protection)) return STATUS_BAD_ARGUMENT;
  if ((protection & ~(<u64>allowed)) != 0) return STATUS_RIGHTS_MISSING;
  const limits = withinLimits(agent, 1, bytes);
  if (limits != STATUS_OK) return limits;
  const aligned = bytes >= 1 << PAGE_2M ? PAGE_2M : 12;
  const start = address != 0 ? address : freeAddress(agent, bytes, aligned);
  if (start == 0) return STATUS_OUT_OF_RANGE;
  const free = rangeFree(agent, start, start + bytes);
  if (free != STATUS_OK) return free;
  const pool = changetype<Pool>(agent.pool);
  const status = rangeReserve(agent, pool, start, start + bytes, 1, 0, 0);
  if (status != STATUS_OK) return status;
  const mapping = changetype<Mapping>(mappingCreate(agent, pool));
  mapping.start = start;
  mapping.end = start + bytes;
  mapping.type = type;
  mapping.protection = <u32>protection;
  mapping.allowed = allowed;
  mapping.object = object;
  mappingInsert(agent, mapping);
  agent.mappedBytes += bytes;
  if (type == MAPPING_REGION) changetype<Region>(object).mappings += 1;
  else changetype<FrameBlock>(object).mappings += 1;
  return start;
}

/** Ends the mapping of `region` that begins at `address`: a status. */
export function unmapRegion(agent: Agent, region: usize, address: u64): u32 {
  if ((address & (PAGE_BYTES - 1)) != 0) return STATUS_MISALIGNED;
  const at = mappingAt(agent, address);
  if (at == 0) return STATUS_NOT_MAPPED;
  const mapping = changetype<Mapping>(at);
  if (mapping.start != address || mapping.object != region) return STATUS_NOT_MAPPED;
  const end = mapping.end;
  mappingEnd(agent, mapping);
  rangeEnd(agent, address, end);
  return STATUS_OK;
}

/** Ends the mappings of blocks of frames that make up [start, start + length): a status. */
export function unmapBlocks(agent: Agent, start: u64, length: u64): u32 {
  const mapped = rangeMapped(agent, start, length);
  if (mapped != STATUS_OK) return mapped;
  const end = start + wholePages(length);
  const first = mappingAt(agent, start);
  for (let at = first; at != 0 && changetype<Mapping>(at).start < end; at = changetype<Mapping>(at).next) {
    const mapping = changetype<Mapping>(at);
    if (mapping.type != MAPPING_FRAME) return STATUS_NOT_MAPPED;
    if (mapping.start < start || mapping.end > end) return STATUS_BAD_ARGUMENT;
  }
  for (let at = first; at != 0 && changetype<Mapping>(at).start < end; ) {
    const mapping = changetype<Mapping>(at);
    at = mapping.next;
    mappingEnd(agent, mapping);
  }
  rangeEnd(agent, start, end);
  return STATUS_OK;
}
