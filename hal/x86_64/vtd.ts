/**
 * Driver of Intel VT-d: legacy mode, 4-level tables of 4 KiB pages, register-based invalidation
 * (VT-d 3.3, 6.5.1), which every unit has and which is over when its bit reads zero.
 */
import {
  VTD_CAP,
  VTD_CCMD,
  VTD_DOMAIN,
  VTD_ECAP,
  VTD_FSTS,
  VTD_FSTS_PFO,
  VTD_FSTS_PPF,
  VTD_GCMD,
  VTD_GLOBAL,
  VTD_GSTS,
  VTD_QIE_BIT,
  VTD_RTADDR,
  VTD_SRTP_BIT,
  VTD_TE_BIT,
  VTD_WIDTH_48,
} from "../../sim/spec/vtd";
import {
  Iommu,
  IommuDomain,
  IommuFault,
  IOMMU_ERROR_ARGUMENT,
  IOMMU_ERROR_EXISTS,
  IOMMU_ERROR_NO_PAGES,
  IOMMU_ERROR_TIMEOUT,
  IOMMU_ERROR_UNSUPPORTED,
  IOMMU_OK,
} from "../iommu";
import { PAGE_BYTES, PagePool, pointer, takePages } from "../memory";
import { mmioRead32, mmioRead64, mmioWrite32, mmioWrite64 } from "./machine";

/** Register reads before a unit that does not answer counts as broken. */
const POLLS_MAX: u32 = 1000;
const ADDRESS_MASK: u64 = 0x000f_ffff_ffff_f000;
const WIDTH_BITS: u64 = 48;
const BUSY: u64 = 1 << 63;
const PRESENT: u64 = 1;
const RIGHTS: u64 = 3;
/** CAP.SAGAW: 4-level tables (11.4.2). */
const CAP_FOUR_LEVELS: u64 = 1 << 10;
/** Bits of GSTS that tell of commands, not of states: SRTP, SFL, WBF and SIRTP (11.4.4). */
const ONE_SHOTS: u32 = 0x6900_0000;
/** Bits of FSTS that are cleared by writing 1: overflow and the errors of queues (11.4.9). */
const FSTS_CLEARABLE: u32 = 0x71;
/** Which record is the oldest is not known. */
const NO_RECORD: u32 = 0xffff_ffff;
const RECORD_FAULT: u32 = 0x8000_0000;
const RECORD_READ: u64 = 1 << 62;

/** Takes one zeroed page; 0 when there is none. */
function takePage(device: Iommu): u64 {
  return takePages(changetype<PagePool>(device.pool), 1);
}

/** Waits until the bits of `mask` in a 32-bit register are `value`. */
function waitFor(device: Iommu, offset: u32, mask: u32, value: u32): u32 {
  for (let n: u32 = 0; n < POLLS_MAX; n++)
    if ((mmioRead32(device.base + offset) & mask) == value) return IOMMU_OK;
  return IOMMU_ERROR_TIMEOUT;
}

export function vtdStart(device: Iommu): u32 {
  const cap = mmioRead64(device.base + VTD_CAP);
  if (~cap == 0 || (cap & CAP_FOUR_LEVELS) == 0) return IOMMU_ERROR_UNSUPPORTED;
  device.domainMax = (1 << (4 + 2 * (<u32>cap & 7))) - 1;
  device.faultOffset = (<u32>(cap >> 24) & 0x3ff) << 4;
  device.faultCount = (<u32>(cap >> 40) & 0xff) + 1;
  device.faultNext = NO_RECORD;
  // The invalidate address register is first, the command register behind it (11.4.8).
  device.iotlbOffset = ((<u32>(mmioRead64(device.base + VTD_ECAP) >> 8) & 0x3ff) << 4) + 8;
  device.root = takePage(device);
  if (device.root == 0) return IOMMU_ERROR_NO_PAGES;
  mmioWrite64(device.base + VTD_RTADDR, device.root);
  // What the firmware left on: register-based invalidation is only for units without a queue (6.5.1).
  const queue = setState(device, 1 << VTD_QIE_BIT, false);
  if (queue != IOMMU_OK) return queue;
  mmioWrite32(device.base + VTD_GCMD, states(device) | (1 << VTD_SRTP_BIT));
  const latched = waitFor(device, VTD_GSTS, 1 << VTD_SRTP_BIT, 1 << VTD_SRTP_BIT);
  return latched == IOMMU_OK ? invalidateAll(device) : latched;
}

