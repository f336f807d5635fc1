/**
 * Where the engine keeps what is no machine state (sim/spec/caches.ts):
 *
 *   host window   EngineState: how the interpreter and the turn hand each other the CPU
 *   behind RAM    CPU 0: fast lines (supervisor, user, supervisor with AC, none), jump cache |
 *                 CPU 1 … 63 |
 *                 heads of the block table | blocks | a record for each frame of RAM | a digest for each
 */
import { machine } from "../machine";
import { HOST_BASE, RAM_BASE } from "../memory";
import {
  CACHE_BLOCK_BYTES,
  CACHE_CPU_BYTES,
  CACHE_CPUS,
  CACHE_DIGEST_BYTES,
  CACHE_FIXED_BYTES,
  CACHE_LINES_BYTES,
  CACHE_RECORD_BYTES,
  CACHE_TABLE_BYTES,
} from "../../spec/caches";

export const ENGINE_BASE: usize = HOST_BASE + 0x800;
/** Generation of each CPU's jump cache: entries of another one are stale. */
const GENERATIONS: usize = ENGINE_BASE + 0x100;
/** The instruction that is being decoded, and its bytes when they are on two pages. */
export const INSTRUCTION: usize = ENGINE_BASE + 0x200;
export const INSTRUCTION_BYTES: usize = ENGINE_BASE + 0x300;
/** A block that is used once: shorter than the cached one, or not to be cached. */
const SINGLE_BYTES: usize = 0x2000;
/**
 * Behind it, for system instructions: what a transfer may have to put back (cpu/undo.ts), the new TSS of a
 * task switch (cpu/task.ts), parameters that a gate copies, the image of an XSAVE area (system-state.ts).
 */
const TASK_IMAGE_AT: usize = SINGLE_BYTES - 0x680;
const KEPT_STATE_AT: usize = SINGLE_BYTES - 0x600;
const GATE_PARAMETERS_AT: usize = SINGLE_BYTES - 0x480;
const STATE_IMAGE_AT: usize = SINGLE_BYTES - 0x400;
const LINES_BYTES: usize = CACHE_LINES_BYTES;
const JUMP_ENTRIES: usize = 16384;
const JUMP_ENTRY_BYTES: usize = 16;

@unmanaged
export class EngineState {
  /** Where the next block goes; 0 before the first one. */
  blockTop: usize;
  /** Set when a cached translation goes: the page that is being executed may be another now. */
  translationsChanged: u32;
  /** Set when a walk has stored an accessed or dirty flag: the bytes may be code. */
  tablesChanged: u32;
  /** Stores that went through a long list of blocks, since such a list was dropped (blocks.ts). */
  searches: u32;
  /** 1 while one instruction is executed alone: it may reach devices and store into code. */
  alone: u32;
  /** Why and where the interpreter left (interpreter.ts), and the cycles that it had left. */
  reason: u32;
  block: usize;
  operation: usize;
  left: i32;
  /** Linear memory that a read-modify-write has read and will write; 0: `modifyEnd` knows. */
  modified: usize;
  /** The site (blocks.ts) through which a block would have been entered. */
  site: usize;
  /** The span of memory of the access in progress (access.ts): up to a page's end, and behind it. */
  spanAddress: u64;
  spanNext: u64;
  spanPointer: usize;
  spanNextPointer: usize;
  spanHead: u32;
  /** Set by a task switch when the new task's state is being loaded (cpu/task.ts). */
  switched: u32;
  /** Set when an access has reached a device: what it has done may be an interrupt. */
  device: u32;
  /** The block that is being made (emitter.ts): where its next micro-op goes, and its mode. */
  emitTop: usize;
  emitMode: u32;
  /** RIP of the instruction that is being translated, and of the one behind it. */
  emitRip: u64;
  emitNextRip: u64;
  /** Its memory operand, as micro-ops name one. */
  memoryDisplacement: u64;
  memoryBase: u32;
  memoryIndex: u32;
  memoryScale: u32;
  /** The compare, or 0, with which a conditional jump may become one micro-op. */
  fusible: usize;
  /** A site that leads nowhere: the target of an indirect jump. */
  indirectLink: u32;
  indirectReserved: u32;
  indirectRip: u64;
}

@inline
export function engine(): EngineState {
  return changetype<EngineState>(ENGINE_BASE);
}

/** The site of an indirect jump: its link is 0 for ever. */
export const INDIRECT_SITE: usize = ENGINE_BASE + offsetof<EngineState>("indirectLink");

/** What is known of a frame of RAM. */
@unmanaged
export class Frame {
  /** Bit n: some block has been made of code among the bytes 64 n to 64 n + 63. */
  granules: u64;
  /** The first of the frame's blocks (Block.nextInFrame). */
  blocks: usize;
  /** What is known of its contents (frames.ts). */
  known: u32;
}

@inline
function cachesBase(): usize {
  return RAM_BASE + <usize>machine().ramBytes;
}

@inline
function cpuCaches(cpu: u32): usize {
  return cachesBase() + <usize>cpu * <usize>CACHE_CPU_BYTES;
}

