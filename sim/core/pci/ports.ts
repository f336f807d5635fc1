/** The two ways to configuration space: ECAM and ports 0xCF8/0xCFC. */
import { addPorts, addRegion } from "../bus/bus";
import { DEVICE_ECAM, DEVICE_PCI_PORTS } from "../kinds";
import { allOnes } from "../ram";
import { ECAM_BASE, ECAM_BYTES, PCI_ADDRESS_PORT, PCI_DATA_PORT } from "../../spec/platform";
import { configRead, configWrite } from "./config";
import { pci } from "./function";

/** Enable bit of CONFIG_ADDRESS (PCI Local Bus 3.0, 3.2.2.3.2). */
const CONFIG_ENABLE: u32 = 0x8000_0000;

export function createConfigAccess(): void {
  addRegion(DEVICE_ECAM, 0, <u64>ECAM_BASE, <u64>ECAM_BYTES, true);
  // One port only: 0xCF9 is the reset register, and CONFIG_ADDRESS takes only dwords at 0xCF8.
  addPorts(DEVICE_PCI_PORTS, 0, <u16>PCI_ADDRESS_PORT, 1);
  addPorts(DEVICE_PCI_PORTS, 1, <u16>PCI_DATA_PORT, 4);
}

/**
 * ECAM (PCI Express Base 5.0, 7.2.2): offset = bus << 20 | device << 15 | function << 12 | register.
 * A quadword becomes two dword requests; an access that crosses a dword is not answered.
 */
export function ecamRead(offset: u32, bytes: u32): u64 {
  if (bytes != 8) return configRead(offset >> 12, offset & 0xfff, bytes);
  if (offset & 7) return 0xffff_ffff_ffff_ffff;
  const low = configRead(offset >> 12, offset & 0xfff, 4);
  return (<u64>configRead(offset >> 12, (offset & 0xfff) + 4, 4) << 32) | low;
}

export function ecamWrite(offset: u32, bytes: u32, value: u64): void {
  if (bytes != 8) return configWrite(offset >> 12, offset & 0xfff, bytes, <u32>value);
  if (offset & 7) return;
  configWrite(offset >> 12, offset & 0xfff, 4, <u32>value);
  configWrite(offset >> 12, (offset & 0xfff) + 4, 4, <u32>(value >> 32));
}

/** IN from CONFIG_ADDRESS (`device` 0) or CONFIG_DATA (`device` 1). */
export function configPortRead(device: u32, offset: u32, bytes: u32): u32 {
  const address = pci().configAddress;
  if (device == 0) return bytes == 4 ? address : <u32>allOnes(bytes);
  if ((address & CONFIG_ENABLE) == 0 || offset + bytes > 4) return <u32>allOnes(bytes);
  return configRead((address >> 8) & 0xffff, (address & 0xfc) + offset, bytes);
}

/**
 *   CONFIG_ADDRESS  31 enable | 23-16 bus | 15-11 device | 10-8 function | 7-2 register
 */
export function configPortWrite(device: u32, offset: u32, bytes: u32, value: u32): void {
  const state = pci();
  if (device == 0) {
    if (bytes == 4) state.configAddress = value & 0x80ff_fffc;
    return;
  }
  const address = state.configAddress;
  if ((address & CONFIG_ENABLE) == 0 || offset + bytes > 4) return;
  configWrite((address >> 8) & 0xffff, (address & 0xfc) + offset, bytes, value);
}
