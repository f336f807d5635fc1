/** The commands that ask a running system: one row each, from which help, options and completion are made. */
import { Option } from "commander";
import { parseSize } from "../size.ts";
import { collect, parseMoment, parseShare, parseWhole } from "./units.ts";

/** Loads what a group of commands does, when one of them is used. */
const GROUPS = {
  agents: () => import("./agents.ts").then(({ AGENT_ACTS }) => AGENT_ACTS),
  run: () => import("./run.ts").then(({ RUN_ACTS }) => RUN_ACTS),
  logs: () => import("./logs.ts").then(({ LOG_ACTS }) => LOG_ACTS),
} as const;

export interface CommandSpec {
  readonly group: keyof typeof GROUPS;
  /** As commander has them: "<required> [optional] [more...]". */
  readonly arguments?: string;
  readonly summary: string;
  /** More than the summary says. */
  readonly details?: string;
  readonly options?: readonly Option[];
  readonly examples: readonly string[];
  /** It prints names with -q. */
  readonly quiet?: true;
  /** Words that arguments complete to. */
  readonly completes?: "agents" | "images";
}

export const actsOf = (group: keyof typeof GROUPS) => GROUPS[group]();

const option = (flags: string, text: string) => new Option(flags, text);
const list = (flags: string, text: string) => option(flags, text).argParser(collect);

const LOG_OPTIONS = [
  option("-f, --follow", "go on with what is written, until the agent is over"),
  option("-n, --tail <lines>", "only the last lines").argParser(parseWhole(0, 1_000_000)),
  option("--since <time>", "only what is younger: 10m, or 2026-01-31T12:00:00Z").argParser(
    parseMoment,
  ),
  option("-t, --timestamps", "the time in front of each line"),
];

const RUN_DETAILS = `
The image is a WebAssembly module (.wasm), an image made by "aios image build" (.tar), or the digest of one
that the system has. The agent gets the capabilities given here and no others.

Without --attach the agent's name is printed and the agent goes on. With it, its output is shown until it
ends, its status is the command's own, and Ctrl-C ends the agent.`;

export const SPECS: Readonly<Record<string, CommandSpec>> = {
  run: {
    group: "run",
    arguments: "<image> [args...]",
    summary: "start an agent",
    details: RUN_DETAILS,
    options: [
      option("-n, --name <name>", "name of the agent (default: one is made)"),
      list("-c, --cap <capability>", "what it may do, like FS_READ:/projects/demo; repeatable"),
      option("-m, --mem <size>", "memory, like 64M").argParser(parseSize),
      option("--cpu <share>", "guaranteed and capped share of a CPU, like 20%").argParser(
        parseShare,
      ),
      option("--weight <number>", "share among agents without --cpu; 1024 is usual")
        .argParser(parseWhole(1, 65_536))
        .conflicts("cpu"),
      list("-e, --env <name=value>", "a variable of its environment; repeatable"),
      option("--restart <policy>", "when it is started again once it has ended").choices([
        "no",
        "on-failure",
        "always",
      ]),
      option("-a, --attach", "show its output, and end with its status"),
    ],
    examples: [
      "aios run agent.wasm",
      "aios run agent.wasm --name worker --cap FS_READ:/projects/demo --mem 64M --cpu 20%",
      "aios run -a -e MODE=fast agent.wasm -- --verbose input.txt",
    ],
    completes: "images",
    quiet: true,
  },
  ps: {
    group: "agents",
    summary: "list agents",
    options: [option("-a, --all", "those that are over as well")],
    examples: ["aios ps", "aios ps -a --project demo", "aios ps -q", "aios ps --json"],
    quiet: true,
  },
  inspect: {
    group: "agents",
    arguments: "<agent...>",
    summary: "show all that is known of agents, as JSON",
    examples: ["aios inspect worker", "aios inspect demo/worker"],
    completes: "agents",
  },
  logs: {
    group: "logs",
    arguments: "<agent>",
    summary: "show what an agent has written",
    options: LOG_OPTIONS,
    examples: [
      "aios logs worker",
      "aios logs -f --tail 20 worker",
      "aios logs --since 10m -t worker",
    ],
    completes: "agents",
  },
  kill: {
    group: "agents",
    arguments: "<agent...>",
    summary: "end agents and all below them",
    options: [
      option("--code <number>", "the status with which they end")
        .argParser(parseWhole(0, 255))
        .default(137),
    ],
    examples: ["aios kill worker", "aios kill --code 0 worker helper"],
    completes: "agents",
    quiet: true,
  },
};
