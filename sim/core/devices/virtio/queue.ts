/**
 * Split virtqueues (Virtio 1.2, 2.7), as the device sees them.
 *
 * All of a queue is in the guest's memory and may change at any time. Every index is checked where
 * it is used, a chain has at most as many descriptors as the queue (2.7.5.3.1), and whatever breaks
 * a rule makes the device ask for a reset (2.1.2).
 */
import { allocate } from "../../arena";
import { dmaRead, dmaWrite } from "../../iommu/dma";
import { Ptr } from "../../machine";
import {
  AVAIL_NO_INTERRUPT,
  DESCRIPTOR_BYTES,
  DESCRIPTOR_INDIRECT,
  DESCRIPTOR_NEXT,
  DESCRIPTOR_WRITE,
  RING_ENTRIES,
  RING_INDEX,
  USED_ENTRY_BYTES,
} from "../../../spec/virtio";

/** Largest queue, in descriptors: what the device offers. */
export const QUEUE_SIZE_MAX: u32 = 256;
/** What `queueNext` returns when there is no chain, or a broken one. */
export const CHAIN_NONE: u32 = 0xffff_ffff;
export const CHAIN_BROKEN: u32 = 0xffff_fffe;
/** What `read16` returns when memory refuses: no 16-bit value. */
const REFUSED: u32 = 0x1_0000;

/** One contiguous piece of a chain. */
@unmanaged
export class ChainSegment {
  base: u64;
  bytes: u32;
  /** The device writes here; else it reads. */
  writable: u32;
}

/** The chain that is being looked at. */
@unmanaged
export class Chain {
  count: u32;
  readableBytes: u32;
  writableBytes: u32;
  segments: Ptr<ChainSegment>;
  /** One entry of a ring or table. */
  scratch: usize;
}

@unmanaged
export class VirtQueue {
  size: u32;
  enabled: u32;
  vector: u32;
  descriptors: u64;
  driverRing: u64;
  deviceRing: u64;
  /** Index of the next entry of the available ring that the device takes, modulo 65536. */
  nextAvailable: u32;
  /** Index of the next entry of the used ring that the device fills, modulo 65536. */
  nextUsed: u32;
  /** `nextUsed` when the driver was last considered for an interrupt. */
  announced: u32;
}

export function createChain(chain: Chain): void {
  chain.segments = allocate(<usize>QUEUE_SIZE_MAX * offsetof<ChainSegment>());
  chain.scratch = allocate(DESCRIPTOR_BYTES);
}

@inline
export function segmentOf(chain: Chain, index: u32): ChainSegment {
  return changetype<ChainSegment>(chain.segments + <usize>index * offsetof<ChainSegment>());
}

/** Registers of a queue after a reset of the device. */
export function resetQueue(queue: VirtQueue, vector: u32): void {
  memory.fill(changetype<usize>(queue), 0, offsetof<VirtQueue>());
  queue.size = QUEUE_SIZE_MAX;
  queue.vector = vector;
}

/** Reads a 16-bit field of a ring, or REFUSED. */
function read16(requester: u32, address: u64, scratch: usize): u32 {
  return dmaRead(requester, address, scratch, 2) ? <u32>load<u16>(scratch) : REFUSED;
}

/**
 * Takes the next available chain apart into `chain`; returns the index of its first descriptor, or
 * CHAIN_NONE, or CHAIN_BROKEN.
 */
export function queueNext(requester: u32, queue: VirtQueue, chain: Chain): u32 {
  const index = read16(requester, queue.driverRing + RING_INDEX, chain.scratch);
  if (index == REFUSED) return CHAIN_BROKEN;
  const waiting = (index - queue.nextAvailable) & 0xffff;
  if (waiting == 0) return CHAIN_NONE;
  if (waiting > queue.size) return CHAIN_BROKEN;
  const entry = <u64>(queue.nextAvailable & (queue.size - 1));
  const head = read16(requester, queue.driverRing + RING_ENTRIES + entry * 2, chain.scratch);
  if (head >= queue.size || !walk(requester, queue, chain, head)) return CHAIN_BROKEN;
  queue.nextAvailable = (queue.nextAvailable + 1) & 0xffff;
  return head;
}

