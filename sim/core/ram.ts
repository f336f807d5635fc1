/** Guest-physical RAM: a window of linear memory, split around the 32-bit PCI hole. */
import { fetchFrames } from "./frames";
import { hostControl } from "./host";
import { HIGH_RAM_BASE, RAM_BASE } from "./memory";
import { machine } from "./machine";

/**
 * Linear address of `bytes` bytes of RAM at physical address `address`, or 0 when any of them is
 * not RAM. 64-bit arithmetic throughout: no wrap-around at the edges.
 */
export function ramPointer(address: u64, bytes: u64): usize {
  const pointer = ramAt(address, bytes);
  if (hostControl().fetching != 0 && pointer != 0) fetchFrames(pointer, <u32>bytes);
  return pointer;
}

function ramAt(address: u64, bytes: u64): usize {
  const state = machine();
  const low = state.lowRamBytes;
  if (address < low) return bytes <= low - address ? RAM_BASE + <usize>address : 0;
  const high = state.ramBytes - low;
  if (address < HIGH_RAM_BASE) return 0;
  const offset = address - HIGH_RAM_BASE;
  if (offset >= high || bytes > high - offset) return 0;
  return RAM_BASE + <usize>(low + offset);
}

/** Loads a value of 1, 2, 4 or 8 bytes, zero-extended. */
@inline
export function loadSized(at: usize, bytes: u32): u64 {
  switch (bytes) {
    case 1:
      return <u64>load<u8>(at);
    case 2:
      return <u64>load<u16>(at);
    case 4:
      return <u64>load<u32>(at);
    default:
      return load<u64>(at);
  }
}

/** Stores the low 1, 2, 4 or 8 bytes of `value`. */
@inline
export function storeSized(at: usize, bytes: u32, value: u64): void {
  switch (bytes) {
    case 1:
      store<u8>(at, <u8>value);
      break;
    case 2:
      store<u16>(at, <u16>value);
      break;
    case 4:
      store<u32>(at, <u32>value);
      break;
    default:
      store<u64>(at, value);
  }
}

/** What a read of nothing returns: all ones in the width asked for. */
@inline
export function allOnes(bytes: u32): u64 {
  return bytes >= 8 ? 0xffff_ffff_ffff_ffff : (<u64>1 << (bytes << 3)) - 1;
}
