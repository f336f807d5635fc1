/**
 * Regions: memory that several agents map. A region begins as an agent's own memory, whose pages it
 * takes over where they are; it lives as long as anybody maps it. When its owner ends or unmaps it,
 * nobody owns it, and what is mapped stays.
 */
import { PAGE_BYTES, physical, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { KernelObject, objectFree } from "../object/slab";
import { Ptr } from "../state";
import { AddressSpace, Mapping } from "./address_space";
import { codeWritten } from "./code";
import { frameAllocPromised, frameFree, framesRelease, orderFor, OWNER_AGENT } from "./frames";
import { Pool, poolDrop, poolRelease } from "./pool";
import { retire } from "./shootdown";

@unmanaged
export class Region extends KernelObject {
  /** Identifier of the agent that shared it; 0 when that one has ended or let go. */
  owner: u64;
  /** Bytes, whole pages. */
  bytes: u64;
  /** Physical addresses of its pages, 0 for one that nobody has touched: u64 each. */
  frames: usize;
  /** Mappings of it. */
  mappings: u32;
  /** Pages that have a frame. */
  present: u32;
  /** Who pays for all of it. */
  pool: Ptr<Pool>;
}

export const REGION_BYTES: u32 = (offsetof<Region>() + 7) & ~7;

/** Bytes of the list of frames of a region of `bytes` bytes: a block of whole frames. */
@inline
export function listBytes(bytes: u64): u64 {
  return PAGE_BYTES << orderFor((bytes >> 12) << 3);
}

/** What a region of `bytes` bytes costs its pool. */
@inline
export function regionCharge(bytes: u64): u64 {
  return bytes + listBytes(bytes) + REGION_BYTES;
}

@inline
function place(region: Region, page: u64): usize {
  return region.frames + (<usize>page << 3);
}

/** Frame of the page at `address` of a mapping of a region; a zeroed one when nobody touched it. */
export function regionPage(mapping: Mapping, address: u64): u64 {
  const region = changetype<Region>(mapping.object);
  const at = place(region, (address - mapping.start) >> 12);
  const found = load<u64>(at);
  if (found != 0) return found;
  const frame = frameAllocPromised(OWNER_AGENT);
  memory.fill(pointer(frame), 0, <usize>PAGE_BYTES);
  codeWritten(pointer(frame), <u32>PAGE_BYTES);
  store<u64>(at, frame);
  region.present += 1;
  return frame;
}

/** Makes `frame` the page number `page` of a region that is being made. */
@inline
export function regionSet(region: Region, page: u64, frame: u64): void {
  store<u64>(place(region, page), frame);
  region.present += 1;
}

/** A mapping of the region is gone: the owner's ends its ownership, the last one the region. */
export function regionDrop(mapping: Mapping): void {
  const region = changetype<Region>(mapping.object);
  const agent = changetype<Agent>(mapping.agent);
  region.mappings -= 1;
  if (region.owner == agent.id) region.owner = 0;
  if (region.mappings != 0) return;
  const pages = region.bytes >> 12;
  for (let page: u64 = 0; page < pages; page++) {
    const frame = load<u64>(place(region, page));
    if (frame != 0) retire(changetype<AddressSpace>(agent.space), frame);
  }
  framesRelease(<u32>pages - region.present);
  frameFree(physical(region.frames));
  const pool = changetype<Pool>(region.pool);
  poolRelease(pool, regionCharge(region.bytes));
  objectFree(mapping.object);
  poolDrop(pool);
}
