/** Address spaces of agents. */
import { pointer } from "../../hal/memory";
import { KIND_SPACE } from "../object/kinds";
import { KernelObject, objectAllocate, objectFree } from "../object/slab";
import { Ptr } from "../state";
import { frameAllocZeroed, OWNER_PAGE_TABLE } from "./frames";
import { paging } from "./paging";

/** A range of an agent's addresses, and what it is made of. */
@unmanaged
export class Mapping {
  start: u64;
  end: u64;
  next: Ptr<Mapping>;
  /** MAPPING_… and PROTECTION_… (mm/protection.ts). */
  type: u32;
  protection: u32;
  /** Region or image behind it; 0 for memory of its own. */
  object: usize;
  /** Offset of `start` in that object, bytes. */
  offset: u64;
}

@unmanaged
export class AddressSpace extends KernelObject {
  /** Physical address of the top-level table. */
  root: u64;
  /** CPUs whose TLB may hold translations of it. */
  cpus: u64;
  /** Frames of its tables and of its own pages. */
  tables: u32;
  pages: u32;
}

const ENTRY_BYTES: usize = 8;
/** The kernel has the upper half of the top-level table. */
const USER_ENTRIES: usize = 256;
const TABLE_BYTES: usize = 4096;

/** A space with the kernel's half and the runtime text; 0 when no frame is left. */
export function spaceCreate(): usize {
  const slot = objectAllocate(KIND_SPACE, 0);
  if (slot == 0) return 0;
  const space = changetype<AddressSpace>(slot);
  space.root = frameAllocZeroed(0, OWNER_PAGE_TABLE);
  if (space.root == 0) {
    objectFree(slot);
    return 0;
  }
  const half = USER_ENTRIES * ENTRY_BYTES;
  memory.copy(pointer(space.root) + half, pointer(paging().root) + half, TABLE_BYTES - half);
  return slot;
}
