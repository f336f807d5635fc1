/** Device access to memory: the function's right to master the bus, then the IOMMU, then RAM. */
import { codeWritten } from "../engine/blocks";
import { faultArgument, takeFault } from "../faults";
import { busMaster } from "../pci/decode";
import { findFunction, functionAt, NO_FUNCTION } from "../pci/function";
import { ramPointer } from "../ram";
import { FAULT_DMA_STRAY } from "../../spec/faults";
import { NO_ADDRESS, translate } from "./translate";

const PAGE_BYTES: u32 = 4096;

/**
 * Linear address of memory at which device `requester` (bus << 8 | device << 3 | function) may read
 * (or write) `bytes` bytes from its address `address`, or 0 when the function, the IOMMU or the bus
 * refuses. The span must not cross a 4 KiB boundary.
 */
export function dmaPointer(requester: u32, address: u64, bytes: u32, write: bool): usize {
  let target = strayAddress(requester, address);
  // A stray span that would cross a page ends at its end.
  const room = PAGE_BYTES - (<u32>target & (PAGE_BYTES - 1));
  if (bytes > room) target -= <u64>(bytes - room);
  return spanPointer(requester, target, bytes, write);
}

/** Copies `bytes` from device address `address` to linear address `to`; false when refused. */
export function dmaRead(requester: u32, address: u64, to: usize, bytes: u32): bool {
  return copy(requester, strayAddress(requester, address), to, bytes, false);
}

/** Copies `bytes` from linear address `from` to device address `address`; false when refused. */
export function dmaWrite(requester: u32, address: u64, from: usize, bytes: u32): bool {
  return copy(requester, strayAddress(requester, address), from, bytes, true);
}

/** Where the next transfer goes: elsewhere, once, when the device has gone wrong. */
function strayAddress(requester: u32, address: u64): u64 {
  const astray = faultArgument(FAULT_DMA_STRAY, requester);
  return takeFault(FAULT_DMA_STRAY, requester) ? astray : address;
}

function spanPointer(requester: u32, address: u64, bytes: u32, write: bool): usize {
  const index = findFunction(requester);
  if (index == NO_FUNCTION || !busMaster(functionAt(index))) return 0;
  const target = translate(requester, address, write);
  const pointer: usize = target == NO_ADDRESS ? 0 : ramPointer(target, bytes);
  if (pointer != 0 && write) codeWritten(pointer, bytes);
  return pointer;
}

function copy(requester: u32, address: u64, local: usize, bytes: u32, write: bool): bool {
  let done: u32 = 0;
  while (done < bytes) {
    const span = min(bytes - done, PAGE_BYTES - (<u32>(address + done) & (PAGE_BYTES - 1)));
    const pointer = spanPointer(requester, address + done, span, write);
    if (pointer == 0) return false;
    if (write) memory.copy(pointer, local + done, span);
    else memory.copy(local + done, pointer, span);
    done += span;
  }
  return true;
}
