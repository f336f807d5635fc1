/**
 * Linear to physical addresses: 4-level and PAE paging (Intel SDM 3A, 4.4, 4.5; 32-bit paging is in
 * paging32.ts), access rights (4.6), accessed and dirty flags (4.8).
 *
 * No level of the walk is cached on its own, and paging structures are read from RAM only: an entry
 * that lies elsewhere reads as all ones, which is a reserved-bit fault.
 */
import { physicalRead, physicalWrite } from "../bus/bus";
import { debugControl, pageIsWatched } from "../debug";
import { codeWritten } from "../engine/blocks";
import { noteChange } from "../frames";
import { engine, frameOf, LINES_ACCESS, LINES_SUPERVISOR } from "../engine/memory";
import { loadSized, ramPointer, storeSized } from "../ram";
import { Cpu } from "./cpu";
import { peek32, walk32 } from "./paging32";
import {
  FAST_FETCH,
  FAST_READ,
  FAST_WRITE,
  fillFastLine,
  userLines,
  flushPage,
  currentPcid,
  fastRead,
  fastReadUpTo,
  fastWrite,
  fastWriteUpTo,
  Tlb,
  TlbEntry,
  tlbFill,
  tlbFind,
} from "./tlb";
import {
  CR0_PG,
  CR0_WP,
  CR4_PAE,
  CR4_SMAP,
  CR4_SMEP,
  EFER_LMA,
  EFER_NXE,
  FAULT_FETCH,
  FAULT_PRESENT,
  FAULT_RESERVED,
  FAULT_USER,
  FAULT_WRITE,
  PAGE_ACCESSED,
  PAGE_DIRTY,
  PAGE_GLOBAL,
  PAGE_PRESENT,
  PAGE_SIZE,
  PAGE_USER,
  PAGE_WRITE,
  CR4_PGE,
  PHYSICAL_ADDRESS_BITS,
  RFLAGS_AC,
  VECTOR_GP,
  VECTOR_PF,
} from "../../spec/x86";

/** What an access is: a read, unless these bits (those of the fault's error code) say otherwise. */
export const ACCESS_READ: u32 = 0;
export const ACCESS_WRITE: u32 = FAULT_WRITE;
export const ACCESS_USER: u32 = FAULT_USER;
export const ACCESS_FETCH: u32 = FAULT_FETCH;
/** An access to the GDT, LDT, IDT or TSS: supervisor whatever the CPL, and AC doesn't help it. */
export const ACCESS_SYSTEM: u32 = 0x100;

/** Returned where there is no translation; the CPU's fault fields say why. */
export const NO_ADDRESS: u64 = 0xffff_ffff_ffff_ffff;

const NO_EXECUTE: u64 = 1 << 63;
const PHYSICAL_END: u64 = 1 << PHYSICAL_ADDRESS_BITS;
const TABLE_ADDRESS: u64 = (PHYSICAL_END - 1) & ~(<u64>0xfff);
/** Bits 62-52, which are software's in 4-level paging and reserved in PAE paging. */
const RESERVED_IN_PAE: u64 = 0x7ff0_0000_0000_0000;
const PDPTE_RESERVED: u64 = 0x1e6;
/** Address bits above MAXPHYADDR, up to bit 51. */
const RESERVED_ADDRESS: u64 = ((<u64>1 << 52) - 1) & ~(PHYSICAL_END - 1);

/** Whether bits 63-47 are all equal. */
@inline
export function canonical(va: u64): bool {
  return <u64>((<i64>(va << 16)) >> 16) == va;
}

/** The kind of access that a CPU makes for the code that it runs: a user's at CPL 3. */
@inline
export function accessOf(cpu: Cpu, kind: u32): u32 {
  return cpu.cpl == 3 ? kind | ACCESS_USER : kind;
}

/**
 * Bits that must be 0 in a present entry. The entry maps a page or points to a table for a region
 * of 2^shift bytes (Intel SDM 3A, tables 4-9 to 4-11 and 4-15 to 4-20).
 */
function reservedBits(cpu: Cpu, entry: u64, shift: u32): u64 {
  let bits = RESERVED_ADDRESS;
  if (!(cpu.efer & EFER_NXE)) bits |= NO_EXECUTE;
  if (!(cpu.efer & EFER_LMA)) bits |= RESERVED_IN_PAE;
  if (shift == 39) return bits | PAGE_SIZE;
  // A large page: the address bits below its size, but for bit 12, which is PAT.
  if (shift != 12 && entry & PAGE_SIZE) bits |= ((<u64>1 << shift) - 1) & ~(<u64>0x1fff);
  return bits;
}

