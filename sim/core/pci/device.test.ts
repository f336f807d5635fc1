import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { RAM_BASE } from "../../host/core.ts";
import type { Machine } from "../../host/machine.ts";
import {
  configRead,
  configWrite,
  enableBar,
  findCapability,
  openRootPort,
  pciAddress,
} from "../../host/testing/pci.ts";
import { addEndpoint, createPciMachine, type PciExports } from "../../host/testing/pciDevice.ts";
import { lineLevel, records } from "../../host/testing/records.ts";
import { FAULT_VANISH } from "../../spec/faults.ts";
import * as Pci from "../../spec/pci.ts";
import { ECAM_BASE, PCI_MEMORY_BASE } from "../../spec/platform.ts";
import { TRACE_MSI } from "../../spec/trace.ts";

const DEVICE = pciAddress(5, 0);
const PORT = pciAddress(0, 7); // the root port of bus 5
const BASE = BigInt(PCI_MEMORY_BASE);
const TABLE = BASE + 0x8000n;
const PENDING = BASE + 0x9000n;

let m: Machine;
let pci: PciExports;
let fn: number;
beforeEach(async () => {
  ({ m, pci } = await createPciMachine());
  fn = addEndpoint(pci, DEVICE);
});

const read = (at: bigint, bytes = 4) => m.core.sim.physicalRead(at, bytes);
const write = (at: bigint, value: bigint, bytes = 4) => m.core.sim.physicalWrite(at, bytes, value);
const isDecoded = () => read(TABLE + 12n) !== 0xffff_ffffn;
const sent = () => records(m, TRACE_MSI).map((record) => Number(record.c));

describe("base address registers", () => {
  test("all ones written read back as the size, with the type bits kept", () => {
    configWrite(m, DEVICE, 0x10, 4, 0xffff_ffff);
    configWrite(m, DEVICE, 0x14, 4, 0xffff_ffff);
    expect(configRead(m, DEVICE, 0x10, 4)).toBe(0xffff_0004);
    expect(configRead(m, DEVICE, 0x14, 4)).toBe(0xffff_ffff);
    expect(configRead(m, DEVICE, 0x18, 4)).toBe(0);
  });

  test.each([
    ["32-bit memory", 0, 0x1000n, 0xffff_f000],
    ["prefetchable memory", Pci.PCI_BAR_PREFETCH, 0x10_0000n, 0xfff0_0008],
    ["I/O", Pci.PCI_BAR_IO, 0x20n, 0xffff_ffe1],
  ])("%s sizes as the specification says", (_name, flags, bytes, expected) => {
    pci.testBar(fn, 2, bytes, flags);
    configWrite(m, DEVICE, 0x18, 4, 0xffff_ffff);
    expect(configRead(m, DEVICE, 0x18, 4)).toBe(expected);
  });

  test("decode only with memory enabled in the function and the port above", () => {
    enableBar(m, DEVICE);
    expect(isDecoded()).toBe(true);
    configWrite(m, DEVICE, 4, 2, Pci.PCI_COMMAND_MASTER);
    expect(isDecoded()).toBe(false);
    configWrite(m, DEVICE, 4, 2, Pci.PCI_COMMAND_MEMORY);
    expect(isDecoded()).toBe(true);
    configWrite(m, PORT, 4, 2, 0);
    expect(isDecoded()).toBe(false);
  });

  test("decode only inside the windows that the port forwards", () => {
    enableBar(m, DEVICE);
    openRootPort(m, 5, PCI_MEMORY_BASE + 0x1000_0000);
    expect(isDecoded()).toBe(false);
    const high = 0x80_0000_0000n;
    configWrite(m, PORT, Pci.PCI_PREFETCH_WINDOW_BASE, 4, 0);
    configWrite(m, PORT, Pci.PCI_PREFETCH_BASE_HIGH, 4, 0x80);
    configWrite(m, PORT, Pci.PCI_PREFETCH_LIMIT_HIGH, 4, 0x80);
    configWrite(m, DEVICE, 0x10, 4, 0);
    configWrite(m, DEVICE, 0x14, 4, 0x80);
    expect(read(high + 0x8000n + 12n)).toBe(1n);
    configWrite(m, DEVICE, 0x14, 4, 0x81);
    expect(read(high + 0x1_0000_0000n + 0x8000n + 12n)).toBe(0xffff_ffffn);
  });
});

