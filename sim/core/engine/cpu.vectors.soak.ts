/** `npm run soak -- cpu`: millions of drawn instructions on this host's processor and on the machine. */
import { afterAll, expect, test } from "vitest";
import { IsaBench } from "../../host/testing/isa-bench.ts";
import { Coverage } from "../../host/testing/isa-coverage.ts";
import { NativeProcessor } from "../../host/testing/isa-native.ts";
import { PLANS, type PlanName } from "../../host/testing/isa-plans.ts";
import { explain, judge } from "../../host/testing/isa-report.ts";

/** Cases of each plan, and how many are held in memory at once. */
const CASES = Number(process.env.AIOS_CASES ?? 1_000_000);
const BATCH = 10_000;
const REPORTED = 5;
const coverage = new Coverage();

afterAll(() => console.log(coverage.report));

test.each(Object.keys(PLANS) as PlanName[])(
  `${CASES} cases of the plan "%s" agree`,
  async (plan) => {
    const native = new NativeProcessor();
    const bench = await IsaBench.create();
    const failed: number[] = [];
    const start = performance.now();
    for (let seed = 0; seed < CASES && failed.length < REPORTED; seed += BATCH) {
      failed.push(
        ...judge(plan, seed, Math.min(BATCH, CASES - seed), bench, native, coverage).failed,
      );
      const rate = ((seed + BATCH) / (performance.now() - start)) * 1000;
      if ((seed / BATCH) % 10 === 9)
        console.log(`${plan}: ${seed + BATCH} cases, ${rate.toFixed(0)} a second`);
    }
    const reports: string[] = [];
    for (const seed of failed.slice(0, REPORTED))
      reports.push(await explain(plan, seed, bench, native));
    native.close();
    expect(reports.join("\n")).toBe("");
  },
);
