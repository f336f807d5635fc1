/** Parts of kernel/mm by themselves, for tests and benchmarks. */
import { Agent, agentFind } from "../agent/agent";
import { imageCreate } from "../agent/image";
import { kernelCpu } from "../cpu/cpu";
import { rootOf } from "../mm/address_space";
import { spaceCloneCow } from "../mm/clone";
import { spaceDestroy } from "../mm/destroy";
import { pageFault } from "../mm/fault";
import { framesPromised } from "../mm/frames";
import { memoryAllocate, memorySetImage } from "../mm/memory";
import { moveRanges } from "../mm/move";
import { Pool } from "../mm/pool";
import { PROTECTION_READ, PROTECTION_WRITE } from "../mm/protection";
import { pagesCheck, pagesGive, pagesTake } from "../mm/transfer";
import { quarantine, shootdownInterrupt, spaceUse, useKernelSpace } from "../mm/shootdown";
import { copyFromUser, copyToUser, userCheck, userReach } from "../mm/user";
import { kernel } from "../state";
import { STATUS_OK } from "../syscall/status";

export { framesPromised };

@inline
function find(id: u64): Agent {
  return changetype<Agent>(agentFind(id));
}

/** A page fault of `agent` on CPU `cpu`; whether it goes on. */
export function worldFault(cpu: u32, agent: u64, address: u64, errorCode: u32): bool {
  kernel().entered = cpu;
  return pageFault(find(agent), address, errorCode);
}

/** CPU `cpu` executes `agent` from now on, or nobody when that is 0. */
export function worldRun(cpu: u32, agent: u64): void {
  kernel().entered = cpu;
  const self = kernelCpu(cpu);
  self.current = agent == 0 ? 0 : changetype<usize>(find(agent));
  if (agent == 0) useKernelSpace(self);
  else spaceUse(self, find(agent));
}

/** The shootdown interrupt arrives at CPU `cpu`. */
export function worldShootdown(cpu: u32): void {
  kernel().entered = cpu;
  shootdownInterrupt(cpu);
}

/** The CPU that runs what follows, outside of `worldCall`. */
export function worldEnter(cpu: u32): void {
  kernel().entered = cpu;
}

export function worldQuarantined(): u32 {
  return quarantine().frames;
}

export function worldRoot(agent: u64): u64 {
  return rootOf(find(agent));
}

export function worldCheck(agent: u64, address: u64, bytes: u64, write: bool): u32 {
  return userCheck(find(agent), address, bytes, write);
}

export function worldRead(agent: u64, address: u64, to: usize, bytes: u32): u32 {
  return copyFromUser(find(agent), address, to, bytes);
}

export function worldWrite(agent: u64, address: u64, from: usize, bytes: u32): u32 {
  return copyToUser(find(agent), address, from, bytes);
}

export function worldClone(from: u64, to: u64): u32 {
  return spaceCloneCow(find(from), find(to));
}

/** Ends the memory of `agent`; in how many pieces. */
export function worldDestroy(agent: u64): u32 {
  let pieces: u32 = 1;
  while (!spaceDestroy(find(agent))) pieces++;
  return pieces;
}

export function worldMove(from: u64, to: u64, start: u64, end: u64): u32 {
  return moveRanges(find(from), find(to), start, end);
}

export function worldTake(agent: u64, address: u64, pages: u32, list: usize): u32 {
  const status = pagesCheck(find(agent), address, pages);
  return status != STATUS_OK ? status : pagesTake(find(agent), address, pages, list);
}

export function worldGive(agent: u64, address: u64, pages: u32, list: usize): u32 {
  const status = pagesCheck(find(agent), address, pages);
  if (status == STATUS_OK) pagesGive(find(agent), address, pages, list);
  return status;
}

/** Makes an image of the `bytes` bytes at linear address `at` and lets `agent` run it. */
export function worldImage(agent: u64, at: usize, bytes: u64): bool {
  const image = imageCreate(at, bytes);
  if (image == 0) return false;
  find(agent).image = image;
  memorySetImage(find(agent));
  return true;
}

/** Gives `agent` `pages` pages of untouched memory at `address`. */
export function worldAllocate(agent: u64, address: u64, pages: u32): bool {
  const holder = find(agent);
  const flags: u64 = PROTECTION_READ | PROTECTION_WRITE;
  return memoryAllocate(holder, changetype<Pool>(holder.pool), address, <u64>pages << 12, flags) == address;
}

/** Fills `bytes` bytes with zeroes `count` times, `stride` bytes apart: what a fault can't be faster than. */
export function fillPagesMany(to: usize, bytes: u32, stride: u32, count: u32): void {
  for (let index: u32 = 0; index < count; index++) memory.fill(to + index * stride, 0, bytes);
}

/** Copies `bytes` bytes from `from` to `to` `count` times, `stride` bytes apart. */
export function copyPagesMany(to: usize, from: usize, bytes: u32, stride: u32, count: u32): void {
  for (let index: u32 = 0; index < count; index++) memory.copy(to + index * stride, from + index * stride, bytes);
}

/** Copies `bytes` bytes to user memory `count` times. */
export function copyToUserMany(agent: u64, address: u64, from: usize, bytes: u32, count: u32): u32 {
  const to = find(agent);
  let sum: u32 = 0;
  for (let index: u32 = 0; index < count; index++) sum += copyToUser(to, address, from, bytes);
  return sum;
}

/** Finds `bytes` bytes of user memory `count` times. */
export function userReachMany(agent: u64, address: u64, bytes: u32, count: u32): usize {
  const holder = find(agent);
  let sum: usize = 0;
  for (let index: u32 = 0; index < count; index++) sum ^= userReach(holder, address, bytes, true);
  return sum;
}

/** Faults at `count` pages from `address` on, as the processor would. */
export function faultMany(agent: u64, address: u64, count: u32, errorCode: u32): u32 {
  const holder = find(agent);
  let done: u32 = 0;
  for (let page: u32 = 0; page < count; page++)
    done += pageFault(holder, address + (<u64>page << 12), errorCode) ? 1 : 0;
  return done;
}
