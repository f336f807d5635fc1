/**
 * The translation lookaside buffers of a CPU (Intel SDM 3A, 4.10) and, in front of them, the fast
 * lines through which an access to RAM costs two loads and a compare.
 *
 * The buffers are machine state: what software forgets to invalidate, it may meet again. The fast
 * lines aren't. Every line comes from an entry that is still there, so that using one has the same
 * effects as finding the entry: none. A line whose entry goes, goes too.
 *
 *   key of an entry:  48 valid | 47-36 PCID | 35-0 page number (of the entry's own page size)
 *
 * What software may count on is the invalidation: an entry that an instruction must drop is gone
 * when it returns. Entries may go earlier for any reason, so a flush of too much is always allowed.
 */
import { allocate, allocateOne } from "../arena";
import {
  dropJumps,
  LINES_ACCESS,
  LINES_NARROW,
  LINES_NONE,
  LINES_SETS,
  LINES_SUPERVISOR,
  LINES_USER,
  linesOf,
  mayBeCode,
} from "../engine/memory";
import { machine, Ptr } from "../machine";
import { in64BitMode } from "./control";
import { Cpu } from "./cpu";
import { DR7_ENABLED } from "./debug";
import { CR0_AM, CR4_PCIDE, EFER_LMA, LINEAR_ADDRESS_BITS, PAGE_DIRTY, PAGE_GLOBAL, RFLAGS_AC } from "../../spec/x86";

const WAYS: u32 = 4;
/** Sets of the buffers for pages of 4 KiB, 2 MiB and 1 GiB; powers of two. */
const SMALL_SETS: u32 = 128;
const MEDIUM_SETS: u32 = 64;
const LARGE_SETS: u32 = 1;
const ENTRIES: u32 = (SMALL_SETS + MEDIUM_SETS + LARGE_SETS) * WAYS;

/**
 * So many entries are dropped one by one: a switch to another space comes after a few pages, and a look
 * at all entries would take longer than the rest of it.
 */
const RECENT_MAX: u32 = 64;

const KEY_VALID: u64 = 1 << 48;
const KEY_PCID_SHIFT: u64 = 36;
const KEY_PCID: u64 = 0xfff << KEY_PCID_SHIFT;

@unmanaged
export class TlbEntry {
  key: u64;
  /** Bits of the key that need not match: the PCID of a global page. */
  ignored: u64;
  /** Physical address of the page, with the rights of all levels combined in the bits of a PTE. */
  frame: u64;
  /** 12, 21 or 30. */
  shift: u32;
  reserved: u32;
}

@unmanaged
export class Tlb {
  /** The three buffers one behind the other. */
  entries: Ptr<TlbEntry>;
  /** Counts replacements; its low bits choose the way that goes. */
  victim: u32;
  /** Entries of pages that are not global, filled since all such were dropped, and how many. */
  recent: usize;
  recentCount: u32;
  /** Linear addresses of the entries that the walk in progress has used, from the PML4E on. */
  path0: usize;
  path1: usize;
  path2: usize;
  path3: usize;
}

/**
 * A translation that has already been checked: tag = linear page | context, one for each kind of
 * access, and the distance from the linear address to the byte in WebAssembly's memory.
 */
@unmanaged
export class FastLine {
  readTag: u64;
  writeTag: u64;
  fetchTag: u64;
  delta: usize;
  reserved: u32;
}

export const FAST_LINES: u32 = 1024;
const CONTEXT_MAX: u64 = 0xfff;
const PAGE_NUMBER: u64 = ~(<u64>0xfff);
const LINEAR_MASK: u64 = (<u64>1 << LINEAR_ADDRESS_BITS) - 1;

export function createTlb(cpu: Cpu): void {
  const tlb = allocateOne<Tlb>();
  cpu.tlb = changetype<usize>(tlb);
  tlb.entries = allocate(<usize>ENTRIES * offsetof<TlbEntry>());
  tlb.recent = allocate(<usize>RECENT_MAX << 2);
  cpu.fastLines = linesOf(cpu.index, LINES_SUPERVISOR);
  cpu.fastContext = 1;
}

@inline
function tlbOf(cpu: Cpu): Tlb {
  return changetype<Tlb>(cpu.tlb);
}

@inline
function entryAt(tlb: Tlb, index: u32): TlbEntry {
  return changetype<TlbEntry>(tlb.entries + <usize>index * offsetof<TlbEntry>());
}

