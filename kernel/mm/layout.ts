/**
 * The kernel's half of the linear address space.
 *
 *   0xffff_8000_0000_0000   all of physical RAM (direct map), writable, never executable
 *   0xffff_c000_0000_0000   kernel stacks, each below an unmapped guard page
 *   0xffff_ffff_8000_0000   kernel text: the window of the module's entries
 */
import { PAGE_BYTES } from "../../hal/memory";
import { STACK_PAGES } from "../limits";

export const DIRECT_MAP: u64 = 0xffff_8000_0000_0000;
export const STACKS: u64 = 0xffff_c000_0000_0000;
export const KERNEL_TEXT: u64 = 0xffff_ffff_8000_0000;

/** Linear address at which the direct map shows physical `address`. */
@inline
export function directAddress(address: u64): u64 {
  return DIRECT_MAP + address;
}

/** Lowest mapped address of CPU `index`'s stack; the page below it is the guard. */
@inline
export function stackBase(index: u32): u64 {
  return STACKS + <u64>index * (STACK_PAGES + 1) * PAGE_BYTES + PAGE_BYTES;
}
