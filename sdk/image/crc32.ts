/** IEEE 802.3 generator polynomial 0x04C11DB7 with its bits reversed, as the reflected form needs. */
const POLYNOMIAL_REFLECTED = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL_REFLECTED : remainder >>> 1;
  }
  return remainder;
});

/**
 * CRC-32 as IEEE 802.3, 3.2.9 defines it and UEFI 2.10, 5.3.2 uses it: reflected, initial value
 * and final exclusive-or all ones.
 *
 * @param previous result for the bytes before these, to continue over several pieces
 * @returns an unsigned 32-bit number
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}
