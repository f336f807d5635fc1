/** The end of an agent's memory. */
import { PAGE_BYTES } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { objectFree } from "../object/slab";
import { AddressSpace, Mapping, SPACE_BYTES, SPACE_TABLES } from "./address_space";
import { Pool, poolRelease } from "./pool";
import { MAPPING_ANONYMOUS } from "./protection";
import { retire, shootdown, spaceForget } from "./shootdown";
import { mappingEnd, rangeEnd, releasePages } from "./unmap";

/** Most addresses that one call of `spaceDestroy` unmaps: 16 MiB, 4,096 pages. */
const PIECE_BYTES: u64 = 4096 * PAGE_BYTES;

/**
 * Ends a piece of the memory of `agent`, which runs nowhere and never will again; true when nothing
 * is left. The pool has back what is gone; what a TLB may still know stays in quarantine meanwhile.
 */
export function spaceDestroy(agent: Agent): bool {
  if (agent.space == 0) return true;
  const space = changetype<AddressSpace>(agent.space);
  spaceForget(space);
  let done: u64 = 0;
  while (agent.mappings != 0 && done < PIECE_BYTES) {
    const mapping = changetype<Mapping>(agent.mappings);
    const start = mapping.start;
    const end = mapping.end;
    const large = end - start > PIECE_BYTES - done && mapping.discardable == 0;
    if (large && mapping.type == MAPPING_ANONYMOUS) {
      const stop = start + (PIECE_BYTES - done);
      releasePages(agent, mapping, start, stop);
      mapping.start = stop;
      rangeEnd(agent, start, stop);
      return false;
    }
    mappingEnd(agent, mapping);
    rangeEnd(agent, start, end);
    done += end - start;
  }
  if (agent.mappings != 0) return false;
  retire(space, space.first);
  retire(space, space.root);
  shootdown(space, 0, 0);
  assert(space.tables == SPACE_TABLES && agent.tablesReserved == 0, "spaceDestroy: tables left");
  poolRelease(changetype<Pool>(agent.pool), SPACE_BYTES + SPACE_TABLES * PAGE_BYTES);
  objectFree(agent.space);
  agent.space = 0;
  return true;
}
