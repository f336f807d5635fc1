/**
 * Bringing an NVMe controller up (NVM Express Base 1.4, 7.6.1), one step at a time.
 *
 *   disable ─> enable ─> identify controller ─> number of queues ─> namespaces ─> queues ─> ready
 *
 * The first two steps watch CSTS, the others are one admin command each.
 */
import {
  BLOCK_DEVICES_MAX,
  BLOCK_DISCARD,
  BLOCK_ERROR_PROTOCOL,
  BLOCK_ERROR_UNSUPPORTED,
  BLOCK_FAILED,
  BLOCK_FLUSH,
  BLOCK_NEVER,
  BLOCK_READ,
  BLOCK_READY,
  BLOCK_WRITE,
  BLOCK_ZEROES,
  blockDeviceAt,
} from "../block";
import { pointer } from "../memory";
import { mmioRead32, mmioWrite32, mmioWrite64 } from "./machine";
import { failController, resubmit } from "./nvme";
import {
  beginCommand,
  commandEntry,
  ENTRIES,
  FOR_STEP,
  issueCommand,
  NvmeDriver,
  pairAt,
  QUEUE_PAGES,
  resetPair,
  TRANSFER_MAX,
} from "./nvme-queue";
import {
  NVME_ACQ,
  NVME_ADMIN_CREATE_CQ,
  NVME_ADMIN_CREATE_SQ,
  NVME_ADMIN_IDENTIFY,
  NVME_ADMIN_SET_FEATURES,
  NVME_AQA,
  NVME_ASQ,
  NVME_CAP,
  NVME_CAP_HIGH_CSS_NVM,
  NVME_CAP_TO_SHIFT,
  NVME_CC,
  NVME_CC_EN,
  NVME_CC_IOCQES_SHIFT,
  NVME_CC_IOSQES_SHIFT,
  NVME_CNS_ACTIVE_LIST,
  NVME_CNS_CONTROLLER,
  NVME_CNS_NAMESPACE,
  NVME_CQ_INTERRUPTS,
  NVME_CQE_SHIFT,
  NVME_FEATURE_QUEUES,
  NVME_QUEUE_CONTIGUOUS,
  NVME_SQE_CDW10,
  NVME_SQE_CDW11,
  NVME_SQE_PRP1,
  NVME_SQE_SHIFT,
} from "../../sim/spec/nvme";

export const STEP_DISABLE: u32 = 1;
export const STEP_ENABLE: u32 = 2;
export const STEP_CONTROLLER: u32 = 3;
export const STEP_QUEUES: u32 = 4;
export const STEP_LIST: u32 = 5;
export const STEP_NAMESPACE: u32 = 6;
export const STEP_COMPLETION_QUEUE: u32 = 7;
export const STEP_SUBMISSION_QUEUE: u32 = 8;
export const STEP_NONE: u32 = 9;
export const STEP_SHUTDOWN: u32 = 10;

/** Unit of CAP.TO. */
const TIMEOUT_UNIT_NS: u64 = 500_000_000;

/** Bytes that NvmeDriver, its devices and its queue pairs take at the start of its memory. */
const HEADER_PAGES: u64 = 4;
/** Pages before the first queue pair: the header and the Identify page. */
export const FIRST_PAIR_PAGE: u64 = HEADER_PAGES + 1;

/** Disables the controller: the first step of a start and of a reset. */
export function beginStart(driver: NvmeDriver, now: u64): void {
  const low = mmioRead32(driver.registers + NVME_CAP);
  const high = mmioRead32(driver.registers + NVME_CAP + 4);
  driver.readyNs = <u64>(((low >> NVME_CAP_TO_SHIFT) & 0xff) + 1) * TIMEOUT_UNIT_NS;
  driver.stride = 4 << (high & 15);
  const pageMin = (high >> 16) & 15;
  const entries = (low & 0xffff) + 1;
  if ((high & NVME_CAP_HIGH_CSS_NVM) == 0 || pageMin != 0 || entries < ENTRIES)
    return failController(driver, BLOCK_ERROR_UNSUPPORTED);
  mmioWrite32(driver.registers + NVME_CC, 0);
  driver.step = STEP_DISABLE;
  setStepDeadline(driver, now + driver.readyNs);
}

