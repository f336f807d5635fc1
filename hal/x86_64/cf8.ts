/**
 * Configuration space through ports 0xCF8 and 0xCFC (PCI Local Bus 3.0, 3.2.2.3.2): the first 256
 * bytes. Two accesses that belong together: the caller keeps other CPUs out.
 */
import { PCI_ADDRESS_PORT, PCI_DATA_PORT } from "../../sim/spec/platform";
import {
  portRead16,
  portRead32,
  portRead8,
  portWrite16,
  portWrite32,
  portWrite8,
} from "./machine";

const ENABLE: u32 = 0x8000_0000;
const REGISTERS: u32 = 256;

function select(address: u32, offset: u32): u32 {
  portWrite32(PCI_ADDRESS_PORT, ENABLE | (address << 8) | (offset & 0xfc));
  return PCI_DATA_PORT + (offset & 3);
}

/** All ones beyond the first 256 bytes. */
export function cf8Read(address: u32, offset: u32, bytes: u32): u32 {
  if (offset >= REGISTERS) return 0xffff_ffff;
  const port = select(address, offset);
  if (bytes == 1) return portRead8(port);
  return bytes == 2 ? portRead16(port) : portRead32(port);
}

export function cf8Write(address: u32, offset: u32, bytes: u32, value: u32): void {
  if (offset >= REGISTERS) return;
  const port = select(address, offset);
  if (bytes == 1) portWrite8(port, value);
  else if (bytes == 2) portWrite16(port, value);
  else portWrite32(port, value);
}
