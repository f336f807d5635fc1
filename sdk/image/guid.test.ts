import fc from "fast-check";
import { expect, test } from "vitest";
import { guidFromBytes, guidToBytes, uuidV8 } from "./guid.ts";
import { imageErrorOf } from "./testing.ts";

test("the EFI system partition's GUID has the bytes that every such disk shows", () => {
  // UEFI 2.10, table 5.7; the bytes as on disks that firmware boots from.
  const bytes = [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11];
  bytes.push(0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b);
  expect([...guidToBytes("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")]).toEqual(bytes);
  expect(guidFromBytes(Uint8Array.from(bytes))).toBe("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
});

test("every GUID survives the way to bytes and back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      expect(guidToBytes(guidFromBytes(bytes))).toEqual(bytes);
    }),
  );
});

test.each([
  "",
  "c12a7328",
  "c12a7328f81f11d2ba4b00a0c93ec93b",
  "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}",
  "c12a7328-f81f-11d2-ba4b-00a0c93ec93g",
  "c12a7328-f81f-11d2-ba4b-00a0c93ec93b\n",
])("%j is refused as a GUID", async (text) => {
  expect((await imageErrorOf(() => guidToBytes(text))).code).toBe("guid-text");
});

test("fewer than 16 bytes are no GUID", async () => {
  const error = await imageErrorOf(() => guidFromBytes(new Uint8Array(15)));
  expect(error.code).toBe("guid-text");
});

test("a UUID from a digest keeps its bits except for version 8 and variant 10", () => {
  // RFC 9562, 5.8 and 4.1.
  expect(uuidV8(new Uint8Array(32).fill(0xff))).toBe("ffffffff-ffff-8fff-bfff-ffffffffffff");
  expect(uuidV8(new Uint8Array(32))).toBe("00000000-0000-8000-8000-000000000000");
});
