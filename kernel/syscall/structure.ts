/** Structures in the caller's memory. All are at multiples of 8, and are read whole or not at all. */
import { copyFromUser, userCheck } from "../mm/user";
import { Call, callerOf } from "./call";
import { STATUS_MISALIGNED } from "./status";

const ALIGNMENT_MASK: u64 = 7;

/** Whether the caller has a structure of `bytes` bytes at `address`, or room for one: a status. */
export function structureStatus(call: Call, address: u64, bytes: u32, writable: bool): u32 {
  return (address & ALIGNMENT_MASK) != 0 ? STATUS_MISALIGNED : userCheck(callerOf(call), address, bytes, writable);
}

/** Copies the structure of `bytes` bytes at `address` of the caller to `to`: a status. */
export function readStructure(call: Call, address: u64, to: usize, bytes: u32, writable: bool = false): u32 {
  return structureStatus(call, address, bytes, writable) || copyFromUser(callerOf(call), address, to, bytes);
}