/** The PCID under which translations are cached now; 0 while PCIDs are off. */
@inline
export function currentPcid(cpu: Cpu): u64 {
  return cpu.cr4 & CR4_PCIDE ? cpu.cr3 & 0xfff : 0;
}

@inline
function pageNumber(va: u64, shift: u32): u64 {
  return (va & (((<u64>1) << LINEAR_ADDRESS_BITS) - 1)) >> shift;
}

/** Index of the first way of the set that would hold `page` of size `shift`. */
@inline
function setOf(page: u64, shift: u32): u32 {
  if (shift == 12) return ((<u32>page) & (SMALL_SETS - 1)) * WAYS;
  if (shift == 21) return (SMALL_SETS + ((<u32>page) & (MEDIUM_SETS - 1))) * WAYS;
  return (SMALL_SETS + MEDIUM_SETS + ((<u32>page) & (LARGE_SETS - 1))) * WAYS;
}

function findSized(tlb: Tlb, va: u64, pcid: u64, shift: u32): usize {
  const page = pageNumber(va, shift);
  const key = KEY_VALID | (pcid << KEY_PCID_SHIFT) | page;
  const first = setOf(page, shift);
  for (let way: u32 = 0; way < WAYS; way++) {
    const entry = entryAt(tlb, first + way);
    if (((entry.key ^ key) & ~entry.ignored) == 0) return changetype<usize>(entry);
  }
  return 0;
}

/** The cached translation of `va` in the current context as a TlbEntry's address, or 0. */
export function tlbFind(cpu: Cpu, va: u64): usize {
  const tlb = tlbOf(cpu);
  const pcid = currentPcid(cpu);
  const small = findSized(tlb, va, pcid, 12);
  if (small != 0) return small;
  const medium = findSized(tlb, va, pcid, 21);
  return medium != 0 ? medium : findSized(tlb, va, pcid, 30);
}

/**
 * Caches a translation, in place of an older one of the same page if there is one.
 * @param frame physical address of the page | W, U, D, G and NX of all levels combined
 * @param shift page size: 12, 21 or 30
 */
export function tlbFill(cpu: Cpu, va: u64, frame: u64, shift: u32): void {
  const tlb = tlbOf(cpu);
  const page = pageNumber(va, shift);
  const pcid = currentPcid(cpu);
  const first = setOf(page, shift);
  let at = findSized(tlb, va, pcid, shift);
  // The tables say something else than what is cached, and lines that came from that would go on with it.
  if (at != 0 && (changetype<TlbEntry>(at).frame ^ frame) & ~PAGE_DIRTY) dropLinesOf(cpu, changetype<TlbEntry>(at));
  for (let way: u32 = 0; way < WAYS && at == 0; way++) {
    const candidate = entryAt(tlb, first + way);
    if (candidate.key == 0) at = changetype<usize>(candidate);
  }
  if (at == 0) {
    at = changetype<usize>(entryAt(tlb, first + (tlb.victim & (WAYS - 1))));
    tlb.victim += 1;
    dropLinesOf(cpu, changetype<TlbEntry>(at));
  }
  if (!(frame & PAGE_GLOBAL)) noteRecent(tlb, at);
  const entry = changetype<TlbEntry>(at);
  entry.key = KEY_VALID | (pcid << KEY_PCID_SHIFT) | page;
  entry.ignored = frame & PAGE_GLOBAL ? KEY_PCID : 0;
  entry.frame = frame;
  entry.shift = shift;
}

/** Drops the fast lines that came from an entry, whatever its context. */
function dropLinesOf(cpu: Cpu, entry: TlbEntry): void {
  const shift = entry.shift;
  const page = (entry.key & ~KEY_PCID & ~KEY_VALID) << shift;
  if (mayBeCode(cpu.index, page, shift)) dropJumps(cpu.index);
  if (shift == 12) {
    for (let set: u32 = 0; set < LINES_SETS; set++)
      dropLineIn(lineOf(linesOf(cpu.index, set), page), page, shift);
    return;
  }
  // Its pages have lines one behind the other.
  const bytes = min<usize>(FAST_LINES, <usize>1 << (shift - 12)) * offsetof<FastLine>();
  for (let set: u32 = 0; set < LINES_SETS; set++) {
    const first = changetype<usize>(lineOf(linesOf(cpu.index, set), page));
    for (let at = first; at < first + bytes; at += offsetof<FastLine>())
      dropLineIn(changetype<FastLine>(at), page, shift);
  }
}

