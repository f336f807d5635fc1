/** CRC-32 as GPT uses it (UEFI 2.10, 5.3.2): polynomial 0x04C11DB7, reflected. AssemblyScript. */

/** Remainders of the 16 nibbles under the reflected polynomial 0xEDB88320. */
const NIBBLES: StaticArray<u32> = [
  0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
  0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
];

/** Begin with this; the checksum is the complement of what the last update returned. */
export const CRC32_START: u32 = 0xffff_ffff;

/**
 * Adds `bytes` bytes at linear address `from`. Four bits at a time through a table of 16 words:
 * small enough to be a constant, fast enough for the 16 KiB that are ever checked.
 */
export function crc32Update(crc: u32, from: usize, bytes: usize): u32 {
  let value = crc;
  for (let at = from; at < from + bytes; at++) {
    value ^= load<u8>(at);
    value = (value >>> 4) ^ nibble(value & 15);
    value = (value >>> 4) ^ nibble(value & 15);
  }
  return value;
}

@inline
function nibble(index: u32): u32 {
  return load<u32>(changetype<usize>(NIBBLES) + (<usize>index << 2));
}
