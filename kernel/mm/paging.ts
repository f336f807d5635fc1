/**
 * Page tables in the format that the MMU walks (Intel SDM 3A, 4.5): 4 levels, 4 KiB, 2 MiB and
 * 1 GiB pages.
 *
 *   63  62-59  58-52  51-12          11-9  8  7   6  5  4    3    2    1    0
 *   NX  key    free   address        free  G  PS  D  A  PCD  PWT  U/S  R/W  P
 */
import { pointer } from "../../hal/memory";
import { LOW_RAM_MAX, RAM_BASE } from "../../sim/core/memory";
import { invalidatePage } from "../../hal/x86_64/machine";
import { kernel } from "../state";
import { kernelTraceBehind, TRACE_PAGE_MAPPED, TRACE_PAGE_UNMAPPED } from "../trace";
import { frameAllocZeroed, frameFree, OWNER_PAGE_TABLE } from "./frames";

export const PTE_PRESENT: u64 = 1 << 0;
export const PTE_WRITABLE: u64 = 1 << 1;
export const PTE_USER: u64 = 1 << 2;
export const PTE_WRITE_THROUGH: u64 = 1 << 3;
export const PTE_CACHE_DISABLE: u64 = 1 << 4;
export const PTE_ACCESSED: u64 = 1 << 5;
export const PTE_DIRTY: u64 = 1 << 6;
export const PTE_LARGE: u64 = 1 << 7;
export const PTE_GLOBAL: u64 = 1 << 8;
export const PTE_NO_EXECUTE: u64 = 1 << 63;
/** Physical address bits of an entry, for the 40-bit addresses of this machine and any larger. */
export const PTE_ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/** Size of a page: log2 of its bytes. */
export const PAGE_4K: u32 = 12;
export const PAGE_2M: u32 = 21;
export const PAGE_1G: u32 = 30;

/** Results of map and unmap. */
export const MAP_OK: u32 = 0;
export const MAP_NO_MEMORY: u32 = 1;
export const MAP_OCCUPIED: u32 = 2;
export const MAP_MISALIGNED: u32 = 3;
export const MAP_NOT_MAPPED: u32 = 4;

const TOP_SHIFT: u32 = 39;
const LEVEL_BITS: u32 = 9;

@unmanaged
export class Paging {
  /** Physical address of the kernel's top-level table. */
  root: u64;
  /** Pages mapped and unmapped since boot, of any size. */
  mapped: u64;
  unmapped: u64;
  /** Frames in use as tables. */
  tables: u32;
}

@inline
export function paging(): Paging {
  return changetype<Paging>(kernel().paging);
}

/** Address bits of an entry for memory that doesn't begin at physical 0. */
const PTE_ADDRESS_HIGH: u64 = PTE_ADDRESS & ~(LOW_RAM_MAX - 1);
const TABLE_MASK: usize = 0xffff_f000;

/**
 * Linear address of the table that `entry` points to, or of the table itself. Below 2 GiB of RAM
 * 32 bits do: 64-bit arithmetic is a fifth of a walk's time.
 */
@inline
export function tableOf(entry: u64): usize {
  return (entry & PTE_ADDRESS_HIGH) == 0
    ? RAM_BASE + (<usize>entry & TABLE_MASK)
    : pointer(entry & PTE_ADDRESS);
}

/** Linear address of the entry for `address` in the table that `entry` points to. */
@inline
export function slot(entry: u64, address: u64, shift: u64): usize {
  return tableOf(entry) + ((<usize>(address >> shift) & 511) << 3);
}

/** The table below `entry`, made when it is missing; 0 when there is no memory or a page is there. */
@inline
function descend(entry: usize, user: u64): u64 {
  const value = load<u64>(entry);
  const wanted = PTE_PRESENT | user;
  if ((value & (wanted | PTE_LARGE)) == wanted) return value & PTE_ADDRESS;
  return descendSlowly(entry, value, user);
}

/** A missing table is made; one that users may not reach is opened to them. */
function descendSlowly(entry: usize, value: u64, user: u64): u64 {
  if ((value & PTE_PRESENT) != 0) {
    if ((value & PTE_LARGE) != 0) return 0;
    store<u64>(entry, value | user);
    return value & PTE_ADDRESS;
  }
  const table = frameAllocZeroed(0, OWNER_PAGE_TABLE);
  if (table == 0) return 0;
  paging().tables += 1;
  store<u64>(entry, table | PTE_PRESENT | PTE_WRITABLE | user);
  return table;
}

/** Why there is no way down from `entry`: a larger page is there, or no frame was left. */
function blocked(entry: usize): u32 {
  return (load<u64>(entry) & PTE_PRESENT) != 0 ? MAP_OCCUPIED : MAP_NO_MEMORY;
}

/**
 * Maps the page of 2^size bytes at linear address `address` to physical `target`.
 * @param flags PTE bits other than PRESENT and LARGE
 * @returns MAP_OK, or why not; on MAP_NO_MEMORY empty tables may stay, as valid as before
 */
