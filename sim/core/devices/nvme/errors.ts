/** Refusals, the Error Information log (5.14.1.1) and asynchronous events (5.2). */
import {
  NVME_ABORT_REQUESTED,
  NVME_ABORTED_SQ_DELETION,
  NVME_EVENT_ERROR,
  NVME_EVENT_HEALTH,
  NVME_EVENT_INVALID_DOORBELL,
  NVME_EVENT_INVALID_DOORBELL_VALUE,
  NVME_EVENT_TEMPERATURE,
  NVME_INVALID_FIELD,
  NVME_LOG_ERRORS,
  NVME_LOG_HEALTH,
  NVME_STATUS_CODE_MASK,
  NVME_STATUS_DNR,
  NVME_STATUS_MORE,
  NVME_SUCCESS,
} from "../../../spec/nvme";
import {
  errorAt,
  ERROR_ENTRIES,
  nvme,
  NvmeErrorEntry,
  NO_LOCATION,
} from "./state";

/** "Does not apply", as the log has it for queues, commands and locations. */
const NOT_APPLICABLE: u16 = 0xffff;

/** Refuses the command for the field at byte `location` of its submission queue entry. */
export function invalidField(location: u32): u32 {
  return refuse(NVME_INVALID_FIELD, location);
}

/** Refuses the command with `status`, for good, for the field at byte `location`. */
export function refuse(status: u32, location: u32): u32 {
  nvme().errorLocation = location;
  return status | NVME_STATUS_DNR;
}

/**
 * Writes a failed command down. Returns the status with More set: there is an entry about it.
 * Aborted commands are no errors, and have none.
 */
export function recordError(queue: u32, commandId: u32, status: u32, namespace: u32): u32 {
  const controller = nvme();
  const code = status & NVME_STATUS_CODE_MASK;
  if (code == NVME_SUCCESS || code == NVME_ABORT_REQUESTED || code == NVME_ABORTED_SQ_DELETION)
    return status;
  const full = status | NVME_STATUS_MORE;
  const entry = newEntry();
  entry.queue = <u16>queue;
  entry.commandId = <u16>commandId;
  entry.status = <u16>(full << 1);
  entry.parameterLocation = <u16>controller.errorLocation;
  entry.lba = controller.errorLba;
  entry.namespace = namespace;
  return full;
}

function newEntry(): NvmeErrorEntry {
  const controller = nvme();
  const entry = errorAt(<u32>(controller.errorCount % ERROR_ENTRIES));
  memory.fill(changetype<usize>(entry), 0, offsetof<NvmeErrorEntry>());
  controller.errorCount += 1;
  entry.count = controller.errorCount;
  entry.parameterLocation = <u16>NO_LOCATION;
  return entry;
}

/** Index of an event in the tables below. */
export const EVENT_BAD_DOORBELL: u32 = 0;
export const EVENT_BAD_DOORBELL_VALUE: u32 = 1;
export const EVENT_TEMPERATURE: u32 = 2;
export const EVENTS: u32 = 3;

/** Type, information and log page of an event, as Dword 0 of its completion has them (5.2.1). */
export function eventResult(event: u32): u32 {
  switch (event) {
    case EVENT_BAD_DOORBELL:
      return NVME_EVENT_ERROR | (NVME_EVENT_INVALID_DOORBELL << 8) | (NVME_LOG_ERRORS << 16);
    case EVENT_BAD_DOORBELL_VALUE:
      return NVME_EVENT_ERROR | (NVME_EVENT_INVALID_DOORBELL_VALUE << 8) | (NVME_LOG_ERRORS << 16);
    default:
      return NVME_EVENT_HEALTH | (NVME_EVENT_TEMPERATURE << 8) | (NVME_LOG_HEALTH << 16);
  }
}

/** A doorbell write that makes no sense is dropped, logged and reported (4.1, 5.2.1). */
export function badDoorbell(event: u32, queue: u32): void {
  const entry = newEntry();
  entry.queue = <u16>queue;
  entry.commandId = NOT_APPLICABLE;
  nvme().eventsPending |= 1 << event;
}

/** The host has read the log page of this event type: more events of the type may be reported. */
export function clearEvents(type: u32): void {
  const controller = nvme();
  controller.eventsMasked &= ~(1 << type);
  for (let event: u32 = 0; event < EVENTS; event++)
    if ((eventResult(event) & 7) == type) controller.eventsPending &= ~(1 << event);
}

/** The next event that may be reported, or EVENTS. */
export function nextEvent(): u32 {
  const controller = nvme();
  for (let event: u32 = 0; event < EVENTS; event++) {
    if ((controller.eventsPending & (1 << event)) == 0) continue;
    if ((controller.eventsMasked & (1 << (eventResult(event) & 7))) == 0) return event;
  }
  return EVENTS;
}
