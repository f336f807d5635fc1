/**
 * Physical memory as the kernel and its drivers reach it: RAM is a window of linear memory, split
 * around the 32-bit PCI hole, and is read and written by plain loads and stores.
 */
import { HIGH_RAM_BASE, LOW_RAM_MAX, RAM_BASE, ramBytesIn } from "../sim/core/memory";

/** A linear address of one `T` or of an array of them; the typed views follow it. */
export type Ptr<T> = usize;

export const PAGE_BYTES: u64 = 4096;
export const PAGE_SHIFT: u64 = 12;

/** Linear address of the RAM byte at physical address `physical`, which must be RAM. */
@inline
export function pointer(physical: u64): usize {
  if (physical < LOW_RAM_MAX) return RAM_BASE + <usize>physical;
  assert(physical >= HIGH_RAM_BASE, "pointer: physical address in the PCI hole");
  return RAM_BASE + <usize>(physical - HIGH_RAM_BASE + LOW_RAM_MAX);
}

/** Physical address of the RAM byte at linear address `at`. */
@inline
export function physical(at: usize): u64 {
  const offset = <u64>(at - RAM_BASE);
  return offset < LOW_RAM_MAX ? offset : offset - LOW_RAM_MAX + HIGH_RAM_BASE;
}

/**
 * Pages that the kernel gives a driver up front: zeroed, physically contiguous. Drivers take from
 * it and never give back; what one needs at most, its `…_PAGES` constant says.
 */
@unmanaged
export class PagePool {
  /** Physical address of the next page to hand out. */
  next: u64;
  /** Physical address behind the last page. */
  end: u64;
}

/** Takes `count` contiguous pages; their physical address, or 0 when the pool is used up. */
export function takePages(pool: PagePool, count: u64): u64 {
  const at = pool.next;
  if (count > (pool.end - at) >> PAGE_SHIFT) return 0;
  pool.next = at + (count << PAGE_SHIFT);
  return at;
}

/**
 * Linear address of `bytes` bytes at physical address `address`, or 0 when any of them is not RAM.
 * For addresses that come from outside: tables of the firmware, descriptors of a device.
 */
export function reach(address: u64, bytes: u64): usize {
  const ram = ramBytesIn(memory.size());
  const low = min(ram, LOW_RAM_MAX);
  if (address < low) return bytes <= low - address ? RAM_BASE + <usize>address : 0;
  if (address < HIGH_RAM_BASE) return 0;
  const offset = address - HIGH_RAM_BASE;
  if (offset >= ram - low || bytes > ram - low - offset) return 0;
  return RAM_BASE + <usize>(low + offset);
}