/** What is on now, in the bits of GCMD: writing it again changes nothing (11.4.4). */
@inline
function states(device: Iommu): u32 {
  return mmioRead32(device.base + VTD_GSTS) & ~ONE_SHOTS;
}

/** Switches one of GCMD's states and leaves the others; waits until the unit says that it is so. */
function setState(device: Iommu, bit: u32, on: bool): u32 {
  mmioWrite32(device.base + VTD_GCMD, on ? states(device) | bit : states(device) & ~bit);
  return waitFor(device, VTD_GSTS, bit, on ? bit : 0);
}

export function vtdEnable(device: Iommu, enabled: bool): u32 {
  return setState(device, 1 << VTD_TE_BIT, enabled);
}

/** Context cache, then IOTLB: entries of the second depend on the first (6.5.1). */
function invalidate(device: Iommu, granularity: u64, domain: u64): u32 {
  mmioWrite64(device.base + VTD_CCMD, BUSY | (granularity << 61) | domain);
  const done = waitFor(device, VTD_CCMD + 4, 0x8000_0000, 0);
  return done == IOMMU_OK ? invalidateIotlb(device, granularity, domain) : done;
}

function invalidateIotlb(device: Iommu, granularity: u64, domain: u64): u32 {
  mmioWrite64(device.base + device.iotlbOffset, BUSY | (granularity << 60) | (domain << 32));
  return waitFor(device, device.iotlbOffset + 4, 0x8000_0000, 0);
}

/** Makes the unit forget everything that it caches. */
function invalidateAll(device: Iommu): u32 {
  return invalidate(device, VTD_GLOBAL, 0);
}

/** Linear address of the level-1 entry for `address`, or 0: absent, or no page to make it. */
function entryFor(device: Iommu, domain: IommuDomain, address: u64, create: bool): usize {
  if (domain.table == 0) {
    if (create) domain.table = takePage(device);
    if (domain.table == 0) return 0;
  }
  let table = domain.table;
  for (let shift: u64 = 39; shift > 12; shift -= 9) {
    const at = pointer(table + ((address >> shift) & 0x1ff) * 8);
    let entry = load<u64>(at);
    if ((entry & RIGHTS) == 0) {
      const page = create ? takePage(device) : 0;
      if (page == 0) return 0;
      entry = page | RIGHTS;
      store<u64>(at, entry);
    }
    table = entry & ADDRESS_MASK;
  }
  return pointer(table + ((address >> 12) & 0x1ff) * 8);
}

function isRange(address: u64, pages: u64): bool {
  const limit: u64 = 1 << WIDTH_BITS;
  return (address & (PAGE_BYTES - 1)) == 0 && address < limit && pages <= (limit - address) / PAGE_BYTES;
}

export function vtdMap(
  device: Iommu,
  domain: IommuDomain,
  address: u64,
  physical: u64,
  pages: u64,
  rights: u32,
): u32 {
  if (!isRange(address, pages) || (physical & ~ADDRESS_MASK) != 0) return IOMMU_ERROR_ARGUMENT;
  if (rights == 0 || (rights & ~(<u32>RIGHTS)) != 0) return IOMMU_ERROR_ARGUMENT;
  for (let n: u64 = 0; n < pages; n++) {
    const at = entryFor(device, domain, address + n * PAGE_BYTES, true);
    if (at == 0) return IOMMU_ERROR_NO_PAGES;
    if ((load<u64>(at) & RIGHTS) != 0) return IOMMU_ERROR_EXISTS;
    // Absent entries are never cached (CAP.CM clear): nothing to invalidate.
    store<u64>(at, (physical + n * PAGE_BYTES) | rights);
  }
  return IOMMU_OK;
}

