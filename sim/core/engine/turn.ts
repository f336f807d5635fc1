/**
 * A CPU's turn in machine code: runs blocks until the slice ends or something has to be decided that
 * blocks don't decide. Exceptions and interrupts of the running code are delivered within the turn.
 *
 * What is executed, and at which cycle, never depends on blocks: a block is begun only when the turn
 * has cycles for all of it, else as many of its instructions as there are cycles. Interrupts can come
 * up only where time, devices or the CPU's mode are touched: all of that leaves the blocks.
 */
import { Cpu, CPU_RUNNING, SHADOW_STACK } from "../cpu/cpu";
import { breakpointsHere, DR7_ENABLED } from "../cpu/debug";
import { DR6_BS, raise, raiseFault } from "../cpu/exceptions";
import { deliverPending, somethingWaits } from "../cpu/interrupts";
import { refuse } from "../cpu/segments";
import { selectFastLines } from "../cpu/tlb";
import { CODE_64 } from "../decode/instruction";
import { debugBudget, debugControl, isBreakpoint, pausesHere } from "../debug";
import { machine } from "../machine";
import { FAULT_AGAIN, FAULT_ALONE, FAULT_DIVIDE, FAULT_PROTECTION } from "./access";
import { Block, BLOCK_HEADER, blockAt, MICRO_BYTES } from "./blocks";
import { BLOCK_INSTRUCTIONS } from "./emit";
import { IN_STACK } from "./emitter";
import { clearTemporaries, loadFlags, storeFlags } from "./flags";
import { execute, executeSlowly } from "./interpreter.generated";
import { LEFT_AT_SITE, LEFT_FAULT, LEFT_SLOWLY, LEFT_SYSTEM } from "./leave";
import { blockFor, shortened } from "./lookup";
import {
  engine,
  INDIRECT_SITE,
  jumpCacheOf,
  jumpEntry,
  jumpGeneration,
  singleBlock,
} from "./memory";
import { jumpTag, MODE_CODE, MODE_LIMITED, modeOf, NO_TAG } from "./mode";
import { executeString, isString } from "./strings";
import { executeSystem } from "./system";
import { inWindow } from "./windows";
import { RFLAGS_RF, RFLAGS_TF, VECTOR_DB, VECTOR_DE, VECTOR_GP, VECTOR_SS } from "../../spec/x86";

/** More cycles than a slice has; fewer than a dropped block seems to have instructions. */
const BUDGET_MAX: u64 = 0x7fff_0000;

/** Runs from where the CPU stands until the slice ends, or RIP is in a window (windows.ts). */
export function codeTurn(cpu: Cpu): void {
  const state = machine();
  const debugged = debugControl().active != 0;
  loadFlags(cpu);
  while (cpu.activity == CPU_RUNNING && cpu.clock < state.sliceEnd && state.stopped == 0) {
    if (inWindow(cpu, cpu.rip)) break;
    let budget = min(state.sliceEnd - cpu.clock, BUDGET_MAX);
    if (debugged) {
      if (pausesHere(cpu)) break;
      budget = debugBudget(cpu, budget);
    }
    if (special(cpu)) runSpecial(cpu);
    else {
      // Of an instruction that has ended or will fault; or of a repeated one, which sets it again.
      cpu.rflags &= ~(<u64>RFLAGS_RF);
      run(cpu, budget);
    }
    deliverAll(cpu);
  }
  storeFlags(cpu);
  clearTemporaries(cpu);
}

/** Delivers what waits, one after the other: a handler may be interrupted before it begins. */
function deliverAll(cpu: Cpu): void {
  if (cpu.clock >= machine().sliceEnd || !somethingWaits(cpu)) return;
  storeFlags(cpu);
  let before: u64;
  do {
    before = cpu.interruptCount;
    deliverPending(cpu);
  } while (cpu.interruptCount != before && cpu.activity == CPU_RUNNING);
  loadFlags(cpu);
}

/** Whether the next instruction is followed by something: a trap, or the end of a shadow. */
@inline
function special(cpu: Cpu): bool {
  const watched = (cpu.rflags & RFLAGS_TF) != 0 || (cpu.dr7 & DR7_ENABLED) != 0;
  return watched || cpu.interruptShadow != 0;
}

/**
 * One instruction, with the breakpoint before it and the traps behind it (Intel SDM 3B, 17.3.1; their
 * order: 3A, table 6-2). Behind a load of SS there is neither (6.8.3).
 */
