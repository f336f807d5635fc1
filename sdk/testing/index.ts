/**
 * Agents under test: real ones on a machine in this process, step by step if that is wanted. Time is the
 * machine's, so a test that is run again sees the same.
 *
 *   const system = await startSystem({ echo: { module: await compileAssemblyScript("echo.ts") } });
 *   system.send("echo", "hello");
 *   expect(system.receive().text).toBe("hello");
 *   console.log(system.text);            // what it has asked of its system
 */

import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import { encode } from "../../services/messages/json.ts";
import type { Machine } from "../../sim/host/machine.ts";
import type { Child } from "../agent/births.ts";
import type { Step } from "../agent/calls.ts";
import { SyscallError } from "../agent/error.ts";
import type { Message } from "../agent/messages.ts";
import type { Sys } from "../agent/sys.ts";
import { machineWith } from "../agent/testing.ts";
import { type AgentUnderTest, programOf } from "./programs.ts";
import { type Call, lineOf } from "./trace.ts";

export { BundleError, bundle } from "../../services/quickjs/bundle.ts";
export type { AgentUnderTest } from "./programs.ts";
export type { Call } from "./trace.ts";

/** The test itself, as agents know it. */
export const TEST = "test";
const PIPE_BYTES = 64 * 1024;
const MEMORY = 12 << 20;
const TICK_NS = 1_000_000n;
const RIGHTS = RIGHT_SEND | RIGHT_DERIVE;
/** Virtual time after which something that is waited for is given up. */
const PATIENCE_NS = 10_000_000_000n;
/** Characters of the trace that a failure shows. */
const TEXT_MAX = 2000;

export interface Ended {
  readonly reason: string;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Received {
  /** Name of the agent that has sent it. */
  readonly from: string;
  readonly text: string;
  /** Answers a request. */
  reply(text: string): void;
}

interface Held {
  child: Child | null;
  readonly pipes: number[];
  readonly written: string[];
  end: { reason: string; code: number } | null;
}

/** Boots a machine, and starts the agents on it in the order in which they stand. */
export async function startSystem(
  agents: Readonly<Record<string, AgentUnderTest>>,
): Promise<SystemUnderTest> {
  const system = new SystemUnderTest(agents);
  const programs = await Promise.all(
    Object.entries(agents).map(async ([name, agent]) => [
      name,
      await programOf(agent, {
        now: () => system.time,
        nameOf: (id) => system.nameOf(name, id),
        note: (call) => void system.trace.push(call),
      }),
    ]),
  );
  const init = (sys: Sys) => system.init(sys);
  system.machine = await machineWith({ init }, { programs: Object.fromEntries(programs) });
  return system;
}

export class SystemUnderTest {
  /** What agents have asked of their system, in the order of the answers. */
  readonly trace: Call[] = [];
  /** @internal */
  machine: Machine | null = null;
  private readonly agents: Readonly<Record<string, AgentUnderTest>>;
  private readonly held = new Map<string, Held>();
  private readonly inbox: Message[] = [];
  private readonly tasks: ((sys: Sys) => Step<void>)[] = [];
  private taken = 0;

  constructor(agents: Readonly<Record<string, AgentUnderTest>>) {
    this.agents = agents;
    for (const name of Object.keys(agents))
      this.held.set(name, { child: null, pipes: [], written: ["", ""], end: null });
  }

  /** Virtual time, ns. */
  get time(): bigint {
    return this.machine?.time ?? 0n;
  }

  /** The trace, a line a call. */
  get text(): string {
    return this.trace.map(lineOf).join("\n");
  }

  /** Sends a message to an agent's mailbox, as soon as the machine goes on. */
  send(to: string, text: string): void {
    const held = this.find(to);
    this.tasks.push(function* (sys) {
      yield* sys.send(held.child?.capability ?? 0, new TextEncoder().encode(text));
    });
  }

  /** Runs until an agent has sent a message to "test". @throws Error when none comes */
  receive(): Received {
    this.until("a message", () => this.inbox.length > 0);
    const { sender, bytes, capability } = this.inbox.shift() as Message;
    const [from = String(sender)] =
      [...this.held].find(([, { child }]) => child?.id === sender) ?? [];
    const reply = (text: string) =>
      void this.tasks.push(function* (sys) {
        yield* sys.send(capability, new TextEncoder().encode(text));
      });
    return { from, text: new TextDecoder().decode(bytes), reply };
  }

