/** `aios top`: agents by what they use, again and again. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Agent, Result } from "../../../services/messages/api.ts";
import { shareOf, stateOf } from "./agents.ts";
import { type Act, type Context, say } from "./context.ts";
import { type Column, tableLines } from "./table.ts";
import { bytes, memoryText, percent, span } from "./units.ts";

const PERIOD_MS = 1000;
/** Between the two looks of which the difference is shown, when only one table is wanted. */
const ONCE_MS = 300;
const HOME = "\x1b[H";
const ERASE_BELOW = "\x1b[J";
const ERASE_RIGHT = "\x1b[K";
const OTHER_SCREEN = "\x1b[?1049h\x1b[?25l";
const FIRST_SCREEN = "\x1b[?25h\x1b[?1049l";
const CTRL_C = "\x03";

type Inspected = Result<"agent.inspect">;

interface Row {
  readonly agent: Agent;
  /** Share of one CPU since the last look. */
  readonly cpu: number;
  readonly memory: number;
  readonly syscalls: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "NAME", of: ({ agent }) => agent.name },
  { title: "PROJECT", of: ({ agent }) => agent.project },
  { title: "STATE", of: ({ agent }) => stateOf(agent) },
  { title: "CPU", of: ({ cpu }) => percent(cpu), right: true },
  { title: "OF", of: ({ agent }) => shareOf(agent) },
  { title: "MEMORY", of: ({ memory }) => bytes(memory), right: true },
  { title: "LIMIT", of: ({ agent }) => bytes(agent.limits.memory), right: true },
  { title: "CALLS/S", of: ({ syscalls }) => syscalls.toFixed(0), right: true },
];

/** Orders, which the key s goes through. */
const ORDERS: readonly { readonly name: string; readonly before: (a: Row, b: Row) => number }[] = [
  { name: "CPU", before: (a, b) => b.cpu - a.cpu },
  { name: "memory", before: (a, b) => b.memory - a.memory },
  { name: "name", before: (a, b) => (a.agent.name < b.agent.name ? -1 : 1) },
];

/** Looks at all agents, and says what they have used since the look before. */
class Looks {
  private readonly context: Context;
  private before = new Map<string, { readonly cpuTime: number; readonly syscalls: number }>();
  private at = performance.now();

  constructor(context: Context) {
    this.context = context;
  }

  async next(): Promise<Row[]> {
    const { client, options } = this.context;
    const agents = await client.call(
      "agent.list",
      options.project ? { project: options.project } : {},
    );
    const live = agents.filter(({ agent }) => agent !== null);
    const seen = await Promise.all(
      live.map(({ name, project }) =>
        client.call("agent.inspect", { name, project }).catch((): null => null),
      ),
    );
    const seconds = (performance.now() - this.at) / 1000;
    this.at = performance.now();
    const { before } = this;
    this.before = new Map();
    return seen.flatMap((it) => (it?.usage ? [this.row(it, before, seconds)] : []));
  }

  private row(it: Inspected, before: typeof this.before, seconds: number): Row {
    const { cpuTime = 0, syscalls = 0, memory = 0 } = it.usage ?? {};
    this.before.set(it.uid, { cpuTime, syscalls });
    const last = before.get(it.uid) ?? { cpuTime, syscalls };
    return {
      agent: it,
      cpu: (cpuTime - last.cpuTime) / 1e9 / seconds,
      memory,
      syscalls: (syscalls - last.syscalls) / seconds,
    };
  }
}

const top: Act = async (context, _, given) => {
  const { once } = given as { once?: boolean };
  const live = context.out.isTTY && process.stdin.isTTY && !once && !context.options.json;
  const looks = new Looks(context);
  await looks.next();
  if (live) return await redraw(context, looks);
  await sleep(ONCE_MS);
  const rows = (await looks.next()).sort(ORDERS[0]?.before);
  if (context.options.json) say(context, JSON.stringify(rows, null, 2));
  else for (const line of tableLines(rows, COLUMNS, context.out.columns)) say(context, line);
  return undefined;
};

async function redraw(context: Context, looks: Looks): Promise<undefined> {
  const { out, signal } = context;
  const keys = new Keys(signal);
  let order = 0;
  out.write(OTHER_SCREEN);
  try {
    let rows = await looks.next();
    while (!keys.left) {
      const { name, before } = ORDERS[order] ?? { name: "", before: () => 0 };
      const head = await headOf(context, name);
      draw(context, [...head, ...tableLines(rows.sort(before), COLUMNS, out.columns)]);
      const key = await keys.next(PERIOD_MS);
      if (key === "s") order = (order + 1) % ORDERS.length;
      else if (!keys.left) rows = await looks.next();
    }
  } finally {
    keys.close();
    out.write(FIRST_SCREEN);
  }
  return undefined;
}

async function headOf({ client }: Context, order: string): Promise<string[]> {
  const { uptime, agents, memory } = await client.call("system.status", {});
  const states = Object.entries(agents).map(([state, count]) => `${count} ${state}`);
  return [
    `up ${span(uptime)}, agents: ${states.join(", ") || "none"}`,
    memoryText({ memory }),
    `by ${order}; keys: s order, q leave`,
    "",
  ];
}

function draw({ out }: Context, lines: readonly string[]): void {
  const shown = lines.slice(0, Math.max(1, (out.rows || 24) - 1));
  const text = shown.map((line) => line.slice(0, out.columns || 80) + ERASE_RIGHT).join("\n");
  out.write(HOME + text + ERASE_BELOW);
}

/** Single keys of the terminal. */
class Keys {
  left = false;
  /** Pressed, and not yet asked for. */
  private readonly pressed: string[] = [];
  private wake: () => void = () => {};
  private readonly take = (bytes: Buffer): void => {
    const keys = bytes.toString("latin1");
    this.left ||= keys.includes("q") || keys.includes(CTRL_C);
    this.pressed.push(...keys);
    this.wake();
  };

  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => this.take(Buffer.from(CTRL_C)), { once: true });
    process.stdin.setRawMode(true);
    process.stdin.on("data", this.take).resume();
  }

  /** The next key, or "" after a time. */
  async next(ms: number): Promise<string> {
    if (this.pressed.length === 0 && !this.left)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    return this.pressed.shift() ?? "";
  }

  close(): void {
    process.stdin.off("data", this.take).pause();
    process.stdin.setRawMode(false);
  }
}

export const TOP_ACTS: Readonly<Record<string, Act>> = { top };
