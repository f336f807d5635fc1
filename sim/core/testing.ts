/**
 * Exports of sim-testing.wasm: the machine, and its insides, so that tests can build a PCI device
 * of any shape and be that device: raise its interrupts, do its DMA.
 */
import { cpuAt } from "./cpu/cpu";
import { cpuTurn } from "./cpu/entry";
import { setPrivilege } from "./cpu/segments";
import { blocksOf, flushBlocks } from "./engine/blocks";
import { LINES_SETS, linesOf } from "./engine/memory";
import { codeTurn } from "./engine/turn";
import { machine } from "./machine";
import { addBar } from "./pci/decode";
import { addExpressCapability } from "./pci/express";
import { createFunction, functionAt } from "./pci/function";
import { addMsi, addMsix, notify, setIntx } from "./pci/interrupts";
import { addPowerCapability } from "./pci/power";
import { ramPointer } from "./ram";

export * from "./index";
export { floatRun } from "./float/testing";
export { x87Run } from "./x87/testing";
export * from "./loops";
export { dmaPointer, dmaRead, dmaWrite } from "./iommu/dma";
export { requestInterrupt } from "./iommu/remap";

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

/** A turn of CPU `cpu` of so many cycles from where it stands in time. */
export function testTurn(cpu: u32, cycles: u64): void {
  const target = cpuAt(cpu);
  machine().sliceEnd = target.clock + cycles;
  cpuTurn(target, target.clock + cycles);
}
/** Machine code of a running CPU at a privilege level, until RIP is in a window or `cycles` are over. */
export function testCode(cpu: u32, level: u32, cycles: u64): void {
  const target = cpuAt(cpu);
  setPrivilege(target, level);
  machine().sliceEnd = target.clock + cycles;
  codeTurn(target);
}
/** How many blocks are in the list of a frame, by any address in it. */
export function testBlocksOf(address: u64): u32 {
  return blocksOf(ramPointer(address, 1));
}
/** Drops all blocks and fast lines, as in a machine that was restored. */
export function testFlushBlocks(): void {
  flushBlocks();
  for (let cpu: u32 = 0; cpu < machine().cpuCount; cpu++) {
    const first = linesOf(cpu, 0);
    memory.fill(first, 0, linesOf(cpu, LINES_SETS) - first);
  }
}
