/** Stage: PCI. All functions are found, addressed and listed. */
import {
  createPciTable,
  Pci,
  PCI_DRIVER_CF8,
  PCI_DRIVER_ECAM,
  PCI_OK,
  PCI_WINDOW_HIGH,
  PCI_WINDOW_IO,
  PCI_WINDOW_LOW,
  pciDevice,
  PciDevice,
  pciTableBytes,
  pciWindow,
} from "../../hal/pci";
import { pciEnumerate } from "../../hal/pci_scan";
import { pointer } from "../../hal/memory";
import { platformSegment } from "../../hal/x86_64/platform";
import {
  PCI_HIGH_BASE,
  PCI_HIGH_BYTES,
  PCI_IO_BASE,
  PCI_IO_BYTES,
  PCI_MEMORY_BASE,
  PCI_MEMORY_END,
} from "../../sim/spec/platform";
import { newLine, print, printDecimal, printHex } from "../console";
import { ERROR_OUT_OF_FRAMES, ERROR_PCI } from "../errors";
import { PCI_FUNCTIONS_MAX } from "../limits";
import { frameAllocZeroed, orderFor, OWNER_KERNEL } from "../mm/frames";
import { boot, fail, STAGE_DONE } from "./boot";
import { platform } from "./platform";

@inline
export function pci(): Pci {
  return changetype<Pci>(boot().pci);
}

export function stagePci(): u32 {
  const table = frameAllocZeroed(orderFor(pciTableBytes(PCI_FUNCTIONS_MAX)), OWNER_KERNEL);
  if (table == 0) return fail(ERROR_OUT_OF_FRAMES);
  boot().pci = pointer(table);
  createPciTable(boot().pci, PCI_FUNCTIONS_MAX);
  chooseAccess();
  setWindow(PCI_WINDOW_IO, PCI_IO_BASE, PCI_IO_BASE + PCI_IO_BYTES);
  setWindow(PCI_WINDOW_LOW, PCI_MEMORY_BASE, PCI_MEMORY_END);
  setWindow(PCI_WINDOW_HIGH, PCI_HIGH_BASE, PCI_HIGH_BASE + PCI_HIGH_BYTES);
  const error = pciEnumerate(pci());
  if (error != PCI_OK) return fail(ERROR_PCI, error, pci().busCount);
  for (let index: u32 = 0; index < pci().deviceCount; index++) printFunction(pciDevice(pci(), index));
  return STAGE_DONE;
}

/** ECAM where the ACPI tables name it, else the ports that every PC has. */
function chooseAccess(): void {
  const bus = pci();
  bus.driver = PCI_DRIVER_CF8;
  bus.lastBus = 255;
  if (platform().segmentCount == 0) return;
  const segment = platformSegment(platform(), 0);
  bus.driver = PCI_DRIVER_ECAM;
  bus.ecamBase = segment.base;
  bus.lastBus = segment.lastBus;
}

function setWindow(index: u32, start: u64, end: u64): void {
  const window = pciWindow(pci(), index);
  window.next = start;
  window.end = end;
}

function printFunction(device: PciDevice): void {
  print("pci ");
  printHex(device.bdf >> 8, 2);
  print(":");
  printHex((device.bdf >> 3) & 31, 2);
  print(".");
  printDecimal(device.bdf & 7);
  print(" [");
  printHex(device.vendorDevice & 0xffff, 4);
  print(":");
  printHex(device.vendorDevice >> 16, 4);
  print("] class ");
  printHex(device.classRevision >> 8, 6);
  print(" ");
  print(className(device.classRevision >> 16));
  if (device.error != PCI_OK) print(" (not usable)");
  newLine();
}

/** Name of a base class and subclass (PCI Code and ID Assignment 1.11). */
function className(code: u32): string {
  switch (code) {
    case 0x0106:
      return "SATA controller";
    case 0x0108:
      return "NVM Express controller";
    case 0x0200:
      return "Ethernet controller";
    case 0x0600:
      return "host bridge";
    case 0x0601:
      return "ISA bridge";
    case 0x0604:
      return "PCI bridge";
    default:
      return "other";
  }
}
