import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Histogram } from "./histogram.ts";

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

/** Nearest rank over all values. */
function exact(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1] ?? 0;
}

describe("a histogram", () => {
  const value = fc.oneof(
    fc.nat(3000),
    fc.nat(),
    fc.maxSafeNat(),
    fc.nat(52).map((bits) => 2 ** bits),
    fc.nat(52).map((bits) => 2 ** bits - 1),
  );

  test("gives percentiles within one part in 1,024 of the sorted values, never below", () => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1 }),
        fc.constantFrom(50, 95, 99, 99.9, 100),
        (values, percent) => {
          const found = histogramOf(values).percentile(percent);
          const expected = exact(values, percent);
          expect(found).toBeGreaterThanOrEqual(expected);
          expect(found).toBeLessThanOrEqual(expected * (1 + 1 / 1024));
        },
      ),
    );
  });

  test("is exact for small values, the maximum, the count and the mean", () => {
    const values = [5, 1, 2047, 3, 9];
    const histogram = histogramOf(values);
    expect(values.map((_, index) => histogram.percentile(index * 25))).toEqual([1, 3, 5, 9, 2047]);
    expect(histogram).toMatchObject({ count: 5, max: 2047, mean: 413 });
  });

  test("of two merged is that of all their values", () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.array(fc.nat()), (first, second) => {
        const merged = histogramOf(first);
        merged.merge(histogramOf(second));
        expect(merged).toEqual(histogramOf([...first, ...second]));
      }),
    );
  });

  test("of nothing is 0", () => {
    expect(new Histogram().percentile(99)).toBe(0);
  });
});
