/**
 * IOMMU operations for the tests. The state lies in scratch RAM and stays between operations:
 *
 *   0x70 start with c pages, enable   0x71 attach function a       0x72 detach function a
 *   0x73 map a to b, c = pages | rights << 32      0x74 unmap a, c = pages
 *   0x75 take a fault: result = address | reason << 48, a = source | write << 16, or 0; b = overflows
 *   0x76 switch translation on (a = 1) or off
 */
import { IOMMU_BASE } from "../../sim/spec/platform";
import {
  Iommu,
  iommuAttach,
  iommuDetach,
  IommuDomain,
  iommuEnable,
  IommuFault,
  iommuMap,
  IOMMU_DRIVER_VTD,
  iommuStart,
  iommuTakeFault,
  iommuUnmap,
} from "../iommu";
import { PagePool, pointer } from "../memory";
import { Mailbox } from "./mailbox";

const SCRATCH: u64 = 0x50_0000;
const POOL: u64 = 0x60_0000;
const DOMAIN: u32 = 5;

export function testIommu(box: Mailbox): void {
  const device = changetype<Iommu>(pointer(SCRATCH));
  const pool = changetype<PagePool>(pointer(SCRATCH + 0x100));
  const domain = changetype<IommuDomain>(pointer(SCRATCH + 0x200));
  const count = box.c & 0xffff_ffff;
  switch (box.operation & 0xf) {
    case 0:
      device.driver = IOMMU_DRIVER_VTD;
      device.base = IOMMU_BASE;
      domain.id = DOMAIN;
      pool.next = POOL;
      pool.end = POOL + count * 4096;
      box.result = iommuStart(device, pool);
      if (box.result == 0) box.result = iommuEnable(device, true);
      break;
    case 1:
      box.result = iommuAttach(device, domain, <u32>box.a);
      break;
    case 2:
      box.result = iommuDetach(device, <u32>box.a);
      break;
    case 3:
      box.result = iommuMap(device, domain, box.a, box.b, count, <u32>(box.c >> 32));
      break;
    case 4:
      box.result = iommuUnmap(device, domain, box.a, count);
      break;
    case 6:
      box.result = iommuEnable(device, box.a != 0);
      break;
    default:
      takeFault(box, device);
  }
}

function takeFault(box: Mailbox, device: Iommu): void {
  const fault = changetype<IommuFault>(pointer(SCRATCH + 0x300));
  const taken = iommuTakeFault(device, fault);
  box.result = 0;
  box.b = device.overflows;
  if (!taken) return;
  box.result = fault.page | (<u64>fault.reason << 48);
  box.a = fault.source | (fault.isWrite << 16);
}
