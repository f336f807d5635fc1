import { expect, test } from "vitest";
import { parseTime } from "./time.ts";

test.each([
  ["2s", 2_000_000_000n],
  ["2", 2_000_000_000n],
  ["1.5ms", 1_500_000n],
  ["300us", 300_000n],
  ["7ns", 7n],
  ["0.5m", 30_000_000_000n],
  ["0.000000001s", 1n],
])("%s is a time", (text, expected) => {
  expect(parseTime(text)).toBe(expected);
});

test.each(["", "s", "-1s", "1h", "1.s", "1e3", " 1s"])("%j is refused by name", (text) => {
  expect(() => parseTime(text)).toThrow(`"${text}" is not a time`);
});
