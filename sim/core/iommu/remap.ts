/**
 * Interrupt remapping (Intel VT-d 3.3, chapter 5). A device's interrupt request, which is a write to
 * 0xFEEx_xxxx, goes to the local APICs as it is while remapping is off. While it is on, the request
 * names an entry of a table in memory, and the entry has vector, destination and who may use it.
 */
import { acceptInterrupt, acceptMessage } from "../interrupts/messages";
import { ramPointer } from "../ram";
import { MESSAGE_LOGICAL, MESSAGE_PREFIX, MESSAGE_REDIRECT } from "../../spec/apic";
import {
  VTD_CFI_BIT,
  VTD_FAULT_COMPATIBILITY,
  VTD_FAULT_ENTRY_ACCESS,
  VTD_FAULT_ENTRY_PRESENT,
  VTD_FAULT_ENTRY_RESERVED,
  VTD_FAULT_INDEX,
  VTD_FAULT_REQUEST_RESERVED,
  VTD_FAULT_SOURCE,
  VTD_GSTS,
  VTD_IRTA_SIZE,
  VTD_IRTE_BYTES,
  VTD_IRTE_FAULT_DISABLE,
  VTD_IRTE_LEVEL,
  VTD_IRTE_PRESENT,
  VTD_REQUEST_REMAPPABLE,
  VTD_REQUEST_SHV,
  VTD_SVT_BUSES,
  VTD_SVT_NONE,
  VTD_SVT_SOURCE,
} from "../../spec/vtd";
import { interruptSlot } from "./cache";
import { recordFault } from "./records";
import { extendedMode, InterruptEntry, iommu, register32 } from "./state";

/** 31-24 and 14-12; 15, posted mode, is one more where CAP.PI is clear. */
const LOW_RESERVED: u64 = 0xff00_f000;
/** Of the destination, all but the 8 bits of an xAPIC ID. */
const NARROW_RESERVED: u64 = 0xffff_00ff_0000_0000;
const HIGH_RESERVED: u64 = 0xffff_ffff_fff0_0000;
/** The index as records have it: bits 63-48 of the fault information. */
const INDEX_SHIFT: u64 = 48;

/**
 * A device's write of `data` to `address`, as a request for an interrupt.
 * @param source bus << 8 | device << 3 | function, as the request carries it
 * @returns false when no local APIC has accepted; a request that is blocked here counts as taken, as
 * a posted write does
 */
export function requestInterrupt(source: u32, address: u64, data: u32): bool {
  if (!iommu().remapping || address >> 20 != MESSAGE_PREFIX) return acceptMessage(address, data);
  if (address & VTD_REQUEST_REMAPPABLE) return remap(source, <u32>address, data);
  const allowed = (register32(VTD_GSTS) >> VTD_CFI_BIT) & 1;
  if (allowed != 0 && !extendedMode()) return acceptMessage(address, data);
  return block(source, VTD_FAULT_COMPATIBILITY, 0);
}

function remap(source: u32, address: u32, data: u32): bool {
  let index = ((address >> 5) & 0x7fff) | ((address & 4) << 13);
  if (address & VTD_REQUEST_SHV) {
    if (data >> 16 != 0) return block(source, VTD_FAULT_REQUEST_RESERVED, index);
    index += data;
  }
  const at = fetchEntry(source, index);
  if (at == 0) return true;
  const entry = changetype<InterruptEntry>(at);
  if (!isFrom(<u32>entry.high, source)) return refuse(entry.low, source, VTD_FAULT_SOURCE, index);
  const low = <u32>entry.low;
  const wide = extendedMode();
  const destination = <u32>(entry.low >> (wide ? 32 : 40));
  // Redirection hint and destination mode are where a message has them.
  const hints = low & (MESSAGE_LOGICAL | MESSAGE_REDIRECT);
  const mode = (low >> 5) & 7;
  return acceptInterrupt(destination, wide, hints, mode, (low >> 16) & 0xff, (low & VTD_IRTE_LEVEL) != 0);
}

/** Drops a request; the answer is that of requestInterrupt. */
function block(source: u32, reason: u32, index: u32): bool {
  recordFault(source, reason, <u64>index << INDEX_SHIFT, true);
  return true;
}

/** The same for faults that an entry can keep from being recorded. */
function refuse(low: u64, source: u32, reason: u32, index: u32): bool {
  return (low & VTD_IRTE_FAULT_DISABLE) != 0 ? true : block(source, reason, index);
}

/** The entry, cached or fetched, as an address; 0 after a fault. Entries with faults aren't cached. */
function fetchEntry(source: u32, index: u32): usize {
  const slot = interruptSlot(index);
  if (slot.valid != 0 && slot.index == index) return changetype<usize>(slot);
  const table = iommu().interruptTable;
  let at: usize = 0;
  let reason: u32 = VTD_FAULT_INDEX;
  // 2^(size + 1) entries.
  if (index >> ((<u32>table & VTD_IRTA_SIZE) + 1) == 0) {
    reason = VTD_FAULT_ENTRY_ACCESS;
    at = ramPointer((table & ~0xfff) + <u64>(index * VTD_IRTE_BYTES), VTD_IRTE_BYTES);
  }
  if (at == 0) {
    block(source, reason, index);
    return 0;
  }
  const low = load<u64>(at);
  const high = load<u64>(at, 8);
  reason = entryFault(low, high);
  if (reason != 0) {
    refuse(low, source, reason, index);
    return 0;
  }
  slot.low = low;
  slot.high = high;
  slot.index = index;
  slot.valid = 1;
  return changetype<usize>(slot);
}

/** Why an entry can't be used, or 0. */
function entryFault(low: u64, high: u64): u32 {
  if ((low & VTD_IRTE_PRESENT) == 0) return VTD_FAULT_ENTRY_PRESENT;
  const reserved = extendedMode() ? LOW_RESERVED : LOW_RESERVED | NARROW_RESERVED;
  return (low & reserved) != 0 || (high & HIGH_RESERVED) != 0 ? VTD_FAULT_ENTRY_RESERVED : 0;
}

/** Whether the entry's source-id, by type and qualifier, is that of the request. */
function isFrom(high: u32, source: u32): bool {
  const id = high & 0xffff;
  switch ((high >> 18) & 3) {
    case VTD_SVT_NONE:
      return true;
    case VTD_SVT_SOURCE: {
      // Of the function number, the qualifier ignores nothing, bit 2, bits 2-1, all.
      const ignored = (0x7640 >> (((high >> 16) & 3) << 2)) & 7;
      return ((id ^ source) & ~ignored) == 0;
    }
    case VTD_SVT_BUSES:
      return source >> 8 >= id >> 8 && source >> 8 <= (id & 0xff);
    default:
      return false;
  }
}
