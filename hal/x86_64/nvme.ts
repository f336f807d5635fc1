/**
 * NVMe driver (NVM Express Base 1.4) behind hal/block.ts: one I/O queue pair a CPU, as far as the
 * controller grants them.
 *
 * A command that is not done by its deadline is looked for in the completion queue first (the
 * interrupt may be lost), then aborted, then the controller is reset and the other requests are
 * submitted again; when that does not help, the controller has failed. Registers that read as all
 * ones mean that it is gone.
 */
import {
  BLOCK_DEVICES_MAX,
  BLOCK_DISCARD,
  BLOCK_ERROR_BUSY,
  BLOCK_ERROR_DEVICE,
  BLOCK_ERROR_NOT_READY,
  BLOCK_ERROR_TIMEOUT,
  BLOCK_ERROR_VANISHED,
  BLOCK_FAILED,
  BLOCK_FLUSH,
  BLOCK_NEVER,
  BLOCK_OK,
  BLOCK_PENDING,
  BLOCK_READ,
  BLOCK_READY,
  BLOCK_RESETTING,
  BLOCK_STARTING,
  BLOCK_STOPPED,
  BLOCK_STOPPING,
  BLOCK_TIMEOUT_NS,
  BLOCK_WRITE,
  blockCheck,
  BlockController,
  BlockDevice,
  blockFinish,
  BlockRequest,
} from "../block";
import { pointer } from "../memory";
import { mmioRead32, mmioWrite32 } from "./machine";
import {
  beginCommand,
  commandEntry,
  commandSlot,
  doorbell,
  ENTRIES,
  findDeadline,
  findSlot,
  FOR_ABORT,
  FOR_NOTHING,
  FOR_REQUEST,
  FOR_STEP,
  freeSlot,
  issueCommand,
  keepForRetry,
  listOf,
  NvmeDriver,
  NvmeQueuePair,
  pairAt,
  QUEUE_PAGES,
  resetPair,
  SLOTS,
  SLOTS_PAGE,
} from "./nvme-queue";
import {
  beginStart,
  beginStep,
  enableController,
  FIRST_PAIR_PAGE,
  pairPages,
  setStepDeadline,
  STEP_CONTROLLER,
  STEP_DISABLE,
  STEP_ENABLE,
  STEP_NONE,
  STEP_SHUTDOWN,
  stepDone,
} from "./nvme-start";
import {
  NVME_ABORT_REQUESTED,
  NVME_ADMIN_ABORT,
  NVME_CC,
  NVME_CC_SHN_NORMAL,
  NVME_CMD_DATASET_MANAGEMENT,
  NVME_CMD_FLUSH,
  NVME_CMD_READ,
  NVME_CMD_WRITE,
  NVME_CMD_WRITE_ZEROES,
  NVME_CSTS,
  NVME_CSTS_CFS,
  NVME_CSTS_RDY,
  NVME_CSTS_SHST_COMPLETE,
  NVME_CSTS_SHST_MASK,
  NVME_DSM_DEALLOCATE,
  NVME_SQE_CDW10,
  NVME_SQE_CDW11,
  NVME_SQE_CDW12,
  NVME_SQE_PRP1,
  NVME_SQE_PRP2,
  NVME_STATUS_CODE_MASK,
} from "../../sim/spec/nvme";

const ALL_ONES: u32 = 0xffff_ffff;
/** Resets without a request succeeding in between, before the controller counts as failed. */
const ATTEMPTS_MAX: u32 = 1;
/** Offsets in the driver's memory of its devices and its queue pairs. */
const DEVICES_OFFSET: u64 = 512;
const PAIRS_OFFSET: u64 = 4096;
/** While it waits for CSTS, the driver looks at it this often, in ns. */
const WATCH_NS: u64 = 1_000_000;

/** Pages of DMA memory for `queues` I/O queue pairs (1 to 64); the driver's structures included. */
export function nvmePages(queues: u32): u64 {
  return FIRST_PAIR_PAGE + <u64>(queues + 1) * QUEUE_PAGES;
}

/** Whether the controller uses page `page` of the memory: not the driver's structures and slots. */
export function nvmeDevicePage(page: u64): bool {
  if (page < FIRST_PAIR_PAGE) return page == FIRST_PAIR_PAGE - 1;
  return (page - FIRST_PAIR_PAGE) % QUEUE_PAGES != SLOTS_PAGE;
}

