/**
 * SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", INDOCRYPT 2012): a keyed
 * 64-bit MAC for short inputs. AssemblyScript.
 */

const INIT0: u64 = 0x736f6d6570736575;
const INIT1: u64 = 0x646f72616e646f6d;
const INIT2: u64 = 0x6c7967656e657261;
const INIT3: u64 = 0x7465646279746573;
const COMPRESSION_ROUNDS: u32 = 2;
const FINALIZATION_ROUNDS: u32 = 4;

/** MAC of the `bytes` bytes at linear address `at` under the 128-bit key k0, k1 (little endian). */
export function sipHash(k0: u64, k1: u64, at: usize, bytes: usize): u64 {
  let v0 = k0 ^ INIT0;
  let v1 = k1 ^ INIT1;
  let v2 = k0 ^ INIT2;
  let v3 = k1 ^ INIT3;
  const words = bytes >> 3;
  for (let word: usize = 0; word <= words + 1; word++) {
    let m: u64 = 0;
    let rounds = COMPRESSION_ROUNDS;
    if (word < words) m = load<u64>(at + (word << 3));
    else if (word == words) m = lastWord(at, bytes);
    else {
      v2 ^= 0xff;
      rounds = FINALIZATION_ROUNDS;
    }
    v3 ^= m;
    for (; rounds != 0; rounds--) {
      v0 += v1;
      v2 += v3;
      v1 = rotl<u64>(v1, 13) ^ v0;
      v3 = rotl<u64>(v3, 16) ^ v2;
      v0 = rotl<u64>(v0, 32) + v3;
      v2 += v1;
      v1 = rotl<u64>(v1, 17) ^ v2;
      v3 = rotl<u64>(v3, 21) ^ v0;
      v2 = rotl<u64>(v2, 32);
    }
    v0 ^= m;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}

/** The bytes behind the last whole word, with the length modulo 256 on top. */
@inline
function lastWord(at: usize, bytes: usize): u64 {
  let word = <u64>bytes << 56;
  const whole = bytes & ~7;
  for (let index: usize = 0; index < (bytes & 7); index++)
    word |= <u64>load<u8>(at + whole + index) << (<u64>index << 3);
  return word;
}
