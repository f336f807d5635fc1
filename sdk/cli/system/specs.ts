/** The commands that ask a running system: one row each, from which help, options and completion are made. */
import { Option } from "commander";
import { HANDLES_MAX, MESSAGES_MAX } from "../../oci/media.ts";
import { parseSize } from "../size.ts";
import { collect, parseMoment, parseMount, parseShare, parseSpan, parseWhole } from "./units.ts";

/** Loads what a group of commands does, when one of them is used. */
const GROUPS = {
  agents: () => import("./agents.ts").then(({ AGENT_ACTS }) => AGENT_ACTS),
  copies: () => import("./copies.ts").then(({ COPY_ACTS }) => COPY_ACTS),
  run: () => import("./run.ts").then(({ RUN_ACTS }) => RUN_ACTS),
  logs: () => import("./logs.ts").then(({ LOG_ACTS }) => LOG_ACTS),
  caps: () => import("./caps.ts").then(({ CAP_ACTS }) => CAP_ACTS),
  events: () => import("./events.ts").then(({ EVENT_ACTS }) => EVENT_ACTS),
  projects: () => import("./projects.ts").then(({ PROJECT_ACTS }) => PROJECT_ACTS),
  top: () => import("./top.ts").then(({ TOP_ACTS }) => TOP_ACTS),
  tokens: () => import("./tokens.ts").then(({ TOKEN_ACTS }) => TOKEN_ACTS),
  shell: () => import("./shell.ts").then(({ SHELL_ACTS }) => SHELL_ACTS),
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
  /** What -p means to it; null: nothing. Otherwise it is the project of the agents that it names. */
  readonly project?: string | null;
  /** It prints names with -q. */
  readonly quiet?: true;
  /** Words that arguments complete to. */
  readonly completes?: "agents" | "images";
}

export const actsOf = (group: keyof typeof GROUPS) => GROUPS[group]();

const option = (flags: string, text: string) => new Option(flags, text);
const list = (flags: string, text: string) => option(flags, text).argParser(collect);

const LIMIT_OPTIONS = [
  option("-m, --mem <size>", "memory, like 64M").argParser(parseSize),
  option("--cpu <share>", "guaranteed and capped share of a CPU, like 20%").argParser(parseShare),
  option("--weight <number>", "share among agents without --cpu; 1024 is usual")
    .argParser(parseWhole(1, 65_536))
    .conflicts("cpu"),
  option("--handles <number>", "capabilities that it may hold, up to 1024").argParser(
    parseWhole(1, HANDLES_MAX),
  ),
  option("--messages <number>", "messages that may wait for it, up to 256").argParser(
    parseWhole(1, MESSAGES_MAX),
  ),
  option("--storage <size>", "by how much it may make files longer, like 10M").argParser(parseSize),
];
const RESTART = option(
  "--restart <policy>",
  "when it is started again once it has ended: no, on-failure, always; always:5 for five times",
);
const CAP = list(
  "-c, --cap <capability>",
  "what it may do, like FS_READ:/projects/demo; repeatable",
);
const MOUNT = option(
  "-v, --mount <source:target[:ro]>",
  "a folder of the system's files, and what the agent finds it under; repeatable",
).argParser(parseMount);
const ENV = list("-e, --env <name=value>", "a variable of its environment; repeatable");
const INTERACTIVE = option(
  "-i, --interactive",
  "it reads what this command reads, up to its end; its output is shown",
);
const TERMINAL = option("-t, --tty", "nothing: agents have streams and no terminal");
const REMOVE = option("--rm", "show its output, and forget it once it is over").conflicts("detach");
const FOLLOW = option("-f, --follow", "go on with what comes");
const TAIL = option("-n, --tail <number>", "only the last").argParser(parseWhole(0, 1_000_000));
const SINCE = option(
  "--since <time>",
  "only what is younger: 10m, or 2026-01-31T12:00:00Z",
).argParser(parseMoment);

const ONLY = "only what is in this project";

const RUN_DETAILS = `
The image is a reference or the digest of one that the system has, or what a path leads to: an image made by \
"aios image build" (.tar), a WebAssembly module (.wasm), a static executable (.elf), a script (.js, .ts), or a \
folder with an agent.json, of which an image is built. The agent gets the capabilities given here and no others.

Without --attach the agent's name is printed and the agent goes on. With it, its output is shown until it \
ends, its status is the command's own, and Ctrl-C ends the agent, which has 2 s after a message. With -i or \
--rm it is attached as well; with -i it reads what comes to this command's standard input.

Folders are those of the system's files, which lie in the folder "files" of its state directory; "aios up \
--mount" puts folders of the computer there.`;

