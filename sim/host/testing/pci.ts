/** A test's hands on the PCI bus: configuration space through ECAM, BARs and bridges set up. */

import * as Pci from "../../spec/pci.ts";
import { ECAM_BASE, PCI_MEMORY_BASE } from "../../spec/platform.ts";
import type { Machine } from "../machine.ts";

/** Bus << 8 | device << 3 | function. */
export function pciAddress(bus: number, device: number, fn = 0): number {
  return (bus << 8) | (device << 3) | fn;
}

/** "01:00.0" */
export function pciName(address: number): string {
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  return `${hex(address >> 8)}:${hex((address >> 3) & 31)}.${address & 7}`;
}

export function configRead(m: Machine, address: number, offset: number, bytes: number): number {
  const at = BigInt(ECAM_BASE) + BigInt(address * 4096 + offset);
  return Number(m.core.sim.physicalRead(at, bytes));
}

export function configWrite(
  m: Machine,
  address: number,
  offset: number,
  bytes: number,
  value: number,
): void {
  const at = BigInt(ECAM_BASE) + BigInt(address * 4096 + offset);
  m.core.sim.physicalWrite(at, bytes, BigInt(value));
}

/** Offset of capability `id`, or 0. */
export function findCapability(m: Machine, address: number, id: number): number {
  let at = configRead(m, address, Pci.PCI_CAPABILITIES, 1);
  for (let n = 0; n < 48 && at !== 0; n++) {
    if (configRead(m, address, at, 1) === id) return at;
    at = configRead(m, address, at + 1, 1);
  }
  return 0;
}

/**
 * Puts memory BAR `bar` of a function at `base` and switches on decoding and bus mastering, in the
 * root port above as well; returns `base`. A port's window is 16 MiB from `base`.
 */
export function enableBar(
  m: Machine,
  address: number,
  bar = 0,
  base: number = PCI_MEMORY_BASE,
): bigint {
  if (address >> 8 !== 0) openRootPort(m, address >> 8, base);
  configWrite(m, address, Pci.PCI_BAR + bar * 4, 4, base);
  configWrite(m, address, Pci.PCI_COMMAND, 2, Pci.PCI_COMMAND_MEMORY | Pci.PCI_COMMAND_MASTER);
  return BigInt(base);
}

/** Opens the memory window `base` .. `base + 16 MiB` of the root port above bus `bus`. */
export function openRootPort(m: Machine, bus: number, base: number): void {
  const port = pciAddress(0, 2 + bus);
  const nibbles = Math.floor(base / 0x10_0000) * 16;
  configWrite(m, port, Pci.PCI_MEMORY_WINDOW_BASE, 2, nibbles);
  configWrite(m, port, Pci.PCI_MEMORY_WINDOW_LIMIT, 2, nibbles + 0xf0);
  configWrite(m, port, Pci.PCI_COMMAND, 2, Pci.PCI_COMMAND_MEMORY | Pci.PCI_COMMAND_MASTER);
}
