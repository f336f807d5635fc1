/** Create and Delete I/O Submission and Completion Queue (5.3-5.6). */
import {
  NVME_ABORTED_SQ_DELETION,
  NVME_CC_IOCQES_SHIFT,
  NVME_CC_IOSQES_SHIFT,
  NVME_CQ_INTERRUPTS,
  NVME_CQ_INVALID,
  NVME_CQE_SHIFT,
  NVME_INVALID_QUEUE_DELETION,
  NVME_INVALID_QUEUE_ID,
  NVME_INVALID_QUEUE_SIZE,
  NVME_INVALID_VECTOR,
  NVME_PRP_OFFSET_INVALID,
  NVME_QUEUE_CONTIGUOUS,
  NVME_SQE_CDW10,
  NVME_SQE_CDW11,
  NVME_SQE_PRP1,
  NVME_SQE_SHIFT,
  NVME_SUCCESS,
} from "../../../spec/nvme";
import { pageBytes } from "./dma";
import { endCommands } from "./engine";
import { invalidField, refuse } from "./errors";
import { updateLine } from "./interrupts";
import { clearPending } from "./queues";
import {
  completionQueue,
  field32,
  field64,
  IO_QUEUES,
  nvme,
  NvmeCompletionQueue,
  NvmeSlot,
  NvmeSubmissionQueue,
  QUEUE_ENTRIES_MAX,
  submissionQueue,
  VECTORS,
} from "./state";

const NSQR_MASK: u32 = 0xffff;

/** What both commands ask of size, memory and identifier; `shift` is the entry size wanted. */
function checkQueue(slot: NvmeSlot, exists: bool, granted: u32, shift: u32, ccShift: u32): u32 {
  const size = field32(slot, NVME_SQE_CDW10) >> 16;
  const id = field32(slot, NVME_SQE_CDW10) & 0xffff;
  if (id == 0 || id > granted || exists) return refuse(NVME_INVALID_QUEUE_ID, NVME_SQE_CDW10);
  const entryShift = (nvme().cc >> ccShift) & 15;
  // One-based sizes begin at 2, and the host must have set the entry size in CC first.
  if (size == 0 || size >= QUEUE_ENTRIES_MAX || entryShift != shift)
    return refuse(NVME_INVALID_QUEUE_SIZE, NVME_SQE_CDW10 + 2);
  // CAP.CQR: queues are physically contiguous.
  if ((field32(slot, NVME_SQE_CDW11) & NVME_QUEUE_CONTIGUOUS) == 0)
    return invalidField(NVME_SQE_CDW11);
  if ((field64(slot, NVME_SQE_PRP1) & <u64>(pageBytes() - 1)) != 0)
    return refuse(NVME_PRP_OFFSET_INVALID, NVME_SQE_PRP1);
  return NVME_SUCCESS;
}

@inline
function idExists(id: u32, submission: bool): bool {
  if (id > IO_QUEUES) return false;
  return submission ? submissionQueue(id).entries != 0 : completionQueue(id).entries != 0;
}

export function createCompletionQueue(slot: NvmeSlot): u32 {
  const id = field32(slot, NVME_SQE_CDW10) & 0xffff;
  const granted = (nvme().queuesGranted >> 16) + 1;
  const status = checkQueue(slot, idExists(id, false), granted, NVME_CQE_SHIFT, NVME_CC_IOCQES_SHIFT);
  if (status != NVME_SUCCESS) return status;
  const attributes = field32(slot, NVME_SQE_CDW11);
  const vector = attributes >> 16;
  if (vector >= VECTORS) return refuse(NVME_INVALID_VECTOR, NVME_SQE_CDW11 + 2);
  const queue = completionQueue(id);
  memory.fill(changetype<usize>(queue), 0, offsetof<NvmeCompletionQueue>());
  queue.base = field64(slot, NVME_SQE_PRP1);
  queue.entries = (field32(slot, NVME_SQE_CDW10) >> 16) + 1;
  queue.phase = 1;
  queue.vector = vector;
  queue.interrupts = (attributes & NVME_CQ_INTERRUPTS) != 0 ? 1 : 0;
  return NVME_SUCCESS;
}

export function createSubmissionQueue(slot: NvmeSlot): u32 {
  const id = field32(slot, NVME_SQE_CDW10) & 0xffff;
  const granted = (nvme().queuesGranted & NSQR_MASK) + 1;
  const status = checkQueue(slot, idExists(id, true), granted, NVME_SQE_SHIFT, NVME_CC_IOSQES_SHIFT);
  if (status != NVME_SUCCESS) return status;
  const completions = field32(slot, NVME_SQE_CDW11) >> 16;
  const completionsGranted = (nvme().queuesGranted >> 16) + 1;
  if (completions == 0 || completions > completionsGranted)
    return refuse(NVME_INVALID_QUEUE_ID, NVME_SQE_CDW11 + 2);
  if (!idExists(completions, false)) return refuse(NVME_CQ_INVALID, NVME_SQE_CDW11 + 2);
  const queue = submissionQueue(id);
  memory.fill(changetype<usize>(queue), 0, offsetof<NvmeSubmissionQueue>());
  queue.base = field64(slot, NVME_SQE_PRP1);
  queue.entries = (field32(slot, NVME_SQE_CDW10) >> 16) + 1;
  queue.completionQueue = completions;
  completionQueue(completions).users += 1;
  return NVME_SUCCESS;
}

/** Commands of the queue in flight are completed first, as aborted; their places are promised. */
export function deleteSubmissionQueue(slot: NvmeSlot): u32 {
  const id = field32(slot, NVME_SQE_CDW10) & 0xffff;
  if (id == 0 || !idExists(id, true)) return refuse(NVME_INVALID_QUEUE_ID, NVME_SQE_CDW10);
  endCommands(id, NVME_ABORTED_SQ_DELETION);
  const queue = submissionQueue(id);
  completionQueue(queue.completionQueue).users -= 1;
  queue.entries = 0;
  clearPending(id);
  return NVME_SUCCESS;
}

export function deleteCompletionQueue(slot: NvmeSlot): u32 {
  const id = field32(slot, NVME_SQE_CDW10) & 0xffff;
  if (id == 0 || !idExists(id, false)) return refuse(NVME_INVALID_QUEUE_ID, NVME_SQE_CDW10);
  const queue = completionQueue(id);
  if (queue.users != 0) return refuse(NVME_INVALID_QUEUE_DELETION, NVME_SQE_CDW10);
  if (queue.interrupts != 0 && queue.head != queue.tail) {
    nvme().lineUsers -= 1;
    updateLine();
  }
  queue.entries = 0;
  return NVME_SUCCESS;
}
