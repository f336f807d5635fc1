/** Pages that go from one agent to another without being copied: into a message and out of it. */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { STATUS_BAD_ADDRESS, STATUS_MISALIGNED, STATUS_NO_MEMORY, STATUS_OK } from "../syscall/status";
import { AddressSpace, Mapping } from "./address_space";
import { entryFlags, entryMake } from "./fault";
import { frameAllocPromised, framesPromise, framesRelease, frameUnshare, frameUsers, OWNER_AGENT } from "./frames";
import { mappingAt } from "./mappings";
import { PTE_ADDRESS, PTE_PRESENT } from "./paging";
import { MAPPING_ANONYMOUS, PROTECTION_WRITE } from "./protection";
import { retire, shootdown } from "./shootdown";
import { tableFind } from "./tables";

const PAGE_MASK: u64 = PAGE_BYTES - 1;
const PAGE_SHIFT: u64 = 12;

/**
 * Whether the `pages` pages at `address` are the agent's own, writable, and no one else decides about
 * them: what can be moved out of its memory, and where moved pages can go. A status.
 */
export function pagesCheck(agent: Agent, address: u64, pages: u32): u32 {
  if ((address & PAGE_MASK) != 0) return STATUS_MISALIGNED;
  const end = address + (<u64>pages << PAGE_SHIFT);
  if (end < address) return STATUS_BAD_ADDRESS;
  let at = mappingAt(agent, address);
  for (let covered = address; covered < end; at = changetype<Mapping>(at).next) {
    if (at == 0) return STATUS_BAD_ADDRESS;
    const mapping = changetype<Mapping>(at);
    if (mapping.start > covered || mapping.type != MAPPING_ANONYMOUS) return STATUS_BAD_ADDRESS;
    if (mapping.discardable != 0 || (mapping.protection & PROTECTION_WRITE) == 0) return STATUS_BAD_ADDRESS;
    covered = mapping.end;
  }
  return STATUS_OK;
}

/**
 * Moves the `pages` pages at `address` out of the agent's memory, in which zeroes follow them. Their
 * physical addresses, u64 each, go to `list`; whoever takes them owns them and has paid for them.
 * OK, or NO_MEMORY and nothing changed. `pagesCheck` has been asked.
 */
export function pagesTake(agent: Agent, address: u64, pages: u32, list: usize): u32 {
  // The pages that stay behind have a claim to frames, which must be there besides those that leave.
  if (!framesPromise(pages)) return STATUS_NO_MEMORY;
  const space = changetype<AddressSpace>(agent.space);
  for (let page: u32 = 0; page < pages; page++) {
    const at = address + (<u64>page << PAGE_SHIFT);
    const table = tableFind(space, at);
    const entry: usize = table == 0 ? <usize>0 : table + (<usize>(<u32>(at >> PAGE_SHIFT) & 511) << 3);
    const value = entry == 0 ? 0 : load<u64>(entry);
    if ((value & PTE_PRESENT) != 0) store<u64>(entry, 0);
    store<u64>(list + (<usize>page << 3), takeFrame(value));
  }
  shootdown(space, address, pages);
  return STATUS_OK;
}

/** The frame of a page that leaves, whose entry was `value`. */
function takeFrame(value: u64): u64 {
  const frame = value & PTE_ADDRESS;
  if ((value & PTE_PRESENT) != 0 && frameUsers(frame) == 1) return frame;
  const fresh = frameAllocPromised(OWNER_AGENT);
  if ((value & PTE_PRESENT) == 0) memory.fill(pointer(fresh), 0, <usize>PAGE_BYTES);
  else {
    memory.copy(pointer(fresh), pointer(frame), <usize>PAGE_BYTES);
    frameUnshare(frame);
  }
  return fresh;
}

/**
 * Puts the `pages` frames of `list` into the agent's memory at `address`, in place of what is there.
 * From then on they are paid by whoever pays for that memory. `pagesCheck` has been asked.
 */
export function pagesGive(agent: Agent, address: u64, pages: u32, list: usize): void {
  const space = changetype<AddressSpace>(agent.space);
  let mapping = changetype<Mapping>(mappingAt(agent, address));
  for (let page: u32 = 0; page < pages; page++) {
    const at = address + (<u64>page << PAGE_SHIFT);
    if (at >= mapping.end) mapping = changetype<Mapping>(mapping.next);
    const entry = entryMake(space, at);
    const value = load<u64>(entry);
    store<u64>(entry, load<u64>(list + (<usize>page << 3)) | entryFlags(mapping.protection));
    const old = value & PTE_ADDRESS;
    if ((value & PTE_PRESENT) != 0 && frameUsers(old) == 1) {
      retire(space, old);
      continue;
    }
    if ((value & PTE_PRESENT) != 0) frameUnshare(old);
    // The page has its frame now and needs no promise any more.
    framesRelease(1);
  }
  shootdown(space, address, pages);
}
