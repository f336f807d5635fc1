import { afterAll, beforeAll, expect, test } from "vitest";
import { CrashTests, crashHere } from "./testing/crash.ts";

const SEED = 5;
const processes = new CrashTests();
beforeAll(() => processes.begin());
afterAll(() => processes.end());

test("stopped at any write, before or after it: what was acknowledged is there, nothing is half there", async () => {
  let acknowledged = 0;
  for (let point = 0; point < 24; point++) {
    const outcome = await crashHere(SEED + point, 1 + point * 3, point % 2 === 0);
    expect(outcome.wrong, `seed ${SEED + point}, write ${1 + point * 3}`).toEqual([]);
    acknowledged += outcome.acknowledged;
  }
  expect(acknowledged).toBeGreaterThan(200);
});

test("so it is when the process is killed by SIGKILL", async () => {
  for (let seed = SEED; seed < SEED + 2; seed++) {
    const { wrong, acknowledged } = await processes.crash(seed);
    expect(wrong, `seed ${seed}`).toEqual([]);
    expect(acknowledged).toBeGreaterThan(5);
  }
});
