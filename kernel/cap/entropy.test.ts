import { createCipheriv } from "node:crypto";
import { expect, test } from "vitest";
import { type BootOptions, bootWith } from "../host/testing/boot.ts";
import { smallImage } from "../host/testing/images.ts";
import * as Views from "../host/views.generated.ts";

const image = await smallImage();

/** The words of ChaCha20's key stream from the first block on. */
function words(key: Uint8Array, nonce: string, count: number): bigint[] {
  const iv = Buffer.alloc(16);
  iv.write(nonce, 8);
  const stream = createCipheriv("chacha20", key, iv).update(Buffer.alloc(count * 8));
  return Array.from({ length: count }, (_, index) => stream.readBigUInt64LE(index * 8));
}

async function boot(options: BootOptions = {}) {
  const { machine, kernel, result } = await bootWith({ drives: [image], ...options });
  expect(result).toBe("booted");
  const { key0, key1, key2, key3, macKey0, macKey1 } = new Views.Entropy(
    machine.core.data,
    kernel.root.entropy,
  );
  return { root: [key0, key1, key2, key3], mac: [macKey0, macKey1] };
}

test("the root key is what RDSEED gives first, and the key of the MAC comes from it", async () => {
  const seed = Uint8Array.from({ length: 32 }, (_, index) => index * 5 + 1);
  const { root, mac } = await boot({ seed });
  expect(root).toEqual(words(seed, "DNRD", 4));
  const key = Buffer.alloc(32);
  root.forEach((word, index) => {
    key.writeBigUInt64LE(word, index * 8);
  });
  expect(mac).toEqual(words(key, "", 2));
});

test("the same seed gives the same keys, another seed others", async () => {
  const first = await boot();
  expect(await boot()).toEqual(first);
  const other = await boot({ seed: new Uint8Array(32).fill(1) });
  expect(other.mac).not.toEqual(first.mac);
});
