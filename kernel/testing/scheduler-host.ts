/**
 * The scheduler over simulated time: agents that want to run for so long and then wait for so long,
 * CPUs that choose when they are asked to or when a slice ends, all exactly on time. What a test sees is
 * what the kernel decided, without what interrupts cost.
 */
import { createHash } from "node:crypto";
import * as states from "../agent/states.ts";
import { Agent as AgentView, type SchedCpu } from "../host/views.generated.ts";
import { NEVER, statusName, type StatusName, World } from "./world-host.ts";

/** Exports of scheduler.ts. */
interface SchedulerTesting {
  schedEnter(cpu: number, now: bigint): void;
  schedConfig(
    epoch: bigint,
    quantum: number,
    foreground: number,
    fairReserve: number,
    ageing: number,
  ): number;
  schedMake(parent: bigint): bigint;
  schedAttributes(): number;
  schedSet(id: bigint, attributes: number): number;
  schedWake(id: bigint): void;
  schedHalt(id: bigint, state: number): void;
  schedGiveUp(id: bigint): void;
  schedGive(from: bigint, to: bigint): number;
  schedTakeBack(from: bigint): void;
  schedEnd(id: bigint): void;
  schedNext(cpu: number): bigint;
  schedAsked(cpu: number): number;
  schedAgent(id: bigint): number;
  schedLag(id: bigint): bigint;
  schedEffective(id: bigint): bigint;
  schedInvariant(): number;
  worldSchedule(cpu: number): bigint;
}

export interface Attributes {
  readonly class?: "fair" | "realtime" | "idle";
  readonly weight?: number;
  /** ns. */
  readonly budget?: number;
  readonly period?: number;
  readonly deadline?: number;
  /** A bit for each CPU; 0 for all. */
  readonly affinity?: number;
  readonly group?: boolean;
  readonly foreground?: boolean;
}

export interface Config {
  readonly epoch?: number;
  readonly quantum?: number;
  readonly foreground?: number;
  /** Parts of 1,024. */
  readonly fairReserve?: number;
  readonly ageing?: number;
}

export interface SchedulerOptions extends Config {
  readonly cpus?: number;
  readonly ramBytes?: number;
}

const CLASSES = {
  fair: states.CLASS_FAIR,
  realtime: states.CLASS_REALTIME,
  idle: states.CLASS_IDLE,
};
/** Things that may happen at one time. */
const TURNS_MAX = 10_000;
const ATTRIBUTES_BYTES = 48;

/** One agent: how long it still wants to run, and what comes then. */
export class SimAgent {
  readonly id: bigint;
  readonly view: AgentView;
  /** ns that it wants to run before `then` is called; Infinity: for ever. */
  work = Number.POSITIVE_INFINITY;
  then: (() => void) | null = null;

  constructor(id: bigint, view: AgentView) {
    this.id = id;
    this.view = view;
  }
  get ran(): number {
    return Number(this.view.ran);
  }
}

interface Due {
  readonly time: number;
  readonly order: number;
  readonly action: () => void;
}

export class Scheduler {
  readonly world: World;
  readonly cpus: number;
  /** ns. */
  now = 0;
  readonly agents: SimAgent[] = [];
  /** Called after each choice of a CPU. */
  onDecision: (cpu: number, chosen: SimAgent | null) => void = () => {};
  /** Who runs on each CPU. */
  readonly running: (SimAgent | null)[];
  private readonly exports: SchedulerTesting;
  private readonly attributes: number;
  private readonly byId = new Map<bigint, SimAgent>();
  private queue: Due[] = [];
  private orders = 0;

  private constructor(world: World, cpus: number) {
    this.world = world;
    this.cpus = cpus;
    this.exports = world.exports as unknown as SchedulerTesting;
    this.attributes = this.exports.schedAttributes();
    this.running = Array.from({ length: cpus }, () => null);
  }

  static async create(options: SchedulerOptions = {}): Promise<Scheduler> {
    const { cpus = 1, ramBytes = 32 << 20 } = options;
    const scheduler = new Scheduler(await World.create({ cpus, ramBytes }), cpus);
    scheduler.configure(options);
    return scheduler;
  }

  configure({
    epoch = 10_000_000,
    quantum = 1_000_000,
    foreground = 250_000,
    fairReserve = 102,
    ageing = 10,
  }: Config): void {
    if (!this.exports.schedConfig(BigInt(epoch), quantum, foreground, fairReserve, ageing))
      throw new Error("no such configuration");
  }

  /** A new agent that can't run yet. */
  make(attributes: Attributes = {}, parent: SimAgent | null = null): SimAgent {
    this.enter(0);
    const id = this.exports.schedMake(parent?.id ?? 0n);
    if (id === 0n) throw new Error("no room for another agent");
    const view = new AgentView(this.world.data, this.exports.schedAgent(id));
    const agent = new SimAgent(id, view);
    this.agents.push(agent);
    this.byId.set(id, agent);
    const status = this.set(agent, attributes);
    if (status !== "OK") throw new Error(`refused: ${status}`);
    return agent;
  }

  /** Asks for attributes: what AgentSchedule does. */
  set(agent: SimAgent, attributes: Attributes): StatusName {
    this.enter(0);
    const { data } = this.world;
    const at = this.attributes;
    const flags =
      (attributes.group ? states.AGENT_GROUP : 0) |
      (attributes.foreground ? states.AGENT_FOREGROUND : 0);
    data.setUint32(at, CLASSES[attributes.class ?? "fair"], true);
    data.setUint32(at + 4, attributes.weight ?? 1024, true);
    data.setBigUint64(at + 8, BigInt(attributes.budget ?? 0), true);
    data.setBigUint64(at + 16, BigInt(attributes.period ?? 0), true);
    data.setBigUint64(at + 24, BigInt(attributes.deadline ?? 0), true);
    data.setBigUint64(at + 32, BigInt(attributes.affinity ?? 0), true);
    data.setUint32(at + 40, flags, true);
    return statusName(this.exports.schedSet(agent.id, at));
  }

