/**
 * What an ELF file says of the memory that it wants, once every field that counts has been looked at.
 * Nothing here believes anything: each number is bounded before it is used in a sum.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { IMAGE_PAGES_MAX } from "../limits";
import { PROTECTION_EXECUTE, PROTECTION_READ, PROTECTION_WRITE } from "../mm/protection";
import * as error from "./elf_errors";
import * as elf from "./elf_format";

/** A range of an image's addresses, whole pages. */
@unmanaged
export class ImageSegment {
  start: u64;
  end: u64;
  /** Physical address of the frames of its first `pages` pages; those behind are zeroes. One that can't
   * be written has frames for all. */
  frames: u64;
  pages: u32;
  /** PROTECTION_… (mm/protection.ts). */
  protection: u32;
}

/** What a file says; `segments` are filled but for `frames`. */
@unmanaged
export class ElfSummary {
  entry: u64;
  stackBytes: u64;
  /** Where its program headers are in memory, 0 when they are in no segment, and how many they are. */
  headers: u64;
  /** Pages of all segments that the file has bytes for. */
  pages: u32;
  count: u32;
  headerCount: u32;
}

const PAGE_MASK: u64 = PAGE_BYTES - 1;

@inline
export function isElf(at: usize, bytes: u64): bool {
  return bytes >= 4 && load<u32>(at) == elf.ELF_MAGIC;
}

/** Linear address of summary `summary`'s segment `index`: they stand behind it. */
@inline
export function summarySegment(summary: ElfSummary, index: u32): ImageSegment {
  return changetype<ImageSegment>(
    changetype<usize>(summary) + offsetof<ElfSummary>() + <usize>index * offsetof<ImageSegment>(),
  );
}

/** Bytes of a summary with its segments. */
export const ELF_SUMMARY_BYTES: usize = offsetof<ElfSummary>() + elf.SEGMENTS_MAX * offsetof<ImageSegment>();

/** Reads the `bytes` bytes at `at`: ELF_OK with `into` filled, or why they are refused. */
export function elfRead(at: usize, bytes: u64, into: ElfSummary): u32 {
  const header = checkHeader(at, bytes);
  if (header != error.ELF_OK) return header;
  into.entry = load<u64>(at, elf.ELF_ENTRY);
  into.stackBytes = elf.STACK_BYTES_DEFAULT;
  into.headers = 0;
  into.pages = 0;
  into.count = 0;
  const first = at + <usize>load<u64>(at, elf.ELF_PHOFF);
  const count = <u32>load<u16>(at, elf.ELF_PHNUM);
  into.headerCount = count;
  for (let index: u32 = 0; index < count; index++) {
    const header = first + <usize>index * elf.PH_BYTES;
    const status = readProgramHeader(header, bytes, into);
    if (status != error.ELF_OK) return status;
    noteHeaders(at, header, into);
  }
  if (into.count == 0) return error.ELF_NO_SEGMENT;
  if (into.pages > IMAGE_PAGES_MAX) return error.ELF_TOO_LARGE;
  return entryInside(into) ? error.ELF_OK : error.ELF_BAD_ENTRY;
}

/** Notes where the program headers are in memory, if the segment of `header` has them all. */
function noteHeaders(at: usize, header: usize, into: ElfSummary): void {
  if (load<u32>(header) != elf.PT_LOAD) return;
  const offset = load<u64>(header, elf.PH_OFFSET);
  const table = load<u64>(at, elf.ELF_PHOFF);
  const end = table + <u64>into.headerCount * elf.PH_BYTES;
  if (table < offset || end > offset + load<u64>(header, elf.PH_FILESZ)) return;
  into.headers = load<u64>(header, elf.PH_VADDR) + (table - offset);
}

