/** The ATA device behind a port: takes commands, executes them one after the other. */
import { cancelEvent, currentTime, scheduleAt, scheduleIn } from "../../events";
import { faultArgument, takeFault } from "../../faults";
import { trace } from "../../trace";
import { driveFlush, driveRead, driveWrite } from "../../host";
import { driveAt } from "../drive";
import {
  ATA_ERROR_ABRT,
  ATA_ERROR_IDNF,
  ATA_ERROR_UNC,
  ATA_FLUSH,
  ATA_FLUSH_EXT,
  ATA_READ_LOG_DMA_EXT,
  ATA_READ_LOG_EXT,
  ATA_STATUS_BSY,
  ATA_STATUS_DRDY,
  ATA_STATUS_DRQ,
  ATA_STATUS_DSC,
  ATA_STATUS_ERR,
  LOG_NCQ_ERROR,
  POWER_ACTIVE,
} from "../../../spec/ahci";
import { FAULT_ERROR, FAULT_TIMEOUT } from "../../../spec/faults";
import { TRACE_COMMAND, TRACE_COMPLETION } from "../../../spec/trace";
import { ADDRESSED, DATA_IN, DATA_OUT, decode, attributesOf, PIO, QUEUED, SECTORS } from "./commands";
import { reportBytes, retire } from "./engine";
import {
  pioBlockDone,
  postDeviceBits,
  postDmaSetup,
  postPioSetup,
  postRegisters,
} from "./fis";
import { maybeSpurious } from "./interrupt";
import { executeSimple, fillPage, takePage, TRIM_BLOCKS_MAX } from "./pages";
import { sendSignature } from "./port";
import { moveData } from "./transfer";
import {
  ahciAddress,
  AhciCommand,
  AhciPort,
  AhciTransfer,
  CHUNK_BYTES,
  commandAt,
  NO_SLOT,
  transferOf,
} from "./state";

/** Latencies of a SATA solid-state drive; the link moves a byte in about two cycles. */
const READ_CYCLES: u64 = 60_000;
const WRITE_CYCLES: u64 = 30_000;
const FLUSH_CYCLES: u64 = 200_000;
const SIMPLE_CYCLES: u64 = 10_000;
const SOFT_RESET_CYCLES: u64 = 100_000;
const BYTE_CYCLES: u64 = 2;
const READY: u32 = ATA_STATUS_DRDY | ATA_STATUS_DSC;
const TRANSFER_UDMA6: u32 = 0x46;
const SOFT_RESET_RELEASED: u32 = 2;
/** The log's NQ bit: the command at fault was not a queued one. */
const LOG_NOT_QUEUED: u32 = 0x80;
/** The Device field's bit that says the address is an LBA (ACS-2, 7.1.4). */
const DEVICE_LBA: u32 = 0x40;

/** Forgets all commands and whatever failed before: a reset of the device. */
export function clearDevice(port: AhciPort): void {
  clearQueue(port);
  port.queueError = 0;
  port.softReset = 0;
  port.writeCache = 1;
  port.smart = 1;
  port.powerMode = POWER_ACTIVE;
  port.transferMode = TRANSFER_UDMA6;
}

/** Drops the commands that the device has; the task file stays as it is. */
export function clearQueue(port: AhciPort): void {
  port.orderCount = 0;
  port.queued = 0;
  transferOf(port).slot = NO_SLOT;
  cancelEvent(port.mediaEvent);
}

/** SRST was released: the signature follows (AHCI 1.3.1, 10.4.1). */
export function startSoftReset(port: AhciPort, slot: u32): void {
  port.softReset = SOFT_RESET_RELEASED;
  port.tfd |= ATA_STATUS_BSY;
  transferOf(port).slot = slot;
  scheduleIn(port.mediaEvent, SOFT_RESET_CYCLES);
}

