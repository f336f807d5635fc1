/**
 * Discardable memory: caches of agents, which the kernel takes back page by page when the pool that
 * pays for them is short. There is no swap device, so what is taken is gone: the next touch finds
 * zeroes.
 *
 * A discardable mapping reserves DISCARDABLE_PAGES_MIN pages; beyond these a page is charged when it
 * is touched and the pool has room. When it has none, another page goes. So a touch never fails.
 *
 * Which page goes: userland may predict when ranges are used next (mm/predictions.ts). A page whose
 * range is predicted to be used last, and that nobody used since, goes first. Where nothing is
 * predicted, or not any more, the second-chance clock decides (Corbató 1968, "A paging experiment
 * with the Multics system"): a hand goes round, clears the accessed flag of each page, and takes the
 * first that is found clear. Pages that are predicted to be used soon are passed over at first.
 */
import { PAGE_BYTES } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { AddressSpace, Mapping } from "./address_space";
import { frameAlloc, frameAllocPromised, OWNER_AGENT } from "./frames";
import { PTE_ACCESSED, PTE_ADDRESS, PTE_PRESENT } from "./paging";
import { Pool, poolRelease } from "./pool";
import { predictedLast, predictedSoon } from "./predictions";
import { retire, shootdown } from "./shootdown";
import { SPAN_BYTES, tableFind } from "./tables";

/**
 * Pages that every discardable mapping has for sure: more than one instruction can touch (two of
 * text, two of each operand), so it ends even when all others are taken.
 */
export const DISCARDABLE_PAGES_MIN: u32 = 8;
const PAGE_SHIFT: u64 = 12;

/** Pages that a mapping of `bytes` bytes of discardable memory reserves. */
@inline
export function discardableReserve(bytes: u64): u32 {
  return <u32>min(bytes >> PAGE_SHIFT, <u64>DISCARDABLE_PAGES_MIN);
}

@inline
function reserved(mapping: Mapping): u32 {
  return discardableReserve(mapping.end - mapping.start);
}

/** Puts a mapping, a new one or one that has come with its pages, into the ring of its pool. */
export function discardableAdd(mapping: Mapping): void {
  const pool = changetype<Pool>(mapping.pool);
  const slot = changetype<usize>(mapping);
  if (mapping.present > reserved(mapping)) pool.spare += mapping.present - reserved(mapping);
  if (pool.discardable == 0) {
    mapping.discardNext = slot;
    mapping.discardPrevious = slot;
    pool.discardable = slot;
    return;
  }
  // Behind the hand: it comes to this one last.
  const first = changetype<Mapping>(pool.discardable);
  const last = changetype<Mapping>(first.discardPrevious);
  mapping.discardNext = pool.discardable;
  mapping.discardPrevious = first.discardPrevious;
  last.discardNext = slot;
  first.discardPrevious = slot;
}

/** Takes a mapping, whose pages are about to go or to be moved, out of the ring. */
export function discardableRemove(mapping: Mapping): void {
  const pool = changetype<Pool>(mapping.pool);
  const slot = changetype<usize>(mapping);
  if (mapping.present > reserved(mapping)) pool.spare -= mapping.present - reserved(mapping);
  if (mapping.discardNext == slot) pool.discardable = 0;
  else {
    changetype<Mapping>(mapping.discardPrevious).discardNext = mapping.discardNext;
    changetype<Mapping>(mapping.discardNext).discardPrevious = mapping.discardPrevious;
    if (pool.discardable == slot) pool.discardable = mapping.discardNext;
  }
}

/** A frame for one page more of a discardable mapping, charged; its contents are undefined. */
export function discardableFrame(mapping: Mapping): u64 {
  if (mapping.present < reserved(mapping)) {
    mapping.present += 1;
    return frameAllocPromised(OWNER_AGENT);
  }
  const pool = changetype<Pool>(mapping.pool);
  if (pool.quota - pool.used >= PAGE_BYTES || reclaim(pool, PAGE_BYTES)) {
    const frame = frameAlloc(0, OWNER_AGENT);
    if (frame != 0) {
      pool.used += PAGE_BYTES;
      pool.spare += 1;
      mapping.present += 1;
      return frame;
    }
  }
  // Nobody can spare one: the mapping gives up a page of its own for the new one.
  return takeByClock(mapping, 2);
}

