/** What memory management needs before there is an agent. */
import { PAGE_BYTES } from "../../hal/memory";
import { USER_TEXT } from "../../sim/spec/user";
import { AGENTS_MAX, FRAME_OBJECTS_MAX, MAPPINGS_MAX, POOLS_MAX, REGIONS_MAX } from "../limits";
import { KIND_FRAME, KIND_MAPPING, KIND_POOL, KIND_REGION, KIND_SPACE } from "../object/kinds";
import { objectAllocate, slabInit } from "../object/slab";
import { kernel } from "../state";
import { MAPPING_BYTES, SPACE_BYTES } from "./address_space";
import { BLOCK_BYTES } from "./frame_block";
import { frameAllocZeroed, framesFree, OWNER_KERNEL } from "./frames";
import { MAP_OK, mapPage, PAGE_4K, paging, PTE_USER } from "./paging";
import { Pool, POOL_BYTES } from "./pool";
import { createPredictions } from "./predictions";
import { REGION_BYTES } from "./region";
import { createQuarantine } from "./shootdown";

/** Tables of memory objects, and the page that stands for the runtimes; false when RAM is short. */
export function createMemory(shards: u32): bool {
  createQuarantine();
  return (
    slabInit(KIND_POOL, POOL_BYTES, POOLS_MAX, shards) &&
    slabInit(KIND_SPACE, SPACE_BYTES, AGENTS_MAX, shards) &&
    slabInit(KIND_MAPPING, MAPPING_BYTES, MAPPINGS_MAX, shards) &&
    slabInit(KIND_REGION, REGION_BYTES, REGIONS_MAX, shards) &&
    slabInit(KIND_FRAME, BLOCK_BYTES, FRAME_OBJECTS_MAX, shards) &&
    createPredictions() &&
    mapRuntimes()
  );
}

/** The window of runtime text: one page of the kernel, in every space through one table. */
function mapRuntimes(): bool {
  const page = frameAllocZeroed(0, OWNER_KERNEL);
  return page != 0 && mapPage(paging().root, USER_TEXT, page, PAGE_4K, PTE_USER) == MAP_OK;
}

/** The pool of all memory that is left; false when there is no slot. */
export function createRootPool(): bool {
  const slot = objectAllocate(KIND_POOL, 0);
  if (slot == 0) return false;
  const pool = changetype<Pool>(slot);
  pool.quota = <u64>framesFree() * PAGE_BYTES;
  pool.references = 1;
  kernel().pool = slot;
  return true;
}
