import { Command, InvalidArgumentError } from "commander";
import type { Mount } from "../../services/files/tree.ts";
import { EXIT_BAD_INPUT, EXIT_REFUSED, exitWithBadInput } from "./exit.ts";
import { helpText } from "./help.ts";
import { parseMemorySize } from "./size.ts";
import { parseHostFolder, parseWhole } from "./system/units.ts";

export interface UpOptions {
  readonly state?: string;
  readonly cpus?: number;
  readonly memory?: number;
  /** False: no port. */
  readonly port: number | false;
  readonly mount?: readonly Mount[];
  readonly detach?: boolean;
  readonly json?: boolean;
}

const CPUS_MAX = 64;
const PORT_MAX = 65_535;
const DEFAULT_PORT = 7117;

const MOUNT =
  "a folder of this computer among the system's files, repeatable: ~/data:/projects/demo:ro";

const HELP = `
State is in one directory: --state, else AIOS_STATE, else $XDG_STATE_HOME/aios,
else ~/.local/state/aios. Nobody but its owner gets in. Its socket is what the
other commands use; the gateway on 127.0.0.1 wants the token that is in the
directory's file "token".

Agents see the files that lie in the state directory's folder "files", as far as
their capabilities go. With --mount a folder of this computer is one of these:
FS_READ:/projects/demo reads it, FS_WRITE writes it unless it ends with :ro.

Ctrl-C (or SIGTERM) stops in order: requests under way are answered, the machine
is turned off, the state is closed. A second Ctrl-C stops at once; what was
acknowledged is on the disk in any case.

Traces of requests go to a collector by OTLP over HTTP if
OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) names one;
other variables of OpenTelemetry hold as well.

Exit status:
  0  stopped in order
  ${EXIT_REFUSED}  another instance has the directory or the port, or the machine came to an end by itself
  ${EXIT_BAD_INPUT}  bad usage, or a mount that can't be
  130  stopped at once

Examples:
  aios up
  aios up --state ./state --cpus 4 --memory 2G
  aios up --port 0 --json
  aios up --mount ~/data:/projects/demo:ro
  aios up --detach && aios run agent.wasm && aios down
`;

/** `aios up`, to be added to the program's command. */
export function upCommand(): Command {
  const up = new Command("up")
    .summary("start the system: the machine with its services, in the foreground")
    .description("Start the system: the machine with its services, in the foreground.")
    .option("--state <dir>", "state directory (AIOS_STATE)")
    .option("--cpus <number>", "processors of the machine (default: 2)", parseWhole(1, CPUS_MAX))
    .option("-m, --memory <size>", "RAM of the machine (default: 2G)", parseRam)
    .option(
      "--port <number>",
      "the gateway's port on 127.0.0.1; 0 for any",
      parsePort,
      DEFAULT_PORT,
    )
    .option("--no-port", "no gateway but the socket")
    .option("-v, --mount <folder:path[:ro]>", MOUNT, parseHostFolder)
    .option("-d, --detach", "go on in the background, with the log in the state directory")
    .option("--json", "print a document a line")
    .addHelpText("after", helpText(HELP))
    .action(async (options: UpOptions) => {
      const { runUp } = await import("./up-run.ts");
      process.exitCode = await runUp(options);
    });
  return exitWithBadInput(up);
}

/** `aios down`. */
export function downCommand(): Command {
  const down = new Command("down")
    .summary("stop the system that runs on a state directory")
    .description("Stop the system that runs on a state directory, as Ctrl-C does, and wait for it.")
    .option("--state <dir>", "state directory (AIOS_STATE)")
    .addHelpText("after", "\nExamples:\n  aios down\n  aios down --state ./state\n")
    .action(async ({ state }: { state?: string }) => {
      const { runDown } = await import("./up-detach.ts");
      process.exitCode = await runDown(state);
    });
  return exitWithBadInput(down);
}

const parsePort = parseWhole(0, PORT_MAX);
const RAM_MIN = 64 * 1024 * 1024;
const RAM_MAX = 3584 * 1024 * 1024;
const RAM_UNIT = 64 * 1024;

function parseRam(text: string): number {
  const size = parseMemorySize(text);
  if (size < RAM_MIN || size > RAM_MAX || size % RAM_UNIT !== 0)
    throw new InvalidArgumentError("64M to 3584M, a multiple of 64K.");
  return size;
}
