/**
 * Context cache, IOTLB and interrupt entry cache (Intel VT-d 3.3, 6.2). Nothing leaves them but by invalidation or by
 * another entry in its place: a driver that forgets to invalidate sees the old translation.
 */
import {
  CONTEXT_ENTRIES,
  contextAt,
  ContextEntry,
  INTERRUPT_ENTRIES,
  interruptAt,
  InterruptEntry,
  iommu,
  IOTLB_ENTRIES,
  iotlbAt,
  IotlbEntry,
} from "./state";
import { VTD_DOMAIN, VTD_GLOBAL } from "../../spec/vtd";

/** The place of a page of a domain. Multiplicative hashing keeps strides apart. */
@inline
export function iotlbSlot(domain: u32, page: u64): IotlbEntry {
  const hash = (<u32>page ^ <u32>(page >> 20) ^ (domain << 5)) * 0x9e37_79b1;
  return iotlbAt(hash >> 22);
}

@inline
export function contextSlot(source: u32): ContextEntry {
  return contextAt((source ^ (source >> 8)) & (CONTEXT_ENTRIES - 1));
}

@inline
export function interruptSlot(index: u32): InterruptEntry {
  return interruptAt(index & (INTERRUPT_ENTRIES - 1));
}

/**
 * Drops context entries.
 * @param granularity VTD_GLOBAL, VTD_DOMAIN or VTD_SELECTIVE (one source, less masked functions)
 * @param functionMask 0-3: ignore that many of the function number's high bits (6.5.2.1)
 */
export function invalidateContexts(
  granularity: u32,
  domain: u32,
  source: u32,
  functionMask: u32,
): void {
  if (granularity == VTD_GLOBAL) {
    memory.fill(iommu().contexts, 0, <usize>CONTEXT_ENTRIES * offsetof<ContextEntry>());
    return;
  }
  // 0: all bits count; 1: bit 2 does not; 2: bits 2-1 do not; 3: bits 2-0 do not.
  const ignored: u32 = (0x7640 >> (functionMask << 2)) & 7;
  for (let index: u32 = 0; index < CONTEXT_ENTRIES; index++) {
    const entry = contextAt(index);
    if ((<u32>(entry.high >> 8) & 0xffff) != domain) continue;
    if (granularity == VTD_DOMAIN || ((entry.source ^ source) & ~ignored) == 0) entry.valid = 0;
  }
}

/**
 * Drops translations.
 * @param granularity VTD_GLOBAL, VTD_DOMAIN or VTD_SELECTIVE (2^order pages that hold `address`)
 */
export function invalidateIotlb(granularity: u32, domain: u32, address: u64, order: u32): void {
  if (granularity == VTD_GLOBAL) {
    memory.fill(iommu().iotlb, 0, <usize>IOTLB_ENTRIES * offsetof<IotlbEntry>());
    return;
  }
  const first = address >> 12;
  for (let index: u32 = 0; index < IOTLB_ENTRIES; index++) {
    const entry = iotlbAt(index);
    if (entry.rights == 0 || <u32>entry.domain != domain) continue;
    // Any part of a large page takes all of it (6.5.1.2): compare at the larger granularity.
    const shift = <u64>max(order, <u32>entry.order);
    if (granularity == VTD_DOMAIN || entry.page >> shift == first >> shift) entry.rights = 0;
  }
}

/** Drops the 2^`order` aligned interrupt remapping entries that hold `index`; all of them from 16 on. */
export function invalidateInterrupts(index: u32, order: u32): void {
  for (let slot: u32 = 0; slot < INTERRUPT_ENTRIES; slot++) {
    const entry = interruptAt(slot);
    if (entry.index >> order == index >> order) entry.valid = 0;
  }
}
