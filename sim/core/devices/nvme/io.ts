/** The NVM command set (6): blocks move between the drive and the host's pages, with no copy between. */
import { driveFlush, driveRead, driveWrite, driveZero } from "../../host";
import {
  NVME_CMD_COMPARE,
  NVME_CMD_DATASET_MANAGEMENT,
  NVME_CMD_FLUSH,
  NVME_CMD_READ,
  NVME_CMD_WRITE,
  NVME_CMD_WRITE_ZEROES,
  NVME_COMPARE_FAILURE,
  NVME_DSM_DEALLOCATE,
  NVME_INVALID_NAMESPACE,
  NVME_INVALID_OPCODE,
  NVME_LBA_OUT_OF_RANGE,
  NVME_NAMESPACE_WRITE_PROTECTED,
  NVME_RW_FUA,
  NVME_SQE_CDW10,
  NVME_SQE_CDW11,
  NVME_SQE_CDW12,
  NVME_SQE_NSID,
  NVME_SUCCESS,
  NVME_UNRECOVERED_READ,
  NVME_WRITE_DIRECTIVE_MASK,
  NVME_WRITE_FAULT,
} from "../../../spec/nvme";
import { mapData, receiveScratch } from "./dma";
import { invalidField, refuse } from "./errors";
import {
  field32,
  field64,
  findNamespace,
  namespaceAt,
  nvme,
  NvmeNamespace,
  NvmeSlot,
  SCRATCH_BYTES,
  spanAt,
  TRANSFER_MAX,
} from "./state";

/** Times in cycles: those of a fast flash drive whose writes land in its cache. */
const READ_CYCLES: u64 = 12_000;
const WRITE_CYCLES: u64 = 9_000;
const FLUSH_CYCLES: u64 = 50_000;
const OTHER_CYCLES: u64 = 10_000;
/** 4 GB/s on the link. */
const BYTES_PER_CYCLE: u64 = 4;
const NSID_ALL: u32 = 0xffff_ffff;

/** Time that the I/O command takes. */
export function ioCycles(slot: NvmeSlot): u64 {
  const opcode = field32(slot, 0) & 0xff;
  if (opcode == NVME_CMD_FLUSH) return FLUSH_CYCLES;
  if (opcode != NVME_CMD_READ && opcode != NVME_CMD_WRITE) return OTHER_CYCLES;
  const namespace = findNamespace(field32(slot, NVME_SQE_NSID));
  if (namespace == null) return OTHER_CYCLES;
  const bytes = blockCount(slot) << namespace.blockShift;
  return (opcode == NVME_CMD_READ ? READ_CYCLES : WRITE_CYCLES) + bytes / BYTES_PER_CYCLE;
}

/** Carries out an I/O command; returns its status. */
export function executeIo(slot: NvmeSlot): u32 {
  const opcode = field32(slot, 0) & 0xff;
  const nsid = field32(slot, NVME_SQE_NSID);
  if (opcode == NVME_CMD_FLUSH && nsid == NSID_ALL) return flushAll();
  const namespace = findNamespace(nsid);
  if (namespace == null) {
    const status = isSupported(opcode) ? NVME_INVALID_NAMESPACE : NVME_INVALID_OPCODE;
    return refuse(status, status == NVME_INVALID_OPCODE ? 0 : NVME_SQE_NSID);
  }
  switch (opcode) {
    case NVME_CMD_FLUSH:
      return flushDrive(namespace);
    case NVME_CMD_WRITE:
      return write(slot, namespace);
    case NVME_CMD_READ:
      return read(slot, namespace);
    case NVME_CMD_COMPARE:
      return compare(slot, namespace);
    case NVME_CMD_WRITE_ZEROES:
      return writeZeroes(slot, namespace);
    case NVME_CMD_DATASET_MANAGEMENT:
      return manageDataset(slot, namespace);
    default:
      return refuse(NVME_INVALID_OPCODE, 0);
  }
}

function isSupported(opcode: u32): bool {
  switch (opcode) {
    case NVME_CMD_FLUSH:
    case NVME_CMD_WRITE:
    case NVME_CMD_READ:
    case NVME_CMD_COMPARE:
    case NVME_CMD_WRITE_ZEROES:
    case NVME_CMD_DATASET_MANAGEMENT:
      return true;
    default:
      return false;
  }
}

/** NLB is zero-based: 1 to 65536 blocks. */
@inline
function blockCount(slot: NvmeSlot): u64 {
  return <u64>(field32(slot, NVME_SQE_CDW12) & 0xffff) + 1;
}

