/**
 * The controller's engine: fetches commands in turn, lets each take its time, and completes it.
 *
 * Arbitration is round robin over the submission queues, a burst of commands each (4.13.1). A
 * command is fetched only when a slot is free and its completion queue has room for its completion,
 * so a host that takes no completions holds up its own queue and nobody else's. One event fetches
 * a bounded number of commands.
 */
import { scheduleIn } from "../../events";
import { faultArgument, takeFault } from "../../faults";
import { trace } from "../../trace";
import { FAULT_ERROR, FAULT_TIMEOUT } from "../../../spec/faults";
import {
  NVME_COMMAND_ID_CONFLICT,
  NVME_FUSE_MASK,
  NVME_INTERNAL_ERROR,
  NVME_PSDT_MASK,
  NVME_SQE_SHIFT,
  NVME_STATUS_DNR,
} from "../../../spec/nvme";
import { TRACE_COMMAND } from "../../../spec/trace";
import { adminCycles, executeAdmin } from "./admin";
import { fetchCommand } from "./dma";
import { invalidField } from "./errors";
import { spuriousInterrupt } from "./interrupts";
import { executeIo, ioCycles } from "./io";
import {
  clearPending,
  deliverEvents,
  fail,
  finishCommand,
  hasRoom,
  isWorking,
  releaseSlot,
  wakeUp,
  workBegan,
  workEnded,
} from "./queues";
import {
  completionQueue,
  field32,
  NO_COMPLETION,
  NO_KEY,
  nvme,
  NvmeSlot,
  QUEUES,
  SLOT_BUSY,
  SLOT_LOST,
  slotAt,
  SLOTS,
  submissionQueue,
} from "./state";

/** Commands fetched in one event. */
const FETCHES_MAX: u32 = 16;
/** Between two commands fetched in one event; all together less than until the next event. */
const ISSUE_CYCLES: u64 = 16;
/** "No limit" in the Arbitration Burst field (5.21.1.1). */
const BURST_UNLIMITED: u32 = 7;
const NO_QUEUE: u32 = QUEUES;
const PENDING_WORDS: u32 = (QUEUES + 63) >> 6;

/** Looks at the submission queues: the controller's fetch event. */
export function fetchCommands(): void {
  for (let count: u32 = 0; count < FETCHES_MAX; count++) {
    if (!isWorking() || nvme().freeSlots == 0) return;
    const queue = nextQueue();
    if (queue == NO_QUEUE) return;
    fetchFrom(queue, <u64>count * ISSUE_CYCLES);
  }
  wakeUp();
}

/** Whose turn it is: the same queue while its burst lasts, else the next that can go on. */
function nextQueue(): u32 {
  const controller = nvme();
  const current = controller.arbitrationQueue;
  const home = current >> 6;
  if (controller.burstLeft > 0 && (pendingWord(home) >> (current & 63)) & 1 && canFetch(current)) {
    controller.burstLeft -= 1;
    return current;
  }
  // The word of the current queue comes twice: first what is above the queue, at last the rest.
  const upTo = (<u64>2 << (current & 63)) - 1;
  for (let step: u32 = 0; step <= PENDING_WORDS; step++) {
    const index = (home + step) % PENDING_WORDS;
    let word = pendingWord(index);
    if (step == 0) word &= ~upTo;
    if (step == PENDING_WORDS) word &= upTo;
    for (; word != 0; word &= word - 1) {
      const queue = (index << 6) + <u32>ctz(word);
      if (canFetch(queue)) return startBurst(queue);
    }
  }
  return NO_QUEUE;
}

function startBurst(queue: u32): u32 {
  const controller = nvme();
  const burst = controller.arbitration & 7;
  controller.arbitrationQueue = queue;
  controller.burstLeft = burst == BURST_UNLIMITED ? 0xffff_ffff : (1 << burst) - 1;
  return queue;
}

@inline
function pendingWord(index: u32): u64 {
  return load<u64>(nvme().pending + (index << 3));
}

