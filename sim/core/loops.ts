/**
 * Loops over the machine's inner paths, exported by sim-testing.wasm for the benchmarks: what is
 * measured is called from WebAssembly, as it is in a run.
 */
import { physicalWrite } from "./bus/bus";
import { dispatchEvent } from "./bus/dispatch";
import { cpuAt } from "./cpu/cpu";
import { loadFast } from "./cpu/mmu";
import {
  createEvent,
  EVENT_SLOTS_MAX,
  eventArgument,
  eventKind,
  EventQueue,
  NEVER,
  nextEventTime,
  scheduleAt,
  takeEvent,
} from "./events";
import { deliverMessage } from "./interrupts/lines";
import { machine, NO_CPU } from "./machine";
import { run } from "./run";

/** A kind of event that no device has: dispatching it costs what dispatching costs. */
const EVENT_OF_NOBODY: u16 = 0xffff;
/** Longest time from one of these events to its next, in cycles; a power of two. */
const EVENT_CYCLES: u64 = 1 << 20;
/** More micro-steps than one message or one command takes. */
const STEPS: u32 = 1000;

/** The CPU on whose behalf bus accesses are made from now on; NO_CPU: none. */
export function loopCpu(cpu: u32): void {
  machine().running = cpu;
}

/** Sums `count` 8-byte loads of CPU 0, `stride` apart, in the `mask` + 1 bytes at linear `base`. */
export function loopTlb(base: u64, mask: u64, stride: u64, count: u32): u64 {
  const cpu = cpuAt(0);
  let sum: u64 = 0;
  let offset: u64 = 0;
  for (let index: u32 = 0; index < count; index++) {
    sum += loadFast<u64>(cpu, base + offset);
    offset = (offset + stride) & mask;
  }
  return sum;
}

/** The same of linear memory, without a machine: `at` is an address of the WebAssembly memory. */
export function loopPlain(at: u64, mask: u64, stride: u64, count: u32): u64 {
  let sum: u64 = 0;
  let offset: u64 = 0;
  for (let index: u32 = 0; index < count; index++) {
    sum += load<u64>(<usize>(at + offset));
    offset = (offset + stride) & mask;
  }
  return sum;
}

/** Follows a chain of linear addresses from `start`: each load waits for the one before. */
export function loopTlbChain(start: u64, count: u32): u64 {
  const cpu = cpuAt(0);
  let at = start;
  for (let index: u32 = 0; index < count; index++) at = loadFast<u64>(cpu, at);
  return at;
}

/** The same chain by plain loads, of addresses `distance` before those of the WebAssembly memory. */
export function loopPlainChain(start: u64, distance: u64, count: u32): u64 {
  let at = start;
  for (let index: u32 = 0; index < count; index++) at = load<u64>(<usize>(at + distance));
  return at;
}

/** Takes event slots of nobody until `wanted` are scheduled or no slot is left; how many are. */
export function loopEventsSetUp(wanted: u32): u32 {
  const events = changetype<EventQueue>(machine().eventQueue);
  while (events.count < wanted && events.slotCount < EVENT_SLOTS_MAX)
    scheduleAt(createEvent(EVENT_OF_NOBODY, 0), machine().now + next(events.count));
  return events.count;
}

/** Dispatches the earliest event and schedules it anew, `count` times (the "hold" operation). */
export function loopEvents(count: u32): void {
  const state = machine();
  for (let index: u32 = 0; index < count; index++) {
    const time = nextEventTime();
    const slot = takeEvent();
    state.now = time;
    dispatchEvent(eventKind(slot), eventArgument(slot));
    scheduleAt(slot, time + next(index));
  }
}

/** A delay that looks random: the high bits of a multiplicative hash (Knuth, TAOCP 3, 6.4). */
@inline
function next(index: u32): u64 {
  return 1 + ((<u64>(index * 0x9e37_79b1) >> 12) & (EVENT_CYCLES - 1));
}

/** Sends `count` messages with `data` to `address`, running the machine to idleness after each. */
export function loopMessages(address: u64, data: u32, count: u32): void {
  for (let index: u32 = 0; index < count; index++) {
    deliverMessage(address, data);
    run(NEVER, STEPS);
  }
}

/**
 * Completes `count` NVMe commands that stand in the rings already, in turn on the I/O queue pairs
 * 1 .. `queues` of `entries` entries, whose tail and head is `start`; returns the next start.
 */
export function loopCommands(doorbells: u64, queues: u32, entries: u32, start: u32, count: u32): u32 {
  machine().running = NO_CPU;
  let position = start;
  for (let done: u32 = 0; done < count; done += queues) {
    position = position + 1 == entries ? 0 : position + 1;
    for (let queue: u32 = 1; queue <= queues; queue++)
      physicalWrite(doorbells + <u64>(queue << 3), 4, position);
    run(NEVER, 0xffff_ffff);
    for (let queue: u32 = 1; queue <= queues; queue++)
      physicalWrite(doorbells + <u64>(queue << 3) + 4, 4, position);
  }
  return position;
}
