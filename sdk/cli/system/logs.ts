/** What agents write, read once or followed. */
import { setTimeout as sleep } from "node:timers/promises";
import type { LogLine } from "../../../services/messages/api.ts";
import { askAgain } from "../../client/again.ts";
import { type Act, type Context, named } from "./context.ts";

/** Seconds for which a request waits for something new. */
const WAIT_S = 20;
/** An answer that comes at once though there is nothing new isn't asked for again at once. */
const PAUSE_MS = 100;

export interface LogOptions {
  readonly follow?: boolean;
  readonly tail?: number;
  readonly since?: number;
  readonly timestamps?: boolean;
}

/** A place in what an agent writes. */
export class LogCursor {
  private readonly context: Context;
  private readonly agent: ReturnType<typeof named>;
  private from = 0;
  private ended = false;

  constructor(context: Context, agent: ReturnType<typeof named>) {
    this.context = context;
    this.agent = agent;
  }

  /** All lines that there are now. */
  async rest(): Promise<LogLine[]> {
    const all: LogLine[] = [];
    for (let lines = await this.read(0); lines.length > 0; lines = await this.read(0))
      all.push(...lines);
    return all;
  }

  /** Lines as they come, until the agent is over. */
  async *follow(): AsyncGenerator<LogLine> {
    const { signal } = this.context;
    while (!signal.aborted) {
      const asked = performance.now();
      const lines = await this.read(WAIT_S);
      yield* lines;
      if (this.ended) return;
      if (lines.length > 0) continue;
      if (performance.now() - asked < PAUSE_MS) await sleep(PAUSE_MS, undefined, { signal });
    }
  }

  private async read(wait: number): Promise<LogLine[]> {
    const { client, signal } = this.context;
    const asked = { ...this.agent, from: this.from, wait };
    const { lines, next, ended } = await askAgain(
      // What isn't waited for needn't be given up.
      () => client.call("agent.logs", asked, wait > 0 ? signal : undefined),
      wait > 0 ? signal : undefined,
    );
    this.from = next;
    this.ended = ended;
    return lines;
  }
}

/** Writes a line where it belongs: what the agent has written to stderr goes to stderr. */
export function writeLine(
  context: Context,
  line: LogLine,
  { timestamps }: LogOptions,
  /** Where there are several: name of its agent, padded. */
  whose?: string,
): void {
  const { out, err, options } = context;
  if (options.json) {
    const agent = whose === undefined ? {} : { agent: whose.trimEnd() };
    out.write(`${JSON.stringify({ ...agent, ...line })}\n`);
    return;
  }
  const from = whose === undefined ? "" : `${whose} | `;
  const time = timestamps ? `${new Date(line.time * 1000).toISOString()} ` : "";
  (line.stream === "stderr" ? err : out).write(`${from}${time}${line.text}\n`);
}

const logs: Act = async (context, names, given) => {
  const options = given as LogOptions;
  const width = Math.max(...names.map(({ length }) => length));
  const sources = names.map((name) => ({
    cursor: new LogCursor(context, named(context, name)),
    whose: names.length === 1 ? undefined : name.padEnd(width),
  }));
  const past = await Promise.all(
    sources.map(async ({ cursor, whose }) =>
      (await recent(cursor, options)).map((line) => ({ line, whose })),
    ),
  );
  for (const { line, whose } of past.flat().sort((a, b) => a.line.time - b.line.time))
    writeLine(context, line, options, whose);
  if (!options.follow) return undefined;
  const followed = sources.map(async ({ cursor, whose }) => {
    for await (const line of cursor.follow()) writeLine(context, line, options, whose);
  });
  await Promise.all(followed);
  return undefined;
};

/** Those that are wanted of what has been written. */
async function recent(cursor: LogCursor, { tail, since = 0 }: LogOptions): Promise<LogLine[]> {
  const lines = (await cursor.rest()).filter(({ time }) => time >= since);
  return tail === undefined ? lines : lines.slice(Math.max(0, lines.length - tail));
}

export const LOG_ACTS: Readonly<Record<string, Act>> = { logs };
