/** Pools: who pays. What is used of one is never more than its quota. */
import { get, type Name, NOBODY, type Pool, refuse, type World } from "./world.ts";

export const left = (pool: Pool): number => pool.quota - pool.used;

/** Takes `bytes` of a pool, which has them. */
export function charge(world: World, pool: Name, bytes: number): void {
  get(world.pools, pool).used += bytes;
}

const isNamed = (world: World, pool: Name): boolean =>
  [...world.capabilities.values()].some(({ thing }) => thing.kind === "pool" && thing.name === pool);

/** Gives `bytes` back to a pool, which ends when nobody names it and it pays for nothing. */
export function release(world: World, name: Name, bytes: number): void {
  const pool = get(world.pools, name);
  pool.used -= bytes;
  if (pool.parent === NOBODY || pool.used > 0 || isNamed(world, name)) return;
  world.pools.delete(name);
  release(world, pool.parent, pool.quota + world.costs.pool);
}

/** The same where the pool may not have them. */
export function pay(world: World, pool: Name, bytes: number): void {
  if (left(get(world.pools, pool)) < bytes) refuse("QUOTA");
  charge(world, pool, bytes);
}