/** Clears the line if it is of a page among the 2^shift bytes at linear address `page`. */
function dropLineIn(line: FastLine, page: u64, shift: u32): void {
  const tag = line.readTag | line.writeTag | line.fetchTag;
  if (((tag ^ page) & LINEAR_MASK) >> shift != 0) return;
  line.readTag = 0;
  line.writeTag = 0;
  line.fetchTag = 0;
}

/** Sends writes to the page of RAM at linear address `page` the slow way, on all CPUs. */
export function fastLinesForbidWrites(page: usize): void {
  for (let cpu: u32 = 0; cpu < machine().cpuCount; cpu++) {
    const end = linesOf(cpu, LINES_SETS);
    for (let at = linesOf(cpu, 0); at < end; at += offsetof<FastLine>()) {
      const line = changetype<FastLine>(at);
      if (<usize>(line.writeTag & PAGE_NUMBER) + line.delta == page) line.writeTag = 0;
    }
  }
}

/** Makes the next write to any page look for its translation again. */
export function forgetWriteLines(): void {
  for (let cpu: u32 = 0; cpu < machine().cpuCount; cpu++) {
    const end = linesOf(cpu, LINES_SETS);
    for (let at = linesOf(cpu, 0); at < end; at += offsetof<FastLine>()) changetype<FastLine>(at).writeTag = 0;
  }
}

/** More of them than there is room for are counted as one too many. */
@inline
function noteRecent(tlb: Tlb, entry: usize): void {
  const count = tlb.recentCount;
  if (count < RECENT_MAX) store<u32>(tlb.recent + (<usize>count << 2), <u32>entry);
  tlb.recentCount = min(count + 1, RECENT_MAX + 1);
}

/** Makes all fast lines stale; needed whenever a translation or the right to use it may change. */
export function dropFastLines(cpu: Cpu): void {
  dropJumps(cpu.index);
  cpu.fastContext += 1;
  if (cpu.fastContext <= CONTEXT_MAX) return;
  const first = linesOf(cpu.index, 0);
  memory.fill(first, 0, linesOf(cpu.index, LINES_SETS) - first);
  cpu.fastContext = 1;
}

/** The set of ring 3; lines of compatibility mode are apart from those of 64-bit mode. */
export function userLines(cpu: Cpu): u32 {
  return cpu.efer & EFER_LMA && !in64BitMode(cpu) ? LINES_NARROW : LINES_USER;
}

/** Selects the fast lines that may be used now: to be called when CPL, CS.L, AC, SMAP or AM has changed. */
export function selectFastLines(cpu: Cpu): void {
  let set = cpu.cpl == 3 ? userLines(cpu) : LINES_SUPERVISOR;
  if (cpu.rflags & RFLAGS_AC) {
    if (cpu.cpl != 3) set = LINES_ACCESS;
    else if (cpu.cr0 & CR0_AM) set = LINES_NONE;
  }
  if (cpu.dr7 & DR7_ENABLED) set = LINES_NONE;
  cpu.fastLines = linesOf(cpu.index, set);
}

/** A line is 32 bytes and a page 4096: the page number times 32 is the address shifted by 7. */
export const LINE_SHIFT: u32 = 7;
export const LINE_MASK: u32 = (FAST_LINES - 1) * 32;

@inline
function lineOf(lines: usize, va: u64): FastLine {
  return changetype<FastLine>(lines + ((<u32>va >>> LINE_SHIFT) & LINE_MASK));
}

/** WebAssembly address of the byte at `va` when a fast line allows the read, else 0. */
@inline
export function fastRead(cpu: Cpu, va: u64): usize {
  const line = lineOf(cpu.fastLines, va);
  return line.readTag == ((va & PAGE_NUMBER) | cpu.fastContext) ? <usize>va + line.delta : 0;
}

/** As `fastRead`, for the bytes at `va` to `va + last`, which must be on one page. */
@inline
export function fastReadUpTo(cpu: Cpu, va: u64, last: u64): usize {
  const line = lineOf(cpu.fastLines, va);
  return line.readTag == (((va + last) & PAGE_NUMBER) | cpu.fastContext) ? <usize>va + line.delta : 0;
}

/** As `fastRead`, for a write. */
@inline
export function fastWrite(cpu: Cpu, va: u64): usize {
  const line = lineOf(cpu.fastLines, va);
  return line.writeTag == ((va & PAGE_NUMBER) | cpu.fastContext) ? <usize>va + line.delta : 0;
}

