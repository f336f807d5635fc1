/** Taking pages out of a space: entries are cleared table by table, 2 MiB at a time. */
import { PAGE_BYTES } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { AddressSpace, Mapping, MAPPING_BYTES } from "./address_space";
import { framesRelease, frameUnshare, frameUsers } from "./frames";
import { blockDrop } from "./frame_block";
import { endBefore, mappingFree, mappingRemove, startAfter } from "./mappings";
import { PTE_ADDRESS, PTE_PRESENT } from "./paging";
import { Pool, poolRelease } from "./pool";
import { MAPPING_ANONYMOUS, MAPPING_FRAME, MAPPING_IMAGE, MAPPING_REGION } from "./protection";
import { DISCARDABLE_PAGES_MIN, discardableRemove } from "./reclaim";
import { regionDrop } from "./region";
import { retire, shootdown } from "./shootdown";
import { largeFind, SPAN_BYTES, tableFind, tablesGive } from "./tables";

const PAGE_SHIFT: u64 = 12;

/**
 * Clears all entries of [start, end); frames of the agent's `own` memory lose a user, and are freed
 * with the last. The result in 32 bits each: freed, above them shared.
 */
export function clearRange(space: AddressSpace, start: u64, end: u64, own: bool): u64 {
  let freed: u32 = 0;
  let shared: u32 = 0;
  for (let at = start; at < end; ) {
    const stop = min((at & ~(SPAN_BYTES - 1)) + SPAN_BYTES, end);
    const table = tableFind(space, at);
    if (table == 0) {
      const large = largeFind(space, at);
      if (large != 0) store<u64>(large, 0);
    } else {
      let entry = table + (<usize>(<u32>(at >> PAGE_SHIFT) & 511) << 3);
      const last = entry + (<usize>((stop - at) >> PAGE_SHIFT) << 3);
      for (; entry < last; entry += 8) {
        const value = load<u64>(entry);
        if ((value & PTE_PRESENT) == 0) continue;
        store<u64>(entry, 0);
        if (!own) continue;
        const frame = value & PTE_ADDRESS;
        if (frameUsers(frame) == 1) {
          freed += 1;
          retire(space, frame);
        } else {
          shared += 1;
          frameUnshare(frame);
        }
      }
    }
    at = stop;
  }
  return (<u64>shared << 32) | freed;
}

/** Releases, with their charge, the pages of [start, end) of the agent's own memory. */
export function releasePages(agent: Agent, mapping: Mapping, start: u64, end: u64): void {
  const pages = <u32>((end - start) >> PAGE_SHIFT);
  const space = changetype<AddressSpace>(agent.space);
  const cleared = clearRange(space, start, end, true);
  const freed = <u32>cleared;
  const pool = changetype<Pool>(mapping.pool);
  if (mapping.discardable != 0) {
    assert(start == mapping.start && end == mapping.end, "releasePages: part of discardable memory");
    const reserved = min(pages, DISCARDABLE_PAGES_MIN);
    framesRelease(reserved - min(reserved, freed));
    poolRelease(pool, <u64>max(reserved, freed) << PAGE_SHIFT);
  } else {
    // Every page has a frame promised that it doesn't hold alone.
    framesRelease(pages - freed);
    poolRelease(pool, <u64>pages << PAGE_SHIFT);
  }
  agent.mappedBytes -= end - start;
}

/** Ends a whole mapping: its pages, its hold on what is behind it, its record. Tables stay. */
export function mappingEnd(agent: Agent, mapping: Mapping): void {
  const type = mapping.type;
  if (mapping.discardable != 0) discardableRemove(mapping);
  if (type == MAPPING_ANONYMOUS) releasePages(agent, mapping, mapping.start, mapping.end);
  else if (type == MAPPING_REGION || type == MAPPING_FRAME) {
    clearRange(changetype<AddressSpace>(agent.space), mapping.start, mapping.end, false);
    agent.mappedBytes -= mapping.end - mapping.start;
  }
  if (type == MAPPING_IMAGE) clearRange(changetype<AddressSpace>(agent.space), mapping.start, mapping.end, false);
  mappingRemove(agent, mapping);
  if (type == MAPPING_REGION) regionDrop(mapping);
  else if (type == MAPPING_FRAME) blockDrop(mapping);
  poolRelease(changetype<Pool>(mapping.pool), MAPPING_BYTES);
  mappingFree(mapping);
}

/** [start, end) is mapped no more: gives back its tables, and tells the TLBs. */
export function rangeEnd(agent: Agent, start: u64, end: u64): void {
  const space = changetype<AddressSpace>(agent.space);
  const tables = tablesGive(space, start, end, endBefore(agent, start), startAfter(agent, end));
  agent.tablesReserved -= tables;
  poolRelease(changetype<Pool>(agent.pool), <u64>tables * PAGE_BYTES);
  shootdown(space, start, <u32>((end - start) >> PAGE_SHIFT));
}
