/** Pools: who pays. Memory is reserved in a pool before it is used, and never more than its quota. */
import { KernelObject } from "../object/slab";
import { Ptr } from "../state";

@unmanaged
export class Pool extends KernelObject {
  /** Bytes that may be used, and bytes in use: frames, objects, and quotas of child pools. */
  quota: u64;
  used: u64;
  parent: Ptr<Pool>;
  /** Agents, child pools and capabilities that refer to it. */
  references: u32;
}

/** Reserves `bytes` of the pool; false, and nothing changed, when it has not enough left. */
@inline
export function poolCharge(pool: Pool, bytes: u64): bool {
  if (bytes > pool.quota - pool.used) return false;
  pool.used += bytes;
  return true;
}

@inline
export function poolRelease(pool: Pool, bytes: u64): void {
  assert(bytes <= pool.used, "poolRelease: more than is in use");
  pool.used -= bytes;
}
