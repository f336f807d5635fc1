/**
 * Stage: IOMMU. From here on a device reaches only the memory that it was given: each has a domain
 * of its own, in which its driver's pages and its buffers stand at their physical addresses.
 */
import {
  Iommu,
  IOMMU_DRIVER_VTD,
  IOMMU_ERROR_EXISTS,
  IOMMU_OK,
  IOMMU_READ,
  IOMMU_WRITE,
  iommuAttach,
  IommuDomain,
  iommuEnable,
  IommuFault,
  iommuMap,
  iommuStart,
  iommuTakeFault,
  iommuUnmap,
} from "../../hal/iommu";
import { PAGE_BYTES, PAGE_SHIFT, PagePool } from "../../hal/memory";
import { platformDmaUnit } from "../../hal/x86_64/platform";
import { newLine, print, printDecimal, printHex, printLine } from "../console";
import { ERROR_IOMMU, ERROR_OUT_OF_FRAMES } from "../errors";
import { IOMMU_DOMAINS_MAX, IOMMU_POOL_PAGES } from "../limits";
import { frameAllocZeroed, orderFor, OWNER_PAGE_TABLE } from "../mm/frames";
import { Ptr, rootAllocate } from "../state";
import { boot, fail, STAGE_DONE } from "./boot";
import { platform } from "./platform";

/** A device's address space. */
@unmanaged
export class DeviceDomain {
  domain: Ptr<IommuDomain>;
  bdf: u32;
}

@unmanaged
export class IommuState {
  /** 0 when the platform has no unit: devices then reach all memory. */
  unit: Ptr<Iommu>;
  pool: Ptr<PagePool>;
  domains: Ptr<DeviceDomain>;
  domainCount: u32;
  /** Refused accesses that were reported so far, and the latest. */
  faults: u32;
  fault: Ptr<IommuFault>;
}

@inline
function state(): IommuState {
  return changetype<IommuState>(boot().iommu);
}

@inline
function unit(): Iommu {
  return changetype<Iommu>(state().unit);
}

export function stageIommu(): u32 {
  boot().iommu = rootAllocate(offsetof<IommuState>());
  if (platform().dmaUnitCount == 0) {
    printLine("iommu: none, devices reach all memory");
    return STAGE_DONE;
  }
  const pages = frameAllocZeroed(orderFor(IOMMU_POOL_PAGES << PAGE_SHIFT), OWNER_PAGE_TABLE);
  if (pages == 0) return fail(ERROR_OUT_OF_FRAMES);
  layOut(pages);
  unit().base = platformDmaUnit(platform(), 0).base;
  unit().driver = IOMMU_DRIVER_VTD;
  const started = iommuStart(unit(), changetype<PagePool>(state().pool));
  if (started != IOMMU_OK) return fail(ERROR_IOMMU, started, unit().base);
  const enabled = iommuEnable(unit(), true);
  if (enabled != IOMMU_OK) return fail(ERROR_IOMMU, enabled, unit().base);
  print("iommu: VT-d at 0x");
  printHex(unit().base);
  printLine(", DMA remapping is on");
  return STAGE_DONE;
}

function layOut(pages: u64): void {
  const it = state();
  it.unit = rootAllocate(offsetof<Iommu>());
  it.pool = rootAllocate(offsetof<PagePool>());
  it.domains = rootAllocate(<usize>IOMMU_DOMAINS_MAX * offsetof<DeviceDomain>());
  it.fault = rootAllocate(offsetof<IommuFault>());
  const pool = changetype<PagePool>(it.pool);
  pool.next = pages;
  pool.end = pages + (IOMMU_POOL_PAGES << PAGE_SHIFT);
}

/** The domain of the function `bdf`, made and attached when it has none; 0 when none is left. */
function domainOf(bdf: u32): usize {
  const it = state();
  for (let index: u32 = 0; index < it.domainCount; index++) {
    const known = changetype<DeviceDomain>(it.domains + <usize>index * offsetof<DeviceDomain>());
    if (known.bdf == bdf) return known.domain;
  }
  if (it.domainCount == IOMMU_DOMAINS_MAX) return 0;
  const entry = changetype<DeviceDomain>(it.domains + <usize>it.domainCount * offsetof<DeviceDomain>());
  it.domainCount += 1;
  const domain = changetype<IommuDomain>(rootAllocate(offsetof<IommuDomain>()));
  domain.id = it.domainCount;
  entry.bdf = bdf;
  entry.domain = changetype<usize>(domain);
  return iommuAttach(unit(), domain, bdf) == IOMMU_OK ? entry.domain : 0;
}

@inline
function pagesOf(bytes: u64): u64 {
  return (bytes + PAGE_BYTES - 1) >> PAGE_SHIFT;
}

/** Lets the function `bdf` read and write RAM from physical `memory` on; again is no error. */
export function allowDma(bdf: u32, memory: u64, bytes: u64): u32 {
  if (state().unit == 0) return STAGE_DONE;
  const domain = domainOf(bdf);
  if (domain == 0) return fail(ERROR_IOMMU, IOMMU_DOMAINS_MAX, bdf);
  const rights = IOMMU_READ | IOMMU_WRITE;
  const target = changetype<IommuDomain>(domain);
  const result = iommuMap(unit(), target, memory, memory, pagesOf(bytes), rights);
  return result == IOMMU_OK || result == IOMMU_ERROR_EXISTS ? STAGE_DONE : fail(ERROR_IOMMU, result, memory);
}

/** Takes it back, before the memory is given to someone else. */
export function forbidDma(bdf: u32, memory: u64, bytes: u64): void {
  if (state().unit == 0) return;
  const domain = domainOf(bdf);
  if (domain != 0) iommuUnmap(unit(), changetype<IommuDomain>(domain), memory, pagesOf(bytes));
}

/** Prints the accesses that were refused since the last call; how many. */
export function reportDmaFaults(): u32 {
  const it = state();
  if (boot().iommu == 0 || it.unit == 0) return 0;
  let count: u32 = 0;
  const fault = changetype<IommuFault>(it.fault);
  while (count < IOMMU_DOMAINS_MAX && iommuTakeFault(unit(), fault)) {
    print("iommu: function ");
    printHex(fault.source, 4);
    print(fault.isWrite != 0 ? " wrote to" : " read from");
    print(" 0x");
    printHex(fault.page);
    print(", refused (reason ");
    printDecimal(fault.reason);
    print(")");
    newLine();
    count++;
  }
  it.faults += count;
  return count;
}
