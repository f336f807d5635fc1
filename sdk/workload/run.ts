/** Runs a workload on a machine of its own and tells sinks what was scheduled. */
import { AGENT_DEAD } from "../../kernel/agent/states.ts";
import type { Agent } from "../../kernel/host/views.generated.ts";
import { MachineError } from "../../sim/host/errors.ts";
import { Machine } from "../../sim/host/machine.ts";
import { Programs } from "../../sim/host/programs.ts";
import { TraceRing } from "../../sim/host/views.generated.ts";
import { agent, type SchedulerConfiguration } from "../agent/index.ts";
import { agentImage, type BundleEntry, buildBootImage } from "../image/index.ts";
import { type CompiledWorkload, compileWorkload } from "./compile.ts";
import type { AgentInfo, SchedulingSink } from "./events.ts";
import type { Workload } from "./model.ts";
import { type Failure, type Ring, SchedulingRecords } from "./records.ts";
import { LEADER_IMAGE, type Refusal, Setup, taskImage } from "./setup.ts";

export interface RunSettings {
  readonly cpus: number;
  /** Bytes of RAM; what the agents need when it isn't said. */
  readonly memory?: number;
  /** ns after the start; the workload's own duration when it isn't said. */
  readonly until?: number;
  /** 32 bytes: the machine's entropy, and where the agents' random spans begin. */
  readonly seed?: Uint8Array;
  /** ns */
  readonly quantum?: number;
  readonly epoch?: number;
  /** Part of each epoch that budgets can't take, 0 to 1. */
  readonly fairReserve?: number;
  /** Gets what the machine's console says; at the end the machine is turned off in order. */
  readonly onConsole?: (byte: number) => void;
  /** Told now and then how far it is, ns after the start. */
  readonly onProgress?: (elapsed: number) => void;
}

/** How a run ended: at its limit, with all agents over, with agents left that nothing wakes, or badly. */
export type RunEnd = "limit" | "ended" | "stuck" | "panic";

export interface RunResult {
  readonly end: RunEnd;
  /** Virtual time of the machine at the start and at the end, ns. */
  readonly start: number;
  readonly stop: number;
  /** Agents that the kernel didn't take. */
  readonly refusals: readonly Refusal[];
  /** Agents that were ended by a call that failed. */
  readonly failures: readonly (Failure & { readonly name: string })[];
  /** Trace records that were overwritten before they were read; 0 unless something is wrong. */
  readonly lost: number;
  /** Why it ended badly. */
  readonly reason: string;
}

const ROOT_PROGRAM = "aios-workload";
const LEADER_PROGRAM = "aios-workload-group";
const MIB = 1024 * 1024;
/** RAM without agents, and of each: control block, page tables, stack of the text, its data. */
const MEMORY_LEAST = 128 * MIB;
const MEMORY_AN_AGENT = 48 * 1024;
const MEMORY_MOST = 3072 * MIB;
/** Records of the machine's ring (sim/core/trace.ts). */
const MARKS = 16_384;
/** Stretches between two looks at the rings: from a slice up, as far as the rings go. */
const STRETCH_LEAST = 20_000;
const STRETCH_MOST = 2_000_000;
/** The fair class's reserve is so many parts of this (kernel/sched/sched.ts). */
const RESERVE_PARTS = 1024;
const BOOT_LIMIT = 60_000_000_000n;

function bundleOf({ tasks }: CompiledWorkload): BundleEntry[] {
  return [
    { name: "init", data: agentImage({ runtime: "host", program: ROOT_PROGRAM }) },
    { name: LEADER_IMAGE, data: agentImage({ runtime: "host", program: LEADER_PROGRAM }) },
    ...tasks.map(({ text }, index) => ({
      name: taskImage(index),
      data: agentImage({ runtime: "synthetic", text }),
    })),
  ];
}

function memoryFor({ tasks }: CompiledWorkload): number {
  const agents = tasks.reduce(
    (sum, { task, memoryBytes }) => sum + task.instances * (MEMORY_AN_AGENT + memoryBytes),
    0,
  );
  return Math.min(MEMORY_MOST, Math.ceil((MEMORY_LEAST + agents) / MIB) * MIB);
}

/** The first 8 bytes of the seed. */
function seedNumber(seed: Uint8Array | undefined): bigint {
  const bytes = seed ?? new Uint8Array(8);
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
}

/**
 * Runs the workload to its end.
 * @param sinksAt makes those that are told of agents and events, once the start's time is known
 * @throws MachineError when the machine can't be made
 */