/** Takes the command that the engine fetched for `slot`; `fis` is its register FIS. */
export function accept(port: AhciPort, slot: u32, fis: usize): void {
  const command = commandAt(port, slot);
  const attributes = decode(command, fis);
  trace(TRACE_COMMAND, ahciAddress(), port.index, slot, command.opcode);
  maybeSpurious();
  const queued = (attributes & QUEUED) != 0;
  if (takeFault(FAULT_TIMEOUT, ahciAddress())) return loseCommand(port, slot, queued);
  port.softReset = 0;
  command.ready = currentTime() + latency(command.opcode, attributes);
  if (!mayStart(port, command, slot, attributes)) {
    clearQueue(port);
    noteQueueError(port, slot | (queued ? 0 : LOG_NOT_QUEUED), command, ATA_ERROR_ABRT);
    return fail(port, slot, ATA_ERROR_ABRT, false);
  }
  push(port, slot);
  if (!queued) {
    port.tfd = ATA_STATUS_BSY | ATA_STATUS_DRDY;
    return;
  }
  port.queued |= 1 << slot;
  acknowledge(port, slot);
}

/** A queued command is accepted: the slot's bit of CI goes, that of SActive stays. */
function acknowledge(port: AhciPort, slot: u32): void {
  port.tfd = READY;
  postRegisters(port, commandAt(port, slot), 0, 0, false);
  retire(port, slot);
}

/** The armed fault of a command that is never completed. */
function loseCommand(port: AhciPort, slot: u32, queued: bool): void {
  if (queued) acknowledge(port, slot);
  else port.tfd |= ATA_STATUS_BSY;
}

/**
 * Whether the command fits what the device has: a tag is its slot and free; commands of the two
 * kinds don't mix; after a queued error only the log that tells of it is read (ACS-2, 4.16).
 */
function mayStart(port: AhciPort, command: AhciCommand, slot: u32, attributes: u32): bool {
  if (port.queueError) {
    const log = command.opcode == ATA_READ_LOG_EXT || command.opcode == ATA_READ_LOG_DMA_EXT;
    if (!log || (<u32>command.lba & 0xff) != LOG_NCQ_ERROR) return false;
    port.queueError = 0;
    return true;
  }
  if (attributes & QUEUED) {
    if ((command.rawCount >> 3) & 31 ^ slot) return false;
    return port.orderCount == 0 ? true : port.queued != 0 && ((port.queued >> slot) & 1) == 0;
  }
  return port.orderCount == 0 && transferOf(port).slot == NO_SLOT;
}

function latency(opcode: u32, attributes: u32): u64 {
  if (opcode == ATA_FLUSH || opcode == ATA_FLUSH_EXT) return FLUSH_CYCLES;
  if (!(attributes & SECTORS)) return SIMPLE_CYCLES;
  return attributes & DATA_IN ? READ_CYCLES : WRITE_CYCLES;
}

function push(port: AhciPort, slot: u32): void {
  store<u8>(port.order + <usize>((port.orderHead + port.orderCount) & 31), <u8>slot);
  port.orderCount += 1;
  wakeMedia(port);
}

/** Schedules the next command's start, unless one is under way. */
function wakeMedia(port: AhciPort): void {
  if (transferOf(port).slot != NO_SLOT || port.orderCount == 0) return;
  const slot = <u32>load<u8>(port.order + <usize>port.orderHead);
  scheduleAt(port.mediaEvent, max(currentTime(), commandAt(port, slot).ready));
}

export function mediaEvent(port: AhciPort): void {
  const transfer = transferOf(port);
  if (port.softReset == SOFT_RESET_RELEASED) {
    const slot = transfer.slot;
    clearDevice(port);
    sendSignature(port);
    return retire(port, slot);
  }
  if (transfer.slot == NO_SLOT) {
    if (port.orderCount == 0) return;
    const slot = <u32>load<u8>(port.order + <usize>port.orderHead);
    port.orderHead = (port.orderHead + 1) & 31;
    port.orderCount -= 1;
    begin(port, transfer, slot);
  } else step(port, transfer);
}

