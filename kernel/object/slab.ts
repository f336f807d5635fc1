/**
 * Slabs: tables of objects of one size that grow by chunks and never shrink.
 *
 * An object is found by the index in its identifier: two loads in a two-level directory of chunks. A
 * chunk has a power of two of objects, so no division is needed, but is no larger than they are: all
 * chunks are cut, one behind the other, from blocks of frames that the slabs share.
 * Each slot keeps its identifier when it is free, with kind 0 and the generation that it will have
 * next, so looking one up is one comparison.
 *
 * Indexes are dealt out in shards, one a CPU: shard s has the indexes s, s + n, s + 2n, … of n
 * shards. What an agent on one CPU creates can therefore not be told from the identifiers that an
 * agent on another gets, until a shard is full and the next ones help out.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { SLAB_BLOCK_BYTES, SLAB_CHUNK_BYTES } from "../limits";
import { frameAlloc, frameAllocZeroed, orderFor, OWNER_KERNEL } from "../mm/frames";
import { kernel, Ptr, rootAllocate } from "../state";
import { STATUS_LIMIT, STATUS_NO_MEMORY } from "../syscall/status";
import { GENERATION_MAX, idGeneration, idIndex, idKind, INDEX_BITS, KIND_FIELD, makeId } from "./id";
import { KIND_CAPABILITY, KINDS } from "./kinds";

/** Slots are addresses of RAM: where a function answers with one or with a status, statuses are smaller. */
export const FIRST_SLOT: usize = 4096;

/** What every object begins with. */
@unmanaged
export class KernelObject {
  id: u64;
}

/** A free slot. */
@unmanaged
class FreeSlot extends KernelObject {
  next: usize;
}

@unmanaged
class Shard {
  /** First free slot; 0 when there is none. */
  free: usize;
  /** Slots of this shard that have ever been used. */
  used: u32;
}

@unmanaged
export class Slab {
  /** Bytes of an object. */
  bytes: u32;
  /** Log2 of the objects in a chunk. */
  chunkShift: u32;
  /** Indexes are below this. */
  limit: u32;
  shardCount: u32;
  /** Objects in use, and slots that have used up their generations. */
  live: u32;
  retired: u32;
  /** Bytes of frames that it has taken. What is left of the last block, others may use. */
  memory: u64;
  /** 1,024 pointers to pages of 1,024 pointers to chunks. */
  directory: usize;
  shards: Ptr<Shard>;
}

/** What is left of the block of which chunks are cut. */
@unmanaged
export class SlabArena {
  start: usize;
  end: usize;
}

/** Log2 of SLAB_CHUNK_BYTES. */
const CHUNK_SHIFT: u32 = 14;
/** Chunks begin with a cache line. */
const LINE_BYTES: u32 = 64;
const DIRECTORY_SHIFT: u32 = 10;
const DIRECTORY_MASK: u32 = (1 << DIRECTORY_SHIFT) - 1;

export function createSlabs(): void {
  assert(SLAB_CHUNK_BYTES == 1 << CHUNK_SHIFT, "createSlabs: size of a chunk");
  kernel().slabs = rootAllocate(<usize>KINDS * offsetof<Slab>());
  kernel().slabArena = rootAllocate(offsetof<SlabArena>());
}

@inline
export function slabOf(kind: u32): Slab {
  return changetype<Slab>(kernel().slabs + <usize>kind * offsetof<Slab>());
}

/** Sets the slab of `kind` up for at most `limit` objects of `bytes` bytes; false without frames. */
export function slabInit(kind: u32, bytes: u32, limit: u32, shards: u32): bool {
  assert(bytes <= SLAB_CHUNK_BYTES, "slabInit: object size");
  const slab = slabOf(kind);
  // Objects begin with 64 bits; the compiler doesn't round a class up to them.
  slab.bytes = (bytes + 7) & ~7;
  slab.chunkShift = 31 - <u32>clz(SLAB_CHUNK_BYTES / slab.bytes);
  slab.limit = limit;
  slab.shardCount = shards;
  assert((limit >> slab.chunkShift) >> (2 * DIRECTORY_SHIFT) == 0, "slabInit: limit beyond the directory");
  const directory = frameAllocZeroed(0, OWNER_KERNEL);
  if (directory == 0) return false;
  slab.directory = pointer(directory);
  slab.memory = PAGE_BYTES;
  if (kind == KIND_CAPABILITY) kernel().capabilities = slab.directory;
  slab.shards = rootAllocate(<usize>shards * offsetof<Shard>());
  return true;
}

/** The slot of `index`, or 0 when its chunk has never been needed. */
@inline
export function slotAt(slab: Slab, index: u32): usize {
  const chunk = index >> slab.chunkShift;
  const page = <usize>load<u32>(slab.directory + (<usize>(chunk >> DIRECTORY_SHIFT) << 2));
  if (page == 0) return 0;
  const base = <usize>load<u32>(page + (<usize>(chunk & DIRECTORY_MASK) << 2));
  if (base == 0) return 0;
  return base + <usize>(index & ((1 << slab.chunkShift) - 1)) * <usize>slab.bytes;
}

