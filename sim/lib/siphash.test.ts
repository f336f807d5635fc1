import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadKernelTesting } from "../../kernel/testing/module.ts";

/**
 * The reference implementation's vectors for a 64-bit result (veorq/SipHash, vectors.h): the key is
 * 00 01 … 0f, input n is the bytes 00 01 … n-1. As printed there, lowest byte first.
 */
const VECTORS = `
310e0edd47db6f72 fd67dc93c539f874 5a4fa9d909806c0d 2d7efbd796666785 b7877127e09427cf
8da699cd64557618 cee3fe586e46c9cb 37d1018bf50002ab 6224939a79f5f593 b0e4a90bdf82009e
f3b9dd94c5bb5d7a a7ad6b22462fb3f4 fbe50e86bc8f1e75 903d84c02756ea14 eef27a8e90ca23f7
e545be4961ca29a1 db9bc2577fcc2a3f 9447be2cf5e99a69 9cd38d96f0b3c14b bd6179a71dc96dbb
98eea21af25cd6be c7673b2eb0cbf2d0 883ea3e395675393 c8ce5ccd8c030ca8 94af49f6c650adb8
eab8858ade92e1bc f315bb5bb835d817 adcf6b0763612e2f a5c91da7acaa4dde 716595876650a2a6
28ef495c53a387ad 42c341d8fa92d832 ce7cf2722f512771 e37859f94623f3a7 381205bb1ab0e012
ae97a10fd434e015 b4a31508beff4d31 81396229f0907902 4d0cf49ee5d4dcca 5c73336a76d8bf9a
d0a704536ba93e0e 925958fcd6420cad a915c29bc8067318 952b79f3bc0aa6d4 f21df2e41d4535f9
87577519048f53a9 10a56cf5dfcd9adb eb75095ccd986cd0 51a9cb9ecba312e6 96afadfc2ce666c7
72fe52975a4364ee 5a1645b276d592a1 b274cb8ebf87870a 6f9bb4203de7b381 eaecb2a30b22a87f
9924a43cc1315724 bd838d3aafbf8db7 0b1a2a3265d51aea 135079a3231ce660 932b2846e4d70666
e1915f5cb1eca46c f325965ca16d629f 575ff28e60381be5 724506eb4c328a95`
  .trim()
  .split(/\s+/);

/** Somewhere in the test module's RAM that nothing else uses. */
const AT = 0x0200_0000 + (8 << 20);
const { exports, data } = await loadKernelTesting(16 << 20);

function mac(key: Uint8Array, input: Uint8Array): string {
  new Uint8Array(data.buffer, AT, input.length).set(input);
  const [k0, k1] = [0, 8].map((at) => Buffer.from(key).readBigUInt64LE(at)) as [bigint, bigint];
  const result = Buffer.alloc(8);
  result.writeBigUInt64LE(BigInt.asUintN(64, exports.sipHash(k0, k1, AT, input.length)));
  return result.toString("hex");
}

test.each(VECTORS.map((vector, length) => [length, vector]))(
  "the reference's vector of %i bytes comes out",
  (length, vector) => {
    const bytes = (count: number) => Uint8Array.from({ length: count }, (_, index) => index);
    expect(mac(bytes(16), bytes(Number(length)))).toBe(vector);
  },
);

test("any key and any bytes give the MAC that OpenSSL gives", () => {
  const cases = fc.sample(
    fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.uint8Array({ maxLength: 300 })),
    { seed: 20, numRuns: 12 },
  );
  for (const [key, input] of cases) {
    const hexKey = `hexkey:${Buffer.from(key).toString("hex")}`;
    const args = ["mac", "-macopt", hexKey, "-macopt", "size:8", "SIPHASH"];
    const expected = execFileSync("openssl", args, { input }).toString().trim().toLowerCase();
    expect(mac(key, input)).toBe(expected);
  }
});
