/**
 * Physical frames: a binary buddy allocator (Knuth, TAOCP 1, 2.5) over all of RAM.
 *
 * Every frame has a 16-byte entry, but only the entry of a block's first frame means anything, so
 * an entry is touched when its block is split, merged, given out or taken back, and never because
 * RAM is large.
 *
 *   entry: next u32 | previous u32 | references u32 | owner u16 | order u8 | state u8
 *
 * Invariants (`framesValid`): free blocks are aligned to their size, don't overlap, are on the list
 * of their order, and no two free buddies stand side by side; the counts of the owners add up.
 */
import { PAGE_BYTES, physical, pointer } from "../../hal/memory";
import { RAM_BASE } from "../../sim/core/memory";
import { FRAME_ORDER_MAX } from "../limits";
import { kernel, Ptr } from "../state";

/** Who holds a block. */
export const OWNER_NONE: u32 = 0;
export const OWNER_FIRMWARE: u32 = 1;
export const OWNER_KERNEL: u32 = 2;
export const OWNER_PAGE_TABLE: u32 = 3;
export const OWNER_DRIVER: u32 = 4;
export const OWNER_BUNDLE: u32 = 5;
/** Agents' own memory: pages, images, messages. */
export const OWNER_AGENT: u32 = 6;
/** Unmapped, but a TLB may still know it (mm/shootdown.ts). */
export const OWNER_QUARANTINE: u32 = 7;
export const OWNERS: u32 = 8;

/** The frame is inside a block, or isn't RAM. */
const STATE_INSIDE: u8 = 0;
const STATE_FREE: u8 = 1;
const STATE_USED: u8 = 2;
const NONE: u32 = 0xffff_ffff;
const FRAME_SHIFT: u32 = 12;

@unmanaged
export class Frame {
  /** Frame numbers of the neighbours in the free list. */
  next: u32;
  previous: u32;
  references: u32;
  owner: u16;
  order: u8;
  state: u8;
}

@unmanaged
export class Frames {
  entries: Ptr<Frame>;
  /** Frames of RAM, usable or not; frame n is the n-th page of the RAM window. */
  count: u32;
  free: u32;
  /** Free frames that were promised to somebody: nobody else gets them. */
  promised: u32;
  /** First frame of each order's free list. */
  heads: usize;
  /** Frames held by each owner. */
  owned: usize;
  allocations: u64;
  /** Requests that found no block large enough. */
  failures: u64;
}

@inline
function frames(): Frames {
  return changetype<Frames>(kernel().frames);
}

@inline
function entryOf(frame: u32): Frame {
  return changetype<Frame>(frames().entries + <usize>frame * offsetof<Frame>());
}

@inline
export function frameNumber(address: u64): u32 {
  return <u32>((pointer(address) - RAM_BASE) >> FRAME_SHIFT);
}

@inline
function addressOf(frame: u32): u64 {
  return physical(RAM_BASE + (<usize>frame << FRAME_SHIFT));
}

@inline
function headOf(order: u32): usize {
  return frames().heads + (<usize>order << 2);
}

/** Bytes of RAM that the allocator's own tables take for `frameCount` frames. */
export function framesTableBytes(frameCount: u32): u64 {
  return <u64>offsetof<Frame>() * frameCount + offsetof<Frames>() + (FRAME_ORDER_MAX + 1 + OWNERS) * 4;
}

/** Sets the tables up, all frames unusable, in zeroed RAM at physical address `table`. */
export function framesInit(table: u64, frameCount: u32): void {
  const state = changetype<Frames>(pointer(table) + <usize>frameCount * offsetof<Frame>());
  kernel().frames = changetype<usize>(state);
  state.entries = pointer(table);
  state.count = frameCount;
  state.heads = changetype<usize>(state) + offsetof<Frames>();
  state.owned = state.heads + ((FRAME_ORDER_MAX + 1) << 2);
  for (let order: u32 = 0; order <= FRAME_ORDER_MAX; order++) store<u32>(headOf(order), NONE);
}

