/** SHA-256 (FIPS 180-4, 6.2), incremental, on a context in linear memory. AssemblyScript. */

/** Round constants (FIPS 180-4, 4.2.2). */
const K: StaticArray<u32> = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

const BLOCK_BYTES: u32 = 64;
export const SHA256_BYTES: u32 = 32;

@unmanaged
export class Sha256 {
  h0: u32;
  h1: u32;
  h2: u32;
  h3: u32;
  h4: u32;
  h5: u32;
  h6: u32;
  h7: u32;
  /** Bytes hashed so far, the ones in the unfinished block included. */
  length: u64;
}

/** Size of a context: the fields, the unfinished block, the message schedule. */
export const SHA256_CONTEXT_BYTES: usize = 48 + 64 + 256;
const BLOCK: usize = 48;
const SCHEDULE: usize = 48 + 64;

/** Starts a hash in the context at `context`, SHA256_CONTEXT_BYTES long. */
export function sha256Begin(context: usize): void {
  const state = changetype<Sha256>(context);
  state.h0 = 0x6a09e667;
  state.h1 = 0xbb67ae85;
  state.h2 = 0x3c6ef372;
  state.h3 = 0xa54ff53a;
  state.h4 = 0x510e527f;
  state.h5 = 0x9b05688c;
  state.h6 = 0x1f83d9ab;
  state.h7 = 0x5be0cd19;
  state.length = 0;
}

/** Adds `bytes` bytes at linear address `from`. */
export function sha256Update(context: usize, from: usize, bytes: usize): void {
  const state = changetype<Sha256>(context);
  const filled = <u32>state.length & (BLOCK_BYTES - 1);
  state.length += bytes;
  let at = from;
  let left = bytes;
  if (filled != 0) {
    const part = min(left, <usize>(BLOCK_BYTES - filled));
    memory.copy(context + BLOCK + filled, at, part);
    at += part;
    left -= part;
    if (filled + <u32>part < BLOCK_BYTES) return;
    compress(state, context + BLOCK, context + SCHEDULE);
  }
  while (left >= BLOCK_BYTES) {
    compress(state, at, context + SCHEDULE);
    at += BLOCK_BYTES;
    left -= BLOCK_BYTES;
  }
  memory.copy(context + BLOCK, at, left);
}

/** Ends the hash and writes the 32 bytes of the digest to `to`. */
export function sha256End(context: usize, to: usize): void {
  const state = changetype<Sha256>(context);
  const bits = state.length << 3;
  const filled = <u32>state.length & (BLOCK_BYTES - 1);
  const block = context + BLOCK;
  store<u8>(block + filled, 0x80);
  memory.fill(block + filled + 1, 0, BLOCK_BYTES - 1 - filled);
  if (filled >= BLOCK_BYTES - 8) {
    compress(state, block, context + SCHEDULE);
    memory.fill(block, 0, BLOCK_BYTES);
  }
  store<u64>(block + BLOCK_BYTES - 8, bswap<u64>(bits));
  compress(state, block, context + SCHEDULE);
  for (let word: usize = 0; word < 8; word++)
    store<u32>(to + (word << 2), bswap<u32>(load<u32>(context + (word << 2))));
}

@inline
function expand(schedule: usize, t: usize): u32 {
  const w15 = load<u32>(schedule + ((t - 15) << 2));
  const w2 = load<u32>(schedule + ((t - 2) << 2));
  const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >>> 3);
  const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >>> 10);
  return load<u32>(schedule + ((t - 16) << 2)) + s0 + load<u32>(schedule + ((t - 7) << 2)) + s1;
}

function compress(state: Sha256, block: usize, schedule: usize): void {
  for (let t: usize = 0; t < 16; t++)
    store<u32>(schedule + (t << 2), bswap<u32>(load<u32>(block + (t << 2))));
  for (let t: usize = 16; t < 64; t++) store<u32>(schedule + (t << 2), expand(schedule, t));
  const constants = changetype<usize>(K);
  let a = state.h0;
  let b = state.h1;
  let c = state.h2;
  let d = state.h3;
  let e = state.h4;
  let f = state.h5;
  let g = state.h6;
  let h = state.h7;
  for (let t: usize = 0; t < 64; t++) {
    const sum1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const choice = (e & f) ^ (~e & g);
    const t1 =
      h + sum1 + choice + load<u32>(constants + (t << 2)) + load<u32>(schedule + (t << 2));
    const sum0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  state.h0 += a;
  state.h1 += b;
  state.h2 += c;
  state.h3 += d;
  state.h4 += e;
  state.h5 += f;
  state.h6 += g;
  state.h7 += h;
}
