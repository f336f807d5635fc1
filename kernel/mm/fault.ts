/**
 * Page faults of agents: demand paging and copy-on-write.
 *
 * Nothing here can run out of memory: the frames that a mapping may need were promised to it when it
 * was made (mm/frames.ts), its tables as well, and discardable memory makes room in itself.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { FAULT_FETCH, FAULT_RESERVED, FAULT_WRITE } from "../../sim/spec/x86";
import { Agent } from "../agent/agent";
import { kernelCpu } from "../cpu/cpu";
import { kernel } from "../state";
import { AddressSpace, Mapping } from "./address_space";
import { codeWritten } from "./code";
import { blockPage } from "./frame_block";
import { frameAllocPromised, frameUnshare, frameUsers, OWNER_AGENT } from "./frames";
import { imagePage } from "./image_memory";
import { mappingAt } from "./mappings";
import { PTE_ADDRESS, PTE_NO_EXECUTE, PTE_PRESENT, PTE_USER, PTE_WRITABLE } from "./paging";
import {
  MAPPING_ANONYMOUS,
  MAPPING_FRAME,
  MAPPING_IMAGE,
  MAPPING_REGION,
  PROTECTION_EXECUTE,
  PROTECTION_READ,
  PROTECTION_WRITE,
} from "./protection";
import { discardableFrame } from "./reclaim";
import { regionPage } from "./region";
import { shootdown, spaceUse } from "./shootdown";
import { tableMake } from "./tables";

const PAGE_MASK: u64 = PAGE_BYTES - 1;

/** Flags of the entry of a page that nobody shares. */
@inline
export function entryFlags(protection: u32): u64 {
  return (
    PTE_PRESENT |
    PTE_USER |
    ((protection & PROTECTION_WRITE) != 0 ? PTE_WRITABLE : 0) |
    ((protection & PROTECTION_EXECUTE) != 0 ? 0 : PTE_NO_EXECUTE)
  );
}

/** Linear address of the entry for `address`, in a table that is made when it is missing. */
@inline
export function entryMake(space: AddressSpace, address: u64): usize {
  return tableMake(space, address) + (<usize>(<u32>(address >> 12) & 511) << 3);
}

/**
 * A page fault of the agent that the running CPU executes; `errorCode` as the processor pushed it.
 * False when the access is not allowed: it is the agent's own fault, which ends it.
 */
export function pageFault(agent: Agent, address: u64, errorCode: u32): bool {
  if ((errorCode & FAULT_RESERVED) != 0) return false;
  const at = mappingAt(agent, address);
  if (at == 0) return false;
  const mapping = changetype<Mapping>(at);
  const needs =
    (errorCode & FAULT_WRITE) != 0
      ? PROTECTION_WRITE
      : (errorCode & FAULT_FETCH) != 0
        ? PROTECTION_EXECUTE
        : PROTECTION_READ;
  if ((mapping.protection & needs) == 0) return false;
  // It may have got its space, or another image, from another CPU.
  spaceUse(kernelCpu(kernel().entered), agent);
  pageIn(agent, mapping, address & ~PAGE_MASK, needs == PROTECTION_WRITE);
  return true;
}

/**
 * Makes the page at `address` of `mapping`, which allows it, accessible, for writing as well when
 * `write`; linear address of the page.
 */
export function pageIn(agent: Agent, mapping: Mapping, address: u64, write: bool): usize {
  const space = changetype<AddressSpace>(agent.space);
  space.faults += 1;
  if (mapping.type == MAPPING_FRAME) return blockPage(space, mapping, address);
  const entry = entryMake(space, address);
  const value = load<u64>(entry);
  if ((value & PTE_PRESENT) == 0) {
    const frame = newPage(mapping, address);
    store<u64>(entry, frame | entryFlags(mapping.protection));
    return pointer(frame);
  }
  if (!write || (value & PTE_WRITABLE) != 0) {
    // Another CPU was here before, or this one's TLB is behind.
    shootdown(space, address, 1);
    return pointer(value & PTE_ADDRESS);
  }
  const frame = ownFrame(space, value & PTE_ADDRESS);
  store<u64>(entry, frame | entryFlags(mapping.protection));
  shootdown(space, address, 1);
  return pointer(frame);
}

/** Physical address of the frame for a page that is not there yet. */
function newPage(mapping: Mapping, address: u64): u64 {
  if (mapping.type == MAPPING_REGION) return regionPage(mapping, address);
  if (mapping.type == MAPPING_IMAGE) return imagePage(mapping, address);
  assert(mapping.type == MAPPING_ANONYMOUS, "newPage: nothing is behind a guard");
  const frame = mapping.discardable != 0 ? discardableFrame(mapping) : frameAllocPromised(OWNER_AGENT);
  memory.fill(pointer(frame), 0, <usize>PAGE_BYTES);
  codeWritten(pointer(frame), <u32>PAGE_BYTES);
  return frame;
}

/**
 * Copy-on-write: a frame with the contents of `frame` that one space alone uses; `frame` itself when
 * that is so already.
 */
export function ownFrame(space: AddressSpace, frame: u64): u64 {
  if (frameUsers(frame) == 1) return frame;
  const copy = frameAllocPromised(OWNER_AGENT);
  memory.copy(pointer(copy), pointer(frame), <usize>PAGE_BYTES);
  codeWritten(pointer(copy), <u32>PAGE_BYTES);
  frameUnshare(frame);
  space.copies += 1;
  return copy;
}
