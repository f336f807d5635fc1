/** Legacy prefixes and REX (Intel SDM 2A, 2.1.1 and 2.2.1). */
import { CODE_64, Instruction } from "./instruction";

/** Segment prefixes are 26 2E 36 3E for ES to DS, and 64 65 for FS and GS. */
const PREFIX_FS: u32 = 0x64;
const PREFIX_GS: u32 = 0x65;

/** Bit n of byte m: 8 m + n is a legacy prefix. Most bytes are none, and this tells it without a branch. */
const LEGACY: usize = memory.data<u8>([
  0, 0, 0, 0, 0x40, 0x40, 0x40, 0x40, 0, 0, 0, 0, 0xf0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0d, 0,
]);

@inline
function isLegacy(byte: u32): bool {
  return ((load<u8>(LEGACY + (byte >> 3)) >> <u8>(byte & 7)) & 1) != 0;
}

/**
 * Reads all prefixes; false when bytes are missing. Of two of one group the last counts. A REX
 * prefix counts only directly before the opcode; in front of another prefix it does nothing.
 */
export function readPrefixes(at: usize, limit: u32, mode: u32, into: Instruction): bool {
  let next = into.length;
  let address: u32 = 0;
  while (true) {
    if (next >= limit) return false;
    const byte = <u32>load<u8>(at + next);
    if (mode == CODE_64 && (byte & 0xf0) == 0x40) {
      into.rex = byte;
      next += 1;
      continue;
    }
    if (!isLegacy(byte)) break;
    if (byte == 0x67) address = 1;
    else notePrefix(byte, mode, into);
    into.rex = 0;
    next += 1;
  }
  into.addressBytes = addressBytes(mode, address != 0);
  into.length = next;
  return true;
}

function notePrefix(byte: u32, mode: u32, into: Instruction): void {
  switch (byte) {
    case 0x66:
      into.prefix66 = 1;
      break;
    case 0xf0:
      into.lock = 1;
      break;
    case 0xf2:
    case 0xf3:
      into.rep = byte;
      break;
    case PREFIX_FS:
    case PREFIX_GS:
      into.segmentPrefix = byte;
      break;
    default:
      // 26, 2E, 36, 3E: in 64-bit mode they do nothing, not even to an FS or GS before them
      // (AMD64 APM 3, 1.2.4).
      if (mode != CODE_64) into.segmentPrefix = byte;
  }
}

@inline
function addressBytes(mode: u32, prefixed: bool): u32 {
  if (mode == CODE_64) return prefixed ? 4 : 8;
  return (mode != 0) != prefixed ? 4 : 2;
}

/** Number of the segment that a prefix names (SEGMENT_… of cpu.ts). */
@inline
export function segmentOfPrefix(prefix: u32): u32 {
  return prefix >= PREFIX_FS ? prefix - PREFIX_FS + 4 : (prefix >> 3) & 3;
}
