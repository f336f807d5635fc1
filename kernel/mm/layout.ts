/**
 * The linear address space.
 *
 *   0x0000_0000_0040_0000   text of the agent's image, read-only (agent/image_format.ts)
 *   0x0000_0000_4000_0000   memory of the agent: what it allocates and maps
 *   0x0000_7f80_0000_0000   the last 512 GiB of the lower half: the runtime text (sim/spec/user.ts)
 *   0xffff_8000_0000_0000   all of physical RAM (direct map), writable, never executable
 *   0xffff_c000_0000_0000   kernel stacks, each below an unmapped guard page
 *   0xffff_ffff_8000_0000   kernel text: the window of the module's entries
 */
import { PAGE_BYTES } from "../../hal/memory";
import { STACK_PAGES } from "../limits";

/** The agent's own memory lies from here … */
export const USER_BASE: u64 = 0x4000_0000;
/** … to here. */
export const USER_END: u64 = 0x7f80_0000_0000;
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
