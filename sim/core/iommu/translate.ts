/**
 * Legacy-mode translation (Intel VT-d 3.3, 3.4, 3.7, 9.1, 9.3, 9.8).
 *
 *   root entry     low:  63-12 context table | 11-1 reserved | 0 P      high: reserved
 *   context entry  low:  63-12 page table | 11-4 reserved | 3-2 TT | 1 FPD | 0 P
 *                  high: 63-24 reserved | 23-8 domain | 7 reserved | 6-3 free | 2-0 AW
 *   table entry    62 reserved | 51-12 address | 11 SNP | 7 large page | 1 W | 0 R
 */
import { ramPointer } from "../ram";
import { PHYSICAL_ADDRESS_BITS } from "../../spec/x86";
import {
  VTD_FAULT_ADDRESS_WIDTH,
  VTD_FAULT_CONTEXT_ACCESS,
  VTD_FAULT_CONTEXT_INVALID,
  VTD_FAULT_CONTEXT_PRESENT,
  VTD_FAULT_CONTEXT_RESERVED,
  VTD_FAULT_READ,
  VTD_FAULT_ROOT_ACCESS,
  VTD_FAULT_ROOT_PRESENT,
  VTD_FAULT_ROOT_RESERVED,
  VTD_FAULT_TABLE_ACCESS,
  VTD_FAULT_TABLE_RESERVED,
  VTD_FAULT_WRITE,
  VTD_LARGE,
  VTD_PASS_THROUGH,
  VTD_READ,
  VTD_TRANSLATE,
  VTD_WIDTH_39,
  VTD_WIDTH_48,
  VTD_WRITE,
} from "../../spec/vtd";
import { contextSlot, iotlbSlot } from "./cache";
import { recordFault } from "./records";
import { ContextEntry, iommu } from "./state";

export const NO_ADDRESS: u64 = 0xffff_ffff_ffff_ffff;

/** Bits beyond the host address width (the DMAR table tells it) are reserved. */
const ADDRESS_RESERVED: u64 = ~(((<u64>1) << PHYSICAL_ADDRESS_BITS) - 1);
/** In table entries, 63 and 61-52 are ignored; 62 and the address bits up to 51 are not. */
const TABLE_RESERVED: u64 = (ADDRESS_RESERVED & 0x000f_ffff_ffff_ffff) | (<u64>1 << 62);
const ADDRESS_MASK: u64 = ~ADDRESS_RESERVED & ~(<u64>0xfff);

const ROOT_LOW_RESERVED: u64 = ADDRESS_RESERVED | 0xffe;
const CONTEXT_LOW_RESERVED: u64 = ADDRESS_RESERVED | 0xff0;
const CONTEXT_HIGH_RESERVED: u64 = 0xffff_ffff_ff00_0080;
const CONTEXT_FAULT_DISABLE: u64 = 0x2;

/**
 * Host address for a request of `source`, or NO_ADDRESS after recording why not.
 * @param write the request writes memory
 */
export function translate(source: u32, address: u64, write: bool): u64 {
  const state = iommu();
  if (!state.enabled) return address;
  const context = fetchContext(source, address, write);
  if (context == 0) return NO_ADDRESS;
  const entry = changetype<ContextEntry>(context);
  const type = <u32>(entry.low >> 2) & 3;
  if (type == VTD_PASS_THROUGH) return address;
  const width: u64 = (entry.high & 7) == VTD_WIDTH_39 ? 39 : 48;
  if (address >> width != 0) return refuse(entry.low, source, VTD_FAULT_ADDRESS_WIDTH, address, write);
  const right: u32 = write ? VTD_WRITE : VTD_READ;
  const domain = <u32>(entry.high >> 8) & 0xffff;
  const cached = iotlbSlot(domain, address >> 12);
  if ((cached.rights & right) != 0 && cached.page == address >> 12 && <u32>cached.domain == domain)
    return cached.target | (address & 0xfff);
  return walk(entry, source, domain, address, right);
}

/** Refuses a request, and records it unless the context entry disables fault processing. */
function refuse(contextLow: u64, source: u32, reason: u32, address: u64, write: bool): u64 {
  if ((contextLow & CONTEXT_FAULT_DISABLE) == 0) recordFault(source, reason, address, write);
  return NO_ADDRESS;
}