export function setStepDeadline(driver: NvmeDriver, deadline: u64): void {
  driver.stepDeadline = deadline;
  driver.deadline = min(driver.deadline, deadline);
}

/** CSTS.RDY is 0: writes the admin queue's addresses and enables the controller. */
export function enableController(driver: NvmeDriver, now: u64): void {
  resetPair(driver, 0, pairPages(driver, 0));
  const admin = pairAt(driver, 0);
  mmioWrite32(driver.registers + NVME_AQA, ((ENTRIES - 1) << 16) | (ENTRIES - 1));
  mmioWrite64(driver.registers + NVME_ASQ, admin.commands);
  mmioWrite64(driver.registers + NVME_ACQ, admin.completions);
  const sizes = (NVME_SQE_SHIFT << NVME_CC_IOSQES_SHIFT) | (NVME_CQE_SHIFT << NVME_CC_IOCQES_SHIFT);
  mmioWrite32(driver.registers + NVME_CC, sizes | NVME_CC_EN);
  driver.step = STEP_ENABLE;
  setStepDeadline(driver, now + driver.readyNs);
}

export function pairPages(driver: NvmeDriver, number: u32): u64 {
  return driver.memory + ((FIRST_PAIR_PAGE + <u64>number * QUEUE_PAGES) << 12);
}

/** Sends the admin command of the step that begins. */
export function beginStep(driver: NvmeDriver, step: u32, now: u64): void {
  driver.step = step;
  driver.stepDeadline = BLOCK_NEVER;
  const admin = pairAt(driver, 0);
  const slot = beginCommand(admin, FOR_STEP, opcodeOf(step), 0);
  const entry = commandEntry(admin);
  store<u64>(entry, driver.page, NVME_SQE_PRP1);
  switch (step) {
    case STEP_CONTROLLER:
      store<u32>(entry, NVME_CNS_CONTROLLER, NVME_SQE_CDW10);
      break;
    case STEP_QUEUES:
      store<u32>(entry, NVME_FEATURE_QUEUES, NVME_SQE_CDW10);
      store<u32>(entry, ((driver.queuesWanted - 1) << 16) | (driver.queuesWanted - 1), NVME_SQE_CDW11);
      break;
    case STEP_LIST:
      store<u32>(entry, NVME_CNS_ACTIVE_LIST, NVME_SQE_CDW10);
      break;
    case STEP_NAMESPACE:
      store<u32>(entry, blockDeviceAt(driver, driver.index).unit, 4);
      store<u32>(entry, NVME_CNS_NAMESPACE, NVME_SQE_CDW10);
      break;
    default:
      describeQueue(driver, entry, step);
  }
  issueCommand(driver, admin, slot, now + driver.timeoutNs);
}

function opcodeOf(step: u32): u32 {
  if (step == STEP_QUEUES) return NVME_ADMIN_SET_FEATURES;
  if (step == STEP_COMPLETION_QUEUE) return NVME_ADMIN_CREATE_CQ;
  if (step == STEP_SUBMISSION_QUEUE) return NVME_ADMIN_CREATE_SQ;
  return NVME_ADMIN_IDENTIFY;
}

/** Create I/O Completion or Submission Queue for queue pair `driver.index`. */
function describeQueue(driver: NvmeDriver, entry: usize, step: u32): void {
  const number = driver.index;
  const pair = pairAt(driver, number);
  store<u32>(entry, ((ENTRIES - 1) << 16) | number, NVME_SQE_CDW10);
  if (step == STEP_COMPLETION_QUEUE) {
    const interrupts = driver.vectors == 0 ? 0 : NVME_CQ_INTERRUPTS;
    store<u64>(entry, pair.completions, NVME_SQE_PRP1);
    store<u32>(entry, (pair.vector << 16) | interrupts | NVME_QUEUE_CONTIGUOUS, NVME_SQE_CDW11);
  } else {
    store<u64>(entry, pair.commands, NVME_SQE_PRP1);
    store<u32>(entry, (number << 16) | NVME_QUEUE_CONTIGUOUS, NVME_SQE_CDW11);
  }
}

