/** Enumeration: finds the functions, numbers the buses, sizes the BARs. */
import {
  PCI_BAR,
  PCI_BAR_64,
  PCI_BAR_IO,
  PCI_BAR_PREFETCH,
  PCI_CLASS_REVISION,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_HEADER_BRIDGE,
  PCI_HEADER_MULTIFUNCTION,
  PCI_HEADER_TYPE,
  PCI_PRIMARY_BUS,
  PCI_VENDOR_ID,
} from "../sim/spec/pci";
import {
  Pci,
  pciBar,
  PciBarInfo,
  PCI_BARS,
  PciDevice,
  pciDevice,
  PCI_ERROR_PROTOCOL,
  PCI_ERROR_TOO_MANY,
  PCI_NO_PARENT,
  PCI_OK,
  pciRead,
  pciWrite,
} from "./pci";
import { pciAssign } from "./pci_assign";

/** Bridges behind bridges; a deeper one is left unconfigured. */
const DEPTH_MAX: u32 = 8;
/** Primary, secondary, subordinate: the low 24 bits; the latency timer above stays. */
const BUS_NUMBERS: u32 = 0x00ff_ffff;

/**
 * Finds all functions, and sets up bridges and BARs within the windows of `pci`. The driver, the
 * access fields and the windows are filled in. Returns PCI_OK or the first error; what could be
 * set up is usable either way.
 */
export function pciEnumerate(pci: Pci): u32 {
  pci.deviceCount = 0;
  pci.busCount = 0;
  pci.error = PCI_OK;
  scanBus(pci, 0, PCI_NO_PARENT, 0);
  for (let index: u32 = 0; index < pci.deviceCount; index++) sizeBars(pci, pciDevice(pci, index));
  pciAssign(pci);
  return pci.error;
}

@inline
function fail(pci: Pci, error: u32): void {
  if (pci.error == PCI_OK) pci.error = error;
}

function scanBus(pci: Pci, bus: u32, parent: u32, depth: u32): void {
  for (let slot: u32 = 0; slot < 32; slot++) {
    const first = (bus << 8) | (slot << 3);
    if (!scanFunction(pci, first, parent, depth)) continue;
    const type = pciRead(pci, first, PCI_HEADER_TYPE, 1);
    if (type == 0xff || (type & PCI_HEADER_MULTIFUNCTION) == 0) continue;
    for (let n: u32 = 1; n < 8; n++) scanFunction(pci, first | n, parent, depth);
  }
}

/** Records the function, and what is behind it when it is a bridge; false when nobody is there. */
function scanFunction(pci: Pci, bdf: u32, parent: u32, depth: u32): bool {
  const ids = pciRead(pci, bdf, PCI_VENDOR_ID, 4);
  // All ones: absent; 0: absent as some old bridges report it.
  if ((ids & 0xffff) == 0xffff || ids == 0) return false;
  if (pci.deviceCount == pci.deviceMax) {
    fail(pci, PCI_ERROR_TOO_MANY);
    return false;
  }
  const index = pci.deviceCount;
  pci.deviceCount = index + 1;
  const device = pciDevice(pci, index);
  device.bdf = bdf;
  device.parent = parent;
  device.vendorDevice = ids;
  device.classRevision = pciRead(pci, bdf, PCI_CLASS_REVISION, 4);
  device.secondary = 0;
  device.subordinate = 0;
  device.error = PCI_OK;
  device.bars = pci.bars + <usize>(index * PCI_BARS) * offsetof<PciBarInfo>();
  const type = pciRead(pci, bdf, PCI_HEADER_TYPE, 1) & 0x7f;
  device.isBridge = type == PCI_HEADER_BRIDGE && device.classRevision >> 16 == 0x0604 ? 1 : 0;
  if (device.isBridge) numberBus(pci, device, index, depth);
  return true;
}

