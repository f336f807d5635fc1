/**
 * Payloads of messages and operations: bytes in an area of 64, or in up to 16 frames, whose linear
 * addresses stand in that area. 16 frames of 4 KiB are the 64 KiB that a message may have, so the
 * area is always enough, and no block of several frames has to be found.
 */
import { PAGE_BYTES, physical, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { frameAlloc, frameFree, OWNER_AGENT } from "../mm/frames";
import { codeWritten } from "../mm/code";
import { copyFromUser, copyToUser, userCheck, userReach, userThere } from "../mm/user";
import { copySmall } from "./copy";
import { STATUS_NO_MEMORY, STATUS_OK } from "../syscall/status";

const INLINE_BYTES: u32 = 64;
const PAGE_SHIFT: u32 = 12;
const PAGE: u32 = <u32>PAGE_BYTES;

/** Frames that a payload of `bytes` bytes takes. */
@inline
export function payloadPages(bytes: u32): u32 {
  return bytes <= INLINE_BYTES ? 0 : (bytes + PAGE - 1) >> PAGE_SHIFT;
}

/** Linear address of frame `index` of the payload whose area is at `area`. */
@inline
export function payloadFrame(area: usize, index: u32): usize {
  return <usize>load<u32>(area + (<usize>index << 2));
}

/** Takes `pages` frames; false, and none taken, when there are not so many. */
export function payloadReserve(area: usize, pages: u32): bool {
  for (let index: u32 = 0; index < pages; index++) {
    const frame = frameAlloc(0, OWNER_AGENT);
    if (frame == 0) {
      payloadFree(area, index);
      return false;
    }
    store<u32>(area + (<usize>index << 2), <u32>pointer(frame));
  }
  return true;
}

/** Gives frames `first` to `pages` back. */
export function payloadFree(area: usize, pages: u32, first: u32 = 0): void {
  for (let index = first; index < pages; index++) frameFree(physical(payloadFrame(area, index)));
}

/**
 * Fills the payload with `bytes` bytes of `agent`'s memory, taking the frames that it needs; when it
 * is refused none is taken.
 */
@inline
export function payloadRead(area: usize, agent: Agent, address: u64, bytes: u32): u32 {
  if (bytes > INLINE_BYTES) return readFrames(area, agent, address, bytes);
  if (bytes == 0) return STATUS_OK;
  const from = userReach(agent, address, bytes, false);
  if (from == 0) return copyFromUser(agent, address, area, bytes);
  copySmall(area, from, bytes);
  return STATUS_OK;
}

function readFrames(area: usize, agent: Agent, address: u64, bytes: u32): u32 {
  const pages = payloadPages(bytes);
  const from = userThere(agent, address, bytes, false);
  if (from != 0) {
    if (!payloadReserve(area, pages)) return STATUS_NO_MEMORY;
    memory.copy(payloadFrame(area, 0), from, bytes);
    return STATUS_OK;
  }
  const status = userCheck(agent, address, bytes, false);
  if (status != STATUS_OK) return status;
  if (!payloadReserve(area, pages)) return STATUS_NO_MEMORY;
  const filled = payloadFill(area, pages, agent, address, bytes);
  if (filled != STATUS_OK) payloadFree(area, pages);
  return filled;
}

/** Fills a payload that has its `pages` frames, or none and at most 64 bytes. */
export function payloadFill(area: usize, pages: u32, agent: Agent, address: u64, bytes: u32): u32 {
  if (pages == 0) return bytes == 0 ? STATUS_OK : copyFromUser(agent, address, area, bytes);
  for (let done: u32 = 0; done < bytes; done += PAGE) {
    const part = min(bytes - done, PAGE);
    const status = copyFromUser(agent, address + done, payloadFrame(area, done >> PAGE_SHIFT), part);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

/** Fills a payload that has its `pages` frames, or none and at most 64 bytes, with the kernel's own bytes. */
export function payloadCopy(area: usize, pages: u32, from: usize, bytes: u32): void {
  if (pages == 0) return memory.copy(area, from, bytes);
  for (let done: u32 = 0; done < bytes; done += PAGE)
    memory.copy(payloadFrame(area, done >> PAGE_SHIFT), from + done, min(bytes - done, PAGE));
}

/** Copies the bytes of a payload in frames from `start`, a page's begin, to `end` into `agent`'s memory. */
export function payloadWritePart(area: usize, start: u32, end: u32, agent: Agent, address: u64): u32 {
  for (let done = start; done < end; done += PAGE) {
    const part = min(end - done, PAGE);
    const status = copyToUser(agent, address + done, payloadFrame(area, done >> PAGE_SHIFT), part);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

/** Copies the payload's first `bytes` bytes into `agent`'s memory. */
@inline
export function payloadWrite(area: usize, pages: u32, agent: Agent, address: u64, bytes: u32): u32 {
  if (pages != 0) return payloadWritePart(area, 0, bytes, agent, address);
  if (bytes == 0) return STATUS_OK;
  const to = userReach(agent, address, bytes, true);
  if (to == 0) return copyToUser(agent, address, area, bytes);
  copySmall(to, area, bytes);
  codeWritten(to, bytes);
  return STATUS_OK;
}
