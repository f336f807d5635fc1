import { expect, test } from "vitest";
import { parseMemorySize, parseSize } from "./size.ts";

// The examples with suffixes are those of qemu-img(1): k or K, M, G and T, powers of 1024.
test.each([
  ["0", 0],
  ["512", 512],
  ["1k", 1024],
  ["1K", 1024],
  ["64M", 64 * 1024 ** 2],
  ["2g", 2 * 1024 ** 3],
  ["1T", 1024 ** 4],
  ["1.5G", 1.5 * 1024 ** 3],
  ["0.5k", 512],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
])("%s is %i bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each([
  ["", "A size is missing."],
  ["-1", '"-1" is negative.'],
  ["64X", '"X" is no unit; K, M, G and T are.'],
  ["64MiB", '"MiB" is no unit; K, M, G and T are.'],
  ["64 M", '" M" is no unit; K, M, G and T are.'],
  ["M", '"M" is not a number with an optional K, M, G or T.'],
  ["1.2.3", '"1.2.3" is not a number with an optional K, M, G or T.'],
  ["Infinity", '"Infinity" is not a number with an optional K, M, G or T.'],
  ["1.5", '"1.5" is not a whole number of bytes.'],
  ["0.0001k", '"0.0001k" is not a whole number of bytes.'],
  ["9007199254740992", '"9007199254740992" is more than 2^53 - 1 bytes.'],
  ["99999999T", '"99999999T" is more than 2^53 - 1 bytes.'],
])("%j is refused with its reason", (text, reason) => {
  expect(() => parseSize(text)).toThrow(reason);
});

test("a memory size without a suffix counts MiB, as with QEMU's -m", () => {
  expect(parseMemorySize("512")).toBe(512 * 1024 ** 2);
  expect(parseMemorySize("512K")).toBe(512 * 1024);
  expect(() => parseMemorySize("x")).toThrow('"x" is not a number');
});