describe("bus numbers", () => {
  test("a device answers on the bus that its port's secondary register says", () => {
    configWrite(m, PORT, Pci.PCI_PRIMARY_BUS, 4, 0x00_42_42_00);
    expect(configRead(m, DEVICE, 0, 4)).toBe(0xffff_ffff);
    expect(configRead(m, pciAddress(0x42, 0), 0, 4)).toBe(0x1234_abcd);
  });

  test("a port in front takes the numbers of one behind it in order", () => {
    addEndpoint(pci, pciAddress(6, 0));
    configWrite(m, PORT, Pci.PCI_SUBORDINATE_BUS, 1, 9);
    expect(configRead(m, pciAddress(6, 0), 0, 4)).toBe(0xffff_ffff);
    configWrite(m, PORT, Pci.PCI_SUBORDINATE_BUS, 1, 5);
    expect(configRead(m, pciAddress(6, 0), 0, 4)).toBe(0x1234_abcd);
  });

  test("a secondary bus reset hides the bus while it lasts and resets what is there", () => {
    enableBar(m, DEVICE);
    configWrite(m, PORT, Pci.PCI_BRIDGE_CONTROL, 2, Pci.PCI_BRIDGE_RESET);
    expect(configRead(m, DEVICE, 0, 4)).toBe(0xffff_ffff);
    configWrite(m, PORT, Pci.PCI_BRIDGE_CONTROL, 2, 0);
    expect(configRead(m, DEVICE, 4, 2)).toBe(0);
    expect(configRead(m, DEVICE, 0x10, 4)).toBe(4);
    expect(isDecoded()).toBe(false);
  });
});

describe("MSI-X", () => {
  let control: number;
  beforeEach(() => {
    enableBar(m, DEVICE);
    control = findCapability(m, DEVICE, Pci.PCI_CAP_MSIX) + Pci.PCI_MSIX_CONTROL;
  });
  const route = (vector: number, masked: boolean) => {
    const entry = TABLE + BigInt(vector * 16);
    write(entry, 0xfee0_0000n, 8);
    write(entry + 8n, BigInt(0x40 + vector));
    write(entry + 12n, masked ? 1n : 0n);
  };

  test("a function without bus mastering sends nothing", () => {
    configWrite(m, DEVICE, control, 2, Pci.PCI_MSIX_ENABLE);
    route(0, false);
    configWrite(m, DEVICE, 4, 2, Pci.PCI_COMMAND_MEMORY);
    pci.testNotify(fn, 0);
    expect(sent()).toEqual([]);
  });

  test("a message outside the interrupt range is a write to memory", () => {
    configWrite(m, DEVICE, control, 2, Pci.PCI_MSIX_ENABLE);
    write(TABLE, 0x60_0000n, 8);
    write(TABLE + 8n, 0xabcdn, 8);
    pci.testNotify(fn, 0);
    expect(m.core.data.getUint32(RAM_BASE + 0x60_0000, true)).toBe(0xabcd);
  });

  test("masks and pending bits follow the model: a set of pending vectors", () => {
    const vector = fc.nat(8);
    const action = fc.oneof(
      fc.record({ kind: fc.constant("notify" as const), vector }),
      fc.record({ kind: fc.constantFrom("mask" as const, "unmask" as const), vector: fc.nat(7) }),
      fc.record({ kind: fc.constant("control" as const), vector: fc.nat(3) }),
    );
    let before = 0;
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        configWrite(m, DEVICE, findCapability(m, DEVICE, 0x10) + 8, 2, Pci.PCI_EXPRESS_FLR);
        enableBar(m, DEVICE);
        before = sent().length;
        const masked = new Array<boolean>(8).fill(true);
        const pending = new Set<number>();
        const expected: number[] = [];
        let [enabled, functionMask] = [false, false];
        for (let n = 0; n < 8; n++) route(n, true);
        const flush = () => {
          for (let n = 0; n < 8; n++)
            if (enabled && !functionMask && !masked[n] && pending.delete(n))
              expected.push(0x40 + n);
        };
        for (const { kind, vector: n } of actions) {
          if (kind === "notify") {
            pci.testNotify(fn, n);
            if (enabled && n < 8) pending.add(n);
          } else if (kind === "control") {
            configWrite(m, DEVICE, control, 2, n << 14);
            [functionMask, enabled] = [(n & 1) !== 0, (n & 2) !== 0];
          } else {
            write(TABLE + BigInt(n * 16 + 12), kind === "mask" ? 1n : 0n);
            masked[n] = kind === "mask";
          }
          flush();
        }
        expect(sent().slice(before)).toEqual(expected);
        expect(read(PENDING, 8)).toBe([...pending].reduce((sum, n) => sum + (1n << BigInt(n)), 0n));
      }),
      { numRuns: 100 },
    );
  });
});

