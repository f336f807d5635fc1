/**
 * 4-ary heaps of things with a deadline, by (deadline, ID). A thing knows its position, so that it can
 * be taken out and moved from anywhere. It begins with its ID and has a u32 for the position, whose
 * offset the heap is told: 0 there means that it is in no heap.
 *
 * Slots have the deadlines beside them: u64 deadline | u32 thing | u32 unused, so things are only
 * touched to be told where they are, or to compare IDs. Position p is slot p + 3, which makes any four
 * children one cache line. Slots are one block of frames, doubled when it is full; whoever adds
 * reserves first, and adding can't fail.
 */
import { pointer, physical } from "../../hal/memory";
import { frameAlloc, frameFree, OWNER_KERNEL } from "../mm/frames";

const SLOT_SHIFT: usize = 4;
const THING: usize = 8;
/** Slots that are skipped for the sake of alignment. */
const SKIPPED: usize = 3 << SLOT_SHIFT;
const FRAME_SHIFT: u32 = 12;

@unmanaged
export class Heap {
  slots: usize;
  count: u32;
  /** Things that fit. */
  capacity: u32;
  /** Log2 of the frames that the slots take. */
  order: u32;
  /** Where a thing has its position. */
  positionOffset: u32;
}

/** Sets an empty heap up, in zeroed memory. */
export function heapInit(heap: Heap, positionOffset: u32): void {
  heap.positionOffset = positionOffset;
}

/** Makes room for `capacity` things; false, with nothing changed, when there are no frames for that. */
export function heapReserve(heap: Heap, capacity: u32): bool {
  if (capacity <= heap.capacity) return true;
  let order: u32 = 0;
  while (roomIn(order) < capacity) order++;
  const block = frameAlloc(order, OWNER_KERNEL);
  if (block == 0) return false;
  const slots = pointer(block) + SKIPPED;
  if (heap.slots != 0) {
    memory.copy(slots, heap.slots, <usize>heap.count << SLOT_SHIFT);
    frameFree(physical(heap.slots - SKIPPED));
  }
  heap.slots = slots;
  heap.order = order;
  heap.capacity = roomIn(order);
  return true;
}

@inline
function roomIn(order: u32): u32 {
  return ((1 << (order + FRAME_SHIFT)) - <u32>SKIPPED) >> <u32>SLOT_SHIFT;
}

/** Gives back what an empty heap holds. */
export function heapFree(heap: Heap): void {
  assert(heap.count == 0, "heapFree: the heap is not empty");
  if (heap.slots != 0) frameFree(physical(heap.slots - SKIPPED));
  heap.slots = 0;
  heap.capacity = 0;
}

@inline
function slotAt(slots: usize, position: u32): usize {
  return slots + (<usize>position << SLOT_SHIFT);
}

@inline
function deadlineAt(slots: usize, position: u32): u64 {
  return load<u64>(slotAt(slots, position));
}

@inline
function thingAt(slots: usize, position: u32): usize {
  return load<usize>(slotAt(slots, position), THING);
}

@inline
function earlier(deadlineA: u64, a: usize, deadlineB: u64, b: usize): bool {
  return deadlineA < deadlineB || (deadlineA == deadlineB && load<u64>(a) < load<u64>(b));
}

/** Position of a thing that is in `heap`. */
@inline
function positionOf(heap: Heap, thing: usize): u32 {
  return load<u32>(thing + heap.positionOffset) - 1;
}

@inline
function put(slots: usize, offset: usize, position: u32, deadline: u64, thing: usize): void {
  store<u64>(slotAt(slots, position), deadline);
  store<usize>(slotAt(slots, position), thing, THING);
  store<u32>(thing + offset, position + 1);
}