/** Begins to bring the controller up. Its BlockController is at the start of its memory. */
export function nvmeStart(controller: BlockController, now: u64): void {
  const driver = changetype<NvmeDriver>(controller);
  assert(offsetof<NvmeDriver>() <= <usize>DEVICES_OFFSET, "nvme: driver structure too large");
  assert(
    DEVICES_OFFSET + <u64>(BLOCK_DEVICES_MAX * <u32>offsetof<BlockDevice>()) <= PAIRS_OFFSET,
    "nvme: device table too large",
  );
  driver.devices = pointer(driver.memory + DEVICES_OFFSET);
  driver.pairs = pointer(driver.memory + PAIRS_OFFSET);
  driver.page = driver.memory + ((FIRST_PAIR_PAGE - 1) << 12);
  if (driver.timeoutNs == 0) driver.timeoutNs = BLOCK_TIMEOUT_NS;
  driver.deadline = BLOCK_NEVER;
  driver.state = BLOCK_STARTING;
  if (isGone(driver)) return failController(driver, BLOCK_ERROR_VANISHED);
  beginStart(driver, now);
}

@inline
function isGone(driver: NvmeDriver): bool {
  return mmioRead32(driver.registers + NVME_CSTS) == ALL_ONES;
}

/** Queue pairs that are in use, the admin queue included. */
function livePairs(driver: NvmeDriver): u32 {
  if (driver.step <= STEP_ENABLE) return driver.step == STEP_ENABLE ? 1 : 0;
  return driver.state == BLOCK_READY || driver.state == BLOCK_STOPPING ? driver.queues + 1 : 1;
}

/** Moves a start, reset or stop on, and deals with commands that are past their deadline. */
export function nvmeAdvance(controller: BlockController, now: u64): void {
  const driver = changetype<NvmeDriver>(controller);
  if (driver.state == BLOCK_FAILED || driver.state == BLOCK_STOPPED) return;
  if (driver.stepDeadline != BLOCK_NEVER) watchStatus(driver, now);
  if (now >= driver.deadline) expire(driver, now);
}

/** The step at hand waits for CSTS. */
function watchStatus(driver: NvmeDriver, now: u64): void {
  const status = mmioRead32(driver.registers + NVME_CSTS);
  if (status == ALL_ONES) return failController(driver, BLOCK_ERROR_VANISHED);
  const ready = (status & NVME_CSTS_RDY) != 0;
  const stopped = (status & NVME_CSTS_SHST_MASK) == NVME_CSTS_SHST_COMPLETE;
  if (driver.step == STEP_DISABLE && !ready) {
    enableController(driver, now);
    driver.deadline = min(driver.deadline, now + WATCH_NS);
    return;
  }
  if (driver.step == STEP_ENABLE && ready) return beginStep(driver, STEP_CONTROLLER, now);
  if (driver.step == STEP_SHUTDOWN && stopped) {
    driver.state = BLOCK_STOPPED;
    driver.stepDeadline = BLOCK_NEVER;
    driver.deadline = BLOCK_NEVER;
    return;
  }
  if ((status & NVME_CSTS_CFS) != 0 && driver.step == STEP_ENABLE)
    return failController(driver, BLOCK_ERROR_DEVICE);
  if (now >= driver.stepDeadline) return failController(driver, BLOCK_ERROR_TIMEOUT);
  driver.deadline = min(driver.deadline, now + WATCH_NS);
}

/** A deadline is over: which commands are late, and what to do about them. */
function expire(driver: NvmeDriver, now: u64): void {
  const pairs = livePairs(driver);
  let found: u32 = 0;
  for (let number: u32 = 0; number < pairs; number++)
    found += takeCompletions(driver, pairAt(driver, number), now);
  if (found > 0 && driver.vectors > 0) driver.lostInterrupts += found;
  if (driver.state == BLOCK_FAILED) return;
  for (let number: u32 = 0; number < livePairs(driver); number++)
    if (!checkPair(driver, pairAt(driver, number), now)) return;
  driver.deadline = findDeadline(driver, livePairs(driver));
  if (driver.stepDeadline != BLOCK_NEVER) driver.deadline = min(driver.deadline, now + WATCH_NS);
  shutDownWhenIdle(driver, now);
}

