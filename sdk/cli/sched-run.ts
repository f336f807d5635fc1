/** Runs the workload that `aios sched` names. Loaded only when it is needed: it brings the machine. */
import { closeSync, existsSync, openSync, readdirSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MachineError } from "../../sim/host/errors.ts";
import { WorkloadError } from "../workload/error.ts";
import type { SchedulingSink } from "../workload/events.ts";
import { FILE_BYTES_MAX } from "../workload/json.ts";
import type { Workload } from "../workload/model.ts";
import { parseWorkload } from "../workload/parse.ts";
import { Plot } from "../workload/plot.ts";
import { Report } from "../workload/report.ts";
import { type RunResult, type RunSettings, runWorkload } from "../workload/run.ts";
import { byAgent, byTask, reportText } from "../workload/summary.ts";
import { SchedulingTrace } from "../workload/trace.ts";
import { duration } from "../workload/units.ts";
import { ERASE_LINE } from "./erase.ts";
import { EXIT_BAD_INPUT, EXIT_LIMIT, EXIT_OFF, EXIT_PANIC } from "./exit.ts";
import { FileError, readInputFile, writeFileAtomically } from "./image-file.ts";
import type { SchedArguments } from "./sched.ts";
import { seedBytes } from "./seed.ts";

/** Set by the bundler of pkg/, where the workloads lie beside the code. */
declare const AIOS_PACKAGED: boolean | undefined;

function suiteFolder(): string {
  const place = typeof AIOS_PACKAGED === "undefined" ? "../workload/suite/" : "./workloads/";
  return fileURLToPath(new URL(place, import.meta.url));
}

/** Names and descriptions of the workloads that come along. */
export function listWorkloads(): string {
  const folder = suiteFolder();
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const names = files.map((name) => basename(name, ".json")).sort();
  const width = Math.max(...names.map((name) => name.length));
  return names
    .map((name) => {
      const { description } = read(join(folder, `${name}.json`), `${name}.json`);
      return `${name.padEnd(width)}  ${description}\n`;
    })
    .join("");
}

/** A file, or by its name one that comes along. */
function read(path: string, name: string, cpus?: number): Workload {
  const text = new TextDecoder().decode(readInputFile(path, FILE_BYTES_MAX));
  return parseWorkload(text, name, cpus);
}

function open(workload: string, cpus: number): Workload {
  const coming = join(suiteFolder(), `${basename(workload, ".json")}.json`);
  const named = !existsSync(workload) && !workload.includes("/") && existsSync(coming);
  return read(named ? coming : workload, workload, cpus);
}

/** Runs, prints and returns the exit status. Bad input is one line on stderr. */
export async function runSched(name: string, options: SchedArguments): Promise<number> {
  try {
    return await run(open(name, options.cpus), options);
  } catch (error) {
    const expected =
      error instanceof WorkloadError || error instanceof FileError || error instanceof MachineError;
    if (!expected && !isFileError(error)) throw error;
    process.stderr.write(`aios: ${(error as Error).message}\n`);
    return EXIT_BAD_INPUT;
  }
}

const isFileError = (error: unknown) =>
  error instanceof Error && typeof (error as NodeJS.ErrnoException).code === "string";

function requireEnd({ file, duration: given, tasks }: Workload, until: bigint | undefined): void {
  const endless = tasks.some(
    ({ loop, phases }) => loop < 0 || phases.some((each) => each.loop < 0),
  );
  if (given === null && until === undefined && endless)
    throw new FileError(`${file}: it runs for ever; --until says how long, or "duration"`);
}

async function run(workload: Workload, options: SchedArguments): Promise<number> {
  requireEnd(workload, options.until);
  const outputs = new Outputs(workload, options);
  let result: RunResult;
  try {
    result = await runWorkload(workload, settingsOf(options), (start) => outputs.sinks(start));
  } finally {
    outputs.close();
  }
  if (process.stderr.isTTY) process.stderr.write(ERASE_LINE);
  outputs.write(result);
  return statusOf(result);
}

function settingsOf(options: SchedArguments): RunSettings {
  const ns = (time: bigint | undefined) => (time === undefined ? undefined : Number(time));
  const given = {
    memory: options.memory,
    until: ns(options.until),
    seed: options.seed === undefined ? undefined : seedBytes(options.seed),
    quantum: ns(options.quantum),
    epoch: ns(options.epoch),
    fairReserve: options.fairReserve === undefined ? undefined : options.fairReserve / 100,
    onConsole: options.console ? toStandardOutput : undefined,
    onProgress: process.stderr.isTTY ? progress() : undefined,
  };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { cpus: options.cpus, ...Object.fromEntries(known) } as RunSettings;
}

