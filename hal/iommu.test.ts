import { beforeEach, expect, test } from "vitest";
import { RAM_BASE } from "../sim/host/core.ts";
import type { Machine } from "../sim/host/machine.ts";
import { configWrite } from "../sim/host/testing/pci.ts";
import { createPciMachine, type PciExports } from "../sim/host/testing/pciDevice.ts";
import { records } from "../sim/host/testing/records.ts";
import { ENTRY_BYTES, ENTRY_START } from "../sim/spec/entries.ts";
import { IOMMU_BASE } from "../sim/spec/platform.ts";
import { TRACE_MSI } from "../sim/spec/trace.ts";
import * as Vtd from "../sim/spec/vtd.ts";
import { Mailbox } from "./testing/views.generated.ts";

const DEVICE = 0; // the host bridge masters the bus here
const ENTRY = 0xffff_ffff_8000_0000n + BigInt(ENTRY_START * ENTRY_BYTES);
const RUNNING = 1;
const [START, ATTACH, DETACH, MAP, UNMAP, FAULT, SWITCH] = [
  0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76,
];
const READ_WRITE = 3n << 32n;
const [OK, NO_PAGES, ARGUMENT, EXISTS] = [0n, 1n, 2n, 5n];

let m: Machine;
let pci: PciExports;
beforeEach(async () => {
  ({ m, pci } = await createPciMachine({ start: true }, "hal-testing"));
  configWrite(m, DEVICE, 4, 2, 4);
});

const mailbox = () => new Mailbox(m.core.data, RAM_BASE + 0x8000);
const register = (offset: number) =>
  Number(m.core.sim.physicalRead(BigInt(IOMMU_BASE + offset), 4));
const setRegister = (offset: number, value: number) =>
  m.core.sim.physicalWrite(BigInt(IOMMU_BASE + offset), 4, BigInt(value));

/** Lets the processor run one operation with the real driver. */
function operate(operation: number, a = 0n, b = 0n, c = 0n): bigint {
  const box = mailbox();
  [box.operation, box.done] = [operation, 0];
  [box.a, box.b, box.c] = [a, b, c];
  const cpu = m.state.cpusAt(0);
  [cpu.rip, cpu.activity] = [ENTRY, RUNNING];
  m.state.attention |= 1n;
  m.run(m.state.now + 1_000_000_000n);
  expect(box.done).toBe(1);
  return box.result;
}

function reach(address: bigint, isWrite = false): number | undefined {
  const at = pci.dmaPointer(DEVICE, address, 1, isWrite);
  return at === 0 ? undefined : at - RAM_BASE;
}

test("an attached device reaches what the domain maps, with its rights, and nothing else", () => {
  expect(operate(START, 0n, 0n, 16n)).toBe(OK);
  expect(reach(0x1000n)).toBeUndefined();
  expect(operate(MAP, 0x7f_ffff_e000n, 0x90_0000n, 2n | READ_WRITE)).toBe(OK);
  expect(operate(MAP, 0x10_0000n, 0x80_0000n, 1n | (1n << 32n))).toBe(OK);
  expect(operate(ATTACH, BigInt(DEVICE))).toBe(OK);
  expect(reach(0x7f_ffff_e123n, true)).toBe(0x90_0123);
  expect(reach(0x7f_ffff_f123n, true)).toBe(0x90_1123);
  expect(reach(0x10_0004n)).toBe(0x80_0004);
  expect(reach(0x10_0004n, true)).toBeUndefined();
  expect(reach(0x10_1000n)).toBeUndefined();
  expect(reach(0x80_0000n)).toBeUndefined();
});

test("what was unmapped or detached is out of reach when the call returns", () => {
  operate(START, 0n, 0n, 16n);
  operate(MAP, 0x10_0000n, 0x80_0000n, 4n | READ_WRITE);
  operate(ATTACH, BigInt(DEVICE));
  for (const page of [0n, 1n, 2n, 3n]) expect(reach(0x10_0000n + page * 4096n)).toBeDefined();
  expect(operate(UNMAP, 0x10_1000n, 0n, 2n)).toBe(OK);
  const pages = [0n, 1n, 2n, 3n].map((page) => reach(0x10_0000n + page * 4096n));
  expect(pages).toEqual([0x80_0000, undefined, undefined, 0x80_3000]);
  expect(operate(DETACH, BigInt(DEVICE))).toBe(OK);
  expect(reach(0x10_0000n)).toBeUndefined();
});

test("faults come in the order in which they happened, then there are none", () => {
  attachDevice();
  for (let round = 0; round < 3; round++) {
    for (let n = 0n; n < 5n; n++) reach(n << 12n, n === 2n);
    for (let n = 0n; n < 5n; n++) {
      const reason = BigInt(n === 2n ? Vtd.VTD_FAULT_WRITE : Vtd.VTD_FAULT_READ);
      expect(operate(FAULT)).toBe((n << 12n) | (reason << 48n));
    }
    expect(operate(FAULT)).toBe(0n);
  }
});

/** The unit on, and the device in a domain that maps nothing. */
function attachDevice(): void {
  expect(operate(START, 0n, 0n, 16n)).toBe(OK);
  expect(operate(ATTACH, BigInt(DEVICE))).toBe(OK);
}

