/** Get Log Page (5.14). Every page fits in the scratch page; what is asked beyond it is zeroes. */
import { currentTime } from "../../events";
import {
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
  NVME_CMD_COMPARE,
  NVME_CMD_DATASET_MANAGEMENT,
  NVME_CMD_FLUSH,
  NVME_CMD_READ,
  NVME_CMD_WRITE,
  NVME_CMD_WRITE_ZEROES,
  NVME_EVENT_ERROR,
  NVME_EVENT_HEALTH,
  NVME_INVALID_LOG_PAGE,
  NVME_INVALID_NAMESPACE,
  NVME_LOG_COMMANDS,
  NVME_LOG_ERRORS,
  NVME_LOG_FIRMWARE,
  NVME_LOG_HEALTH,
  NVME_SQE_CDW10,
  NVME_SQE_CDW11,
  NVME_SQE_CDW12,
  NVME_SQE_NSID,
  NVME_SUCCESS,
} from "../../../spec/nvme";
import { sendScratch } from "./dma";
import { clearEvents, invalidField, refuse } from "./errors";
import { isTemperatureCritical } from "./features";
import { putText, TEMPERATURE } from "./identify";
import { CYCLES_PER_SECOND } from "../../../spec/platform";
import {
  errorAt,
  ERROR_ENTRIES,
  field32,
  field64,
  findNamespace,
  nvme,
  NvmeErrorEntry,
  NvmeSlot,
  SCRATCH_BYTES,
  TRANSFER_MAX,
} from "./state";

const NSID_ALL: u32 = 0xffff_ffff;
const RETAIN_EVENT: u32 = 1 << 15;
const CYCLES_PER_MINUTE: u64 = <u64>CYCLES_PER_SECOND * 60;
const CYCLES_PER_HOUR: u64 = CYCLES_PER_MINUTE * 60;
/** Data units are thousands of 512 bytes, rounded up (5.14.1.2). */
const DATA_UNIT: u64 = 512_000;

/** Length of the log page; 0 = there is no such page. */
function logBytes(page: u32): u32 {
  switch (page) {
    case NVME_LOG_ERRORS:
      return ERROR_ENTRIES * offsetof<NvmeErrorEntry>();
    case NVME_LOG_HEALTH:
    case NVME_LOG_FIRMWARE:
      return 512;
    case NVME_LOG_COMMANDS:
      return 4096;
    default:
      return 0;
  }
}

export function getLogPage(slot: NvmeSlot): u32 {
  const first = field32(slot, NVME_SQE_CDW10);
  const page = first & 0xff;
  const size = logBytes(page);
  if (size == 0) return refuse(NVME_INVALID_LOG_PAGE, NVME_SQE_CDW10);
  const nsid = field32(slot, NVME_SQE_NSID);
  if (nsid != 0 && nsid != NSID_ALL) {
    // LPA bit 0: the controller keeps no log a namespace.
    if (findNamespace(nsid) == null) return refuse(NVME_INVALID_NAMESPACE, NVME_SQE_NSID);
    return invalidField(NVME_SQE_NSID);
  }
  // NUMD, zero-based dwords, its upper half in CDW11.
  const dwords = (<u64>(field32(slot, NVME_SQE_CDW11) & 0xffff) << 16) | (first >> 16);
  const bytes = (dwords + 1) << 2;
  if (bytes > <u64>TRANSFER_MAX) return invalidField(NVME_SQE_CDW10 + 2);
  const offset = field64(slot, NVME_SQE_CDW12);
  if ((offset & 3) != 0 || offset > <u64>size) return invalidField(NVME_SQE_CDW12);
  memory.fill(nvme().scratch, 0, SCRATCH_BYTES);
  fillLog(page, nvme().scratch);
  const status = sendScratch(slot, <u32>offset, size, <u32>bytes);
  if (status == NVME_SUCCESS && (first & RETAIN_EVENT) == 0) {
    if (page == NVME_LOG_ERRORS) clearEvents(NVME_EVENT_ERROR);
    if (page == NVME_LOG_HEALTH) clearEvents(NVME_EVENT_HEALTH);
  }
  return status;
}

