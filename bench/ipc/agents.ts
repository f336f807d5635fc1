/** TypeScript agents that send messages forth and back on a booted machine, against MessageChannel. */
import { agent, type Step, type Sys } from "../../sdk/agent/index.ts";
import { agentImage, buildBootImage } from "../../sdk/image/index.ts";
import { Machine } from "../../sim/host/machine.ts";
import type { ProgramFunction } from "../../sim/host/programs.ts";
import { interleave, type Progress, pairedRow, plainRow, type Results } from "../measure.ts";
import { Channel } from "./channel.ts";

const BYTES = 64;
const RUNS = 15;
const TRIPS = 2_000;
const CHANNEL_TRIPS = 500;
const WARM_UP_TRIPS = 40_000;
/** Virtual time between two looks at how far the agents are, ns: some hundred round trips. */
const SPAN = 2_000_000n;

/** ns of each of `count` rounds or some more, which `done` counts; the machine and its kernel inside. */
function nsOfEach(machine: Machine, count: number, done: () => number): number {
  const first = done();
  const start = performance.now();
  // In parts of virtual time: a condition would have the machine stop after each micro-step.
  while (done() < first + count) {
    const stop = machine.run({ until: machine.time + SPAN });
    const [failure] = machine.agents.failures;
    if (stop !== "limit" || failure) throw new Error(`agents: ${stop}; ${failure?.error}`);
  }
  return ((performance.now() - start) * 1e6) / (done() - first);
}

/** A machine of which two agents talk, and do nothing else. */
export class Talkers {
  private readonly machine: Machine;
  private done = 0;

  private constructor(machine: Machine, exchange: boolean) {
    this.machine = machine;
    machine.agents.program("init", this.ping(exchange));
    machine.agents.program("pong", agent(exchange ? pongByExchange : pong));
  }

  /** Either each message is sent and then one received, or both in one operation: `Sys.exchange`. */
  static async create(cpus: number, exchange = false): Promise<Talkers> {
    const entries = ["init", "pong"].map((name) => ({
      name,
      data: agentImage({ runtime: "host", program: name }),
    }));
    const drives = [{ data: await buildBootImage({ entries }) }];
    return new Talkers(await Machine.create({ cpus, memory: 64 << 20, drives }), exchange);
  }

  private ping(exchange: boolean): ProgramFunction {
    const talkers = this;
    return agent(function* (sys: Sys): Step<void> {
      const image = yield* sys.image("pong");
      const { capability } = yield* sys.spawn({ image, grants: [{ capability: sys.self }] });
      yield* sys.send(capability, new Uint8Array(), sys.self);
      const payload = new Uint8Array(BYTES).fill(7);
      while (true) {
        if (!exchange) yield* sys.send(capability, payload);
        const { bytes } = yield* exchange ? sys.exchange(capability, payload) : sys.receive();
        if (bytes.length !== BYTES) throw new Error("another answer than was sent");
        talkers.done += 1;
      }
    });
  }

  /** ns of a round trip, all of the machine and its kernel inside; `count` of them or some more. */
  trips(count: number): number {
    return nsOfEach(this.machine, count, () => this.done);
  }
}

function* pong(sys: Sys): Step<void> {
  const { capability } = yield* sys.receive();
  while (true) {
    const { bytes } = yield* sys.receive();
    yield* sys.send(capability, bytes);
  }
}

function* pongByExchange(sys: Sys): Step<void> {
  const { capability } = yield* sys.receive();
  let { bytes } = yield* sys.receive();
  while (true) ({ bytes } = yield* sys.exchange(capability, bytes));
}

/** An agent that sends to itself and receives that, without ever waiting. */
export class Monologue {
  private readonly machine: Machine;
  private done = 0;

  private constructor(machine: Machine) {
    this.machine = machine;
    const monologue = this;
    const payload = new Uint8Array(BYTES).fill(7);
    const init = agent(function* (sys: Sys): Step<void> {
      while (true) {
        yield* sys.send(sys.self, payload);
        const { bytes } = yield* sys.receive();
        if (bytes.length !== BYTES) throw new Error("another message than was sent");
        monologue.done += 1;
      }
    });
    machine.agents.program("init", init);
  }

  static async create(): Promise<Monologue> {
    const entries = [{ name: "init", data: agentImage({ runtime: "host", program: "init" }) }];
    const drives = [{ data: await buildBootImage({ entries }) }];
    return new Monologue(await Machine.create({ memory: 64 << 20, drives }));
  }

  /** ns of a send and its receive; `count` of them or some more. */
  pairs(count: number): number {
    return nsOfEach(this.machine, count, () => this.done);
  }
}

/** Samples of `ours`, in parts of `count`, once V8 has put optimised code in place. */
async function warmUp(ours: (count: number) => number, count: number): Promise<void> {
  for (let done = 0; done < WARM_UP_TRIPS; done += count) {
    ours(count);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function measureTalkers(results: Results, cpus: number, exchange: boolean): Promise<void> {
  const talkers = await Talkers.create(cpus, exchange);
  await warmUp((count) => talkers.trips(count), TRIPS);
  for (const where of ["one thread", "a worker"] as const) {
    const channel = new Channel(where);
    await channel.trips(BYTES, 10 * CHANNEL_TRIPS);
    const samples = await interleave(
      RUNS,
      () => talkers.trips(TRIPS),
      () => channel.trips(BYTES, CHANNEL_TRIPS),
    );
    await channel.stop();
    const by = exchange ? "by exchange" : "by send and receive";
    const name = `TypeScript agents, 64 bytes forth and back ${by}, ${cpus} CPU${cpus > 1 ? "s" : ""}`;
    const peerName = `MessageChannel, ${where}`;
    const aim = where === "a worker" ? "0.1 at most, 0.02" : "";
    results.rows.push(
      pairedRow({ group: "ipc", name, unit: "ns", peerName, ...(aim ? { aim } : {}) }, samples),
    );
  }
}

async function measureMonologue(results: Results): Promise<void> {
  const monologue = await Monologue.create();
  await warmUp((count) => monologue.pairs(count), TRIPS);
  const samples = Array.from({ length: RUNS }, () => monologue.pairs(TRIPS));
  const name = "TypeScript agent, 64 bytes sent to itself and received";
  results.rows.push(plainRow({ group: "ipc", name, unit: "ns" }, samples));
}

export async function measureAgents(results: Results, progress: Progress): Promise<void> {
  for (const cpus of [1, 2])
    for (const exchange of [false, true]) {
      progress(`agents on ${cpus} CPUs`);
      await measureTalkers(results, cpus, exchange);
    }
  progress("an agent that talks to itself");
  await measureMonologue(results);
}
