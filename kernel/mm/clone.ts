/**
 * Copy-on-write: a new agent gets the memory of another one, as it is now. Pages of its own memory
 * are shared until one of the two writes; what was mapped by authority, regions and blocks of
 * frames, it gets only by the capabilities that it is granted.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { STATUS_NO_MEMORY, STATUS_OK, STATUS_QUOTA } from "../syscall/status";
import { AddressSpace, Mapping, MAPPING_BYTES, SPACE_TABLES, spaceCreate } from "./address_space";
import { codeWritten } from "./code";
import { frameAllocPromised, framesPromise, framesRelease, frameShare, OWNER_AGENT } from "./frames";
import { mappingCreate, mappingInsert, NOTHING_AFTER, recordsReserve } from "./mappings";
import { spaceCharge } from "./memory";
import { PTE_ADDRESS, PTE_PRESENT, PTE_WRITABLE } from "./paging";
import { Pool, poolCharge } from "./pool";
import { MAPPING_ANONYMOUS, MAPPING_FRAME, MAPPING_REGION } from "./protection";
import { discardableAdd, discardableReserve } from "./reclaim";
import { othersOf, shootdown } from "./shootdown";
import { SPAN_BYTES, tableFind, tableMake, tablesNeeded } from "./tables";

const PAGE_SHIFT: u64 = 12;

@inline
function cloned(mapping: Mapping): bool {
  return mapping.type != MAPPING_REGION && mapping.type != MAPPING_FRAME;
}

/** Pages that a copy of the mapping reserves. */
@inline
function reservedPages(mapping: Mapping): u32 {
  if (mapping.type != MAPPING_ANONYMOUS) return 0;
  const bytes = mapping.end - mapping.start;
  return mapping.discardable != 0 ? discardableReserve(bytes) : <u32>(bytes >> PAGE_SHIFT);
}

/**
 * Gives `to`, which has no memory yet, a copy of the memory of `from`, paid by its own pool: a
 * status. `from` may be running, on this CPU or another.
 */
export function spaceCloneCow(from: Agent, to: Agent): u32 {
  let records: u32 = 0;
  let tables: u32 = 0;
  let pages: u32 = 0;
  let before: u64 = 0;
  for (let at = from.mappings; at != 0; at = changetype<Mapping>(at).next) {
    const mapping = changetype<Mapping>(at);
    if (!cloned(mapping)) continue;
    records += 1;
    pages += reservedPages(mapping);
    tables += tablesNeeded(mapping.start, mapping.end, before, NOTHING_AFTER);
    before = mapping.end;
  }
  if (records == 0) return STATUS_OK;
  const room = recordsReserve(to, records);
  if (room != STATUS_OK) return room;
  if (!framesPromise(pages + tables + SPACE_TABLES)) return STATUS_NO_MEMORY;
  const pool = changetype<Pool>(to.pool);
  const own = <u64>tables * PAGE_BYTES + spaceCharge(to);
  const charge = (<u64>pages << PAGE_SHIFT) + <u64>records * MAPPING_BYTES + own;
  if (!poolCharge(pool, charge)) {
    framesRelease(pages + tables + SPACE_TABLES);
    return STATUS_QUOTA;
  }
  spaceCreate(to);
  copyMappings(from, to);
  return STATUS_OK;
}

/** Copies records and pages, all of which are there and paid. */
function copyMappings(from: Agent, to: Agent): void {
  const pool = changetype<Pool>(to.pool);
  let before: u64 = 0;
  for (let at = from.mappings; at != 0; at = changetype<Mapping>(at).next) {
    const source = changetype<Mapping>(at);
    if (!cloned(source)) continue;
    const copy = changetype<Mapping>(mappingCreate(to, pool));
    copy.start = source.start;
    copy.end = source.end;
    copy.type = source.type;
    copy.protection = source.protection;
    copy.allowed = source.allowed;
    copy.discardable = source.discardable;
    copy.object = source.object;
    mappingInsert(to, copy);
    to.tablesReserved += tablesNeeded(copy.start, copy.end, before, NOTHING_AFTER);
    before = copy.end;
    if (copy.type != MAPPING_ANONYMOUS) continue;
    to.mappedBytes += copy.end - copy.start;
    if (copy.discardable != 0) discardableAdd(copy);
    else copyPages(changetype<AddressSpace>(from.space), changetype<AddressSpace>(to.space), source);
  }
  const space = changetype<AddressSpace>(from.space);
  if (othersOf(space) == 0) shootdown(space, 0, 0xffff_ffff);
}

/**
 * Pages of one mapping: shared, and read-only in both spaces from now on. A space that another CPU
 * executes may be written until that CPU has been told, so its pages are copied instead: the clone
 * has what was there at one instant.
 */
function copyPages(from: AddressSpace, to: AddressSpace, mapping: Mapping): void {
  const share = othersOf(from) == 0;
  for (let at = mapping.start; at < mapping.end; ) {
    const stop = min((at & ~(SPAN_BYTES - 1)) + SPAN_BYTES, mapping.end);
    const source = tableFind(from, at);
    if (source != 0) {
      const first = <u32>(at >> PAGE_SHIFT) & 511;
      copyTable(source, to, at, first, first + <u32>((stop - at) >> PAGE_SHIFT), share);
    }
    at = stop;
  }
}

/** Entries `first` up to `last` of one table. */
function copyTable(source: usize, to: AddressSpace, address: u64, first: u32, last: u32, share: bool): void {
  let table: usize = 0;
  for (let index = first; index < last; index++) {
    const offset = <usize>index << 3;
    const value = load<u64>(source + offset);
    if ((value & PTE_PRESENT) == 0) continue;
    if (table == 0) table = tableMake(to, address);
    if (share) {
      const shared = value & ~PTE_WRITABLE;
      store<u64>(source + offset, shared);
      store<u64>(table + offset, shared);
      frameShare(value & PTE_ADDRESS);
    } else {
      const copy = frameAllocPromised(OWNER_AGENT);
      memory.copy(pointer(copy), pointer(value & PTE_ADDRESS), <usize>PAGE_BYTES);
      codeWritten(pointer(copy), <u32>PAGE_BYTES);
      store<u64>(table + offset, (value & ~PTE_ADDRESS) | copy);
    }
  }
}