/**
 * Discards pages that the pool pays until it has room for `bytes`; false, and nothing discarded, when
 * all that may be discarded would not be enough.
 */
export function reclaim(pool: Pool, bytes: u64): bool {
  if (bytes > pool.quota - pool.used + (<u64>pool.spare << PAGE_SHIFT)) return false;
  while (bytes > pool.quota - pool.used) discardOne(pool);
  return true;
}

function discardOne(pool: Pool): void {
  let frame: u64 = 0;
  let at = predictedLast(pool);
  if (at != 0) frame = takeAt(changetype<Mapping>(at), changetype<Mapping>(at).hand);
  for (let round: u32 = 0; frame == 0; round++) {
    assert(round < 4, "reclaim: no page where there are some");
    const first = pool.discardable;
    do {
      at = pool.discardable;
      const mapping = changetype<Mapping>(at);
      if (mapping.present > reserved(mapping)) frame = takeByClock(mapping, round);
      if (frame == 0) pool.discardable = mapping.discardNext;
    } while (frame == 0 && pool.discardable != first);
  }
  const mapping = changetype<Mapping>(at);
  mapping.present -= 1;
  pool.spare -= 1;
  poolRelease(pool, PAGE_BYTES);
  retire(changetype<AddressSpace>(changetype<Agent>(mapping.agent).space), frame);
}

/** Entry of page number `page` of a mapping; 0 when it has no table. */
export function entryOfPage(mapping: Mapping, page: u32): usize {
  const address = mapping.start + (<u64>page << PAGE_SHIFT);
  const table = tableFind(changetype<AddressSpace>(changetype<Agent>(mapping.agent).space), address);
  return table == 0 ? 0 : table + (<usize>(<u32>(address >> PAGE_SHIFT) & 511) << 3);
}

/**
 * One turn of the hand, from where it stands to the end of the mapping; the frame that was taken, or
 * 0. From round 2 on predictions don't protect, and the hand begins anew until it has one.
 */
function takeByClock(mapping: Mapping, round: u32): u64 {
  const pages = <u32>((mapping.end - mapping.start) >> PAGE_SHIFT);
  for (let turn: u32 = 0; turn < (round < 2 ? 1 : 3); turn++) {
    while (mapping.hand < pages) {
      const page = mapping.hand;
      const entry = entryOfPage(mapping, page);
      if (entry == 0) {
        mapping.hand = nextSpan(mapping, page);
        continue;
      }
      mapping.hand = page + 1;
      const value = load<u64>(entry);
      if ((value & PTE_PRESENT) == 0) continue;
      if ((value & PTE_ACCESSED) != 0) store<u64>(entry, value & ~PTE_ACCESSED);
      else if (round >= 2 || !predictedSoon(mapping, page)) return takeAt(mapping, page);
    }
    mapping.hand = 0;
  }
  return 0;
}

/** Number of the first page behind the 2 MiB around page number `page`. */
function nextSpan(mapping: Mapping, page: u32): u32 {
  const address = mapping.start + (<u64>page << PAGE_SHIFT);
  return <u32>(((address & ~(SPAN_BYTES - 1)) + SPAN_BYTES - mapping.start) >> PAGE_SHIFT);
}

/** Unmaps page number `page`, which is there; its frame. */
function takeAt(mapping: Mapping, page: u32): u64 {
  const entry = entryOfPage(mapping, page);
  const frame = load<u64>(entry) & PTE_ADDRESS;
  store<u64>(entry, 0);
  const space = changetype<AddressSpace>(changetype<Agent>(mapping.agent).space);
  shootdown(space, mapping.start + (<u64>page << PAGE_SHIFT), 1);
  return frame;
}
