/**
 * NVMe queue pairs as the driver keeps them (NVM Express Base 1.4, 4).
 *
 * A command identifier is slot | generation << 6. The generation changes with each use of a slot,
 * so a completion for a command that is no longer outstanding is told from a real one.
 *
 *   15          6 5      0
 *  | generation  |  slot  |
 */
import { BlockController, BlockRequest, BLOCK_NEVER } from "../block";
import { pointer } from "../memory";
import { mmioWrite32 } from "./machine";
import { NVME_DOORBELLS } from "../../sim/spec/nvme";

/** Entries of a queue: a page of commands. One stays free, as a full ring has one below its size. */
export const ENTRIES: u32 = 64;
export const SLOTS: u32 = ENTRIES - 1;
const SLOT_BITS: u32 = 6;
/** PRP list of a slot: 64 entries, so 256 KiB a command whatever the buffer's offset in its page. */
export const LIST_BYTES: u32 = 512;
export const TRANSFER_MAX: u32 = 256 * 1024;
/** Pages of DMA memory a queue pair: commands, completions, slots, PRP lists. */
export const QUEUE_PAGES: u64 = 3 + (ENTRIES * LIST_BYTES) / 4096;
/** The page among them with the slots, which is the driver's own. */
export const SLOTS_PAGE: u64 = 2;

/** What a slot's command is for. */
export const FOR_NOTHING: u32 = 0;
export const FOR_REQUEST: u32 = 1;
/** A step of bringing the controller up. */
export const FOR_STEP: u32 = 2;
export const FOR_ABORT: u32 = 3;

@unmanaged
export class NvmeCommandSlot {
  /** FOR_ constant. */
  purpose: u32;
  /** Command identifier of the command outstanding, or of the last one. */
  id: u32;
  /** Address of the BlockRequest. */
  request: usize;
  /** Time by which it should be done. */
  deadline: u64;
  /** An Abort for it was sent. */
  aborted: u32;
}

@unmanaged
export class NvmeQueuePair {
  /** 0 is the admin queue. */
  number: u32;
  vector: u32;
  /** Physical addresses. */
  commands: u64;
  completions: u64;
  lists: u64;
  /** Address of the NvmeCommandSlot array. */
  slots: usize;
  tail: u32;
  head: u32;
  phase: u32;
  used: u32;
}

@unmanaged
export class NvmeDriver extends BlockController {
  /** STEP_ constant of nvme-start.ts. */
  step: u32;
  /** Doorbell stride in bytes (CAP.DSTRD). */
  stride: u32;
  /** ns that enabling and disabling may take (CAP.TO). */
  readyNs: u64;
  /** When the step at hand must be done, or BLOCK_NEVER. */
  stepDeadline: u64;
  /** Which queue or namespace the step is about. */
  index: u32;
  transferBytes: u32;
  operations: u32;
  /** Resets since a request last succeeded. */
  attempts: u32;
  /** Requests to be submitted again after a reset, linked by `next`. */
  retry: usize;
  /** NvmeQueuePair array: admin, then I/O. */
  pairs: usize;
  /** Physical address of a page for Identify data. */
  page: u64;
}

@inline
export function pairAt(driver: NvmeDriver, index: u32): NvmeQueuePair {
  return changetype<NvmeQueuePair>(driver.pairs + <usize>index * offsetof<NvmeQueuePair>());
}

@inline
export function commandSlot(pair: NvmeQueuePair, index: u32): NvmeCommandSlot {
  return changetype<NvmeCommandSlot>(pair.slots + <usize>index * offsetof<NvmeCommandSlot>());
}