function runSpecial(cpu: Cpu): void {
  const flags = cpu.rflags;
  const shadow = cpu.interruptShadow;
  const level = cpu.cpl;
  const interrupts = cpu.interruptCount;
  const retired = cpu.retired;
  const watched = (flags & RFLAGS_RF) == 0 && shadow != SHADOW_STACK;
  const here: u64 = watched ? breakpointsHere(cpu) : 0;
  if (here != 0) {
    cpu.clock += 1;
    return debugException(cpu, here);
  }
  cpu.interruptShadow = 0;
  cpu.rflags &= ~(<u64>RFLAGS_RF);
  if (shadow != SHADOW_STACK) cpu.breakpointsMet = 0;
  run(cpu, 1);
  if (cpu.pendingException != 0) {
    // An instruction that has not ended leaves RF as it was.
    if (cpu.retired == retired) cpu.rflags |= flags & RFLAGS_RF;
    cpu.breakpointsMet = 0;
    return;
  }
  if (cpu.interruptShadow == SHADOW_STACK) return;
  let reasons: u64 = cpu.breakpointsMet;
  cpu.breakpointsMet = 0;
  if (flags & RFLAGS_TF) {
    // INT n and SYSCALL clear TF and are not followed by a trap (17.3.1.4).
    const entered = cpu.interruptCount != interrupts || cpu.cpl < level;
    if (!entered || cpu.rflags & RFLAGS_TF) reasons |= DR6_BS;
  }
  if (reasons != 0) debugException(cpu, reasons);
}

/** #DB for `reasons`, bits of DR6. */
function debugException(cpu: Cpu, reasons: u64): void {
  cpu.dr6 |= reasons;
  raise(cpu, VECTOR_DB, 0);
}

/** Lets the instructions that ended pass in time. */
@inline
function pass(cpu: Cpu, instructions: u64): void {
  cpu.clock += instructions;
  cpu.retired += instructions;
}

/**
 * Runs for `budget` cycles, or until an instruction was executed outside of its block or has
 * faulted. RIP and clock are exact afterwards.
 */
function run(cpu: Cpu, budget: u64): void {
  const state = engine();
  const mode = modeOf(cpu);
  const jumps = jumpCacheOf(cpu.index);
  selectFastLines(cpu);
  let left = <i32>budget;
  let at = blockFor(cpu, cpu.rip, mode, min<u32>(BLOCK_INSTRUCTIONS, <u32>left));
  while (at != 0) {
    const tag = jumpTag(cpu, mode, jumpGeneration(cpu.index));
    interpret(changetype<usize>(cpu), at, left, tag, jumps);
    left = state.left;
    if (state.reason != LEFT_AT_SITE) {
      if (!leftInside(cpu, budget)) return;
      left = state.left;
      at = blockFor(cpu, cpu.rip, mode, min<u32>(BLOCK_INSTRUCTIONS, <u32>left));
      continue;
    }
    const site = state.site;
    cpu.rip = load<u64>(site, 8);
    if (left == 0 || isBreakpoint(cpu.rip)) return pass(cpu, budget - <u64>left);
    at = blockFor(cpu, cpu.rip, mode, min<u32>(BLOCK_INSTRUCTIONS, <u32>left));
    // A flush has taken the site's block away.
    if (at != 0 && state.site == site) connect(cpu, state.block, site, at, mode);
  }
  pass(cpu, budget - <u64>left);
  if (cpu.fault != 0) fetchFault(cpu);
}

/** The next instruction can't be fetched: that takes a cycle, like every instruction that faults. */
function fetchFault(cpu: Cpu): void {
  cpu.clock += 1;
  raiseFault(cpu);
}

/**
 * Executes blocks from `first` on until something has to be decided here; EngineState says what.
 * @param budget cycles to the turn's end; at least those of the first block
 * @param tag what an entry of the jump cache `jumps` must have
 */
function interpret(cpu: usize, first: usize, budget: i32, tag: u32, jumps: usize): void {
  const state = engine();
  execute(cpu, first, first + BLOCK_HEADER, budget - load<i32>(first), tag, jumps);
  while (state.reason == LEFT_SLOWLY) {
    const ip = state.operation;
    executeSlowly(cpu, state.block, ip, state.left);
    if (state.reason != LEFT_SLOWLY) return;
    if (load<u32>(cpu, offsetof<Cpu>("fault")) != 0) {
      state.reason = LEFT_FAULT;
    } else if (state.site == 0) {
      execute(cpu, state.block, ip + MICRO_BYTES, state.left, tag, jumps);
    } else {
      state.reason = LEFT_AT_SITE;
      const next = behind(state.site, tag, jumps);
      const left = next == 0 ? -1 : state.left - load<i32>(next);
      if (left >= 0) execute(cpu, next, next + BLOCK_HEADER, left, tag, jumps);
    }
  }
}

/** The block to which a site leads, as the interpreter finds it, or 0. */
function behind(site: usize, tag: u32, jumps: usize): usize {
  const next = load<usize>(site);
  if (next != 0) return next;
  const rip = load<u64>(site, 8);
  const entry = jumpEntry(jumps, rip);
  return load<u64>(entry) == rip && load<u32>(entry, 8) == tag ? load<usize>(entry, 12) : 0;
}

