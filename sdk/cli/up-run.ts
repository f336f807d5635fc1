/** What `aios up` does. */
import { isatty } from "node:tty";
import { wantsTraces } from "../../services/gateway/traces.ts";
import type { Result } from "../../services/messages/api.ts";
import { RequestError } from "../../services/messages/errors.ts";
import { unusable } from "../../services/up/state-folder.ts";
import { System } from "../../services/up/system.ts";
import { askAgain } from "../client/again.ts";
import { stateDirectory } from "../client/place.ts";
import { EXIT_BAD_INPUT, EXIT_OFF, EXIT_REFUSED } from "./exit.ts";
import { eventText } from "./system/events.ts";
import { bytes, percent, span } from "./system/units.ts";
import type { UpOptions } from "./up.ts";
import { Screen } from "./up-screen.ts";
import { version } from "./version.ts";

const STATUS_MS = 1000;
/** Of a request for events: how many at most, and for how long it waits for one, in seconds. */
const EVENTS_MAX = 1000;
const WAIT_S = 20;
/** Agents have so long to end by themselves, seconds. */
const GRACE_S = 2;
/** Status when a second signal comes: what shells have for SIGINT. */
const EXIT_AT_ONCE = 130;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const STREAMS = [0, 1, 2] as const;

export async function runUp(options: UpOptions): Promise<number> {
  const state = stateDirectory(options.state, process.env);
  try {
    if (options.detach) {
      const { detach } = await import("./up-detach.ts");
      return await detach(state);
    }
    return await inForeground(options, state);
  } catch (error) {
    return refused(error, state);
  }
}

async function inForeground(options: UpOptions, state: string): Promise<number> {
  const screen = new Screen(process.stdout, options.json ?? false);
  const { cpus, memory, port, mount: mounts } = options;
  const traces = wantsTraces(process.env)
    ? (problem: string) => screen.log({ kind: "error", text: problem })
    : undefined;
  const system = await System.start({
    state,
    cpus,
    memory,
    port: port === false ? null : port,
    mounts,
    traces,
  });
  const status = await new Up(system, screen).run();
  // The libraries would wait for a collector that doesn't answer, up to limits of their own.
  if (traces) process.exit(status);
  return status;
}

/** What the file system refuses while the system starts is about its directory. */
function refused(error: unknown, state: string): number {
  const { syscall } = error as NodeJS.ErrnoException;
  const told = syscall === undefined ? error : unusable(state, error as NodeJS.ErrnoException);
  if (!(told instanceof RequestError)) throw error;
  process.stderr.write(`error: ${told.message}\n`);
  return told.code === "bad-request" ? EXIT_BAD_INPUT : EXIT_REFUSED;
}

class Up {
  private readonly system: System;
  private readonly screen: Screen;
  private readonly began = performance.now();
  /** Seconds since 1970, whole as the machine's first. */
  private readonly since = Math.floor(Date.now() / 1000 - process.uptime());
  private stopping = false;
  private stopped: Promise<void> = Promise.resolve();
  private failures = 0;
  private cpu = process.cpuUsage();
  private cpuAt = performance.now();

  constructor(system: System, screen: Screen) {
    this.system = system;
    this.screen = screen;
  }

  async run(): Promise<number> {
    const { system, screen } = this;
    // Who has no terminal has none that can be closed. Node forgets that nohup had SIGHUP ignored.
    const isOnTerminal = STREAMS.some(isatty);
    const stop = (signal: NodeJS.Signals) => {
      if (signal !== "SIGHUP" || isOnTerminal) this.stop();
    };
    for (const signal of SIGNALS) process.on(signal, stop);
    const running = system.run().then(
      () => EXIT_OFF,
      (error: Error) => {
        screen.log({ kind: "error", text: `the system has ended: ${error.message}` });
        return EXIT_REFUSED;
      },
    );
    const ready = system.ready().then(() => this.announce());
    void ready.then(() => this.follow()).catch((error) => this.failed(error));
    const timer = setInterval(() => this.look(), STATUS_MS);
    const status = await running;
    clearInterval(timer);
    await ready.catch(() => {});
    if (status !== EXIT_OFF) await system.stop();
    await this.stopped;
    screen.close();
    screen.log({ kind: "stopped", text: "stopped" });
    for (const signal of SIGNALS) process.off(signal, stop);
    return status;
  }

  /** The first signal stops in order, the second at once. */
  private stop(): void {
    if (this.stopping) process.exit(EXIT_AT_ONCE);
    this.stopping = true;
    this.screen.log({ kind: "stopping", text: "stopping; Ctrl-C again stops at once" });
    this.stopped = this.system.stop(GRACE_S);
  }

  private announce(): void {
    const { socket, port, state } = this.system;
    const seconds = process.uptime().toFixed(2);
    const gateway = port === null ? "" : `, gateway http://127.0.0.1:${port}`;
    this.screen.log({
      kind: "ready",
      text: `aios ${version()} is ready after ${seconds} s: ${socket}${gateway}`,
      detail: { pid: process.pid, state, socket, port, seconds: Number(seconds) },
    });
    this.look();
  }

  /** What happens in the system goes to the log. */
  private async follow(): Promise<void> {
    const { owner } = this.system.access;
    for (let from = 0; !this.stopping; ) {
      const asked = { from, limit: EVENTS_MAX, wait: WAIT_S };
      const read = () => owner.call("events.read", asked) as Promise<Result<"events.read">>;
      const { events, next } = await askAgain(read);
      for (const event of events.filter(({ time }) => time >= this.since))
        this.screen.log({ kind: "event", text: eventText(event), detail: { event } });
      from = next;
    }
  }

  /** The system may stop while the log waits. */
  private failed({ message }: Error): void {
    if (!this.stopping) this.screen.log({ kind: "error", text: `events: ${message}` });
  }

  /** Says what has gone wrong lately, and how the system is. */
  private look(): void {
    const { machine } = this.system;
    const { failures } = machine.agents;
    for (const { error } of failures.slice(this.failures))
      this.screen.log({ kind: "error", text: error.message });
    this.failures = failures.length;
    if (!this.stopping) this.screen.status(this.line());
  }

  private line(): string {
    const { kernel } = this.system.machine;
    const live = kernel.agents.filter(({ end }) => end === null).length;
    const frames = kernel.frames;
    const used = frames ? (frames.count - frames.free) * FRAME_BYTES : 0;
    const up = span((performance.now() - this.began) / 1000);
    return `up ${up}, agents ${live}, memory ${bytes(used)} of ${bytes((frames?.count ?? 0) * FRAME_BYTES)}, CPU ${percent(this.busy())}`;
  }

  /** Share of one of the host's processors that this process has used since the last look. */
  private busy(): number {
    const now = performance.now();
    const { user, system } = process.cpuUsage(this.cpu);
    const share = (user + system) / 1000 / Math.max(1, now - this.cpuAt);
    this.cpu = process.cpuUsage();
    this.cpuAt = now;
    return share;
  }
}

const FRAME_BYTES = 4096;
