/**
 * npm run bench: measures and prints ratios to peers that ran beside.
 *
 *   npm run bench -- [boot] [mm] [nvme] [sched] [machine] [cap] [cpu] [ipc] [agents] [up] [gateway]
 *                    [wasm] [--json FILE] [--docs] [--no-build]
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Command } from "commander";
import { measureAgents } from "./agents/index.ts";
import { measureBoot } from "./boot.ts";
import { measureCapabilities } from "./cap/index.ts";
import { measureCpu } from "./cpu/index.ts";
import { writeDocs } from "./docs.ts";
import { measureGateway } from "./gateway/index.ts";
import { describeHost } from "./host.ts";
import { measureIpc } from "./ipc/index.ts";
import { measureMachine } from "./machine.ts";
import type { Progress, Results } from "./measure.ts";
import { measureMemory } from "./mm/index.ts";
import { measureNvme } from "./nvme.ts";
import { measureSched } from "./sched/index.ts";
import { printTable } from "./table.ts";
import { measureUp } from "./up/index.ts";
import { measureWasm } from "./wasm/index.ts";

type Measure = (results: Results, progress: Progress) => Promise<void>;

const SUBJECTS: Readonly<Record<string, Measure>> = {
  boot: measureBoot,
  mm: measureMemory,
  nvme: measureNvme,
  sched: measureSched,
  machine: measureMachine,
  cap: measureCapabilities,
  cpu: measureCpu,
  ipc: measureIpc,
  agents: measureAgents,
  up: measureUp,
  gateway: measureGateway,
  wasm: measureWasm,
};

const command = new Command("bench")
  .description(
    "Measures the release modules. A ratio is the median of interleaved runs in this run.",
  )
  .argument("[subjects...]", `what to measure: ${Object.keys(SUBJECTS).join(", ")}; all by default`)
  .option("--json <file>", "where the figures go", "build/bench.json")
  .option("--docs", "write the figures of these subjects into docs/benchmarks.md, and their plots")
  .option("--no-build", "measure the modules as they are in build/")
  .parse();
const options = command.opts<{ json: string; docs?: boolean; build: boolean }>();
const subjects = command.args.length > 0 ? command.args : Object.keys(SUBJECTS);
const unknown = subjects.filter((name) => !Object.hasOwn(SUBJECTS, name));
if (unknown.length > 0)
  command.error(
    `bench: there is no subject "${unknown.join('", "')}"; there are ${Object.keys(SUBJECTS).join(", ")}`,
  );

const progress: Progress = (what) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
};

if (options.build) {
  progress("building release modules");
  execFileSync("npx", ["tsx", "sdk/build/build.ts", "--bench"], { stdio: ["ignore", "ignore", 2] });
}
const started = performance.now();
const results: Results = { rows: [], series: [], dots: [] };
for (const name of subjects) await SUBJECTS[name]?.(results, progress);
progress("");
const host = describeHost();
const seconds = Math.round((performance.now() - started) / 1000);
printTable(results.rows, host, seconds);
mkdirSync(dirname(options.json), { recursive: true });
writeFileSync(
  options.json,
  `${JSON.stringify({ host, seconds, subjects, ...results }, null, 2)}\n`,
);
if (options.docs) writeDocs(results, { subjects, host, seconds });
