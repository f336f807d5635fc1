/**
 * Scopes: a byte string and a mask that only userland understands. A scope covers what begins with
 * its bytes and has no other bits than its mask: the empty scope with all bits covers everything.
 * The kernel knows no separators, so a scope that is meant as a folder ends with one.
 */

/** Longest scope in bytes. */
export const SCOPE_BYTES_MAX: u32 = 32;

/** Whether the scope of `bytes` bytes at `at` with `mask` covers another one. */
export function scopeCovers(
  at: usize,
  bytes: u32,
  mask: u32,
  other: usize,
  otherBytes: u32,
  otherMask: u32,
): bool {
  if (bytes > otherBytes || (otherMask & ~mask) != 0) return false;
  return memory.compare(at, other, bytes) == 0;
}
