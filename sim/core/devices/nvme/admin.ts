/** Admin commands (5): the table, Abort, Asynchronous Event Request. */
import {
  NVME_ABORT_LIMIT,
  NVME_ABORT_REQUESTED,
  NVME_ADMIN_ABORT,
  NVME_ADMIN_ASYNC_EVENT,
  NVME_ADMIN_CREATE_CQ,
  NVME_ADMIN_CREATE_SQ,
  NVME_ADMIN_DELETE_CQ,
  NVME_ADMIN_DELETE_SQ,
  NVME_ADMIN_GET_FEATURES,
  NVME_ADMIN_GET_LOG_PAGE,
  NVME_ADMIN_IDENTIFY,
  NVME_ADMIN_SET_FEATURES,
  NVME_ASYNC_EVENT_LIMIT,
  NVME_INVALID_OPCODE,
  NVME_SQE_CDW10,
  NVME_SUCCESS,
} from "../../../spec/nvme";
import { findCommand } from "./engine";
import { refuse } from "./errors";
import { getFeatures, setFeatures } from "./features";
import { identify } from "./identify";
import { getLogPage } from "./logs";
import { createCompletionQueue, createSubmissionQueue, deleteCompletionQueue, deleteSubmissionQueue } from "./create-queues";
import { finishCommand, hasRoom, workEnded } from "./queues";
import {
  ABORTS_MAX,
  ASYNC_EVENTS_MAX,
  completionQueue,
  field32,
  NO_COMPLETION,
  nvme,
  NvmeSlot,
  SLOT_BUSY,
  SLOT_WAITING,
  slotAt,
  SLOTS,
} from "./state";

/** Time that an admin command takes, in cycles. */
const ADMIN_CYCLES: u64 = 8_000;

export function adminCycles(opcode: u32): u64 {
  // A request for an event only has to be noted down.
  return opcode == NVME_ADMIN_ASYNC_EVENT ? ADMIN_CYCLES >> 3 : ADMIN_CYCLES;
}

/** Carries out the admin command in slot `index`; returns its status or NO_COMPLETION. */
export function executeAdmin(index: u32, slot: NvmeSlot): u32 {
  switch (field32(slot, 0) & 0xff) {
    case NVME_ADMIN_DELETE_SQ:
      return deleteSubmissionQueue(slot);
    case NVME_ADMIN_CREATE_SQ:
      return createSubmissionQueue(slot);
    case NVME_ADMIN_GET_LOG_PAGE:
      return getLogPage(slot);
    case NVME_ADMIN_DELETE_CQ:
      return deleteCompletionQueue(slot);
    case NVME_ADMIN_CREATE_CQ:
      return createCompletionQueue(slot);
    case NVME_ADMIN_IDENTIFY:
      return identify(slot);
    case NVME_ADMIN_ABORT:
      return abort(index, slot);
    case NVME_ADMIN_SET_FEATURES:
      return setFeatures(slot);
    case NVME_ADMIN_GET_FEATURES:
      return getFeatures(slot);
    case NVME_ADMIN_ASYNC_EVENT:
      return asyncEventRequest(slot);
    default:
      return refuse(NVME_INVALID_OPCODE, 0);
  }
}

/**
 * Abort (5.1): ends the command named by queue and identifier. Bit 0 of the result says that there
 * was nothing to abort, or, for an event request, no room for its completion.
 */
function abort(index: u32, slot: NvmeSlot): u32 {
  if (abortsInFlight() > ABORTS_MAX) return refuse(NVME_ABORT_LIMIT, 0);
  const name = field32(slot, NVME_SQE_CDW10);
  const target = findCommand((name << 16) | (name >> 16));
  const possible =
    target < SLOTS &&
    target != index &&
    (slotAt(target).state != SLOT_WAITING || hasRoom(completionQueue(0)));
  if (possible) finishCommand(target, NVME_ABORT_REQUESTED, 0);
  nvme().result = possible ? 0 : 1;
  return NVME_SUCCESS;
}

function abortsInFlight(): u32 {
  let count: u32 = 0;
  for (let index: u32 = 0; index < SLOTS; index++) {
    const slot = slotAt(index);
    if (slot.state != SLOT_BUSY || slot.queue != 0) continue;
    if ((field32(slot, 0) & 0xff) == NVME_ADMIN_ABORT) count += 1;
  }
  return count;
}

/** Asynchronous Event Request (5.2): waits, and gives its place in the completion queue back. */
function asyncEventRequest(slot: NvmeSlot): u32 {
  const controller = nvme();
  if (controller.asyncWaiting >= ASYNC_EVENTS_MAX) return refuse(NVME_ASYNC_EVENT_LIMIT, 0);
  slot.state = SLOT_WAITING;
  controller.asyncWaiting += 1;
  completionQueue(0).reserved -= 1;
  workEnded();
  return NO_COMPLETION;
}