function checkHeader(at: usize, bytes: u64): u32 {
  if (!isElf(at, bytes)) return error.ELF_NOT_ELF;
  if (bytes < <u64>elf.ELF_HEADER_BYTES) return error.ELF_TRUNCATED;
  if (load<u8>(at, elf.ELF_CLASS) != elf.CLASS_64 || load<u8>(at, elf.ELF_DATA) != elf.DATA_LITTLE)
    return error.ELF_NOT_64;
  const abi = load<u8>(at, elf.ELF_ABI);
  if (abi != elf.ABI_SYSTEM_V && abi != elf.ABI_GNU) return error.ELF_BAD_HEADER;
  // ABI version and padding: one quadword, all zero.
  if (load<u8>(at, elf.ELF_IDENT_VERSION) != elf.VERSION_CURRENT || load<u64>(at, elf.ELF_ABI_VERSION) != 0)
    return error.ELF_BAD_HEADER;
  if (load<u16>(at, elf.ELF_MACHINE) != elf.MACHINE_X86_64) return error.ELF_NOT_X86_64;
  const type = load<u16>(at, elf.ELF_TYPE);
  if (type == elf.TYPE_DYN) return error.ELF_POSITION_INDEPENDENT;
  if (type != elf.TYPE_EXEC) return error.ELF_NOT_EXECUTABLE;
  // The psABI defines no flags (4.1.1).
  if (load<u32>(at, elf.ELF_VERSION) != elf.VERSION_CURRENT || load<u32>(at, elf.ELF_FLAGS) != 0)
    return error.ELF_BAD_HEADER;
  if (load<u16>(at, elf.ELF_EHSIZE) != elf.ELF_HEADER_BYTES) return error.ELF_BAD_HEADER;
  return checkTables(at, bytes);
}

/** Both tables are in the file. Sections mean nothing here, but a file that has lost some is damaged. */
function checkTables(at: usize, bytes: u64): u32 {
  const count = <u64>load<u16>(at, elf.ELF_PHNUM);
  const offset = load<u64>(at, elf.ELF_PHOFF);
  if (count == 0) return error.ELF_NO_SEGMENT;
  if (count > <u64>elf.PROGRAM_HEADERS_MAX) return error.ELF_TOO_MANY_HEADERS;
  if (load<u16>(at, elf.ELF_PHENTSIZE) != elf.PH_BYTES || offset < <u64>elf.ELF_HEADER_BYTES || (offset & 7) != 0)
    return error.ELF_BAD_HEADER;
  if (!inFile(offset, count * elf.PH_BYTES, bytes)) return error.ELF_TRUNCATED;
  const sections = <u64>load<u16>(at, elf.ELF_SHNUM);
  if (sections == 0) return error.ELF_OK;
  if (load<u16>(at, elf.ELF_SHENTSIZE) != elf.SECTION_HEADER_BYTES || load<u16>(at, elf.ELF_SHSTRNDX) >= sections)
    return error.ELF_BAD_HEADER;
  const table = load<u64>(at, elf.ELF_SHOFF);
  return inFile(table, sections * elf.SECTION_HEADER_BYTES, bytes) ? error.ELF_OK : error.ELF_TRUNCATED;
}

@inline
function inFile(offset: u64, length: u64, bytes: u64): bool {
  return offset <= bytes && length <= bytes - offset;
}

function readProgramHeader(at: usize, bytes: u64, into: ElfSummary): u32 {
  const type = load<u32>(at, elf.PH_TYPE);
  const flags = load<u32>(at, elf.PH_FLAGS);
  switch (type) {
    case elf.PT_LOAD:
      return readSegment(at, bytes, into);
    case elf.PT_DYNAMIC:
    case elf.PT_INTERP:
    case elf.PT_SHLIB:
      return error.ELF_DYNAMIC;
    case elf.PT_TLS:
      return error.ELF_THREAD_LOCAL;
    case elf.PT_GNU_STACK:
      if ((flags & elf.PF_X) != 0) return error.ELF_WRITE_EXECUTE;
      return readStack(load<u64>(at, elf.PH_MEMSZ), into);
    default:
      // Notes, unwinding tables and the like: what isn't loaded has no meaning (gABI 5, Program Header).
      return error.ELF_OK;
  }
}

function readStack(size: u64, into: ElfSummary): u32 {
  if (size > <u64>elf.STACK_BYTES_MAX) return error.ELF_TOO_LARGE;
  if (size != 0) into.stackBytes = (size + PAGE_MASK) & ~PAGE_MASK;
  return error.ELF_OK;
}