function rise(heap: Heap, start: u32, deadline: u64, thing: usize): void {
  const slots = heap.slots;
  const offset = <usize>heap.positionOffset;
  let position = start;
  while (position > 0) {
    const parent = (position - 1) >> 2;
    const above = thingAt(slots, parent);
    const deadlineAbove = deadlineAt(slots, parent);
    if (!earlier(deadline, thing, deadlineAbove, above)) break;
    put(slots, offset, position, deadlineAbove, above);
    position = parent;
  }
  put(slots, offset, position, deadline, thing);
}

function sink(heap: Heap, start: u32, deadline: u64, thing: usize): void {
  const slots = heap.slots;
  const offset = <usize>heap.positionOffset;
  const count = heap.count;
  let position = start;
  while (true) {
    const first = (position << 2) + 1;
    if (first >= count) break;
    const end = min(first + 4, count);
    let least = first;
    let leastDeadline = deadlineAt(slots, first);
    for (let child = first + 1; child < end; child++) {
      const other = deadlineAt(slots, child);
      if (earlier(other, thingAt(slots, child), leastDeadline, thingAt(slots, least))) {
        least = child;
        leastDeadline = other;
      }
    }
    const below = thingAt(slots, least);
    if (!earlier(leastDeadline, below, deadline, thing)) break;
    put(slots, offset, position, leastDeadline, below);
    position = least;
  }
  put(slots, offset, position, deadline, thing);
}

/** Whether the thing is in this heap. */
@inline
export function heapHas(heap: Heap, thing: usize): bool {
  return load<u32>(thing + heap.positionOffset) != 0;
}

/** Adds a thing that is in no heap; there is room, because it was reserved. */
export function heapInsert(heap: Heap, thing: usize, deadline: u64): void {
  assert(heap.count < heap.capacity, "heapInsert: not reserved");
  assert(!heapHas(heap, thing), "heapInsert: already in a heap");
  heap.count += 1;
  rise(heap, heap.count - 1, deadline, thing);
}

/** Takes a thing out. */
export function heapRemove(heap: Heap, thing: usize): void {
  assert(heapHas(heap, thing), "heapRemove: not in the heap");
  const position = positionOf(heap, thing);
  store<u32>(thing + heap.positionOffset, 0);
  const count = heap.count - 1;
  heap.count = count;
  if (position != count) place(heap, position, deadlineAt(heap.slots, count), thingAt(heap.slots, count));
}

/** Gives a thing another deadline. */
export function heapMove(heap: Heap, thing: usize, deadline: u64): void {
  assert(heapHas(heap, thing), "heapMove: not in the heap");
  place(heap, positionOf(heap, thing), deadline, thing);
}

/** Puts a thing where it belongs, from the slot at `position`, whose old contents don't count. */
@inline
function place(heap: Heap, position: u32, deadline: u64, thing: usize): void {
  const parent = (position - 1) >> 2;
  if (position > 0 && earlier(deadline, thing, deadlineAt(heap.slots, parent), thingAt(heap.slots, parent)))
    rise(heap, position, deadline, thing);
  else sink(heap, position, deadline, thing);
}

/** The thing with the earliest deadline, ties by ID; 0 when the heap is empty. */
@inline
export function heapFirst(heap: Heap): usize {
  return heap.count == 0 ? 0 : thingAt(heap.slots, 0);
}

/** The earliest deadline; there must be one. */
@inline
export function heapDeadline(heap: Heap): u64 {
  return deadlineAt(heap.slots, 0);
}

/** Whether nothing comes before its parent, and all things know their positions. For tests. */
export function heapValid(heap: Heap): bool {
  if (heap.count > heap.capacity) return false;
  for (let position: u32 = 0; position < heap.count; position++) {
    const thing = thingAt(heap.slots, position);
    if (positionOf(heap, thing) != position) return false;
    if (position == 0) continue;
    const parent = (position - 1) >> 2;
    const deadline = deadlineAt(heap.slots, position);
    if (!earlier(deadlineAt(heap.slots, parent), thingAt(heap.slots, parent), deadline, thing)) return false;
  }
  return true;
}