/** Gives the bridge the next bus number and scans behind it (PCI-to-PCI Bridge 1.2, 3.2.5.2). */
function numberBus(pci: Pci, device: PciDevice, index: u32, depth: u32): void {
  if (pci.busCount >= pci.lastBus || depth == DEPTH_MAX) {
    setBuses(pci, device.bdf, 0, 0);
    device.error = PCI_ERROR_TOO_MANY;
    fail(pci, PCI_ERROR_TOO_MANY);
    return;
  }
  pci.busCount += 1;
  device.secondary = pci.busCount;
  // All that may still come is behind this bridge until the scan knows where it ends.
  if (!setBuses(pci, device.bdf, device.secondary, pci.lastBus)) {
    device.error = PCI_ERROR_PROTOCOL;
    fail(pci, PCI_ERROR_PROTOCOL);
    return;
  }
  scanBus(pci, device.secondary, index, depth + 1);
  device.subordinate = pci.busCount;
  setBuses(pci, device.bdf, device.secondary, device.subordinate);
}

/** Whether the bridge took the numbers. */
function setBuses(pci: Pci, bdf: u32, secondary: u32, subordinate: u32): bool {
  const old = pciRead(pci, bdf, PCI_PRIMARY_BUS, 4);
  const numbers = (bdf >> 8) | (secondary << 8) | (subordinate << 16);
  pciWrite(pci, bdf, PCI_PRIMARY_BUS, 4, (old & ~BUS_NUMBERS) | numbers);
  return (pciRead(pci, bdf, PCI_PRIMARY_BUS, 4) & BUS_NUMBERS) == numbers;
}

/** Learns sizes by writing all ones (PCI Local Bus 3.0, 6.2.5.1), with decoding off. */
function sizeBars(pci: Pci, device: PciDevice): void {
  const off = ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
  pciWrite(pci, device.bdf, PCI_COMMAND, 2, pciRead(pci, device.bdf, PCI_COMMAND, 2) & off);
  for (let index: u32 = 0; index < PCI_BARS; index++) {
    const bar = pciBar(device, index);
    bar.base = 0;
    bar.bytes = 0;
    bar.flags = 0;
  }
  const type = pciRead(pci, device.bdf, PCI_HEADER_TYPE, 1) & 0x7f;
  const count: u32 = type == 0 ? PCI_BARS : type == PCI_HEADER_BRIDGE ? 2 : 0;
  for (let index: u32 = 0; index < count; index++)
    if (sizeBar(pci, device.bdf, pciBar(device, index), index, count)) index++;
}

/** Sizes one BAR; true when it takes the next register as well. */
function sizeBar(pci: Pci, bdf: u32, bar: PciBarInfo, index: u32, count: u32): bool {
  const offset = PCI_BAR + index * 4;
  const low = probe(pci, bdf, offset);
  const flags = pciRead(pci, bdf, offset, 4) & 0xf;
  if (low == 0 || low == 0xffff_ffff) return false;
  if (flags & PCI_BAR_IO) {
    bar.flags = PCI_BAR_IO;
    // The upper half may read as zero: 16-bit decoders (6.2.5.1).
    bar.bytes = <u64>(~((low & 0xffff_fffc) | 0xffff_0000) + 1) & 0xffff_ffff;
    keepPower(bar);
    return false;
  }
  bar.flags = flags & (PCI_BAR_64 | PCI_BAR_PREFETCH);
  const isWide = (flags & PCI_BAR_64) != 0 && index + 1 < count;
  const high: u64 = isWide ? probe(pci, bdf, offset + 4) : 0xffff_ffff;
  bar.bytes = ~((high << 32) | <u64>(low & 0xffff_fff0)) + 1;
  keepPower(bar);
  return isWide;
}

/** A size that is no power of two is not a BAR. */
@inline
function keepPower(bar: PciBarInfo): void {
  if ((bar.bytes & (bar.bytes - 1)) != 0) bar.bytes = 0;
}

/** Which bits of the register stick; leaves zero in it, so that nothing overlaps later. */
function probe(pci: Pci, bdf: u32, offset: u32): u32 {
  pciWrite(pci, bdf, offset, 4, 0xffff_ffff);
  const bits = pciRead(pci, bdf, offset, 4);
  pciWrite(pci, bdf, offset, 4, 0);
  return bits;
}
