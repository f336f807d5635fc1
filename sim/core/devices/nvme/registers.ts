/** Controller registers and the state machine behind CC and CSTS (3.1, 7.6). */
import { cancelEvent, scheduleIn } from "../../events";
import { usesMessages } from "../../pci/interrupts";
import { allOnes } from "../../ram";
import {
  NVME_ACQ,
  NVME_AQA,
  NVME_ASQ,
  NVME_CAP,
  NVME_CAP_CQR,
  NVME_CAP_HIGH_CSS_NVM,
  NVME_CAP_HIGH_MPSMAX_SHIFT,
  NVME_CAP_TO_SHIFT,
  NVME_CC,
  NVME_CC_AMS_SHIFT,
  NVME_CC_CSS_SHIFT,
  NVME_CC_EN,
  NVME_CC_MPS_SHIFT,
  NVME_CC_SHN_MASK,
  NVME_CC_SHN_NORMAL,
  NVME_CSTS,
  NVME_CSTS_CFS,
  NVME_CSTS_RDY,
  NVME_CSTS_SHST_COMPLETE,
  NVME_CSTS_SHST_MASK,
  NVME_CSTS_SHST_OCCURRING,
  NVME_DOORBELLS,
  NVME_INTMC,
  NVME_INTMS,
  NVME_VERSION,
  NVME_VS,
} from "../../../spec/nvme";
import { dropCommands } from "./engine";
import { resetFeatures } from "./features";
import { resetInterrupts, updateLine } from "./interrupts";
import { flushAll } from "./io";
import { doorbell } from "./queues";
import {
  completionQueue,
  MPS_MAX,
  NO_LOCATION,
  nvme,
  NvmeCompletionQueue,
  NvmeSubmissionQueue,
  QUEUE_ENTRIES_MAX,
  QUEUES,
  submissionQueue,
} from "./state";

/** CAP.TO: ready within two units of 500 ms; in truth the controller needs READY_CYCLES. */
const TIMEOUT_UNITS: u32 = 2;
const READY_CYCLES: u64 = 500_000;
const RESET_CYCLES: u64 = 100_000;
const SHUTDOWN_CYCLES: u64 = 1_000_000;

const CAP_LOW: u32 =
  (QUEUE_ENTRIES_MAX - 1) | NVME_CAP_CQR | (TIMEOUT_UNITS << NVME_CAP_TO_SHIFT);
const CAP_HIGH: u32 = NVME_CAP_HIGH_CSS_NVM | (MPS_MAX << NVME_CAP_HIGH_MPSMAX_SHIFT);
/** Defined bits of CC, and those that may change while the controller is enabled. */
const CC_MASK: u32 = 0x00ff_fff1;
const CC_LIVE_MASK: u32 = 0x00ff_c001;
/** AQA: 12-bit sizes, zero-based. */
const AQA_MASK: u32 = 0x0fff_0fff;
const PAGE_MASK: u64 = 0xffff_ffff_ffff_f000;

/** Reads 1 to 8 bytes at `offset`. Registers are 32 bits wide; other widths see parts of them. */
export function registerRead(offset: u32, bytes: u32): u64 {
  const low = <u64>readDword(offset & ~3);
  const shift = (offset & 3) << 3;
  const crosses = (offset & 3) + bytes > 4;
  const high = crosses ? <u64>readDword((offset & ~3) + 4) : 0;
  return ((low | (high << 32)) >> shift) & allOnes(bytes);
}

function readDword(offset: u32): u32 {
  const controller = nvme();
  switch (offset) {
    case NVME_CAP:
      return CAP_LOW;
    case NVME_CAP + 4:
      return CAP_HIGH;
    case NVME_VS:
      return NVME_VERSION;
    case NVME_INTMS:
    case NVME_INTMC:
      return usesMessages(controller.fn) ? 0 : controller.intms;
    case NVME_CC:
      return controller.cc;
    case NVME_CSTS:
      return controller.csts;
    case NVME_AQA:
      return controller.aqa;
    case NVME_ASQ:
      return <u32>controller.asq;
    case NVME_ASQ + 4:
      return <u32>(controller.asq >> 32);
    case NVME_ACQ:
      return <u32>controller.acq;
    case NVME_ACQ + 4:
      return <u32>(controller.acq >> 32);
    default:
      // Reserved registers and the doorbells, which are write-only.
      return 0;
  }
}

/** Writes aligned dwords, or qwords as two of them; nothing else is defined (3.1) or has effect. */
export function registerWrite(offset: u32, bytes: u32, value: u64): void {
  if (bytes < 4 || (offset & 3) != 0) return;
  writeDword(offset, <u32>value);
  if (bytes == 8) writeDword(offset + 4, <u32>(value >> 32));
}

function writeDword(offset: u32, value: u32): void {
  const controller = nvme();
  if (offset >= <u32>NVME_DOORBELLS) return doorbell((offset - NVME_DOORBELLS) >> 2, value);
  switch (offset) {
    case NVME_INTMS:
      return maskInterrupts(controller.intms | value);
    case NVME_INTMC:
      return maskInterrupts(controller.intms & ~value);
    case NVME_CC:
      return writeConfiguration(value & CC_MASK);
    default:
      // The admin queue stays as it is while the controller uses it (3.1.7-3.1.9).
      if ((controller.cc & NVME_CC_EN) == 0) writeAdminQueue(offset, value);
  }
}

