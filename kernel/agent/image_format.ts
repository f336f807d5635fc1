/**
 * An image as it lies in a bundle, little endian. Portable.
 *
 *   0  magic      8 bytes, "AIOSIMG1"
 *   8  runtime    u32, RUNTIME_… of sim/spec/user.ts
 *  12  program    u32, for the host's runtime
 *  16  entry      u64, offset in the text at which execution begins
 *  24  content    32 bytes: a digest of what the program runs, if that isn't the text; the kernel's
 *                 own digest is of the whole image, and so of this, which it doesn't look at otherwise
 *  56  reserved   8 bytes, zero
 *  64  text
 */
export const IMAGE_MAGIC_LOW = 0x534f4941;
export const IMAGE_MAGIC_HIGH = 0x31474d49;
export const IMAGE_CONTENT = 24;
export const IMAGE_HEADER_BYTES = 64;
/** Linear address at which the text of an image is mapped. */
export const IMAGE_BASE = 0x40_0000;