/** The same for capabilities, which have 2^shift bytes and as many indexes as there can be. */
@inline
export function slotOfCapability(index: u32, shift: u32): usize {
  const chunk = index >> (CHUNK_SHIFT - shift);
  const page = <usize>load<u32>(kernel().capabilities + (<usize>(chunk >> DIRECTORY_SHIFT) << 2));
  if (page == 0) return 0;
  const base = <usize>load<u32>(page + (<usize>(chunk & DIRECTORY_MASK) << 2));
  if (base == 0) return 0;
  return base + (<usize>(index & ((1 << (CHUNK_SHIFT - shift)) - 1)) << shift);
}

/** The object named `id`, which must be of `kind`; 0 when there is none such (any more). */
@inline
export function objectFind(kind: u32, id: u64): usize {
  if (idKind(id) != kind) return 0;
  const slab = slabOf(kind);
  if (idIndex(id) >= slab.limit) return 0;
  const slot = slotAt(slab, idIndex(id));
  return slot != 0 && changetype<KernelObject>(slot).id == id ? slot : 0;
}

/** Whether an object was named `id` once and isn't any more; false for what never existed. */
export function objectStale(kind: u32, id: u64): bool {
  const slab = slabOf(kind);
  if (idKind(id) != kind || idIndex(id) >= slab.limit || idGeneration(id) == 0) return false;
  const slot = slotAt(slab, idIndex(id));
  return slot != 0 && idGeneration(id) < idGeneration(changetype<KernelObject>(slot).id);
}

/**
 * A new object of `kind`, zeroed behind its identifier, preferably from `shard`; 0 when the table is
 * full or no frame is left.
 */
export function objectAllocate(kind: u32, shard: u32): usize {
  const slab = slabOf(kind);
  for (let tried: u32 = 0; tried < slab.shardCount; tried++) {
    const slot = takeSlot(slab, (shard + tried) % slab.shardCount);
    if (slot == 0) continue;
    const id = changetype<KernelObject>(slot).id;
    memory.fill(slot, 0, slab.bytes);
    changetype<KernelObject>(slot).id = makeId(kind, idIndex(id), <u32>idGeneration(id));
    slab.live += 1;
    return slot;
  }
  return 0;
}

/**
 * A new object of `kind` from `shard`, or another when that has none left; behind the identifier is
 * what was there before, so the caller sets every field. 0 as objectAllocate.
 */
@inline
export function objectTake(kind: u32, shard: u32): usize {
  const slab = slabOf(kind);
  const own = changetype<Shard>(slab.shards + <usize>shard * offsetof<Shard>());
  const slot = own.free;
  if (slot == 0) return objectAllocate(kind, shard);
  own.free = changetype<FreeSlot>(slot).next;
  changetype<KernelObject>(slot).id |= <u64>kind << INDEX_BITS;
  slab.live += 1;
  return slot;
}

/**
 * Frees an object whose identifier nobody has been told: the slot keeps its generation, and all is
 * as it was before it was taken.
 */
@inline
export function objectReturn(slot: usize): void {
  const id = changetype<KernelObject>(slot).id;
  const slab = slabOf(idKind(id));
  assert(idKind(id) != 0, "objectReturn: not in use");
  slab.live -= 1;
  changetype<KernelObject>(slot).id = id & ~KIND_FIELD;
  // A division takes as long as the rest of this; most machines that count have one CPU or two.
  const count = slab.shardCount;
  const number = (count & (count - 1)) == 0 ? idIndex(id) & (count - 1) : idIndex(id) % count;
  const shard = changetype<Shard>(slab.shards + <usize>number * offsetof<Shard>());
  changetype<FreeSlot>(slot).next = shard.free;
  shard.free = slot;
}

function takeSlot(slab: Slab, number: u32): usize {
  const shard = changetype<Shard>(slab.shards + <usize>number * offsetof<Shard>());
  if (shard.free != 0) {
    const slot = shard.free;
    shard.free = changetype<FreeSlot>(slot).next;
    return slot;
  }
  const index = shard.used * slab.shardCount + number;
  if (index >= slab.limit || !ensureChunk(slab, index >> slab.chunkShift)) return 0;
  shard.used += 1;
  const slot = slotAt(slab, index);
  changetype<KernelObject>(slot).id = makeId(0, index, 1);
  return slot;
}

