/**
 * DMA remapping: a domain is an address space of devices, built from pages that the kernel gives.
 *
 * A device attached to a domain reaches only what the domain maps; one attached to none reaches
 * nothing once the IOMMU is on. Nothing is freed: a domain keeps its table pages until the kernel
 * takes back the whole pool.
 */
import { PagePool, Ptr } from "./memory";
import {
  vtdAttach,
  vtdDetach,
  vtdEnable,
  vtdMap,
  vtdStart,
  vtdTakeFault,
  vtdUnmap,
} from "./x86_64/vtd";

export const IOMMU_DRIVER_VTD: u32 = 1;

export const IOMMU_OK: u32 = 0;
/** The page pool is used up. What was mapped before that stays mapped. */
export const IOMMU_ERROR_NO_PAGES: u32 = 1;
/** Not page-aligned, outside of the domain's address width, or no permission named. */
export const IOMMU_ERROR_ARGUMENT: u32 = 2;
/** The unit lacks what the driver needs. */
export const IOMMU_ERROR_UNSUPPORTED: u32 = 3;
/** The unit did not answer within IOMMU_POLLS reads. */
export const IOMMU_ERROR_TIMEOUT: u32 = 4;
/** The page is mapped already. */
export const IOMMU_ERROR_EXISTS: u32 = 5;

export const IOMMU_READ: u32 = 1;
export const IOMMU_WRITE: u32 = 2;

@unmanaged
export class Iommu {
  driver: u32;
  /** Largest domain number that the unit can tell apart. */
  domainMax: u32;
  /** Physical address of the registers. */
  base: u64;
  root: u64;
  /** Register offsets that the unit tells. */
  iotlbOffset: u32;
  faultOffset: u32;
  faultCount: u32;
  faultNext: u32;
  /** Times that faults were lost because the unit had no room for them. */
  overflows: u32;
  pool: Ptr<PagePool>;
}

@unmanaged
export class IommuDomain {
  /** 1 to `domainMax`; chosen by the kernel, unique on the unit. */
  id: u32;
  /** Physical address of the top page table; 0 until the first mapping or attachment. */
  table: u64;
}

/** A refused access. */
@unmanaged
export class IommuFault {
  /** Bus << 8 | device << 3 | function. */
  source: u32;
  /** The unit's own code (VT-d 3.3, 7.1.3). */
  reason: u32;
  isWrite: u32;
  /** Page of the address that the device used. */
  page: u64;
}

/** Prepares the unit at `device.base`, translation still off. `pool` serves it from now on. */
export function iommuStart(device: Iommu, pool: PagePool): u32 {
  device.pool = changetype<usize>(pool);
  switch (device.driver) {
    case IOMMU_DRIVER_VTD:
      return vtdStart(device);
    default:
      return IOMMU_ERROR_UNSUPPORTED;
  }
}

/** Switches translation on or off. */
export function iommuEnable(device: Iommu, enabled: bool): u32 {
  switch (device.driver) {
    case IOMMU_DRIVER_VTD:
      return vtdEnable(device, enabled);
    default:
      return IOMMU_ERROR_UNSUPPORTED;
  }
}

/**
 * Maps `pages` pages from device address `address` to physical address `physical`.
 * @param rights IOMMU_READ, IOMMU_WRITE or both
 */
export function iommuMap(
  device: Iommu,
  domain: IommuDomain,
  address: u64,
  physical: u64,
  pages: u64,
  rights: u32,
): u32 {
  switch (device.driver) {
    case IOMMU_DRIVER_VTD:
      return vtdMap(device, domain, address, physical, pages, rights);
    default:
      return IOMMU_ERROR_UNSUPPORTED;
  }
}

/** Unmaps pages and waits until the unit has forgotten them; absent ones are skipped. */
export function iommuUnmap(device: Iommu, domain: IommuDomain, address: u64, pages: u64): u32 {
  switch (device.driver) {
    case IOMMU_DRIVER_VTD:
      return vtdUnmap(device, domain, address, pages);
    default:
      return IOMMU_ERROR_UNSUPPORTED;
  }
}

/** Puts the function `bdf` into the domain; it leaves the one it was in. */
export function iommuAttach(device: Iommu, domain: IommuDomain, bdf: u32): u32 {
  switch (device.driver) {
    case IOMMU_DRIVER_VTD:
      return vtdAttach(device, domain, bdf);
    default:
      return IOMMU_ERROR_UNSUPPORTED;
  }
}

/** Takes the function out of its domain: it reaches nothing. */
export function iommuDetach(device: Iommu, bdf: u32): u32 {
  switch (device.driver) {
    case IOMMU_DRIVER_VTD:
      return vtdDetach(device, bdf);
    default:
      return IOMMU_ERROR_UNSUPPORTED;
  }
}

/** Takes the oldest recorded fault; false when there is none. `overflows` counts losses. */
export function iommuTakeFault(device: Iommu, fault: IommuFault): bool {
  switch (device.driver) {
    case IOMMU_DRIVER_VTD:
      return vtdTakeFault(device, fault);
    default:
      return false;
  }
}
