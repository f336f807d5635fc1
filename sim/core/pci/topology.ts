/**
 * The bus as the board wires it, and as the firmware numbers it.
 *
 *   00:00.0  host bridge
 *   00:02.0  network controller
 *   00:03.0  root port of bus 1 (00:04.0 of bus 2, and so on), each with one device: 01:00.0
 *   00:1f.0  LPC bridge
 *   00:1f.2  SATA controller
 *
 * Only what exists is there: a root port is created with the device behind it.
 */
import {
  addCapability,
  config8,
  createFunction,
  createPciState,
  defineRegister,
  functionAt,
  pci,
  PciFunction,
} from "./function";
import { addExpressCapability } from "./express";
import { addMsi } from "./interrupts";
import { MODEL_NONE, MODEL_ROOT_PORT } from "./models";
import { createConfigAccess } from "./ports";
import { addPowerCapability } from "./power";
import { ECAM_BASE, PM1_EVENT_PORT } from "../../spec/platform";
import {
  PCI_BRIDGE_CONTROL,
  PCI_CAP_SUBSYSTEM,
  PCI_EXPRESS_ROOT_PORT,
  PCI_IO_BASE_HIGH,
  PCI_IO_LIMIT_HIGH,
  PCI_IO_WINDOW_BASE,
  PCI_IO_WINDOW_LIMIT,
  PCI_MEMORY_WINDOW_BASE,
  PCI_MEMORY_WINDOW_LIMIT,
  PCI_PREFETCH_BASE_HIGH,
  PCI_PREFETCH_LIMIT_HIGH,
  PCI_PREFETCH_WINDOW_BASE,
  PCI_PREFETCH_WINDOW_LIMIT,
  PCI_PRIMARY_BUS,
  PCI_SECONDARY_BUS,
  PCI_SECONDARY_STATUS,
  PCI_STATUS_ERRORS,
  PCI_SUBORDINATE_BUS,
} from "../../spec/pci";

export const ADDRESS_HOST_BRIDGE: u32 = 0x0000;
export const ADDRESS_NIC: u32 = 0x0010;
export const ADDRESS_LPC: u32 = 0x00f8;
export const ADDRESS_AHCI: u32 = 0x00fa;
export const ADDRESS_NVME: u32 = 0x0100;
/** Device number of the root port of bus 1. */
const ROOT_PORT_FIRST: u32 = 3;
/** Root ports end below the LPC bridge's device number. */
const ROOT_PORTS_MAX: u32 = 31 - ROOT_PORT_FIRST;

const HOST_BRIDGE_ID: u32 = 0x29c0_8086;
const LPC_ID: u32 = 0x2918_8086;
/** Intel 5520/X58 root port 0: handled by class, like every root port. */
const ROOT_PORT_ID: u32 = 0x3420_8086;

const CLASS_HOST_BRIDGE: u32 = 0x060000_00;
const CLASS_ISA_BRIDGE: u32 = 0x060100_02;
const CLASS_PCI_BRIDGE: u32 = 0x060400_02;

/** Creates the bus with the bridges that every machine has; devices follow with createFunction. */
export function createPci(): void {
  createPciState();
  createConfigAccess();
  const host = createFunction(ADDRESS_HOST_BRIDGE, MODEL_NONE, 0, HOST_BRIDGE_ID, CLASS_HOST_BRIDGE);
  // PCIEXBAR: where ECAM lies, 256 buses, enabled (Intel 3 Series chipset, 5.1.13).
  defineRegister(host, 0x60, 4, <u32>ECAM_BASE | 1);
  const lpc = createFunction(ADDRESS_LPC, MODEL_NONE, 0, LPC_ID, CLASS_ISA_BRIDGE);
  // PMBASE and ACPI_CNTL: the ACPI ports, enabled, SCI on IRQ 9 (Intel ICH9, 13.1.14).
  defineRegister(lpc, 0x40, 4, PM1_EVENT_PORT | 1);
  defineRegister(lpc, 0x44, 1, 0x80);
  // PIRQ routing off: the lines go to the IOAPIC (Intel ICH9, 13.1.17).
  defineRegister(lpc, 0x60, 4, 0x8080_8080, 0x8f8f_8f8f);
  defineRegister(lpc, 0x68, 4, 0x8080_8080, 0x8f8f_8f8f);
}

/** The root port of bus `bus` (1 to 28), created when it does not exist yet; returns its index. */
export function ensureRootPort(bus: u32): u32 {
  if (bus == 0 || bus > ROOT_PORTS_MAX) unreachable();
  const count = pci().functionCount;
  for (let index: u32 = 0; index < count; index++) {
    const fn = functionAt(index);
    if (fn.isBridge && config8(fn, PCI_SECONDARY_BUS) == bus) return index;
  }
  const slot = ROOT_PORT_FIRST + bus - 1;
  const port = createFunction(slot << 3, MODEL_ROOT_PORT, bus, ROOT_PORT_ID, CLASS_PCI_BRIDGE);
  defineBridge(port, bus);
  addPowerCapability(port);
  addMsi(port, 1);
  const subsystem = addCapability(port, PCI_CAP_SUBSYSTEM, 8);
  defineRegister(port, subsystem + 4, 4, ROOT_PORT_ID);
  addExpressCapability(port, PCI_EXPRESS_ROOT_PORT);
  return port.index;
}

/** Type 1 header, windows closed (base above limit), bus numbers as the firmware leaves them. */
function defineBridge(port: PciFunction, bus: u32): void {
  defineRegister(port, PCI_PRIMARY_BUS, 1, 0, 0xff);
  defineRegister(port, PCI_SECONDARY_BUS, 1, bus, 0xff);
  defineRegister(port, PCI_SUBORDINATE_BUS, 1, bus, 0xff);
  // Low nibble 1: 32-bit I/O and 64-bit prefetchable addresses (PCI-to-PCI Bridge 1.2, 3.2.5.6, 9).
  defineRegister(port, PCI_IO_WINDOW_BASE, 1, 0xf1, 0xf0);
  defineRegister(port, PCI_IO_WINDOW_LIMIT, 1, 0x01, 0xf0);
  defineRegister(port, PCI_SECONDARY_STATUS, 2, 0, 0, PCI_STATUS_ERRORS);
  defineRegister(port, PCI_MEMORY_WINDOW_BASE, 2, 0xfff0, 0xfff0);
  defineRegister(port, PCI_MEMORY_WINDOW_LIMIT, 2, 0, 0xfff0);
  defineRegister(port, PCI_PREFETCH_WINDOW_BASE, 2, 0xfff1, 0xfff0);
  defineRegister(port, PCI_PREFETCH_WINDOW_LIMIT, 2, 0x0001, 0xfff0);
  defineRegister(port, PCI_PREFETCH_BASE_HIGH, 4, 0, 0xffff_ffff);
  defineRegister(port, PCI_PREFETCH_LIMIT_HIGH, 4, 0, 0xffff_ffff);
  defineRegister(port, PCI_IO_BASE_HIGH, 2, 0, 0xffff);
  defineRegister(port, PCI_IO_LIMIT_HIGH, 2, 0, 0xffff);
  defineRegister(port, PCI_BRIDGE_CONTROL, 2, 0, 0x0043);
}
