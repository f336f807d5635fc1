/**
 * PCI: configuration space by either access mechanism, the table of functions that enumeration
 * (pci_scan.ts) finds, capabilities, enabling.
 *
 * Devices are not trusted: lists in configuration space may be circular, sizes absurd, anything may
 * read as all ones at any time. Every loop here has a bound.
 */
import {
  PCI_CAPABILITIES,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_INTX_DISABLE,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_STATUS,
  PCI_STATUS_CAPABILITIES,
} from "../sim/spec/pci";
import { Ptr } from "./memory";
import { cf8Read, cf8Write } from "./x86_64/cf8";
import { ecamRead, ecamWrite } from "./x86_64/ecam";

export const PCI_DRIVER_ECAM: u32 = 1;
export const PCI_DRIVER_CF8: u32 = 2;

export const PCI_OK: u32 = 0;
/** More functions than the table has room for, or more buses than there are numbers. */
export const PCI_ERROR_TOO_MANY: u32 = 1;
/** A BAR or bridge window found no room in the windows given. */
export const PCI_ERROR_NO_ROOM: u32 = 2;
/** The function lacks the capability, or the vector. */
export const PCI_ERROR_UNSUPPORTED: u32 = 3;
/** Registers say what the specification excludes. */
export const PCI_ERROR_PROTOCOL: u32 = 4;
/** The function is gone from the bus. */
export const PCI_ERROR_VANISHED: u32 = 5;

export const PCI_BARS: u32 = 6;
/** Bus 0: no bridge above. */
export const PCI_NO_PARENT: u32 = 0xffff_ffff;
/** A list of 4-byte-aligned capabilities behind the header can't be longer. */
const CAPABILITIES_MAX: u32 = 48;

@unmanaged
export class PciBarInfo {
  /** Assigned address; 0 while it has none. */
  base: u64;
  /** 0 = not implemented. */
  bytes: u64;
  /** PCI_BAR_IO, PCI_BAR_64, PCI_BAR_PREFETCH. */
  flags: u32;
}

/** One function that enumeration found. */
@unmanaged
export class PciDevice {
  /** Bus << 8 | device << 3 | function. */
  bdf: u32;
  /** Index of the bridge above, or PCI_NO_PARENT. */
  parent: u32;
  /** Vendor ID in the low half. */
  vendorDevice: u32;
  /** Class code in bits 31-8. */
  classRevision: u32;
  isBridge: u32;
  secondary: u32;
  subordinate: u32;
  /** PCI_OK, or why the function can't be enabled. */
  error: u32;
  bars: Ptr<PciBarInfo>;
}

/** Addresses that the kernel gives away to BARs: `next` up to `end`. */
@unmanaged
export class PciWindow {
  next: u64;
  end: u64;
}

@unmanaged
export class Pci {
  driver: u32;
  /** Highest bus number that the access mechanism reaches. */
  lastBus: u32;
  ecamBase: u64;
  /** Highest bus number given out. */
  busCount: u32;
  /** First error of enumeration; what could be set up works nevertheless. */
  error: u32;
  devices: Ptr<PciDevice>;
  deviceCount: u32;
  deviceMax: u32;
  bars: Ptr<PciBarInfo>;
  /** I/O, 32-bit memory, 64-bit prefetchable memory. */
  windows: Ptr<PciWindow>;
}

export const PCI_WINDOW_IO: u32 = 0;
export const PCI_WINDOW_LOW: u32 = 1;
export const PCI_WINDOW_HIGH: u32 = 2;
const WINDOWS: u32 = 3;

/** Bytes that `createPciTable` needs for a table of `count` functions. */
@inline
export function pciTableBytes(count: u32): u32 {
  const each = <u32>offsetof<PciDevice>() + PCI_BARS * <u32>offsetof<PciBarInfo>();
  return <u32>offsetof<Pci>() + WINDOWS * <u32>offsetof<PciWindow>() + count * each;
}

/** Lays an empty table of `count` functions into zeroed memory of `pciTableBytes(count)` bytes. */
export function createPciTable(at: usize, count: u32): Pci {
  const pci = changetype<Pci>(at);
  pci.windows = at + offsetof<Pci>();
  pci.devices = pci.windows + <usize>WINDOWS * offsetof<PciWindow>();
  pci.bars = pci.devices + <usize>count * offsetof<PciDevice>();
  pci.deviceMax = count;
  return pci;
}

@inline
export function pciWindow(pci: Pci, index: u32): PciWindow {
  return changetype<PciWindow>(pci.windows + <usize>index * offsetof<PciWindow>());
}

@inline
export function pciDevice(pci: Pci, index: u32): PciDevice {
  return changetype<PciDevice>(pci.devices + <usize>index * offsetof<PciDevice>());
}

@inline
export function pciBar(device: PciDevice, index: u32): PciBarInfo {
  return changetype<PciBarInfo>(device.bars + <usize>index * offsetof<PciBarInfo>());
}

/** Reads 1, 2 or 4 bytes of configuration space, aligned; all ones when nobody answers. */
export function pciRead(pci: Pci, bdf: u32, offset: u32, bytes: u32): u32 {
  switch (pci.driver) {
    case PCI_DRIVER_ECAM:
      return ecamRead(pci.ecamBase, bdf, offset, bytes);
    case PCI_DRIVER_CF8:
      return cf8Read(bdf, offset, bytes);
    default:
      return 0xffff_ffff;
  }
}

export function pciWrite(pci: Pci, bdf: u32, offset: u32, bytes: u32, value: u32): void {
  switch (pci.driver) {
    case PCI_DRIVER_ECAM:
      ecamWrite(pci.ecamBase, bdf, offset, bytes, value);
      break;
    case PCI_DRIVER_CF8:
      cf8Write(bdf, offset, bytes, value);
      break;
    default:
  }
}

/** Offset of the first capability `id`, or 0. */
export function pciCapability(pci: Pci, bdf: u32, id: u32): u32 {
  const status = pciRead(pci, bdf, PCI_STATUS, 2);
  if (status == 0xffff || (status & PCI_STATUS_CAPABILITIES) == 0) return 0;
  let at = pciRead(pci, bdf, PCI_CAPABILITIES, 1) & 0xfc;
  for (let n: u32 = 0; n < CAPABILITIES_MAX && at >= 0x40; n++) {
    const header = pciRead(pci, bdf, at, 2);
    if (header == 0xffff) return 0;
    if ((header & 0xff) == id) return at;
    at = (header >> 8) & 0xfc;
  }
  return 0;
}

/**
 * Index of the first function from `start` whose class code (24 bits) is `classCode` in the bits of
 * `mask`, or `deviceCount`.
 */
export function pciFindClass(pci: Pci, classCode: u32, mask: u32, start: u32): u32 {
  let index = start;
  for (; index < pci.deviceCount; index++)
    if ((((pciDevice(pci, index).classRevision >> 8) ^ classCode) & mask) == 0) break;
  return index;
}

/** Lets the function decode its BARs and master the bus, with its INTx line off. */
export function pciEnable(pci: Pci, device: PciDevice): u32 {
  if (device.error != PCI_OK) return device.error;
  let command: u32 = PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE;
  for (let index: u32 = 0; index < PCI_BARS; index++) {
    const bar = pciBar(device, index);
    if (bar.base == 0) continue;
    command |= bar.flags & 1 ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
  }
  pciWrite(pci, device.bdf, PCI_COMMAND, 2, command);
  return pciRead(pci, device.bdf, PCI_COMMAND, 2) == 0xffff ? PCI_ERROR_VANISHED : PCI_OK;
}
