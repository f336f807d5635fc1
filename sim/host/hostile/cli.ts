/**
 * Runs guests that misbehave, each drawn from a seed, in a process of their own.
 *
 *   tsx sim/host/hostile/cli.ts --seed 1 --count 1000         prints each seed before it is run
 *   tsx sim/host/hostile/cli.ts --seed 17 --shrink case.bin   writes a smaller image that still fails
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { loadModules } from "../modules.ts";
import { drawGuest, type HostileGuest, imageOf } from "./draw.ts";
import { runHostile } from "./run.ts";
import { shrink } from "./shrink.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "1" },
    until: { type: "string", default: "200000" },
    shrink: { type: "string" },
  },
});
const modules = await loadModules();
const until = BigInt(values.until);

async function problem(guest: HostileGuest): Promise<string | null> {
  try {
    await runHostile(guest, modules, until);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.count); seed++) {
  process.stdout.write(`seed ${seed}\n`);
  const guest = drawGuest(seed);
  const found = await problem(guest);
  if (found === null) continue;
  process.stdout.write(`failed ${seed}: ${guest.what}: ${found}\n`);
  process.exitCode = 1;
  if (values.shrink === undefined) continue;
  const smaller = await shrink(guest, async (candidate) => (await problem(candidate)) !== null);
  writeFileSync(values.shrink, imageOf(smaller));
  const { cpus } = guest.options;
  process.stdout.write(
    `aios boot --kernel ${values.shrink} --memory 2M --cpus ${cpus} --debug-exit --until ${until}ns\n`,
  );
}
process.stdout.write(`memory ${process.memoryUsage().rss}\n`);
