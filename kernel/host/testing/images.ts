/** Images that tests boot from. */
import { buildBootImage } from "../../../sdk/image/index.ts";

/** `bytes` bytes without a pattern that a mix-up of blocks would keep. */
export function noise(bytes: number, seed = 1): Uint8Array {
  const data = new Uint8Array(bytes);
  let state = seed;
  for (let index = 0; index < bytes; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[index] = state >>> 24;
  }
  return data;
}

export const HELLO = { name: "hello", data: new TextEncoder().encode("hello\n") };
/** Longer than three reads, so that the archive's room grows on the way. */
export const LARGE = { name: "lib/large.bin", data: noise(400_000) };

/** A small disk with a bundle of two entries and an empty data partition. */
export function smallImage(blockBytes = 512): Promise<Uint8Array> {
  return buildBootImage({ entries: [HELLO, LARGE], blockBytes, dataBytes: 1 << 20 });
}