/** Lays the pair out over its pages, which are cleared: the state after a controller reset. */
export function resetPair(driver: NvmeDriver, number: u32, pages: u64): void {
  const pair = pairAt(driver, number);
  pair.number = number;
  // The pair of processor n is number n + 1; the admin pair shares the first vector.
  pair.vector = driver.vectors == 0 || number == 0 ? 0 : (number - 1) % driver.vectors;
  pair.commands = pages;
  pair.completions = pages + 4096;
  pair.slots = pointer(pages + SLOTS_PAGE * 4096);
  pair.lists = pages + 3 * 4096;
  pair.tail = 0;
  pair.head = 0;
  pair.phase = 1;
  pair.used = 0;
  memory.fill(pointer(pair.completions), 0, 4096);
  for (let index: u32 = 0; index < SLOTS; index++) commandSlot(pair, index).purpose = FOR_NOTHING;
}

/**
 * Takes a free slot and clears the submission queue entry that its command will be written to;
 * returns the slot's index, or SLOTS when none is free.
 */
export function beginCommand(pair: NvmeQueuePair, purpose: u32, opcode: u32, nsid: u32): u32 {
  if (pair.used == SLOTS) return SLOTS;
  let index: u32 = 0;
  while (commandSlot(pair, index).purpose != FOR_NOTHING) index++;
  const slot = commandSlot(pair, index);
  const generation = (slot.id >> SLOT_BITS) + 1;
  slot.id = ((generation << SLOT_BITS) | index) & 0xffff;
  slot.purpose = purpose;
  slot.request = 0;
  slot.aborted = 0;
  pair.used += 1;
  const entry = commandEntry(pair);
  memory.fill(entry, 0, 64);
  store<u32>(entry, opcode | (slot.id << 16));
  store<u32>(entry, nsid, 4);
  return index;
}

/** Linear address of the submission queue entry at the tail. */
@inline
export function commandEntry(pair: NvmeQueuePair): usize {
  return pointer(pair.commands) + (pair.tail << 6);
}

/** Hands the entry at the tail to the controller. */
export function issueCommand(driver: NvmeDriver, pair: NvmeQueuePair, slot: u32, deadline: u64): void {
  commandSlot(pair, slot).deadline = deadline;
  if (deadline < driver.deadline) driver.deadline = deadline;
  pair.tail = (pair.tail + 1) % ENTRIES;
  mmioWrite32(doorbell(driver, pair.number << 1), pair.tail);
}

@inline
export function doorbell(driver: NvmeDriver, index: u32): u64 {
  return driver.registers + NVME_DOORBELLS + <u64>(index * driver.stride);
}

/** Physical address of the slot's PRP list. */
@inline
export function listOf(pair: NvmeQueuePair, slot: u32): u64 {
  return pair.lists + <u64>(slot * LIST_BYTES);
}

/** The slot of command `id`, or SLOTS when no such command is outstanding. */
export function findSlot(pair: NvmeQueuePair, id: u32): u32 {
  const index = id & ((1 << SLOT_BITS) - 1);
  if (index >= SLOTS) return SLOTS;
  const slot = commandSlot(pair, index);
  return slot.purpose != FOR_NOTHING && slot.id == id ? index : SLOTS;
}

export function freeSlot(pair: NvmeQueuePair, index: u32): void {
  commandSlot(pair, index).purpose = FOR_NOTHING;
  pair.used -= 1;
}

/** Puts a request on the list of those to be submitted again. */
export function keepForRetry(driver: NvmeDriver, request: BlockRequest): void {
  request.next = driver.retry;
  driver.retry = changetype<usize>(request);
}

/** Earliest deadline of all outstanding commands and of the step at hand. */
export function findDeadline(driver: NvmeDriver, pairs: u32): u64 {
  let first = min(driver.stepDeadline, BLOCK_NEVER);
  for (let number: u32 = 0; number < pairs; number++) {
    const pair = pairAt(driver, number);
    if (pair.used == 0) continue;
    for (let index: u32 = 0; index < SLOTS; index++) {
      const slot = commandSlot(pair, index);
      if (slot.purpose != FOR_NOTHING) first = min(first, slot.deadline);
    }
  }
  return first;
}
