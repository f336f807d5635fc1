/** Interrupts (7.5): MSI-X with coalescing, else the INTx line with INTMS. */
import { cancelEvent, currentTime, NEVER, scheduleAt } from "../../events";
import { takeFault } from "../../faults";
import { notify, setIntx, usesMessages } from "../../pci/interrupts";
import { FAULT_INTERRUPT_LOST, FAULT_INTERRUPT_SPURIOUS } from "../../../spec/faults";
import { nvme, NvmeCompletionQueue, NvmeVector, vectorAt, VECTORS } from "./state";

/** Unit of the aggregation time (5.21.1.8): 100 µs. */
const AGGREGATION_CYCLES: u64 = 100_000;

/** A completion was written to the queue. */
export function announceCompletion(queue: NvmeCompletionQueue, admin: bool): void {
  if (queue.interrupts == 0) return;
  updateLine();
  const controller = nvme();
  if (!usesMessages(controller.fn)) return;
  const vector = vectorAt(queue.vector);
  const threshold = controller.coalescing & 0xff;
  const time = (controller.coalescing >> 8) & 0xff;
  // The admin queue's interrupts are never held back.
  if (admin || time == 0 || threshold == 0 || vector.immediate != 0) return raise(queue.vector);
  vector.pending += 1;
  if (vector.pending > threshold) return raise(queue.vector);
  if (vector.pending > 1) return;
  vector.due = currentTime() + <u64>time * AGGREGATION_CYCLES;
  scheduleCoalescing();
}

function raise(index: u32): void {
  const controller = nvme();
  vectorAt(index).pending = 0;
  if (takeFault(FAULT_INTERRUPT_LOST, controller.fn.address)) return;
  notify(controller.fn, index);
}

/** Raises vector `index` when the host armed an interrupt for which there is no reason. */
export function spuriousInterrupt(index: u32): void {
  const controller = nvme();
  if (takeFault(FAULT_INTERRUPT_SPURIOUS, controller.fn.address)) notify(controller.fn, index);
}

/** Schedules the event for the vector that has waited longest. */
function scheduleCoalescing(): void {
  let first: u64 = NEVER;
  for (let index: u32 = 0; index < VECTORS; index++) {
    const vector = vectorAt(index);
    if (vector.pending > 0) first = min(first, vector.due);
  }
  const event = nvme().coalescingEvent;
  if (first == NEVER) cancelEvent(event);
  else scheduleAt(event, first);
}

/** An aggregation time ran out. */
export function coalescingDone(): void {
  const now = currentTime();
  for (let index: u32 = 0; index < VECTORS; index++) {
    const vector = vectorAt(index);
    if (vector.pending > 0 && vector.due <= now) raise(index);
  }
  scheduleCoalescing();
}

/**
 * Brings the INTx line up to date: it is up while a queue with interrupts enabled has completions
 * that the host has not taken, and vector 0 is not masked (3.1.3, 7.5.1).
 */
export function updateLine(): void {
  const controller = nvme();
  const level: u32 = controller.lineUsers > 0 && (controller.intms & 1) == 0 ? 1 : 0;
  if (level == controller.line) return;
  const requester = controller.fn.address;
  const counts = level != 0 && !usesMessages(controller.fn);
  if (counts && takeFault(FAULT_INTERRUPT_LOST, requester)) return;
  controller.line = level;
  setIntx(controller.fn, level != 0);
}

/** Back to the state after reset. */
export function resetInterrupts(): void {
  const controller = nvme();
  for (let index: u32 = 0; index < VECTORS; index++) {
    const vector: NvmeVector = vectorAt(index);
    vector.pending = 0;
    vector.immediate = 0;
  }
  cancelEvent(controller.coalescingEvent);
  controller.intms = 0;
  controller.lineUsers = 0;
  updateLine();
}
