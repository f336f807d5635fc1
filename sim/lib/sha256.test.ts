import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HASH_RESULT, HOST_BUFFER } from "../host/core.ts";
import { Machine } from "../host/machine.ts";

const { core } = await Machine.create({ start: false, memory: 4 << 20 });

function digest(parts: readonly Uint8Array[]): string {
  core.sim.hashBegin();
  for (const part of parts) {
    core.bytes.set(part, HOST_BUFFER);
    core.sim.hashUpdate(HOST_BUFFER, part.length);
  }
  core.sim.hashEnd();
  return Buffer.from(core.bytes.slice(HASH_RESULT, HASH_RESULT + 32)).toString("hex");
}

test("the worked examples of FIPS 180-4 come out", () => {
  const text = (value: string) => [new TextEncoder().encode(value)];
  expect(digest(text("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  expect(digest(text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))).toBe(
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
});

test("any bytes in any parts hash as OpenSSL hashes them", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (parts) => {
      const expected = createHash("sha256").update(Buffer.concat(parts)).digest("hex");
      expect(digest(parts)).toBe(expected);
    }),
  );
});
