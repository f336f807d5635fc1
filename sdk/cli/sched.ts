import { Command, InvalidArgumentError } from "commander";
import { exitWithBadInput } from "./exit.ts";
import { helpText } from "./help.ts";
import { parseMemorySize } from "./size.ts";
import { parseTime } from "./time.ts";

export interface SchedArguments {
  readonly cpus: number;
  readonly memory?: number;
  readonly until?: bigint;
  readonly trace?: string;
  readonly plot?: string;
  readonly seed?: string;
  readonly quantum?: bigint;
  readonly epoch?: bigint;
  /** Percent of each epoch. */
  readonly fairReserve?: number;
  readonly console: boolean;
  readonly json: boolean;
  readonly list: boolean;
}

const CPUS_DEFAULT = 4;
const CPUS_MAX = 64;

function parseCpus(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= CPUS_MAX) return count;
  throw new InvalidArgumentError(`cpus: "${text}" is not a number from 1 to ${CPUS_MAX}`);
}

function parsePercent(text: string): number {
  const percent = /^\d{1,3}(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (percent >= 0 && percent <= 100) return percent;
  throw new InvalidArgumentError(`"${text}" is not a percentage from 0 to 100`);
}

const HELP = `
The workload is a file in rt-app's JSON format (docs/workloads.md), or the name of one that comes
along: --list has them. It runs on a machine of its own, in virtual time; the same file, options and
seed give the same report, to the byte.

What is printed: what each agent was promised and what it got, its lag against the fluid ideal, how
long it waited after wake-ups and for a processor, deadlines missed, and what each processor did.

Exit status:
  0  the workload ran to its end, or to --until
  1  the kernel panicked, or agents ended by a system call that failed
  2  bad usage or bad input: an option, or the file, with line, key and reason
  3  agents are left that nothing can wake any more

Examples:
  aios sched fairness --cpus 2
  aios sched workload.json --cpus 4 --until 10s --plot who-ran-when.svg
  aios sched overload --fair-reserve 0 --json`;

/** `aios sched`, to be added to the program's command. */
export function schedCommand(): Command {
  const command = new Command("sched")
    .summary("run a workload and report how it was scheduled")
    .description("Run a workload of agents and report what the scheduler gave each of them.")
    .argument("[workload]", "file in rt-app's JSON format, or the name of one that comes along")
    .option("-c, --cpus <n>", "logical processors, 1 to 64", parseCpus, CPUS_DEFAULT)
    .option(
      "-m, --memory <size>",
      "RAM, like 512M or 2G (default: what the agents need)",
      parseMemorySize,
    )
    .option(
      "--until <time>",
      "end after this time, like 10s or 500ms (default: the file's)",
      parseTime,
    )
    .option("--trace <file>", "write a trace for Perfetto or chrome://tracing")
    .option("--plot <file>", "write a picture (SVG) of who ran when")
    .option(
      "--seed <hex>",
      "boot entropy and random spans, 64 hexadecimal digits (default: all zeroes)",
    )
    .option("--quantum <time>", "longest request of the fair class (default: 1ms)", parseTime)
    .option(
      "--epoch <time>",
      "period of balancing and of the fair class's reserve (default: 10ms)",
      parseTime,
    )
    .option(
      "--fair-reserve <percent>",
      "part of each epoch that budgets can't take (default: 10)",
      parsePercent,
    )
    .option("--console", "show the machine's console as it boots and turns off", false)
    .option("--json", "print one JSON object instead of tables", false)
    .option("--list", "list the workloads that come along", false)
    .addHelpText("after", helpText(HELP))
    .action(async (workload: string | undefined, options: SchedArguments) => {
      const { listWorkloads, runSched } = await import("./sched-run.ts");
      if (options.list) process.stdout.write(listWorkloads());
      else if (workload === undefined)
        command.error("error: a workload is missing; --list has some");
      else process.exitCode = await runSched(workload, options);
    });
  return exitWithBadInput(command);
}