/** Aborts the pair's late commands; false when that was not enough and a reset has begun. */
function checkPair(driver: NvmeDriver, pair: NvmeQueuePair, now: u64): bool {
  for (let index: u32 = 0; index < SLOTS && pair.used > 0; index++) {
    const slot = commandSlot(pair, index);
    if (slot.purpose == FOR_NOTHING || now < slot.deadline) continue;
    driver.timeouts += 1;
    const status = mmioRead32(driver.registers + NVME_CSTS);
    if (status == ALL_ONES) {
      failController(driver, BLOCK_ERROR_VANISHED);
      return false;
    }
    const beyondHelp = (status & NVME_CSTS_CFS) != 0 || slot.purpose != FOR_REQUEST;
    if (beyondHelp || slot.aborted != 0 || !sendAbort(driver, pair, slot.id, now)) {
      resetController(driver, now);
      return false;
    }
    slot.aborted = 1;
    slot.deadline = now + driver.timeoutNs;
  }
  return true;
}

function sendAbort(driver: NvmeDriver, pair: NvmeQueuePair, id: u32, now: u64): bool {
  const admin = pairAt(driver, 0);
  const slot = beginCommand(admin, FOR_ABORT, NVME_ADMIN_ABORT, 0);
  if (slot == SLOTS) return false;
  store<u32>(commandEntry(admin), (id << 16) | pair.number, NVME_SQE_CDW10);
  driver.aborts += 1;
  issueCommand(driver, admin, slot, now + driver.timeoutNs);
  return true;
}

/**
 * Resets the controller. All requests wait until it has let go of their buffers: then those past
 * their deadline end as timed out, and the others are submitted again.
 */
function resetController(driver: NvmeDriver, now: u64): void {
  // A controller that is to stop is not brought up again for the sake of its last requests.
  const stopping = driver.state == BLOCK_STOPPING;
  if (stopping || driver.attempts >= ATTEMPTS_MAX) return failController(driver, BLOCK_ERROR_TIMEOUT);
  driver.attempts += 1;
  driver.resets += 1;
  const pairs = livePairs(driver);
  for (let number: u32 = 0; number < pairs; number++) {
    const pair = pairAt(driver, number);
    for (let index: u32 = 0; index < SLOTS; index++) {
      const slot = commandSlot(pair, index);
      if (slot.purpose != FOR_REQUEST) continue;
      const request = changetype<BlockRequest>(slot.request);
      if (slot.aborted != 0 || now >= slot.deadline) request.status = BLOCK_ERROR_TIMEOUT;
      keepForRetry(driver, request);
    }
    resetPair(driver, number, pairPages(driver, number));
  }
  driver.state = BLOCK_RESETTING;
  driver.deadline = BLOCK_NEVER;
  beginStart(driver, now);
}

/** Gives the controller up: every request ends with `error`. */
export function failController(driver: NvmeDriver, error: u32): void {
  const pairs = livePairs(driver);
  driver.error = error;
  if (error != BLOCK_ERROR_VANISHED) mmioWrite32(driver.registers + NVME_CC, 0);
  for (let number: u32 = 0; number < pairs; number++) {
    const pair = pairAt(driver, number);
    for (let index: u32 = 0; index < SLOTS; index++) {
      const slot = commandSlot(pair, index);
      if (slot.purpose == FOR_REQUEST)
        blockFinish(driver, changetype<BlockRequest>(slot.request), error);
      slot.purpose = FOR_NOTHING;
    }
    pair.used = 0;
  }
  while (driver.retry != 0) blockFinish(driver, takeRetry(driver), error);
  driver.state = BLOCK_FAILED;
  driver.step = STEP_NONE;
  driver.stepDeadline = BLOCK_NEVER;
  driver.deadline = BLOCK_NEVER;
}

function takeRetry(driver: NvmeDriver): BlockRequest {
  const request = changetype<BlockRequest>(driver.retry);
  driver.retry = request.next;
  return request;
}