export function mapPage(root: u64, address: u64, target: u64, size: u32, flags: u64): u32 {
  const mask = ((<u64>1) << size) - 1;
  if (((address | target) & mask) != 0) return MAP_MISALIGNED;
  const user = flags & PTE_USER;
  let entry = slot(root, address, 39);
  let table = descend(entry, user);
  if (table == 0) return blocked(entry);
  entry = slot(table, address, PAGE_1G);
  if (size < PAGE_1G) {
    table = descend(entry, user);
    if (table == 0) return blocked(entry);
    entry = slot(table, address, PAGE_2M);
    if (size < PAGE_2M) {
      table = descend(entry, user);
      if (table == 0) return blocked(entry);
      entry = slot(table, address, PAGE_4K);
    }
  }
  if ((load<u64>(entry) & PTE_PRESENT) != 0) return MAP_OCCUPIED;
  store<u64>(entry, target | flags | PTE_PRESENT | (size > PAGE_4K ? PTE_LARGE : 0));
  paging().mapped += 1;
  kernelTraceBehind(TRACE_PAGE_MAPPED, size, address, target);
  return MAP_OK;
}

/**
 * The entry that maps `address`, with the page's size in its low bits (0: 4 KiB, 1: 2 MiB,
 * 2: 1 GiB), or 0 when nothing is mapped there. Written out level by level: shifts by constants
 * are worth a third of its time.
 */
@inline
function findLeaf(root: u64, address: u64): usize {
  const top = load<u64>(slot(root, address, 39));
  if ((top & PTE_PRESENT) == 0) return 0;
  const giant = slot(top, address, PAGE_1G);
  const second = load<u64>(giant);
  if ((second & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT) return second & PTE_PRESENT ? giant | 2 : 0;
  const large = slot(second, address, PAGE_2M);
  const third = load<u64>(large);
  if ((third & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT) return third & PTE_PRESENT ? large | 1 : 0;
  const leaf = slot(third, address, PAGE_4K);
  return (load<u64>(leaf) & PTE_PRESENT) == 0 ? 0 : leaf;
}

/** Unmaps the page that holds `address`, whatever its size, and gives empty tables back. */
export function unmapPage(root: u64, address: u64): u32 {
  const found = findLeaf(root, address);
  if (found == 0) return MAP_NOT_MAPPED;
  store<u64>(found & ~7, 0);
  paging().unmapped += 1;
  invalidatePage(address);
  kernelTraceBehind(TRACE_PAGE_UNMAPPED, sizeOf(found), address, 0);
  pruneTables(root, address, sizeOf(found));
  return MAP_OK;
}

@inline
function sizeOf(found: usize): u32 {
  return PAGE_4K + <u32>(found & 7) * LEVEL_BITS;
}

/** Frees the tables on the way to `address` that have no entry left, lowest first. */
function pruneTables(root: u64, address: u64, size: u32): void {
  for (let level = size + LEVEL_BITS; level <= TOP_SHIFT; level += LEVEL_BITS) {
    let table = root;
    for (let shift = TOP_SHIFT; shift > level; shift -= LEVEL_BITS)
      table = load<u64>(slot(table, address, shift)) & PTE_ADDRESS;
    const entry = slot(table, address, level);
    const below = load<u64>(entry) & PTE_ADDRESS;
    if (!tableEmpty(below)) return;
    store<u64>(entry, 0);
    paging().tables -= 1;
    frameFree(below);
  }
}

function tableEmpty(table: u64): bool {
  const start = pointer(table);
  for (let at = start; at < start + 4096; at += 32) {
    if (v128.any_true(v128.or(v128.load(at), v128.load(at, 16)))) return false;
  }
  return true;
}

export const NOT_MAPPED: u64 = 0xffff_ffff_ffff_ffff;

/** Address inside a page of 2^size bytes that `entry` maps. */
@inline
function inside(entry: u64, address: u64, size: u64): u64 {
  const mask = ((<u64>1) << size) - 1;
  return (entry & PTE_ADDRESS & ~mask) | (address & mask);
}

/** Physical address behind linear `address`, or NOT_MAPPED. */
export function translate(root: u64, address: u64): u64 {
  const top = load<u64>(slot(root, address, 39));
  if ((top & PTE_PRESENT) == 0) return NOT_MAPPED;
  const second = load<u64>(slot(top, address, PAGE_1G));
  if ((second & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT)
    return second & PTE_PRESENT ? inside(second, address, PAGE_1G) : NOT_MAPPED;
  const third = load<u64>(slot(second, address, PAGE_2M));
  if ((third & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT)
    return third & PTE_PRESENT ? inside(third, address, PAGE_2M) : NOT_MAPPED;
  const leaf = load<u64>(slot(third, address, PAGE_4K));
  return leaf & PTE_PRESENT ? inside(leaf, address, PAGE_4K) : NOT_MAPPED;
}
