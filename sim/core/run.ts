/**
 * The run loop. Virtual time advances in slices; in each slice every CPU that has something to do
 * gets a turn, in order of its index. A micro-step is one event or one turn, so the machine can be
 * stopped, copied and compared after each.
 *
 *   event due?  -> dispatch it
 *   CPU ready?  -> its turn, up to the slice's end
 *   else        -> time advances to the slice's end or, when all are idle, to the next event
 */
import { cpuAt, CPU_RUNNING } from "./cpu/cpu";
import { cpuTurn } from "./cpu/entry";
import { cpuReady } from "./cpu/interrupts";
import { eventArgument, eventKind, NEVER, nextEventTime, takeEvent } from "./events";
import { dispatchEvent } from "./bus/dispatch";
import { hostControl } from "./host";
import { machine } from "./machine";
import { STOP_BREAK, STOP_IDLE, STOP_LIMIT, STOP_STEPS } from "../spec/stops";

/** Longest stretch that one CPU runs before the others get their turn, in cycles. */
const SLICE_CYCLES: u64 = 20_000;

/**
 * Runs until `limit` cycles of virtual time, `maxSteps` micro-steps, or something that ends the
 * run; returns why (sim/spec/stops.ts). No slice begins at or after `limit`.
 */
export function run(limit: u64, maxSteps: u32): u32 {
  const state = machine();
  const control = hostControl();
  control.breakHit = 0;
  let left = maxSteps;
  while (state.stopped == 0) {
    if (left == 0) return STOP_STEPS;
    if (state.turn == 0 && !beginSlice(limit)) return nextEventTime() == NEVER && !anyReady() ? STOP_IDLE : STOP_LIMIT;
    if (microStep()) {
      left -= 1;
      if (control.breakHit) return STOP_BREAK;
    }
  }
  return state.stopped;
}

/**
 * Finds the end of the next slice; false when there is nothing to do before `limit`. The limit only
 * decides whether a slice begins, never where it ends: how a run is cut must not change it.
 */
function beginSlice(limit: u64): bool {
  const state = machine();
  const next = nextEventTime();
  if (next > state.now && !anyReady()) {
    if (next >= limit) return false;
    state.now = next;
  }
  if (state.now >= limit) return false;
  state.sliceEnd = next <= state.now ? state.now : min(state.now + SLICE_CYCLES, next);
  return true;
}

/**
 * Lets an idle machine's time pass to `time` without doing anything, before an input that comes
 * then. Time never passes over an event or a CPU that has something to do.
 */
export function advanceIdle(time: u64): void {
  const state = machine();
  if (state.turn != 0 || anyReady() || nextEventTime() <= time) return;
  state.now = max(state.now, time);
}

/** Drops CPUs from `attention` that turn out to have nothing to do. */
function anyReady(): bool {
  const state = machine();
  let candidates = state.attention;
  while (candidates != 0) {
    const index = <u32>ctz(candidates);
    if (cpuReady(cpuAt(index))) return true;
    candidates &= candidates - 1;
    state.attention &= ~(<u64>1 << index);
  }
  return false;
}

/** One event or one CPU's turn; false when only time moved. */
function microStep(): bool {
  const state = machine();
  if (state.turn == 0 && nextEventTime() <= state.now) {
    state.steps += 1;
    const slot = takeEvent();
    dispatchEvent(eventKind(slot), eventArgument(slot));
    return true;
  }
  let candidates = state.turn < 64 ? (state.attention >> state.turn) << state.turn : 0;
  while (candidates != 0) {
    const index = <u32>ctz(candidates);
    candidates &= candidates - 1;
    const cpu = cpuAt(index);
    if (!cpuReady(cpu)) {
      state.attention &= ~(<u64>1 << index);
      continue;
    }
    if (cpu.clock < state.now) cpu.clock = state.now;
    if (cpu.clock >= state.sliceEnd) continue;
    state.turn = index;
    state.steps += 1;
    cpuTurn(cpu, state.sliceEnd);
    if (cpu.clock >= state.sliceEnd || !cpuReady(cpu)) state.turn = index + 1;
    return true;
  }
  state.now = state.sliceEnd;
  state.turn = 0;
  return false;
}