/** Has the device refused at each of these pages. */
const refuse = (...pages: number[]) => {
  for (const page of pages) expect(reach(BigInt(page) << 12n)).toBeUndefined();
};

/** Takes faults until there are none: the pages. */
function takePages(): number[] {
  const pages: number[] = [];
  for (let fault = operate(FAULT); fault !== 0n; fault = operate(FAULT))
    pages.push(Number((fault >> 12n) & 0xfff_ffffn));
  return pages;
}

test("more faults than records: those that fit are reported, the loss is counted, later ones follow", () => {
  attachDevice();
  refuse(1, 2, 3);
  expect(takePages()).toEqual([1, 2, 3]);
  refuse(...Array.from({ length: 12 }, (_, n) => 10 + n));
  expect(register(Vtd.VTD_FSTS) & Vtd.VTD_FSTS_PFO).toBe(Vtd.VTD_FSTS_PFO);
  expect(takePages()).toEqual([10, 11, 12, 13, 14, 15, 16, 17]);
  expect(mailbox().b).toBe(1n);
  expect(register(Vtd.VTD_FSTS) & 0xff).toBe(0);
  refuse(30, 31);
  expect(takePages()).toEqual([30, 31]);
  expect(mailbox().b).toBe(1n);
});

test("faults that come while others are taken keep their order", () => {
  attachDevice();
  refuse(1, 2, 3, 4, 5, 6, 7, 8, 9);
  expect((operate(FAULT) >> 12n) & 0xffn).toBe(1n);
  refuse(20, 21);
  expect(takePages()).toEqual([2, 3, 4, 5, 6, 7, 8, 20]);
  expect(mailbox().b).toBe(2n);
});

test("an overflow that no record goes with does not end the reports", () => {
  attachDevice();
  refuse(1, 2, 3, 4, 5, 6, 7, 8, 9);
  for (let n = 0; n < Vtd.VTD_FRCD_COUNT; n++) setRegister(Vtd.VTD_FRCD + n * 16 + 12, 0x8000_0000);
  expect(register(Vtd.VTD_FSTS) & 0xff).toBe(Vtd.VTD_FSTS_PFO);
  expect(takePages()).toEqual([]);
  expect(mailbox().b).toBe(1n);
  refuse(40);
  expect(takePages()).toEqual([40]);
});

test("after a restart of the driver the oldest fault still comes first", () => {
  attachDevice();
  refuse(1, 2, 3, 4, 5);
  expect(takePages()).toEqual([1, 2, 3, 4, 5]);
  refuse(6, 7, 8, 9, 10);
  operate(START, 0n, 0n, 16n);
  expect(takePages()).toEqual([6, 7, 8, 9, 10]);
});

test("each batch of faults has its message, after an overflow as well", () => {
  attachDevice();
  setRegister(Vtd.VTD_FEADDR, 0xfee0_0000);
  setRegister(Vtd.VTD_FEDATA, 0x55);
  setRegister(Vtd.VTD_FECTL, 0);
  const sent = () => records(m, TRACE_MSI).length;
  const before = sent();
  refuse(1, 2, 3, 4, 5, 6, 7, 8, 9);
  expect(sent()).toBe(before + 1);
  takePages();
  refuse(10);
  expect(sent()).toBe(before + 2);
});

test("translation is switched without a change to what else is on; a queue is not left on", () => {
  const [translation, rootSet, queue] = [0x8000_0000, 0x4000_0000, 0x0400_0000];
  setRegister(Vtd.VTD_GCMD, queue);
  expect(register(Vtd.VTD_GSTS)).toBe(queue);
  expect(operate(START, 0n, 0n, 16n)).toBe(OK);
  expect(register(Vtd.VTD_GSTS)).toBe(translation + rootSet);
  setRegister(Vtd.VTD_GCMD, translation + queue);
  expect(operate(SWITCH, 0n)).toBe(OK);
  expect(register(Vtd.VTD_GSTS)).toBe(rootSet + queue);
  expect(operate(SWITCH, 1n)).toBe(OK);
  expect(register(Vtd.VTD_GSTS)).toBe(translation + rootSet + queue);
});

test("bad ranges, double mappings and an empty pool are errors by name", () => {
  expect(operate(START, 0n, 0n, 0n)).toBe(NO_PAGES);
  expect(operate(START, 0n, 0n, 5n)).toBe(OK);
  expect(operate(MAP, 0x123n, 0n, 1n | READ_WRITE)).toBe(ARGUMENT);
  expect(operate(MAP, 1n << 48n, 0n, 1n | READ_WRITE)).toBe(ARGUMENT);
  expect(operate(MAP, 0xffff_ffff_f000n, 0n, 2n | READ_WRITE)).toBe(ARGUMENT);
  expect(operate(MAP, 0n, 0n, 1n)).toBe(ARGUMENT);
  expect(operate(MAP, 0n, 0x80_0000n, 1n | READ_WRITE)).toBe(OK);
  expect(operate(MAP, 0n, 0x80_0000n, 1n | READ_WRITE)).toBe(EXISTS);
  expect(operate(MAP, 1n << 40n, 0n, 1n | READ_WRITE)).toBe(NO_PAGES);
  expect(operate(ATTACH, 0x1_0000n)).toBe(ARGUMENT);
});
