/**
 * String instructions (Intel SDM 2A-2B; SDM 1, 7.3.9). Each iteration takes a cycle and may be
 * followed by an interrupt; RIP then stays at the instruction, with rCX, rSI and rDI as far as it
 * has come. Whole runs within pages of RAM are copied and filled at once.
 */
import { Cpu, SEGMENT_ES } from "../cpu/cpu";
import { fastRead, fastWrite } from "../cpu/tlb";
import { machine } from "../machine";
import { storeSized } from "../ram";
import { loadSlow, storeSlow } from "./access";
import { linearOf } from "./address";
import { compareFlags } from "./exchange";
import { flagZF } from "./flags";
import { readSlot, writeSlot } from "./integer";
import { engine } from "./memory";
import {
  OP_CMPS,
  OP_LODS,
  OP_MOVS,
  OP_SCAS,
  OP_STOS,
} from "../../spec/isa/operations.generated";
import { RFLAGS_DF } from "../../spec/x86";

const PREFIX_REPNE: u32 = 0xf2;
const PAGE_BYTES: u32 = 4096;

/** INS and OUTS are with the ports (system.ts). */
@inline
export function isString(operation: u32): bool {
  return operation >= <u32>OP_MOVS && operation <= <u32>OP_SCAS;
}

@inline
function indexAt(cpu: Cpu, field: usize, bytes: u32): u64 {
  return readSlot(changetype<usize>(cpu) + field, bytes);
}

@inline
function moveIndex(cpu: Cpu, field: usize, bytes: u32, by: i64): void {
  const slot = changetype<usize>(cpu) + field;
  writeSlot(slot, bytes, readSlot(slot, bytes) + <u64>by);
}

const RSI: usize = offsetof<Cpu>("rsi");
const RDI: usize = offsetof<Cpu>("rdi");
const RCX: usize = offsetof<Cpu>("rcx");

/**
 * Executes the micro-op at `ip` for as many iterations as there are cycles; true when the instruction
 * has ended. A fault of an iteration is left in `cpu.fault`; those before it count.
 */
export function executeString(cpu: Cpu, ip: usize, budget: u64): bool {
  const state = engine();
  const operation = load<u32>(ip, 12) & 0xffff;
  const repeat = load<u32>(ip, 12) >> 16;
  const size = <u32>load<u8>(ip, 4);
  const fields = <u32>load<u8>(ip, 5);
  const width: u32 = 1 << ((fields >> 1) & 7);
  const segment = fields >> 4;
  const end = cpu.clock + budget;
  state.alone = 1;
  state.device = 0;
  let ended = repeat != 0 && indexAt(cpu, RCX, width) == 0;
  if (ended) pass(cpu, 1);
  while (!ended) {
    const room = min(end, machine().sliceEnd) - cpu.clock;
    const many = repeat == 0 ? 0 : bulk(cpu, operation, size, width, segment, room);
    if (many == 0) iterate(cpu, operation, size, width, segment);
    if (cpu.fault != 0) break;
    const done = max<u64>(many, 1);
    pass(cpu, done);
    ended = repeat == 0;
    if (!ended) {
      moveIndex(cpu, RCX, width, -(<i64>done));
      ended = indexAt(cpu, RCX, width) == 0;
      if (operation == OP_CMPS || operation == OP_SCAS)
        ended = ended || (flagZF(changetype<usize>(cpu)) != 0) == (repeat == PREFIX_REPNE);
    }
    if (state.device != 0 || cpu.clock >= min(end, machine().sliceEnd)) break;
  }
  state.alone = 0;
  return ended;
}

@inline
function pass(cpu: Cpu, cycles: u64): void {
  cpu.clock += cycles;
  cpu.retired += cycles;
}

