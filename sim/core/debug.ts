/**
 * What a debugger outside of the machine asks of it: where turns pause. A turn that is paused stands
 * between two instructions, and goes on as the same micro-step, so a run is the same with pauses and
 * without. Nothing here is machine state: no hash or snapshot has it, and no guest can see it.
 *
 * Breakpoints are values of RIP. Blocks end before them and are not linked to what begins there, so
 * all other code runs at full speed. Pages with a watchpoint have no fast lines: every access to them
 * goes the slow way, where it is compared, and the instruction is executed alone.
 */
import { Cpu, cpuAt } from "./cpu/cpu";
import { flushBlocks } from "./engine/blocks";
import { clearJumpCache, jumpCacheOf, linesOf } from "./engine/memory";
import { HOST_BUFFER, HOST_BUFFER_BYTES } from "./host";
import { machine } from "./machine";
import {
  DEBUG_BREAKPOINT,
  DEBUG_BREAKPOINTS_MAX,
  DEBUG_CLOCK,
  DEBUG_HOLD,
  DEBUG_READ,
  DEBUG_WATCHPOINT,
  DEBUG_WATCHPOINTS_MAX,
  DEBUG_WRITE,
} from "../spec/debug";

@unmanaged
export class DebugControl {
  /** 1: turns ask before each block. */
  active: u32;
  /** The CPU whose turn is paused, plus 1; 0: none is. */
  paused: u32;
  /** The CPU that is to pause when its clock has come to `pauseClock`; more than any index: none. */
  pauseCpu: u32;
  breakpoints: u32;
  pauseClock: u64;
  /** A breakpoint doesn't count for this CPU at this time: the CPU goes on from it. */
  passClock: u64;
  passCpu: u32;
  watchpoints: u32;
  /** Why it paused (sim/spec/debug.ts); with a watchpoint, what was accessed, and by which CPU. */
  reason: u32;
  /** DEBUG_READ or DEBUG_WRITE of a watched access that has been made; 0: none. */
  hitKind: u32;
  hitAddress: u64;
  hitCpu: u32;
  /** Bit n: before CPU n gets a turn, the run stops, so that the host can hold it (`Machine.held`). */
  toBeHeld: u64;
}

@unmanaged
export class Watchpoint {
  first: u64;
  bytes: u32;
  /** DEBUG_READ, DEBUG_WRITE or both. */
  kinds: u32;
}

export const DEBUG_BASE: usize = HOST_BUFFER + HOST_BUFFER_BYTES;
const BREAKPOINTS: usize = DEBUG_BASE + 0x80;
const WATCHPOINTS: usize = BREAKPOINTS + 8 * <usize>DEBUG_BREAKPOINTS_MAX;
const PAGE: u64 = ~(<u64>0xfff);

@inline
export function debugControl(): DebugControl {
  return changetype<DebugControl>(DEBUG_BASE);
}

/** For the host: where its view of the control is. */
export function debugAddress(): usize {
  return DEBUG_BASE;
}

/** Forgets all breakpoints and watchpoints. What follows takes effect with `debugApply`. */
export function debugClear(): void {
  debugControl().breakpoints = 0;
  debugControl().watchpoints = 0;
}

/** False: there are DEBUG_BREAKPOINTS_MAX already. */
export function debugAddBreakpoint(rip: u64): bool {
  const control = debugControl();
  if (control.breakpoints == <u32>DEBUG_BREAKPOINTS_MAX) return false;
  store<u64>(BREAKPOINTS + (<usize>control.breakpoints << 3), rip);
  control.breakpoints += 1;
  return true;
}

/** False: there are DEBUG_WATCHPOINTS_MAX already. */
export function debugAddWatchpoint(address: u64, bytes: u32, kinds: u32): bool {
  const control = debugControl();
  if (control.watchpoints == <u32>DEBUG_WATCHPOINTS_MAX) return false;
  const entry = watchpointAt(control.watchpoints);
  entry.first = address;
  entry.bytes = bytes;
  entry.kinds = kinds;
  control.watchpoints += 1;
  return true;
}

/** Empties all caches that know nothing of the break- and watchpoints; also after a restore in place. */
export function debugApply(): void {
  flushBlocks();
  for (let cpu: u32 = 0; cpu < machine().cpuCount; cpu++) {
    memory.fill(linesOf(cpu, 0), 0, jumpCacheOf(cpu) - linesOf(cpu, 0));
    clearJumpCache(cpu);
  }
}

