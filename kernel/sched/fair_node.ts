/**
 * Nodes of the fair queues' trees, what they hold and how they are split and joined.
 *
 *   leaf:   16 records of 32 bytes, in no order: key u64 | value u64 | ID u64 | item u32 | weight u32
 *   inner:  keys 16 x u64 | IDs 16 x u64 | least values 16 x u64 | children 16 x u32 | counts 16 x u8
 *
 * Slot 0 of an inner node has no key: it is whatever comes before slot 1. How many a node has, its
 * parent knows (for the root, the tree), so that putting a record into a leaf touches one cache line
 * of it. Leaves have no order because the two things that are done to them most often, adding a record
 * and taking one out, are then one move; a record is looked for by looking at all of them.
 *
 * Keys and values wrap around: they are compared by their difference, which must be below 2^63.
 * Nodes other than the root have four entries at least (see nodes.ts), which are mended on the way
 * back up; full ones are split on the way down.
 */
import { nodeAlloc, nodeFree } from "./nodes";

export const SLOTS: u32 = 16;
export const SLOTS_LEAST: u32 = 4;
const RECORD_SHIFT: usize = 5;
const VALUE: usize = 8;

@unmanaged
export class Record {
  key: u64;
  value: u64;
  id: u64;
  item: usize;
  weight: u32;
}

// --- the parts of an inner node ---

const IDS: usize = 128;
const LEASTS: usize = 256;
const CHILDREN: usize = 384;
export const COUNTS: usize = 448;

@inline
export function keyAt(node: usize, slot: u32): u64 {
  return load<u64>(node + (<usize>slot << 3));
}

@inline
export function idAt(node: usize, slot: u32): u64 {
  return load<u64>(node + (<usize>slot << 3), IDS);
}

@inline
export function leastAt(node: usize, slot: u32): u64 {
  return load<u64>(node + (<usize>slot << 3), LEASTS);
}

@inline
export function setLeast(node: usize, slot: u32, value: u64): void {
  store<u64>(node + (<usize>slot << 3), value, LEASTS);
}

@inline
export function childAt(node: usize, slot: u32): usize {
  return load<usize>(node + (<usize>slot << 2), CHILDREN);
}

@inline
export function setChild(node: usize, slot: u32, child: usize): void {
  store<usize>(node + (<usize>slot << 2), child, CHILDREN);
}

/** Sets the (key, ID) at which the range of `slot` begins. */
@inline
function setBoundary(node: usize, slot: u32, key: u64, id: u64): void {
  store<u64>(node + (<usize>slot << 3), key);
  store<u64>(node + (<usize>slot << 3), id, IDS);
}

@inline
export function countAt(node: usize, slot: u32): u32 {
  return <u32>load<u8>(node + slot, COUNTS);
}

@inline
export function setCount(node: usize, slot: u32, count: u32): void {
  store<u8>(node + slot, <u8>count, COUNTS);
}

@inline
export function recordAt(leaf: usize, slot: u32): Record {
  return changetype<Record>(leaf + (<usize>slot << RECORD_SHIFT));
}

// --- order ---

/** Whether a comes before b, both within 2^63 of each other. */
@inline
export function before(a: u64, b: u64): bool {
  return <i64>(a - b) < 0;
}

/** Whether (key, ID) a comes before b. */
@inline
export function precedes(keyA: u64, idA: u64, keyB: u64, idB: u64): bool {
  const difference = <i64>(keyA - keyB);
  return difference < 0 || (difference == 0 && idA < idB);
}

/** The child of `node` in whose range (key, ID) is. */
@inline
export function slotFor(node: usize, count: u32, key: u64, id: u64): u32 {
  let slot: u32 = 0;
  // The sign of each difference: no branch to predict.
  for (let at: u32 = 1; at < count; at++) slot += <u32>((keyAt(node, at) - key) >>> 63);
  while (slot + 1 < count && keyAt(node, slot + 1) == key && idAt(node, slot + 1) <= id) slot++;
  return slot;
}

/** Least of `count` u64, `stride` bytes apart. */
@inline
function leastOf(at: usize, stride: usize, count: u32): u64 {
  let least = load<u64>(at);
  for (let slot: u32 = 1; slot < count; slot++) {
    at += stride;
    const value = load<u64>(at);
    least = before(value, least) ? value : least;
  }
  return least;
}

