/** Device access to memory, through the IOMMU when it is on. */
import { ramPointer } from "../ram";

/**
 * Linear address of memory at which device `requester` (bus << 8 | device << 3 | function) may read
 * (or write) `bytes` bytes from its address `address`, or 0 when the IOMMU or the bus refuses. The
 * span must not cross a 4 KiB boundary.
 */
export function dmaPointer(requester: u32, address: u64, bytes: u32, write: bool): usize {
  return ramPointer(address, bytes);
}

/** Copies `bytes` from device address `address` to linear address `to`; false when refused. */
export function dmaRead(requester: u32, address: u64, to: usize, bytes: u32): bool {
  return copy(requester, address, to, bytes, false);
}

/** Copies `bytes` from linear address `from` to device address `address`; false when refused. */
export function dmaWrite(requester: u32, address: u64, from: usize, bytes: u32): bool {
  return copy(requester, address, from, bytes, true);
}

function copy(requester: u32, address: u64, local: usize, bytes: u32, write: bool): bool {
  let done: u32 = 0;
  while (done < bytes) {
    const span = min(bytes - done, 4096 - (<u32>(address + done) & 4095));
    const pointer = dmaPointer(requester, address + done, span, write);
    if (pointer == 0) return false;
    if (write) memory.copy(pointer, local + done, span);
    else memory.copy(local + done, pointer, span);
    done += span;
  }
  return true;
}
