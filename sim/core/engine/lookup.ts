/**
 * Finds or makes the block at a RIP. That is an instruction fetch, with all its effects on tables and
 * TLB (Intel SDM 3A, 4.6, 4.8); a fault is left in `cpu.fault`.
 */
import { physicalRead } from "../bus/bus";
import { Cpu, SEGMENT_CS, segmentAt } from "../cpu/cpu";
import { ACCESS_FETCH, accessOf, canonical, translate } from "../cpu/mmu";
import { refuse } from "../cpu/segments";
import { fastFetch } from "../cpu/tlb";
import { CODE_64 } from "../decode/instruction";
import { ramPointer } from "../ram";
import { addBlock, Block, blockAt, dropBlock, DROPPED, findBlock, reserveBlock } from "./blocks";
import { BLOCK_BYTES_MAX, BLOCK_INSTRUCTIONS, makeBlock } from "./emit";
import { INSTRUCTION_BYTES, noteFetch, singleBlock } from "./memory";
import { MODE_CODE, MODE_LIMITED } from "./mode";
import { inWindow } from "./windows";
import { VECTOR_GP } from "../../spec/x86";

const PAGE_BYTES: u32 = 4096;
const LONGEST: u32 = 15;

/** Linear address of RIP, or #GP(0) when it may not be fetched from. */
function linearRip(cpu: Cpu, rip: u64, mode: u32): u64 {
  if ((mode & MODE_CODE) == CODE_64) {
    if (!canonical(rip)) refuse(cpu, VECTOR_GP, 0);
    return rip;
  }
  const code = segmentAt(cpu, SEGMENT_CS);
  if (rip > <u64>code.limit) refuse(cpu, VECTOR_GP, 0);
  return (code.base + rip) & 0xffff_ffff;
}

/** Linear memory behind `linear` for a fetch; 0 when it isn't RAM, or after a fault. */
function fetchPointer(cpu: Cpu, linear: u64): usize {
  let pointer = fastFetch(cpu, linear);
  if (pointer == 0) {
    const address = translate(cpu, linear, accessOf(cpu, ACCESS_FETCH));
    pointer = cpu.fault != 0 ? 0 : ramPointer(address, 1);
  }
  noteFetch(cpu.index, linear);
  return pointer;
}

/** The block at `rip`, of at most `most` instructions; 0 after a fault, or in a window. */
export function blockFor(cpu: Cpu, rip: u64, mode: u32, most: u32): usize {
  if (inWindow(cpu, rip)) return 0;
  const linear = linearRip(cpu, rip, mode);
  if (cpu.fault != 0) return 0;
  const code = fetchPointer(cpu, linear);
  if (cpu.fault != 0) return 0;
  if (code == 0) return uncached(cpu, rip, linear, mode);
  let at = findBlock(code, rip, mode);
  if (at == 0) at = make(cpu, code, rip, linear, mode);
  else if (blockAt(at).second != 0) at = checkSecond(cpu, at, linear);
  if (at == 0) return 0;
  if (<u32>blockAt(at).instructions > most) at = shortened(at, rip, mode, most);
  return mode & MODE_LIMITED ? withinLimit(cpu, at, mode) : at;
}

/** A block of the first `most` instructions of another one, which is used once. */
export function shortened(whole: usize, rip: u64, mode: u32, most: u32): usize {
  const code = blockAt(whole).code + <usize>(rip - blockAt(whole).rip);
  makeBlock(singleBlock(), code, code, restOfPage(code), rip, mode, most);
  return singleBlock();
}

@inline
function restOfPage(code: usize): u32 {
  return PAGE_BYTES - (<u32>code & (PAGE_BYTES - 1));
}

function make(cpu: Cpu, code: usize, rip: u64, linear: u64, mode: u32): usize {
  const at = reserveBlock(BLOCK_BYTES_MAX);
  const end = makeBlock(at, code, code, restOfPage(code), rip, mode, BLOCK_INSTRUCTIONS);
  if (end == 0) return makeCrossing(cpu, at, code, rip, linear, mode);
  addBlock(at, end);
  return at;
}

