/** The hash of all state of a machine. */
import { HASH_RESULT } from "./core.ts";
import type { Engine } from "./engine.ts";
import { fetchAll } from "./shared-frames.ts";

/**
 * SHA-256 of the state arena, of the digests of used pages of RAM, and of each drive's changes, with their
 * places; hex.
 */
export function stateHash(engine: Engine): string {
  fetchAll(engine);
  const { sim, bytes, data, hostBuffer } = engine.core;
  sim.hashBegin();
  sim.hashMachine();
  engine.drives.forEach((drive, number) => {
    for (const [chunk, content] of drive.changes()) {
      data.setUint32(hostBuffer, number, true);
      data.setUint32(hostBuffer + 4, chunk, true);
      bytes.set(content, hostBuffer + 8);
      sim.hashUpdate(hostBuffer, 8 + content.length);
    }
  });
  sim.hashEnd();
  const digest = bytes.subarray(HASH_RESULT, HASH_RESULT + 32);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
