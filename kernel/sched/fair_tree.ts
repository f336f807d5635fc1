/**
 * The tree of a fair queue: a B+ tree in the order (key, ID), in which each parent knows the least
 * value of every child's entries. With virtual deadlines for keys and virtual times for values, the
 * earliest deadline among those that are eligible is one way down: to the first child whose least
 * value isn't above the limit (the augmented tree of Stoica and Abdel-Wahab, TR-95-22).
 *
 * A record has all that comparing needs, so looking for one entity never touches another one.
 */
import {
  before,
  childAt,
  copyRecord,
  countAt,
  COUNTS,
  keyAt,
  idAt,
  leastAt,
  leastIn,
  mend,
  precedes,
  Record,
  leafOf,
  recordAt,
  setChild,
  setCount,
  setLeast,
  slotFor,
  SLOTS,
  SLOTS_LEAST,
  splitChild,
} from "./fair_node";
import { nodeAlloc, nodeFree, nodesRelease, nodesReserve, stepAt } from "./nodes";

const RECORD_BYTES: usize = offsetof<Record>();

@unmanaged
export class FairTree {
  root: usize;
  /** Levels above the leaves. */
  height: u32;
  entries: u32;
  /** The least value; undefined in an empty tree. */
  least: u64;
  /** Slots of the root that are in use. */
  rootCount: u8;
}

/** Address of the byte that counts the slots of the node at `level` of the way looked up last. */
@inline
function counterAt(tree: FairTree, level: u32): usize {
  if (level == tree.height) return changetype<usize>(tree) + offsetof<FairTree>("rootCount");
  const above = stepAt(level + 1);
  return above.node + COUNTS + above.slot;
}

// --- a tree as a whole ---

/** Makes an empty tree, and reserves its root; false when no frame is left. */
export function treeInit(tree: FairTree): bool {
  if (!nodesReserve(0, 1)) return false;
  tree.root = nodeAlloc();
  tree.height = 0;
  tree.entries = 0;
  tree.rootCount = 0;
  return true;
}

/** Gives the root of an empty tree back. */
export function treeFree(tree: FairTree): void {
  assert(tree.entries == 0, "treeFree: the tree is not empty");
  nodeFree(tree.root);
  nodesRelease(0, 1);
  tree.root = 0;
}

// --- insertion ---

// The loops below ask for keys and IDs one after the other, with a branch each: equal keys are rare or the
// rule, and a comparison of both at once takes three times as many instructions.

/** Below 0 when the key of the record at `at` comes before `key`. */
@inline
function compare(at: usize, key: u64): i64 {
  return <i64>(changetype<Record>(at).key - key);
}

@inline
function idOf(at: usize): u64 {
  return changetype<Record>(at).id;
}

@inline
function writeRecord(record: Record, key: u64, id: u64, value: u64, item: usize, weight: u32): void {
  record.key = key;
  record.value = value;
  record.id = id;
  record.item = item;
  record.weight = weight;
}

function growRoot(tree: FairTree): void {
  const root = nodeAlloc();
  setChild(root, 0, tree.root);
  setCount(root, 0, tree.rootCount);
  setLeast(root, 0, tree.least);
  tree.root = root;
  tree.rootCount = 1;
  tree.height += 1;
}

/** Adds a record; its node is reserved. No other record may have the same key and ID. */
export function treeInsert(tree: FairTree, key: u64, id: u64, value: u64, item: usize, weight: u32): void {
  if (tree.entries == 0 || before(value, tree.least)) tree.least = value;
  tree.entries += 1;
  if (tree.rootCount == SLOTS) growRoot(tree);
  let node = tree.root;
  let counter = changetype<usize>(tree) + offsetof<FairTree>("rootCount");
  for (let level = tree.height; level > 0; level--) {
    const count = <u32>load<u8>(counter);
    let slot = slotFor(node, count, key, id);
    if (countAt(node, slot) == SLOTS) {
      splitChild(node, count, slot, level - 1);
      store<u8>(counter, <u8>(count + 1));
      if (!precedes(key, id, keyAt(node, slot + 1), idAt(node, slot + 1))) slot++;
    }
    if (before(value, leastAt(node, slot))) setLeast(node, slot, value);
    counter = node + COUNTS + slot;
    node = childAt(node, slot);
  }
  const count = <u32>load<u8>(counter);
  store<u8>(counter, <u8>(count + 1));
  let at = changetype<usize>(recordAt(node, count));
  while (at > node) {
    const order = compare(at - RECORD_BYTES, key);
    if (order < 0) break;
    if (order == 0 && idOf(at - RECORD_BYTES) < id) break;
    copyRecord(at, at - RECORD_BYTES);
    at -= RECORD_BYTES;
  }
  writeRecord(changetype<Record>(at), key, id, value, item, weight);
}

// --- looking up: the inner nodes on the way to what is found are in stepAt afterwards ---

/** The first record whose value isn't above `limit`; null when there is none. */
@inline
export function treeFirst(tree: FairTree, limit: u64): Record | null {
  if (tree.entries == 0) return null;
  if (before(limit, tree.least)) return null;
  let node = tree.root;
  for (let level = tree.height; level > 0; level--) {
    let slot: u32 = 0;
    while (before(limit, leastAt(node, slot))) slot++;
    const step = stepAt(level);
    step.node = node;
    step.slot = slot;
    node = childAt(node, slot);
  }
  while (before(limit, changetype<Record>(node).value)) node += RECORD_BYTES;
  return changetype<Record>(node);
}