@inline
function canFetch(queue: u32): bool {
  return hasRoom(completionQueue(submissionQueue(queue).completionQueue));
}

/** Fetches one command of the queue into a free slot; its work begins after `delay` cycles. */
function fetchFrom(number: u32, delay: u64): void {
  const controller = nvme();
  const queue = submissionQueue(number);
  const index = controller.freeSlots - 1;
  const slot = slotAt(index);
  const address = queue.base + (<u64>queue.head << NVME_SQE_SHIFT);
  if (!fetchCommand(slot, address)) return fail();
  queue.head = queue.head + 1 == queue.entries ? 0 : queue.head + 1;
  if (queue.head == queue.tail) clearPending(number);
  controller.freeSlots = slot.nextFree;
  workBegan();
  queue.inFlight += 1;
  const completion = completionQueue(queue.completionQueue);
  completion.reserved += 1;
  slot.state = SLOT_BUSY;
  slot.queue = number;
  slot.id = field32(slot, 0) >> 16;
  const key = (number << 16) | slot.id;
  slot.conflict = findCommand(key) < SLOTS ? 1 : 0;
  if (slot.conflict == 0) store<u32>(controller.slotKeys + (index << 2), key);
  const opcode = field32(slot, 0) & 0xff;
  trace(TRACE_COMMAND, controller.fn.address, number, slot.id, opcode);
  spuriousInterrupt(completion.vector);
  scheduleIn(slot.event, delay + (number == 0 ? adminCycles(opcode) : ioCycles(slot)));
}

/** The slot of the command `key` (queue << 16 | identifier), or SLOTS. */
export function findCommand(key: u32): u32 {
  if (key == NO_KEY) return SLOTS;
  const keys = nvme().slotKeys;
  const wanted = i32x4.splat(key);
  for (let index: u32 = 0; index < SLOTS; index += 4) {
    const same = i32x4.eq(v128.load(keys + (index << 2)), wanted);
    if (v128.any_true(same)) return index + <u32>ctz(i32x4.bitmask(same));
  }
  return SLOTS;
}

/** The command in slot `index` has had its time: carries it out and completes it. */
export function commandDone(index: u32): void {
  const slot = slotAt(index);
  const requester = nvme().fn.address;
  if (takeFault(FAULT_TIMEOUT, requester)) {
    slot.state = SLOT_LOST;
    return;
  }
  const status = <u32>faultArgument(FAULT_ERROR, requester) & 0x7fff;
  if (takeFault(FAULT_ERROR, requester))
    return finishCommand(index, status == 0 ? NVME_INTERNAL_ERROR : status, 0);
  if (slot.conflict != 0)
    return finishCommand(index, NVME_COMMAND_ID_CONFLICT | NVME_STATUS_DNR, 0);
  execute(index, slot);
}

function execute(index: u32, slot: NvmeSlot): void {
  const first = field32(slot, 0);
  // No fused operations and no scatter-gather lists (Identify FUSES, SGLS).
  if ((first & (NVME_FUSE_MASK | NVME_PSDT_MASK)) != 0)
    return finishCommand(index, invalidField(1), 0);
  nvme().result = 0;
  if (slot.queue != 0) return finishCommand(index, executeIo(slot), 0);
  const status = executeAdmin(index, slot);
  if (status != NO_COMPLETION) finishCommand(index, status, nvme().result);
  deliverEvents();
}

/** Ends every command of the submission queue that is in flight, with `status`; none is left. */
export function endCommands(queue: u32, status: u32): void {
  for (let index: u32 = 0; index < SLOTS; index++) {
    const slot = slotAt(index);
    if (slot.state != 0 && slot.queue == queue) finishCommand(index, status, 0);
  }
}

/** Forgets every command, without completions: the controller is reset. */
export function dropCommands(): void {
  const controller = nvme();
  controller.asyncWaiting = 0;
  while (controller.working > 0) workEnded();
  for (let index: u32 = 0; index < SLOTS; index++)
    if (slotAt(index).state != 0) releaseSlot(index);
}
