/** Loops over the machine interface, for the benchmarks: a kernel's accesses to devices. */
import { mmioRead32, mmioWrite32, portRead8, timestamp } from "../../hal/x86_64/machine";

/** Reads the register at `address` `count` times; the sum, so that nothing is optimised away. */
export function mmioReadMany(address: u64, count: u32): u32 {
  let sum: u32 = 0;
  for (let index: u32 = 0; index < count; index++) sum += mmioRead32(address);
  return sum;
}

export function mmioWriteMany(address: u64, value: u32, count: u32): void {
  for (let index: u32 = 0; index < count; index++) mmioWrite32(address, value);
}

export function portReadMany(port: u32, count: u32): u32 {
  let sum: u32 = 0;
  for (let index: u32 = 0; index < count; index++) sum += portRead8(port);
  return sum;
}

/** Calls the cheapest function of the machine interface: what a call alone costs. */
export function callMany(count: u32): u64 {
  let sum: u64 = 0;
  for (let index: u32 = 0; index < count; index++) sum += timestamp();
  return sum;
}
