/**
 * Nodes of the fair queues' trees, what they hold and how they are split and joined.
 *
 *   leaf:   16 records of 32 bytes: key u64 | value u64 | ID u64 | item u32 | weight u32
 *   inner:  keys 16 x u64 | IDs 16 x u64 | least values 16 x u64 | children 16 x u32 | counts 16 x u8
 *
 * Records and slots are in the order (key, ID). Slot 0 of an inner node has no key: it is whatever
 * comes before slot 1. How many a node has its parent knows, or the tree for the root, so that adding
 * a record at a leaf's end touches one cache line of it.
 *
 * Keys and values wrap around: they are compared by their difference, which must be below 2^63.
 * Nodes other than the root have six entries at least (see nodes.ts), which are mended on the way
 * back up; full ones are split on the way down.
 */
import { NODE_BYTES, nodeAlloc, nodeFree } from "./nodes";

export const SLOTS: u32 = 16;
export const SLOTS_LEAST: u32 = 6;
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

@inline
export function recordAt(leaf: usize, slot: u32): Record {
  return changetype<Record>(leaf + (<usize>slot << RECORD_SHIFT));
}

/** The leaf in which the record is. Nodes are aligned to their size. */
@inline
export function leafOf(record: Record): usize {
  return changetype<usize>(record) & ~(<usize>NODE_BYTES - 1);
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
  // Boundaries below the key, counted by the signs of 16 differences: nothing that a processor must guess.
  const mask = (1 << count) - 2;
  let below = signs(node, i64x2.splat(key));
  const reached = signs(node, i64x2.splat(key + 1)) & mask;
  if ((reached & ~below) != 0) below |= reached & signs(node + IDS, i64x2.splat(id + 1));
  return <u32>popcnt(below & mask);
}

/** Bit n: u64 number n of the 16 at `at` is before `key`. */
@inline
function signs(at: usize, key: v128): u32 {
  const a = signs4(v128.load(at, 0), v128.load(at, 16), key);
  const b = signs4(v128.load(at, 32), v128.load(at, 48), key);
  const c = signs4(v128.load(at, 64), v128.load(at, 80), key);
  const d = signs4(v128.load(at, 96), v128.load(at, 112), key);
  return <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}

/** The upper halves of four differences. */
@inline
function signs4(a: v128, b: v128, key: v128): v128 {
  return v128.shuffle<i32>(i64x2.sub(a, key), i64x2.sub(b, key), 1, 3, 5, 7);
}

@inline
function lesser(a: u64, b: u64): u64 {
  return select<u64>(a, b, before(a, b));
}

/** Least of four u64, `stride` bytes apart: two comparisons at a time don't wait for each other. */
@inline
function leastOf4(at: usize, stride: usize): u64 {
  const first = lesser(load<u64>(at), load<u64>(at + stride));
  return lesser(first, lesser(load<u64>(at + 2 * stride), load<u64>(at + 3 * stride)));
}

/** Least of `count` u64, `stride` bytes apart. */
@inline
function leastOf(at: usize, stride: usize, count: u32): u64 {
  if (count < 4) return leastOfFew(at, stride, count);
  // The last four are looked at whether or not some of them have been.
  const last = at + <usize>(count - 4) * stride;
  let least = leastOf4(last, stride);
  for (; at < last; at += 4 * stride) least = lesser(leastOf4(at, stride), least);
  return least;
}

function leastOfFew(at: usize, stride: usize, count: u32): u64 {
  let least = load<u64>(at);
  for (let slot: u32 = 1; slot < count; slot++) {
    at += stride;
    least = lesser(load<u64>(at), least);
  }
  return least;
}

@inline
export function leastIn(node: usize, level: u32, count: u32): u64 {
  return level == 0 ? leastOf(node + VALUE, 1 << RECORD_SHIFT, count) : leastOf(node + LEASTS, 8, count);
}

// --- moving ---

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
  setChild(to, toSlot, childAt(from, fromSlot));
  setCount(to, toSlot, countAt(from, fromSlot));
}