/** Linear address of the paging-structure entry for `va`, or 0 when it isn't in RAM. */
@inline
function entryPointer(table: u64, va: u64, shift: u32): usize {
  return ramPointer(table + (((va >> shift) & 0x1ff) << 3), 8);
}

@inline
function entryValue(pointer: usize): u64 {
  return pointer == 0 ? 0xffff_ffff_ffff_ffff : load<u64>(pointer);
}

@inline
function mapsPage(entry: u64, shift: u32): bool {
  return shift == 12 || (entry & PAGE_SIZE) != 0;
}

/** Physical address of the page that `entry` maps. */
@inline
function pageAddress(entry: u64, shift: u32): u64 {
  return entry & TABLE_ADDRESS & ~((<u64>1 << shift) - 1);
}

/** Notes a page fault for `va`; CR2 changes only when the fault is raised. */
export function pageFault(cpu: Cpu, va: u64, access: u32, why: u32): u64 {
  let code = why | (access & (FAULT_WRITE | FAULT_USER));
  // The I flag exists only where fetches can be forbidden (Intel SDM 3A, 4.7).
  if (access & ACCESS_FETCH && (cpu.efer & EFER_NXE || cpu.cr4 & CR4_SMEP)) code |= FAULT_FETCH;
  cpu.fault = VECTOR_PF;
  cpu.faultCode = code;
  cpu.faultAddress = va;
  return NO_ADDRESS;
}

/** Whether `access` is allowed by the combined rights of all levels (Intel SDM 3A, 4.6.1). */
export function permitted(cpu: Cpu, rights: u64, access: u32): bool {
  if (access & ACCESS_FETCH && rights & NO_EXECUTE) return false;
  const user = (rights & PAGE_USER) != 0;
  if (access & ACCESS_USER) {
    if (!user) return false;
    return !(access & ACCESS_WRITE) || (rights & PAGE_WRITE) != 0;
  }
  if (user) {
    if (access & ACCESS_FETCH) {
      if (cpu.cr4 & CR4_SMEP) return false;
    } else if (smapForbids(cpu, access)) return false;
  }
  return !(access & ACCESS_WRITE) || (rights & PAGE_WRITE) != 0 || !(cpu.cr0 & CR0_WP);
}

@inline
function smapForbids(cpu: Cpu, access: u32): bool {
  if (!(cpu.cr4 & CR4_SMAP)) return false;
  return (access & ACCESS_SYSTEM) != 0 || !(cpu.rflags & RFLAGS_AC);
}

/**
 * Physical address of linear address `va` for one access that doesn't cross a page; fills the TLB
 * and sets accessed and dirty flags. NO_ADDRESS when it faults: see `cpu.fault`.
 */
export function translate(cpu: Cpu, va: u64, access: u32): u64 {
  if (!(cpu.cr0 & CR0_PG)) return physicalUnpaged(cpu, va, access);
  if (!canonical(va)) {
    cpu.fault = VECTOR_GP;
    cpu.faultCode = 0;
    return NO_ADDRESS;
  }
  const at = tlbFind(cpu, va);
  if (at == 0) return walk(cpu, va, access);
  const entry = changetype<TlbEntry>(at);
  const frame = entry.frame;
  if (!permitted(cpu, frame, access)) {
    // A fault drops what is cached for the page, and is judged by memory (4.10.4.1).
    flushPage(cpu, va, currentPcid(cpu), true);
    return walk(cpu, va, access);
  }
  if (access & ACCESS_WRITE && !(frame & PAGE_DIRTY)) return walk(cpu, va, access);
  return found(cpu, va, frame, entry.shift, access);
}

/** Without paging a linear address is physical and has 32 bits. */
function physicalUnpaged(cpu: Cpu, va: u64, access: u32): u64 {
  const address = va & 0xffff_ffff;
  if (address == va) addFastLine(cpu, va, address, 0, access);
  return address;
}

@inline
export function found(cpu: Cpu, va: u64, frame: u64, shift: u32, access: u32): u64 {
  const address = pageAddress(frame, shift) | (va & ((<u64>1 << shift) - 1));
  addFastLine(cpu, va, address, frame, access);
  return address;
}

/** Makes the next access of this kind fast, unless its right depends on more than the mode. */
function addFastLine(cpu: Cpu, va: u64, address: u64, rights: u64, access: u32): void {
  if (access & ACCESS_SYSTEM) return;
  const user = (access & ACCESS_USER) != 0;
  const open = (cpu.rflags & RFLAGS_AC) != 0;
  const guarded = !user && rights & PAGE_USER && cpu.cr4 & CR4_SMAP && !(access & ACCESS_FETCH);
  if (guarded && !open) return;
  const page = ramPointer(address & ~(<u64>0xfff), 4096);
  if (page == 0) return;
  if (debugControl().watchpoints != 0 && !(access & ACCESS_FETCH) && pageIsWatched(va)) return;
  const kind = access & ACCESS_WRITE ? FAST_WRITE : access & ACCESS_FETCH ? FAST_FETCH : FAST_READ;
  if (kind == FAST_WRITE) {
    if (frameOf(page).granules != 0) return;
    noteChange(frameOf(page));
  }
  const set = user ? userLines(cpu) : open ? LINES_ACCESS : LINES_SUPERVISOR;
  fillFastLine(cpu, set, va, kind, page + (<usize>va & 0xfff));
}

