/**
 * One case of the comparison with the real processor again, shrunk.
 *
 *   npx tsx sim/host/testing/isa-replay.ts PLAN SEED
 */
import type { PlanName } from "./isa-plans.ts";

// The module with the bench's exports is a debug build, as in the tests; it's chosen when it is imported.
process.env.AIOS_BUILD = "debug";
const { IsaBench } = await import("./isa-bench.ts");
const { NativeProcessor } = await import("./isa-native.ts");
const { PLANS } = await import("./isa-plans.ts");
const { explain } = await import("./isa-report.ts");

const [name = "", seed = ""] = process.argv.slice(2);
if (!(name in PLANS) || !/^\d+$/.test(seed)) {
  console.error(`usage: isa-replay.ts PLAN SEED; plans: ${Object.keys(PLANS).join(", ")}`);
  process.exit(2);
}
const native = new NativeProcessor();
try {
  console.log(await explain(name as PlanName, Number(seed), await IsaBench.create(), native));
} finally {
  native.close();
}