/** One instruction that goes on in the next page: both pages are fetched from, each time. */
function makeCrossing(cpu: Cpu, at: usize, code: usize, rip: u64, linear: u64, mode: u32): usize {
  const head = restOfPage(code);
  const next = nextPage(linear, mode);
  const second = fetchPointer(cpu, next);
  if (cpu.fault != 0) return 0;
  memory.copy(INSTRUCTION_BYTES, code, head);
  if (second == 0) {
    fetchBytes(cpu, next, INSTRUCTION_BYTES + head, LONGEST - head);
    makeBlock(singleBlock(), code, INSTRUCTION_BYTES, LONGEST, rip, mode, 1);
    return singleBlock();
  }
  memory.copy(INSTRUCTION_BYTES + head, second, LONGEST - head);
  const end = makeBlock(at, code, INSTRUCTION_BYTES, LONGEST, rip, mode, 1);
  // The walk to the second page may have changed the bytes on the first.
  if (blockAt(at).bytes > head) blockAt(at).second = second;
  addBlock(at, end);
  return at;
}

@inline
function nextPage(linear: u64, mode: u32): u64 {
  const next = (linear | 0xfff) + 1;
  return (mode & MODE_CODE) == CODE_64 ? next : next & 0xffff_ffff;
}

/** The second page may have been mapped elsewhere meanwhile; finding it may have changed the code itself. */
function checkSecond(cpu: Cpu, at: usize, linear: u64): usize {
  const block = blockAt(at);
  const second = fetchPointer(cpu, nextPage(linear, block.mode));
  if (cpu.fault != 0) return 0;
  const dropped = block.instructions == DROPPED;
  if (second == block.second && !dropped) return at;
  if (!dropped) dropBlock(at);
  // A flush leaves the bytes of the dropped block until the new one is written over them.
  const code = block.code;
  const rip = block.rip;
  const mode = block.mode;
  return makeCrossing(cpu, reserveBlock(BLOCK_BYTES_MAX), code, rip, linear, mode);
}

/** Code that isn't in RAM is read byte by byte for each instruction. */
function uncached(cpu: Cpu, rip: u64, linear: u64, mode: u32): usize {
  const head = min(LONGEST, PAGE_BYTES - (<u32>linear & (PAGE_BYTES - 1)));
  fetchBytes(cpu, linear, INSTRUCTION_BYTES, head);
  if (makeBlock(singleBlock(), 0, INSTRUCTION_BYTES, head, rip, mode, 1) == 0) {
    fetchBytes(cpu, nextPage(linear, mode), INSTRUCTION_BYTES + head, LONGEST - head);
    if (cpu.fault != 0) return 0;
    makeBlock(singleBlock(), 0, INSTRUCTION_BYTES, LONGEST, rip, mode, 1);
  }
  return singleBlock();
}

/** Copies bytes of one page, from wherever they are. */
function fetchBytes(cpu: Cpu, linear: u64, to: usize, bytes: u32): void {
  const address = translate(cpu, linear, accessOf(cpu, ACCESS_FETCH));
  if (cpu.fault != 0) return;
  for (let n: u32 = 0; n < bytes; n++) store<u8>(to + n, <u8>physicalRead(address + n, 1));
}

/** With a limit below 4 GiB: the block itself, its first instruction alone, or #GP(0). */
function withinLimit(cpu: Cpu, at: usize, mode: u32): usize {
  const limit = <u64>segmentAt(cpu, SEGMENT_CS).limit;
  let block: Block = blockAt(at);
  if (block.rip + block.bytes - 1 <= limit) return at;
  const whole = block.instructions == 1 ? at : shortened(at, block.rip, mode, 1);
  block = blockAt(whole);
  if (block.rip + block.bytes - 1 <= limit) return whole;
  refuse(cpu, VECTOR_GP, 0);
  return 0;
}
