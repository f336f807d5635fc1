import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadKernelTesting } from "../../kernel/testing/module.ts";

const AT = 0x0200_0000 + (8 << 20);
const { exports, data } = await loadKernelTesting(16 << 20);

function block(key: Uint8Array, words: readonly number[]): Buffer {
  new Uint8Array(data.buffer, AT, 32).set(key);
  const [w12 = 0, w13 = 0, w14 = 0, w15 = 0] = words;
  exports.chacha20Block(AT, w12, w13, w14, w15, AT + 64);
  return Buffer.from(new Uint8Array(data.buffer.slice(AT + 64, AT + 128)));
}

const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
const zero = new Uint8Array(32);
const last = (value: number) => Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? value : 0));
const second = Uint8Array.from({ length: 32 }, (_, index) => (index === 1 ? 0xff : 0));

test.each([
  [
    "2.3.2",
    ascending,
    [1, 0x0900_0000, 0x4a00_0000, 0],
    "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e" +
      "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e",
  ],
  [
    "A.1, 1",
    zero,
    [0, 0, 0, 0],
    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7" +
      "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586",
  ],
  [
    "A.1, 2",
    zero,
    [1, 0, 0, 0],
    "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed" +
      "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f",
  ],
  [
    "A.1, 3",
    last(1),
    [1, 0, 0, 0],
    "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a" +
      "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0",
  ],
  [
    "A.1, 4",
    second,
    [2, 0, 0, 0],
    "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca" +
      "13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096",
  ],
  [
    "A.1, 5",
    zero,
    [0, 0, 0, 0x0200_0000],
    "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7" +
      "8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d",
  ],
])("the block of RFC 8439, %s comes out", (_, key, words, expected) => {
  expect(block(key, words).toString("hex")).toBe(expected);
});

test("any key, counter and nonce give the key stream that OpenSSL gives", () => {
  const word = fc.integer({ min: 0, max: 0xffff_ffff });
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.tuple(word, word, word, word),
      (key, words) => {
        const iv = Buffer.alloc(16);
        words.forEach((value, index) => {
          iv.writeUInt32LE(value, index * 4);
        });
        const expected = createCipheriv("chacha20", key, iv).update(Buffer.alloc(64));
        expect(block(key, words).equals(expected)).toBe(true);
      },
    ),
  );
});
