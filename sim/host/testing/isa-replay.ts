/**
 * One case of the comparison with the real processor again, shrunk.
 *
 *   npx tsx sim/host/testing/isa-replay.ts PLAN SEED
 */
import { IsaBench } from "./isa-bench.ts";
import { NativeProcessor } from "./isa-native.ts";
import { PLANS, type PlanName } from "./isa-plans.ts";
import { explain } from "./isa-report.ts";

const [name = "", seed = ""] = process.argv.slice(2);
if (!(name in PLANS) || !/^\d+$/.test(seed)) {
  console.error(`usage: isa-replay.ts PLAN SEED; plans: ${Object.keys(PLANS).join(", ")}`);
  process.exit(2);
}
// The module with the bench's exports is a debug build, as in the tests.
process.env.AIOS_BUILD = "debug";
const native = new NativeProcessor();
try {
  console.log(await explain(name as PlanName, Number(seed), await IsaBench.create(), native));
} finally {
  native.close();
}