/** After a reset: submits the requests that were outstanding, over the queues in turn. */
export function resubmit(driver: NvmeDriver, now: u64): void {
  let cpu: u32 = 0;
  while (driver.retry != 0) {
    const request = takeRetry(driver);
    const late = request.status == BLOCK_ERROR_TIMEOUT;
    const status = late ? BLOCK_ERROR_TIMEOUT : issueRequest(driver, request, cpu++, now);
    if (status != BLOCK_OK) blockFinish(driver, request, status);
  }
}

/** Takes completions after an interrupt of `vector`. */
export function nvmeInterrupt(controller: BlockController, vector: u32, now: u64): void {
  const driver = changetype<NvmeDriver>(controller);
  if (driver.state == BLOCK_FAILED || driver.state == BLOCK_STOPPED) return;
  let found: u32 = 0;
  for (let number: u32 = 0; number < livePairs(driver); number++) {
    const pair = pairAt(driver, number);
    if (pair.vector == vector) found += takeCompletions(driver, pair, now);
  }
  if (found == 0) driver.spuriousInterrupts += 1;
  shutDownWhenIdle(driver, now);
}

/** Takes completions without an interrupt. */
export function nvmePoll(controller: BlockController, now: u64): void {
  const driver = changetype<NvmeDriver>(controller);
  if (driver.state == BLOCK_FAILED || driver.state == BLOCK_STOPPED) return;
  for (let number: u32 = 0; number < livePairs(driver); number++)
    takeCompletions(driver, pairAt(driver, number), now);
  shutDownWhenIdle(driver, now);
}

/** Takes what the controller has completed, at most one round of the queue; returns how many. */
function takeCompletions(driver: NvmeDriver, pair: NvmeQueuePair, now: u64): u32 {
  let count: u32 = 0;
  while (count < ENTRIES) {
    const entry = pointer(pair.completions) + (pair.head << 4);
    const last = load<u32>(entry, 12);
    if (((last >> 16) & 1) != pair.phase) break;
    const result = load<u32>(entry);
    count += 1;
    pair.head += 1;
    if (pair.head == ENTRIES) {
      pair.head = 0;
      pair.phase ^= 1;
    }
    mmioWrite32(doorbell(driver, (pair.number << 1) + 1), pair.head);
    complete(driver, pair, last & 0xffff, last >> 17, result, now);
    // A step's completion can bring the controller down; the queue is then no longer ours to read.
    if (driver.state == BLOCK_FAILED) break;
  }
  return count;
}

function complete(
  driver: NvmeDriver,
  pair: NvmeQueuePair,
  id: u32,
  status: u32,
  result: u32,
  now: u64,
): void {
  const index = findSlot(pair, id);
  if (index == SLOTS) {
    driver.strayCompletions += 1;
    return;
  }
  const slot = commandSlot(pair, index);
  const purpose = slot.purpose;
  freeSlot(pair, index);
  if (purpose == FOR_STEP) {
    if (status == 0) return stepDone(driver, result, now);
    driver.deviceStatus = status;
    return failController(driver, BLOCK_ERROR_DEVICE);
  }
  if (purpose != FOR_REQUEST) return;
  const request = changetype<BlockRequest>(slot.request);
  request.deviceStatus = status;
  if (status == 0) {
    driver.attempts = 0;
    return blockFinish(driver, request, BLOCK_OK);
  }
  const ours = slot.aborted != 0 && (status & NVME_STATUS_CODE_MASK) == NVME_ABORT_REQUESTED;
  blockFinish(driver, request, ours ? BLOCK_ERROR_TIMEOUT : BLOCK_ERROR_DEVICE);
}

/** Gives the request to the controller on the queue of CPU `cpu`. */
export function nvmeSubmit(device: BlockDevice, request: BlockRequest, cpu: u32, now: u64): u32 {
  const driver = changetype<NvmeDriver>(device.controller);
  if (driver.state == BLOCK_RESETTING) return BLOCK_ERROR_BUSY;
  if (driver.state == BLOCK_FAILED) return driver.error;
  if (driver.state != BLOCK_READY) return BLOCK_ERROR_NOT_READY;
  const status = blockCheck(device, request);
  if (status != BLOCK_OK) return status;
  request.device = changetype<usize>(device);
  return issueRequest(driver, request, cpu, now);
}

