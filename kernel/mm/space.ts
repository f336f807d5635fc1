/** The kernel's own address space: built once by the bootstrap processor, shared by all. */
import { PAGE_BYTES } from "../../hal/memory";
import { cpuid, readControl, readMsr, readRegister, writeControl, writeMsr } from "../../hal/x86_64/machine";
import { KERNEL_ADDRESS } from "../../sim/spec/platform";
import {
  CR0_MP,
  CR0_NE,
  CR0_PE,
  CR0_PG,
  CR0_WP,
  CR4_OSFXSR,
  CR4_OSXMMEXCPT,
  CR4_PAE,
  CR4_PGE,
  CR4_SMAP,
  CR4_SMEP,
  CR4_UMIP,
  EFER_LME,
  EFER_NXE,
  EFER_SCE,
} from "../../sim/spec/x86";
import { STACK_PAGES } from "../limits";
import { kernel, rootAllocate } from "../state";
import { frameAllocZeroed, OWNER_KERNEL, OWNER_PAGE_TABLE } from "./frames";
import { directAddress, KERNEL_TEXT, stackBase } from "./layout";
import {
  MAP_OK,
  mapPage,
  PAGE_1G,
  PAGE_2M,
  PAGE_4K,
  Paging,
  paging,
  PTE_GLOBAL,
  PTE_NO_EXECUTE,
  PTE_WRITABLE,
} from "./paging";

const MSR_EFER: u32 = 0xc000_0080;
/** Pages of kernel text: 259 entries of 16 bytes. */
const TEXT_PAGES: u64 = 2;
const DATA: u64 = PTE_WRITABLE | PTE_GLOBAL | PTE_NO_EXECUTE;

/** Makes the top-level table and maps kernel text; false when frames ran out. */
export function createKernelSpace(): bool {
  kernel().paging = rootAllocate(offsetof<Paging>());
  const root = frameAllocZeroed(0, OWNER_PAGE_TABLE);
  paging().root = root;
  if (root == 0) return false;
  paging().tables = 1;
  for (let page: u64 = 0; page < TEXT_PAGES; page++) {
    const offset = page * PAGE_BYTES;
    const result = mapPage(root, KERNEL_TEXT + offset, KERNEL_ADDRESS + offset, PAGE_4K, PTE_GLOBAL);
    if (result != MAP_OK) return false;
  }
  return true;
}

/** Adds RAM from physical `start` to `end` to the direct map, with the largest pages that fit. */
export function mapDirect(start: u64, end: u64): bool {
  for (let at = start; at < end; ) {
    const size = largestPage(at, end);
    if (mapPage(paging().root, directAddress(at), at, size, DATA) != MAP_OK) return false;
    at += <u64>1 << size;
  }
  return true;
}

function largestPage(at: u64, end: u64): u32 {
  const left = end - at;
  if ((at & ((1 << PAGE_1G) - 1)) == 0 && left >= 1 << PAGE_1G) return PAGE_1G;
  return (at & ((1 << PAGE_2M) - 1)) == 0 && left >= 1 << PAGE_2M ? PAGE_2M : PAGE_4K;
}

/** Maps the stack of CPU `index`; the address behind its top, or 0 when frames ran out. */
export function createStack(index: u32): u64 {
  const base = stackBase(index);
  for (let page: u64 = 0; page < STACK_PAGES; page++) {
    const frame = frameAllocZeroed(0, OWNER_KERNEL);
    if (frame == 0) return 0;
    if (mapPage(paging().root, base + page * PAGE_BYTES, frame, PAGE_4K, DATA) != MAP_OK) return 0;
  }
  return base + STACK_PAGES * PAGE_BYTES;
}

/** CPUID leaf 7: SMEP and SMAP in EBX, UMIP in ECX. */
const LEAF_PROTECTION: u32 = 7;
const RBX: u32 = 3;
const RCX: u32 = 1;

/**
 * What the processor can refuse for us: that ring 0 executes or reaches users' pages, which the kernel only
 * does through its own map, and that ring 3 reads where the descriptor tables are.
 */
function protections(): u64 {
  cpuid(LEAF_PROTECTION, 0);
  const ebx = readRegister(RBX);
  return (
    ((ebx & (1 << 7)) != 0 ? CR4_SMEP : 0) |
    ((ebx & (1 << 20)) != 0 ? CR4_SMAP : 0) |
    ((readRegister(RCX) & (1 << 2)) != 0 ? CR4_UMIP : 0)
  );
}

/**
 * Turns long mode and paging on with the kernel's tables (Intel SDM 3A, 9.8.5). x87 errors are
 * exceptions of the instruction's own agent, not an interrupt from outside (9.2.1).
 */
export function enterLongMode(): void {
  writeControl(4, readControl(4) | CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | protections());
  writeControl(3, paging().root);
  writeMsr(MSR_EFER, readMsr(MSR_EFER) | EFER_LME | EFER_NXE | EFER_SCE);
  writeControl(0, readControl(0) | CR0_PE | CR0_PG | CR0_WP | CR0_NE | CR0_MP);
  // Global pages only after paging is on, as the manual advises.
  writeControl(4, readControl(4) | CR4_PGE);
}
