/**
 * RDSEED (Intel SDM 2B): the key stream of ChaCha20 under the 32 bytes of boot entropy that the host
 * gave. Chance enters by this one door and is part of the machine's configuration, so the same
 * machine draws the same numbers; to whoever does not know the seed they are random.
 */
import { allocate } from "../arena";
import { Machine, machine } from "../machine";
import { CHACHA20_BLOCK_BYTES, chacha20Block } from "../../lib/chacha20";

/** Keeps this use of the seed apart from any other. */
const NONCE: u32 = 0x4452_4e44;
const DRAWS_A_BLOCK: u64 = CHACHA20_BLOCK_BYTES / 8;

@unmanaged
class Rdseed {
  /** Numbers drawn since power-on. */
  drawn: u64;
}

/** The block that is being drawn from stands behind the structure. */
const BLOCK: usize = 16;

export function createRdseed(): void {
  machine().rdseed = allocate(BLOCK + CHACHA20_BLOCK_BYTES);
}

/** The next 64 bits; all CPUs draw from one source. */
export function drawSeed(): u64 {
  const at = machine().rdseed;
  const state = changetype<Rdseed>(at);
  const inBlock = state.drawn % DRAWS_A_BLOCK;
  if (inBlock == 0) {
    const block = state.drawn / DRAWS_A_BLOCK;
    const key = changetype<usize>(machine()) + offsetof<Machine>("entropy0");
    chacha20Block(key, <u32>block, <u32>(block >> 32), NONCE, 0, at + BLOCK);
  }
  state.drawn += 1;
  return load<u64>(at + BLOCK + (<usize>inBlock << 3));
}
