/**
 * Pools: who pays. Memory is reserved in a pool before it is used, and never more than its quota.
 *
 * A child pool's whole quota is in use in its parent from the beginning, so a charge looks at one
 * pool, however deep it lies. A pool lives as long as something refers to it (agents, child pools,
 * capabilities, mappings) or is paid by it.
 */
import { POOL_DEPTH_MAX } from "../limits";
import { KIND_POOL } from "../object/kinds";
import { KernelObject, objectAllocate, objectFree } from "../object/slab";
import { kernel, Ptr } from "../state";
import { Mapping } from "./address_space";
import { reclaim } from "./reclaim";

@unmanaged
export class Pool extends KernelObject {
  /** Bytes that may be used, and bytes in use: frames, objects, and quotas of child pools. */
  quota: u64;
  used: u64;
  parent: Ptr<Pool>;
  /** Agents, child pools, capabilities, regions, frames and mappings that refer to it. */
  references: u32;
  /** Pools above it. */
  depth: u32;
  /** Mappings that it pays and whose pages may be discarded. */
  discardable: Ptr<Mapping>;
  /** Pages of theirs that it would get back. */
  spare: u32;
}

export const POOL_BYTES: u32 = (offsetof<Pool>() + 7) & ~7;

/**
 * Reserves `bytes` of the pool; false, and nothing changed, when it has not enough left. Discardable
 * pages that it pays make way.
 */
@inline
export function poolCharge(pool: Pool, bytes: u64): bool {
  if (bytes > pool.quota - pool.used && !reclaim(pool, bytes)) return false;
  pool.used += bytes;
  return true;
}

@inline
export function poolRelease(pool: Pool, bytes: u64): void {
  assert(bytes <= pool.used, "poolRelease: more than is in use");
  pool.used -= bytes;
  if (pool.used == 0 && pool.references == 0) poolEnd(pool);
}

/** Bytes that a charge could have now. */
export function poolRoom(pool: Pool): u64 {
  return pool.quota - pool.used + (<u64>pool.spare << 12);
}

/** Reserves in two pools, which may be the same one; false, and nothing changed, when it can't. */
export function poolChargeBoth(first: Pool, firstBytes: u64, second: Pool, secondBytes: u64): bool {
  if (first == second) return poolCharge(first, firstBytes + secondBytes);
  if (poolRoom(second) < secondBytes || !poolCharge(first, firstBytes)) return false;
  return poolCharge(second, secondBytes);
}

/**
 * A pool with `quota` bytes out of `parent`, with no reference yet; 0, and nothing changed, when the
 * parent has not enough, is too deep, or the table is full.
 */
export function poolCreate(parent: Pool, quota: u64): usize {
  if (parent.depth + 1 >= POOL_DEPTH_MAX || quota > parent.quota) return 0;
  if (!poolCharge(parent, quota + POOL_BYTES)) return 0;
  const slot = objectAllocate(KIND_POOL, kernel().entered);
  if (slot == 0) {
    poolRelease(parent, quota + POOL_BYTES);
    return 0;
  }
  const pool = changetype<Pool>(slot);
  pool.quota = quota;
  pool.parent = changetype<usize>(parent);
  pool.depth = parent.depth + 1;
  parent.references += 1;
  return slot;
}

@inline
export function poolHold(pool: Pool): void {
  pool.references += 1;
}

/** One reference less. Without any, and with nothing left to pay for, the pool ends. */
export function poolDrop(pool: Pool): void {
  assert(pool.references != 0, "poolDrop: nothing refers to it");
  pool.references -= 1;
  if (pool.references == 0 && pool.used == 0) poolEnd(pool);
}

/** The pool ends: its parent has the quota back, and may end with it, and so on up. */
function poolEnd(pool: Pool): void {
  for (let at = changetype<usize>(pool); ; ) {
    const it = changetype<Pool>(at);
    if (it.parent == 0) return;
    const parent = changetype<Pool>(it.parent);
    parent.used -= it.quota + POOL_BYTES;
    parent.references -= 1;
    objectFree(at);
    if (parent.references != 0 || parent.used != 0) return;
    at = changetype<usize>(parent);
  }
}