/** Follows a chain from descriptor `head`. */
function walk(requester: u32, queue: VirtQueue, chain: Chain, head: u32): bool {
  const at = chain.scratch;
  let table = queue.descriptors;
  let entries = queue.size;
  let index = head;
  let indirect = false;
  chain.count = 0;
  chain.readableBytes = 0;
  chain.writableBytes = 0;
  // One step more than the queue has descriptors: the one that points to an indirect table.
  for (let steps: u32 = 0; steps <= queue.size; steps++) {
    if (index >= entries) return false;
    const place = table + <u64>index * DESCRIPTOR_BYTES;
    if (!dmaRead(requester, place, at, DESCRIPTOR_BYTES)) return false;
    const flags = <u32>load<u16>(at, 12);
    if (flags & DESCRIPTOR_INDIRECT) {
      const bytes = load<u32>(at, 8);
      // 2.7.5.3.1: one level, nothing behind it, and whole descriptors.
      if (indirect || flags & DESCRIPTOR_NEXT) return false;
      if (bytes == 0 || bytes % DESCRIPTOR_BYTES != 0) return false;
      indirect = true;
      table = load<u64>(at);
      entries = bytes / DESCRIPTOR_BYTES;
      index = 0;
      continue;
    }
    if (!append(queue, chain, at, (flags & DESCRIPTOR_WRITE) != 0)) return false;
    if (!(flags & DESCRIPTOR_NEXT)) return true;
    index = <u32>load<u16>(at, 14);
  }
  return false;
}

/** Adds a descriptor; what the device reads comes before what it writes (2.7.4.2). */
function append(queue: VirtQueue, chain: Chain, descriptor: usize, writable: bool): bool {
  if (chain.count == queue.size || (!writable && chain.writableBytes != 0)) return false;
  const segment = segmentOf(chain, chain.count);
  segment.base = load<u64>(descriptor);
  segment.bytes = load<u32>(descriptor, 8);
  segment.writable = writable ? 1 : 0;
  chain.count += 1;
  // 2.7.5: a chain is shorter than 4 GiB in all.
  const before = writable ? chain.writableBytes : chain.readableBytes;
  if (segment.bytes > 0xffff_ffff - before) return false;
  if (writable) chain.writableBytes = before + segment.bytes;
  else chain.readableBytes = before + segment.bytes;
  return true;
}

/**
 * Copies `bytes` between `local` and the chain's readable or writable part, from byte `from` of that
 * part. False when memory refuses or the part is too short.
 */
export function copyChain(
  requester: u32,
  chain: Chain,
  writable: bool,
  from: u32,
  local: usize,
  bytes: u32,
): bool {
  let skip = from;
  let done: u32 = 0;
  for (let n: u32 = 0; n < chain.count && done < bytes; n++) {
    const segment = segmentOf(chain, n);
    if ((segment.writable != 0) != writable) continue;
    const offset = min(skip, segment.bytes);
    skip -= offset;
    const span = min(segment.bytes - offset, bytes - done);
    if (span == 0) continue;
    const address = segment.base + offset;
    const moved = writable
      ? dmaWrite(requester, address, local + done, span)
      : dmaRead(requester, address, local + done, span);
    if (!moved) return false;
    done += span;
  }
  return done == bytes;
}

/** Gives the chain at `head` back to the driver, with `bytes` written to it. */
export function queueUsed(
  requester: u32,
  queue: VirtQueue,
  chain: Chain,
  head: u32,
  bytes: u32,
): bool {
  const at = chain.scratch;
  const entry = <u64>(queue.nextUsed & (queue.size - 1));
  store<u32>(at, head);
  store<u32>(at, bytes, 4);
  const place = queue.deviceRing + RING_ENTRIES + entry * USED_ENTRY_BYTES;
  if (!dmaWrite(requester, place, at, USED_ENTRY_BYTES)) return false;
  queue.nextUsed = (queue.nextUsed + 1) & 0xffff;
  store<u16>(at, <u16>queue.nextUsed);
  return dmaWrite(requester, queue.deviceRing + RING_INDEX, at, 2);
}

/** Whether the driver wants to be told of the chains given back since the last time (2.7.7). */
export function wantsInterrupt(
  requester: u32,
  queue: VirtQueue,
  chain: Chain,
  eventIndex: bool,
): bool {
  const given = (queue.nextUsed - queue.announced) & 0xffff;
  queue.announced = queue.nextUsed;
  if (given == 0) return false;
  if (!eventIndex) {
    const flags = read16(requester, queue.driverRing, chain.scratch);
    return flags != REFUSED && (flags & AVAIL_NO_INTERRUPT) == 0;
  }
  const place = queue.driverRing + RING_ENTRIES + <u64>queue.size * 2;
  const event = read16(requester, place, chain.scratch);
  // The used index went past the one that the driver named, modulo 65536.
  return event != REFUSED && ((queue.nextUsed - event - 1) & 0xffff) < given;
}

/** Asks the driver to notify with its next chain (2.7.10). */
export function wantNotification(requester: u32, queue: VirtQueue, chain: Chain): bool {
  const place = queue.deviceRing + RING_ENTRIES + <u64>queue.size * USED_ENTRY_BYTES;
  store<u16>(chain.scratch, <u16>queue.nextAvailable);
  return dmaWrite(requester, place, chain.scratch, 2);
}
