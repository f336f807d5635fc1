/** A machine to which a test adds PCI devices of its own making (sim/core/testing.ts). */

import * as Pci from "../../spec/pci.ts";
import type { SimExports } from "../core.ts";
import { Machine, type MachineOptions } from "../machine.ts";
import { loadModule } from "../modules.ts";

export interface PciExports extends SimExports {
  testFunction(address: number, model: number, vendorDevice: number, classRevision: number): number;
  testBar(fn: number, bar: number, bytes: bigint, flags: number): void;
  testExpress(fn: number, portType: number): number;
  testPower(fn: number): number;
  testMsi(fn: number, vectors: number): number;
  testMsix(fn: number, vectors: number, bar: number, table: number, pending: number): number;
  testNotify(fn: number, vector: number): void;
  testIntx(fn: number, level: boolean): void;
  /** Linear address, or 0 when refused. */
  dmaPointer(requester: number, address: bigint, bytes: number, write: boolean): number;
  /** 0: no local APIC has accepted it. */
  requestInterrupt(source: number, address: bigint, data: number): number;
}

export interface PciMachine {
  readonly m: Machine;
  readonly pci: PciExports;
}

/** A machine of 16 MiB whose CPUs stay off unless told otherwise. */
export async function createPciMachine(
  options: MachineOptions = {},
  kernel = "kernel",
): Promise<PciMachine> {
  const modules = { sim: await loadModule("sim-testing"), kernel: await loadModule(kernel) };
  const m = await Machine.create({ memory: 16 << 20, start: false, ...options, modules });
  return { m, pci: m.core.sim as PciExports };
}

/** Any device of another vendor, as model number nobody serves. */
export const TEST_MODEL = 99;
export const TEST_ID = 0x1234_abcd;

/** An endpoint at `address` with a 64 KiB BAR 0, power, Express, MSI and MSI-X (8 vectors). */
export function addEndpoint(pci: PciExports, address: number): number {
  const fn = pci.testFunction(address, TEST_MODEL, TEST_ID, 0x010802_00);
  pci.testBar(fn, 0, 0x1_0000n, Pci.PCI_BAR_64);
  pci.testPower(fn);
  pci.testExpress(fn, Pci.PCI_EXPRESS_ENDPOINT);
  pci.testMsi(fn, 4);
  pci.testMsix(fn, 8, 0, 0x8000, 0x9000);
  return fn;
}
