/**
 * Runs guests that misbehave, or with --drivers drivers that do, each drawn from a seed.
 *
 *   tsx sim/host/hostile/cli.ts --seed 1 --count 1000         prints each seed before it is run
 *   tsx sim/host/hostile/cli.ts --seed 17 --shrink case.bin   writes a smaller image that still fails
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { loadModules } from "../modules.ts";
import { DEVICES, runDriver } from "./devices.ts";
import { drawGuest, type HostileGuest, imageOf } from "./draw.ts";
import { runHostile } from "./run.ts";
import { shrink } from "./shrink.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "1" },
    until: { type: "string", default: "200000" },
    shrink: { type: "string" },
    drivers: { type: "boolean", default: false },
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

const complain = (seed: number, what: string) => {
  process.stdout.write(`failed ${seed}: ${what}\n`);
  process.exitCode = 1;
};

const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.count); seed++) {
  process.stdout.write(`seed ${seed}\n`);
  if (values.drivers) {
    const device = DEVICES[seed % DEVICES.length] ?? "platform";
    await runDriver(device, seed).catch((error) => complain(seed, `${device}: ${error.message}`));
    continue;
  }
  const guest = drawGuest(seed);
  const found = await problem(guest);
  if (found === null) continue;
  complain(seed, `${guest.what}: ${found}`);
  if (values.shrink === undefined) continue;
  const smaller = await shrink(guest, async (candidate) => (await problem(candidate)) !== null);
  writeFileSync(values.shrink, imageOf(smaller));
  const { cpus } = guest.options;
  process.stdout.write(
    `aios boot --kernel ${values.shrink} --memory 2M --cpus ${cpus} --debug-exit --until ${until}ns\n`,
  );
}
process.stdout.write(`memory ${process.memoryUsage().rss}\n`);