/** The entry above the first table of the walk: CR3, or in PAE paging one of four registers (4.4.1). */
@inline
function rootOf(cpu: Cpu, va: u64): u64 {
  if (cpu.efer & EFER_LMA) return cpu.cr3 | PAGE_PRESENT;
  return load<u64>(changetype<usize>(cpu) + (<usize>(va >> 30) << 3), offsetof<Cpu>("pdpte0"));
}

/** log2 of the bytes that an entry of the first table stands for. */
@inline
function firstShift(cpu: Cpu): u32 {
  return cpu.efer & EFER_LMA ? 39 : 21;
}

/** The walk through the tables in memory. */
function walk(cpu: Cpu, va: u64, access: u32): u64 {
  if (!(cpu.cr4 & CR4_PAE)) return walk32(cpu, va, access);
  const path = changetype<usize>(cpu.tlb) + offsetof<Tlb>("path0");
  const root = rootOf(cpu, va);
  if (!(root & PAGE_PRESENT)) return pageFault(cpu, va, access, 0);
  let table = root & TABLE_ADDRESS;
  let rights: u64 = PAGE_WRITE | PAGE_USER;
  let noExecute: u64 = 0;
  let depth: usize = 0;
  for (let shift: u32 = firstShift(cpu); shift >= 12; shift -= 9) {
    const pointer = entryPointer(table, va, shift);
    const entry = entryValue(pointer);
    if (!(entry & PAGE_PRESENT)) return pageFault(cpu, va, access, 0);
    if (entry & reservedBits(cpu, entry, shift))
      return pageFault(cpu, va, access, FAULT_PRESENT | FAULT_RESERVED);
    store<usize>(path + depth * sizeof<usize>(), pointer);
    depth += 1;
    rights &= entry;
    noExecute |= entry & NO_EXECUTE;
    if (mapsPage(entry, shift)) {
      if (!permitted(cpu, rights | noExecute, access))
        return pageFault(cpu, va, access, FAULT_PRESENT);
      const dirty = markUsed(path, depth, access);
      let frame = pageAddress(entry, shift) | rights | noExecute | dirty;
      if (cpu.cr4 & CR4_PGE) frame |= entry & PAGE_GLOBAL;
      tlbFill(cpu, va, frame, shift);
      return found(cpu, va, frame, shift, access);
    }
    table = entry & TABLE_ADDRESS;
  }
  return unreachable();
}

/** Sets the accessed flags of the path and the dirty flag of its last entry; returns the latter. */
function markUsed(path: usize, depth: usize, access: u32): u64 {
  for (let n: usize = 0; n < depth; n++) {
    const pointer = load<usize>(path + n * sizeof<usize>());
    const entry = load<u64>(pointer);
    const flags: u64 =
      n == depth - 1 && access & ACCESS_WRITE ? PAGE_ACCESSED | PAGE_DIRTY : PAGE_ACCESSED;
    if ((entry & flags) == flags) continue;
    codeWritten(pointer, 8);
    engine().tablesChanged = 1;
    store<u64>(pointer, entry | flags);
  }
  return load<u64>(load<usize>(path + (depth - 1) * sizeof<usize>())) & PAGE_DIRTY;
}

/**
 * Loads the four PDPTE registers of PAE paging from the table at `cr3` (4.4.1). False when one that is
 * present has a reserved bit: then none has changed.
 */
export function loadPdptes(cpu: Cpu, cr3: u64): bool {
  const table = cr3 & 0xffff_ffe0;
  for (let n: u64 = 0; n < 4; n++) {
    const entry = entryValue(ramPointer(table + (n << 3), 8));
    if (entry & PAGE_PRESENT && entry & (PDPTE_RESERVED | ~(PHYSICAL_END - 1))) return false;
  }
  const to = changetype<usize>(cpu) + offsetof<Cpu>("pdpte0");
  for (let n: usize = 0; n < 4; n++)
    store<u64>(to + (n << 3), entryValue(ramPointer(table + (<u64>n << 3), 8)));
  return true;
}

/**
 * Where `va` is mapped by the tables in memory, for a debugger: rights aren't checked, nothing is
 * marked or cached.
 * @returns physical address, or NO_ADDRESS
 */
