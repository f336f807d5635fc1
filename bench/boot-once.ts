/** One boot in a fresh process; prints the milliseconds from Machine.create to idle. */
import { buildBootImage } from "../sdk/image/index.ts";
import { Machine } from "../sim/host/machine.ts";

const data = await buildBootImage({ entries: [] });
const start = performance.now();
const machine = await Machine.create({ cpus: 4, memory: 256 * 2 ** 20, drives: [{ data }] });
machine.run({ condition: () => machine.kernel.idle });
process.stdout.write(`${performance.now() - start}\n`);