/** INTMS and INTMC are for the INTx line; with MSI-X they are out of bounds (3.1.3). */
function maskInterrupts(mask: u32): void {
  const controller = nvme();
  if (usesMessages(controller.fn)) return;
  controller.intms = mask;
  updateLine();
}

function writeAdminQueue(offset: u32, value: u32): void {
  const controller = nvme();
  switch (offset) {
    case NVME_AQA:
      controller.aqa = value & AQA_MASK;
      break;
    case NVME_ASQ:
      controller.asq = withLow(controller.asq, value);
      break;
    case NVME_ASQ + 4:
      controller.asq = withHigh(controller.asq, value);
      break;
    case NVME_ACQ:
      controller.acq = withLow(controller.acq, value);
      break;
    case NVME_ACQ + 4:
      controller.acq = withHigh(controller.acq, value);
      break;
    default:
  }
}

@inline
function withLow(old: u64, value: u32): u64 {
  return ((old & 0xffff_ffff_0000_0000) | <u64>value) & PAGE_MASK;
}

@inline
function withHigh(old: u64, value: u32): u64 {
  return (old & 0xffff_ffff) | (<u64>value << 32);
}

function writeConfiguration(value: u32): void {
  const controller = nvme();
  const old = controller.cc;
  const enabled = (old & NVME_CC_EN) != 0;
  if (enabled && (value & NVME_CC_EN) == 0) return disable();
  controller.cc = enabled ? (old & ~CC_LIVE_MASK) | (value & CC_LIVE_MASK) : value;
  if (!enabled && (value & NVME_CC_EN) != 0) enable();
  if ((old & NVME_CC_SHN_MASK) == 0 && (value & NVME_CC_SHN_MASK) != 0) beginShutdown();
}

/** Enable: with a configuration that CAP allows, the admin queue comes up and RDY follows. */
function enable(): void {
  const controller = nvme();
  controller.csts &= ~NVME_CSTS_RDY;
  if (!isConfigured()) {
    controller.csts |= NVME_CSTS_CFS;
    return;
  }
  const submission = submissionQueue(0);
  submission.base = controller.asq;
  submission.entries = (controller.aqa & 0xfff) + 1;
  const completion = completionQueue(0);
  completion.base = controller.acq;
  completion.entries = (controller.aqa >> 16) + 1;
  completion.phase = 1;
  completion.interrupts = 1;
  completion.users = 1;
  scheduleIn(controller.stateEvent, READY_CYCLES);
}

function isConfigured(): bool {
  const controller = nvme();
  const cc = controller.cc;
  const pageMask = (<u64>4096 << ((cc >> NVME_CC_MPS_SHIFT) & 15)) - 1;
  return (
    ((cc >> NVME_CC_CSS_SHIFT) & 7) == 0 &&
    ((cc >> NVME_CC_AMS_SHIFT) & 7) == 0 &&
    ((cc >> NVME_CC_MPS_SHIFT) & 15) <= MPS_MAX &&
    (controller.aqa & 0xfff) != 0 &&
    controller.aqa >> 16 != 0 &&
    ((controller.asq | controller.acq) & pageMask) == 0
  );
}

/** Controller reset by CC.EN (7.3.2): all but AQA, ASQ and ACQ goes back to its default. */
function disable(): void {
  const ready = nvme().csts & NVME_CSTS_RDY;
  resetController();
  nvme().csts = ready;
  scheduleIn(nvme().stateEvent, RESET_CYCLES);
}

/** Ends all work and resets queues, features and registers, the admin queue's excepted. */
export function resetController(): void {
  const controller = nvme();
  dropCommands();
  for (let index: u32 = 0; index < QUEUES; index++) {
    memory.fill(changetype<usize>(submissionQueue(index)), 0, offsetof<NvmeSubmissionQueue>());
    memory.fill(changetype<usize>(completionQueue(index)), 0, offsetof<NvmeCompletionQueue>());
  }
  memory.fill(controller.pending, 0, ((QUEUES + 63) >> 6) * 8);
  cancelEvent(controller.fetchEvent);
  cancelEvent(controller.stateEvent);
  controller.arbitrationQueue = 0;
  controller.burstLeft = 0;
  controller.eventsPending = 0;
  controller.eventsMasked = 0;
  controller.errorLocation = NO_LOCATION;
  controller.errorLba = 0;
  controller.cc = 0;
  controller.csts = 0;
  resetFeatures();
  resetInterrupts();
}

function beginShutdown(): void {
  const controller = nvme();
  controller.csts = (controller.csts & ~NVME_CSTS_SHST_MASK) | NVME_CSTS_SHST_OCCURRING;
  scheduleIn(controller.stateEvent, SHUTDOWN_CYCLES);
}

/** The delay of enable, disable or shutdown is over. */
export function stateSettled(): void {
  const controller = nvme();
  if ((controller.csts & NVME_CSTS_SHST_MASK) == NVME_CSTS_SHST_OCCURRING) {
    if ((controller.cc & NVME_CC_SHN_MASK) == NVME_CC_SHN_NORMAL) flushAll();
    controller.csts = (controller.csts & ~NVME_CSTS_SHST_MASK) | NVME_CSTS_SHST_COMPLETE;
  }
  const fatal = (controller.csts & NVME_CSTS_CFS) != 0;
  if ((controller.cc & NVME_CC_EN) == 0) controller.csts &= ~NVME_CSTS_RDY;
  else if (!fatal) controller.csts |= NVME_CSTS_RDY;
}

