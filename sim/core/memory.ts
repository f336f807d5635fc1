/**
 * Where everything lies in the one linear memory that sim.wasm and kernel.wasm share.
 *
 *   0x0000_0000  sim.wasm's constants (read only after start)
 *   0x0010_0000  host window: what the host and the machine hand each other; not machine state
 *   0x0020_0000  state arena: all state of CPUs and devices
 *   0x0200_0000  guest-physical RAM; kernel.wasm's image is at physical 1 MiB
 *   behind RAM   caches of the CPUs (sim/spec/caches.ts)
 *
 * State never lives in a WebAssembly global: a copy of the arena and of RAM is the whole machine.
 */
import { CACHE_FIXED_BYTES, CACHE_FRAME_BYTES, CACHE_SLACK } from "../spec/caches";

const FRAME_BYTES: u64 = 4096;

export const HOST_BASE: usize = 0x0010_0000;
export const HOST_BYTES: usize = 0x0010_0000;
export const STATE_BASE: usize = 0x0020_0000;
export const STATE_END: usize = 0x0200_0000;
export const RAM_BASE: usize = 0x0200_0000;

/** Guest-physical address at which the 32-bit PCI hole begins when RAM does not fit below it. */
export const LOW_RAM_MAX: u64 = 0x8000_0000;
/** Guest-physical address at which the rest of RAM goes on. */
export const HIGH_RAM_BASE: u64 = 0x1_0000_0000;

/** RAM grows in WebAssembly pages, so its share of `pages` of them is a multiple of one. */
const PAGE_SHIFT: u64 = 16;

/** Bytes of RAM in a linear memory of `pages` pages: all behind RAM_BASE but the caches (sim/spec/caches.ts). */
export function ramBytesIn(pages: u32): u64 {
  const fixed: u64 = <u64>RAM_BASE + CACHE_FIXED_BYTES + CACHE_SLACK;
  const size = <u64>pages << PAGE_SHIFT;
  if (size <= fixed) return 0;
  const bytes = ((size - fixed) * FRAME_BYTES) / (FRAME_BYTES + CACHE_FRAME_BYTES);
  return (bytes >> PAGE_SHIFT) << PAGE_SHIFT;
}