/** Copies `count` records or slots to a place in another node, or further to the left in the same one. */
function copyEntries(to: usize, toSlot: u32, from: usize, fromSlot: u32, count: u32, level: u32): void {
  for (let at: u32 = 0; at < count; at++) {
    if (level != 0) copySlot(to, toSlot + at, from, fromSlot + at);
    else copyRecord(changetype<usize>(recordAt(to, toSlot + at)), changetype<usize>(recordAt(from, fromSlot + at)));
  }
}

/** Moves the `count` records or slots of a node `distance` to the right. */
function shiftEntries(node: usize, count: u32, distance: u32, level: u32): void {
  for (let at = count; at > 0; at--) {
    if (level != 0) copySlot(node, at - 1 + distance, node, at - 1);
    else copyRecord(changetype<usize>(recordAt(node, at - 1 + distance)), changetype<usize>(recordAt(node, at - 1)));
  }
}

/** Makes the range of the child in `slot` begin where that child's first entry does. */
@inline
function takeBoundary(parent: usize, slot: u32, level: u32): void {
  const child = childAt(parent, slot);
  if (level == 0) setBoundary(parent, slot, recordAt(child, 0).key, recordAt(child, 0).id);
  else setBoundary(parent, slot, keyAt(child, 0), idAt(child, 0));
}

/** Gives slot 0 of an inner child its boundary, which only the parent has. */
@inline
function giveBoundary(parent: usize, slot: u32, level: u32): void {
  if (level != 0) setBoundary(childAt(parent, slot), 0, keyAt(parent, slot), idAt(parent, slot));
}

function setCounts(parent: usize, left: u32, level: u32, taken: u32, rest: u32): void {
  setCount(parent, left, taken);
  setCount(parent, left + 1, rest);
  setLeast(parent, left, leastIn(childAt(parent, left), level, taken));
  setLeast(parent, left + 1, leastIn(childAt(parent, left + 1), level, rest));
}

// --- splitting and joining ---

/** Splits the full child in `slot`, whose level is `level`; the second part comes into the next slot. */
export function splitChild(parent: usize, count: u32, slot: u32, level: u32): void {
  const right = nodeAlloc();
  // Where keys only grow, the last node is the one that is split: it leaves fuller ones behind.
  const keep = slot + 1 == count ? SLOTS - SLOTS_LEAST : SLOTS / 2;
  copyEntries(right, 0, childAt(parent, slot), keep, SLOTS - keep, level);
  for (let at = count; at > slot + 1; at--) copySlot(parent, at, parent, at - 1);
  setChild(parent, slot + 1, right);
  takeBoundary(parent, slot + 1, level);
  setCounts(parent, slot, level, keep, SLOTS - keep);
}

/**
 * Brings the child in `slot` back to enough entries: joins it with a neighbour when both fit into
 * one node, else evens the two out. How many slots the parent has then.
 */
export function mend(parent: usize, count: u32, slot: u32, level: u32): u32 {
  const left = slot + 1 < count ? slot : slot - 1;
  const taken = countAt(parent, left);
  const rest = countAt(parent, left + 1);
  giveBoundary(parent, left + 1, level);
  if (taken + rest > SLOTS) {
    even(parent, left, level, taken, rest);
    return count;
  }
  copyEntries(childAt(parent, left), taken, childAt(parent, left + 1), 0, rest, level);
  nodeFree(childAt(parent, left + 1));
  setCount(parent, left, taken + rest);
  if (before(leastAt(parent, left + 1), leastAt(parent, left))) setLeast(parent, left, leastAt(parent, left + 1));
  copyEntries(parent, left + 1, parent, left + 2, count - left - 2, 1);
  return count - 1;
}

/** Moves entries between two neighbours until each has half of them. */
function even(parent: usize, left: u32, level: u32, taken: u32, rest: u32): void {
  const first = childAt(parent, left);
  const second = childAt(parent, left + 1);
  const half = (taken + rest) / 2;
  if (taken < half) {
    const moved = half - taken;
    copyEntries(first, taken, second, 0, moved, level);
    copyEntries(second, 0, second, moved, rest - moved, level);
  } else {
    const moved = taken - half;
    shiftEntries(second, rest, moved, level);
    copyEntries(second, 0, first, half, moved, level);
  }
  takeBoundary(parent, left + 1, level);
  setCounts(parent, left, level, half, taken + rest - half);
}
