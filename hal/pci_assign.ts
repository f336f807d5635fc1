/**
 * Gives addresses to BARs and windows to bridges. Each window of the kernel is handed out from its
 * lower end; a bridge's window is what its bus took, rounded to what its registers can say, so
 * windows nest as the buses do.
 */
import {
  PCI_BAR,
  PCI_BAR_64,
  PCI_BAR_IO,
  PCI_BAR_PREFETCH,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_IO_BASE_HIGH,
  PCI_IO_WINDOW_BASE,
  PCI_MEMORY_WINDOW_BASE,
  PCI_PREFETCH_BASE_HIGH,
  PCI_PREFETCH_LIMIT_HIGH,
  PCI_PREFETCH_WINDOW_BASE,
} from "../sim/spec/pci";
import {
  Pci,
  pciBar,
  PciBarInfo,
  PCI_BARS,
  PciDevice,
  pciDevice,
  PCI_ERROR_NO_ROOM,
  PCI_NO_PARENT,
  PCI_OK,
  pciRead,
  PciWindow,
  pciWindow,
  PCI_WINDOW_HIGH,
  PCI_WINDOW_IO,
  PCI_WINDOW_LOW,
  pciWrite,
} from "./pci";

/** Granularity of bridge windows (PCI-to-PCI Bridge 1.2, 3.2.5.6, 3.2.5.8). */
const IO_GRANULE: u64 = 0x1000;
const MEMORY_GRANULE: u64 = 0x10_0000;

/** Assigns everything in the table, then switches the bridges on. */
export function pciAssign(pci: Pci): void {
  assignBus(pci, PCI_NO_PARENT, true);
}

/** A window's next address, rounded up; a wrap leaves the window without room. */
function alignWindow(window: PciWindow, granule: u64): u64 {
  const aligned = (window.next + granule - 1) & ~(granule - 1);
  window.next = aligned < window.next ? window.end : aligned;
  return window.next;
}

/**
 * Assigns the functions whose bridge is `parent`, then what is behind the bridges among them. The
 * recursion is as deep as the scan was.
 * @param wide every bridge above forwards 64-bit prefetchable memory
 */
function assignBus(pci: Pci, parent: u32, wide: bool): void {
  for (let index: u32 = 0; index < pci.deviceCount; index++) {
    const device = pciDevice(pci, index);
    if (device.parent != parent) continue;
    for (let n: u32 = 0; n < PCI_BARS; n++) assignBar(pci, device, n, wide);
  }
  for (let index: u32 = 0; index < pci.deviceCount; index++) {
    const device = pciDevice(pci, index);
    if (device.parent == parent && device.isBridge && device.error == PCI_OK)
      assignBridge(pci, device, index, wide);
  }
}

function assignBar(pci: Pci, device: PciDevice, index: u32, wide: bool): void {
  const bar = pciBar(device, index);
  if (bar.bytes == 0) return;
  const window = pciWindow(pci, windowOf(bar, wide));
  const kept = window.next;
  const base = alignWindow(window, bar.bytes);
  if (bar.bytes > window.end - base || base == 0) {
    window.next = kept;
    device.error = PCI_ERROR_NO_ROOM;
    if (pci.error == PCI_OK) pci.error = PCI_ERROR_NO_ROOM;
    return;
  }
  window.next = base + bar.bytes;
  bar.base = base;
  const offset = PCI_BAR + index * 4;
  pciWrite(pci, device.bdf, offset, 4, <u32>base);
  if (bar.flags & PCI_BAR_64) pciWrite(pci, device.bdf, offset + 4, 4, <u32>(base >> 32));
}

/** Only prefetchable memory may lie above 4 GiB behind a bridge, so only that does anywhere. */
@inline
function windowOf(bar: PciBarInfo, wide: bool): u32 {
  if (bar.flags & PCI_BAR_IO) return PCI_WINDOW_IO;
  const isHigh = wide && (bar.flags & PCI_BAR_64) != 0 && (bar.flags & PCI_BAR_PREFETCH) != 0;
  return isHigh ? PCI_WINDOW_HIGH : PCI_WINDOW_LOW;
}

function assignBridge(pci: Pci, bridge: PciDevice, index: u32, wide: bool): void {
  const bdf = bridge.bdf;
  const takesWide = wide && (pciRead(pci, bdf, PCI_PREFETCH_WINDOW_BASE, 2) & 0xf) == 1;
  const io = alignWindow(pciWindow(pci, PCI_WINDOW_IO), IO_GRANULE);
  const low = alignWindow(pciWindow(pci, PCI_WINDOW_LOW), MEMORY_GRANULE);
  const high = alignWindow(pciWindow(pci, PCI_WINDOW_HIGH), MEMORY_GRANULE);
  assignBus(pci, index, takesWide);
  setIoWindow(pci, bdf, io, alignWindow(pciWindow(pci, PCI_WINDOW_IO), IO_GRANULE));
  const lowEnd = alignWindow(pciWindow(pci, PCI_WINDOW_LOW), MEMORY_GRANULE);
  setMemoryWindow(pci, bdf, PCI_MEMORY_WINDOW_BASE, low, lowEnd);
  const highEnd = alignWindow(pciWindow(pci, PCI_WINDOW_HIGH), MEMORY_GRANULE);
  setMemoryWindow(pci, bdf, PCI_PREFETCH_WINDOW_BASE, high, highEnd);
  const upper = takesWide && highEnd > high;
  pciWrite(pci, bdf, PCI_PREFETCH_BASE_HIGH, 4, upper ? <u32>(high >> 32) : 0);
  pciWrite(pci, bdf, PCI_PREFETCH_LIMIT_HIGH, 4, upper ? <u32>((highEnd - 1) >> 32) : 0);
  const command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
  pciWrite(pci, bdf, PCI_COMMAND, 2, command);
}

/** An empty window has its base above its limit. */
function setMemoryWindow(pci: Pci, bdf: u32, offset: u32, base: u64, end: u64): void {
  const first = end > base ? <u32>(base >> 16) & 0xfff0 : 0xfff0;
  const last = end > base ? <u32>((end - 1) >> 16) & 0xfff0 : 0;
  pciWrite(pci, bdf, offset, 4, first | (last << 16));
}

function setIoWindow(pci: Pci, bdf: u32, base: u64, end: u64): void {
  const first = end > base ? <u32>(base >> 8) & 0xf0 : 0xf0;
  const last = end > base ? <u32>((end - 1) >> 8) & 0xf0 : 0;
  pciWrite(pci, bdf, PCI_IO_WINDOW_BASE, 2, first | (last << 8));
  pciWrite(pci, bdf, PCI_IO_BASE_HIGH, 4, 0);
}