/** One iteration, without the count. */
function iterate(cpu: Cpu, operation: u32, size: u32, width: u32, segment: u32): void {
  const slots = changetype<usize>(cpu);
  const step: i64 = cpu.rflags & RFLAGS_DF ? -(<i64>size) : <i64>size;
  const reads = operation != OP_STOS && operation != OP_SCAS;
  let value = readSlot(slots, size);
  if (reads) {
    const from = linearOf(cpu, segment, indexAt(cpu, RSI, width), size, false);
    value = cpu.fault == 0 ? loadSlow(cpu, from, size) : 0;
  }
  if (cpu.fault != 0) return;
  if (operation == OP_LODS) writeSlot(slots, size, value);
  else {
    const writes = operation == OP_MOVS || operation == OP_STOS;
    const to = linearOf(cpu, SEGMENT_ES, indexAt(cpu, RDI, width), size, writes);
    if (cpu.fault != 0) return;
    if (writes) storeSlow(cpu, to, size, value);
    else {
      const other = loadSlow(cpu, to, size);
      if (cpu.fault == 0) compareFlags(slots, value, other, size);
    }
    if (cpu.fault != 0) return;
    moveIndex(cpu, RDI, width, step);
  }
  if (reads) moveIndex(cpu, RSI, width, step);
}

/** As many iterations of MOVS or STOS forward as one copy or fill can do; 0 when it has to be one. */
function bulk(cpu: Cpu, operation: u32, size: u32, width: u32, segment: u32, room: u64): u64 {
  if ((operation != OP_MOVS && operation != OP_STOS) || cpu.rflags & RFLAGS_DF) return 0;
  const to = linearOf(cpu, SEGMENT_ES, indexAt(cpu, RDI, width), size, true);
  const from = operation == OP_MOVS ? linearOf(cpu, segment, indexAt(cpu, RSI, width), size, false) : to;
  if (cpu.fault != 0) {
    cpu.fault = 0;
    return 0;
  }
  const rest = min(untilPage(to), untilPage(from)) / size;
  let count = min(min(<u64>rest, room), indexAt(cpu, RCX, width));
  const target = fastWrite(cpu, to);
  const source = operation == OP_MOVS ? fastRead(cpu, from) : target;
  if (count < 2 || target == 0 || source == 0) return 0;
  // A copy onto what it has yet to read repeats a pattern: no further than to its beginning.
  const distance = target - source;
  if (operation == OP_MOVS && distance < <usize>count * size) count = distance / size;
  if (distance == 0 && operation == OP_MOVS) return 0;
  if (count < 2 || !lastFits(cpu, operation, count, size, width, segment)) return 0;
  const bytes = <usize>count * size;
  if (operation == OP_MOVS) memory.copy(target, source, bytes);
  else fill(target, bytes, size, readSlot(changetype<usize>(cpu), size));
  moveIndex(cpu, RDI, width, <i64>bytes);
  if (operation == OP_MOVS) moveIndex(cpu, RSI, width, <i64>bytes);
  return count;
}

@inline
function untilPage(linear: u64): u32 {
  return PAGE_BYTES - (<u32>linear & (PAGE_BYTES - 1));
}

/** Limits and wrap-around of the indices: the last iteration must be where the first one led. */
function lastFits(cpu: Cpu, operation: u32, count: u64, size: u32, width: u32, segment: u32): bool {
  const more = (count - 1) * size;
  const mask: u64 = width == 2 ? 0xffff : width == 4 ? 0xffff_ffff : ~(<u64>0);
  const to = indexAt(cpu, RDI, width);
  const from = indexAt(cpu, RSI, width);
  if (to + more > mask || (operation == OP_MOVS && from + more > mask)) return false;
  linearOf(cpu, SEGMENT_ES, to + more, size, true);
  if (operation == OP_MOVS && cpu.fault == 0) linearOf(cpu, segment, from + more, size, false);
  const fits = cpu.fault == 0;
  cpu.fault = 0;
  return fits;
}

function fill(target: usize, bytes: usize, size: u32, value: u64): void {
  if (size == 1) return memory.fill(target, <u8>value, bytes);
  for (let n: usize = 0; n < bytes; n += size) storeSized(target + n, size, value);
}
