/** State of the IOMMU: its register page, what it latched, and its caches. */
import { allocate, allocateMany, allocateOne } from "../arena";
import { machine, Ptr } from "../machine";
import { VTD_BYTES, VTD_IRTA_EIME } from "../../spec/vtd";

export const IOTLB_ENTRIES: u32 = 1024;
export const CONTEXT_ENTRIES: u32 = 256;
export const INTERRUPT_ENTRIES: u32 = 256;

/** One 4 KiB page of a translation, whatever the size of the page it comes from. */
@unmanaged
export class IotlbEntry {
  /** Input page and the domain it belongs to. */
  page: u64;
  /** Host address of the 4 KiB page. */
  target: u64;
  /** log2 of the pages that the table entry maps: 0, 9 or 18. */
  order: u16;
  domain: u16;
  /** VTD_READ and VTD_WRITE; 0 = entry is free. */
  rights: u32;
}

/** A context entry as it was when it was fetched. */
@unmanaged
export class ContextEntry {
  low: u64;
  high: u64;
  source: u32;
  valid: u32;
}

/** An interrupt remapping table entry as it was when it was fetched. */
@unmanaged
export class InterruptEntry {
  low: u64;
  high: u64;
  index: u32;
  valid: u32;
}

@unmanaged
export class Iommu {
  registers: usize;
  /** Root table that SRTP latched. */
  root: u64;
  enabled: u32;
  queueEnabled: u32;
  /** Interrupt remapping is on (IRE). */
  remapping: u32;
  /** What SIRTP latched of IRTA: the table's address, EIME and the size. */
  interruptTable: u64;
  /** FRCD register that takes the next fault. */
  nextRecord: u32;
  iotlb: Ptr<IotlbEntry>;
  contexts: Ptr<ContextEntry>;
  interrupts: Ptr<InterruptEntry>;
}

@inline
export function iommu(): Iommu {
  return changetype<Iommu>(machine().iommu);
}

@inline
export function register32(offset: u32): u32 {
  return load<u32>(iommu().registers + <usize>offset);
}

@inline
export function register64(offset: u32): u64 {
  return load<u64>(iommu().registers + <usize>offset);
}

@inline
export function setRegister32(offset: u32, value: u32): void {
  store<u32>(iommu().registers + <usize>offset, value);
}

@inline
export function setRegister64(offset: u32, value: u64): void {
  store<u64>(iommu().registers + <usize>offset, value);
}

export function createIommuState(): void {
  const state = allocateOne<Iommu>();
  machine().iommu = changetype<usize>(state);
  state.registers = allocate(VTD_BYTES);
  state.iotlb = allocateMany<IotlbEntry>(IOTLB_ENTRIES);
  state.contexts = allocateMany<ContextEntry>(CONTEXT_ENTRIES);
  state.interrupts = allocateMany<InterruptEntry>(INTERRUPT_ENTRIES);
}

@inline
export function iotlbAt(index: u32): IotlbEntry {
  return changetype<IotlbEntry>(iommu().iotlb + <usize>index * offsetof<IotlbEntry>());
}

@inline
export function contextAt(index: u32): ContextEntry {
  return changetype<ContextEntry>(iommu().contexts + <usize>index * offsetof<ContextEntry>());
}

@inline
export function interruptAt(slot: u32): InterruptEntry {
  return changetype<InterruptEntry>(iommu().interrupts + <usize>slot * offsetof<InterruptEntry>());
}

/** Destinations of interrupts have 32 bits instead of 8 (EIME). */
@inline
export function extendedMode(): bool {
  return (iommu().interruptTable & VTD_IRTA_EIME) != 0;
}
