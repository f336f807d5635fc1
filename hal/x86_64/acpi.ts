/**
 * Reads the ACPI tables (ACPI 6.3, 5.2). They come from outside: an address is followed only if all
 * it leads to is RAM, a length believed only inside the table, and every loop ends with its table.
 * Tables that the kernel has no use for are not looked at beyond their signature.
 */
import { reach } from "../memory";
import { findSleepType } from "./aml";
import { readMadt } from "./madt";
import {
  ACPI_ERROR_ADDRESS,
  ACPI_ERROR_CHECKSUM,
  ACPI_ERROR_ENTRY,
  ACPI_ERROR_LENGTH,
  ACPI_ERROR_MISSING,
  ACPI_ERROR_REVISION,
  ACPI_ERROR_SIGNATURE,
  ACPI_ERROR_TOO_MANY,
  fail,
  Platform,
  PLATFORM_DMA_UNITS_MAX,
  PLATFORM_SEGMENTS_MAX,
  platformDmaUnit,
  platformSegment,
  SIGNATURE_RSDP,
  SIGNATURE_XSDT,
  SIGNATURE_FADT,
  SIGNATURE_DSDT,
  SIGNATURE_MADT,
  SIGNATURE_HPET,
  SIGNATURE_MCFG,
  SIGNATURE_DMAR,
} from "./platform";
import {
  DMAR_DRHD,
  DMAR_ENTRIES_AT,
  DMAR_WIDTH_AT,
  DRHD_BYTES,
  FADT_CENTURY_AT,
  FADT_DSDT_AT,
  FADT_FLAG_RESET_REGISTER,
  FADT_FLAG_TIMER_32_BIT,
  FADT_FLAGS_AT,
  FADT_PM1A_CONTROL_AT,
  FADT_PM1A_EVENT_AT,
  FADT_PM_TIMER_AT,
  FADT_RESET_AT,
  FADT_RESET_VALUE_AT,
  FADT_SCI_AT,
  FADT_X_DSDT_AT,
  FADT_X_PM1A_CONTROL_AT,
  FADT_X_PM1A_EVENT_AT,
  FADT_X_PM_TIMER_AT,
  GAS_IO,
  GAS_MEMORY,
  HPET_ADDRESS_AT,
  HPET_TABLE_BYTES,
  MADT_ENTRIES_AT,
  MCFG_ENTRIES_AT,
  MCFG_ENTRY_BYTES,
  TABLE_HEADER_BYTES,
  TABLE_LENGTH_AT,
  TABLE_REVISION_AT,
} from "../../sim/spec/acpi";

/** A table longer than this is an error: a bound for the checksum. */
export const ACPI_TABLE_BYTES_MAX: u32 = 1 << 20;

/** "RSD PTR ". */
const ROOT_SIGNATURE: u64 = 0x2052_5450_2044_5352;
const ROOT_BYTES: u32 = 36;
/** Fields up to X_PM_TMR_BLK: the FADT of ACPI 2.0. */
const FADT_BYTES_MIN: u32 = 244;
const FADT_REVISION_MIN: u32 = 3;
const PAGE_MASK: u64 = 4095;

function sumOf(at: usize, bytes: u32): u32 {
  let sum: u32 = 0;
  for (let index: u32 = 0; index < bytes; index++) sum += load<u8>(at + index);
  return sum & 0xff;
}

@inline
function tableLength(table: usize): u32 {
  return load<u32>(table, TABLE_LENGTH_AT);
}

/** Linear address of a table after all checks that every table has, or 0 and an error. */
function checkTable(platform: Platform, address: u64, signature: u32, bytesMin: u32): usize {
  const header = reach(address, TABLE_HEADER_BYTES);
  if (header == 0) return refuse(platform, signature, ACPI_ERROR_ADDRESS);
  if (load<u32>(header) != signature) return refuse(platform, signature, ACPI_ERROR_SIGNATURE);
  const bytes = tableLength(header);
  if (bytes < bytesMin || bytes > ACPI_TABLE_BYTES_MAX)
    return refuse(platform, signature, ACPI_ERROR_LENGTH);
  if (reach(address, bytes) == 0) return refuse(platform, signature, ACPI_ERROR_ADDRESS);
  if (sumOf(header, bytes) != 0) return refuse(platform, signature, ACPI_ERROR_CHECKSUM);
  return header;
}

function refuse(platform: Platform, signature: u32, error: u32): usize {
  fail(platform, signature, error);
  return 0;
}

