/**
 * kernel-testing.wasm: the kernel's memory management without a machine around it, so that tests and
 * benchmarks can call each function by itself on a memory of their own.
 */
import { pointer } from "../../hal/memory";
import { RAM_BASE } from "../../sim/core/memory";
import { framesInit, framesTableBytes, OWNER_PAGE_TABLE, frameAllocZeroed } from "../mm/frames";
import { Paging, mapPage, NOT_MAPPED, paging, translate, unmapPage } from "../mm/paging";
import { kernel, rootAllocate } from "../state";
import { traceInit } from "../trace";

export { frameAlloc, frameFree, framesAdd, framesFree, framesOwned, framesValid } from "../mm/frames";
export { mapPage, unmapPage, translate } from "../mm/paging";
export * from "./cap";
export * from "./ipc";
export { checkInvariants, memoryHolds } from "./invariants";
export * from "./life";
export * from "./loops";
export * from "./memory";
export * from "./sched";
export * from "./scheduler";
export * from "./world";

/** Where the tables for the tests begin: behind the kernel's own two megabytes. */
const TABLES: u64 = 0x20_0000;

/** Sets up a frame table for `frameCount` frames; the physical address behind it. */
export function setUpFrames(frameCount: u32): u64 {
  traceInit(rootAllocate(4096 + 4096 * 32));
  framesInit(TABLES, frameCount);
  return (TABLES + framesTableBytes(frameCount) + 4095) & ~4095;
}

/** Makes an empty top-level table; its physical address. */
export function setUpPaging(): u64 {
  kernel().paging = rootAllocate(offsetof<Paging>());
  paging().root = frameAllocZeroed(0, OWNER_PAGE_TABLE);
  return paging().root;
}

export function tableCount(): u32 {
  return paging().tables;
}

/** Linear (WebAssembly) address of a physical one. */
export function linear(address: u64): usize {
  return pointer(address);
}

/** Maps `count` pages of 2^size bytes from `address` on; how many were mapped. */
export function mapMany(root: u64, address: u64, target: u64, size: u32, count: u32): u32 {
  const step = <u64>1 << size;
  let done: u32 = 0;
  for (let page: u32 = 0; page < count; page++)
    if (mapPage(root, address + page * step, target + page * step, size, 2) == 0) done++;
  return done;
}

export function unmapMany(root: u64, address: u64, size: u32, count: u32): u32 {
  const step = <u64>1 << size;
  let done: u32 = 0;
  for (let page: u32 = 0; page < count; page++) if (unmapPage(root, address + page * step) == 0) done++;
  return done;
}

/** Translates `count` addresses `stride` apart; their sum, so that nothing is optimised away. */
export function translateMany(root: u64, address: u64, stride: u64, count: u32): u64 {
  let sum: u64 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const found = translate(root, address + index * stride);
    if (found != NOT_MAPPED) sum += found;
  }
  return sum;
}

export const WINDOW: usize = RAM_BASE;