export async function runWorkload(
  workload: Workload,
  settings: RunSettings,
  sinksAt: (start: number) => readonly SchedulingSink[],
): Promise<RunResult> {
  const compiled = compileWorkload(workload);
  const names = new Map<number, string>();
  const agents: { info: AgentInfo; time: number }[] = [];
  let sinks: readonly SchedulingSink[] = [];
  const programs = new Programs();
  const setup = new Setup({
    compiled,
    seed: seedNumber(settings.seed),
    configuration: configurationOf(settings),
    now: () => Number(machine.time),
    onAgent: (info, time) => {
      names.set(info.id, info.name);
      agents.push({ info, time });
      for (const sink of sinks) sink.agent(info, time);
    },
  });
  programs.add(
    ROOT_PROGRAM,
    agent((sys) => setup.root(sys)),
  );
  programs.add(
    LEADER_PROGRAM,
    agent((sys) => setup.leader(sys)),
  );
  const machine = await Machine.create({
    cpus: settings.cpus,
    memory: settings.memory ?? memoryFor(compiled),
    drives: [{ data: await buildBootImage({ entries: bundleOf(compiled) }) }],
    programs,
    ...(settings.seed ? { seed: settings.seed } : {}),
  });
  if (settings.onConsole) machine.onConsole(settings.onConsole);
  const trouble = setUp(machine, setup);
  const start = setup.start ?? 0;
  if (trouble !== null) return endOf(machine, setup, "panic", start, names, null, trouble);
  sinks = sinksAt(start);
  for (const { info, time } of agents) for (const sink of sinks) sink.agent(info, time);
  const records = new SchedulingRecords(ringOf(machine), marksOf(machine), (event) => {
    for (const sink of sinks) sink.event(event);
  });
  const end = follow(machine, records, start, limitOf(workload, settings), settings.onProgress);
  for (const sink of sinks) sink.finish(Math.max(start, Number(machine.time)));
  const result = endOf(machine, setup, end, start, names, records, troubleOf(machine) ?? "");
  if (settings.onConsole && end !== "panic") turnOff(machine);
  return result;
}

/** Presses the power button and waits for the orderly end, for a while. */
function turnOff(machine: Machine): void {
  machine.input.powerButton();
  machine.run({ until: machine.time + BOOT_LIMIT });
}
/** ns after the start. */
const limitOf = ({ duration }: Workload, { until }: RunSettings) =>
  until ?? duration ?? Number.POSITIVE_INFINITY;

/** Boots, has the agents made and goes on to the start; what went wrong, or null. */
function setUp(machine: Machine, setup: Setup): string | null {
  const ready = () => setup.done || machine.agents.failures.length > 0;
  machine.run({ until: BOOT_LIMIT, condition: ready });
  const trouble = troubleOf(machine);
  if (trouble !== null) return trouble;
  if (!setup.done || setup.start === null) return "the kernel didn't get to its first agent";
  if (machine.time >= BigInt(setup.start)) return "setting up took longer than was foreseen";
  machine.run({ until: setup.start });
  return troubleOf(machine);
}

/** What SchedConfigure gets. */
function configurationOf({ epoch, quantum, fairReserve }: RunSettings): SchedulerConfiguration {
  return {
    ...(epoch === undefined ? {} : { epoch }),
    ...(quantum === undefined ? {} : { quantum }),
    ...(fairReserve === undefined ? {} : { fairReserve: Math.round(fairReserve * RESERVE_PARTS) }),
  };
}

/** Why the machine or an agent of ours gave up; null while all is well. */
function troubleOf(machine: Machine): string | null {
  const { panic } = machine.kernel;
  if (panic) return `the kernel panicked: ${panic.error}`;
  if (machine.stopReason === "crashed") return machine.crash?.message ?? "the machine crashed";
  return machine.agents.failures[0]?.error.message ?? null;
}

function ringOf(machine: Machine): Ring {
  const ring = machine.kernel.trace;
  if (!ring) throw new MachineError("bad-argument", "the kernel has no trace ring");
  const { data, records, capacity, written } = ring;
  return { data, records, capacity, written };
}

function marksOf(machine: Machine): Ring {
  const { data, trace } = machine.sim.root;
  const ring = new TraceRing(data, trace);
  return { data, records: ring.records, capacity: MARKS, written: ring.written };
}

/** Runs in stretches short enough for the rings, and tells what happened in each. */
function follow(
  machine: Machine,
  records: SchedulingRecords,
  start: number,
  limit: number,
  onProgress: RunSettings["onProgress"],
): RunEnd {
  let stretch = STRETCH_LEAST;
  const end = start + limit;
  for (let at = start; ; ) {
    at = Math.min(end, at + stretch);
    const reason = machine.run({ until: Math.floor(at) });
    const fill = records.read(ringOf(machine), marksOf(machine));
    if (fill > 1 / 4) stretch = Math.max(STRETCH_LEAST, stretch / 2);
    else if (fill < 1 / 16) stretch = Math.min(STRETCH_MOST, stretch * 2);
    onProgress?.(at - start);
    if (reason === "idle") return someAlive(machine.kernel.root.initAt(0)) ? "stuck" : "ended";
    if (reason !== "limit") return "panic";
    if (at >= end) return "limit";
  }
}

/** Whether an agent of a task is not over yet; those that set up are the ones with children. */
function someAlive(parent: Agent): boolean {
  for (let at = parent.firstChild === 0 ? null : parent.firstChildAt(0); at; at = nextOf(at)) {
    if (at.childCount > 0 ? someAlive(at) : at.state < AGENT_DEAD) return true;
  }
  return false;
}

const nextOf = (agent: Agent) => (agent.nextSibling === 0 ? null : agent.nextSiblingAt(0));

function endOf(
  machine: Machine,
  { refusals }: Setup,
  end: RunEnd,
  start: number,
  names: ReadonlyMap<number, string>,
  records: SchedulingRecords | null,
  reason: string,
): RunResult {
  const failures = (records?.failures ?? []).map((failure) => ({
    ...failure,
    name: names.get(failure.agent) ?? String(failure.agent),
  }));
  const stop = Math.max(start, Number(machine.time));
  return { end, start, stop, refusals, failures, lost: records?.lost ?? 0, reason };
}
