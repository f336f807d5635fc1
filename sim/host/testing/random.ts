/** Random numbers for tests that draw more of them than a property library is made for. */
import type { Random } from "./isa-draw.ts";

/**
 * A generator that is a function of its seed: splitmix32, the finalizer of MurmurHash3 over a Weyl
 * sequence (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators").
 */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x9e37_79b9) >>> 0;
    let word = state;
    word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
    word = (word ^ (word >>> 16)) >>> 0;
    return Math.floor((word / 0x1_0000_0000) * below);
  };
}
