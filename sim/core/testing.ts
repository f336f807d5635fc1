/**
 * Exports of sim-testing.wasm: the machine, and its insides, so that tests can build a PCI device
 * of any shape and be that device: raise its interrupts, do its DMA.
 */
import { physicalRead, physicalWrite, portRead } from "./bus/bus";
import { cpuAt } from "./cpu/cpu";
import { loadFast } from "./cpu/mmu";
import { cancelEvent, createEvent, NEVER, scheduleAt, takeEvent } from "./events";
import { deliverMessage } from "./interrupts/lines";
import { machine } from "./machine";
import { run } from "./run";
import { addBar } from "./pci/decode";
import { addExpressCapability } from "./pci/express";
import { createFunction, functionAt } from "./pci/function";
import { addMsi, addMsix, notify, setIntx } from "./pci/interrupts";
import { addPowerCapability } from "./pci/power";

export * from "./index";
export { dmaPointer, dmaRead, dmaWrite } from "./iommu/dma";

/** Creates a function with INTA (createFunction); returns its index for the calls below. */
export function testFunction(address: u32, model: u32, vendorDevice: u32, classRevision: u32): u32 {
  return createFunction(address, <u16>model, 0, vendorDevice, classRevision).index;
}
export function testBar(fn: u32, bar: u32, bytes: u64, flags: u32): void {
  addBar(functionAt(fn), bar, bytes, flags);
}
export function testExpress(fn: u32, portType: u32): u32 {
  return addExpressCapability(functionAt(fn), portType);
}
export function testPower(fn: u32): u32 {
  return addPowerCapability(functionAt(fn));
}
export function testMsi(fn: u32, vectors: u32): u32 {
  return addMsi(functionAt(fn), vectors);
}
export function testMsix(fn: u32, vectors: u32, bar: u32, table: u32, pending: u32): u32 {
  return addMsix(functionAt(fn), vectors, bar, table, pending);
}
export function testNotify(fn: u32, vector: u32): void {
  notify(functionAt(fn), vector);
}
export function testIntx(fn: u32, level: bool): void {
  setIntx(functionAt(fn), level);
}

/*
 * Loops for measuring: one call from the host, many of the operation. What they return keeps the
 * compiler from leaving the work out.
 */

/** Loads 8 bytes `count` times through the CPU's page tables, `stride` bytes apart, over `span`. */
export function loadVirtualMany(cpu: u32, va: u64, stride: u64, span: u64, count: u32): u64 {
  const target = cpuAt(cpu);
  let sum: u64 = 0;
  let offset: u64 = 0;
  for (let n: u32 = 0; n < count; n++) {
    sum += loadFast<u64>(target, va + offset);
    offset = (offset + stride) & (span - 1);
  }
  return sum;
}

/** The same loop with plain loads. */
export function loadPlainMany(at: usize, stride: u64, span: u64, count: u32): u64 {
  let sum: u64 = 0;
  let offset: u64 = 0;
  for (let n: u32 = 0; n < count; n++) {
    sum += load<u64>(at + <usize>offset);
    offset = (offset + stride) & (span - 1);
  }
  return sum;
}

export function physicalReadMany(address: u64, bytes: u32, count: u32): u64 {
  let sum: u64 = 0;
  for (let n: u32 = 0; n < count; n++) sum += physicalRead(address, bytes);
  return sum;
}

export function physicalWriteMany(address: u64, bytes: u32, value: u64, count: u32): void {
  for (let n: u32 = 0; n < count; n++) physicalWrite(address, bytes, value);
}

export function portReadMany(port: u32, count: u32): u32 {
  let sum: u32 = 0;
  for (let n: u32 = 0; n < count; n++) sum += portRead(<u16>port, 1);
  return sum;
}

/** Interrupts a CPU by message `count` times, and runs until the machine is idle again each time. */
export function messageMany(address: u64, data: u32, count: u32): u64 {
  for (let n: u32 = 0; n < count; n++) {
    deliverMessage(address, data);
    run(NEVER, 64);
  }
  return machine().steps;
}

/** Keeps `pending` events scheduled and takes and reschedules the earliest `count` times. */
export function eventsMany(pending: u32, count: u32): u64 {
  const first = createEvent(0, 0);
  for (let n: u32 = 1; n < pending; n++) createEvent(0, 0);
  for (let n: u32 = 0; n < pending; n++) scheduleAt(first + n, (n * 2654435761) >> 8);
  let sum: u64 = 0;
  for (let n: u32 = 0; n < count; n++) {
    const slot = takeEvent();
    sum += slot;
    scheduleAt(slot, 1_000_000_000 + ((n * 2654435761) >> 4));
  }
  for (let n: u32 = 0; n < pending; n++) cancelEvent(first + n);
  return sum;
}