export const SPECS: Readonly<Record<string, CommandSpec>> = {
  run: {
    group: "run",
    arguments: "<image> [args...]",
    summary: "start an agent",
    details: RUN_DETAILS,
    options: [
      option("-n, --name <name>", "name of the agent (default: one is made)"),
      CAP,
      MOUNT,
      ...LIMIT_OPTIONS,
      ENV,
      RESTART,
      option("-a, --attach", "show its output, and end with its status"),
      INTERACTIVE,
      TERMINAL,
      option("-d, --detach", "leave it alone, as it is without").conflicts([
        "attach",
        "interactive",
      ]),
      REMOVE,
    ],
    examples: [
      "aios run agent.ts",
      "aios run agent.wasm -n worker --cap FS_READ:/projects/demo --mem 64M --cpu 20%",
      "aios run worker:1.0.0 --handles 64 --messages 16 --storage 10M",
      "aios run -v /projects/demo/in:/in:ro -v /projects/demo/out:/out agent.wasm",
      "aios run -a -e MODE=fast agent.wasm -- --verbose input.txt",
      "aios run --rm check.wasm && echo well",
      "echo hello | aios run -i cat.wasm",
    ],
    completes: "images",
    project: "the project in which it is started",
    quiet: true,
  },
  ps: {
    group: "agents",
    summary: "list agents",
    options: [
      option("-a, --all", "those that are over as well"),
      option("-o, --output <form>", "all limits, the policy, and the kernel's identifier").choices([
        "wide",
      ]),
    ],
    examples: ["aios ps", "aios ps -a --project demo", "aios ps -o wide", "aios ps --json"],
    project: ONLY,
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
    arguments: "<agent...>",
    summary: "show what agents have written",
    details: "\nOf several agents each line has its agent's name in front.",
    options: [FOLLOW, TAIL, SINCE, option("-t, --timestamps", "the time in front of each line")],
    examples: [
      "aios logs worker",
      "aios logs -f --tail 20 worker",
      "aios logs -f worker store demo/front",
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
      option(
        "-g, --grace <seconds>",
        'time to end by itself, after a message {"terminate": code}',
      ).argParser(parseWhole(0, 300)),
    ],
    examples: [
      "aios kill worker",
      "aios kill --grace 10 worker",
      "aios kill --code 0 worker helper",
    ],
    completes: "agents",
    quiet: true,
  },
  pause: {
    group: "agents",
    arguments: "<agent...>",
    summary: "suspend agents; they keep all that they have",
    examples: ["aios pause worker"],
    completes: "agents",
  },
  resume: {
    group: "agents",
    arguments: "<agent...>",
    summary: "let paused agents go on",
    examples: ["aios resume worker"],
    completes: "agents",
  },
  start: {
    group: "agents",
    arguments: "<agent...>",
    summary: "start agents again that are over",
    examples: ["aios start worker"],
    completes: "agents",
  },
  clone: {
    group: "copies",
    arguments: "<agent>",
    summary: "start a copy of a running agent, which goes on where its original stands",
    details:
      "\nThe copy shares what neither of the two changes. Its identity and its chance are its own.",
    options: [option("-n, --name <name>", "name of the copy (default: one is made)")],
    examples: ["aios clone worker", "aios clone worker --name worker-2"],
    completes: "agents",
  },
  snapshot: {
    group: "copies",
    arguments: "<agent>",
    summary: "keep the state of a running agent",
    options: [option("--id <name>", "name of the snapshot (default: one is made)")],
    examples: ["aios snapshot worker", "aios snapshot worker --id before"],
    completes: "agents",
  },
  snapshots: {
    group: "copies",
    arguments: "[snapshot...]",
    summary: "list snapshots, or forget them",
    options: [option("--rm", "forget the snapshots that are named")],
    examples: ["aios snapshots", "aios snapshots --rm before"],
    project: ONLY,
    quiet: true,
  },
  rollback: {
    group: "copies",
    arguments: "<agent> [snapshot]",
    summary: "bring an agent back to a snapshot, the latest one unless it is named",
    examples: ["aios rollback worker", "aios rollback worker before"],
    completes: "agents",
  },
  update: {
    group: "agents",
    arguments: "<agent...>",
    summary: "change limits and restart policy of agents",
    options: [...LIMIT_OPTIONS, RESTART],
    examples: ["aios update --cpu 50% worker", "aios update --restart always:5 worker"],
    completes: "agents",
  },
  wait: {
    group: "agents",
    arguments: "<agent...>",
    summary: "wait until agents are over; print their statuses, and end with the last one's",
    examples: ["aios wait worker && echo done"],
    completes: "agents",
  },
  rm: {
    group: "agents",
    arguments: "<agent...>",
    summary: "forget agents that are over, with their logs",
    options: [option("-f, --force", "end those that run")],
    examples: ["aios rm worker", "aios rm -f $(aios ps -aq)"],
    completes: "agents",
  },
  exec: {
    group: "run",
    arguments: "<agent> <image> [args...]",
    summary: "start another image with an agent's capabilities, and show its output",
    details:
      "\nIts status is the command's own, and Ctrl-C ends it. What it may do goes when the agent's goes.",
    options: [
      option("-n, --name <name>", "name of the new agent (default: one is made)"),
      list("-c, --cap <capability>", "only these of the agent's capabilities; repeatable"),
      ...LIMIT_OPTIONS,
      ENV,
      option("-d, --detach", "print its name and leave it alone"),
      INTERACTIVE,
      TERMINAL,
      REMOVE,
    ],
    examples: ["aios exec worker debug.wasm -- --verbose", "aios exec -d worker backup.wasm"],
    completes: "agents",
  },
  caps: {
    group: "caps",
    arguments: "<agent-or-action> [agent] [capability...]",
    summary: "list, grant or revoke capabilities of an agent",
    details: `
Revoking takes effect at once, for all to whom the agent has handed it on as well.

HANDLE is the number by which the agent had it at its birth. One that was granted since has come with a message, \
which told the agent alone under which number; of an agent that is over there is none. Both are shown as "-".`,
    examples: [
      "aios caps worker",
      "aios caps grant worker FS_READ:/projects/demo",
      "aios caps revoke worker FS_READ:/projects/demo",
    ],
    completes: "agents",
    quiet: true,
  },
  images: {
    group: "caps",
    summary: "list images",
    examples: ["aios images", "aios images -q"],
    project: null,
    quiet: true,
  },
  load: {
    group: "caps",
    arguments: "<file...>",
    summary: "bring images, or code of which one is built, to the system without starting them",
    examples: ["aios load worker-1.0.0.tar", "aios load agent.wasm"],
    project: null,
  },
  rmi: {
    group: "caps",
    arguments: "<image...>",
    summary: "forget images that no agent has",
    examples: ["aios rmi worker:1.0.0"],
    completes: "images",
    project: null,
  },
  apply: {
    group: "projects",
    summary: "make projects what documents say: their agents, jobs and limits",
    details: `
A document is JSON, comments are fine, and is about one project. What it doesn't name any more is ended; applied \
again it starts who was killed, and changes nothing else. Of several none is applied if one isn't sound.

  { "project": "demo",
    "agents": {
      "worker": { "image": "worker:1.0.0", "restart": "always",
                  "capabilities": ["FS_READ:/projects/demo"],
                  "dependsOn": { "store": "healthy" } },
      "store": { "image": "store:1.0.0",
                 "mounts": [{ "source": "/projects/demo", "target": "/data" }],
                 "health": { "interval": 5, "exec": ["check:1.0.0", "--quick"] } }
    },
    "jobs": { "nightly": { "image": "report:1.0.0", "cron": "0 3 * * *" } } }`,
    options: [
      list(
        "-f, --file <file>",
        "a document; - for standard input; repeatable",
      ).makeOptionMandatory(),
      option("--dry-run", "only say what would change"),
    ],
    examples: [
      "aios apply -f project.json",
      "aios apply -f shop.json -f market.json",
      "aios apply -f project.json --dry-run --json",
    ],
    project: null,
  },
  projects: {
    group: "projects",
    arguments: "[project...]",
    summary: "list projects, or end all that is in them and forget them",
    options: [option("--rm", "end and forget the projects that are named")],
    examples: ["aios projects", "aios projects --json", "aios projects --rm demo"],
    project: null,
    quiet: true,
  },
  jobs: {
    group: "projects",
    arguments: "[job...]",
    summary: "list jobs of projects and when they are due, or cancel them",
    options: [option("--cancel", "stop schedules of the jobs that are named, and their runs")],
    examples: ["aios jobs", "aios jobs -p demo", "aios jobs --cancel demo/nightly"],
    project: ONLY,
    quiet: true,
  },
  tokens: {
    group: "tokens",
    arguments: "[token...]",
    summary: "list tokens of clients, make one, or revoke some",
    details: `
A token is for a client of the gateway, which may do with it what the token's capabilities say and nothing else. \
It is shown once, when it is made; afterwards it is named by its first digits. Whose token is revoked is refused \
from then on, and so are all tokens that were made with it.`,
    options: [
      option("--create <name>", "make one, and print it; the name says what it is for"),
      CAP,
      option("--expires <time>", "for so long: 90s, 10m, 1h, 30d").argParser(parseSpan),
      option("--revoke", "revoke the tokens that are named").conflicts("create"),
    ],
    examples: [
      "aios tokens",
      "aios tokens --create dashboard -c PROC_READ:demo -c LOG_READ:demo --expires 30d",
      "aios tokens --revoke 0123456789ab",
    ],
    project: null,
    quiet: true,
  },
  events: {
    group: "events",
    summary: "show what has happened: starts, ends, refusals",
    options: [FOLLOW, TAIL, SINCE],
    examples: ["aios events --since 1h", "aios events -f --json", "aios events -n 20 -p demo"],
    project: ONLY,
  },
  status: {
    group: "events",
    summary: "show how the system is: services, agents, memory",
    examples: ["aios status", "aios status --json"],
    project: null,
  },
  top: {
    group: "top",
    summary: "show what agents use, again and again",
    details: "\nKeys: s another order, q leave. Where there is no terminal, one table is printed.",
    options: [option("--once", "print one table")],
    examples: ["aios top", "aios top --once --json"],
    project: ONLY,
  },
  shell: {
    group: "shell",
    summary: "all these commands line by line, with history and completion",
    details:
      "\nCtrl-C ends a command and not the shell; Ctrl-D and exit do. Words are quoted as in sh.\nThe status is that of the last command.",
    examples: ["aios shell", "aios shell -p demo", "echo 'ps -a' | aios shell"],
    project: "the project of lines that name none",
  },
};
