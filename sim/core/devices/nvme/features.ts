/** Get Features and Set Features (5.13, 5.21). */
import {
  NVME_COMMAND_SEQUENCE_ERROR,
  NVME_FEATURE_ARBITRATION,
  NVME_FEATURE_ASYNC_EVENTS,
  NVME_FEATURE_ATOMICITY,
  NVME_FEATURE_COALESCING,
  NVME_FEATURE_ERROR_RECOVERY,
  NVME_FEATURE_NOT_SAVEABLE,
  NVME_FEATURE_POWER,
  NVME_FEATURE_QUEUES,
  NVME_FEATURE_TEMPERATURE,
  NVME_FEATURE_VECTOR,
  NVME_FEATURE_WRITE_CACHE,
  NVME_INVALID_NAMESPACE,
  NVME_SQE_CDW10,
  NVME_SQE_CDW11,
  NVME_SQE_NSID,
  NVME_SUCCESS,
} from "../../../spec/nvme";
import { EVENT_TEMPERATURE, invalidField, refuse } from "./errors";
import { TEMPERATURE, TEMPERATURE_WARNING } from "./identify";
import {
  completionQueue,
  field32,
  findNamespace,
  IO_QUEUES,
  namespaceAt,
  nvme,
  NvmeSlot,
  submissionQueue,
  vectorAt,
  VECTORS,
} from "./state";

/** Select field of Get Features. */
const SELECT_CURRENT: u32 = 0;
const SELECT_CAPABILITIES: u32 = 3;
const ARBITRATION_MASK: u32 = 0xffff_ff07;
const ASYNC_EVENTS_MASK: u32 = 0x1f;
const NSID_ALL: u32 = 0xffff_ffff;
/** Asynchronous Event Configuration: report when the temperature passes a threshold. */
const TEMPERATURE_EVENT: u32 = 0x2;
const SAVE: u32 = 0x8000_0000;

/** Values after reset; none survives it (none is saveable). */
export function resetFeatures(): void {
  const controller = nvme();
  controller.arbitration = 0;
  controller.power = 0;
  controller.overTemperature = TEMPERATURE_WARNING;
  controller.underTemperature = 0;
  controller.writeCache = 1;
  controller.queuesGranted = ((IO_QUEUES - 1) << 16) | (IO_QUEUES - 1);
  controller.coalescing = 0;
  controller.atomicity = 0;
  controller.asyncEvents = 0;
  for (let index: u32 = 0; index < controller.namespaceCount; index++)
    namespaceAt(index).errorRecovery = 0;
}

function isFeature(id: u32): bool {
  // LBA Range Type (3) is optional and not here; the rest of 1 to 11 is.
  return id >= <u32>NVME_FEATURE_ARBITRATION && id <= <u32>NVME_FEATURE_ASYNC_EVENTS && id != 3;
}

/** Whether a feature has a value a namespace. */
function isPerNamespace(id: u32): bool {
  return id == NVME_FEATURE_ERROR_RECOVERY;
}

export function getFeatures(slot: NvmeSlot): u32 {
  const id = field32(slot, NVME_SQE_CDW10) & 0xff;
  const select = (field32(slot, NVME_SQE_CDW10) >> 8) & 7;
  if (!isFeature(id)) return invalidField(NVME_SQE_CDW10);
  if (select > SELECT_CAPABILITIES) return invalidField(NVME_SQE_CDW10 + 1);
  const controller = nvme();
  if (select == SELECT_CAPABILITIES) {
    // Bit 2 changeable, bit 1 namespace specific, bit 0 saveable.
    controller.result = isPerNamespace(id) ? 0x6 : 0x4;
    return NVME_SUCCESS;
  }
  if (isPerNamespace(id) && findNamespace(field32(slot, NVME_SQE_NSID)) == null)
    return refuse(NVME_INVALID_NAMESPACE, NVME_SQE_NSID);
  const argument = field32(slot, NVME_SQE_CDW11);
  if (id == NVME_FEATURE_VECTOR && (argument & 0xffff) >= VECTORS)
    return invalidField(NVME_SQE_CDW11);
  if (id == NVME_FEATURE_TEMPERATURE && !isThreshold(argument, false))
    return invalidField(NVME_SQE_CDW11 + 2);
  // Nothing is saved, so the saved value is the default.
  controller.result =
    select == SELECT_CURRENT ? currentValue(slot, id, argument) : defaultValue(id, argument);
  return NVME_SUCCESS;
}

function currentValue(slot: NvmeSlot, id: u32, argument: u32): u32 {
  const controller = nvme();
  switch (id) {
    case NVME_FEATURE_ARBITRATION:
      return controller.arbitration;
    case NVME_FEATURE_POWER:
      return controller.power;
    case NVME_FEATURE_TEMPERATURE:
      return isUnder(argument) ? controller.underTemperature : controller.overTemperature;
    case NVME_FEATURE_ERROR_RECOVERY:
      return namespaceAt(field32(slot, NVME_SQE_NSID) - 1).errorRecovery;
    case NVME_FEATURE_WRITE_CACHE:
      return controller.writeCache;
    case NVME_FEATURE_QUEUES:
      return controller.queuesGranted;
    case NVME_FEATURE_COALESCING:
      return controller.coalescing;
    case NVME_FEATURE_VECTOR:
      return (vectorAt(argument & 0xffff).immediate << 16) | (argument & 0xffff);
    case NVME_FEATURE_ATOMICITY:
      return controller.atomicity;
    default:
      return controller.asyncEvents;
  }
}

