/** `aios run`. */
import type { Agent } from "../../../services/messages/api.ts";
import { RequestError } from "../../../services/messages/errors.ts";
import type { Mount } from "../../../services/messages/mounts.ts";
import { type LimitOptions, limitsOf, nameOf, statusOf } from "./agents.ts";
import { type Act, type Context, named, said, say } from "./context.ts";
import { feed } from "./feed.ts";
import { bring } from "./images.ts";
import { LogCursor, writeLine } from "./logs.ts";

interface RunOptions extends LimitOptions {
  readonly name?: string;
  readonly cap?: readonly string[];
  readonly mount?: readonly Mount[];
  readonly env?: readonly string[];
  readonly attach?: boolean;
  readonly detach?: boolean;
  readonly interactive?: boolean;
  /** It is forgotten once it is over. */
  readonly rm?: boolean;
}

/** What Ctrl-C means to a shell. */
const EXIT_INTERRUPTED = 130;
/** Time for an agent to end by itself at Ctrl-C, seconds. */
const GRACE_S = 2;

/** @throws RequestError bad-request */
export function environmentOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf("=");
      if (at < 1) throw new RequestError("bad-request", `--env "${text}": NAME=VALUE is meant`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

const run: Act = async (context, [image = "", ...args], given) => {
  const { client, options } = context;
  const asked = given as RunOptions;
  const { name, cap = [], env = [], restart, interactive: stdin = false } = asked;
  const attach = asked.attach || stdin || asked.rm;
  if (stdin) requireInput(context);
  const brought = await bring(context, image);
  const agent = await client.call("agent.run", {
    image: brought?.reference ?? brought?.digest ?? image,
    ...(args.length > 0 && { args }),
    env: environmentOf(env),
    capabilities: [...cap],
    mounts: [...(asked.mount ?? [])],
    limits: limitsOf(asked),
    ...said({ name, restart, project: options.project }),
    stdin,
  });
  if (attach) return await attached(context, agent, asked);
  say(context, options.json ? JSON.stringify(agent, null, 2) : agent.name);
  return undefined;
};

/** Starts another image beside an agent, with its capabilities; attached, as docker's exec is. */
const exec: Act = async (context, [beside = "", image = "", ...args], given) => {
  const { client, options } = context;
  const asked = given as RunOptions;
  const { name, cap, env = [], detach, interactive: stdin = false } = asked;
  if (stdin && !detach) requireInput(context);
  const brought = await bring(context, image);
  const agent = await client.call("agent.exec", {
    ...named(context, beside),
    image: brought?.reference ?? brought?.digest ?? image,
    ...(args.length > 0 && { args }),
    stdin,
    env: environmentOf(env),
    limits: limitsOf(asked),
    ...said({ as: name, capabilities: cap && [...cap] }),
  });
  if (!detach) return await attached(context, agent, asked);
  say(context, options.json ? JSON.stringify(agent, null, 2) : agent.name);
  return undefined;
};

/** @throws RequestError bad-request */
function requireInput({ input }: Context): void {
  if (!input)
    throw new RequestError(
      "bad-request",
      "-i: the shell's own input is its commands; run it outside",
    );
}

/** Shows what the agent writes until it is over, and gives it what it reads if it has an input: its status. */
async function attached(context: Context, agent: Agent, { rm }: RunOptions): Promise<number> {
  const status = await toItsEnd(context, agent);
  if (status === null) return 0;
  if (rm) await context.client.call("agent.remove", itself(context, agent));
  return status;
}

const itself = (context: Context, agent: Agent) =>
  named(context, `${agent.project}/${nameOf(agent)}`);

/** Its status; null if it goes on. */
async function toItsEnd(context: Context, agent: Agent): Promise<number | null> {
  const { client, signal } = context;
  const it = itself(context, agent);
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const input = agent.stdin && context.input ? context.input() : null;
  const fed = input ? feed(client, it, input.stream, until) : Promise.resolve();
  const log = new LogCursor(context, it);
  const shown = (async () => {
    for await (const line of log.follow()) writeLine(context, line, {});
    ended.abort();
  })();
  try {
    await Promise.all([shown, fed]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ended.abort();
    input?.close();
  }
  if (signal.aborted && input?.leaves) {
    say(context, `${nameOf(agent)} goes on`);
    return null;
  }
  if (signal.aborted) {
    await client.call("agent.kill", { ...it, code: EXIT_INTERRUPTED, grace: GRACE_S });
    for (const line of await log.rest()) writeLine(context, line, {});
    return EXIT_INTERRUPTED;
  }
  const over = await client.call("agent.inspect", it);
  sayFault(context, over);
  return statusOf(over);
}

/** Who traps can say nothing any more. */
function sayFault({ err }: Context, { name, exit }: Agent): void {
  if (exit?.reason === "fault")
    err.write(`error: ${name} was ended by a fault (vector ${exit.code & 0xff})\n`);
}

export const RUN_ACTS: Readonly<Record<string, Act>> = { run, exec };
