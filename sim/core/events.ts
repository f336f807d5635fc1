/**
 * The event queue: a 4-ary heap of timer slots, ordered by (time, slot number).
 *
 * Every source of events (a timer, a command in flight) owns one slot, taken while the machine is
 * created, so the queue has a fixed size, ties have a fixed rule, and rescheduling finds its place
 * in O(log n) through the slot's heap index.
 */
import { allocate, allocateOne } from "./arena";
import { machine, NO_CPU } from "./machine";
import { cpuAt } from "./cpu/cpu";

export const EVENT_SLOTS_MAX: u32 = 4096;
export const NEVER: u64 = 0xffff_ffff_ffff_ffff;

@unmanaged
export class EventSlot {
  time: u64;
  /** What `dispatchEvent` calls. */
  kind: u16;
  /** Handed to the handler: an index or an address of the source. */
  argument: u32;
  /** Position in the heap plus one; 0 while the slot is not scheduled. */
  position: u32;
}

@unmanaged
export class EventQueue {
  slots: usize;
  slotCount: u32;
  /** Slot numbers in heap order. */
  heap: usize;
  count: u32;
}

@inline
function queue(): EventQueue {
  return changetype<EventQueue>(machine().eventQueue);
}

@inline
function slotAt(slot: u32): EventSlot {
  return changetype<EventSlot>(queue().slots + <usize>slot * offsetof<EventSlot>());
}

export function createEventQueue(): void {
  const events = allocateOne<EventQueue>();
  machine().eventQueue = changetype<usize>(events);
  events.slots = allocate(<usize>EVENT_SLOTS_MAX * offsetof<EventSlot>());
  events.heap = allocate(<usize>EVENT_SLOTS_MAX * 4);
}

/** Takes a slot for a source of events. Only while the machine is created. */
export function createEvent(kind: u16, argument: u32): u32 {
  const events = queue();
  const slot = events.slotCount;
  if (slot == EVENT_SLOTS_MAX) unreachable();
  events.slotCount = slot + 1;
  const entry = slotAt(slot);
  entry.kind = kind;
  entry.argument = argument;
  return slot;
}

/** Virtual time as the code that runs now sees it, in cycles. */
@inline
export function currentTime(): u64 {
  const state = machine();
  return state.running == NO_CPU ? state.now : cpuAt(state.running).clock;
}

@inline
function before(a: u32, b: u32): bool {
  const left = slotAt(a).time;
  const right = slotAt(b).time;
  return left < right || (left == right && a < b);
}

@inline
function put(position: u32, slot: u32): void {
  store<u32>(queue().heap + (<usize>position << 2), slot);
  slotAt(slot).position = position + 1;
}

@inline
function at(position: u32): u32 {
  return load<u32>(queue().heap + (<usize>position << 2));
}

function siftUp(start: u32, slot: u32): void {
  let position = start;
  while (position > 0) {
    const parent = (position - 1) >> 2;
    if (!before(slot, at(parent))) break;
    put(position, at(parent));
    position = parent;
  }
  put(position, slot);
}

function siftDown(start: u32, slot: u32): void {
  const count = queue().count;
  let position = start;
  for (;;) {
    const first = (position << 2) + 1;
    if (first >= count) break;
    const end = min(first + 4, count);
    let least = first;
    for (let child = first + 1; child < end; child++) if (before(at(child), at(least))) least = child;
    if (!before(at(least), slot)) break;
    put(position, at(least));
    position = least;
  }
  put(position, slot);
}

/** Schedules (or moves) the slot's event to `time`; a time in the past means as soon as possible. */
export function scheduleAt(slot: u32, time: u64): void {
  const state = machine();
  const entry = slotAt(slot);
  const due = max(time, state.now);
  if (entry.position == 0) {
    entry.time = due;
    const events = queue();
    events.count += 1;
    siftUp(events.count - 1, slot);
  } else {
    const earlier = due < entry.time;
    entry.time = due;
    if (earlier) siftUp(entry.position - 1, slot);
    else siftDown(entry.position - 1, slot);
  }
  if (due < state.sliceEnd) state.sliceEnd = due;
}

/** Schedules the slot's event `cycles` from now, as the running code sees now. */
@inline
export function scheduleIn(slot: u32, cycles: u64): void {
  scheduleAt(slot, currentTime() + cycles);
}

/** Takes the slot's event back; nothing happens when it is not scheduled. */
export function cancelEvent(slot: u32): void {
  const entry = slotAt(slot);
  const position = entry.position;
  if (position == 0) return;
  entry.position = 0;
  const events = queue();
  const count = events.count - 1;
  events.count = count;
  if (position - 1 == count) return;
  const moved = at(count);
  siftUp(position - 1, moved);
  siftDown(slotAt(moved).position - 1, moved);
}

@inline
export function eventScheduled(slot: u32): bool {
  return slotAt(slot).position != 0;
}

@inline
export function nextEventTime(): u64 {
  return queue().count == 0 ? NEVER : slotAt(at(0)).time;
}

/** Removes the earliest event and returns its slot; the queue must not be empty. */
export function takeEvent(): u32 {
  const slot = at(0);
  cancelEvent(slot);
  return slot;
}

@inline
export function eventKind(slot: u32): u16 {
  return slotAt(slot).kind;
}

@inline
export function eventArgument(slot: u32): u32 {
  return slotAt(slot).argument;
}
