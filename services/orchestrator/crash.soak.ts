import { expect, test } from "vitest";
import { crashProcess } from "./testing/crash.ts";
import { randomOf } from "./testing/driver.ts";

/** AIOS_SEED begins elsewhere, AIOS_POINTS sets how often. */
const SEED = Number(process.env.AIOS_SEED ?? 1);
const POINTS = Number(process.env.AIOS_POINTS ?? 300);

test(`killed by SIGKILL at ${POINTS} points: what was acknowledged is there, nothing is half there`, async () => {
  let acknowledged = 0;
  for (let seed = SEED; seed < SEED + POINTS; seed++) {
    const writes = 1 + Math.floor(randomOf(seed)() * 120);
    const outcome = await crashProcess(seed, writes);
    expect(outcome.wrong, `AIOS_SEED=${seed} AIOS_POINTS=1: killed at write ${writes}`).toEqual([]);
    acknowledged += outcome.acknowledged;
  }
  console.log(`${POINTS} crashes from seed ${SEED}, ${acknowledged} acknowledged acts, none lost`);
});