@inline
export function leastIn(node: usize, level: u32, count: u32): u64 {
  return level == 0 ? leastOf(node + VALUE, 1 << RECORD_SHIFT, count) : leastOf(node + LEASTS, 8, count);
}

// --- splitting and joining ---

@inline
export function copyRecord(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
}

@inline
function copySlot(to: usize, toSlot: u32, from: usize, fromSlot: u32): void {
  const target = to + (<usize>toSlot << 3);
  const source = from + (<usize>fromSlot << 3);
  store<u64>(target, load<u64>(source));
  store<u64>(target, load<u64>(source, IDS), IDS);
  store<u64>(target, load<u64>(source, LEASTS), LEASTS);
  store<usize>(to + (<usize>toSlot << 2), childAt(from, fromSlot), CHILDREN);
  setCount(to, toSlot, countAt(from, fromSlot));
}

/** Moves the slots from `slot` on one to the right. */
function openSlot(node: usize, slot: u32, count: u32): void {
  for (let at = count; at > slot; at--) copySlot(node, at, node, at - 1);
}

/** Moves the slots behind `slot` one to the left. */
function closeSlot(node: usize, slot: u32, count: u32): void {
  for (let at = slot + 1; at < count; at++) copySlot(node, at - 1, node, at);
}

/** The record of a full leaf that `rank` others precede. */
function recordOfRank(leaf: usize, rank: u32): Record {
  let slot: u32 = 0;
  while (true) {
    const one = recordAt(leaf, slot);
    let less: u32 = 0;
    for (let at: u32 = 0; at < SLOTS; at++) {
      const other = recordAt(leaf, at);
      const difference = other.key - one.key;
      less += <u32>(difference >>> 63) | (<u32>(difference == 0) & <u32>(other.id < one.id));
    }
    if (less == rank) return one;
    slot++;
    assert(slot < SLOTS, "recordOfRank: two records are the same");
  }
}

/** Moves all but the first `keep` records of the full leaf `left` to `right`, whose first one they begin with. */
function splitLeaf(left: usize, right: usize, keep: u32, parent: usize, slot: u32): void {
  const pivot = recordOfRank(left, keep);
  const key = pivot.key;
  const id = pivot.id;
  setBoundary(parent, slot, key, id);
  let stay = left;
  let go = right;
  for (let at: u32 = 0; at < SLOTS; at++) {
    const record = recordAt(left, at);
    if (precedes(record.key, record.id, key, id)) {
      copyRecord(stay, changetype<usize>(record));
      stay += 1 << RECORD_SHIFT;
    } else {
      copyRecord(go, changetype<usize>(record));
      go += 1 << RECORD_SHIFT;
    }
  }
}

function splitInner(left: usize, right: usize, keep: u32, parent: usize, slot: u32): void {
  for (let at = keep; at < SLOTS; at++) copySlot(right, at - keep, left, at);
  setBoundary(parent, slot, keyAt(left, keep), idAt(left, keep));
}

/** Splits the full child in `slot`; the second part comes into the next slot. */
export function splitChild(parent: usize, count: u32, slot: u32, level: u32): void {
  const left = childAt(parent, slot);
  const right = nodeAlloc();
  // Where keys only grow, the last node is the one that is split: it leaves fuller ones behind.
  const keep = slot + 1 == count ? SLOTS - SLOTS_LEAST : SLOTS / 2;
  openSlot(parent, slot + 1, count);
  if (level == 0) splitLeaf(left, right, keep, parent, slot + 1);
  else splitInner(left, right, keep, parent, slot + 1);
  setChild(parent, slot + 1, right);
  setCount(parent, slot, keep);
  setCount(parent, slot + 1, SLOTS - keep);
  setLeast(parent, slot, leastIn(left, level, keep));
  setLeast(parent, slot + 1, leastIn(right, level, SLOTS - keep));
}

/**
 * Brings the child in `slot` back to enough entries: joins it with a neighbour when both fit into
 * one node, else evens the two out. How many slots the parent has then.
 */
