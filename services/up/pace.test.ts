import { expect, test } from "vitest";
import { Pace } from "./pace.ts";

/** Two clocks that a test moves. */
function clocks() {
  const at = { monotonic: 5_000_000_000n, wall: 1_700_000_000_000 };
  return {
    at,
    pace: new Pace(7n, { monotonic: () => at.monotonic, wall: () => at.wall }),
    pass: (ms: number) => {
      at.monotonic += BigInt(ms) * 1_000_000n;
      at.wall += ms;
    },
  };
}

test("the machine's time goes on as the host's does", () => {
  const { pace, pass } = clocks();
  expect(pace.now()).toBe(7n);
  pass(250);
  expect(pace.now()).toBe(250_000_007n);
  expect(pace.msUntil(252_000_007n)).toBe(2);
  expect(pace.msUntil(1n)).toBe(0);
});

test("what the computer has slept is made good, once", () => {
  const { at, pace, pass } = clocks();
  pass(10);
  at.wall += 3_600_000;
  const after = 3_600_010_000_007n;
  expect(pace.now()).toBe(after);
  expect(pace.now()).toBe(after);
  pass(10);
  expect(pace.now()).toBe(after + 10_000_000n);
});

test("a wall clock that is put back, or slewed, changes nothing; put forward again it counts", () => {
  const { at, pace, pass } = clocks();
  at.wall -= 60_000;
  pass(5);
  expect(pace.now()).toBe(5_000_007n);
  at.wall += 300;
  expect(pace.now()).toBe(5_000_007n);
  at.wall += 10_000;
  expect(pace.now()).toBe(10_305_000_007n);
});
