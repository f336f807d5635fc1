/**
 * Page tables of an agent's space. A table is reserved when a mapping first needs it, made when a
 * page below it is first touched, and given back with the last mapping that needed it.
 *
 * How many tables a list of ranges needs follows from the ranges: one for each 2 MiB, 1 GiB and
 * 512 GiB of addresses that any of them touches. So what a range adds or takes depends on its two
 * neighbours alone, and nobody searches tables for entries that are left.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { frameAllocPromised, framesRelease, OWNER_PAGE_TABLE } from "./frames";
import { AddressSpace, NO_SPAN } from "./address_space";
import { PAGE_1G, PAGE_2M, PTE_ADDRESS, PTE_LARGE, PTE_PRESENT, PTE_USER, PTE_WRITABLE, slot, tableOf } from "./paging";
import { retire } from "./shootdown";

const TOP_SHIFT: u32 = 39;
const LEVEL_BITS: u32 = 9;
const TABLE_FLAGS: u64 = PTE_PRESENT | PTE_WRITABLE | PTE_USER;
/** End of what one table of the lowest level maps, from an address in it. */
export const SPAN_BYTES: u64 = 1 << PAGE_2M;

/** First number of a span of 2^shift bytes that [start, …) touches and […, before) does not. */
@inline
function firstSpan(start: u64, before: u64, shift: u64): u64 {
  const first = start >> shift;
  // Every space has the table of its first 512 GiB.
  if (shift == TOP_SHIFT && first == 0) return 1;
  return before != 0 && (before - 1) >> shift == first ? first + 1 : first;
}

/** Number behind the last span that […, end) touches and [after, …) does not. */
@inline
function lastSpan(end: u64, after: u64, shift: u64): u64 {
  const last = (end - 1) >> shift;
  return after >> shift == last ? last : last + 1;
}

@inline
function spans(start: u64, end: u64, before: u64, after: u64, shift: u64): u32 {
  const first = firstSpan(start, before, shift);
  const last = lastSpan(end, after, shift);
  return last > first ? <u32>(last - first) : 0;
}

/**
 * Tables that [start, end) needs and its neighbours don't: `before` is the end of the range before
 * it, 0 for none, `after` the start of the one behind it, all ones for none.
 */
export function tablesNeeded(start: u64, end: u64, before: u64, after: u64): u32 {
  return (
    spans(start, end, before, after, PAGE_2M) +
    spans(start, end, before, after, PAGE_1G) +
    spans(start, end, before, after, TOP_SHIFT)
  );
}

/** The entry for `address` in the table of 1 GiB, 0 when there is no such table. */
@inline
function spanEntry(space: AddressSpace, address: u64): usize {
  let table = space.first;
  if (address >> TOP_SHIFT != 0) {
    const top = load<u64>(slot(space.root, address, TOP_SHIFT));
    if ((top & PTE_PRESENT) == 0) return 0;
    table = top;
  }
  const second = load<u64>(slot(table, address, PAGE_1G));
  return (second & PTE_PRESENT) == 0 ? 0 : slot(second, address, PAGE_2M);
}

/**
 * Linear address of the table of entries for the 2 MiB around `address`, 0 when there is none. Nothing is
 * noted here: that something was looked for leaves no trace.
 */
@inline
export function tableFind(space: AddressSpace, address: u64): usize {
  return address >> PAGE_2M == <u64>space.leafSpan ? space.leaf : tableWalk(space, address);
}

/** The same by going down from the top. */
export function tableWalk(space: AddressSpace, address: u64): usize {
  const entry = spanEntry(space, address);
  if (entry == 0) return 0;
  const value = load<u64>(entry);
  return (value & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT ? tableOf(value) : 0;
}

/** The entry of a 2 MiB page at `address`, 0 when there is no such page. */
export function largeFind(space: AddressSpace, address: u64): usize {
  const entry = spanEntry(space, address);
  return entry != 0 && (load<u64>(entry) & PTE_LARGE) != 0 ? entry : 0;
}

/** The table for `address`, made out of what was promised to the space when it is missing. */
export function tableMake(space: AddressSpace, address: u64): usize {
  const found = tableFind(space, address);
  if (found != 0) return found;
  const table = pointer(below(space, spanEntryMake(space, address)));
  space.leafSpan = <u32>(address >> PAGE_2M);
  space.leaf = table;
  return table;
}

/** The entry for the 2 MiB around `address`, with the tables on the way to it. */
export function spanEntryMake(space: AddressSpace, address: u64): usize {
  const table = address >> TOP_SHIFT == 0 ? space.first : below(space, slot(space.root, address, TOP_SHIFT));
  return slot(below(space, slot(table, address, PAGE_1G)), address, PAGE_2M);
}

function below(space: AddressSpace, entry: usize): u64 {
  const value = load<u64>(entry);
  assert((value & PTE_LARGE) == 0, "tables: a large page is in the way");
  if ((value & PTE_PRESENT) != 0) return value & PTE_ADDRESS;
  const table = frameAllocPromised(OWNER_PAGE_TABLE);
  memory.fill(pointer(table), 0, <usize>PAGE_BYTES);
  space.tables += 1;
  store<u64>(entry, table | TABLE_FLAGS);
  return table;
}

/**
 * Gives back the tables that [start, end), which has no page any more, needed and its neighbours
 * don't; those that never came to be are released. How many there were in all.
 */
export function tablesGive(space: AddressSpace, start: u64, end: u64, before: u64, after: u64): u32 {
  const count = tablesNeeded(start, end, before, after);
  const had = space.tables;
  for (let shift = PAGE_2M; shift <= TOP_SHIFT; shift += LEVEL_BITS)
    giveLevel(space, shift, firstSpan(start, before, shift), lastSpan(end, after, shift));
  framesRelease(count - (had - space.tables));
  return count;
}

/** Gives back the tables that each map 2^shift bytes, numbers `first` up to `last`. */
function giveLevel(space: AddressSpace, shift: u32, first: u64, last: u64): void {
  for (let number = first; number < last; number++) {
    const address = number << shift;
    let table = space.root;
    let entry = slot(table, address, TOP_SHIFT);
    for (let level = TOP_SHIFT; level > shift && table != 0; level -= LEVEL_BITS) {
      const value = load<u64>(entry);
      table = (value & PTE_PRESENT) == 0 ? 0 : value & PTE_ADDRESS;
      entry = table == 0 ? 0 : slot(table, address, level - LEVEL_BITS);
    }
    if (table == 0) continue;
    const value = load<u64>(entry);
    if ((value & PTE_PRESENT) == 0) continue;
    store<u64>(entry, 0);
    space.tables -= 1;
    if (space.leaf == pointer(value & PTE_ADDRESS)) {
      space.leafSpan = NO_SPAN;
      space.leaf = 0;
    }
    retire(space, value & PTE_ADDRESS);
  }
}
