/**
 * Nodes of the fair queues' trees: blocks of one size, cut from frames, free ones in a list. Frames
 * are taken when something is reserved and stay here, so putting an entity back never needs one.
 *
 * How many are enough: every node but a root has at least six entries or children, so a tree of n
 * entries has at most n/6 + n/36 + … < n/5 of them, and its root. A minimum of four would need 68 bytes
 * more for each entity, and be at most a twentieth faster.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { frameAlloc, OWNER_KERNEL } from "../mm/frames";
import { kernel, rootAllocate } from "../state";

export const NODE_BYTES: u32 = 512;
/** Entries for which one node is enough, as shown above. */
const ENTRIES_PER_NODE: u32 = 5;
/** Levels of a tree: 6^12 entries are more than there are identifiers. */
export const TREE_LEVELS_MAX: u32 = 12;

@unmanaged
export class Nodes {
  /** The first free node; each begins with the address of the next. */
  free: usize;
  total: u32;
  used: u32;
  /** Entries and trees for which nodes are reserved. */
  entries: u32;
  trees: u32;
  /** Number of the next entry that outlives its entity. */
  orphans: u64;
}

/** One step of the way from a tree's root to a record. */
@unmanaged
export class Step {
  node: usize;
  slot: u32;
}

@inline
export function nodes(): Nodes {
  return changetype<Nodes>(kernel().schedNodes);
}

/** The step at `level` of the way that was looked up last; level 0 is the leaf. */
@inline
export function stepAt(level: u32): Step {
  return changetype<Step>(kernel().schedNodes + offsetof<Nodes>() + <usize>level * offsetof<Step>());
}

/** Makes the pool, empty, unless there is one. */
export function createNodes(): void {
  if (kernel().schedNodes != 0) return;
  kernel().schedNodes = rootAllocate(offsetof<Nodes>() + TREE_LEVELS_MAX * offsetof<Step>());
}

/** Reserves nodes for more entries and trees; false, with nothing reserved, when no frame is left. */
export function nodesReserve(entries: u32, trees: u32): bool {
  const pool = nodes();
  const needed = (pool.entries + entries + ENTRIES_PER_NODE - 1) / ENTRIES_PER_NODE + pool.trees + trees;
  while (pool.total < needed) {
    const frame = frameAlloc(0, OWNER_KERNEL);
    if (frame == 0) return false;
    for (let at = pointer(frame); at < pointer(frame) + <usize>PAGE_BYTES; at += NODE_BYTES) {
      store<usize>(at, pool.free);
      pool.free = at;
      pool.total += 1;
    }
  }
  pool.entries += entries;
  pool.trees += trees;
  return true;
}

/** Takes back what `nodesReserve` reserved. */
export function nodesRelease(entries: u32, trees: u32): void {
  const pool = nodes();
  assert(pool.entries >= entries && pool.trees >= trees, "nodesRelease: more than is reserved");
  pool.entries -= entries;
  pool.trees -= trees;
}

/** A node with undefined contents; there is one, because it is reserved. */
@inline
export function nodeAlloc(): usize {
  const pool = nodes();
  const node = pool.free;
  assert(node != 0, "nodeAlloc: more nodes than are reserved");
  pool.free = load<usize>(node);
  pool.used += 1;
  return node;
}

@inline
export function nodeFree(node: usize): void {
  const pool = nodes();
  store<usize>(node, pool.free);
  pool.free = node;
  pool.used -= 1;
}
