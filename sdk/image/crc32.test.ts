import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32 } from "./crc32.ts";
import { runTool, temporaryFolder } from "./testing.ts";

test("the check value of CRC-32 is 0xcbf43926 for the digits 1 to 9", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
});

test("no bytes have CRC 0", () => {
  expect(crc32(new Uint8Array(0))).toBe(0);
});

test("a CRC taken in two pieces is that of the whole", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(crc32(b, crc32(a))).toBe(crc32(Uint8Array.from([...a, ...b])));
    }),
  );
});

test("gzip stores the same CRC for the same bytes", () => {
  const folder = temporaryFolder();
  for (const length of [1, 255, 256, 70_000]) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 167 + (at >> 8)) & 0xff);
    const packed = runTool("gzip", ["-c"], { input: bytes, cwd: folder });
    // RFC 1952, 2.3.1: the trailer is CRC32, then the length.
    expect(crc32(bytes)).toBe(packed.readUInt32LE(packed.length - 8));
  }
});