/** The step's command has succeeded with `result`: uses what it brought and goes on. */
export function stepDone(driver: NvmeDriver, result: u32, now: u64): void {
  switch (driver.step) {
    case STEP_CONTROLLER:
      readController(driver);
      return beginStep(driver, STEP_QUEUES, now);
    case STEP_QUEUES: {
      const granted = min(result & 0xffff, result >> 16) + 1;
      driver.queues = min(driver.queuesWanted, granted);
      return beginStep(driver, STEP_LIST, now);
    }
    case STEP_LIST:
      readList(driver);
      driver.index = 0;
      if (driver.deviceCount > 0) return beginStep(driver, STEP_NAMESPACE, now);
      return beginQueue(driver, 1, now);
    case STEP_NAMESPACE:
      readNamespace(driver, driver.index);
      driver.index += 1;
      if (driver.index < driver.deviceCount) return beginStep(driver, STEP_NAMESPACE, now);
      return beginQueue(driver, 1, now);
    case STEP_COMPLETION_QUEUE:
      return beginStep(driver, STEP_SUBMISSION_QUEUE, now);
    case STEP_SUBMISSION_QUEUE:
      if (driver.index < driver.queues) return beginQueue(driver, driver.index + 1, now);
      driver.step = STEP_NONE;
      driver.state = BLOCK_READY;
      return resubmit(driver, now);
    default:
      failController(driver, BLOCK_ERROR_PROTOCOL);
  }
}

function beginQueue(driver: NvmeDriver, number: u32, now: u64): void {
  driver.index = number;
  resetPair(driver, number, pairPages(driver, number));
  beginStep(driver, STEP_COMPLETION_QUEUE, now);
}

/** Identify Controller (figure 247): MDTS in pages of 4 KiB, ONCS. */
function readController(driver: NvmeDriver): void {
  const data = pointer(driver.page);
  const mdts = <u32>load<u8>(data, 77);
  driver.transferBytes = mdts == 0 || mdts > 6 ? TRANSFER_MAX : 4096 << mdts;
  const optional = <u32>load<u16>(data, 520);
  let operations: u32 = (1 << BLOCK_READ) | (1 << BLOCK_WRITE) | (1 << BLOCK_FLUSH);
  if ((optional & 0x8) != 0) operations |= 1 << BLOCK_ZEROES;
  if ((optional & 0x4) != 0) operations |= 1 << BLOCK_DISCARD;
  driver.operations = operations;
}

/** Active namespaces, in ascending order up to a zero. */
function readList(driver: NvmeDriver): void {
  const list = pointer(driver.page);
  let count: u32 = 0;
  while (count < BLOCK_DEVICES_MAX) {
    const nsid = load<u32>(list + (count << 2));
    if (nsid == 0) break;
    const device = blockDeviceAt(driver, count);
    device.controller = changetype<usize>(driver);
    device.unit = nsid;
    count += 1;
  }
  driver.deviceCount = count;
}

/**
 * Identify Namespace (figure 245). A namespace with metadata, or with blocks of another size than
 * 512 to 4096 bytes, is there but cannot be used.
 */
function readNamespace(driver: NvmeDriver, index: u32): void {
  const data = pointer(driver.page);
  const device = blockDeviceAt(driver, index);
  const format = load<u32>(data + ((load<u8>(data, 26) & 15) << 2), 128);
  const shift = (format >> 16) & 0xff;
  const usable = (format & 0xffff) == 0 && shift >= 9 && shift <= 12;
  device.state = usable ? BLOCK_READY : BLOCK_FAILED;
  if (!usable) return;
  device.blocks = load<u64>(data);
  device.blockBytes = 1 << shift;
  device.maxBlocks = driver.transferBytes >> shift;
  device.readOnly = load<u8>(data, 99) & 1;
  device.operations = driver.operations;
}
