import { describe, expect, test } from "vitest";
import { RAM_BASE } from "../sim/host/core.ts";
import type { Machine } from "../sim/host/machine.ts";
import { configRead, findCapability, pciAddress, pciName } from "../sim/host/testing/pci.ts";
import { addEndpoint, createPciMachine, type PciExports } from "../sim/host/testing/pciDevice.ts";
import { records } from "../sim/host/testing/records.ts";
import { Pci as SimPci } from "../sim/host/views.generated.ts";
import * as Spec from "../sim/spec/pci.ts";
import { PCI_HIGH_BASE, PCI_MEMORY_BASE } from "../sim/spec/platform.ts";
import { TRACE_MSI } from "../sim/spec/trace.ts";
import { Mailbox, Pci } from "./testing/views.generated.ts";

const MAILBOX = RAM_BASE + 0x8000;
const TABLE = RAM_BASE + 0x40_0000;
const OPERATION = 0x60;
const DRIVERS = [
  ["ECAM", 1],
  ["0xCF8", 2],
] as const;

interface Found {
  readonly m: Machine;
  readonly pci: PciExports;
  readonly result: bigint;
  readonly table: Pci;
  readonly names: string[];
}

/** Boots the test kernel on a machine with three endpoints and lets it enumerate. */
async function enumerate(driver: number, room = 64, spoil?: (m: Machine) => void): Promise<Found> {
  const { m, pci } = await createPciMachine({ start: true }, "hal-testing");
  addEndpoint(pci, pciAddress(1, 0));
  const many = addEndpoint(pci, pciAddress(2, 0));
  pci.testBar(many, 2, 0x400_0000n, Spec.PCI_BAR_64 | Spec.PCI_BAR_PREFETCH);
  pci.testBar(many, 4, 0x40n, Spec.PCI_BAR_IO);
  pci.testBar(pci.testFunction(0x10, 99, 0x1000_1af4, 0x020000_00), 0, 0x20n, Spec.PCI_BAR_IO);
  spoil?.(m);
  const box = new Mailbox(m.core.data, MAILBOX);
  box.operation = OPERATION;
  box.a = BigInt(driver);
  box.b = BigInt(room);
  m.run(10_000_000_000n);
  expect(box.done).toBe(1);
  const table = new Pci(m.core.data, TABLE);
  const names = Array.from({ length: table.deviceCount }, (_, n) =>
    pciName(table.devicesAt(n).bdf),
  );
  return { m, pci, result: box.result, table, names };
}

function describeTable({ table }: Found) {
  return Array.from({ length: table.deviceCount }, (_, n) => {
    const device = table.devicesAt(n);
    const bars = Array.from({ length: 6 }, (_, bar) => device.barsAt(bar)).filter((b) => b.bytes);
    return {
      name: pciName(device.bdf),
      buses: [device.secondary, device.subordinate],
      bars: bars.map(({ base, bytes, flags }) => ({ base, bytes, flags })),
    };
  });
}

describe.each(DRIVERS)("enumeration through %s", (_name, driver) => {
  test("finds every function, and numbers the buses in the order of the tree", async () => {
    const found = await enumerate(driver);
    expect(found.result).toBe(0n);
    expect(found.names).toEqual([
      "00:00.0",
      "00:02.0",
      "00:03.0",
      "01:00.0",
      "00:04.0",
      "02:00.0",
      "00:1f.0",
    ]);
  });

  test("BARs are aligned to their size, apart, and answer where they were put", async () => {
    const found = await enumerate(driver);
    const bars = describeTable(found).flatMap((device) => device.bars);
    expect(bars.map((bar) => bar.bytes)).toEqual([0x20n, 0x1_0000n, 0x1_0000n, 0x400_0000n, 0x40n]);
    for (const bar of bars) expect(bar.base % bar.bytes).toBe(0n);
    const memory = bars.filter((bar) => bar.flags !== Spec.PCI_BAR_IO);
    expect(memory[0]?.base).toBeGreaterThanOrEqual(BigInt(PCI_MEMORY_BASE));
    expect(memory[2]?.base).toBeGreaterThanOrEqual(BigInt(PCI_HIGH_BASE));
    for (const bar of memory.slice(0, 2)) {
      const vectorControl = bar.base + 0x8000n + 16n + 12n;
      expect(found.m.core.sim.physicalRead(vectorControl, 4)).toBe(1n); // masked, not absent
    }
    const sorted = [...memory].sort((a, b) => Number(a.base - b.base));
    for (const [n, bar] of sorted.entries())
      expect(bar.base + bar.bytes).toBeLessThanOrEqual(sorted[n + 1]?.base ?? bar.base + bar.bytes);
  });

  test("the vector that the kernel routed is the message that the device sends", async () => {
    const { m, pci } = await enumerate(driver);
    pci.testNotify(3, 0);
    const msi = records(m, TRACE_MSI);
    expect(msi).toHaveLength(1);
    expect(msi[0]?.b).toBe(0xfee0_0000n);
    expect(msi[0]?.source).toBe(pciAddress(1, 0));
  });

  test("a full table is an error, and what is in it works", async () => {
    const { result, names } = await enumerate(driver, 3);
    expect(result).toBe(1n);
    expect(names).toEqual(["00:00.0", "00:02.0", "00:03.0"]);
  });
});

test("both drivers find the same tree at the same addresses", async () => {
  expect(describeTable(await enumerate(2))).toEqual(describeTable(await enumerate(1)));
});

test.each(DRIVERS)(
  "a circular capability list ends the search, through %s, and harms nobody else",
  async (_name, driver) => {
    const victim = pciAddress(1, 0);
    const found = await enumerate(driver, 64, (m) => {
      // Power and Express point at each other; the message capabilities behind them are cut off.
      const power = findCapability(m, victim, Spec.PCI_CAP_POWER);
      const express = findCapability(m, victim, Spec.PCI_CAP_EXPRESS);
      m.core.bytes[configImage(m, victim) + express + 1] = power;
      expect(configRead(m, victim, power + 1, 1)).toBe(express);
      expect(configRead(m, victim, express + 1, 1)).toBe(power);
    });
    expect(found.result).toBe(0n);
    expect(found.names).toContain("02:00.0");
    const sources = () => records(found.m, TRACE_MSI).map((record) => record.source);
    found.pci.testNotify(functionIndex(found.m, victim), 0);
    expect(sources()).toEqual([]);
    const neighbour = pciAddress(2, 0);
    found.pci.testNotify(functionIndex(found.m, neighbour), 0);
    expect(sources()).toEqual([neighbour]);
  },
);

const simPci = (m: Machine) => new SimPci(m.core.data, m.state.pci);

/** Number of the function that answers at `address`. */
function functionIndex(m: Machine, address: number): number {
  const pci = simPci(m);
  for (let n = 0; n < pci.functionCount; n++)
    if (pci.functionsAt(n).requester === address) return n;
  throw new Error(`no function ${pciName(address)}`);
}

/** Linear address of a function's configuration registers. */
function configImage(m: Machine, address: number): number {
  return simPci(m).functionsAt(functionIndex(m, address)).config;
}