test("MSI replaces the low bits of its data by the vector, within what software granted", () => {
  enableBar(m, DEVICE);
  const msi = findCapability(m, DEVICE, Pci.PCI_CAP_MSI);
  configWrite(m, DEVICE, msi + Pci.PCI_MSI_ADDRESS, 4, 0xfee0_0000);
  configWrite(m, DEVICE, msi + Pci.PCI_MSI_DATA, 2, 0x50);
  configWrite(m, DEVICE, msi + Pci.PCI_MSI_CONTROL, 2, Pci.PCI_MSI_ENABLE | (1 << 4));
  for (const vector of [0, 1, 3]) pci.testNotify(fn, vector);
  expect(sent()).toEqual([0x50, 0x51, 0x51]);
  configWrite(m, DEVICE, msi + Pci.PCI_MSI_MASK, 4, 2);
  pci.testNotify(fn, 1);
  expect(configRead(m, DEVICE, msi + Pci.PCI_MSI_PENDING, 4)).toBe(2);
  configWrite(m, DEVICE, msi + Pci.PCI_MSI_MASK, 4, 0);
  expect(configRead(m, DEVICE, msi + Pci.PCI_MSI_PENDING, 4)).toBe(0);
  expect(sent()).toEqual([0x50, 0x51, 0x51, 0x51]);
});

describe("INTx", () => {
  test("reaches GSI 16 + (slot + pin - 1) mod 4, swizzled by the port's slot", () => {
    pci.testIntx(fn, true);
    expect(lineLevel(m, 16 + (7 % 4))).toBe(1);
    expect(configRead(m, DEVICE, Pci.PCI_STATUS, 2) & Pci.PCI_STATUS_INTERRUPT).not.toBe(0);
    pci.testIntx(fn, false);
    expect(lineLevel(m, 19)).toBe(0);
  });

  test("is shared: the line falls when the last one lets go", () => {
    const other = addEndpoint(pci, pciAddress(9, 0)); // slot 11: the same line as slot 7
    pci.testIntx(fn, true);
    pci.testIntx(other, true);
    pci.testIntx(fn, false);
    expect(lineLevel(m, 19)).toBe(1);
    pci.testIntx(other, false);
    expect(lineLevel(m, 19)).toBe(0);
  });

  test("is held back by Interrupt Disable and by MSI-X, but the status bit shows the request", () => {
    pci.testIntx(fn, true);
    configWrite(m, DEVICE, 4, 2, Pci.PCI_COMMAND_INTX_DISABLE);
    expect(lineLevel(m, 19)).toBe(0);
    expect(configRead(m, DEVICE, Pci.PCI_STATUS, 2) & Pci.PCI_STATUS_INTERRUPT).not.toBe(0);
    configWrite(m, DEVICE, 4, 2, 0);
    expect(lineLevel(m, 19)).toBe(1);
    configWrite(m, DEVICE, findCapability(m, DEVICE, Pci.PCI_CAP_MSIX) + 2, 2, 0x8000);
    expect(lineLevel(m, 19)).toBe(0);
  });
});

test("in D3hot a function answers only configuration; D1 and D2 don't exist", () => {
  enableBar(m, DEVICE);
  const power = findCapability(m, DEVICE, Pci.PCI_CAP_POWER) + Pci.PCI_POWER_CONTROL;
  configWrite(m, DEVICE, power, 2, 3);
  expect(isDecoded()).toBe(false);
  expect(pci.dmaPointer(DEVICE, 0n, 4, false)).toBe(0);
  configWrite(m, DEVICE, power, 2, 1);
  expect(configRead(m, DEVICE, power, 2) & 3).toBe(3);
  configWrite(m, DEVICE, power, 2, 0);
  expect(isDecoded()).toBe(true);
});