function issueRequest(driver: NvmeDriver, request: BlockRequest, cpu: u32, now: u64): u32 {
  const device = changetype<BlockDevice>(request.device);
  const pair = pairAt(driver, (cpu % driver.queues) + 1);
  const index = beginCommand(pair, FOR_REQUEST, opcodeOf(request.operation), device.unit);
  if (index == SLOTS) return BLOCK_ERROR_BUSY;
  commandSlot(pair, index).request = changetype<usize>(request);
  const entry = commandEntry(pair);
  if (request.operation == BLOCK_DISCARD) describeDiscard(pair, index, entry, request);
  else if (request.operation != BLOCK_FLUSH) {
    store<u64>(entry, request.lba, NVME_SQE_CDW10);
    store<u32>(entry, request.blocks - 1, NVME_SQE_CDW12);
    if (request.operation == BLOCK_READ || request.operation == BLOCK_WRITE)
      describeBuffer(pair, index, entry, request.buffer, request.blocks * device.blockBytes);
  }
  request.status = BLOCK_PENDING;
  issueCommand(driver, pair, index, now + driver.timeoutNs);
  return BLOCK_OK;
}

function opcodeOf(operation: u32): u32 {
  switch (operation) {
    case BLOCK_READ:
      return NVME_CMD_READ;
    case BLOCK_WRITE:
      return NVME_CMD_WRITE;
    case BLOCK_FLUSH:
      return NVME_CMD_FLUSH;
    case BLOCK_DISCARD:
      return NVME_CMD_DATASET_MANAGEMENT;
    default:
      return NVME_CMD_WRITE_ZEROES;
  }
}

/** PRPs of a contiguous buffer (4.3): two pages in the command, more in the slot's list. */
function describeBuffer(pair: NvmeQueuePair, slot: u32, entry: usize, buffer: u64, bytes: u32): void {
  store<u64>(entry, buffer, NVME_SQE_PRP1);
  const second = (buffer & ~4095) + 4096;
  const end = buffer + <u64>bytes;
  if (end <= second) return;
  if (end - second <= 4096) return store<u64>(entry, second, NVME_SQE_PRP2);
  const list = listOf(pair, slot);
  let at = pointer(list);
  for (let page = second; page < end; page += 4096) {
    store<u64>(at, page);
    at += 8;
  }
  store<u64>(entry, list, NVME_SQE_PRP2);
}

/** One range, in the room of the slot's PRP list (6.7). */
function describeDiscard(pair: NvmeQueuePair, slot: u32, entry: usize, request: BlockRequest): void {
  const list = listOf(pair, slot);
  const range = pointer(list);
  store<u32>(range, 0);
  store<u32>(range, request.blocks, 4);
  store<u64>(range, request.lba, 8);
  store<u64>(entry, list, NVME_SQE_PRP1);
  store<u32>(entry, NVME_DSM_DEALLOCATE, NVME_SQE_CDW11);
}

/**
 * Begins an orderly shutdown: once what is outstanding has finished, the controller is told
 * (7.6.2). One that is not up has nothing to write back and is switched off.
 */
export function nvmeStop(controller: BlockController, now: u64): void {
  const driver = changetype<NvmeDriver>(controller);
  if (driver.state == BLOCK_STARTING || driver.state == BLOCK_RESETTING) {
    failController(driver, BLOCK_ERROR_NOT_READY);
    driver.state = BLOCK_STOPPED;
  }
  if (driver.state != BLOCK_READY) return;
  driver.state = BLOCK_STOPPING;
  shutDownWhenIdle(driver, now);
}

function shutDownWhenIdle(driver: NvmeDriver, now: u64): void {
  if (driver.state != BLOCK_STOPPING || driver.step == STEP_SHUTDOWN) return;
  for (let number: u32 = 1; number <= driver.queues; number++)
    if (pairAt(driver, number).used > 0) return;
  driver.step = STEP_SHUTDOWN;
  const configuration = mmioRead32(driver.registers + NVME_CC);
  mmioWrite32(driver.registers + NVME_CC, configuration | NVME_CC_SHN_NORMAL);
  setStepDeadline(driver, now + max(driver.readyNs, driver.timeoutNs));
}
