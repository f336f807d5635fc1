import { createCipheriv } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { RIGHT_RANDOM, RIGHTS_ALL } from "../cap/rights.ts";
import { Authority } from "../testing/cap-host.ts";

const KEY_AT = 0x0200_0000 + (31 << 20);
const key = Uint8Array.from({ length: 32 }, (_, index) => 7 * index);

let authority: Authority;
let agent: number;
let self: number;
let memory: number;

beforeEach(async () => {
  authority = await Authority.create();
  new Uint8Array(authority.world.data.buffer, KEY_AT, 32).set(key);
  authority.exports.worldKey(KEY_AT);
  agent = authority.agent();
  self = authority.root(agent);
  memory = authority.memory(agent);
});

function draw(bytes: number, caller = agent, capability = self): string {
  const at = authority.memory(caller);
  expect(authority.world.call(caller, "RANDOM_GET", capability, at, bytes).status).toBe("OK");
  return authority.load(caller, at, bytes).toString("hex");
}

/** ChaCha20 under the root key with the agent's identifier as nonce, from block `block` on. */
function stream(of: number, block: number, bytes: number): string {
  const iv = Buffer.alloc(16);
  iv.writeBigUInt64LE(BigInt(block), 0);
  iv.writeBigUInt64LE(BigInt(of), 8);
  return createCipheriv("chacha20", key, iv).update(Buffer.alloc(bytes)).toString("hex");
}

describe("RandomGet", () => {
  test("gives the agent's own ChaCha20 stream, in whole blocks", () => {
    expect(draw(256)).toBe(stream(agent, 0, 256));
    expect(draw(1)).toBe(stream(agent, 4, 1));
    expect(draw(65)).toBe(stream(agent, 5, 65));
    expect(draw(64)).toBe(stream(agent, 7, 64));
  });

  test("another agent's draws, births and deaths shift nothing", async () => {
    const other = authority.agent();
    const theirs = authority.root(other);
    draw(200, other, theirs);
    draw(10, other, theirs);
    expect(draw(64)).toBe(stream(agent, 0, 64));
    expect(draw(64, other, theirs)).toBe(stream(other, 5, 64));
  });

  test("takes 1 to 256 bytes, of memory that may be written", () => {
    const call = (...args: number[]) =>
      authority.world.call(agent, "RANDOM_GET", self, ...args).status;
    expect(call(memory, 0)).toBe("BAD_ARGUMENT");
    expect(call(memory, 257)).toBe("TOO_LARGE");
    expect(call(8, 8)).toBe("BAD_ADDRESS");
    expect(draw(64)).toBe(stream(agent, 0, 64));
  });

  test("is refused with another agent's capability, and without RIGHT_RANDOM", () => {
    const other = authority.root(agent, authority.agent());
    const call = (id: number) => authority.world.call(agent, "RANDOM_GET", id, memory, 8).status;
    expect(call(other)).toBe("CAPABILITY_KIND");
    expect(call(authority.root(agent, agent, RIGHTS_ALL & ~RIGHT_RANDOM))).toBe("RIGHTS_MISSING");
  });
});
