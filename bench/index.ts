/** `npm run bench`: ratios of ours to a peer, measured in one run. Never a pass or a failure. */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { Command } from "commander";
import { benchBoot } from "./boot.ts";
import { benchMachine } from "./machine.ts";
import type { Result } from "./measure.ts";
import { benchMm } from "./mm.ts";
import { benchNvme } from "./nvme.ts";
import { markdown, plot, table } from "./report.ts";

const SUITES: Readonly<Record<string, () => Promise<Result[]>>> = {
  boot: benchBoot,
  mm: benchMm,
  nvme: benchNvme,
  machine: benchMachine,
};

async function run(
  names: readonly string[],
  options: { json: string; docs: boolean },
): Promise<void> {
  const results: Result[] = [];
  for (const name of names) {
    process.stderr.write(`bench: ${name} …\n`);
    results.push(...((await SUITES[name]?.()) ?? []));
  }
  const machine = {
    node: process.version,
    cpu: cpus()[0]?.model ?? "unknown",
    cpus: cpus().length,
  };
  process.stdout.write(table(results));
  mkdirSync("build", { recursive: true });
  writeFileSync(options.json, `${JSON.stringify({ machine, results }, null, 2)}\n`);
  if (!options.docs) return;
  mkdirSync("docs/benchmarks", { recursive: true });
  for (const name of names) writeFileSync(`docs/benchmarks/${name}.svg`, plot(name, results));
  writeFileSync("docs/benchmarks.md", markdown(machine, names, results));
}

await new Command("bench")
  .description("Measure the machine and the kernel against peers, in one run.")
  .argument("[suite...]", `suites: ${Object.keys(SUITES).join(", ")} (default: all)`)
  .option("--json <file>", "where the figures go as JSON", "build/bench.json")
  .option("--docs", "write docs/benchmarks.md and its plots as well", false)
  .action(async (names: string[], options: { json: string; docs: boolean }, command: Command) => {
    const unknown = names.find((name) => !Object.hasOwn(SUITES, name));
    if (unknown !== undefined)
      command.error(`error: there is no suite "${unknown}"`, { exitCode: 2 });
    await run(names.length > 0 ? names : Object.keys(SUITES), options);
  })
  .parseAsync();