/** Linear address of the XSDT, or 0. */
function findRoot(platform: Platform, address: u64): usize {
  const root = reach(address, ROOT_BYTES);
  if (root == 0) return refuse(platform, SIGNATURE_RSDP, ACPI_ERROR_ADDRESS);
  if (load<u64>(root) != ROOT_SIGNATURE) return refuse(platform, SIGNATURE_RSDP, ACPI_ERROR_SIGNATURE);
  // Revision 2 brought the XSDT; revision 1 was never given out.
  if (load<u8>(root, 15) < 2) return refuse(platform, SIGNATURE_RSDP, ACPI_ERROR_REVISION);
  if (load<u32>(root, 20) != ROOT_BYTES) return refuse(platform, SIGNATURE_RSDP, ACPI_ERROR_LENGTH);
  if (sumOf(root, 20) != 0 || sumOf(root, ROOT_BYTES) != 0)
    return refuse(platform, SIGNATURE_RSDP, ACPI_ERROR_CHECKSUM);
  return checkTable(platform, load<u64>(root, 24), SIGNATURE_XSDT, TABLE_HEADER_BYTES);
}

/**
 * The first table with the signature that the XSDT lists. A table that is not there is an error only
 * if it is `required`; one that is there and broken always is.
 */
function findTable(platform: Platform, xsdt: usize, signature: u32, bytesMin: u32, required: bool): usize {
  const count = (tableLength(xsdt) - TABLE_HEADER_BYTES) >> 3;
  for (let index: u32 = 0; index < count; index++) {
    const address = load<u64>(xsdt + TABLE_HEADER_BYTES + (<usize>index << 3));
    const header = reach(address, TABLE_HEADER_BYTES);
    if (header == 0) return refuse(platform, SIGNATURE_XSDT, ACPI_ERROR_ADDRESS);
    if (load<u32>(header) == signature) return checkTable(platform, address, signature, bytesMin);
  }
  return required ? refuse(platform, signature, ACPI_ERROR_MISSING) : 0;
}

/**
 * Reads everything into an empty `platform` (createPlatform).
 * @param rsdp physical address of the root pointer
 * @returns `platform.error`; ACPI_OK when the machine can be brought up with what was found
 */
export function readPlatform(platform: Platform, rsdp: u64): u32 {
  const xsdt = findRoot(platform, rsdp);
  if (xsdt == 0) return platform.error;
  const fadt = findTable(platform, xsdt, SIGNATURE_FADT, FADT_BYTES_MIN, true);
  if (fadt != 0) readFadt(platform, fadt);
  const madt = findTable(platform, xsdt, SIGNATURE_MADT, MADT_ENTRIES_AT, true);
  if (madt != 0) readMadt(platform, madt, tableLength(madt));
  const mcfg = findTable(platform, xsdt, SIGNATURE_MCFG, MCFG_ENTRIES_AT, true);
  if (mcfg != 0) readMcfg(platform, mcfg);
  const hpet = findTable(platform, xsdt, SIGNATURE_HPET, HPET_TABLE_BYTES, false);
  if (hpet != 0) readHpet(platform, hpet);
  const dmar = findTable(platform, xsdt, SIGNATURE_DMAR, DMAR_ENTRIES_AT, false);
  if (dmar != 0) readDmar(platform, dmar);
  return platform.error;
}

/** An I/O port of the FADT: the extended address if it is given, else the old one. */
function fadtPort(platform: Platform, fadt: usize, extended: u32, short: u32): u32 {
  const address = load<u64>(fadt + extended + 4);
  const port = address != 0 ? address : <u64>load<u32>(fadt + short);
  const space: u32 = address != 0 ? load<u8>(fadt + extended) : GAS_IO;
  if (port > 0xffff || space != GAS_IO) {
    fail(platform, SIGNATURE_FADT, ACPI_ERROR_ENTRY, address != 0 ? extended : short);
    return 0;
  }
  return <u32>port;
}

function readFadt(platform: Platform, fadt: usize): void {
  if (load<u8>(fadt, TABLE_REVISION_AT) < <u8>FADT_REVISION_MIN) {
    fail(platform, SIGNATURE_FADT, ACPI_ERROR_REVISION);
    return;
  }
  const flags = load<u32>(fadt, FADT_FLAGS_AT);
  platform.sciGsi = load<u16>(fadt, FADT_SCI_AT);
  platform.century = load<u8>(fadt, FADT_CENTURY_AT);
  platform.pm1EventPort = fadtPort(platform, fadt, FADT_X_PM1A_EVENT_AT, FADT_PM1A_EVENT_AT);
  platform.pm1ControlPort = fadtPort(platform, fadt, FADT_X_PM1A_CONTROL_AT, FADT_PM1A_CONTROL_AT);
  platform.pmTimerPort = fadtPort(platform, fadt, FADT_X_PM_TIMER_AT, FADT_PM_TIMER_AT);
  platform.pmTimerBits = flags & FADT_FLAG_TIMER_32_BIT ? 32 : 24;
  if (flags & FADT_FLAG_RESET_REGISTER) readReset(platform, fadt);
  let dsdtAddress = load<u64>(fadt, FADT_X_DSDT_AT);
  if (dsdtAddress == 0) dsdtAddress = load<u32>(fadt, FADT_DSDT_AT);
  const dsdt = checkTable(platform, dsdtAddress, SIGNATURE_DSDT, TABLE_HEADER_BYTES);
  if (dsdt != 0)
    platform.sleepTypeS5 = findSleepType(dsdt + TABLE_HEADER_BYTES, dsdt + tableLength(dsdt));
}