test("Function Level Reset brings back the registers of power-on", () => {
  const before = Array.from({ length: 64 }, (_, n) => configRead(m, DEVICE, n * 4, 4));
  enableBar(m, DEVICE);
  configWrite(m, DEVICE, findCapability(m, DEVICE, Pci.PCI_CAP_MSIX) + 2, 2, 0xc000);
  const express = findCapability(m, DEVICE, Pci.PCI_CAP_EXPRESS);
  configWrite(m, DEVICE, express + Pci.PCI_EXPRESS_DEVICE_CONTROL, 2, 0xffff);
  expect(Array.from({ length: 64 }, (_, n) => configRead(m, DEVICE, n * 4, 4))).toEqual(before);
});

test("a vanished function reads all ones everywhere and its port tells of the surprise", () => {
  enableBar(m, DEVICE);
  const express = findCapability(m, PORT, Pci.PCI_CAP_EXPRESS);
  configWrite(m, PORT, findCapability(m, PORT, Pci.PCI_CAP_MSI) + 4, 4, 0xfee0_0000);
  configWrite(m, PORT, findCapability(m, PORT, Pci.PCI_CAP_MSI) + 12, 2, 0x77);
  configWrite(m, PORT, findCapability(m, PORT, Pci.PCI_CAP_MSI) + 2, 2, 1);
  configWrite(m, PORT, express + Pci.PCI_EXPRESS_SLOT_CONTROL, 2, 0x28);
  pci.testIntx(fn, true);
  pci.armFault(FAULT_VANISH, DEVICE, 0, 0n);
  const slot = configRead(m, PORT, express + Pci.PCI_EXPRESS_SLOT_STATUS, 2);
  expect(slot & Pci.PCI_EXPRESS_PRESENCE).toBe(0);
  expect(slot & Pci.PCI_EXPRESS_PRESENCE_CHANGED).not.toBe(0);
  const link = configRead(m, PORT, express + Pci.PCI_EXPRESS_LINK_STATUS, 2);
  expect(link & Pci.PCI_EXPRESS_LINK_ACTIVE).toBe(0);
  expect(sent()).toEqual([0x77]);
  expect(configRead(m, DEVICE, 0, 4)).toBe(0xffff_ffff);
  expect(isDecoded()).toBe(false);
  expect(lineLevel(m, 19)).toBe(0);
  expect(pci.dmaPointer(DEVICE, 0n, 4, false)).toBe(0);
  pci.testNotify(fn, 0);
  expect(sent()).toEqual([0x77]);
  configWrite(m, PORT, express + Pci.PCI_EXPRESS_SLOT_STATUS, 2, 8);
  expect(configRead(m, PORT, express + Pci.PCI_EXPRESS_SLOT_STATUS, 2) & 8).toBe(0);
});

test("random accesses to all of ECAM and the BARs neither trap nor hang", () => {
  const functions = [0, pciAddress(0, 31), PORT, DEVICE, pciAddress(9, 9)];
  const access = fc.tuple(
    fc.constantFrom(...functions),
    fc.oneof(fc.nat(0xff), fc.nat(0xfff)),
    fc.constantFrom(1, 2, 4, 8),
    fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.constantFrom(0n, 7n, 0xffff_ffff_ffff_ffffn)),
  );
  pci.testBar(fn, 2, 0x40n, Pci.PCI_BAR_IO);
  fc.assert(
    fc.property(fc.array(access, { maxLength: 50 }), (accesses) => {
      for (const [address, offset, bytes, value] of accesses) {
        const at = BigInt(ECAM_BASE) + BigInt(address * 4096 + offset);
        write(at, value, bytes);
        read(at, bytes);
        write(BASE + BigInt(offset * 16), value, bytes);
        m.core.sim.portRead(Number(value & 0xffffn), 4);
        pci.testNotify(fn, offset);
        pci.testIntx(fn, (offset & 1) === 1);
        pci.dmaPointer(address, value & ~0xfffn, bytes, true);
      }
    }),
    { numRuns: 200 },
  );
});