/** As `fastReadUpTo`, for a write. */
@inline
export function fastWriteUpTo(cpu: Cpu, va: u64, last: u64): usize {
  const line = lineOf(cpu.fastLines, va);
  return line.writeTag == (((va + last) & PAGE_NUMBER) | cpu.fastContext) ? <usize>va + line.delta : 0;
}

/** As `fastRead`, for an instruction fetch. */
@inline
export function fastFetch(cpu: Cpu, va: u64): usize {
  const line = lineOf(cpu.fastLines, va);
  return line.fetchTag == ((va & PAGE_NUMBER) | cpu.fastContext) ? <usize>va + line.delta : 0;
}

/** Which tag of a fast line an access of this kind uses. */
export const FAST_READ: u32 = 0;
export const FAST_WRITE: u32 = 1;
export const FAST_FETCH: u32 = 2;

/**
 * Notes in the lines of `set` that accesses of `kind` to the page of `va` are allowed and reach the
 * WebAssembly address `pointer` (of the byte at `va`). 32-bit code counts on missing what it reaches by a
 * sum that exceeds 32 bits (MODE_FLAT in engine/mode.ts).
 */
export function fillFastLine(cpu: Cpu, set: u32, va: u64, kind: u32, pointer: usize): void {
  if (va >> 32 != 0 && (set == LINES_NARROW || !(cpu.efer & EFER_LMA))) return;
  const line = lineOf(linesOf(cpu.index, set), va);
  const tag = (va & PAGE_NUMBER) | cpu.fastContext;
  // The three tags share one distance, so those of another page go.
  if (line.readTag != tag) line.readTag = 0;
  if (line.writeTag != tag) line.writeTag = 0;
  if (line.fetchTag != tag) line.fetchTag = 0;
  line.delta = pointer - <usize>va;
  store<u64>(changetype<usize>(line) + (<usize>kind << 3), tag);
}

/** Drops everything, global pages of all contexts included. */
export function flushAll(cpu: Cpu): void {
  memory.fill(tlbOf(cpu).entries, 0, <usize>ENTRIES * offsetof<TlbEntry>());
  tlbOf(cpu).recentCount = 0;
  dropFastLines(cpu);
}

/** Drops the pages of all contexts that are not global. */
export function flushNonGlobal(cpu: Cpu): void {
  const tlb = tlbOf(cpu);
  const count = tlb.recentCount;
  tlb.recentCount = 0;
  if (count <= RECENT_MAX) {
    for (let n: u32 = 0; n < count; n++) dropUnlessGlobal(<usize>load<u32>(tlb.recent + (<usize>n << 2)));
  } else {
    for (let index: u32 = 0; index < ENTRIES; index++) dropUnlessGlobal(changetype<usize>(entryAt(tlb, index)));
  }
  dropFastLines(cpu);
}

/** A global page may have taken the place of one that was not. */
@inline
function dropUnlessGlobal(at: usize): void {
  const entry = changetype<TlbEntry>(at);
  if (entry.ignored == 0) entry.key = 0;
}

/** Drops the pages of context `pcid` that are not global. */
export function flushContext(cpu: Cpu, pcid: u64): void {
  const tlb = tlbOf(cpu);
  for (let index: u32 = 0; index < ENTRIES; index++) {
    const entry = entryAt(tlb, index);
    if (entry.ignored == 0 && (entry.key & KEY_PCID) == pcid << KEY_PCID_SHIFT) entry.key = 0;
  }
  dropFastLines(cpu);
}

/**
 * Drops the translations of the page of `va`, whatever its size, in context `pcid`; those of
 * global pages too when `globals` is set.
 */
export function flushPage(cpu: Cpu, va: u64, pcid: u64, globals: bool): void {
  const tlb = tlbOf(cpu);
  for (let shift: u32 = 12; shift <= 30; shift += 9) {
    const page = pageNumber(va, shift);
    const key = KEY_VALID | (pcid << KEY_PCID_SHIFT) | page;
    const first = setOf(page, shift);
    for (let way: u32 = 0; way < WAYS; way++) {
      const entry = entryAt(tlb, first + way);
      if (((entry.key ^ key) & ~entry.ignored) != 0) continue;
      if (entry.ignored != 0 && !globals) continue;
      dropLinesOf(cpu, entry);
      entry.key = 0;
    }
  }
}
