/** Commands without sectors: IDENTIFY DEVICE, SMART, logs, features, power, TRIM (ACS-2, 7). */
import { driveFlush, driveZero } from "../../host";
import { driveAt } from "../drive";
import {
  ATA_CHECK_POWER_MODE,
  ATA_DATA_SET_MANAGEMENT,
  ATA_ERROR_ABRT,
  ATA_ERROR_IDNF,
  ATA_FLUSH,
  ATA_FLUSH_EXT,
  ATA_IDENTIFY,
  ATA_IDLE,
  ATA_IDLE_IMMEDIATE,
  ATA_READ_LOG_DMA_EXT,
  ATA_READ_LOG_EXT,
  ATA_SET_FEATURES,
  ATA_SMART,
  ATA_STANDBY,
  ATA_STANDBY_IMMEDIATE,
  DSM_TRIM,
  FEATURE_TRANSFER_MODE,
  FEATURE_WRITE_CACHE_OFF,
  FEATURE_WRITE_CACHE_ON,
  LOG_DIRECTORY,
  LOG_NCQ_ERROR,
  POWER_IDLE,
  POWER_STANDBY,
  SMART_DISABLE,
  SMART_ENABLE,
  SMART_KEY,
  SMART_READ_DATA,
  SMART_RETURN_STATUS,
} from "../../../spec/ahci";
import { identify } from "./identify";
import { AhciCommand, AhciPort } from "./state";

/** 512-byte blocks of ranges that one TRIM may carry (IDENTIFY word 105). */
export const TRIM_BLOCKS_MAX: u32 = 8;
const PAGE_BYTES: u32 = 512;
/** Transfer modes up to Ultra DMA 6, Multiword DMA 2 and PIO 4 (ACS-2, table 98). */
const MODE_UDMA: u32 = 0x40;
const MODE_MWDMA: u32 = 0x20;
const MODE_PIO: u32 = 0x08;

/** Executes a command that is not about sectors, or prepares its data; returns the error or 0. */
export function executeSimple(port: AhciPort, command: AhciCommand): u32 {
  switch (command.opcode) {
    case ATA_IDENTIFY:
      return 0;
    case ATA_FLUSH:
    case ATA_FLUSH_EXT:
      return driveFlush(port.drive) != 0 ? ATA_ERROR_ABRT : 0;
    case ATA_SET_FEATURES:
      return setFeatures(port, command);
    case ATA_SMART:
      return smart(port, command);
    case ATA_READ_LOG_EXT:
    case ATA_READ_LOG_DMA_EXT:
      return checkLog(command);
    case ATA_DATA_SET_MANAGEMENT:
      return command.features == DSM_TRIM ? 0 : ATA_ERROR_ABRT;
    case ATA_STANDBY:
    case ATA_STANDBY_IMMEDIATE:
      port.powerMode = POWER_STANDBY;
      return driveFlush(port.drive) != 0 ? ATA_ERROR_ABRT : 0;
    case ATA_IDLE:
    case ATA_IDLE_IMMEDIATE:
      port.powerMode = POWER_IDLE;
      return 0;
    case ATA_CHECK_POWER_MODE:
      command.resultCount = port.powerMode;
      return 0;
    default:
      return ATA_ERROR_ABRT;
  }
}

function setFeatures(port: AhciPort, command: AhciCommand): u32 {
  switch (command.features) {
    case FEATURE_WRITE_CACHE_ON:
      port.writeCache = 1;
      return 0;
    case FEATURE_WRITE_CACHE_OFF:
      port.writeCache = 0;
      return driveFlush(port.drive) != 0 ? ATA_ERROR_ABRT : 0;
    case FEATURE_TRANSFER_MODE:
      return setTransferMode(port, command.rawCount & 0xff);
    default:
      return ATA_ERROR_ABRT;
  }
}

/** The mode changes nothing on a serial link, but IDENTIFY DEVICE reports it. */
function setTransferMode(port: AhciPort, mode: u32): u32 {
  if (mode >= MODE_UDMA && mode <= MODE_UDMA + 6) port.transferMode = mode;
  else if (mode >= MODE_MWDMA && mode <= MODE_MWDMA + 2) port.transferMode = mode;
  else if (mode > 1 && (mode < MODE_PIO || mode > MODE_PIO + 4)) return ATA_ERROR_ABRT;
  return 0;
}

