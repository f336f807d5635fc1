/** What holds for every fair queue between two calls; for tests and debug builds. */
import { Entity, ENTITY_GHOST, ENTITY_QUEUED, ENTITY_RUNNING } from "./entity";
import { FairQueue, ghostKey, ghostsOf } from "./fair";
import {
  before,
  childAt,
  countAt,
  idAt,
  keyAt,
  leastAt,
  leastIn,
  precedes,
  recordAt,
  SLOTS,
  SLOTS_LEAST,
} from "./fair_node";
import { FairTree } from "./fair_tree";

/** Whether the node at `level` has children or records in order, enough of them, and their least value. */
function nodeValid(tree: FairTree, node: usize, level: u32, count: u32, least: u64): bool {
  let few = SLOTS_LEAST;
  if (node == tree.root) few = level == 0 ? 0 : 2;
  if (count > SLOTS || count < few) return false;
  if (count == 0) return true;
  if (leastIn(node, level, count) != least) return false;
  if (level == 0) return leafInOrder(node, count);
  for (let slot: u32 = 0; slot < count; slot++) {
    if (slot > 1 && !precedes(keyAt(node, slot - 1), idAt(node, slot - 1), keyAt(node, slot), idAt(node, slot)))
      return false;
    const child = childAt(node, slot);
    if (!nodeValid(tree, child, level - 1, countAt(node, slot), leastAt(node, slot))) return false;
    if (slot > 0 && !within(child, level - 1, countAt(node, slot), keyAt(node, slot), idAt(node, slot), false))
      return false;
    if (slot + 1 < count) {
      const end = slot + 1;
      if (!within(child, level - 1, countAt(node, slot), keyAt(node, end), idAt(node, end), true)) return false;
    }
  }
  return true;
}

function leafInOrder(leaf: usize, count: u32): bool {
  for (let slot: u32 = 1; slot < count; slot++) {
    const one = recordAt(leaf, slot - 1);
    const next = recordAt(leaf, slot);
    if (!precedes(one.key, one.id, next.key, next.id)) return false;
  }
  return true;
}

/** Whether all records below `node` precede (key, ID), or none of them does. */
function within(node: usize, level: u32, count: u32, key: u64, id: u64, all: bool): bool {
  for (let slot: u32 = 0; slot < count; slot++) {
    if (level > 0) {
      if (!within(childAt(node, slot), level - 1, countAt(node, slot), key, id, all)) return false;
    } else {
      const record = recordAt(node, slot);
      if (precedes(record.key, record.id, key, id) != all) return false;
    }
  }
  return true;
}

function entriesBelow(node: usize, level: u32, count: u32): u32 {
  if (level == 0) return count;
  let sum: u32 = 0;
  for (let slot: u32 = 0; slot < count; slot++)
    sum += entriesBelow(childAt(node, slot), level - 1, countAt(node, slot));
  return sum;
}

/** Nodes of a tree. */
export function nodesBelow(node: usize, level: u32, count: u32): u32 {
  let sum: u32 = 1;
  if (level > 0)
    for (let slot: u32 = 0; slot < count; slot++)
      sum += nodesBelow(childAt(node, slot), level - 1, countAt(node, slot));
  return sum;
}

/** Sum of the weights below `node`, whose records agree with their entities; -1 when they don't. */
function weightBelow(queue: FairQueue, node: usize, level: u32, count: u32, ghosts: bool): i64 {
  let sum: i64 = 0;
  for (let slot: u32 = 0; slot < count; slot++) {
    let weight: i64;
    if (level > 0) weight = weightBelow(queue, childAt(node, slot), level - 1, countAt(node, slot), ghosts);
    else weight = ghosts ? ghostWeight(queue, node, slot) : queuedWeight(node, slot);
    if (weight < 0) return -1;
    sum += weight;
  }
  return sum;
}

function queuedWeight(leaf: usize, slot: u32): i64 {
  const record = recordAt(leaf, slot);
  const entity = changetype<Entity>(record.item);
  const flags = entity.queueFlags & (ENTITY_QUEUED | ENTITY_GHOST | ENTITY_RUNNING);
  const same = record.key == entity.deadline && record.value == entity.v && record.id == entity.id;
  return same && flags == ENTITY_QUEUED && entity.remainder < entity.weight ? entity.weight : -1;
}

function ghostWeight(queue: FairQueue, leaf: usize, slot: u32): i64 {
  const record = recordAt(leaf, slot);
  if (record.key != record.value || !before(queue.v, record.key)) return -1;
  if (record.item == 0) return record.weight;
  const entity = changetype<Entity>(record.item);
  const flags = entity.queueFlags & (ENTITY_QUEUED | ENTITY_GHOST | ENTITY_RUNNING);
  const same = record.key == ghostKey(entity) && record.id == entity.id && record.weight == entity.weight;
  return same && flags == ENTITY_GHOST ? entity.weight : -1;
}

function treeValid(tree: FairTree): bool {
  if (!nodeValid(tree, tree.root, tree.height, tree.rootCount, tree.least)) return false;
  return entriesBelow(tree.root, tree.height, tree.rootCount) == tree.entries;
}

/** Whether both trees are in order, and sums and counts are those of the entities. */
export function fairValid(queue: FairQueue): bool {
  const ghosts = ghostsOf(queue);
  if (!treeValid(queue) || !treeValid(ghosts)) return false;
  const queued = weightBelow(queue, queue.root, queue.height, queue.rootCount, false);
  const gone = weightBelow(queue, ghosts.root, ghosts.height, ghosts.rootCount, true);
  if (queued < 0 || gone < 0) return false;
  let weight = <u64>(queued + gone);
  if (queue.current != 0) {
    const current = changetype<Entity>(queue.current);
    if ((current.queueFlags & (ENTITY_QUEUED | ENTITY_RUNNING)) != (ENTITY_QUEUED | ENTITY_RUNNING)) return false;
    weight += current.weight;
  }
  if (queue.runnable != queue.entries + <u32>(queue.current != 0)) return false;
  return weight == queue.weight && (queue.part < weight || queue.part == 0);
}
