/**
 * Blocks: straight-line code of one page as micro-ops (emit.ts), and what finds and drops them.
 *
 *   Block | micro-op | micro-op | …
 *
 * A block belongs to the code at one address in RAM, with one RIP, in one mode. It ends at a branch,
 * before an instruction that is a block of its own, at the page's end or after BLOCK_INSTRUCTIONS.
 * A **site** is where it may lead: the block that follows, once that is known, and its RIP. Sites link
 * blocks of one page only, so that what is executed by a link needs no translation.
 *
 * Code that is written to: each frame has a bit for every 64 bytes that some block was made of. Its
 * pages can't be written to by the fast lines, and what comes the slow way asks for the bit first.
 * A dropped block stays where it is until all are flushed, with more instructions than any turn has
 * cycles, so that whoever is still linked to it finds out by the check that is made anyway.
 */
import { fastLinesForbidWrites } from "../cpu/tlb";
import { fetchFrames, noteChange } from "../frames";
import { machine } from "../machine";
import { RAM_BASE } from "../memory";
import { ramPointer } from "../ram";
import {
  blocksBase,
  blocksEnd,
  blockTable,
  dropJumps,
  engine,
  Frame,
  frameOf,
  framesBase,
  framesEnd,
} from "./memory";
import { CACHE_TABLE_BYTES } from "../../spec/caches";

@unmanaged
export class Block {
  /** Instructions, each of which is a cycle; DROPPED when the code has changed. */
  instructions: i32;
  /** Bytes of code. */
  bytes: u32;
  /** Two sites: where a jump leads to, and what comes behind the block. */
  takenLink: u32;
  takenReserved: u32;
  takenRip: u64;
  nextLink: u32;
  nextReserved: u32;
  nextRip: u64;
  rip: u64;
  /** Linear address of the first byte, and of the page on which the last instruction ends, or 0. */
  code: usize;
  second: usize;
  mode: u32;
  /** Chains of the table and of the frames of `code` and `second`. */
  nextInTable: usize;
  nextInFrame: usize;
  nextInSecond: usize;
  /** `instructions` as it was before the block was dropped. */
  made: i32;
}

export const BLOCK_HEADER: usize = 80;
export const MICRO_BYTES: usize = 16;
export const DROPPED: i32 = 0x7fff_ffff;
export const TAKEN_SITE: usize = offsetof<Block>("takenLink");
export const NEXT_SITE: usize = offsetof<Block>("nextLink");
const PAGE_MASK: usize = 0xfff;

@inline
export function blockAt(at: usize): Block {
  return changetype<Block>(at);
}

function headOf(code: usize, rip: u64, mode: u32): usize {
  const mixed = (<u32>code ^ (<u32>(rip >> 12) * 0x9e37) ^ (mode << 9)) * 0x9e37_79b1;
  return blockTable() + ((<usize>(mixed >>> 16) << 2) & (<usize>CACHE_TABLE_BYTES - 1));
}

/** The block of the code at linear address `code`, or 0. */
export function findBlock(code: usize, rip: u64, mode: u32): usize {
  let at = load<usize>(headOf(code, rip, mode));
  while (at != 0) {
    const block = blockAt(at);
    if (block.code == code && block.rip == rip && block.mode == mode) return at;
    at = block.nextInTable;
  }
  return 0;
}

/** Makes room for a block of at most `bytes`, if need be by flushing all others. */
export function reserveBlock(bytes: usize): usize {
  const state = engine();
  if (state.blockTop == 0) state.blockTop = blocksBase();
  if (state.blockTop + bytes > blocksEnd()) flushBlocks();
  return state.blockTop;
}

/** Lets the block at the top be found; `end` is the first byte behind its last micro-op. */
export function addBlock(at: usize, end: usize): void {
  const block = blockAt(at);
  engine().blockTop = end;
  const head = headOf(block.code, block.rip, block.mode);
  block.nextInTable = load<usize>(head);
  store<usize>(head, at);
  const first = block.second == 0 ? block.bytes : 4096 - (<u32>block.code & 0xfff);
  block.nextInFrame = addToFrame(at, block.code, first);
  if (block.second == 0) return;
  const rest = block.bytes - first;
  if (isOneFrame(block)) frameOf(block.second).granules |= granulesOf(0, rest);
  else block.nextInSecond = addToFrame(at, block.second, rest);
}

/** Whether both pages of a block are one frame, in whose list it stands once: mappings may be so. */
@inline
function isOneFrame(block: Block): bool {
  return ((block.code ^ block.second) & ~PAGE_MASK) == 0;
}

/** Puts the block into the frame's list; returns the one that was the first. */
function addToFrame(at: usize, code: usize, bytes: u32): usize {
  const frame = frameOf(code);
  if (frame.granules == 0) fastLinesForbidWrites(code & ~PAGE_MASK);
  frame.granules |= granulesOf(code & PAGE_MASK, bytes);
  const first = frame.blocks;
  frame.blocks = at;
  return first;
}

/** The bits of the granules that `bytes` bytes from `offset` on a page touch. */
@inline
function granulesOf(offset: usize, bytes: u32): u64 {
  const first = <u64>(offset >>> 6);
  const last = <u64>((offset + <usize>bytes - 1) >>> 6);
  return (~(<u64>0) >> (63 - (last - first))) << first;
}

/** Whether a block was made of any of the bytes at linear address `at`, all on one page of RAM. */
export function holdsCode(at: usize, bytes: u32): bool {
  const frame = frameOf(at);
  if ((frame.granules & granulesOf(at & PAGE_MASK, bytes)) == 0) return false;
  for (let block = frame.blocks; block != 0; block = followerIn(block, at)) {
    if (overlaps(blockAt(block), at, bytes)) return true;
  }
  return false;
}

