import { expect, test } from "vitest";
import { ANSWERS } from "../testing/answers-host.ts";
import type { CallName } from "../testing/world-host.ts";
import { CALLS } from "./compose.ts";
import { type FuzzResult, fuzz } from "./fuzz.ts";
import { GRAMMAR } from "./grammar.ts";
import { harness } from "./harness.ts";

/** Calls that no agent of the harness can make with success, and why. */
const IMPOSSIBLE: Readonly<Partial<Record<CallName, string>>> = {
  IMAGE_OPEN: "there is no bundle without a machine",
  IMAGE_SEAL: "no random bytes are an image",
  LINK_SEND: "the harness's network controller never starts",
};

/** Answers that docs/syscalls.md does not have for the call. */
const undocumented = (answers: FuzzResult["answers"]) =>
  [...answers].flatMap(([name, counts]) =>
    [...counts.keys()]
      .filter((status) => !ANSWERS.get(name)?.has(status))
      .map((status) => [name, status]),
  );

test("the documentation says of each system call what it may answer", () => {
  expect([...ANSWERS.keys()].sort()).toEqual([...CALLS].sort());
});

test("the fuzzer's grammar has every system call that there is", () => {
  expect(Object.keys(GRAMMAR).sort()).toEqual([...CALLS].sort());
});

test.each([1, 2, 3, 4])(
  "any calls with any arguments: no trap, and every invariant holds (seed %i)",
  async (seed) => {
    const { calls, answers } = await fuzz(harness(), { seed, calls: 1000 });
    expect(calls).toBe(1000);
    // A fuzzer whose calls are all refused at the door would prove nothing.
    const accepted = [...answers.values()].filter((counts) => (counts.get("OK") ?? 0) > 0);
    expect(accepted.length).toBeGreaterThan(35);
    expect(undocumented(answers)).toEqual([]);
  },
);

test("in 20,000 calls every call succeeds, but for those that can't", async () => {
  const subject = harness({ refusals: 32, invariants: 32 });
  const { answers } = await fuzz(subject, { seed: 1, calls: 20_000 });
  expect(undocumented(answers)).toEqual([]);
  const succeed = CALLS.filter((name) => (answers.get(name)?.get("OK") ?? 0) > 0);
  expect(succeed).toEqual(CALLS.filter((name) => IMPOSSIBLE[name] === undefined));
});

test("a seed makes the same calls again, with the same answers", async () => {
  const tell = async () =>
    [...(await fuzz(harness(), { seed: 5, calls: 500 })).answers].map(([name, counts]) => [
      name,
      ...counts,
    ]);
  expect(await tell()).toEqual(await tell());
});
