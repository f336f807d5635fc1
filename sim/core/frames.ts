/**
 * What is known of the contents of each frame of RAM. It is kept with the caches (engine/memory.ts) and
 * is no machine state: knowing nothing is always right.
 *
 * A frame may be in three places. In a machine that was restored or forked, RAM is at first with the
 * host; a frame comes into linear memory when anything looks for it there (`ramPointer`), so that it
 * takes no memory in a machine that never reaches it, and is shared by all that don't.
 *
 * Whoever writes to a frame says so beforehand (`noteChange`): stores by the fast lines when a line for
 * writes is filled, all others by `codeWritten`. To learn of later ones, the lines for writes are
 * dropped. kernel.wasm stores into RAM as it likes, so on its machines nothing is known of any frame.
 */
import { forgetWriteLines } from "./cpu/tlb";
import { digestOf, Frame, frameOf, framesBase, framesEnd } from "./engine/memory";
import { frameFetch, hostControl } from "./host";
import { machine } from "./machine";
import { RAM_BASE } from "./memory";

/** Its contents are in linear memory; asked only while `fetching`. */
const PRESENT: u32 = 1;
/** They may differ from those that the host shares. */
const CHANGED: u32 = 2;
/** They have been looked at, and are zeroes; or they have the digest that is kept. */
const ZERO: u32 = 4;
const HASHED: u32 = 8;

const PAGE_BYTES: usize = 4096;

/** Tells that the frame is about to change. */
@inline
export function noteChange(frame: Frame): void {
  frame.known = (frame.known & PRESENT) | CHANGED;
}

/** Brings the frames of `bytes` bytes of RAM at linear address `at` into memory. */
export function fetchFrames(at: usize, bytes: u32): void {
  if (hostControl().fetching == 0) return;
  for (let page = at & ~(PAGE_BYTES - 1); page < at + <usize>bytes; page += PAGE_BYTES) {
    const frame = frameOf(page);
    if (frame.known & PRESENT) continue;
    frame.known |= PRESENT;
    frameFetch(page);
  }
}

/** For the host: from now on frames are fetched. Memory is all zeroes, and nothing is known. */
export function beginFetching(): void {
  hostControl().fetching = 1;
}

/** For the host: all frames are there. */
export function endFetching(): void {
  hostControl().fetching = 0;
}

/** For the host, which has changed RAM behind the machine's back: nothing is known. */
export function forgetFrames(): void {
  const end = framesEnd();
  for (let at = framesBase(); at < end; at += offsetof<Frame>()) {
    const frame = changetype<Frame>(at);
    if (frame.known != 0) frame.known = 0;
  }
}

/**
 * The first frame at or after linear address `page` that may differ from what the host shares; the end of
 * RAM when there is none. `framesShared` tells that the host has them all.
 */
export function nextChangedFrame(page: usize): usize {
  const end = RAM_BASE + <usize>machine().ramBytes;
  for (let at = page; at < end; at += PAGE_BYTES) if (frameOf(at).known & CHANGED) return at;
  return end;
}

export function framesShared(): void {
  forgetWriteLines();
  const end = framesEnd();
  for (let at = framesBase(); at < end; at += offsetof<Frame>()) {
    const frame = changetype<Frame>(at);
    if (frame.known & CHANGED) frame.known &= ~CHANGED;
  }
}

/** Whether what changes is noted at all. */
@inline
export function framesTracked(): bool {
  return machine().guest != 0;
}

/** Whether the frame at `page` is known to be all zeroes. */
@inline
export function knownZero(page: usize): bool {
  return (frameOf(page).known & ZERO) != 0;
}

/** Where its digest is, or 0 when it isn't known. */
@inline
export function knownDigest(page: usize): usize {
  return frameOf(page).known & HASHED ? digestOf(page) : 0;
}

export function noteZero(page: usize): void {
  frameOf(page).known |= ZERO;
}

export function noteDigest(page: usize): void {
  frameOf(page).known |= HASHED;
}
