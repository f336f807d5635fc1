/** Queue pairs: doorbells, and completions on their way to the host (4.1, 4.6, 7.2). */
import { cancelEvent, currentTime, eventScheduled, scheduleIn } from "../../events";
import { dmaPointer } from "../../iommu/dma";
import { trace } from "../../trace";
import {
  NVME_CSTS_CFS,
  NVME_CSTS_RDY,
  NVME_CSTS_SHST_MASK,
  NVME_SQE_NSID,
} from "../../../spec/nvme";
import { TRACE_COMPLETION } from "../../../spec/trace";
import {
  badDoorbell,
  EVENT_BAD_DOORBELL,
  EVENT_BAD_DOORBELL_VALUE,
  EVENTS,
  eventResult,
  nextEvent,
  recordError,
} from "./errors";
import { announceCompletion, updateLine } from "./interrupts";
import {
  completionQueue,
  field32,
  NO_KEY,
  NO_LOCATION,
  nvme,
  NvmeCompletionQueue,
  QUEUES,
  SLOT_FREE,
  SLOT_WAITING,
  slotAt,
  submissionQueue,
} from "./state";

/** From a doorbell write to the controller's looking at the queue, in cycles. */
const FETCH_CYCLES: u64 = 300;

/** Whether the controller takes commands: ready, not failed, not shutting down. */
@inline
export function isWorking(): bool {
  const stop = NVME_CSTS_RDY | NVME_CSTS_CFS | NVME_CSTS_SHST_MASK;
  return (nvme().csts & stop) == NVME_CSTS_RDY;
}

/** Something happened that the controller cannot report by a completion (CSTS.CFS). */
export function fail(): void {
  nvme().csts |= NVME_CSTS_CFS;
}

/** Entries that the host has not taken. */
@inline
export function outstanding(queue: NvmeCompletionQueue): u32 {
  const tail = queue.tail;
  return tail >= queue.head ? tail - queue.head : tail + queue.entries - queue.head;
}

/** Whether a completion could be promised to one more command; a queue is full one below its size. */
@inline
export function hasRoom(queue: NvmeCompletionQueue): bool {
  return outstanding(queue) + queue.reserved + 1 < queue.entries;
}

@inline
function pendingWord(queue: u32): usize {
  return nvme().pending + ((queue >> 6) << 3);
}

@inline
export function markPending(queue: u32): void {
  const word = pendingWord(queue);
  store<u64>(word, load<u64>(word) | (<u64>1 << (queue & 63)));
}

@inline
export function clearPending(queue: u32): void {
  const word = pendingWord(queue);
  store<u64>(word, load<u64>(word) & ~(<u64>1 << (queue & 63)));
}

/** Makes the controller look at its queues soon. */
export function wakeUp(): void {
  const event = nvme().fetchEvent;
  if (!eventScheduled(event)) scheduleIn(event, FETCH_CYCLES);
}

/** A write of doorbell `index`: even numbers are submission tails, odd ones completion heads. */
export function doorbell(index: u32, value: u32): void {
  if (!isWorking()) return;
  const number = index >> 1;
  if (number >= QUEUES) return;
  if ((index & 1) == 0) submissionDoorbell(number, value & 0xffff);
  else completionDoorbell(number, value & 0xffff);
}

function submissionDoorbell(number: u32, tail: u32): void {
  const queue = submissionQueue(number);
  const entries = queue.entries;
  if (entries == 0) return reportDoorbell(EVENT_BAD_DOORBELL, number);
  if (tail >= entries) return reportDoorbell(EVENT_BAD_DOORBELL_VALUE, number);
  // The free part of the ring runs from the tail to one below the head.
  const added = tail >= queue.tail ? tail - queue.tail : tail + entries - queue.tail;
  const waiting = queue.tail >= queue.head ? queue.tail - queue.head : queue.tail + entries - queue.head;
  if (added == 0 || waiting + added >= entries)
    return reportDoorbell(EVENT_BAD_DOORBELL_VALUE, number);
  queue.tail = tail;
  markPending(number);
  wakeUp();
}