  /** The agent can run, and wants to for `work` ns; then `then` happens, before any CPU chooses. */
  wake(agent: SimAgent, work = Number.POSITIVE_INFINITY, then: (() => void) | null = null): void {
    agent.work = work;
    agent.then = then;
    this.enter(0);
    this.exports.schedWake(agent.id);
  }
  stop(agent: SimAgent, state: number = states.AGENT_WAITING): void {
    this.enter(Math.max(this.running.indexOf(agent), 0));
    this.exports.schedHalt(agent.id, state);
  }
  yield(agent: SimAgent): void {
    this.enter(Math.max(this.running.indexOf(agent), 0));
    this.exports.schedGiveUp(agent.id);
  }
  donate(from: SimAgent, to: SimAgent): StatusName {
    this.enter(0);
    return statusName(this.exports.schedGive(from.id, to.id));
  }
  undonate(from: SimAgent): void {
    this.enter(0);
    this.exports.schedTakeBack(from.id);
  }
  /** Ends an agent that no CPU runs. */
  end(agent: SimAgent): void {
    this.enter(0);
    this.exports.schedEnd(agent.id);
    this.agents.splice(this.agents.indexOf(agent), 1);
    this.byId.delete(agent.id);
  }
  lag(agent: SimAgent): number {
    return Number(this.exports.schedLag(agent.id));
  }
  effectiveWeight(agent: SimAgent): number {
    return Number(this.exports.schedEffective(agent.id));
  }
  /** 0, or the number of an invariant that does not hold (schedInvariant). */
  get invariant(): number {
    return this.exports.schedInvariant();
  }
  /** What the scheduler keeps for a CPU. */
  cpu(index: number): SchedCpu {
    return this.world.kernel.root.schedAt(0).cpusAt(index);
  }
  /** Digest of all of the kernel's memory, but for where `set` puts what it asks for. */
  stateHash(): string {
    const { data } = this.world;
    new Uint8Array(data.buffer, this.attributes, ATTRIBUTES_BYTES).fill(0);
    return createHash("sha256").update(new Uint8Array(data.buffer)).digest("hex");
  }
  sliceEnd(cpu: number): number {
    const end = BigInt.asUintN(64, this.exports.schedNext(cpu));
    return end === NEVER ? Number.POSITIVE_INFINITY : Number(end);
  }

  /** Calls `action` at `time` ns. */
  at(time: number, action: () => void): void {
    this.queue.push({ time, order: this.orders++, action });
    this.queue.sort((a, b) => a.time - b.time || a.order - b.order);
  }

  /** A job of `work` ns each `period` ns from `first` on: a job that isn't done delays the next. */
  periodic(agent: SimAgent, first: number, period: number, work: number): void {
    let release = first;
    const start = () => this.wake(agent, work, done);
    const done = () => {
      release += period;
      if (release <= this.now) return this.again(agent, work, done);
      this.stop(agent);
      this.at(release, start);
    };
    this.at(first, start);
  }

  /** The running agent goes on with another `work` ns. */
  again(agent: SimAgent, work: number, then: () => void): void {
    agent.work = work;
    agent.then = then;
  }

  /** Runs up to `end` ns: all that is due then has happened, and all CPUs have chosen. */
  run(end: number): void {
    while (true) {
      this.settle();
      const next = this.nextTime();
      this.advance(Math.min(next, end));
      if (next >= end) return this.settle();
    }
  }

  /** One choice of `cpu`, now. */
  choose(cpu: number): SimAgent | null {
    this.enter(cpu);
    const id = this.exports.worldSchedule(cpu);
    const chosen = id === 0n ? null : (this.byId.get(id) ?? null);
    if (id !== 0n && chosen === null) throw new Error(`an unknown agent runs: ${id}`);
    this.running[cpu] = chosen;
    this.onDecision(cpu, chosen);
    return chosen;
  }

  /** Lets happen what is due: work that is done, actions, choices. */
  private settle(): void {
    for (let turn = 0; this.actOnce() || this.finishOnce() || this.chooseOnce(); turn++)
      if (turn > TURNS_MAX) throw new Error(`no end of choices at ${this.now} ns`);
  }

  private actOnce(): boolean {
    const first = this.queue[0];
    if (!first || first.time > this.now) return false;
    this.queue.shift();
    first.action();
    return true;
  }

  private finishOnce(): boolean {
    const done = this.running.find((agent) => agent && agent.work <= 0 && agent.then);
    if (!done) return false;
    const { then } = done;
    done.then = null;
    then?.();
    return true;
  }

  private chooseOnce(): boolean {
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      if (this.exports.schedAsked(cpu) === 0 && this.sliceEnd(cpu) > this.now) continue;
      this.choose(cpu);
      return true;
    }
    return false;
  }

  private nextTime(): number {
    let next = this.queue[0]?.time ?? Number.POSITIVE_INFINITY;
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      next = Math.min(next, this.sliceEnd(cpu));
      const agent = this.running[cpu];
      if (agent?.then) next = Math.min(next, this.now + agent.work);
    }
    return next;
  }

  private advance(time: number): void {
    const passed = time - this.now;
    for (const agent of this.running) if (agent) agent.work -= passed;
    this.now = time;
  }

  private enter(cpu: number): void {
    this.exports.schedEnter(cpu, BigInt(this.now));
  }
}