const toStandardOutput = (byte: number) => void process.stdout.write(Uint8Array.of(byte));

/** Says on a terminal how far a long run is, a few times a second. */
function progress(): (elapsed: number) => void {
  const PAUSE_MS = 250;
  let next = performance.now() + PAUSE_MS;
  return (elapsed) => {
    if (performance.now() < next) return;
    next = performance.now() + PAUSE_MS;
    process.stderr.write(`${ERASE_LINE}${duration(elapsed)} of virtual time`);
  };
}

function statusOf({ end, failures }: RunResult): number {
  if (end === "panic" || failures.length > 0) return EXIT_PANIC;
  return end === "stuck" ? EXIT_LIMIT : EXIT_OFF;
}

/** The report, and what else the options ask for. */
class Outputs {
  private readonly workload: Workload;
  private readonly options: SchedArguments;
  private report: Report | null = null;
  private plot: Plot | null = null;
  private traceFile: number | null = null;

  constructor(workload: Workload, options: SchedArguments) {
    this.workload = workload;
    this.options = options;
    // A file that can't be written is better known before a long run.
    if (options.trace !== undefined) this.traceFile = openSync(options.trace, "w");
  }

  sinks(start: number): SchedulingSink[] {
    const { workload, options } = this;
    const { cpus } = options;
    const masks = workload.tasks.flatMap((task) => [
      task.cpus,
      ...task.phases.map((phase) => phase.cpus ?? task.cpus),
    ]);
    this.report = new Report({ cpus, start, groups: workload.groups, masks });
    const sinks: SchedulingSink[] = [this.report];
    const agents = workload.tasks.reduce((sum, { instances }) => sum + instances, 0);
    if (options.plot !== undefined) {
      this.plot = new Plot({ title: `${workload.file}: who ran when`, cpus, start, agents });
      sinks.push(this.plot);
    }
    const { traceFile } = this;
    if (traceFile !== null)
      sinks.push(new SchedulingTrace(cpus, (text) => void writeSync(traceFile, text)));
    return sinks;
  }

  close(): void {
    if (this.traceFile !== null) closeSync(this.traceFile);
    this.traceFile = null;
  }

  write(result: RunResult): void {
    const { workload, options, report } = this;
    for (const note of workload.notes) process.stderr.write(`aios: ${workload.file}: ${note}\n`);
    if (this.plot && options.plot !== undefined)
      writeFileAtomically(options.plot, new TextEncoder().encode(this.plot.svg()));
    if (report && options.json)
      process.stdout.write(
        `${JSON.stringify(jsonOf(workload, options, report, result), null, 2)}\n`,
      );
    else if (report) process.stdout.write(textOf(workload, options, report, result));
    for (const line of troubles(result)) process.stderr.write(`aios: ${line}\n`);
  }
}

function textOf(
  { file, description }: Workload,
  { cpus }: SchedArguments,
  report: Report,
  { refusals, end }: RunResult,
): string {
  const what = description === "" ? "" : `: ${description}`;
  const many = cpus === 1 ? "1 processor" : `${cpus} processors`;
  const head = `${file}${what}\n${report.agents.length} agents, ${many}, ${duration(report.elapsed)}`;
  const over = end === "ended" ? "; all agents have ended" : "";
  const refused = refusals.map(({ agent, status }) => `\nrefused: ${agent} (${status})`);
  return `${head}${over}${refused.join("")}\n\n${reportText(report)}`;
}

function jsonOf(
  { file, description }: Workload,
  { cpus }: SchedArguments,
  report: Report,
  { end, refusals, failures, lost }: RunResult,
) {
  return {
    workload: file,
    description,
    cpus,
    end,
    elapsedNs: report.elapsed,
    refused: refusals,
    failures: failures.map(({ name, status, time }) => ({ agent: name, status, timeNs: time })),
    lostRecords: lost,
    agents: byAgent(report),
    tasks: byTask(report),
    processors: report.processors,
  };
}

/** What a person should know beside the figures. */
function troubles({ end, reason, failures, lost }: RunResult): string[] {
  const lines = failures.map(
    ({ name, status }) => `${name} was ended by a call that failed (status ${status})`,
  );
  if (end === "panic") lines.push(reason);
  if (end === "stuck") lines.push("agents are left that nothing can wake any more");
  if (lost > 0) lines.push(`${lost} trace records were lost: the figures are incomplete`);
  return lines;
}