/** Checks the command and moves its first data. */
function begin(port: AhciPort, transfer: AhciTransfer, slot: u32): void {
  const command = commandAt(port, slot);
  const attributes = attributesOf(command.opcode);
  const drive = driveAt(port.drive);
  memory.fill(changetype<usize>(transfer), 0, offsetof<AhciTransfer>());
  transfer.slot = slot;
  transfer.attributes = attributes;
  const argument = <u32>faultArgument(FAULT_ERROR, ahciAddress());
  if (takeFault(FAULT_ERROR, ahciAddress()))
    return fail(port, slot, argument == 0 ? ATA_ERROR_UNC : argument & 0xff, true);
  const error = refusal(port, command, attributes);
  if (error != 0) return fail(port, slot, error, true);
  if (attributes & (SECTORS | ADDRESSED)) port.powerMode = POWER_ACTIVE;
  const unit = attributes & SECTORS ? drive.blockBytes : 512;
  transfer.position = command.lba * <u64>unit;
  if (attributes & SECTORS || attributes & DATA_OUT) transfer.left = command.count * unit;
  else {
    const outcome = attributes & ADDRESSED ? 0 : executeSimple(port, command);
    if (outcome != 0) return fail(port, slot, outcome, true);
    if (attributes & DATA_IN) transfer.left = fillPage(port, command);
  }
  // PIO hands over one block at a time, DMA what fits the buffer.
  transfer.chunk = attributes & PIO ? unit : CHUNK_BYTES - (CHUNK_BYTES % unit);
  if (attributes & QUEUED) postDmaSetup(port, slot, transfer.left, (attributes & DATA_IN) != 0);
  step(port, transfer);
}

/** The error with which the device refuses the command, or 0. */
function refusal(port: AhciPort, command: AhciCommand, attributes: u32): u32 {
  if (attributes == 0) return ATA_ERROR_ABRT;
  const drive = driveAt(port.drive);
  if (attributes & DATA_OUT && drive.readOnly) return ATA_ERROR_ABRT;
  if (!(attributes & (ADDRESSED | DATA_OUT))) return 0;
  if (!(attributes & ADDRESSED)) return command.count > TRIM_BLOCKS_MAX ? ATA_ERROR_ABRT : 0;
  if (!(command.device & DEVICE_LBA)) return ATA_ERROR_ABRT;
  const sectors = drive.bytes / drive.blockBytes;
  if (command.lba > sectors || command.count > sectors - command.lba) return ATA_ERROR_IDNF;
  return 0;
}

/** One event's worth of a command: a chunk of data at most. */
function step(port: AhciPort, transfer: AhciTransfer): void {
  const moved = transfer.moved;
  if (!(transfer.attributes & (DATA_IN | DATA_OUT)) || transfer.left == 0 && transfer.taken == transfer.filled)
    return finish(port, transfer);
  if (transfer.taken == transfer.filled && !openChunk(port, transfer)) return;
  if (!moveData(port, (transfer.attributes & DATA_IN) != 0)) return;
  if (transfer.taken == transfer.filled && !closeChunk(port, transfer)) return;
  scheduleIn(port.mediaEvent, <u64>(transfer.moved - moved) * BYTE_CYCLES + 1);
}

/** Prepares the buffer for the next chunk; false when the medium failed. */
function openChunk(port: AhciPort, transfer: AhciTransfer): bool {
  const bytes = min(transfer.left, transfer.chunk);
  const toHost = (transfer.attributes & DATA_IN) != 0;
  const slot = transfer.slot;
  const sectors = (transfer.attributes & SECTORS) != 0;
  if (toHost && sectors && driveRead(port.drive, <f64>transfer.position, bytes, port.buffer) != 0) {
    fail(port, slot, ATA_ERROR_UNC, true);
    return false;
  }
  transfer.filled = bytes;
  transfer.taken = 0;
  if (toHost) transfer.left -= bytes;
  if (transfer.attributes & PIO) {
    const ending = transfer.left == 0 || (!toHost && transfer.left == bytes) ? READY : READY | ATA_STATUS_DRQ;
    port.tfd = READY | ATA_STATUS_DRQ;
    postPioSetup(port, commandAt(port, slot), bytes, toHost, READY | ATA_STATUS_DRQ, ending);
  }
  return port.halted == 0;
}

