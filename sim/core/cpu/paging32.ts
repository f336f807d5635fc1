/**
 * 32-bit paging (Intel SDM 3A, 4.3): two levels of entries of 4 bytes, and with CR4.PSE pages of 4 MiB.
 *
 *   CR3 -> PDE [31-22] -> PTE [21-12] -> page        or  PDE with PS -> page of 4 MiB
 *
 * A page of 4 MiB takes two entries of 2 MiB in the TLB; INVLPG drops both (control.ts).
 */
import { codeWritten } from "../engine/blocks";
import { engine } from "../engine/memory";
import { ramPointer } from "../ram";
import { Cpu } from "./cpu";
import { found, NO_ADDRESS, pageFault, permitted } from "./mmu";
import { tlbFill } from "./tlb";
import {
  CR4_PGE,
  CR4_PSE,
  FAULT_PRESENT,
  FAULT_RESERVED,
  FAULT_WRITE,
  PAGE_ACCESSED,
  PAGE_DIRTY,
  PAGE_GLOBAL,
  PAGE_PRESENT,
  PAGE_SIZE,
  PAGE_USER,
  PAGE_WRITE,
} from "../../spec/x86";

const TABLE: u32 = 0xffff_f000;
const LARGE: u32 = 0xffc0_0000;
/** Bits 20-13 of a large page's entry are bits 39-32 of its address (PSE-36); bit 21 is reserved. */
const LARGE_RESERVED: u32 = 0x0020_0000;
const LARGE_ABOVE: u32 = 0x001f_e000;
/** The TLB's size for a part of a large page. */
const LARGE_SHIFT: u32 = 21;

/** Linear memory of entry `index` of the table at `table`, or 0 when it isn't in RAM. */
@inline
function entryPointer(table: u32, index: u32): usize {
  return ramPointer(<u64>(table & TABLE) + (index << 2), 4);
}

/** Entries are read from RAM only; what lies elsewhere reads as all ones. */
@inline
function entryValue(pointer: usize): u32 {
  return pointer == 0 ? 0xffff_ffff : load<u32>(pointer);
}

@inline
function isLarge(cpu: Cpu, entry: u32): bool {
  return (entry & PAGE_SIZE) != 0 && (cpu.cr4 & CR4_PSE) != 0;
}

@inline
function largeAddress(entry: u32): u64 {
  return <u64>(entry & LARGE) | (<u64>(entry & LARGE_ABOVE) << 19);
}

/** As `walk` of mmu.ts. */
export function walk32(cpu: Cpu, va: u64, access: u32): u64 {
  const upper = entryPointer(<u32>cpu.cr3, <u32>va >> 22);
  const directory = entryValue(upper);
  if (!(directory & PAGE_PRESENT)) return pageFault(cpu, va, access, 0);
  if (isLarge(cpu, directory)) {
    if (directory & LARGE_RESERVED)
      return pageFault(cpu, va, access, FAULT_PRESENT | FAULT_RESERVED);
    const page = largeAddress(directory) | (va & (1 << LARGE_SHIFT));
    return map(cpu, va, access, directory, page, 0, upper, LARGE_SHIFT);
  }
  const lower = entryPointer(directory, (<u32>va >> 12) & 0x3ff);
  const entry = entryValue(lower);
  if (!(entry & PAGE_PRESENT)) return pageFault(cpu, va, access, 0);
  const both = entry & (directory | ~(<u32>(PAGE_WRITE | PAGE_USER)));
  return map(cpu, va, access, both, <u64>(entry & TABLE), upper, lower, 12);
}

/** Checks the rights of `entry`, marks the path, fills the TLB. */
function map(
  cpu: Cpu,
  va: u64,
  access: u32,
  entry: u32,
  page: u64,
  upper: usize,
  last: usize,
  shift: u32,
): u64 {
  const rights = <u64>(entry & (PAGE_WRITE | PAGE_USER));
  if (!permitted(cpu, rights, access)) return pageFault(cpu, va, access, FAULT_PRESENT);
  if (upper != 0) mark(upper, PAGE_ACCESSED);
  mark(last, access & FAULT_WRITE ? PAGE_ACCESSED | PAGE_DIRTY : PAGE_ACCESSED);
  let frame = page | rights | <u64>(entryValue(last) & PAGE_DIRTY);
  if (cpu.cr4 & CR4_PGE) frame |= <u64>(entry & PAGE_GLOBAL);
  tlbFill(cpu, va, frame, shift);
  return found(cpu, va, frame, shift, access);
}

function mark(pointer: usize, flags: u32): void {
  if (pointer == 0) return;
  const entry = load<u32>(pointer);
  if ((entry & flags) == flags) return;
  codeWritten(pointer, 4);
  engine().tablesChanged = 1;
  store<u32>(pointer, entry | flags);
}

/** As `peek` of mmu.ts. */
export function peek32(cpu: Cpu, va: u64): u64 {
  const directory = entryValue(entryPointer(<u32>cpu.cr3, <u32>va >> 22));
  if (!(directory & PAGE_PRESENT)) return NO_ADDRESS;
  if (isLarge(cpu, directory)) {
    if (directory & LARGE_RESERVED) return NO_ADDRESS;
    return largeAddress(directory) | (va & <u64>(~LARGE));
  }
  const entry = entryValue(entryPointer(directory, (<u32>va >> 12) & 0x3ff));
  return entry & PAGE_PRESENT ? <u64>((entry & TABLE) | (<u32>va & 0xfff)) : NO_ADDRESS;
}