/** The blocks of the frame in which `at` lies. */
export function blocksOf(at: usize): u32 {
  let count: u32 = 0;
  for (let block = frameOf(at).blocks; block != 0; block = followerIn(block, at)) count += 1;
  return count;
}

/** The next block in the list of the frame in which `at` lies. */
@inline
function followerIn(at: usize, pointer: usize): usize {
  const block = blockAt(at);
  const inFirst = ((block.code ^ pointer) & ~PAGE_MASK) == 0;
  return inFirst ? block.nextInFrame : block.nextInSecond;
}

function overlaps(block: Block, at: usize, bytes: u32): bool {
  const room = 4096 - (<u32>block.code & 0xfff);
  const first = min(block.bytes, room);
  if (at < block.code + first && at + bytes > block.code) return true;
  return block.second != 0 && at < block.second + (block.bytes - first) && at + bytes > block.second;
}

/**
 * Tells that `bytes` bytes of RAM at linear address `at` change, by whatever way but a fast line:
 * blocks that were made of them are dropped, and what is known of the frame's contents is forgotten.
 */
export function codeWritten(at: usize, bytes: u32): void {
  let from = at;
  const end = at + bytes;
  while (from < end) {
    const span = <u32>min<usize>(end - from, 4096 - (from & PAGE_MASK));
    const frame = frameOf(from);
    noteChange(frame);
    if (frame.granules != 0 && (frame.granules & granulesOf(from & PAGE_MASK, span)) != 0)
      dropOverlapping(frame, from, span);
    from += span;
  }
}

/**
 * A long list of a frame's blocks is dropped as a whole after so many stores that went through one. Code that
 * writes to itself and begins a block at each of its addresses would make that thousands of blocks a store.
 */
const LONG_LIST: u32 = 128;
const LONG_SEARCHES: u32 = 64;

function dropOverlapping(frame: Frame, at: usize, bytes: u32): void {
  let block = frame.blocks;
  let seen: u32 = 0;
  while (block != 0) {
    const next = followerIn(block, at);
    if (overlaps(blockAt(block), at, bytes)) dropBlock(block);
    block = next;
    seen += 1;
  }
  const state = engine();
  if (seen > LONG_LIST) state.searches += 1;
  if (state.searches > LONG_SEARCHES) {
    state.searches = 0;
    while (frame.blocks != 0) dropBlock(frame.blocks);
  }
  frame.granules = 0;
  for (block = frame.blocks; block != 0; block = followerIn(block, at))
    frame.granules |= granulesIn(blockAt(block), at);
}

/** The granules that the block has on the page of `pointer`. */
function granulesIn(block: Block, pointer: usize): u64 {
  const room = 4096 - (<u32>block.code & 0xfff);
  const first = min(block.bytes, room);
  let bits: u64 = 0;
  if (((block.code ^ pointer) & ~PAGE_MASK) == 0) bits = granulesOf(block.code & PAGE_MASK, first);
  if (block.second != 0 && ((block.second ^ pointer) & ~PAGE_MASK) == 0)
    bits |= granulesOf(0, block.bytes - first);
  return bits;
}

/** Takes a block out of everything that finds it. */
export function dropBlock(at: usize): void {
  const block = blockAt(at);
  block.instructions = DROPPED;
  unchain(headOf(block.code, block.rip, block.mode), at, 0);
  removeFromFrame(at, block.code);
  if (block.second != 0 && !isOneFrame(block)) removeFromFrame(at, block.second);
}

function unchain(head: usize, at: usize, pointer: usize): void {
  let link = head;
  while (load<usize>(link) != at) {
    assert(load<usize>(link) != 0, "blocks: a block isn't in its chain");
    const block = blockAt(load<usize>(link));
    const inSecond = pointer != 0 && ((block.code ^ pointer) & ~PAGE_MASK) != 0;
    const field = inSecond ? offsetof<Block>("nextInSecond") : offsetof<Block>("nextInFrame");
    link = changetype<usize>(block) + (pointer == 0 ? offsetof<Block>("nextInTable") : field);
  }
  const block = blockAt(at);
  store<usize>(link, pointer == 0 ? block.nextInTable : followerIn(at, pointer));
}

function removeFromFrame(at: usize, pointer: usize): void {
  const frame = frameOf(pointer);
  unchain(changetype<usize>(frame) + offsetof<Frame>("blocks"), at, pointer);
}

/** Drops all blocks; the interpreter must have been left. */
export function flushBlocks(): void {
  memory.fill(blockTable(), 0, <usize>CACHE_TABLE_BYTES);
  forgetCode();
  for (let cpu: u32 = 0; cpu < machine().cpuCount; cpu++) dropJumps(cpu);
  engine().blockTop = blocksBase();
  engine().site = 0;
}

/** Records that hold no code aren't touched: most frames have never had any. */
function forgetCode(): void {
  const end = framesEnd();
  for (let at = framesBase(); at < end; at += offsetof<Frame>()) {
    const frame = changetype<Frame>(at);
    if ((frame.granules | <u64>frame.blocks) == 0) continue;
    frame.granules = 0;
    frame.blocks = 0;
  }
}

/** The same by physical address, for who changes RAM without the bus: kernel.wasm's own stores. */
export function codeChanged(address: u64, bytes: u32): void {
  const pointer = ramPointer(address, bytes);
  if (pointer != 0) codeWritten(pointer, bytes);
}

/** The same for any span of linear memory, which the host has changed. */
export function memoryChanged(from: usize, bytes: usize): void {
  const end = RAM_BASE + <usize>machine().ramBytes;
  const first = max(from, RAM_BASE);
  if (from + bytes <= first || first >= end) return;
  const count = <u32>(min(from + bytes, end) - first);
  fetchFrames(first, count);
  codeWritten(first, count);
}