/** The context entry of `source`, cached or fetched, as an address; 0 after a fault. */
function fetchContext(source: u32, address: u64, write: bool): usize {
  const slot = contextSlot(source);
  if (slot.valid != 0 && slot.source == source) return changetype<usize>(slot);
  const rootEntry = ramPointer(iommu().root + <u64>((source >> 8) << 4), 16);
  let reason: u32 = 0;
  let contextTable: u64 = 0;
  if (rootEntry == 0) reason = VTD_FAULT_ROOT_ACCESS;
  else {
    contextTable = load<u64>(rootEntry);
    if ((contextTable & 1) == 0) reason = VTD_FAULT_ROOT_PRESENT;
    else if ((contextTable & ROOT_LOW_RESERVED) != 0 || load<u64>(rootEntry, 8) != 0)
      reason = VTD_FAULT_ROOT_RESERVED;
  }
  if (reason != 0) {
    recordFault(source, reason, address, write);
    return 0;
  }
  const at = ramPointer((contextTable & ADDRESS_MASK) + <u64>((source & 0xff) << 4), 16);
  if (at == 0) {
    recordFault(source, VTD_FAULT_CONTEXT_ACCESS, address, write);
    return 0;
  }
  const low = load<u64>(at);
  const high = load<u64>(at, 8);
  reason = contextFault(low, high);
  if (reason != 0) {
    refuse(low, source, reason, address, write);
    return 0;
  }
  slot.low = low;
  slot.high = high;
  slot.source = source;
  slot.valid = 1;
  return changetype<usize>(slot);
}

/** Why a context entry can't be used, or 0. */
function contextFault(low: u64, high: u64): u32 {
  if ((low & 1) == 0) return VTD_FAULT_CONTEXT_PRESENT;
  const type = <u32>(low >> 2) & 3;
  // A pass-through entry's table pointer is ignored (9.3).
  const ignored = type == VTD_PASS_THROUGH ? ~(<u64>0xfff) : <u64>0;
  if ((low & CONTEXT_LOW_RESERVED & ~ignored) != 0 || (high & CONTEXT_HIGH_RESERVED) != 0)
    return VTD_FAULT_CONTEXT_RESERVED;
  const width = <u32>high & 7;
  if (type == VTD_PASS_THROUGH) return width == VTD_WIDTH_48 ? 0 : VTD_FAULT_CONTEXT_INVALID;
  if (type != VTD_TRANSLATE) return VTD_FAULT_CONTEXT_INVALID;
  return width == VTD_WIDTH_39 || width == VTD_WIDTH_48 ? 0 : VTD_FAULT_CONTEXT_INVALID;
}

/** Walks the second-level tables, fills the IOTLB, and returns the host address or NO_ADDRESS. */
function walk(context: ContextEntry, source: u32, domain: u32, address: u64, right: u32): u64 {
  const write = right == VTD_WRITE;
  let table = context.low & ADDRESS_MASK;
  let rights: u64 = VTD_READ | VTD_WRITE;
  let level: u32 = (context.high & 7) == VTD_WIDTH_39 ? 3 : 4;
  for (; ; level--) {
    const shift = <u64>(3 + level * 9);
    const at = ramPointer(table + ((address >> shift) & 0x1ff) * 8, 8);
    if (at == 0) return refuse(context.low, source, VTD_FAULT_TABLE_ACCESS, address, write);
    const entry = load<u64>(at);
    rights &= entry;
    if ((entry & right) == 0)
      return refuse(context.low, source, write ? VTD_FAULT_WRITE : VTD_FAULT_READ, address, write);
    const isLeaf = level == 1 || (entry & VTD_LARGE) != 0;
    if ((entry & reservedBits(level, isLeaf)) != 0)
      return refuse(context.low, source, VTD_FAULT_TABLE_RESERVED, address, write);
    table = entry & ADDRESS_MASK;
    if (!isLeaf) continue;
    const inside = address & (((<u64>1 << shift) - 1) & ~0xfff);
    const slot = iotlbSlot(domain, address >> 12);
    slot.page = address >> 12;
    slot.target = table | inside;
    slot.order = <u16>(shift - 12);
    slot.domain = <u16>domain;
    slot.rights = <u32>rights;
    return slot.target | (address & 0xfff);
  }
}

/** Bits that must be zero in an entry of `level`: large pages exist at levels 2 and 3, aligned. */
@inline
function reservedBits(level: u32, isLeaf: bool): u64 {
  if (!isLeaf || level == 1) return TABLE_RESERVED;
  if (level == 4) return TABLE_RESERVED | VTD_LARGE;
  return TABLE_RESERVED | (((<u64>1 << <u64>(3 + level * 9)) - 1) & ~0xfff);
}
