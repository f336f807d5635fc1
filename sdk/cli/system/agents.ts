/** Commands about agents that there are. */
import type { Agent } from "../../../services/messages/api.ts";
import { RequestError } from "../../../services/messages/errors.ts";
import { eachOf } from "./complain.ts";
import { type Act, type Context, named, nameIn, said, say, show } from "./context.ts";
import type { Column } from "./table.ts";
import { bytes, percent, span } from "./units.ts";

/** What an agent may have, as options of commands say it. */
export interface LimitOptions {
  readonly mem?: number;
  readonly cpu?: number;
  readonly weight?: number;
  readonly handles?: number;
  readonly messages?: number;
  readonly storage?: number;
  readonly restart?: string;
}

/** Those that were said. */
export function limitsOf({ mem, cpu, weight, handles, messages, storage }: LimitOptions) {
  return said({ memory: mem, cpu, weight, handles, messages, storage });
}

const OVER: readonly string[] = ["exited", "lost"];
const DIGEST_SHOWN = 12;

const age = (since: number) => span(Date.now() / 1000 - since);

/** "Exited (7)", "Running": how it is, as a person is told. */
export function stateOf({ state, exit }: Agent): string {
  const word = state[0]?.toUpperCase() + state.slice(1);
  if (state !== "exited" || !exit) return word;
  return exit.reason === "exited" ? `${word} (${exit.code})` : `${word} (${exit.reason})`;
}

/** A digest is told apart by its first digits. */
export const shortImage = ({ image: { reference } }: Agent): string =>
  reference.startsWith("sha256:") ? reference.slice(7, 7 + DIGEST_SHOWN) : reference;

export const shareOf = ({ limits: { cpu, weight } }: Agent): string =>
  cpu === undefined ? `weight ${weight}` : percent(cpu);

const restartOf = ({ restart: { policy, limit } }: Agent): string =>
  limit === 0 ? policy : `${policy}:${limit}`;

const COLUMNS: readonly Column<Agent>[] = [
  { title: "NAME", of: ({ name }) => name },
  { title: "PROJECT", of: ({ project }) => project },
  { title: "STATE", of: stateOf },
  { title: "AGE", of: ({ created }) => age(created), right: true },
  { title: "RESTARTS", of: ({ restarts }) => String(restarts), right: true },
  { title: "CPU", of: shareOf },
  { title: "MEMORY", of: ({ limits }) => bytes(limits.memory), right: true },
  { title: "IMAGE", of: shortImage },
];

const orNone = (value: number | undefined | null, text: (it: number) => string = String): string =>
  value === undefined || value === null ? "-" : text(value);

/** With the limits that most agents don't have, and what the kernel calls it. */
const WIDE_COLUMNS: readonly Column<Agent>[] = [
  ...COLUMNS,
  { title: "HANDLES", of: ({ limits }) => orNone(limits.handles), right: true },
  { title: "MESSAGES", of: ({ limits }) => orNone(limits.messages), right: true },
  { title: "STORAGE", of: ({ limits }) => orNone(limits.storage, bytes), right: true },
  { title: "RESTART", of: restartOf },
  { title: "AGENT", of: ({ agent }) => orNone(agent), right: true },
];

/** Status of an agent that was ended by a fault: as shells have it for SIGKILL. */
const EXIT_ENDED = 128 + 9;

/** The status of an agent that is over, as that of a command. */
export const statusOf = ({ exit }: Agent): number =>
  exit?.reason === "exited" || exit?.reason === "killed" ? exit.code : EXIT_ENDED;

export const nameOf = ({ name }: Agent): string => name;

const ps: Act = async (context, _, options) => {
  const { project } = context.options;
  const { all, output } = options as { all?: boolean; output?: "wide" };
  const agents = await context.client.call("agent.list", project ? { project } : {});
  const shown = agents.filter(({ state }) => all || !OVER.includes(state));
  return show(
    context,
    shown.sort((a, b) => a.created - b.created),
    output === "wide" ? WIDE_COLUMNS : COLUMNS,
    nameIn(context),
  );
};

const inspect: Act = async (context, names) => {
  const found: unknown[] = [];
  const status = await eachOf(context, names, async (name) =>
    found.push(await context.client.call("agent.inspect", named(context, name))),
  );
  say(context, JSON.stringify(found, null, 2));
  return status;
};

/** Seconds for which a request waits for an agent's end. */
const WAIT_S = 20;

/** Waits for all of them; the status is the last one's. */
const wait: Act = async (context, names) => {
  let status = 0;
  for (const name of names) {
    const agent = await overOf(context, name);
    status = statusOf(agent);
    say(context, context.options.json ? JSON.stringify(agent) : String(status));
  }
  return status;
};

export async function overOf(context: Context, name: string): Promise<Agent> {
  const { client, signal } = context;
  for (;;) {
    const asked = { ...named(context, name), wait: WAIT_S };
    const agent = await client.call("agent.wait", asked, signal);
    if (OVER.includes(agent.state)) return agent;
  }
}

const rm: Act = async (context, names, options) => {
  const { force = false } = options as { force?: boolean };
  return await eachOf(context, names, async (name) => {
    await context.client.call("agent.remove", { ...named(context, name), force });
    say(context, context.options.json ? JSON.stringify({ removed: name }) : name);
  });
};

/** Does something to each of several agents; prints their names, as docker does. */
const each =
  (change: (context: Context, name: string, options: unknown) => Promise<Agent>): Act =>
  async (context, names, options) => {
    const changed: Agent[] = [];
    const status = await eachOf(context, names, async (name) => {
      const agent = await change(context, name, options);
      changed.push(agent);
      if (!context.options.json) say(context, agent.name);
    });
    if (context.options.json) say(context, JSON.stringify(changed, null, 2));
    return status;
  };

const simply = (method: "agent.pause" | "agent.resume" | "agent.start"): Act =>
  each((context, name) => context.client.call(method, named(context, name)));

export const AGENT_ACTS: Readonly<Record<string, Act>> = {
  ps,
  inspect,
  wait,
  rm,
  pause: simply("agent.pause"),
  resume: simply("agent.resume"),
  start: simply("agent.start"),
  kill: each((context, name, options) => {
    const { code, grace = 0 } = options as { code: number; grace?: number };
    return context.client.call("agent.kill", { ...named(context, name), code, grace });
  }),
  update: each((context, name, options) => {
    const asked = options as LimitOptions;
    if (Object.keys(limitsOf(asked)).length === 0 && asked.restart === undefined)
      throw new RequestError("bad-request", `what of ${name}? Like --cpu 50% or --restart always`);
    return context.client.call("agent.update", {
      ...named(context, name),
      limits: limitsOf(asked),
      ...said({ restart: asked.restart }),
    });
  }),
};
