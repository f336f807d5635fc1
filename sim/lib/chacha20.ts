/**
 * The ChaCha20 block function (RFC 8439, 2.3), on linear memory. AssemblyScript.
 *
 * The last four words of its input are given one by one: RFC 8439 uses them as a 32-bit counter and
 * a 96-bit nonce, Bernstein's original as a 64-bit counter and a 64-bit nonce.
 */

/** "expand 32-byte k" */
const CONSTANT0: u32 = 0x61707865;
const CONSTANT1: u32 = 0x3320646e;
const CONSTANT2: u32 = 0x79622d32;
const CONSTANT3: u32 = 0x6b206574;
const DOUBLE_ROUNDS: u32 = 10;

export const CHACHA20_KEY_BYTES: u32 = 32;
export const CHACHA20_BLOCK_BYTES: u32 = 64;

/** Four quarter rounds side by side: the rows of the state are vectors (RFC 8439, 2.3). */
@inline
function rotateLeft(value: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(value, bits), i32x4.shr_u(value, 32 - bits));
}

/** Writes the 64 bytes of the block for the 32-byte key at `key` to `to`. */
export function chacha20Block(key: usize, w12: u32, w13: u32, w14: u32, w15: u32, to: usize): void {
  const row0 = i32x4(CONSTANT0, CONSTANT1, CONSTANT2, CONSTANT3);
  const row1 = v128.load(key);
  const row2 = v128.load(key, 16);
  let row3 = i32x4.splat(w12);
  row3 = i32x4.replace_lane(row3, 1, w13);
  row3 = i32x4.replace_lane(row3, 2, w14);
  row3 = i32x4.replace_lane(row3, 3, w15);
  let a = row0;
  let b = row1;
  let c = row2;
  let d = row3;
  for (let round: u32 = 0; round < DOUBLE_ROUNDS; round++) {
    // A column round, and the same on diagonals that are turned into columns.
    for (let half: u32 = 0; half < 2; half++) {
      a = i32x4.add(a, b);
      d = rotateLeft(v128.xor(d, a), 16);
      c = i32x4.add(c, d);
      b = rotateLeft(v128.xor(b, c), 12);
      a = i32x4.add(a, b);
      d = rotateLeft(v128.xor(d, a), 8);
      c = i32x4.add(c, d);
      b = rotateLeft(v128.xor(b, c), 7);
      if (half == 0) {
        b = i32x4.shuffle(b, b, 1, 2, 3, 0);
        c = i32x4.shuffle(c, c, 2, 3, 0, 1);
        d = i32x4.shuffle(d, d, 3, 0, 1, 2);
      } else {
        b = i32x4.shuffle(b, b, 3, 0, 1, 2);
        c = i32x4.shuffle(c, c, 2, 3, 0, 1);
        d = i32x4.shuffle(d, d, 1, 2, 3, 0);
      }
    }
  }
  v128.store(to, i32x4.add(a, row0));
  v128.store(to, i32x4.add(b, row1), 16);
  v128.store(to, i32x4.add(c, row2), 32);
  v128.store(to, i32x4.add(d, row3), 48);
}