function completionDoorbell(number: u32, head: u32): void {
  const queue = completionQueue(number);
  const entries = queue.entries;
  if (entries == 0) return reportDoorbell(EVENT_BAD_DOORBELL, number);
  if (head >= entries) return reportDoorbell(EVENT_BAD_DOORBELL_VALUE, number);
  const removed = head >= queue.head ? head - queue.head : head + entries - queue.head;
  if (removed == 0 || removed > outstanding(queue))
    return reportDoorbell(EVENT_BAD_DOORBELL_VALUE, number);
  queue.head = head;
  if (head == queue.tail && queue.interrupts != 0) {
    nvme().lineUsers -= 1;
    updateLine();
  }
  if (number == 0) deliverEvents();
  wakeUp();
}

function reportDoorbell(event: u32, queue: u32): void {
  badDoorbell(event, queue);
  deliverEvents();
}

/** Completes waiting Asynchronous Event Requests with the events that may be reported. */
export function deliverEvents(): void {
  const controller = nvme();
  while (controller.asyncWaiting > 0 && hasRoom(completionQueue(0))) {
    const event = nextEvent();
    if (event == EVENTS) return;
    let index: u32 = 0;
    while (slotAt(index).state != SLOT_WAITING) index++;
    const result = eventResult(event);
    controller.eventsPending &= ~(1 << event);
    controller.eventsMasked |= 1 << (result & 7);
    finishCommand(index, 0, result);
  }
}

/** Ends the command in slot `index` with `status` and the command-specific `result`. */
export function finishCommand(index: u32, status: u32, result: u32): void {
  const controller = nvme();
  const slot = slotAt(index);
  const recorded = recordError(slot.queue, slot.id, status, field32(slot, NVME_SQE_NSID));
  controller.errorLocation = NO_LOCATION;
  controller.errorLba = 0;
  const submission = submissionQueue(slot.queue);
  const completion = completionQueue(submission.completionQueue);
  if (slot.state == SLOT_WAITING) controller.asyncWaiting -= 1;
  else {
    completion.reserved -= 1;
    workEnded();
  }
  submission.inFlight -= 1;
  const id = slot.id;
  const queue = slot.queue;
  releaseSlot(index);
  trace(TRACE_COMPLETION, controller.fn.address, queue, id, recorded);
  postCompletion(completion, queue, id, recorded, result);
}

/** Puts the slot back on the free list. */
export function releaseSlot(index: u32): void {
  const controller = nvme();
  const slot = slotAt(index);
  cancelEvent(slot.event);
  slot.state = SLOT_FREE;
  slot.nextFree = controller.freeSlots;
  controller.freeSlots = index + 1;
  store<u32>(controller.slotKeys + (index << 2), NO_KEY);
  if (slot.nextFree == 0) wakeUp();
}

/** Another command is being worked on: Controller Busy Time runs (5.14.1.2). */
export function workBegan(): void {
  const controller = nvme();
  if (controller.working == 0) controller.busySince = currentTime();
  controller.working += 1;
}

export function workEnded(): void {
  const controller = nvme();
  controller.working -= 1;
  if (controller.working == 0) controller.busyCycles += currentTime() - controller.busySince;
}

/** Writes one completion queue entry; the phase tag goes out last, with the status. */
function postCompletion(
  queue: NvmeCompletionQueue,
  submission: u32,
  id: u32,
  status: u32,
  result: u32,
): void {
  const pointer = dmaPointer(nvme().fn.address, queue.base + (<u64>queue.tail << 4), 16, true);
  if (pointer == 0) return fail();
  store<u32>(pointer, result);
  store<u32>(pointer, 0, 4);
  store<u32>(pointer, (submission << 16) | submissionQueue(submission).head, 8);
  store<u32>(pointer, id | (queue.phase << 16) | (status << 17), 12);
  const wasEmpty = queue.tail == queue.head;
  queue.tail += 1;
  if (queue.tail == queue.entries) {
    queue.tail = 0;
    queue.phase ^= 1;
  }
  if (wasEmpty && queue.interrupts != 0) nvme().lineUsers += 1;
  announceCompletion(queue, changetype<usize>(queue) == nvme().completionQueues);
}