export function peek(cpu: Cpu, va: u64): u64 {
  if (!(cpu.cr0 & CR0_PG)) return va & 0xffff_ffff;
  if (!canonical(va)) return NO_ADDRESS;
  if (!(cpu.cr4 & CR4_PAE)) return peek32(cpu, va);
  const root = rootOf(cpu, va);
  if (!(root & PAGE_PRESENT)) return NO_ADDRESS;
  let table = root & TABLE_ADDRESS;
  for (let shift: u32 = firstShift(cpu); shift >= 12; shift -= 9) {
    const entry = entryValue(entryPointer(table, va, shift));
    if (!(entry & PAGE_PRESENT) || entry & reservedBits(cpu, entry, shift)) return NO_ADDRESS;
    if (mapsPage(entry, shift)) return pageAddress(entry, shift) | (va & ((<u64>1 << shift) - 1));
    table = entry & TABLE_ADDRESS;
  }
  return unreachable();
}

/** Bytes of an access at `va` that lie on its first page. */
@inline
function bytesOnPage(va: u64, bytes: u32): u32 {
  return min(bytes, 4096 - (<u32>va & 0xfff));
}

/**
 * Loads 1, 2, 4 or 8 bytes from linear memory, zero-extended. When it faults, `cpu.fault` is the
 * vector and the value 0; otherwise `cpu.fault` is 0.
 */
export function loadLinear(cpu: Cpu, va: u64, bytes: u32, access: u32): u64 {
  cpu.fault = 0;
  const head = bytesOnPage(va, bytes);
  const address = translate(cpu, va, access);
  if (cpu.fault != 0) return 0;
  if (head == bytes) return physicalRead(address, bytes);
  const next = translate(cpu, va + head, access);
  if (cpu.fault != 0) return 0;
  let value: u64 = 0;
  for (let n: u32 = 0; n < bytes; n++) {
    const from = n < head ? address + n : next + (n - head);
    value |= physicalRead(from, 1) << (<u64>n << 3);
  }
  return value;
}

/** Stores 1, 2, 4 or 8 bytes; nothing is written when any of them faults (`cpu.fault`). */
export function storeLinear(cpu: Cpu, va: u64, bytes: u32, value: u64, access: u32): void {
  cpu.fault = 0;
  const head = bytesOnPage(va, bytes);
  const address = translate(cpu, va, access | ACCESS_WRITE);
  if (cpu.fault != 0) return;
  if (head == bytes) return physicalWrite(address, bytes, value);
  const next = translate(cpu, va + head, access | ACCESS_WRITE);
  if (cpu.fault != 0) return;
  for (let n: u32 = 0; n < bytes; n++) {
    const to = n < head ? address + n : next + (n - head);
    physicalWrite(to, 1, value >> (<u64>n << 3));
  }
}

/** As `loadLinear` for the code that the CPU runs, with the fast lines in front. */
export function loadData(cpu: Cpu, va: u64, bytes: u32): u64 {
  if (bytesOnPage(va, bytes) == bytes) {
    const pointer = fastRead(cpu, va);
    if (pointer != 0) {
      cpu.fault = 0;
      return loadSized(pointer, bytes);
    }
  }
  return loadLinear(cpu, va, bytes, accessOf(cpu, ACCESS_READ));
}

/**
 * Loads a `T` for the code that the CPU runs: one compare and one load when a fast line has the
 * page. A value that crosses into the next page misses, because its last byte has another tag.
 */
@inline
export function loadFast<T>(cpu: Cpu, va: u64): T {
  const pointer = fastReadUpTo(cpu, va, sizeof<T>() - 1);
  if (pointer != 0) return load<T>(pointer);
  return <T>loadLinear(cpu, va, sizeof<T>(), accessOf(cpu, ACCESS_READ));
}

/** Stores a `T` in the same way; `cpu.fault` says whether it has faulted, and must be 0 before. */
@inline
export function storeFast<T>(cpu: Cpu, va: u64, value: T): void {
  const pointer = fastWriteUpTo(cpu, va, sizeof<T>() - 1);
  if (pointer != 0) store<T>(pointer, value);
  else storeLinear(cpu, va, sizeof<T>(), <u64>value, accessOf(cpu, ACCESS_WRITE));
}

/** As `storeLinear` for the code that the CPU runs, with the fast lines in front. */
export function storeData(cpu: Cpu, va: u64, bytes: u32, value: u64): void {
  if (bytesOnPage(va, bytes) == bytes) {
    const pointer = fastWrite(cpu, va);
    if (pointer != 0) {
      cpu.fault = 0;
      return storeSized(pointer, bytes, value);
    }
  }
  storeLinear(cpu, va, bytes, value, accessOf(cpu, ACCESS_WRITE));
}
