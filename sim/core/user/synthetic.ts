/** The interpreter of synthetic instructions; sim/spec/synthetic.ts says what each does. */
import { charge, Cpu } from "../cpu/cpu";
import { raise, raiseFault } from "../cpu/exceptions";
import { ACCESS_READ, ACCESS_USER, loadFast, storeFast, translate } from "../cpu/mmu";
import { readTsc } from "../cpu/msr";
import { refuse } from "../cpu/segments";
import { systemCall } from "../cpu/syscall";
import { fastRead } from "../cpu/tlb";
import { machine } from "../machine";
import { trace } from "../trace";
import {
  INSTRUCTION_BYTES,
  OP_ADD,
  OP_ADD_REG,
  OP_JUMP,
  OP_JUMP_BELOW,
  OP_JUMP_IF,
  OP_JUMP_UNLESS,
  OP_LOAD,
  OP_MARK,
  OP_MOVE,
  OP_RANDOM,
  OP_RUN,
  OP_SET,
  OP_STORE,
  OP_SUB,
  OP_SYSCALL,
  OP_TIME,
  OP_TOUCH,
  RUN_ADD,
} from "../../spec/synthetic";
import { TRACE_MARK } from "../../spec/trace";
import { CR4_TSD, VECTOR_GP, VECTOR_UD } from "../../spec/x86";

/** Fields of an instruction. */
const REGISTER_A: usize = 2;
const REGISTER_B: usize = 3;
const FLAGS: usize = 4;
const X: usize = 8;
const Y: usize = 16;
const Z: usize = 24;

const REGISTERS: u32 = 16;
/** log2 of INSTRUCTION_BYTES: jumps count instructions. */
const JUMP_SHIFT: u64 = 5;
const ALL_ONES: u64 = 0xffff_ffff_ffff_ffff;
const RANDOM_STATE: u64 = 88172645463325252;
const RANDOM_MULTIPLIER: u64 = 2685821657736338717;

@inline
function get(cpu: Cpu, register: u32): u64 {
  return load<u64>(changetype<usize>(cpu) + (<usize>register << 3));
}

@inline
function set(cpu: Cpu, register: u32, value: u64): void {
  store<u64>(changetype<usize>(cpu) + (<usize>register << 3), value);
}

/** Executes up to the slice's end, a system call, a mark or an exception. */
export function executeSynthetic(cpu: Cpu): void {
  const state = machine();
  cpu.fault = 0;
  while (cpu.clock < state.sliceEnd) {
    const pc = cpu.rbx;
    const at = instructionAt(cpu, pc);
    if (at == 0 || !execute(cpu, pc, at)) {
      if (cpu.fault == 0) return;
      cpu.rbx = pc;
      charge(cpu, 1);
      raiseFault(cpu);
      return;
    }
  }
}

/** Where the instruction at `pc` is in RAM; 0 for a fault. Aligned, it is on one page. */
@inline
function instructionAt(cpu: Cpu, pc: u64): usize {
  const at = fastRead(cpu, pc);
  return at != 0 && pc % INSTRUCTION_BYTES == 0 ? at : fetchSlowly(cpu, pc);
}

function fetchSlowly(cpu: Cpu, pc: u64): usize {
  if (pc % INSTRUCTION_BYTES == 0) {
    translate(cpu, pc, ACCESS_READ | ACCESS_USER);
    if (cpu.fault != 0) return 0;
    // Every page of RAM has a fast line now.
    const at = fastRead(cpu, pc);
    if (at != 0) return at;
  }
  refuse(cpu, VECTOR_UD, 0);
  return 0;
}

