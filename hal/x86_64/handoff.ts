/**
 * What the kernel is entered with: start info and memory map (Xen x86/HVM direct boot ABI), checked
 * before anything is believed. Nothing is copied: the ranges are the map's own entries in RAM.
 */
import { Ptr, reach } from "../memory";
import {
  MAP_ENTRIES_MAX,
  MAP_ENTRY_BYTES,
  MEMORY_RAM,
  START_INFO_BYTES,
  START_INFO_MAGIC,
  START_INFO_MAGIC_AT,
  START_INFO_MAP_AT,
  START_INFO_MAP_ENTRIES_AT,
  START_INFO_RSDP_AT,
  START_INFO_VERSION,
  START_INFO_VERSION_AT,
} from "../../sim/spec/handoff";

export const HANDOFF_OK: u32 = 0;
/** The start info is not in RAM. */
export const HANDOFF_START_INFO_ADDRESS: u32 = 1;
export const HANDOFF_MAGIC: u32 = 2;
/** Version 0 has no memory map. */
export const HANDOFF_VERSION: u32 = 3;
export const HANDOFF_MAP_EMPTY: u32 = 4;
/** More than MAP_ENTRIES_MAX entries. */
export const HANDOFF_MAP_TOO_LONG: u32 = 5;
/** The map is not in RAM. */
export const HANDOFF_MAP_ADDRESS: u32 = 6;
/** From here on, `Handoff.entry` says which entry is meant. */
export const HANDOFF_RANGE_EMPTY: u32 = 7;
/** A range goes beyond 2^64. */
export const HANDOFF_RANGE_END: u32 = 8;
export const HANDOFF_RANGE_ORDER: u32 = 9;
export const HANDOFF_RANGE_OVERLAP: u32 = 10;
/** A range is called RAM, and the machine has none there. */
export const HANDOFF_RANGE_NOT_RAM: u32 = 11;
/** No range is RAM. */
export const HANDOFF_NO_RAM: u32 = 12;

const HANDOFF_ERROR_TEXTS: StaticArray<string> = [
  "the handoff is as it should be",
  "the start info does not lie in RAM",
  "the start info has another magic number",
  "the start info is of a version without a memory map",
  "the memory map is empty",
  "the memory map has too many ranges",
  "the memory map does not lie in RAM",
  "a range of the memory map is empty",
  "a range of the memory map ends beyond 2^64",
  "the memory map is not sorted",
  "ranges of the memory map overlap",
  "the memory map calls RAM what is none",
  "the memory map has no RAM",
];

/** What to print for a HANDOFF_… code. */
export function handoffErrorText(error: u32): string {
  return HANDOFF_ERROR_TEXTS[min(error, HANDOFF_NO_RAM)];
}

/** hvm_memmap_table_entry. A type that the kernel does not know counts as reserved. */
@unmanaged
export class MemoryRange {
  base: u64;
  size: u64;
  type: u32;
  reserved: u32;
}

@unmanaged
export class Handoff {
  /** Physical address of the RSDP as the firmware gave it, not checked. */
  rsdp: u64;
  /** Bytes of all ranges of type RAM. */
  ramBytes: u64;
  ranges: Ptr<MemoryRange>;
  rangeCount: u32;
  /** HANDOFF_…; the rest means something when it is HANDOFF_OK. */
  error: u32;
  /** The entry of the map at which `error` was found. */
  entry: u32;
}

@inline
export function rangeAt(handoff: Handoff, index: u32): MemoryRange {
  return changetype<MemoryRange>(handoff.ranges + <usize>index * MAP_ENTRY_BYTES);
}

/** Checks the start info at `address` and its memory map; returns `handoff.error`. */
export function readHandoff(handoff: Handoff, address: u64): u32 {
  handoff.entry = 0;
  handoff.ramBytes = 0;
  handoff.rangeCount = 0;
  handoff.error = readStartInfo(handoff, reach(address, START_INFO_BYTES));
  if (handoff.error == HANDOFF_OK) handoff.error = checkRanges(handoff);
  return handoff.error;
}

function readStartInfo(handoff: Handoff, info: usize): u32 {
  if (info == 0) return HANDOFF_START_INFO_ADDRESS;
  if (load<u32>(info, START_INFO_MAGIC_AT) != START_INFO_MAGIC) return HANDOFF_MAGIC;
  if (load<u32>(info, START_INFO_VERSION_AT) < <u32>START_INFO_VERSION) return HANDOFF_VERSION;
  handoff.rsdp = load<u64>(info, START_INFO_RSDP_AT);
  const count = load<u32>(info, START_INFO_MAP_ENTRIES_AT);
  if (count == 0) return HANDOFF_MAP_EMPTY;
  if (count > <u32>MAP_ENTRIES_MAX) return HANDOFF_MAP_TOO_LONG;
  handoff.ranges = reach(load<u64>(info, START_INFO_MAP_AT), <u64>count * MAP_ENTRY_BYTES);
  if (handoff.ranges == 0) return HANDOFF_MAP_ADDRESS;
  handoff.rangeCount = count;
  return HANDOFF_OK;
}

function checkRanges(handoff: Handoff): u32 {
  let before: u64 = 0;
  let end: u64 = 0;
  for (let index: u32 = 0; index < handoff.rangeCount; index++) {
    handoff.entry = index;
    const range = rangeAt(handoff, index);
    if (range.size == 0) return HANDOFF_RANGE_EMPTY;
    if (range.size > 0 - range.base && range.base != 0) return HANDOFF_RANGE_END;
    if (range.base < before) return HANDOFF_RANGE_ORDER;
    if (range.base < end) return HANDOFF_RANGE_OVERLAP;
    before = range.base;
    end = range.base + range.size;
    if (end == 0 && index + 1 < handoff.rangeCount) return HANDOFF_RANGE_OVERLAP;
    if (range.type != MEMORY_RAM) continue;
    if (reach(range.base, range.size) == 0) return HANDOFF_RANGE_NOT_RAM;
    handoff.ramBytes += range.size;
  }
  return handoff.ramBytes == 0 ? HANDOFF_NO_RAM : HANDOFF_OK;
}
