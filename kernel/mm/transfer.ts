/** Pages that go from one agent to another without being copied: into a message and out of it. */
import { PAGE_BYTES, physical, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { STATUS_BAD_ADDRESS, STATUS_MISALIGNED, STATUS_NO_MEMORY, STATUS_OK } from "../syscall/status";
import { AddressSpace, Mapping } from "./address_space";
import { codeWritten } from "./code";
import { entryFlags } from "./fault";
import { frameAllocPromised, framesPromise, framesRelease, frameUnshare, frameUsers, OWNER_AGENT } from "./frames";
import { mappingAt } from "./mappings";
import { PTE_ADDRESS, PTE_PRESENT, PTE_WRITABLE } from "./paging";
import { MAPPING_ANONYMOUS, PROTECTION_WRITE } from "./protection";
import { retire, shootdown } from "./shootdown";
import { SPAN_BYTES, tableFind, tableMake } from "./tables";

const PAGE_MASK: u64 = PAGE_BYTES - 1;
const PAGE_SHIFT: u64 = 12;
const PRESENT_WRITABLE: u64 = PTE_PRESENT | PTE_WRITABLE;

/**
 * Whether the `pages` pages at `address` are the agent's own, writable, and no one else decides about
 * them: what can be moved out of its memory, and where moved pages can go. A status.
 */
export function pagesCheck(agent: Agent, address: u64, pages: u32): u32 {
  if ((address & PAGE_MASK) != 0) return STATUS_MISALIGNED;
  const end = address + (<u64>pages << PAGE_SHIFT);
  if (end < address) return STATUS_BAD_ADDRESS;
  let at = mappingAt(agent, address);
  if (at == 0) return STATUS_BAD_ADDRESS;
  while (true) {
    const mapping = changetype<Mapping>(at);
    if (mapping.type != MAPPING_ANONYMOUS || mapping.discardable != 0) return STATUS_BAD_ADDRESS;
    if ((mapping.protection & PROTECTION_WRITE) == 0) return STATUS_BAD_ADDRESS;
    if (mapping.end >= end) return STATUS_OK;
    at = mapping.next;
    if (at == 0 || changetype<Mapping>(at).start != mapping.end) return STATUS_BAD_ADDRESS;
  }
}

/** First address behind the 2 MiB around `address`, or `end` if that comes before. */
@inline
function spanEnd(address: u64, end: u64): u64 {
  return min((address & ~(SPAN_BYTES - 1)) + SPAN_BYTES, end);
}

/** Entry of `address` in the table of its 2 MiB. */
@inline
function entryIn(table: usize, address: u64): usize {
  return table + (<usize>(<u32>(address >> PAGE_SHIFT) & 511) << 3);
}

/**
 * Moves the `pages` pages at `address` out of the agent's memory, in which zeroes follow them. Their
 * frames' linear addresses, u32 each, go to `list`; whoever takes them owns them and has paid for
 * them. OK, or NO_MEMORY and nothing changed. `pagesCheck` has been asked.
 */
export function pagesTake(agent: Agent, address: u64, pages: u32, list: usize): u32 {
  // The pages that stay behind have a claim to frames, which must be there besides those that leave.
  if (!framesPromise(pages)) return STATUS_NO_MEMORY;
  const space = changetype<AddressSpace>(agent.space);
  const end = address + (<u64>pages << PAGE_SHIFT);
  for (let at = address; at < end; ) {
    const stop = spanEnd(at, end);
    const table = tableFind(space, at);
    for (; table == 0 && at < stop; at += PAGE_BYTES, list += 4) store<u32>(list, <u32>freshZeroes());
    for (; at < stop; at += PAGE_BYTES, list += 4) {
      const entry = entryIn(table, at);
      const value = load<u64>(entry);
      store<u64>(entry, 0);
      // A page that may be written has no other user, so nobody needs to be counted.
      const own = (value & PRESENT_WRITABLE) == PRESENT_WRITABLE;
      store<u32>(list, <u32>(own ? pointer(value & PTE_ADDRESS) : leaving(value)));
    }
  }
  shootdown(space, address, pages);
  return STATUS_OK;
}

/** What leaves for a page whose entry does not allow writing, or is none. */
function leaving(value: u64): usize {
  if ((value & PTE_PRESENT) == 0) return freshZeroes();
  const frame = value & PTE_ADDRESS;
  return frameUsers(frame) == 1 ? pointer(frame) : freshCopy(frame);
}

/** What leaves for a page that was never touched. */
function freshZeroes(): usize {
  const fresh = pointer(frameAllocPromised(OWNER_AGENT));
  memory.fill(fresh, 0, <usize>PAGE_BYTES);
  codeWritten(fresh, <u32>PAGE_BYTES);
  return fresh;
}

/** What leaves for a page whose frame others use as well. */
function freshCopy(frame: u64): usize {
  const fresh = pointer(frameAllocPromised(OWNER_AGENT));
  memory.copy(fresh, pointer(frame), <usize>PAGE_BYTES);
  codeWritten(fresh, <u32>PAGE_BYTES);
  frameUnshare(frame);
  return fresh;
}

/**
 * Puts the `pages` frames of `list`, linear addresses as above, into the agent's memory at `address`,
 * in place of what is there. From then on they are paid by whoever pays for that memory.
 * `pagesCheck` has been asked.
 */
export function pagesGive(agent: Agent, address: u64, pages: u32, list: usize): void {
  const space = changetype<AddressSpace>(agent.space);
  const end = address + (<u64>pages << PAGE_SHIFT);
  let mapping = changetype<Mapping>(mappingAt(agent, address));
  // Pages that have their frame now, and need no promise any more.
  let kept: u32 = 0;
  for (let at = address; at < end; ) {
    if (at >= mapping.end) mapping = changetype<Mapping>(mapping.next);
    const stop = min(spanEnd(at, end), mapping.end);
    const found = tableFind(space, at);
    const table = found != 0 ? found : tableMake(space, at);
    const flags = entryFlags(mapping.protection);
    for (; at < stop; at += PAGE_BYTES, list += 4) {
      const entry = entryIn(table, at);
      const value = load<u64>(entry);
      store<u64>(entry, physical(load<u32>(list)) | flags);
      if ((value & PTE_PRESENT) == 0 || !displaced(space, value & PTE_ADDRESS)) kept += 1;
    }
  }
  framesRelease(kept);
  shootdown(space, address, pages);
}

/** The space has one use of `frame` less; whether that was the last, and the frame is free. */
function displaced(space: AddressSpace, frame: u64): bool {
  if (frameUsers(frame) == 1) {
    retire(space, frame);
    return true;
  }
  frameUnshare(frame);
  return false;
}