@inline
function watchpointAt(index: u32): Watchpoint {
  return changetype<Watchpoint>(WATCHPOINTS + <usize>index * offsetof<Watchpoint>());
}

/** Whether a breakpoint is at `rip`; asked where a block is made, and where one is looked for. */
export function isBreakpoint(rip: u64): bool {
  const end = BREAKPOINTS + (<usize>debugControl().breakpoints << 3);
  for (let at = BREAKPOINTS; at < end; at += 8) if (load<u64>(at) == rip) return true;
  return false;
}

/** Whether a watchpoint is on the page of `va`. */
export function pageIsWatched(va: u64): bool {
  const count = debugControl().watchpoints;
  for (let n: u32 = 0; n < count; n++) {
    const entry = watchpointAt(n);
    if ((va & PAGE) <= entry.first + (entry.bytes - 1) && (va | ~PAGE) >= entry.first) return true;
  }
  return false;
}

/** The kinds of access that are watched anywhere in `bytes` bytes at `va`. */
function watchedKinds(va: u64, bytes: u32): u32 {
  const count = debugControl().watchpoints;
  let kinds: u32 = 0;
  for (let n: u32 = 0; n < count; n++) {
    const entry = watchpointAt(n);
    if (va < entry.first + entry.bytes && va + bytes > entry.first) kinds |= entry.kinds;
  }
  return kinds;
}

/**
 * Whether an access may be made: a watched one only by an instruction that is executed alone, and it is
 * noted, so that the turn pauses behind the instruction.
 */
export function watchAccess(cpu: Cpu, va: u64, bytes: u32, write: bool, alone: bool): bool {
  const kind: u32 = write ? DEBUG_WRITE : DEBUG_READ;
  if ((watchedKinds(va, bytes) & kind) == 0) return true;
  if (alone) noteWatched(cpu, va, kind);
  return alone;
}

/** The first one of an instruction counts. */
function noteWatched(cpu: Cpu, va: u64, kind: u32): void {
  const control = debugControl();
  if (control.hitKind != 0) return;
  control.hitKind = kind;
  control.hitAddress = va;
  control.hitCpu = cpu.index;
}

/** Cycles that the CPU may run at most before somebody asks again. */
@inline
export function debugBudget(cpu: Cpu, budget: u64): u64 {
  const control = debugControl();
  if (control.pauseCpu != cpu.index) return budget;
  return min(budget, control.pauseClock - cpu.clock);
}

/** Whether the CPU's turn pauses here, in front of the instruction at RIP. */
export function pausesHere(cpu: Cpu): bool {
  const control = debugControl();
  if (control.hitKind != 0) control.reason = DEBUG_WATCHPOINT;
  else if (pauseIsDue(cpu)) control.reason = DEBUG_CLOCK;
  else if (isBreakpoint(cpu.rip) && !passes(cpu)) control.reason = DEBUG_BREAKPOINT;
  else return false;
  control.paused = cpu.index + 1;
  return true;
}

@inline
function pauseIsDue(cpu: Cpu): bool {
  return debugControl().pauseCpu == cpu.index && cpu.clock >= debugControl().pauseClock;
}

@inline
function passes(cpu: Cpu): bool {
  const control = debugControl();
  return control.passCpu == cpu.index && control.passClock == cpu.clock;
}

/** Whether the run stops before a turn of this CPU; holding it is an input, and the host's to give. */
@inline
export function isToBeHeld(cpu: u32): bool {
  const control = debugControl();
  if (((control.toBeHeld >> cpu) & 1) == 0) return false;
  control.reason = DEBUG_HOLD;
  return true;
}

/** Whether the run ends here: a turn is paused, or what would have paused it has come with its end. */
export function pausesAfterStep(): bool {
  const control = debugControl();
  if (control.active == 0) return false;
  if (control.paused != 0) return true;
  if (control.hitKind != 0) control.reason = DEBUG_WATCHPOINT;
  else if (control.pauseCpu >= machine().cpuCount || !pauseIsDue(cpuAt(control.pauseCpu))) return false;
  else control.reason = DEBUG_CLOCK;
  return true;
}