export function vtdUnmap(device: Iommu, domain: IommuDomain, address: u64, pages: u64): u32 {
  if (!isRange(address, pages)) return IOMMU_ERROR_ARGUMENT;
  for (let n: u64 = 0; n < pages; n++) {
    const at = entryFor(device, domain, address + n * PAGE_BYTES, false);
    if (at != 0) store<u64>(at, 0);
  }
  return invalidateIotlb(device, VTD_DOMAIN, domain.id);
}

/** Linear address of the context entry of `bdf`, or 0: absent, or no page for its bus. */
function contextFor(device: Iommu, bdf: u32, create: bool): usize {
  const rootEntry = pointer(device.root + ((bdf >> 8) << 4));
  let table = load<u64>(rootEntry);
  if ((table & PRESENT) == 0) {
    const page = create ? takePage(device) : 0;
    if (page == 0) return 0;
    table = page | PRESENT;
    store<u64>(rootEntry, table);
  }
  return pointer((table & ADDRESS_MASK) + ((bdf & 0xff) << 4));
}

export function vtdAttach(device: Iommu, domain: IommuDomain, bdf: u32): u32 {
  if (bdf > 0xffff || domain.id == 0 || domain.id > device.domainMax) return IOMMU_ERROR_ARGUMENT;
  if (domain.table == 0) domain.table = takePage(device);
  if (domain.table == 0) return IOMMU_ERROR_NO_PAGES;
  const at = contextFor(device, bdf, true);
  if (at == 0) return IOMMU_ERROR_NO_PAGES;
  // Not present while it changes, so that no half of an entry is ever used.
  store<u64>(at, 0);
  store<u64>(at, (<u64>domain.id << 8) | VTD_WIDTH_48, 8);
  store<u64>(at, domain.table | PRESENT);
  return invalidateAll(device);
}

export function vtdDetach(device: Iommu, bdf: u32): u32 {
  if (bdf > 0xffff) return IOMMU_ERROR_ARGUMENT;
  const at = contextFor(device, bdf, false);
  if (at == 0) return IOMMU_OK;
  store<u64>(at, 0);
  store<u64>(at, 0, 8);
  return invalidateAll(device);
}

/**
 * Records are filled in a ring (7.2.1): the oldest is where the last one taken ended, or, after there
 * were none, where FSTS says. While an error stands in FSTS the unit records nothing after an
 * overflow and sends no further event (7.3), so errors are cleared even if no record is left.
 */
export function vtdTakeFault(device: Iommu, fault: IommuFault): bool {
  const status = mmioRead32(device.base + VTD_FSTS);
  if (~status == 0) return false;
  if (status & VTD_FSTS_PPF) {
    const first = device.faultNext == NO_RECORD ? (status >> 8) & 0xff : device.faultNext;
    for (let n: u32 = 0; n < device.faultCount; n++) {
      const index = (first + n) % device.faultCount;
      if (!takeRecord(device, index, fault)) continue;
      device.faultNext = (index + 1) % device.faultCount;
      clearErrors(device, status);
      return true;
    }
  }
  device.faultNext = NO_RECORD;
  clearErrors(device, status);
  return false;
}

function takeRecord(device: Iommu, index: u32, fault: IommuFault): bool {
  const at = device.base + device.faultOffset + index * 16;
  if ((mmioRead32(at + 12) & RECORD_FAULT) == 0) return false;
  const high = mmioRead64(at + 8);
  fault.page = mmioRead64(at) & ~(PAGE_BYTES - 1);
  fault.source = <u32>high & 0xffff;
  fault.reason = <u32>(high >> 32) & 0xff;
  fault.isWrite = (high & RECORD_READ) == 0 ? 1 : 0;
  mmioWrite32(at + 12, RECORD_FAULT);
  return true;
}

/** Clears the errors of `status`, once there is room for a record again. */
function clearErrors(device: Iommu, status: u32): void {
  if (status & VTD_FSTS_PFO) device.overflows += 1;
  if (status & FSTS_CLEARABLE) mmioWrite32(device.base + VTD_FSTS, status & FSTS_CLEARABLE);
}