function fillLog(page: u32, at: usize): void {
  switch (page) {
    case NVME_LOG_ERRORS:
      return fillErrors(at);
    case NVME_LOG_HEALTH:
      return fillHealth(at);
    case NVME_LOG_FIRMWARE:
      store<u8>(at, 1); // AFI: slot 1 is active
      return putText(at + 8, "1.0", 8);
    default:
      return fillCommands(at);
  }
}

/** The newest error comes first. */
function fillErrors(at: usize): void {
  const count = nvme().errorCount;
  const present = <u32>min<u64>(count, ERROR_ENTRIES);
  const bytes = <u32>offsetof<NvmeErrorEntry>();
  for (let index: u32 = 0; index < present; index++) {
    const entry = errorAt(<u32>((count - 1 - index) % ERROR_ENTRIES));
    memory.copy(at + index * bytes, changetype<usize>(entry), bytes);
  }
}

/** SMART / Health Information (figure 194); counters have 16 bytes, of which these use 8. */
function fillHealth(at: usize): void {
  const controller = nvme();
  const now = currentTime();
  // Busy until now, while a command (at least the one that reads this) is being worked on.
  const busy =
    controller.busyCycles + (controller.working > 0 ? now - controller.busySince : 0);
  store<u8>(at, isTemperatureCritical() ? 0x2 : 0);
  store<u16>(at, TEMPERATURE, 1);
  store<u8>(at, 100, 3);
  store<u8>(at, 10, 4);
  store<u64>(at, (controller.bytesRead + DATA_UNIT - 1) / DATA_UNIT, 32);
  store<u64>(at, (controller.bytesWritten + DATA_UNIT - 1) / DATA_UNIT, 48);
  store<u64>(at, controller.readCommands, 64);
  store<u64>(at, controller.writeCommands, 80);
  store<u64>(at, busy / CYCLES_PER_MINUTE, 96);
  store<u64>(at, 1, 112);
  store<u64>(at, now / CYCLES_PER_HOUR, 128);
  store<u64>(at, controller.mediaErrors, 160);
  store<u64>(at, controller.errorCount, 176);
}

/** A command is supported; it changes the contents of blocks. */
const SUPPORTED: u32 = 0x1;
const CHANGES_BLOCKS: u32 = 0x2;

/** Commands Supported and Effects (figure 200): admin commands, then those of the NVM set. */
function fillCommands(at: usize): void {
  put(at, NVME_ADMIN_DELETE_SQ);
  put(at, NVME_ADMIN_CREATE_SQ);
  put(at, NVME_ADMIN_GET_LOG_PAGE);
  put(at, NVME_ADMIN_DELETE_CQ);
  put(at, NVME_ADMIN_CREATE_CQ);
  put(at, NVME_ADMIN_IDENTIFY);
  put(at, NVME_ADMIN_ABORT);
  put(at, NVME_ADMIN_SET_FEATURES);
  put(at, NVME_ADMIN_GET_FEATURES);
  put(at, NVME_ADMIN_ASYNC_EVENT);
  const io = at + 1024;
  put(io, NVME_CMD_FLUSH);
  put(io, NVME_CMD_WRITE, SUPPORTED | CHANGES_BLOCKS);
  put(io, NVME_CMD_READ);
  put(io, NVME_CMD_COMPARE);
  put(io, NVME_CMD_WRITE_ZEROES, SUPPORTED | CHANGES_BLOCKS);
  put(io, NVME_CMD_DATASET_MANAGEMENT, SUPPORTED | CHANGES_BLOCKS);
}

function put(table: usize, opcode: u32, effects: u32 = SUPPORTED): void {
  store<u32>(table + (opcode << 2), effects);
}
