/**
 * Address spaces of agents.
 *
 *   top-level table, entry 0      512 GiB: below 1 GiB the image's table, or what a native image is
 *                                 made of (image_memory.ts), above it the agent's own
 *                    1 … 254      the agent's own
 *                    255          the runtime text: one table of the kernel for all
 *                    256 … 511    the kernel: tables of the kernel for all
 *
 * An agent that has mapped nothing has no space: it runs on its image's top-level table, or on the
 * kernel's when the image has no text.
 */
import { pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { Image } from "../agent/image";
import { RUNTIME_NATIVE } from "../../sim/spec/user";
import { KIND_SPACE } from "../object/kinds";
import { KernelObject, objectAllocate } from "../object/slab";
import { kernel, Ptr } from "../state";
import { EXTENDED_BYTES } from "./extended_format";
import { frameAllocPromised, OWNER_PAGE_TABLE } from "./frames";
import { paging, PTE_PRESENT, PTE_USER, PTE_WRITABLE } from "./paging";
import { Pool } from "./pool";

/** A range of an agent's addresses, and what it is made of. */
@unmanaged
export class Mapping extends KernelObject {
  start: u64;
  end: u64;
  /** Neighbours in the agent's list, which is in the order of addresses. */
  previous: Ptr<Mapping>;
  next: Ptr<Mapping>;
  agent: Ptr<Agent>;
  /** MAPPING_… and PROTECTION_… (mm/protection.ts). */
  type: u32;
  protection: u32;
  /** Most that `protection` may become. */
  allowed: u32;
  /** 1 when pages may be discarded. */
  discardable: u32;
  /** Region or block of frames behind it; 0 for memory of its own. */
  object: usize;
  /** Who pays for it, and for the pages when they are the agent's own. */
  pool: Ptr<Pool>;
  /** Discardable: pages that are there, and where the clock's hand stands. */
  present: u32;
  hand: u32;
  /** Neighbours in the pool's list of discardable mappings. */
  discardNext: Ptr<Mapping>;
  discardPrevious: Ptr<Mapping>;
}

export const MAPPING_BYTES: u32 = (offsetof<Mapping>() + 7) & ~7;

@unmanaged
export class AddressSpace extends KernelObject {
  /** Physical address of the top-level table, and of the one for its first 512 GiB. */
  root: u64;
  first: u64;
  /** CPUs whose CR3 is `root`: their TLBs may hold translations. */
  cpus: u64;
  /** Counts changes that such a TLB may not have seen. */
  generation: u64;
  /** Frames of its tables. */
  tables: u32;
  /** The table of entries that was made last, and the 2 MiB that it is for; small agents have no other. */
  leafSpan: u32;
  leaf: usize;
  /** Pages brought in, and pages copied because they were shared. */
  faults: u64;
  copies: u64;
}

/** Where the state stands that only machine code has (mm/extended.ts). */
export const EXTENDED_OFFSET: usize = (offsetof<AddressSpace>() + 7) & ~7;
export const SPACE_BYTES: u32 = <u32>EXTENDED_OFFSET + EXTENDED_BYTES;
/** Tables that every space has: the top-level one and the first of the level below. */
export const SPACE_TABLES: u32 = 2;
/** `leafSpan` when that table is gone. */
export const NO_SPAN: u32 = 0xffff_ffff;

/** The kernel has the upper half of the top-level table, and the last entry of the lower one. */
const SHARED_OFFSET: usize = 255 * 8;
const TABLE_BYTES: usize = 4096;
const TABLE_FLAGS: u64 = PTE_PRESENT | PTE_WRITABLE | PTE_USER;

/** Gives `agent` a space for its image, out of SPACE_TABLES promised frames; `recordsReserve` has been asked. */
export function spaceCreate(agent: Agent): void {
  const slot = objectAllocate(KIND_SPACE, kernel().entered);
  assert(slot != 0, "spaceCreate: recordsReserve promised a slot");
  const space = changetype<AddressSpace>(slot);
  space.root = frameAllocPromised(OWNER_PAGE_TABLE);
  space.first = frameAllocPromised(OWNER_PAGE_TABLE);
  space.tables = SPACE_TABLES;
  space.leafSpan = NO_SPAN;
  const root = pointer(space.root);
  memory.fill(root, 0, SHARED_OFFSET);
  memory.copy(root + SHARED_OFFSET, pointer(paging().root) + SHARED_OFFSET, TABLE_BYTES - SHARED_OFFSET);
  memory.fill(pointer(space.first), 0, TABLE_BYTES);
  store<u64>(root, space.first | TABLE_FLAGS);
  agent.space = slot;
  spaceSetImage(space, changetype<Image>(agent.image));
}

/** Shows the text of `image` in the space, and that of the runtimes when it needs one. TLBs that know another one's must be told. */
export function spaceSetImage(space: AddressSpace, image: Image): void {
  store<u64>(pointer(space.first), image.directory == 0 ? 0 : image.directory | TABLE_FLAGS);
  const runtimes = image.runtime == RUNTIME_NATIVE ? 0 : load<u64>(pointer(paging().root), SHARED_OFFSET);
  store<u64>(pointer(space.root), runtimes, SHARED_OFFSET);
}

/** Top-level table on which `agent` runs. */
@inline
export function rootOf(agent: Agent): u64 {
  if (agent.space != 0) return changetype<AddressSpace>(agent.space).root;
  const root = changetype<Image>(agent.image).root;
  return root == 0 ? paging().root : root;
}
