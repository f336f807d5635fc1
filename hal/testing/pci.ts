/**
 * PCI operations for the tests: a = driver, b = functions that fit the table. Enumerates into
 * scratch RAM, enables the functions behind the table, and routes vector 0 of each to data 0x40 + n.
 */
import {
  ECAM_BASE,
  PCI_HIGH_BASE,
  PCI_HIGH_BYTES,
  PCI_IO_BASE,
  PCI_IO_BYTES,
  PCI_MEMORY_BASE,
  PCI_MEMORY_END,
} from "../../sim/spec/platform";
import { pointer } from "../memory";
import {
  createPciTable,
  Pci,
  pciDevice,
  pciEnable,
  pciWindow,
  PCI_WINDOW_HIGH,
  PCI_WINDOW_IO,
  PCI_WINDOW_LOW,
} from "../pci";
import { PciMessages, pciMessages, pciRoute } from "../pci_messages";
import { pciEnumerate } from "../pci_scan";
import { Mailbox } from "./mailbox";

/** Physical address of the table, and of one PciMessages. */
const SCRATCH: u64 = 0x40_0000;
const MESSAGES: u64 = 0x3f_0000;
const INTERRUPT_ADDRESS: u64 = 0xfee0_0000;

function setWindow(pci: Pci, index: u32, base: u64, bytes: u64): void {
  const window = pciWindow(pci, index);
  window.next = base;
  window.end = base + bytes;
}

export function testPci(box: Mailbox): void {
  const pci = createPciTable(pointer(SCRATCH), <u32>box.b);
  pci.driver = <u32>box.a;
  pci.ecamBase = ECAM_BASE;
  pci.lastBus = 255;
  setWindow(pci, PCI_WINDOW_IO, PCI_IO_BASE, PCI_IO_BYTES);
  setWindow(pci, PCI_WINDOW_LOW, PCI_MEMORY_BASE, <u64>PCI_MEMORY_END - <u64>PCI_MEMORY_BASE);
  setWindow(pci, PCI_WINDOW_HIGH, PCI_HIGH_BASE, PCI_HIGH_BYTES);
  box.result = pciEnumerate(pci);
  const messages = changetype<PciMessages>(pointer(MESSAGES));
  for (let index: u32 = 0; index < pci.deviceCount; index++) {
    const device = pciDevice(pci, index);
    if (device.isBridge || pciEnable(pci, device) != 0) continue;
    if (pciMessages(pci, device, messages) != 0) continue;
    pciRoute(pci, device, messages, 0, INTERRUPT_ADDRESS, 0x40 + index);
  }
}