function smart(port: AhciPort, command: AhciCommand): u32 {
  if (((<u32>command.lba >> 8) & 0xffff) != SMART_KEY) return ATA_ERROR_ABRT;
  if (command.features == SMART_ENABLE) {
    port.smart = 1;
    return 0;
  }
  if (!port.smart) return ATA_ERROR_ABRT;
  switch (command.features) {
    case SMART_DISABLE:
      port.smart = 0;
      return 0;
    case SMART_RETURN_STATUS:
      // The key comes back unchanged: no threshold is exceeded.
      command.resultLba = SMART_KEY << 8;
      return 0;
    case SMART_READ_DATA:
      return 0;
    default:
      return ATA_ERROR_ABRT;
  }
}

/** Both logs have one page; the page number is in LBA 15:8 and 39:32. */
function checkLog(command: AhciCommand): u32 {
  const log = <u32>command.lba & 0xff;
  const page = (<u32>(command.lba >> 8) & 0xff) | (<u32>(command.lba >> 32) & 0xff);
  if (log != LOG_DIRECTORY && log != LOG_NCQ_ERROR) return ATA_ERROR_ABRT;
  return page != 0 || command.rawCount != 1 ? ATA_ERROR_ABRT : 0;
}

/** Puts the command's page into the port's buffer; returns its size, 0 when it has none. */
export function fillPage(port: AhciPort, command: AhciCommand): u32 {
  const page = port.buffer;
  memory.fill(page, 0, PAGE_BYTES);
  switch (command.opcode) {
    case ATA_IDENTIFY:
      identify(port, page);
      return PAGE_BYTES;
    case ATA_SMART:
      if (command.features != SMART_READ_DATA) return 0;
      smartData(page);
      return PAGE_BYTES;
    default:
      if ((<u32>command.lba & 0xff) == LOG_NCQ_ERROR) queueErrorLog(port, page);
      else {
        // Version, then the number of pages of each log (ACS-2, A.2).
        store<u16>(page, 1);
        store<u16>(page + LOG_NCQ_ERROR * 2, 1);
      }
      return PAGE_BYTES;
  }
}

/** SMART data (ACS-2, table 55): revision, capabilities, no attribute. */
function smartData(page: usize): void {
  store<u16>(page, 0x10);
  store<u16>(page, 3, 368);
  store<u8>(page, checksum(page), 511);
}

/** Queued error log (ACS-2, A.14): the failed command's tag and task file. */
function queueErrorLog(port: AhciPort, page: usize): void {
  store<u8>(page, <u8>port.errorTag, 0);
  store<u8>(page, <u8>port.errorStatus, 2);
  store<u8>(page, <u8>port.errorCode, 3);
  store<u32>(page, <u32>port.errorLba & 0xff_ffff, 4);
  store<u8>(page, 0x40, 7);
  store<u32>(page, <u32>(port.errorLba >> 24) & 0xff_ffff, 8);
  store<u16>(page, <u16>port.errorCount, 12);
  store<u8>(page, checksum(page), 511);
}

/** The byte that makes the sum of all 512 bytes zero. */
export function checksum(page: usize): u8 {
  let sum: u32 = 0;
  for (let offset: usize = 0; offset < PAGE_BYTES - 1; offset++) sum += load<u8>(page + offset);
  return <u8>(0 - sum);
}

/*
 * A range of DATA SET MANAGEMENT (ACS-2, 7.10.3), 8 bytes: 0-47 LBA, 48-63 sectors, 0 = unused.
 */

/** Trims the ranges in the buffer: they read as zeroes from now on. Returns the error or 0. */
export function takePage(port: AhciPort, bytes: u32): u32 {
  const drive = driveAt(port.drive);
  const sectors = drive.bytes / drive.blockBytes;
  for (let offset: u32 = 0; offset < bytes; offset += 8) {
    const range = load<u64>(port.buffer + offset);
    const lba = range & 0xffff_ffff_ffff;
    const count = range >> 48;
    if (count == 0) continue;
    if (lba > sectors || count > sectors - lba) return ATA_ERROR_IDNF;
    const unit = <u64>drive.blockBytes;
    if (driveZero(port.drive, <f64>(lba * unit), <f64>(count * unit)) != 0) return ATA_ERROR_ABRT;
  }
  return 0;
}