function defaultValue(id: u32, argument: u32): u32 {
  switch (id) {
    case NVME_FEATURE_TEMPERATURE:
      return isUnder(argument) ? 0 : TEMPERATURE_WARNING;
    case NVME_FEATURE_WRITE_CACHE:
      return 1;
    case NVME_FEATURE_QUEUES:
      return ((IO_QUEUES - 1) << 16) | (IO_QUEUES - 1);
    case NVME_FEATURE_VECTOR:
      return argument & 0xffff;
    default:
      return 0;
  }
}

export function setFeatures(slot: NvmeSlot): u32 {
  const id = field32(slot, NVME_SQE_CDW10) & 0xff;
  if (!isFeature(id)) return invalidField(NVME_SQE_CDW10);
  if ((field32(slot, NVME_SQE_CDW10) & SAVE) != 0)
    return refuse(NVME_FEATURE_NOT_SAVEABLE, NVME_SQE_CDW10 + 3);
  const value = field32(slot, NVME_SQE_CDW11);
  const controller = nvme();
  switch (id) {
    case NVME_FEATURE_ARBITRATION:
      controller.arbitration = value & ARBITRATION_MASK;
      controller.burstLeft = 0;
      break;
    case NVME_FEATURE_POWER:
      return setPower(value);
    case NVME_FEATURE_TEMPERATURE:
      return setTemperature(value);
    case NVME_FEATURE_ERROR_RECOVERY:
      return setErrorRecovery(field32(slot, NVME_SQE_NSID), value);
    case NVME_FEATURE_WRITE_CACHE:
      controller.writeCache = value & 1;
      break;
    case NVME_FEATURE_QUEUES:
      return setQueues(value);
    case NVME_FEATURE_COALESCING:
      controller.coalescing = value & 0xffff;
      break;
    case NVME_FEATURE_VECTOR:
      if ((value & 0xffff) >= VECTORS) return invalidField(NVME_SQE_CDW11);
      vectorAt(value & 0xffff).immediate = (value >> 16) & 1;
      break;
    case NVME_FEATURE_ATOMICITY:
      controller.atomicity = value & 1;
      break;
    default:
      controller.asyncEvents = value & ASYNC_EVENTS_MASK;
      checkTemperature();
  }
  return NVME_SUCCESS;
}

/** Power Management (5.21.1.2): there is one power state. */
function setPower(value: u32): u32 {
  if ((value & 0x1f) != 0) return invalidField(NVME_SQE_CDW11);
  nvme().power = value & 0xe0;
  return NVME_SUCCESS;
}

/*
 * Temperature Threshold (5.21.1.4)
 *   21 20  19    16  15       0
 *  | THSEL| TMPSEL | TMPTH, K  |    THSEL 0 over, 1 under; TMPSEL 0 composite, 15 all sensors
 */
@inline
function isUnder(argument: u32): bool {
  return ((argument >> 20) & 3) == 1;
}

/** There is one sensor, the composite temperature. */
function isThreshold(argument: u32, all: bool): bool {
  const sensor = (argument >> 16) & 15;
  return (argument >> 20 & 3) <= 1 && (sensor == 0 || (all && sensor == 15));
}

function setTemperature(value: u32): u32 {
  if (!isThreshold(value, true)) return invalidField(NVME_SQE_CDW11 + 2);
  if (isUnder(value)) nvme().underTemperature = value & 0xffff;
  else nvme().overTemperature = value & 0xffff;
  checkTemperature();
  return NVME_SUCCESS;
}

/** Whether the temperature is at or past a threshold: Critical Warning bit 1 (5.14.1.2). */
export function isTemperatureCritical(): bool {
  const controller = nvme();
  return TEMPERATURE >= controller.overTemperature || TEMPERATURE <= controller.underTemperature;
}

function checkTemperature(): void {
  const controller = nvme();
  if (isTemperatureCritical() && (controller.asyncEvents & TEMPERATURE_EVENT) != 0)
    controller.eventsPending |= 1 << EVENT_TEMPERATURE;
}

/** Error Recovery (5.21.1.5): the limit in bits 15-0; no deallocated-block errors (NSFEAT). */
function setErrorRecovery(nsid: u32, value: u32): u32 {
  if (nsid == NSID_ALL) {
    for (let index: u32 = 0; index < nvme().namespaceCount; index++)
      namespaceAt(index).errorRecovery = value & 0xffff;
    return NVME_SUCCESS;
  }
  const namespace = findNamespace(nsid);
  if (namespace == null) return refuse(NVME_INVALID_NAMESPACE, NVME_SQE_NSID);
  namespace.errorRecovery = value & 0xffff;
  return NVME_SUCCESS;
}

/** Number of Queues (5.21.1.7): only before there are any I/O queues. 65535 is not allowed. */
function setQueues(value: u32): u32 {
  const submission = value & 0xffff;
  const completion = value >> 16;
  if (submission == 0xffff || completion == 0xffff) return invalidField(NVME_SQE_CDW11);
  for (let index: u32 = 1; index <= IO_QUEUES; index++)
    if (submissionQueue(index).entries != 0 || completionQueue(index).entries != 0)
      return refuse(NVME_COMMAND_SEQUENCE_ERROR, 0);
  const controller = nvme();
  controller.queuesGranted =
    (min(completion, IO_QUEUES - 1) << 16) | min(submission, IO_QUEUES - 1);
  controller.result = controller.queuesGranted;
  return NVME_SUCCESS;
}