export function mend(parent: usize, count: u32, slot: u32, level: u32): u32 {
  const left = slot + 1 < count ? slot : slot - 1;
  const sum = countAt(parent, left) + countAt(parent, left + 1);
  if (sum > SLOTS) {
    even(parent, left, level, sum);
    return count;
  }
  joinChildren(parent, left, level);
  setCount(parent, left, sum);
  if (before(leastAt(parent, left + 1), leastAt(parent, left))) setLeast(parent, left, leastAt(parent, left + 1));
  closeSlot(parent, left + 1, count);
  return count - 1;
}

/** Moves what the child behind `left` has into the one in `left`. */
function joinChildren(parent: usize, left: u32, level: u32): void {
  let to = childAt(parent, left);
  let from = childAt(parent, left + 1);
  let taken = countAt(parent, left);
  let moved = countAt(parent, left + 1);
  if (level == 0) {
    // Leaves have no order: the fewer move to the more.
    if (taken < moved) {
      const first = to;
      to = from;
      from = first;
      taken = moved;
      moved = countAt(parent, left);
      setChild(parent, left, to);
    }
    for (let at: u32 = 0; at < moved; at++)
      copyRecord(changetype<usize>(recordAt(to, taken + at)), changetype<usize>(recordAt(from, at)));
  } else {
    setBoundary(from, 0, keyAt(parent, left + 1), idAt(parent, left + 1));
    for (let at: u32 = 0; at < moved; at++) copySlot(to, taken + at, from, at);
  }
  nodeFree(from);
}

/** Moves entries between the child in `left` and the one behind it until both have half of `sum`. */
function even(parent: usize, left: u32, level: u32, sum: u32): void {
  const first = childAt(parent, left);
  const second = childAt(parent, left + 1);
  const firstCount = sum / 2;
  if (level == 0) evenLeaves(parent, left, first, second, firstCount);
  else evenInner(parent, left, first, second, firstCount);
  setCount(parent, left, firstCount);
  setCount(parent, left + 1, sum - firstCount);
  setLeast(parent, left, leastIn(first, level, firstCount));
  setLeast(parent, left + 1, leastIn(second, level, sum - firstCount));
}

function evenLeaves(parent: usize, left: u32, first: usize, second: usize, target: u32): void {
  let firstCount = countAt(parent, left);
  let secondCount = countAt(parent, left + 1);
  while (firstCount < target) moveRecord(first, firstCount++, second, secondCount--, false);
  while (firstCount > target) moveRecord(second, secondCount++, first, firstCount--, true);
  const boundary = recordAt(second, outermost(second, secondCount, false));
  setBoundary(parent, left + 1, boundary.key, boundary.id);
}

/** Moves the first record (the last one, when `last`) of a leaf to the end of the other. */
function moveRecord(to: usize, toCount: u32, from: usize, fromCount: u32, last: bool): void {
  const slot = outermost(from, fromCount, last);
  copyRecord(changetype<usize>(recordAt(to, toCount)), changetype<usize>(recordAt(from, slot)));
  copyRecord(changetype<usize>(recordAt(from, slot)), changetype<usize>(recordAt(from, fromCount - 1)));
}

function outermost(leaf: usize, count: u32, last: bool): u32 {
  let best: u32 = 0;
  for (let slot: u32 = 1; slot < count; slot++) {
    const one = recordAt(leaf, slot);
    const other = recordAt(leaf, best);
    if (precedes(one.key, one.id, other.key, other.id) != last) best = slot;
  }
  return best;
}

function evenInner(parent: usize, left: u32, first: usize, second: usize, target: u32): void {
  const firstCount = countAt(parent, left);
  const secondCount = countAt(parent, left + 1);
  // The boundary in the parent is what slot 0 of the second node lacks.
  setBoundary(second, 0, keyAt(parent, left + 1), idAt(parent, left + 1));
  if (firstCount < target) {
    const moved = target - firstCount;
    for (let at: u32 = 0; at < moved; at++) copySlot(first, firstCount + at, second, at);
    for (let at = moved; at < secondCount; at++) copySlot(second, at - moved, second, at);
  } else {
    const moved = firstCount - target;
    for (let at = secondCount; at > 0; at--) copySlot(second, at - 1 + moved, second, at - 1);
    for (let at: u32 = 0; at < moved; at++) copySlot(second, at, first, target + at);
  }
  setBoundary(parent, left + 1, keyAt(second, 0), idAt(second, 0));
}