/** The first record of a tree of one leaf whose value isn't above `limit`; there must be one. */
@inline
export function leafFirst(tree: FairTree, limit: u64): Record {
  let at = tree.root;
  while (before(limit, changetype<Record>(at).value)) at += RECORD_BYTES;
  return changetype<Record>(at);
}

/** The record of (key, ID), which must be in the tree. */
export function treeFind(tree: FairTree, key: u64, id: u64): Record {
  let node = tree.root;
  let count = <u32>tree.rootCount;
  for (let level = tree.height; level > 0; level--) {
    const slot = slotFor(node, count, key, id);
    const step = stepAt(level);
    step.node = node;
    step.slot = slot;
    count = countAt(node, slot);
    node = childAt(node, slot);
  }
  let slot: u32 = 0;
  while (recordAt(node, slot).id != id || recordAt(node, slot).key != key) {
    slot += 1;
    assert(slot < count, "treeFind: not in the tree");
  }
  return recordAt(node, slot);
}

// --- removal ---

/** Takes out the record that was looked up last, with no change in between. */
export function treeRemove(tree: FairTree, record: Record): void {
  const leaf = leafOf(record);
  const counter = counterAt(tree, 0);
  const count = <u32>load<u8>(counter) - 1;
  const value = record.value;
  const end = changetype<usize>(recordAt(leaf, count));
  for (let at = changetype<usize>(record); at < end; at += RECORD_BYTES) copyRecord(at, at + RECORD_BYTES);
  store<u8>(counter, <u8>count);
  tree.entries -= 1;
  if (tree.height != 0) return removedBelow(tree, leaf, count, value);
  if (count != 0 && tree.least == value) tree.least = leastIn(leaf, 0, count);
}

/** A record with `value` is gone from a leaf, which has `count` now: the inner nodes' part. */
function removedBelow(tree: FairTree, leaf: usize, left: u32, value: u64): void {
  let node = leaf;
  let count = left;
  for (let level: u32 = 0; level < tree.height; level++) {
    const above = stepAt(level + 1);
    const parent = above.node;
    const isLeast = leastAt(parent, above.slot) == value;
    // When it wasn't the least of this node it wasn't that of any above.
    if (!isLeast && count >= SLOTS_LEAST) return;
    if (isLeast) {
      const least = leastIn(node, level, count);
      if (least == value && count >= SLOTS_LEAST) return;
      setLeast(parent, above.slot, least);
    }
    const parentCounter = counterAt(tree, level + 1);
    let parentCount = <u32>load<u8>(parentCounter);
    if (count < SLOTS_LEAST) {
      parentCount = mend(parent, parentCount, above.slot, level);
      store<u8>(parentCounter, <u8>parentCount);
    }
    node = parent;
    count = parentCount;
  }
  if (tree.least == value) tree.least = leastIn(node, tree.height, count);
  if (count == 1) shrinkRoot(tree);
}

/** Whether the record at `at` comes before (key, ID). */
@inline
function comesBefore(at: usize, key: u64, id: u64): bool {
  const order = compare(at, key);
  if (order != 0) return order < 0;
  return idOf(at) < id;
}

/** The last record behind `from` up to `to` that comes before (key, ID); `from` when there is none. */
@inline
function lastBefore(from: usize, to: usize, key: u64, id: u64): usize {
  while (to != from && !comesBefore(to, key, id)) to -= RECORD_BYTES;
  return to;
}

/** Moves the records behind `at` up to `to` one place to the left, two a turn. */
@inline
function closeGap(at: usize, to: usize): void {
  for (; at + RECORD_BYTES < to; at += 2 * RECORD_BYTES) {
    v128.store(at, v128.load(at, RECORD_BYTES));
    v128.store(at, v128.load(at, RECORD_BYTES + 16), 16);
    v128.store(at, v128.load(at, 2 * RECORD_BYTES), RECORD_BYTES);
    v128.store(at, v128.load(at, 2 * RECORD_BYTES + 16), RECORD_BYTES + 16);
  }
  if (at != to) copyRecord(at, at + RECORD_BYTES);
}

/** Puts another record in place of one, in a tree of one leaf: only what is between the two places moves. */
@inline
export function leafReplace(
  tree: FairTree,
  record: Record,
  key: u64,
  id: u64,
  value: u64,
  item: usize,
  weight: u32,
): void {
  const gone = record.value;
  const first = tree.root;
  const count = <u32>tree.rootCount;
  let at = changetype<usize>(record);
  const to = lastBefore(at, changetype<usize>(recordAt(first, count - 1)), key, id);
  if (to != at) {
    closeGap(at, to);
    at = to;
  } else {
    while (at != first && !comesBefore(at - RECORD_BYTES, key, id)) {
      copyRecord(at, at - RECORD_BYTES);
      at -= RECORD_BYTES;
    }
  }
  writeRecord(changetype<Record>(at), key, id, value, item, weight);
  if (before(value, tree.least)) tree.least = value;
  else if (tree.least == gone) tree.least = leastIn(tree.root, 0, count);
}

function shrinkRoot(tree: FairTree): void {
  const root = tree.root;
  tree.root = childAt(root, 0);
  tree.rootCount = <u8>countAt(root, 0);
  tree.height -= 1;
  nodeFree(root);
}
