/** Copies of a few bytes, without the call that memory.copy is. */

/** Copies `bytes` bytes, which don't overlap; for up to a few dozen. */
@inline
export function copySmall(to: usize, from: usize, bytes: u32): void {
  if (bytes == 64) return copyLine(to, from);
  copyPieces(to, from, bytes);
}

@inline
function copyLine(to: usize, from: usize): void {
  const first = v128.load(from);
  const second = v128.load(from, 16);
  const third = v128.load(from, 32);
  const fourth = v128.load(from, 48);
  v128.store(to, first);
  v128.store(to, second, 16);
  v128.store(to, third, 32);
  v128.store(to, fourth, 48);
}

function copyPieces(to: usize, from: usize, bytes: u32): void {
  const end = from + (bytes & ~7);
  for (; from != end; from += 8, to += 8) store<u64>(to, load<u64>(from));
  if ((bytes & 4) != 0) {
    store<u32>(to, load<u32>(from));
    from += 4;
    to += 4;
  }
  if ((bytes & 2) != 0) {
    store<u16>(to, load<u16>(from));
    from += 2;
    to += 2;
  }
  if ((bytes & 1) != 0) store<u8>(to, load<u8>(from));
}