function ensureChunk(slab: Slab, chunk: u32): bool {
  const at = slab.directory + (<usize>(chunk >> DIRECTORY_SHIFT) << 2);
  if (load<u32>(at) == 0) {
    const page = frameAllocZeroed(0, OWNER_KERNEL);
    if (page == 0) return false;
    store<u32>(at, <u32>pointer(page));
    slab.memory += PAGE_BYTES;
  }
  const entry = <usize>load<u32>(at) + (<usize>(chunk & DIRECTORY_MASK) << 2);
  if (load<u32>(entry) != 0) return true;
  const bytes = ((slab.bytes << slab.chunkShift) + LINE_BYTES - 1) & ~(LINE_BYTES - 1);
  if (!arenaReserve(slab, bytes)) return false;
  const arena = changetype<SlabArena>(kernel().slabArena);
  memory.fill(arena.start, 0, bytes);
  store<u32>(entry, <u32>arena.start);
  arena.start += bytes;
  return true;
}

/** Makes sure that the arena has `bytes` bytes, a chunk's; false when there are no frames for that. */
function arenaReserve(slab: Slab, bytes: u32): bool {
  const arena = changetype<SlabArena>(kernel().slabArena);
  if (arena.end - arena.start >= bytes) return true;
  let order = orderFor(SLAB_BLOCK_BYTES);
  let frames = frameAlloc(order, OWNER_KERNEL);
  if (frames == 0) {
    order = orderFor(bytes);
    frames = frameAlloc(order, OWNER_KERNEL);
    if (frames == 0) return false;
  }
  // Blocks that are taken one after the other mostly are neighbours, and then nothing is left over.
  const start = pointer(frames);
  if (start != arena.end) arena.start = start;
  arena.end = start + (<usize>PAGE_BYTES << order);
  slab.memory += PAGE_BYTES << order;
  return true;
}

/** Objects of `kind` that could still be made if there were frames enough. */
export function objectsLeft(kind: u32): u32 {
  const slab = slabOf(kind);
  return slab.limit - slab.live - slab.retired;
}

/** Why `count` more objects of `kind` can't be had: the status to refuse with. */
export function objectShortage(kind: u32, count: u32 = 1): u32 {
  return objectsLeft(kind) < count ? STATUS_LIMIT : STATUS_NO_MEMORY;
}

/**
 * Makes sure that the next `count` objects of `kind`, preferably from `shard`, can be allocated;
 * false when the table is too full or frames are short. Chunks that it adds stay. `count` is small:
 * free slots are counted one by one.
 */
export function objectsReserve(kind: u32, count: u32, shard: u32): bool {
  const slab = slabOf(kind);
  let missing = count;
  for (let tried: u32 = 0; tried < slab.shardCount && missing != 0; tried++)
    missing -= reserveShard(slab, (shard + tried) % slab.shardCount, missing);
  return missing == 0;
}

/** Slots of a shard, up to `count`: free ones, then unused ones, for which chunks are made. */
function reserveShard(slab: Slab, number: u32, count: u32): u32 {
  const shard = changetype<Shard>(slab.shards + <usize>number * offsetof<Shard>());
  let found: u32 = 0;
  for (let at = shard.free; at != 0 && found < count; at = changetype<FreeSlot>(at).next) found += 1;
  for (let used = shard.used; found < count; used++) {
    const index = used * slab.shardCount + number;
    if (index >= slab.limit || !ensureChunk(slab, index >> slab.chunkShift)) break;
    found += 1;
  }
  return found;
}

/** Frees an object: its identifier is stale from now on. */
export function objectFree(slot: usize): void {
  const id = changetype<KernelObject>(slot).id;
  const slab = slabOf(idKind(id));
  assert(idKind(id) != 0, "objectFree: not in use");
  slab.live -= 1;
  const generation = <u32>idGeneration(id) + 1;
  // Kind 0 never matches; a slot at its last generation is never handed out again.
  changetype<KernelObject>(slot).id = makeId(0, idIndex(id), generation);
  if (generation > GENERATION_MAX) {
    slab.retired += 1;
    return;
  }
  const number = idIndex(id) % slab.shardCount;
  const shard = changetype<Shard>(slab.shards + <usize>number * offsetof<Shard>());
  changetype<FreeSlot>(slot).next = shard.free;
  shard.free = slot;
}

/**
 * The object of `kind` with the next higher index than the one at `after` (0: the first); 0 behind
 * the last. For looking at all of them.
 */
export function objectNext(kind: u32, after: usize): usize {
  const slab = slabOf(kind);
  let index: u32 = after == 0 ? 0 : idIndex(changetype<KernelObject>(after).id) + 1;
  let used: u32 = 0;
  for (let number: u32 = 0; number < slab.shardCount; number++)
    used = max(used, changetype<Shard>(slab.shards + <usize>number * offsetof<Shard>()).used);
  for (const end = used * slab.shardCount; index < end; index++) {
    const slot = slotAt(slab, index);
    if (slot != 0 && idKind(changetype<KernelObject>(slot).id) == kind) return slot;
  }
  return 0;
}
