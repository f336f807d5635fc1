import { expect, test } from "vitest";
import { ANSWERS } from "../testing/answers-host.ts";
import { CALLS, fuzz } from "./fuzzer.ts";
import { GRAMMAR } from "./grammar.ts";

test("the documentation says of each system call what it may answer", () => {
  expect([...ANSWERS.keys()].sort()).toEqual([...CALLS].sort());
});

test("the fuzzer's grammar has every system call that there is", () => {
  expect(CALLS.filter((name) => GRAMMAR[name] === undefined)).toEqual([]);
});

test.each([1, 2, 3, 4])(
  "any calls with any arguments: no trap, and every invariant holds (seed %i)",
  async (seed) => {
    const { calls, answers } = await fuzz({ seed, calls: 3000 });
    expect(calls).toBe(3000);
    // A fuzzer whose calls are all refused at the door would prove nothing.
    const accepted = [...answers.values()].filter((counts) => (counts.get("OK") ?? 0) > 0);
    expect(accepted.length).toBeGreaterThan(20);
    const undocumented = [...answers].flatMap(([name, counts]) =>
      [...counts.keys()]
        .filter((status) => !ANSWERS.get(name)?.has(status))
        .map((status) => [name, status]),
    );
    expect(undocumented).toEqual([]);
  },
);

test("a seed makes the same calls again, with the same answers", async () => {
  const tell = async () =>
    [...(await fuzz({ seed: 5, calls: 1000 })).answers].map(([name, counts]) => [name, ...counts]);
  expect(await tell()).toEqual(await tell());
});
