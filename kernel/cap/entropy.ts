/**
 * Where the kernel's secrets come from. At boot the processor's RDSEED gives a root key; all else is
 * ChaCha20's key stream under it (RFC 8439, with Bernstein's 64-bit counter and nonce). A stream is
 * named by its nonce: agents have the one of their identifier, so what one of them draws never
 * shifts what another gets, and a clone, which has an identifier of its own, has a stream of its
 * own. No agent has identifier 0: that nonce is the kernel's, for the key of capabilities' MACs.
 */
import { cpuid, pause, readRegister, readSeed } from "../../hal/x86_64/machine";
import { CHACHA20_BLOCK_BYTES, CHACHA20_KEY_BYTES, chacha20Block } from "../../sim/lib/chacha20";
import { Agent } from "../agent/agent";
import { RANDOM_BYTES_MAX } from "../limits";
import { kernel, rootAllocate } from "../state";

@unmanaged
export class Entropy {
  /** The root key. */
  key0: u64;
  key1: u64;
  key2: u64;
  key3: u64;
  /** Key of the MAC in capability tokens. */
  macKey0: u64;
  macKey1: u64;
}

/** Blocks that are being handed out stand behind the structure. */
const BUFFER: usize = 64;
const KEY_WORDS: usize = CHACHA20_KEY_BYTES / 8;
const FEATURES: u32 = 7;
const RBX: u32 = 3;
const RDSEED: u64 = 1 << 18;
/** Intel's guide for RDSEED says to retry with PAUSE: a processor that has nothing by then never will. */
const ATTEMPTS: u32 = 1000;

@inline
export function entropy(): Entropy {
  return changetype<Entropy>(kernel().entropy);
}

export function createEntropy(): void {
  kernel().entropy = rootAllocate(BUFFER + RANDOM_BYTES_MAX);
}

/** Draws the root key; false when the processor has no RDSEED or gives nothing. */
export function entropyGather(): bool {
  cpuid(FEATURES, 0);
  if ((readRegister(RBX) & RDSEED) == 0) return false;
  for (let word: usize = 0; word < KEY_WORDS; word++) {
    const drawn = drawWord();
    if (drawn == 0) return false;
    store<u64>(kernel().entropy + (word << 3), drawn);
  }
  entropyDerive();
  return true;
}

function drawWord(): u64 {
  for (let attempt: u32 = 0; attempt < ATTEMPTS; attempt++) {
    const drawn = readSeed();
    if (drawn != 0) return drawn;
    pause();
  }
  return 0;
}

/** Makes what is derived from the root key. */
export function entropyDerive(): void {
  const own = entropy();
  const buffer = kernel().entropy + BUFFER;
  chacha20Block(kernel().entropy, 0, 0, 0, 0, buffer);
  own.macKey0 = load<u64>(buffer);
  own.macKey1 = load<u64>(buffer, 8);
}

/**
 * The next `bytes` bytes, at most RANDOM_BYTES_MAX, of the agent's stream; the linear address where
 * they are until the next call. Whole blocks are taken: what a call leaves of one is thrown away.
 */
export function randomTake(agent: Agent, bytes: u32): usize {
  assert(bytes <= RANDOM_BYTES_MAX, "randomTake: too many bytes");
  const buffer = kernel().entropy + BUFFER;
  for (let at: u32 = 0; at < bytes; at += CHACHA20_BLOCK_BYTES) {
    const block = agent.randomBlocks;
    agent.randomBlocks += 1;
    const nonce = agent.id;
    chacha20Block(
      kernel().entropy,
      <u32>block,
      <u32>(block >> 32),
      <u32>nonce,
      <u32>(nonce >> 32),
      buffer + at,
    );
  }
  return buffer;
}
