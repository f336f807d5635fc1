/**
 * An image as it lies in a bundle, little endian. Portable.
 *
 *   0  magic      8 bytes, "AIOSIMG1"
 *   8  runtime    u32, RUNTIME_… of sim/spec/user.ts
 *  12  program    u32, for the host's runtime
 *  16  entry      u64, offset in the text at which execution begins
 *  24  reserved   40 bytes, zero
 *  64  text
 */
export const IMAGE_MAGIC_LOW = 0x534f4941;
export const IMAGE_MAGIC_HIGH = 0x31474d49;
export const IMAGE_HEADER_BYTES = 64;
/** Linear address at which the text of an image is mapped. */
export const IMAGE_BASE = 0x40_0000;
