/** `npm run soak -- cpu`: millions of drawn instructions on this host's processor and on the machine. */
import { afterAll, expect, test } from "vitest";
import { IsaBench } from "../../host/testing/isa-bench.ts";
import { Coverage } from "../../host/testing/isa-coverage.ts";
import { NativeProcessor } from "../../host/testing/isa-native.ts";
import { PLANS, type PlanName } from "../../host/testing/isa-plans.ts";
import { explain, judge } from "../../host/testing/isa-report.ts";

/** Cases of each plan, and the first seed. The tests have seeds from 2,000,000,000 on. */
const CASES = Number(process.env.AIOS_CASES ?? 500_000);
const FIRST = Number(process.env.AIOS_SEED ?? 0);
/** How many are held in memory at once, how many apart progress is told, and how many failures are explained. */
const BATCH = 10_000;
const PROGRESS = 100_000;
const REPORTED = 5;
/** Cases that touch the pages of isa-native.c can't be compared; they are few, or something is wrong. */
const OUTSIDE_SHARE = 0.001;
const coverage = new Coverage();
const figures: string[] = [];

afterAll(() => console.log([...figures, coverage.report].join("\n")));

test.each(Object.keys(PLANS) as PlanName[])(
  `${CASES} cases of the plan "%s" agree`,
  async (plan) => {
    const native = new NativeProcessor();
    const bench = await IsaBench.create();
    const failed: number[] = [];
    const total = { cases: 0, ended: 0, outside: 0 };
    const start = performance.now();
    const figure = () => {
      const rate = (total.cases / (performance.now() - start)) * 1000;
      const { cases, ended, outside } = total;
      const agreed = cases - failed.length - outside;
      return [
        `${plan}: ${agreed} of ${cases} cases agree, ${failed.length} don't`,
        `${outside} weren't compared`,
        `${ended} ended without an exception`,
        `${rate.toFixed(0)} a second`,
      ].join("; ");
    };
    for (let done = 0; done < CASES; done += BATCH) {
      const count = Math.min(BATCH, CASES - done);
      const judged = judge(plan, FIRST + done, count, bench, native, coverage);
      total.cases += judged.cases;
      total.ended += judged.ended;
      total.outside += judged.outside;
      failed.push(...judged.failed);
      if (total.cases % PROGRESS === 0 && total.cases < CASES) console.log(figure());
    }
    figures.push(figure());
    const reports: string[] = [];
    for (const seed of failed.slice(0, REPORTED))
      reports.push(await explain(plan, seed, bench, native));
    native.close();
    expect(reports.join("\n"), figure()).toBe("");
    expect(total.outside / CASES).toBeLessThan(OUTSIDE_SHARE);
  },
);