/** Executes one instruction; false ends the turn, by a fault if `cpu.fault` is set. */
@inline
function execute(cpu: Cpu, pc: u64, at: usize): bool {
  const a = <u32>load<u8>(at, REGISTER_A);
  const b = <u32>load<u8>(at, REGISTER_B);
  const x = load<u64>(at, X);
  if ((a | b) >= REGISTERS) return refuse(cpu, VECTOR_UD, 0);
  cpu.rbx = pc + INSTRUCTION_BYTES;
  switch (<i32>load<u16>(at)) {
    case OP_RUN:
      return burn(cpu, pc, load<u32>(at, FLAGS) & RUN_ADD ? x + get(cpu, b) : x);
    case OP_SET:
      set(cpu, a, x);
      break;
    case OP_MOVE:
      set(cpu, a, get(cpu, b));
      break;
    case OP_ADD:
      set(cpu, a, get(cpu, b) + x);
      break;
    case OP_SUB:
      set(cpu, a, get(cpu, b) - x);
      break;
    case OP_ADD_REG:
      set(cpu, a, get(cpu, a) + get(cpu, b));
      break;
    case OP_RANDOM:
      set(cpu, a, x + randomBelow(cpu, b, load<u64>(at, Y)));
      break;
    case OP_JUMP:
      cpu.rbx = pc + (x << JUMP_SHIFT);
      break;
    case OP_JUMP_IF:
      if (get(cpu, a) != 0) cpu.rbx = pc + (x << JUMP_SHIFT);
      break;
    case OP_JUMP_UNLESS:
      if (get(cpu, a) == 0) cpu.rbx = pc + (x << JUMP_SHIFT);
      break;
    case OP_JUMP_BELOW:
      if (get(cpu, a) < get(cpu, b)) cpu.rbx = pc + (x << JUMP_SHIFT);
      break;
    case OP_LOAD: {
      const value = loadFast<u64>(cpu, get(cpu, b) + x);
      if (cpu.fault != 0) return false;
      set(cpu, a, value);
      break;
    }
    case OP_STORE:
      storeFast<u64>(cpu, get(cpu, b) + x, get(cpu, a));
      if (cpu.fault != 0) return false;
      break;
    default:
      return executeRare(cpu, pc, at, a, x);
  }
  charge(cpu, 1);
  return true;
}

function executeRare(cpu: Cpu, pc: u64, at: usize, a: u32, x: u64): bool {
  switch (<i32>load<u16>(at)) {
    case OP_TOUCH:
      return touch(cpu, pc, at, x, a);
    case OP_SYSCALL:
      if (!systemCall(cpu, cpu.rip)) return false;
      charge(cpu, 1);
      return false;
    case OP_MARK:
      trace(TRACE_MARK, cpu.index, 0, x, get(cpu, a));
      charge(cpu, 1);
      return false;
    case OP_TIME:
      if (cpu.cr4 & CR4_TSD) return refuse(cpu, VECTOR_GP, 0);
      set(cpu, a, readTsc(cpu));
      charge(cpu, 1);
      return true;
    default:
      return refuse(cpu, VECTOR_UD, 0);
  }
}

/** OP_RUN: `cycles` from the start, or what R13 has left of them. */
@inline
function burn(cpu: Cpu, pc: u64, cycles: u64): bool {
  const left = cpu.r13 != 0 ? cpu.r13 : max(cycles, 1);
  const now = min(left, machine().sliceEnd - cpu.clock);
  charge(cpu, now);
  cpu.r13 = left - now;
  if (now != left) cpu.rbx = pc;
  return true;
}

/** OP_TOUCH, from the byte whose number is in R13. */
function touch(cpu: Cpu, pc: u64, at: usize, first: u64, a: u32): bool {
  const state = machine();
  const stride = load<u64>(at, Y);
  const count = load<u64>(at, Z);
  if (cpu.r13 >= count) charge(cpu, 1);
  while (cpu.r13 < count) {
    if (cpu.clock >= state.sliceEnd) {
      cpu.rbx = pc;
      return true;
    }
    storeFast<u8>(cpu, first + cpu.r13 * stride, <u8>get(cpu, a));
    if (cpu.fault != 0) return false;
    cpu.r13 += 1;
    charge(cpu, 1);
  }
  cpu.r13 = 0;
  return true;
}

/** A number from 0 to `last`; the state is in register `b`. */
function randomBelow(cpu: Cpu, b: u32, last: u64): u64 {
  let state = get(cpu, b);
  if (state == 0) state = RANDOM_STATE;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  set(cpu, b, state);
  const random = state * RANDOM_MULTIPLIER;
  return last == ALL_ONES ? random : random % (last + 1);
}