function checkRange(namespace: NvmeNamespace, lba: u64, blocks: u64, location: u32): u32 {
  if (lba < namespace.blocks && blocks <= namespace.blocks - lba) return NVME_SUCCESS;
  nvme().errorLba = lba;
  return refuse(NVME_LBA_OUT_OF_RANGE, location);
}

/** Length, range and, for `toDrive`, permission of a command that moves data. */
function checkTransfer(slot: NvmeSlot, namespace: NvmeNamespace, toDrive: bool): u32 {
  if (blockCount(slot) << namespace.blockShift > <u64>TRANSFER_MAX)
    return invalidField(NVME_SQE_CDW12);
  const lba = field64(slot, NVME_SQE_CDW10);
  const status = checkRange(namespace, lba, blockCount(slot), NVME_SQE_CDW10);
  if (status != NVME_SUCCESS) return status;
  return toDrive && namespace.readOnly
    ? refuse(NVME_NAMESPACE_WRITE_PROTECTED, NVME_SQE_NSID)
    : NVME_SUCCESS;
}

/** The medium failed at block `lba`. */
function mediaError(status: u32, lba: u64): u32 {
  nvme().mediaErrors += 1;
  nvme().errorLba = lba;
  return status;
}

function read(slot: NvmeSlot, namespace: NvmeNamespace): u32 {
  let status = checkTransfer(slot, namespace, false);
  if (status != NVME_SUCCESS) return status;
  const controller = nvme();
  const lba = field64(slot, NVME_SQE_CDW10);
  const bytes = <u32>(blockCount(slot) << namespace.blockShift);
  status = mapData(slot, bytes, true);
  if (status != NVME_SUCCESS) return status;
  let offset = lba << namespace.blockShift;
  for (let index: u32 = 0; index < controller.spanCount; index++) {
    const span = spanAt(index);
    if (driveRead(namespace.drive, <f64>offset, span.bytes, span.at) != 0)
      return mediaError(NVME_UNRECOVERED_READ, offset >> namespace.blockShift);
    offset += span.bytes;
  }
  controller.readCommands += 1;
  controller.bytesRead += bytes;
  return NVME_SUCCESS;
}

function write(slot: NvmeSlot, namespace: NvmeNamespace): u32 {
  const control = field32(slot, NVME_SQE_CDW12);
  if ((control & NVME_WRITE_DIRECTIVE_MASK) != 0) return invalidField(NVME_SQE_CDW12 + 2);
  let status = checkTransfer(slot, namespace, true);
  if (status != NVME_SUCCESS) return status;
  const controller = nvme();
  const lba = field64(slot, NVME_SQE_CDW10);
  const bytes = <u32>(blockCount(slot) << namespace.blockShift);
  status = mapData(slot, bytes, false);
  if (status != NVME_SUCCESS) return status;
  let offset = lba << namespace.blockShift;
  for (let index: u32 = 0; index < controller.spanCount; index++) {
    const span = spanAt(index);
    if (driveWrite(namespace.drive, <f64>offset, span.bytes, span.at) != 0)
      return mediaError(NVME_WRITE_FAULT, offset >> namespace.blockShift);
    offset += span.bytes;
  }
  controller.writeCommands += 1;
  controller.bytesWritten += bytes;
  return settle(namespace, lba, (control & NVME_RW_FUA) != 0);
}

/** After a write: to the medium at once when asked for, or when the write cache is off. */
function settle(namespace: NvmeNamespace, lba: u64, force: bool): u32 {
  if (!force && (nvme().writeCache & 1) != 0) return NVME_SUCCESS;
  return driveFlush(namespace.drive) == 0 ? NVME_SUCCESS : mediaError(NVME_WRITE_FAULT, lba);
}

function flushDrive(namespace: NvmeNamespace): u32 {
  return driveFlush(namespace.drive) == 0 ? NVME_SUCCESS : mediaError(NVME_WRITE_FAULT, 0);
}

/** Flushes every namespace; returns a status. Also done on a normal shutdown. */
export function flushAll(): u32 {
  for (let index: u32 = 0; index < nvme().namespaceCount; index++) {
    const status = flushDrive(namespaceAt(index));
    if (status != NVME_SUCCESS) return status;
  }
  return NVME_SUCCESS;
}

