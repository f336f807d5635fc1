/** What has happened in the system, and how it is. */
import { setTimeout as sleep } from "node:timers/promises";
import pc from "picocolors";
import type { Event, Result } from "../../../services/messages/api.ts";
import { askAgain } from "../../client/again.ts";
import { type Act, type Context, report, say } from "./context.ts";
import { type Column, printable, tableLines } from "./table.ts";
import { bytes, memoryText, span } from "./units.ts";

/** Seconds for which a request waits for something new. */
const WAIT_S = 20;
const PAUSE_MS = 100;

/** "agent.exited default/worker code=7". */
export function eventText({ kind, project, name, detail }: Event): string {
  const who = [project, name].filter((it) => it !== null).join("/");
  const rest = Object.entries(detail)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${value}`);
  return printable([kind, ...(who ? [who] : []), ...rest].join(" "));
}

const eventLine = (event: Event): string =>
  `${pc.dim(new Date(event.time * 1000).toISOString())} ${eventText(event)}`;

/** Events from one on; with `follow` for good. */
export async function* eventsFrom(
  { client, signal, options: { project } }: Context,
  from: number,
  follow: boolean,
): AsyncGenerator<Event> {
  const only = project ? { project } : {};
  while (!signal.aborted) {
    const asked = performance.now();
    const params = { ...only, from, limit: 1000, wait: follow ? WAIT_S : 0 };
    const { events, next } = await askAgain(
      () => client.call("events.read", params, signal),
      signal,
    );
    yield* events;
    if (events.length === 0 && !follow) return;
    from = next;
    if (events.length === 0 && performance.now() - asked < PAUSE_MS)
      await sleep(PAUSE_MS, undefined, { signal });
  }
}

const events: Act = async (context, _, given) => {
  const {
    follow = false,
    since = 0,
    tail,
  } = given as {
    follow?: boolean;
    since?: number;
    tail?: number;
  };
  const past: Event[] = [];
  for await (const event of eventsFrom(context, 0, false))
    if (event.time >= since) past.push(event);
  const print = (event: Event) =>
    say(context, context.options.json ? JSON.stringify(event) : eventLine(event));
  past.slice(tail === undefined ? 0 : Math.max(0, past.length - tail)).forEach(print);
  if (!follow) return undefined;
  const next = (past.at(-1)?.sequence ?? -1) + 1;
  for await (const event of eventsFrom(context, next, true)) print(event);
  return undefined;
};

type Service = Result<"system.status">["services"][number];

const SERVICE_COLUMNS: readonly Column<Service>[] = [
  { title: "SERVICE", of: ({ name }) => name },
  { title: "STATE", of: ({ agent }) => (agent === null ? "Restarting" : "Running") },
  { title: "RESTARTS", of: ({ restarts }) => String(restarts), right: true },
  { title: "MEMORY", of: ({ memory }) => bytes(memory), right: true },
];

const status: Act = async (context) => {
  const it = await context.client.call("system.status", {});
  const states = Object.entries(it.agents).map(([state, count]) => `${count} ${state}`);
  return report(
    context,
    it,
    [
      `up ${span(it.uptime)} at ${context.client.place}`,
      memoryText(it),
      `agents ${states.join(", ") || "none"}`,
      "",
      ...tableLines(it.services, SERVICE_COLUMNS, context.out.columns),
    ].join("\n"),
  );
};

export const EVENT_ACTS: Readonly<Record<string, Act>> = { events, status };
