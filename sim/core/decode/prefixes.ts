/** Legacy prefixes and REX (Intel SDM 2A, 2.1.1 and 2.2.1). */
import { CODE_64, Instruction } from "./instruction";

/** Segment prefixes are 26 2E 36 3E for ES to DS, and 64 65 for FS and GS. */
const PREFIX_FS: u32 = 0x64;
const PREFIX_GS: u32 = 0x65;

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
    if (byte == 0x67) address = 1;
    else if (!readPrefix(byte, mode, into)) break;
    into.rex = 0;
    next += 1;
  }
  into.addressBytes = addressBytes(mode, address != 0);
  into.length = next;
  return true;
}

/** Notes a prefix; false when the byte is none. */
function readPrefix(byte: u32, mode: u32, into: Instruction): bool {
  switch (byte) {
    case 0x66:
      into.prefix66 = 1;
      return true;
    case 0xf0:
      into.lock = 1;
      return true;
    case 0xf2:
    case 0xf3:
      into.rep = byte;
      return true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
      // In 64-bit mode they do nothing, not even to an FS or GS before them (AMD64 APM 3, 1.2.4).
      if (mode != CODE_64) into.segmentPrefix = byte;
      return true;
    case PREFIX_FS:
    case PREFIX_GS:
      into.segmentPrefix = byte;
      return true;
    default:
      return false;
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