/** The chunk has been moved: writes it, or announces it; false when the medium failed. */
function closeChunk(port: AhciPort, transfer: AhciTransfer): bool {
  const command = commandAt(port, transfer.slot);
  // The last block that comes in is announced when the command is done.
  const last = transfer.attributes & DATA_IN && transfer.left == 0;
  if (transfer.attributes & PIO && !last) pioBlockDone(port);
  if (transfer.attributes & DATA_OUT) {
    const error = transfer.attributes & SECTORS
      ? writeSectors(port, transfer)
      : takePage(port, transfer.filled);
    if (error != 0) {
      fail(port, transfer.slot, error, true);
      return false;
    }
    transfer.left -= transfer.filled;
  }
  transfer.position += transfer.filled;
  // Between two blocks of PIO the device is busy with the next one.
  if (transfer.attributes & PIO) port.tfd = ATA_STATUS_BSY | ATA_STATUS_DRDY;
  return true;
}

function writeSectors(port: AhciPort, transfer: AhciTransfer): u32 {
  const failed = driveWrite(port.drive, <f64>transfer.position, transfer.filled, port.buffer);
  return failed != 0 ? ATA_ERROR_UNC : 0;
}

/** The command is done: flushes what must not stay in the cache, then reports. */
function finish(port: AhciPort, transfer: AhciTransfer): void {
  const slot = transfer.slot;
  const command = commandAt(port, slot);
  const writes = (transfer.attributes & (DATA_OUT | SECTORS)) == (DATA_OUT | SECTORS);
  if (writes && (command.fua || !port.writeCache) && driveFlush(port.drive) != 0)
    return fail(port, slot, ATA_ERROR_ABRT, true);
  const attributes = transfer.attributes;
  trace(TRACE_COMPLETION, ahciAddress(), port.index, slot, READY);
  transfer.slot = NO_SLOT;
  if (attributes & QUEUED) {
    port.queued &= ~(1 << slot);
    postDeviceBits(port, 1 << slot, READY, 0);
  } else {
    reportBytes(port, slot, transfer.moved);
    port.tfd = READY;
    // PIO in ends with its last block; the others with a register FIS (Serial ATA, 11.7).
    const pioIn = (attributes & PIO) != 0 && (attributes & DATA_IN) != 0 && transfer.moved != 0;
    retire(port, slot);
    if (pioIn) pioBlockDone(port);
    else postRegisters(port, command, command.resultLba, command.resultCount, true);
  }
  wakeMedia(port);
}

/** Ends the command with an error; `started` if its transfer had begun. */
function fail(port: AhciPort, slot: u32, error: u32, started: bool): void {
  const command = commandAt(port, slot);
  const status = READY | ATA_STATUS_ERR;
  const queued = started && (attributesOf(command.opcode) & QUEUED) != 0;
  trace(TRACE_COMPLETION, ahciAddress(), port.index, slot, (error << 8) | status);
  clearQueue(port);
  port.halted = 1;
  if (queued) {
    noteQueueError(port, slot, command, error);
    postDeviceBits(port, 0, status, error);
  } else {
    port.tfd = (error << 8) | status;
    postRegisters(port, command, command.lba, command.rawCount, true);
  }
}

/** Keeps what the log of queued errors tells (ACS-2, A.14): the first one until it is read. */
function noteQueueError(port: AhciPort, tag: u32, command: AhciCommand, error: u32): void {
  if (port.queueError) return;
  port.queueError = 1;
  port.errorTag = tag;
  port.errorStatus = READY | ATA_STATUS_ERR;
  port.errorCode = error;
  port.errorLba = command.lba;
  port.errorCount = command.count;
}
