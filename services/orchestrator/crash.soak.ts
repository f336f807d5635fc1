import { afterAll, beforeAll, expect, test } from "vitest";
import { CrashTests } from "./testing/crash.ts";
import { MOMENTS, WRITE_KINDS } from "./testing/crash-points.ts";

/** AIOS_SEED begins elsewhere, AIOS_POINTS sets how often. */
const SEED = Number(process.env.AIOS_SEED ?? 1);
const POINTS = Number(process.env.AIOS_POINTS ?? 300);
const AGAIN = "npm run soak -- crash";
const PROGRESS_EVERY = 10;
/** ms; a point takes a second or two of a processor's time. */
const PATIENCE = { timeout: 60_000 * POINTS };

const processes = new CrashTests();
beforeAll(() => processes.begin());
afterAll(() => processes.end());

test(
  `killed by SIGKILL at ${POINTS} points: what was acknowledged is there, nothing is half there`,
  PATIENCE,
  async () => {
    const counts = new Map<string, number>();
    let acknowledged = 0;
    for (let seed = SEED; seed < SEED + POINTS; seed++) {
      const again = `again: AIOS_SEED=${seed} AIOS_POINTS=1 ${AGAIN}`;
      const outcome = await processes.crash(seed).catch((cause: unknown) => {
        throw new Error(again, { cause });
      });
      const { kind, moment, nth } = outcome.killed;
      expect(outcome.wrong, `killed ${moment} write ${nth} of ${kind}; ${again}`).toEqual([]);
      acknowledged += outcome.acknowledged;
      const key = `${kind} ${moment}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      const point = seed - SEED + 1;
      if (point % PROGRESS_EVERY === 0)
        console.log(`point ${point} of ${POINTS}, seed ${seed}, ${acknowledged} acknowledged acts`);
    }
    const rows = WRITE_KINDS.map((kind) => [
      kind,
      Object.fromEntries(MOMENTS.map((moment) => [moment, counts.get(`${kind} ${moment}`) ?? 0])),
    ]);
    console.table(Object.fromEntries(rows));
    console.log(
      `${POINTS} crashes from seed ${SEED}, ${acknowledged} acknowledged acts, none lost`,
    );
  },
);
