/**
 * The machine interface: everything that kernel.wasm imports. Each function does what one
 * instruction of the processor does, for the CPU that is running, and lets its price pass in
 * virtual time. Here: the bus; the processor's own instructions are in interface/processor.ts.
 */
export * from "./interface/extended";
export * from "./interface/processor";
import { physicalRead, physicalWrite, portRead, portWrite } from "./bus/bus";
import { charge, runningCpu } from "./cpu/cpu";
import { MMIO_READ_CYCLES, MMIO_WRITE_CYCLES, PORT_CYCLES } from "./cpu/prices";

export function mmioRead8(address: u64): u32 {
  charge(runningCpu(), MMIO_READ_CYCLES);
  return <u32>physicalRead(address, 1);
}
export function mmioRead16(address: u64): u32 {
  charge(runningCpu(), MMIO_READ_CYCLES);
  return <u32>physicalRead(address, 2);
}
export function mmioRead32(address: u64): u32 {
  charge(runningCpu(), MMIO_READ_CYCLES);
  return <u32>physicalRead(address, 4);
}
export function mmioRead64(address: u64): u64 {
  charge(runningCpu(), MMIO_READ_CYCLES);
  return physicalRead(address, 8);
}
export function mmioWrite8(address: u64, value: u32): void {
  charge(runningCpu(), MMIO_WRITE_CYCLES);
  physicalWrite(address, 1, value);
}
export function mmioWrite16(address: u64, value: u32): void {
  charge(runningCpu(), MMIO_WRITE_CYCLES);
  physicalWrite(address, 2, value);
}
export function mmioWrite32(address: u64, value: u32): void {
  charge(runningCpu(), MMIO_WRITE_CYCLES);
  physicalWrite(address, 4, value);
}
export function mmioWrite64(address: u64, value: u64): void {
  charge(runningCpu(), MMIO_WRITE_CYCLES);
  physicalWrite(address, 8, value);
}
export function portRead8(port: u32): u32 {
  charge(runningCpu(), PORT_CYCLES);
  return portRead(<u16>port, 1);
}
export function portRead16(port: u32): u32 {
  charge(runningCpu(), PORT_CYCLES);
  return portRead(<u16>port, 2);
}
export function portRead32(port: u32): u32 {
  charge(runningCpu(), PORT_CYCLES);
  return portRead(<u16>port, 4);
}
export function portWrite8(port: u32, value: u32): void {
  charge(runningCpu(), PORT_CYCLES);
  portWrite(<u16>port, 1, value);
}
export function portWrite16(port: u32, value: u32): void {
  charge(runningCpu(), PORT_CYCLES);
  portWrite(<u16>port, 2, value);
}
export function portWrite32(port: u32, value: u32): void {
  charge(runningCpu(), PORT_CYCLES);
  portWrite(<u16>port, 4, value);
}
