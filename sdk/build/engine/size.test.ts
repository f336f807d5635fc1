/**
 * V8 allocates registers well for functions of up to 8,192 values; one more, and the interpreter takes a
 * third longer for everything (rare.ts). How many there are shows only in V8, but goes with the bytes:
 * measured, 38,500 were few enough and 40,900 too many.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const BYTES_MAX = 39_500;
const CODE_SECTION = 10;

/** Bytes of each function in a WebAssembly module (core specification 5.5.13). */
function functionBytes(module: Uint8Array): number[] {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = module[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < module.length) {
    const section = number();
    const bytes = number();
    if (section === CODE_SECTION) {
      return Array.from({ length: number() }, () => {
        const length = number();
        at += length;
        return length;
      });
    }
    at += bytes;
  }
  return [];
}

test("the interpreter, by far the longest function, has room for its values in V8's registers", () => {
  const [longest = 0, second = 0] = functionBytes(readFileSync("build/sim.wasm")).sort(
    (a, b) => b - a,
  );
  expect(longest).toBeGreaterThan(2 * second);
  expect(longest).toBeLessThanOrEqual(BYTES_MAX);
});