function readReset(platform: Platform, fadt: usize): void {
  const space: u32 = load<u8>(fadt, FADT_RESET_AT);
  const address = load<u64>(fadt, FADT_RESET_AT + 4);
  if (space > <u32>GAS_IO || address == 0 || (space == GAS_IO && address > 0xffff)) {
    fail(platform, SIGNATURE_FADT, ACPI_ERROR_ENTRY, FADT_RESET_AT);
    return;
  }
  platform.resetSpace = space;
  platform.resetAddress = address;
  platform.resetValue = load<u8>(fadt, FADT_RESET_VALUE_AT);
  platform.hasReset = 1;
}

function readMcfg(platform: Platform, mcfg: usize): void {
  const count = (tableLength(mcfg) - MCFG_ENTRIES_AT) / MCFG_ENTRY_BYTES;
  for (let index: u32 = 0; index < count; index++) {
    const offset: u32 = MCFG_ENTRIES_AT + index * MCFG_ENTRY_BYTES;
    const at = mcfg + offset;
    const base = load<u64>(at);
    const firstBus = load<u8>(at, 10);
    const lastBus = load<u8>(at, 11);
    if (base == 0 || (base & PAGE_MASK) != 0 || firstBus > lastBus) {
      fail(platform, SIGNATURE_MCFG, ACPI_ERROR_ENTRY, offset);
      return;
    }
    if (platform.segmentCount == PLATFORM_SEGMENTS_MAX) {
      fail(platform, SIGNATURE_MCFG, ACPI_ERROR_TOO_MANY, offset);
      return;
    }
    const segment = platformSegment(platform, platform.segmentCount);
    platform.segmentCount += 1;
    segment.base = base;
    segment.segment = load<u16>(at, 8);
    segment.firstBus = firstBus;
    segment.lastBus = lastBus;
  }
  if (count == 0) fail(platform, SIGNATURE_MCFG, ACPI_ERROR_LENGTH);
}

function readHpet(platform: Platform, hpet: usize): void {
  const base = load<u64>(hpet, HPET_ADDRESS_AT + 4);
  if (load<u8>(hpet, HPET_ADDRESS_AT) != GAS_MEMORY || base == 0) {
    fail(platform, SIGNATURE_HPET, ACPI_ERROR_ENTRY, HPET_ADDRESS_AT);
    return;
  }
  platform.hpet = base;
}

/** Remapping structures: a 16-bit type and a 16-bit length each (VT-d 4.1, 8.2). */
function readDmar(platform: Platform, dmar: usize): void {
  const end = tableLength(dmar);
  platform.dmaAddressBits = <u32>load<u8>(dmar, DMAR_WIDTH_AT) + 1;
  let offset: u32 = DMAR_ENTRIES_AT;
  while (offset < end) {
    const at = dmar + offset;
    const bytes: u32 = end - offset < 4 ? 0 : load<u16>(at, 2);
    const isUnit = bytes >= 4 && load<u16>(at) == DMAR_DRHD;
    if (bytes < 4 || bytes > end - offset || (isUnit && !readDmaUnit(platform, at, bytes))) {
      fail(platform, SIGNATURE_DMAR, ACPI_ERROR_ENTRY, offset);
      return;
    }
    offset += bytes;
  }
}

/** False when the structure is malformed. */
function readDmaUnit(platform: Platform, at: usize, bytes: u32): bool {
  if (bytes < <u32>DRHD_BYTES) return false;
  const base = load<u64>(at, 8);
  if (base == 0 || (base & PAGE_MASK) != 0) return false;
  if (platform.dmaUnitCount == PLATFORM_DMA_UNITS_MAX) {
    fail(platform, SIGNATURE_DMAR, ACPI_ERROR_TOO_MANY);
    return true;
  }
  const unit = platformDmaUnit(platform, platform.dmaUnitCount);
  platform.dmaUnitCount += 1;
  unit.base = base;
  unit.segment = load<u16>(at, 6);
  unit.flags = load<u8>(at, 4);
  return true;
}
