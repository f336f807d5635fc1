/** Configuration space through ECAM (PCI Express Base 5.0, 7.2.2): one MiB of memory a bus. */
import {
  mmioRead16,
  mmioRead32,
  mmioRead8,
  mmioWrite16,
  mmioWrite32,
  mmioWrite8,
} from "./machine";

export function ecamRead(base: u64, address: u32, offset: u32, bytes: u32): u32 {
  const at = base + (<u64>address << 12) + offset;
  if (bytes == 1) return mmioRead8(at);
  return bytes == 2 ? mmioRead16(at) : mmioRead32(at);
}

export function ecamWrite(base: u64, address: u32, offset: u32, bytes: u32, value: u32): void {
  const at = base + (<u64>address << 12) + offset;
  if (bytes == 1) mmioWrite8(at, value);
  else if (bytes == 2) mmioWrite16(at, value);
  else mmioWrite32(at, value);
}