/** Hands RAM from physical `start` to `end` (page-aligned, never given before) to the allocator. */
export function framesAdd(start: u64, end: u64): void {
  let frame = frameNumber(start);
  let left = <u32>((end - start) >> FRAME_SHIFT);
  frames().free += left;
  while (left > 0) {
    const order = firstOrder(frame, left);
    insert(frame, order);
    frame += <u32>1 << order;
    left -= <u32>1 << order;
  }
}

/** Order of the largest aligned block at `frame` that is at most `left` frames long. */
function firstOrder(frame: u32, left: u32): u32 {
  const aligned = frame == 0 ? FRAME_ORDER_MAX : <u32>ctz(frame);
  return min(min(aligned, 31 - <u32>clz(left)), FRAME_ORDER_MAX);
}

/** Accounts for RAM that `owner` has had since before there was an allocator (page-aligned). */
export function framesReserve(start: u64, end: u64, owner: u32): void {
  let frame = frameNumber(start);
  let left = <u32>((end - start) >> FRAME_SHIFT);
  while (left > 0) {
    const order = firstOrder(frame, left);
    const entry = entryOf(frame);
    entry.state = STATE_USED;
    entry.order = <u8>order;
    entry.owner = <u16>owner;
    entry.references = 1;
    account(owner, 1 << order);
    frame += <u32>1 << order;
    left -= <u32>1 << order;
  }
}

function insert(frame: u32, order: u32): void {
  const entry = entryOf(frame);
  const head = headOf(order);
  const next = load<u32>(head);
  entry.state = STATE_FREE;
  entry.order = <u8>order;
  entry.owner = 0;
  entry.references = 0;
  entry.previous = NONE;
  entry.next = next;
  if (next != NONE) entryOf(next).previous = frame;
  store<u32>(head, frame);
}

function remove(frame: u32): void {
  const entry = entryOf(frame);
  assert(entry.state == STATE_FREE, "frames: block on a free list is not free");
  if (entry.previous == NONE) store<u32>(headOf(entry.order), entry.next);
  else entryOf(entry.previous).next = entry.next;
  if (entry.next != NONE) entryOf(entry.next).previous = entry.previous;
  entry.state = STATE_INSIDE;
}

@inline
function account(owner: u32, delta: i32): void {
  const at = frames().owned + (<usize>owner << 2);
  store<u32>(at, load<u32>(at) + delta);
}

/**
 * Takes a block of 2^order frames, aligned to its size; contents are undefined.
 * @returns its physical address, or 0 when there is none
 */
export function frameAlloc(order: u32, owner: u32): u64 {
  assert(order <= FRAME_ORDER_MAX, "frameAlloc: order beyond the largest block");
  const state = frames();
  let found = order;
  while (found <= FRAME_ORDER_MAX && load<u32>(headOf(found)) == NONE) found++;
  if (found > FRAME_ORDER_MAX || (<u32>1 << order) > state.free - state.promised) {
    state.failures += 1;
    return 0;
  }
  const frame = load<u32>(headOf(found));
  remove(frame);
  while (found > order) {
    found--;
    insert(frame + (<u32>1 << found), found);
  }
  const entry = entryOf(frame);
  entry.state = STATE_USED;
  entry.order = <u8>order;
  entry.owner = <u16>owner;
  entry.references = 1;
  state.free -= <u32>1 << order;
  state.allocations += 1;
  account(owner, 1 << order);
  return addressOf(frame);
}

/** As `frameAlloc`, filled with zeroes. */
export function frameAllocZeroed(order: u32, owner: u32): u64 {
  const address = frameAlloc(order, owner);
  if (address != 0) memory.fill(pointer(address), 0, <usize>PAGE_BYTES << order);
  return address;
}

/**
 * Promises `count` single frames: they are there when `frameAllocPromised` asks for them, however
 * much others take. False, and nothing promised, when so many are not left.
 */
@inline
export function framesPromise(count: u32): bool {
  const state = frames();
  if (count > state.free - state.promised) return false;
  state.promised += count;
  return true;
}

/** Takes back a promise of `count` frames. */
@inline
export function framesRelease(count: u32): void {
  const state = frames();
  assert(count <= state.promised, "framesRelease: more than was promised");
  state.promised -= count;
}

/** Takes one of the promised frames; contents are undefined. */
export function frameAllocPromised(owner: u32): u64 {
  const state = frames();
  assert(state.promised != 0, "frameAllocPromised: nothing was promised");
  state.promised -= 1;
  return frameAlloc(0, owner);
}