/** Compare (6.6): the drive's blocks pass through scratch, a piece at a time. */
function compare(slot: NvmeSlot, namespace: NvmeNamespace): u32 {
  let status = checkTransfer(slot, namespace, false);
  if (status != NVME_SUCCESS) return status;
  const controller = nvme();
  status = mapData(slot, <u32>(blockCount(slot) << namespace.blockShift), false);
  if (status != NVME_SUCCESS) return status;
  let offset = field64(slot, NVME_SQE_CDW10) << namespace.blockShift;
  controller.readCommands += 1;
  for (let index: u32 = 0; index < controller.spanCount; index++) {
    const span = spanAt(index);
    for (let done: u32 = 0; done < span.bytes; done += SCRATCH_BYTES) {
      const piece = min(span.bytes - done, SCRATCH_BYTES);
      if (driveRead(namespace.drive, <f64>offset, piece, controller.scratch) != 0)
        return mediaError(NVME_UNRECOVERED_READ, offset >> namespace.blockShift);
      if (memory.compare(controller.scratch, span.at + done, piece) != 0) {
        controller.errorLba = offset >> namespace.blockShift;
        return NVME_COMPARE_FAILURE;
      }
      offset += piece;
    }
  }
  return NVME_SUCCESS;
}

function zero(namespace: NvmeNamespace, lba: u64, blocks: u64): u32 {
  if (blocks == 0) return NVME_SUCCESS;
  const shift = namespace.blockShift;
  const failed = driveZero(namespace.drive, <f64>(lba << shift), <f64>(blocks << shift)) != 0;
  return failed ? mediaError(NVME_WRITE_FAULT, lba) : NVME_SUCCESS;
}

/** Write Zeroes (6.16): no data, so MDTS does not limit it. */
function writeZeroes(slot: NvmeSlot, namespace: NvmeNamespace): u32 {
  const lba = field64(slot, NVME_SQE_CDW10);
  let status = checkRange(namespace, lba, blockCount(slot), NVME_SQE_CDW10);
  if (status != NVME_SUCCESS) return status;
  if (namespace.readOnly) return refuse(NVME_NAMESPACE_WRITE_PROTECTED, NVME_SQE_NSID);
  status = zero(namespace, lba, blockCount(slot));
  if (status != NVME_SUCCESS) return status;
  return settle(namespace, lba, (field32(slot, NVME_SQE_CDW12) & NVME_RW_FUA) != 0);
}

/**
 * Dataset Management (6.7): up to 256 ranges of 16 bytes: attributes, length in blocks, first
 * block. All are checked before one is deallocated; the other attributes are hints.
 */
function manageDataset(slot: NvmeSlot, namespace: NvmeNamespace): u32 {
  const ranges = (field32(slot, NVME_SQE_CDW10) & 0xff) + 1;
  const deallocate = (field32(slot, NVME_SQE_CDW11) & NVME_DSM_DEALLOCATE) != 0;
  if (deallocate && namespace.readOnly)
    return refuse(NVME_NAMESPACE_WRITE_PROTECTED, NVME_SQE_NSID);
  const received = receiveScratch(slot, ranges << 4);
  if (received != NVME_SUCCESS) return received;
  const table = nvme().scratch;
  for (let index: u32 = 0; index < ranges; index++) {
    const range = table + (index << 4);
    const status = checkDatasetRange(namespace, load<u64>(range, 8), load<u32>(range, 4));
    if (status != NVME_SUCCESS) return status;
  }
  return deallocate ? deallocateRanges(namespace, table, ranges) : NVME_SUCCESS;
}

/**
 * Deallocation is a request that the controller need not grant: overlapping ranges may not make it
 * work on more blocks than there are.
 */
function deallocateRanges(namespace: NvmeNamespace, table: usize, ranges: u32): u32 {
  let left = namespace.blocks;
  for (let index: u32 = 0; index < ranges; index++) {
    const range = table + (index << 4);
    const blocks = <u64>load<u32>(range, 4);
    if (blocks > left) continue;
    left -= blocks;
    const status = zero(namespace, load<u64>(range, 8), blocks);
    if (status != NVME_SUCCESS) return status;
  }
  return NVME_SUCCESS;
}

/** A range of no blocks is allowed wherever it lies inside the namespace or at its end. */
function checkDatasetRange(namespace: NvmeNamespace, lba: u64, blocks: u64): u32 {
  if (blocks == 0 && lba <= namespace.blocks) return NVME_SUCCESS;
  return checkRange(namespace, lba, blocks, NVME_SQE_CDW10);
}
