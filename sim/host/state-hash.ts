/** The hash of all state of a machine. */
import { HASH_RESULT, HOST_BUFFER_BYTES } from "./core.ts";
import type { Engine } from "./engine.ts";
import { encodePlain } from "./plain-data.ts";
import { fetchAll } from "./shared-frames.ts";

/**
 * SHA-256 of the state arena, of the digests of used pages of RAM, of each drive's changes, with their
 * places, and of the states of agents' programs that can be frozen; hex.
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
  const frozen = engine.agents.freeze();
  if (frozen.agents.length + frozen.kept.length > 0) {
    const states = encodePlain(frozen);
    for (let at = 0; at < states.length; at += HOST_BUFFER_BYTES) {
      const part = states.subarray(at, at + HOST_BUFFER_BYTES);
      bytes.set(part, hostBuffer);
      sim.hashUpdate(hostBuffer, part.length);
    }
  }
  sim.hashEnd();
  const digest = bytes.subarray(HASH_RESULT, HASH_RESULT + 32);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
