/** Makes commands of the table (specs.ts), and what is the same for all of them: where, how, and their ends. */
import { Command, Option } from "commander";
import { EXIT_BAD_INPUT, EXIT_REFUSED, EXIT_UNAVAILABLE, exitWithBadInput } from "../exit.ts";
import { helpText } from "../help.ts";
import { complain } from "./complain.ts";
import type { CommonOptions, Context } from "./context.ts";
import { actsOf, type CommandSpec, SPECS } from "./specs.ts";

export interface PlaceOptions extends CommonOptions {
  readonly state?: string;
  readonly host?: string;
  readonly token?: string;
}

/** Does the work of a command with a context: a process of its own, or a line of the shell. */
export type Runner = (
  options: PlaceOptions,
  work: (context: Context) => Promise<number | undefined>,
) => Promise<void>;

const PLACE_OPTIONS = [
  new Option("--state <dir>", "state directory of the system (AIOS_STATE)"),
  new Option("--host <address>", "its gateway, like 127.0.0.1:7117 (AIOS_HOST)").conflicts("state"),
  new Option("--token <token>", "shown to the gateway (AIOS_TOKEN)"),
];

const PROJECT_OF_AGENT = "project of the agent, or write project/agent";

const STATUSES = `
Exit status:
  0  it was done
  ${EXIT_REFUSED}  the system refuses: there is no such agent, a capability is missing
  ${EXIT_BAD_INPUT}  bad usage or bad input
  ${EXIT_UNAVAILABLE}  no system answers`;

/** All commands of the table; without a runner each asks a system by itself. */
export function systemCommands(runner: Runner = runAlone): Command[] {
  return Object.entries(SPECS).map(([name, spec]) => commandOf(name, spec, runner));
}

function commandOf(name: string, spec: CommandSpec, runner: Runner): Command {
  const command = new Command(name).summary(spec.summary);
  command.description(`${sentence(spec.summary)}${spec.details ? `\n${spec.details}` : ""}`);
  if (spec.arguments) command.arguments(spec.arguments);
  for (const option of spec.options ?? []) command.addOption(option);
  if (spec.project !== null)
    command.option("-p, --project <name>", spec.project ?? PROJECT_OF_AGENT);
  if (spec.quiet) command.option("-q, --quiet", "print names only");
  command.option("--json", "print JSON; a document a line when following");
  for (const option of PLACE_OPTIONS) command.addOption(option);
  const examples = spec.examples.map((example) => `  ${example}`).join("\n");
  command.addHelpText("after", helpText(`${STATUSES}\n\nExamples:\n${examples}\n`));
  command.action(async () => {
    const options = command.opts<PlaceOptions>();
    await runner(options, async (context) => {
      const act = (await actsOf(spec.group))[name];
      if (!act) throw new Error(`nothing does "${name}"`);
      return await act(context, command.args, options);
    });
  });
  return exitWithBadInput(command);
}

const sentence = (text: string): string => `${text[0]?.toUpperCase()}${text.slice(1)}.`;

/** In a process of its own: Ctrl-C ends what is followed; the process has the status. */
const runAlone: Runner = async (options, work) => {
  const { Client } = await import("../../client/client.ts");
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.stdout.on("error", ({ code }) => process.exit(code === "EPIPE" ? 0 : 1));
  const { signal } = stop;
  let client: InstanceType<typeof Client> | null = null;
  try {
    client = Client.at(options, process.env);
    const { stdin, stdout: out, stderr: err } = process;
    const input = () => ({ stream: stdin, leaves: false, close: () => void stdin.pause() });
    process.exitCode = (await work({ client, input, out, err, signal, options })) ?? 0;
  } catch (error) {
    if (!signal.aborted) process.exitCode = complain(error, process.stderr);
  } finally {
    client?.close();
  }
};