  /** Runs until an agent is over: how. */
  ended(name: string): Ended {
    const held = this.find(name);
    this.until(`the end of ${name}`, () => held.end !== null);
    const [stdout = "", stderr = ""] = held.written;
    const { reason, code } = held.end ?? { reason: "", code: 0 };
    return { reason, code, stdout, stderr };
  }

  /** Runs up to the next call that an agent makes, and gives it. */
  step(): Call {
    this.until("a call", () => this.trace.length > this.taken);
    return this.trace[this.taken++] as Call;
  }

  /** Runs for so many nanoseconds of virtual time. */
  pass(nanoseconds: number | bigint): void {
    const end = this.time + BigInt(nanoseconds);
    this.machine?.run({ until: end });
  }

  private until(what: string, condition: () => boolean): void {
    const { machine } = this;
    const until = this.time + PATIENCE_NS;
    if (!machine || condition()) return;
    const reason = machine.run({ condition, until });
    if (condition()) return;
    const [failure] = machine.agents.failures;
    const cause = failure?.error.cause ?? failure?.error;
    throw new Error(`${what} hasn't come: ${reason}\n${this.text.slice(-TEXT_MAX)}`, { cause });
  }

  private find(name: string): Held {
    const held = this.held.get(name);
    if (!held) throw new Error(`there is no agent "${name}"`);
    return held;
  }

  /** @internal */
  nameOf(name: string, id: number): string {
    const { child } = this.find(name);
    return child === null || child.id === id ? name : `${name}/${id}`;
  }

  /** @internal The first agent: starts the others, and is the test among them. */
  *init(sys: Sys): Step<never> {
    for (const [name, held] of this.held) yield* this.start(sys, name, held);
    const births: [capability: number, birth: unknown][] = [];
    for (const [name, held] of this.held) births.push(yield* this.introduce(sys, name, held));
    // All know each other before one of them runs.
    for (const [capability, birth] of births) yield* sys.send(capability, encode(birth));
    while (true) {
      for (const task of this.tasks.splice(0)) yield* task(sys);
      const deadline = (yield* sys.now()) + TICK_NS;
      const woken = yield* sys.wait({ mailbox: true, notices: true, deadline });
      if (woken.what === "message") this.inbox.push(yield* sys.receive());
      for (const held of this.held.values()) yield* drain(sys, held);
      if (woken.what === "notice" && woken.notice.kind === "ended") {
        const { agent, reason, code } = woken.notice;
        for (const held of this.held.values())
          if (held.child?.id === agent) held.end = { reason, code: Number(code) };
      }
    }
  }

  private *start(sys: Sys, name: string, held: Held): Step<void> {
    for (let n = 0; n < 2; n++) held.pipes.push(yield* sys.endpoint("pipe", PIPE_BYTES));
    held.child = yield* sys.spawn({
      image: yield* sys.image(name),
      quota: this.agents[name]?.memory ?? MEMORY,
      grants: held.pipes.map((capability) => ({ capability, rights: RIGHTS })),
    });
  }

  /** What an agent is to be told: what it is, and whom it knows. */
  private *introduce(sys: Sys, name: string, { child }: Held): Step<[number, unknown]> {
    const { args = [], env = {}, peers = [] } = this.agents[name] ?? {};
    const { capability: holder = 0, grants = [] } = child ?? {};
    const capabilities: { text: string; handle: number }[] = [];
    for (const peer of peers) {
      const from = peer === TEST ? sys.self : (this.find(peer).child?.capability ?? 0);
      const handle = yield* sys.derive(from, { holder, rights: RIGHTS });
      capabilities.push({ text: peer, handle });
    }
    return [holder, { args: [name, ...args], env, streams: [null, ...grants], capabilities }];
  }
}

/** What an agent and its clones have written so far. */
function* drain(sys: Sys, { pipes, written }: Held): Step<void> {
  for (const [n, pipe] of pipes.entries()) {
    try {
      written[n] += new TextDecoder().decode(yield* sys.read(pipe, PIPE_BYTES));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
  }
}