function readSegment(at: usize, bytes: u64, into: ElfSummary): u32 {
  const offset = load<u64>(at, elf.PH_OFFSET);
  const address = load<u64>(at, elf.PH_VADDR);
  const filed = load<u64>(at, elf.PH_FILESZ);
  const size = load<u64>(at, elf.PH_MEMSZ);
  const align = load<u64>(at, elf.PH_ALIGN);
  if (filed > size) return error.ELF_BAD_SEGMENT;
  // Linkers write such for a section that turned out to be empty.
  if (size == 0) return error.ELF_OK;
  if ((align & (align - 1)) != 0) return error.ELF_BAD_SEGMENT;
  if (align > 1 && ((address - offset) & (align - 1)) != 0) return error.ELF_BAD_SEGMENT;
  if (!inFile(offset, filed, bytes)) return error.ELF_TRUNCATED;
  const low: u64 = elf.NATIVE_BASE;
  const high: u64 = elf.NATIVE_END;
  if (address < low || address > high || size > high - address) return error.ELF_OUT_OF_RANGE;
  const protection = protectionOf(load<u32>(at, elf.PH_FLAGS));
  if ((protection & PROTECTION_READ) == 0) return error.ELF_BAD_RIGHTS;
  const both: u32 = PROTECTION_WRITE | PROTECTION_EXECUTE;
  if ((protection & both) == both) return error.ELF_WRITE_EXECUTE;
  if (into.count == elf.SEGMENTS_MAX) return error.ELF_TOO_MANY_SEGMENTS;
  const segment = summarySegment(into, into.count);
  segment.start = address & ~PAGE_MASK;
  segment.end = (address + size + PAGE_MASK) & ~PAGE_MASK;
  segment.protection = protection;
  const filled = (protection & PROTECTION_WRITE) != 0 ? filed : size;
  segment.pages = filled == 0 ? 0 : <u32>((((address + filled + PAGE_MASK) & ~PAGE_MASK) - segment.start) / PAGE_BYTES);
  if (into.count != 0 && summarySegment(into, into.count - 1).end > segment.start) return error.ELF_OVERLAP;
  into.pages += segment.pages;
  into.count += 1;
  return error.ELF_OK;
}

/** PROTECTION_… of a segment's flags; 0 for flags that are none. */
function protectionOf(flags: u32): u32 {
  if ((flags & ~(<u32>(elf.PF_R | elf.PF_W | elf.PF_X))) != 0 || (flags & elf.PF_R) == 0) return 0;
  return (
    PROTECTION_READ |
    ((flags & elf.PF_W) != 0 ? PROTECTION_WRITE : 0) |
    ((flags & elf.PF_X) != 0 ? PROTECTION_EXECUTE : 0)
  );
}

/** Whether execution begins in pages that the file has bytes for, and that can be executed. */
function entryInside(summary: ElfSummary): bool {
  for (let index: u32 = 0; index < summary.count; index++) {
    const segment = summarySegment(summary, index);
    if (summary.entry - segment.start >= <u64>segment.pages * PAGE_BYTES) continue;
    return (segment.protection & PROTECTION_EXECUTE) != 0;
  }
  return false;
}

/** Copies the segments' bytes of the file at `at`, which `elfRead` has accepted, to their frames. */
export function elfLoad(at: usize, summary: ElfSummary): void {
  const first = at + <usize>load<u64>(at, elf.ELF_PHOFF);
  let index: u32 = 0;
  for (let header = first; index < summary.count; header += elf.PH_BYTES) {
    if (load<u32>(header) != elf.PT_LOAD || load<u64>(header, elf.PH_MEMSZ) == 0) continue;
    const segment = summarySegment(summary, index);
    index += 1;
    const within = <usize>(load<u64>(header, elf.PH_VADDR) - segment.start);
    const from = at + <usize>load<u64>(header, elf.PH_OFFSET);
    memory.copy(pointer(segment.frames) + within, from, <usize>load<u64>(header, elf.PH_FILESZ));
  }
}