/** Which fast lines are used depends on what an access's right depends on, beside the page. */
export const LINES_SUPERVISOR: u32 = 0;
export const LINES_USER: u32 = 1;
/** A supervisor that may reach user pages in spite of SMAP, because AC is set. */
export const LINES_ACCESS: u32 = 2;
/** Compatibility mode in ring 3: what 64-bit code has reached beyond 4 GiB isn't there. */
export const LINES_NARROW: u32 = 3;
/** Sets that are ever filled. */
export const LINES_SETS: u32 = 4;
/** Never filled: each access is to be looked at, for its alignment. */
export const LINES_NONE: u32 = 4;

export function linesOf(cpu: u32, set: u32): usize {
  return cpuCaches(cpu) + <usize>set * LINES_BYTES;
}

export function jumpCacheOf(cpu: u32): usize {
  return linesOf(cpu, LINES_NONE + 1);
}

/*
 * The pages that have been fetched from since the jump cache was made stale, as a filter: a bit each
 * for 4096 hashed pages of 4 KiB, and the same for regions of 2 MiB. What isn't in it can go from the
 * TLB without a jump that knows it, and isn't what is being executed.
 */
const FILTER_BITS: u32 = 4096;
const FILTER_BYTES: usize = 512;

@inline
function filterOf(cpu: u32): usize {
  return jumpCacheOf(cpu) + JUMP_ENTRIES * JUMP_ENTRY_BYTES;
}

/** Where the bit of `page`, a page number, is in one of the two halves: its byte, and its mask. */
@inline
function filterByte(half: usize, page: u32): usize {
  return half + <usize>((page & (FILTER_BITS - 1)) >>> 3);
}

@inline
function filterMask(page: u32): u32 {
  return 1 << (page & 7);
}

/** Notes that there is code of the page of `linear`. */
@inline
export function noteFetch(cpu: u32, linear: u64): void {
  const filter = filterOf(cpu);
  const page = <u32>(linear >> 12);
  const small = filterByte(filter, page);
  store<u8>(small, load<u8>(small) | filterMask(page));
  const medium = filterByte(filter + FILTER_BYTES, page >>> 9);
  store<u8>(medium, load<u8>(medium) | filterMask(page >>> 9));
}

/** Whether code may have been fetched from the page of 2^shift bytes at `linear`. */
export function mayBeCode(cpu: u32, linear: u64, shift: u32): bool {
  const filter = filterOf(cpu);
  const page = <u32>(linear >> 12);
  if (shift == 12) return (load<u8>(filterByte(filter, page)) & filterMask(page)) != 0;
  if (shift != 21) return true;
  const region = page >>> 9;
  return (load<u8>(filterByte(filter + FILTER_BYTES, region)) & filterMask(region)) != 0;
}

/** The entry for `rip` of a jump cache: RIP, tag, block. */
@inline
export function jumpEntry(jumps: usize, rip: u64): usize {
  return jumps + (((<usize>rip ^ (<usize>rip >>> 12)) & (JUMP_ENTRIES - 1)) << 4);
}

export function clearJumpCache(cpu: u32): void {
  memory.fill(jumpCacheOf(cpu), 0, JUMP_ENTRIES * JUMP_ENTRY_BYTES);
}

@inline
export function blockTable(): usize {
  return cachesBase() + <usize>CACHE_CPU_BYTES * <usize>CACHE_CPUS;
}

@inline
export function singleBlock(): usize {
  return blockTable() + <usize>CACHE_TABLE_BYTES;
}

@inline
export function keptState(): usize {
  return singleBlock() + KEPT_STATE_AT;
}

@inline
export function taskImage(): usize {
  return singleBlock() + TASK_IMAGE_AT;
}

@inline
export function gateParameters(): usize {
  return singleBlock() + GATE_PARAMETERS_AT;
}

@inline
export function stateImage(): usize {
  return singleBlock() + STATE_IMAGE_AT;
}

@inline
export function blocksBase(): usize {
  return singleBlock() + SINGLE_BYTES;
}

@inline
export function blocksEnd(): usize {
  return singleBlock() + <usize>CACHE_BLOCK_BYTES;
}

/** The record of the frame in which linear address `pointer`, which is in RAM, lies. */
@inline
export function frameOf(pointer: usize): Frame {
  const records = cachesBase() + <usize>CACHE_FIXED_BYTES;
  return changetype<Frame>(records + ((pointer - RAM_BASE) >>> 12) * <usize>CACHE_RECORD_BYTES);
}

/** Where the digest of that frame is kept. */
@inline
export function digestOf(pointer: usize): usize {
  return framesEnd() + ((pointer - RAM_BASE) >>> 12) * <usize>CACHE_DIGEST_BYTES;
}

@inline
export function framesEnd(): usize {
  return framesBase() + (<usize>machine().ramBytes >>> 12) * <usize>CACHE_RECORD_BYTES;
}

@inline
export function framesBase(): usize {
  return cachesBase() + <usize>CACHE_FIXED_BYTES;
}

const GENERATION_MAX: u32 = 0x003f_ffff;

@inline
export function jumpGeneration(cpu: u32): u32 {
  return load<u32>(GENERATIONS + (<usize>cpu << 2));
}

/** Makes the CPU's jump cache stale: a page may be another, or may be executable no longer. */
export function dropJumps(cpu: u32): void {
  const at = GENERATIONS + (<usize>cpu << 2);
  const next = load<u32>(at) + 1;
  memory.fill(filterOf(cpu), 0, 2 * FILTER_BYTES);
  store<u32>(at, next > GENERATION_MAX ? 1 : next);
  if (next > GENERATION_MAX) clearJumpCache(cpu);
  engine().translationsChanged = 1;
}