/** Makes the way from `site` to the block `to` short: by a link within a page, else by the jump cache. */
function connect(cpu: Cpu, from: usize, site: usize, to: usize, mode: u32): void {
  const single = singleBlock();
  const target = blockAt(to);
  if (to == single || target.second != 0 || mode & MODE_LIMITED || isBreakpoint(target.rip)) return;
  const source = blockAt(from);
  const samePage = ((source.code ^ target.code) & ~0xfff) == 0;
  const sameDistance = target.rip - source.rip == <u64>(<i64>target.code - <i64>source.code);
  if (site != INDIRECT_SITE && from != single && samePage && sameDistance) {
    store<usize>(site, to);
    return;
  }
  const entry = jumpEntry(jumpCacheOf(cpu.index), target.rip);
  store<u64>(entry, target.rip);
  store<u32>(entry, jumpTag(cpu, mode, jumpGeneration(cpu.index)), 8);
  store<usize>(entry, to, 12);
}

/**
 * The interpreter has stopped at an instruction of a block: those before it have ended. True when that one
 * is to be fetched again; `left` of the engine's state is then what the turn has left for it.
 */
function leftInside(cpu: Cpu, budget: u64): bool {
  const state = engine();
  const block = blockAt(state.block);
  let offset: u64 = 0;
  let done: u32 = 0;
  for (let at = state.block + BLOCK_HEADER; at != state.operation; at += MICRO_BYTES) {
    offset += load<u8>(at, 6);
    done += load<u8>(at, 7);
  }
  const rip = block.rip + offset;
  cpu.rip = (block.mode & MODE_CODE) == CODE_64 ? rip : rip & 0xffff_ffff;
  const after = state.left + block.made - <i32>done;
  if (state.reason != LEFT_SYSTEM && cpu.fault == FAULT_AGAIN) {
    cpu.fault = 0;
    state.left = after;
    return true;
  }
  pass(cpu, budget - <u64>after);
  if (state.reason == LEFT_SYSTEM) outsideOfBlock(cpu, <u64>after);
  else if (cpu.fault == FAULT_ALONE) alone(cpu, block);
  else accessFault(cpu);
  return false;
}

/** Beyond canonical addresses the stack segment has its own fault (SDM 3A, 6.15, #SS). */
function accessFault(cpu: Cpu): void {
  const state = engine();
  const inStack = state.reason == LEFT_FAULT && (load<u8>(state.operation, 5) & IN_STACK) != 0;
  if (inStack && cpu.fault == VECTOR_GP) cpu.fault = VECTOR_SS;
  if (cpu.fault == FAULT_PROTECTION) refuse(cpu, VECTOR_GP, 0);
  fault(cpu);
}

/** Raises the fault of the instruction at RIP. */
function fault(cpu: Cpu): void {
  cpu.clock += 1;
  if (cpu.fault == FAULT_DIVIDE) {
    cpu.fault = 0;
    return raise(cpu, VECTOR_DE, 0);
  }
  raiseFault(cpu);
}

/**
 * Executes the instruction at RIP alone: every access is allowed, the clock is exact. It isn't
 * fetched again, because its first attempt has ended at a data access and changed nothing.
 */
function alone(cpu: Cpu, block: Block): void {
  const state = engine();
  const mode = block.mode;
  let at = changetype<usize>(block);
  if (block.instructions != 1) at = shortened(at, cpu.rip, mode, 1);
  cpu.fault = 0;
  state.alone = 1;
  interpret(changetype<usize>(cpu), at, 1, NO_TAG, jumpCacheOf(cpu.index));
  state.alone = 0;
  if (state.reason != LEFT_AT_SITE) return accessFault(cpu);
  cpu.rip = load<u64>(state.site, 8);
  pass(cpu, 1);
}

/** Executes the instruction at RIP, which is one of system.ts or strings.ts. */
function outsideOfBlock(cpu: Cpu, budget: u64): void {
  const state = engine();
  const ip = state.operation;
  const start = cpu.rip;
  const next = start + load<u8>(ip, 6);
  const following = (blockAt(state.block).mode & MODE_CODE) == CODE_64 ? next : next & 0xffff_ffff;
  if (isString(load<u32>(ip, 12) & 0xffff)) {
    const ended = executeString(cpu, ip, budget);
    if (cpu.fault != 0) return fault(cpu);
    if (ended) cpu.rip = following;
    else cpu.rflags |= RFLAGS_RF;
    return;
  }
  cpu.rip = following;
  storeFlags(cpu);
  executeSystem(cpu, ip);
  loadFlags(cpu);
  if (cpu.fault == 0) return pass(cpu, 1);
  cpu.rip = start;
  fault(cpu);
}
