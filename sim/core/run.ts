/**
 * The run loop. Virtual time advances in slices; in each slice every CPU that has something to do
 * gets a turn, in order of its index. A micro-step is one event or one turn, so the machine can be
 * stopped, copied and compared after each.
 *
 *   event due?  -> dispatch it
 *   CPU ready?  -> its turn, up to the slice's end
 *   else        -> time advances to the slice's end or, when all are idle, to the next event
 *
 * State changes in micro-steps only. What comes next is searched for without a trace, so a machine
 * after its n-th step is the same whichever way, and in however many pieces, it was run there.
 */
import { cpuAt } from "./cpu/cpu";
import { cpuTurn } from "./cpu/entry";
import { cpuReady } from "./cpu/interrupts";
import { debugControl, isToBeHeld, pausesAfterStep } from "./debug";
import { codeTurn } from "./engine/turn";
import { eventArgument, eventKind, NEVER, nextEventTime, takeEvent } from "./events";
import { dispatchEvent } from "./bus/dispatch";
import { hostControl } from "./host";
import { machine, NO_CPU } from "./machine";
import { STOP_AGENT, STOP_BREAK, STOP_IDLE, STOP_LIMIT, STOP_PAUSE, STOP_STEPS } from "../spec/stops";

/** Longest stretch that one CPU runs before the others get their turn, in cycles. */
const SLICE_CYCLES: u64 = 20_000;

/** What `findNext` finds besides a reason to stop: an event that is due, or a CPU's turn. */
const FOUND_EVENT: u32 = 0x100;
const FOUND_TURN: u32 = 0x101;
/** More than any CPU's index. */
const NONE: u32 = 64;

/**
 * Runs until `limit` cycles of virtual time, `maxSteps` micro-steps, or something that ends the
 * run; returns why (sim/spec/stops.ts). No slice begins at or after `limit`.
 */
export function run(limit: u64, maxSteps: u32): u32 {
  const state = machine();
  const control = hostControl();
  control.breakHit = 0;
  control.limit = limit;
  for (let left = maxSteps; state.stopped == 0; left--) {
    if (left == 0) return STOP_STEPS;
    const found = findNext(limit);
    if (found < FOUND_EVENT) return found;
    if (found == FOUND_TURN && isToBeHeld(control.cpu)) return STOP_PAUSE;
    if (found == FOUND_TURN && cpuAt(control.cpu).waitsForHost != 0) return STOP_AGENT;
    microStep(found);
    if (pausesAfterStep()) return STOP_PAUSE;
    if (control.breakHit) return STOP_BREAK;
  }
  return state.stopped;
}

/**
 * Goes on with the turn that a debugger has paused, within the same micro-step; one whose CPU it holds
 * since then is over.
 * @returns whether it is over, and nothing has come for which the debugger waits
 */
export function endPausedTurn(): bool {
  const control = debugControl();
  const index = control.paused - 1;
  control.paused = 0;
  if (((machine().held >> index) & 1) == 0) {
    machine().running = index;
    codeTurn(cpuAt(index));
    machine().running = NO_CPU;
  }
  if (control.paused == 0) endTurn(index);
  return control.paused == 0 && !pausesAfterStep();
}

/** Runs on, to the same limit: without a 64-bit number, which costs the host more than a step. */
export function goOn(maxSteps: u32): u32 {
  return run(hostControl().limit, maxSteps);
}

/**
 * Lets time pass to `time` before an input that comes then, unless something is to be done first.
 */
export function advanceIdle(time: u64): void {
  const state = machine();
  if (time <= state.now || findNext(time) >= FOUND_EVENT) return;
  state.now = time;
  state.sliceEnd = time;
  state.turn = 0;
}

/**
 * Searches for the next micro-step and leaves where it takes place in the host window. Returns
 * FOUND_EVENT, FOUND_TURN, STOP_LIMIT when the next slice begins at or after `limit`, or STOP_IDLE.
 * The limit only decides whether a slice begins, never where one ends.
 */
function findNext(limit: u64): u32 {
  const state = machine();
  const control = hostControl();
  let now = state.now;
  let end = state.sliceEnd;
  let turn = state.turn;
  while (true) {
    if (turn == 0) {
      const next = nextEventTime();
      if (next > now && nextReady(0) == NONE) {
        if (next == NEVER) return STOP_IDLE;
        now = next;
      }
      if (now >= limit) return STOP_LIMIT;
      control.sliceStart = now;
      if (next <= now) return FOUND_EVENT;
      end = min(now + SLICE_CYCLES, next);
    }
    const index = nextTurn(turn, now, end);
    if (index != NONE) {
      control.sliceStart = now;
      control.sliceEnd = end;
      control.cpu = index;
      return FOUND_TURN;
    }
    now = end;
    turn = 0;
  }
}

/** The first CPU from index `from` that has a turn in the slice from `now` to `end`; else NONE. */
function nextTurn(from: u32, now: u64, end: u64): u32 {
  let index = nextReady(from);
  while (index != NONE && max(cpuAt(index).clock, now) >= end) index = nextReady(index + 1);
  return index;
}

/** The first CPU from index `from` that has something to do; NONE when there is none. */
function nextReady(from: u32): u32 {
  if (from >= NONE) return NONE;
  let candidates = ((machine().attention & ~machine().held) >> from) << from;
  for (; candidates != 0; candidates &= candidates - 1) {
    const index = <u32>ctz(candidates);
    if (cpuReady(cpuAt(index))) return index;
  }
  return NONE;
}

function microStep(found: u32): void {
  const state = machine();
  const control = hostControl();
  state.steps += 1;
  state.now = control.sliceStart;
  if (found == FOUND_EVENT) {
    state.sliceEnd = state.now;
    state.turn = 0;
    const slot = takeEvent();
    dispatchEvent(eventKind(slot), eventArgument(slot));
    return;
  }
  const index = control.cpu;
  const cpu = cpuAt(index);
  state.sliceEnd = control.sliceEnd;
  state.turn = index;
  if (cpu.clock < state.now) cpu.clock = state.now;
  cpuTurn(cpu, state.sliceEnd);
  if (debugControl().paused == 0) endTurn(index);
}

/** Who is next. */
function endTurn(index: u32): void {
  const state = machine();
  const cpu = cpuAt(index);
  if (!cpuReady(cpu)) state.attention &= ~(<u64>1 << index);
  else if (cpu.clock < state.sliceEnd) return;
  state.turn = index + 1;
}
