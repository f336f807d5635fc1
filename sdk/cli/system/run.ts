/** `aios run`. */
import type { Agent } from "../../../services/messages/api.ts";
import { RequestError } from "../../../services/messages/errors.ts";
import { nameOf } from "./agents.ts";
import { type Act, type Context, named, say } from "./context.ts";
import { bringImage } from "./images.ts";
import { LogCursor, writeLine } from "./logs.ts";

interface RunOptions {
  readonly name?: string;
  readonly cap?: readonly string[];
  readonly mem?: number;
  readonly cpu?: number;
  readonly weight?: number;
  readonly env?: readonly string[];
  readonly restart?: string;
  readonly attach?: boolean;
}

/** Status of an agent that was ended from outside or by a fault: as shells have it for signals. */
const EXIT_ENDED = 128 + 9;
/** What Ctrl-C means to a shell. */
const EXIT_INTERRUPTED = 130;

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

/** Without what wasn't said: an option that is left out isn't one that is undefined. */
export const said = <T extends object>(it: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(it).filter(([, value]) => value !== undefined)) as never;

const run: Act = async (context, [image = "", ...args], given) => {
  const { client, options } = context;
  const { name, cap = [], mem, cpu, weight, env = [], restart, attach } = given as RunOptions;
  const brought = await bringImage(client, image);
  const agent = await client.call("agent.run", {
    image: brought?.reference ?? brought?.digest ?? image,
    args,
    env: environmentOf(env),
    capabilities: [...cap],
    limits: said({ memory: mem, cpu, weight }),
    ...said({ name, restart, project: options.project }),
  });
  if (attach) return await attached(context, agent);
  say(context, options.json ? JSON.stringify(agent, null, 2) : agent.name);
  return undefined;
};

/** Shows what the agent writes until it is over: its status. */
export async function attached(context: Context, agent: Agent): Promise<number> {
  const { client, signal } = context;
  const it = named(context, `${agent.project}/${nameOf(agent)}`);
  try {
    for await (const line of new LogCursor(context, it).follow()) writeLine(context, line, {});
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (signal.aborted) {
    await client.call("agent.kill", { ...it, code: EXIT_INTERRUPTED });
    return EXIT_INTERRUPTED;
  }
  const { exit } = await client.call("agent.inspect", it);
  return exit?.reason === "exited" || exit?.reason === "killed" ? exit.code : EXIT_ENDED;
}

export const RUN_ACTS: Readonly<Record<string, Act>> = { run };