/** The single frame at `address` has one user more. */
@inline
export function frameShare(address: u64): void {
  entryOf(frameNumber(address)).references += 1;
}

/** The single frame at `address`, which had several users, has one less. */
@inline
export function frameUnshare(address: u64): void {
  const entry = entryOf(frameNumber(address));
  assert(entry.references > 1, "frameUnshare: the last user");
  entry.references -= 1;
}

/** Users of the single frame at `address`. */
@inline
export function frameUsers(address: u64): u32 {
  return entryOf(frameNumber(address)).references;
}

/** Gives the block at `address` to another owner. */
export function frameAssign(address: u64, owner: u32): void {
  const entry = entryOf(frameNumber(address));
  assert(entry.state == STATE_USED, "frameAssign: not the start of a block in use");
  account(entry.owner, -(1 << entry.order));
  account(owner, 1 << entry.order);
  entry.owner = <u16>owner;
}

/** The entry of the block at `address`, which is in use: its links belong to its owner. */
@inline
export function frameAt(address: u64): Frame {
  return entryOf(frameNumber(address));
}

/** Gives back the block at physical address `address`, as `frameAlloc` returned it. */
export function frameFree(address: u64): void {
  const state = frames();
  let frame = frameNumber(address);
  const entry = entryOf(frame);
  assert(entry.state == STATE_USED, "frameFree: not the start of a block in use");
  let order = <u32>entry.order;
  account(entry.owner, -(1 << order));
  state.free += <u32>1 << order;
  entry.state = STATE_INSIDE;
  while (order < FRAME_ORDER_MAX) {
    const buddy = frame ^ (<u32>1 << order);
    if (buddy >= state.count) break;
    const neighbour = entryOf(buddy);
    if (neighbour.state != STATE_FREE || <u32>neighbour.order != order) break;
    remove(buddy);
    frame = min(frame, buddy);
    order++;
  }
  insert(frame, order);
}

/** Smallest order whose block holds `bytes` bytes. */
export function orderFor(bytes: u64): u32 {
  const pages = (bytes + PAGE_BYTES - 1) >> FRAME_SHIFT;
  return pages <= 1 ? 0 : 64 - <u32>clz(pages - 1);
}

/** Frames that nobody holds. */
export function framesFree(): u32 {
  return frames().free;
}

/** Free frames that are promised. */
@inline
export function framesPromised(): u32 {
  return frames().promised;
}

/** Frames that `owner` holds. */
export function framesOwned(owner: u32): u32 {
  return load<u32>(frames().owned + (<usize>owner << 2));
}

/** Checks every invariant named above; for tests and debug builds, its cost grows with RAM. */
export function framesValid(): bool {
  const state = frames();
  let free: u32 = 0;
  for (let order: u32 = 0; order <= FRAME_ORDER_MAX; order++) {
    let previous = NONE;
    for (let frame = load<u32>(headOf(order)); frame != NONE; frame = entryOf(frame).next) {
      const entry = entryOf(frame);
      if (entry.state != STATE_FREE || entry.order != <u8>order || entry.previous != previous) return false;
      if ((frame & ((<u32>1 << order) - 1)) != 0) return false;
      const buddy = frame ^ (<u32>1 << order);
      if (order < FRAME_ORDER_MAX && buddy < state.count) {
        const neighbour = entryOf(buddy);
        if (neighbour.state == STATE_FREE && neighbour.order == <u8>order) return false;
      }
      free += <u32>1 << order;
      if (free > state.count) return false;
      previous = frame;
    }
  }
  return free == state.free && usedFramesAddUp();
}

function usedFramesAddUp(): bool {
  const state = frames();
  let used: u32 = 0;
  for (let frame: u32 = 0; frame < state.count; ) {
    const entry = entryOf(frame);
    if (entry.state == STATE_USED) used += <u32>1 << entry.order;
    frame += entry.state == STATE_INSIDE ? 1 : <u32>1 << entry.order;
  }
  let owned: u32 = 0;
  for (let owner: u32 = 0; owner < OWNERS; owner++) owned += framesOwned(owner);
  return used == owned;
}
