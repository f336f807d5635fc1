/**
 * The manifest of a boot bundle: one line an entry, in the archive's order, as sha256sum(1) writes
 * it: 64 hexadecimal digits, a space, a space or an asterisk, the name, a newline.
 */
import { hexDigit } from "../storage/cpio";
import { SHA256_BYTES } from "../../sim/lib/sha256";

const DIGITS: u32 = SHA256_BYTES * 2;

/** What a manifest line says of an entry. */
export const LINE_OK: u32 = 0;
export const LINE_MALFORMED: u32 = 1;
export const LINE_OTHER_NAME: u32 = 2;
export const LINE_OTHER_DIGEST: u32 = 3;

/**
 * Compares the line at `at` (of which `left` bytes are there) with an entry's name and digest.
 * `lineBytes` gives the length that such a line has.
 */
export function checkLine(at: usize, left: u64, name: usize, nameBytes: u32, digest: usize): u32 {
  const bytes = lineBytes(nameBytes);
  if (left < DIGITS + 3) return LINE_MALFORMED;
  const mark = load<u8>(at + DIGITS + 1);
  if (load<u8>(at + DIGITS) != 0x20 || (mark != 0x20 && mark != 0x2a)) return LINE_MALFORMED;
  for (let index: u32 = 0; index < DIGITS; index++)
    if (hexDigit(load<u8>(at + index)) > 15) return LINE_MALFORMED;
  if (left < bytes || load<u8>(at + <usize>bytes - 1) != 0x0a) return LINE_OTHER_NAME;
  if (memory.compare(at + DIGITS + 2, name, nameBytes) != 0) return LINE_OTHER_NAME;
  return sameDigest(at, digest) ? LINE_OK : LINE_OTHER_DIGEST;
}

/** Length of the line of an entry whose name is `nameBytes` long. */
@inline
export function lineBytes(nameBytes: u32): u32 {
  return DIGITS + 2 + nameBytes + 1;
}

function sameDigest(hex: usize, digest: usize): bool {
  let difference: u32 = 0;
  for (let index: u32 = 0; index < SHA256_BYTES; index++) {
    const high = hexDigit(load<u8>(hex + (index << 1)));
    const low = hexDigit(load<u8>(hex + (index << 1) + 1));
    difference |= ((high << 4) | low) ^ load<u8>(digest + index);
  }
  return difference == 0;
}
