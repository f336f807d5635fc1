import { expect, test } from "vitest";
import { fuzz } from "../fuzz.ts";
import { machine } from "./machine.ts";

test.each([1, 2, 3, 4])(
  "agents on a machine make any calls: no trap, and every invariant holds (seed %i)",
  async (seed) => {
    const { calls, answers } = await fuzz(machine(), { seed, calls: 1500 });
    expect(calls).toBe(1500);
    const accepted = [...answers.values()].filter((counts) => (counts.get("OK") ?? 0) > 0);
    expect(accepted.length).toBeGreaterThan(35);
    // The one call that nobody can make with success where there is no bundle.
    expect(answers.get("IMAGE_OPEN")?.get("OK")).toBeGreaterThan(0);
  },
);

test("a seed makes the same calls on a machine again, with the same answers", async () => {
  const tell = async () =>
    [...(await fuzz(machine(), { seed: 7, calls: 500 })).answers].map(([name, counts]) => [
      name,
      ...counts,
    ]);
  expect(await tell()).toEqual(await tell());
});
