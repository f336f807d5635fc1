/**
 * The agents that set a workload up, TypeScript on the host's runtime: the machine's first agent, and
 * one for each group, whose children are the group. They make what tasks share, start the tasks'
 * agents and give each its handles, then wait for forks.
 */
import * as Rights from "../../kernel/cap/rights.ts";
import type { Integer } from "../../sim/host/programs.ts";
import { Structure } from "../agent/calls.ts";
import {
  type Child,
  type SchedulerConfiguration,
  type Spawn,
  type Step,
  type Sys,
  SyscallError,
} from "../agent/index.ts";
import type { CompiledTask, CompiledWorkload } from "./compile.ts";
import { type Waiter, waitersOf } from "./conditions.ts";
import type { AgentInfo } from "./events.ts";
import type { Group, Task, Workload } from "./model.ts";
import { HANDLES, INSTANCE, MESSAGE, type Resource, SEED, START } from "./program.ts";
import { endpointOf } from "./resources.ts";
import { scheduleOf } from "./schedule.ts";

const SELF_RIGHTS =
  Rights.RIGHT_INFO |
  Rights.RIGHT_RECEIVE |
  Rights.RIGHT_WAIT |
  Rights.RIGHT_SCHEDULE |
  Rights.RIGHT_KILL;
const POOL_RIGHTS = Rights.RIGHT_ALLOCATE;
const RESOURCE_RIGHTS = Rights.RIGHT_SEND | Rights.RIGHT_RECEIVE | Rights.RIGHT_MAP;
const BOARD_BYTES = 4096;

/** Virtual time that a call of setting up takes at most, and calls for each agent and in all. */
const CALL_NS = 5_000;
const CALLS_AN_AGENT = 10;
const CALLS_AT_LEAST = 1_000;
/** The start is at a whole millisecond. */
const ROUND_NS = 1_000_000;

/** Name of the image of task number `index`, and of the leaders of groups. */
export const taskImage = (index: number) => `task-${index}`;
export const LEADER_IMAGE = "leader";

/** An agent that the kernel didn't take, and the status that says why. */
export interface Refusal {
  readonly agent: string;
  readonly status: string;
}

export interface SetupOptions {
  readonly compiled: CompiledWorkload;
  /** Starts the random generators of agents. */
  readonly seed: bigint;
  readonly configuration: SchedulerConfiguration;
  /** Virtual time of the machine, ns. */
  readonly now: () => number;
  /** Told of each agent of the workload as it is made. */
  readonly onAgent: (info: AgentInfo, time: number) => void;
}

/** SplitMix64 (Steele, Lea, Flood 2014): seeds of agents from one seed. */
function seedOf(seed: bigint, ordinal: number): bigint {
  let z = BigInt.asUintN(64, seed + BigInt(ordinal + 1) * 0x9e3779b97f4a7c15n);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

/** What a resource is called among the handles of a setting-up agent. */
function keyOf(resource: Resource, { task, instance }: Waiter, workload: Workload): string {
  if (resource.kind === "own") return wakeKey({ task, instance });
  if (resource.kind !== "wake") return `${resource.kind} ${resource.name}`;
  const waiter = waitersOf(resource.name, workload)[resource.index];
  return waiter ? wakeKey(waiter) : "";
}

const wakeKey = ({ task, instance }: Waiter) => `wake ${task}-${instance}`;
/** Parents of groups: "" of "/a", "/a" of "/a/b". */
const parentOf = (path: string) => path.slice(0, path.lastIndexOf("/"));

/** What a setting-up agent works with. */
interface Means {
  readonly sys: Sys;
  /** Its capability to the kernel, for images. */
  readonly kernel: Integer;
  /** Its capabilities to what tasks share. */
  readonly handles: ReadonlyMap<string, number>;
}

/** Sets one workload up. All its setting-up agents share this. */
export class Setup {
  /** Virtual time at which the workload begins, ns; null before it is known. */
  start: number | null = null;
  readonly refusals: Refusal[] = [];
  private readonly options: SetupOptions;
  private readonly workload: Workload;
  /** Groups, and the root, that have made all their agents. */
  private populated = 0;
  private agents = 0;
  /** What each leader finds, by its identifier. */
  private readonly leaders = new Map<number, { path: string; means: Omit<Means, "sys"> }>();

  constructor(options: SetupOptions) {
    this.options = options;
    this.workload = options.compiled.workload;
  }

  /** Whether all agents are made. */
  get done(): boolean {
    return this.populated === this.workload.groups.length + 1;
  }

  /** Program of the machine's first agent. */
  *root(sys: Sys): Step<void> {
    yield* sys.configureScheduler(this.options.configuration);
    const handles = yield* this.makeShared(sys);
    // Every call takes some virtual time; the start is after the last of them.
    const calls = this.options.compiled.tasks.reduce(
      (sum, { task, resources }) => sum + (CALLS_AN_AGENT + resources.length) * task.instances,
      CALLS_AT_LEAST + this.workload.groups.length * handles.size,
    );
    const ready = this.options.now() + calls * CALL_NS + this.longestPeriod();
    this.start = Math.ceil(ready / ROUND_NS) * ROUND_NS;
    yield* this.populate("", { sys, kernel: sys.argument, handles });
  }

  /** Program of groups' leaders: each begins when it is told to. */
  *leader(sys: Sys): Step<void> {
    yield* sys.receive();
    const found = this.leaders.get(sys.id);
    if (!found) throw new Error(`nobody knows the leader ${sys.id}`);
    yield* this.populate(found.path, { ...found.means, sys });
  }

  /**
   * A reservation's periods begin when its agent can run; one that has begun for setting it up must
   * be over at the start, so that the next one begins with the agent's first step.
   */
  private longestPeriod(): number {
    return Math.max(
      0,
      ...this.workload.tasks.map(({ scheduling }) => scheduling.budget?.period ?? 0),
    );
  }

  /** Endpoints, events of those that wait, and the page of shared timers. */
  private *makeShared(sys: Sys): Step<Map<string, number>> {
    const handles = new Map<string, number>();
    const { resources } = this.options.compiled;
    for (const resource of resources) {
      const { kind, name } = resource;
      handles.set(`${kind} ${name}`, yield* makeResource(sys, resource, this.workload));
    }
    const conditions = resources.filter(({ kind }) => kind === "waiters");
    const waiters = conditions.flatMap(({ name }) => waitersOf(name, this.workload));
    for (const key of new Set(waiters.map(wakeKey))) handles.set(key, yield* sys.endpoint("event"));
    return handles;
  }

  /** Makes the agents of a group, then its forks for ever. */
  private *populate(path: string, means: Means): Step<void> {
    const { tasks } = this.options.compiled;
    const images = new Map<CompiledTask, number>();
    for (const [index, task] of tasks.entries())
      if (task.task.group === path)
        images.set(task, yield* means.sys.image(taskImage(index), means.kernel));
    for (const [task, image] of images)
      for (let instance = 0; instance < task.task.instances; instance++)
        yield* this.spawnTask(task, image, instance, nameOf(task.task, instance), means);
    for (const group of this.workload.groups)
      if (parentOf(group.path) === path) yield* this.spawnLeader(group, means);
    this.populated += 1;
    yield* this.serveForks(path, images, means);
  }

  private *serveForks(path: string, images: Map<CompiledTask, number>, means: Means): Step<void> {
    const { sys, handles } = means;
    const queue = handles.get(`forks ${path}`);
    // Nobody has a capability to send to it: it waits for ever.
    if (queue === undefined) {
      yield* sys.wait({ mailbox: true });
      return;
    }
    for (let fork = 0; ; fork++) {
      const { bytes } = yield* sys.receive(queue);
      const number = new Structure(bytes).id(0);
      const task = this.options.compiled.tasks[number];
      const image = task && images.get(task);
      if (!task || image === undefined) throw new Error(`there is no task ${number}`);
      yield* this.spawnTask(task, image, fork, `${task.task.name}+${fork}`, means);
    }
  }

  private *spawnTask(
    { task, resources }: CompiledTask,
    image: number,
    instance: number,
    name: string,
    means: Means,
  ): Step<void> {
    const { compiled, onAgent, now, seed } = this.options;
    const { class: kind, weight, budget } = task.scheduling;
    const child = yield* this.spawn(name, means.sys, {
      image,
      selfRights: SELF_RIGHTS,
      poolRights: POOL_RIGHTS,
      ...scheduleOf(task.scheduling, task.cpus, compiled.weightDivisor),
    });
    if (!child) return;
    const { cpus, group } = task;
    const { id, capability } = child;
    onAgent({ id, name, task: task.name, class: kind, weight, budget, cpus, group }, now());
    const message = new Structure(HANDLES - MESSAGE + 8 * resources.length)
      .setU64(START - MESSAGE, this.start ?? 0)
      .setU64(SEED - MESSAGE, seedOf(seed, this.agents))
      .setU64(INSTANCE - MESSAGE, 8 * instance);
    this.agents += 1;
    const waiter = { task: task.name, instance };
    for (const [at, resource] of resources.entries()) {
      const from = handleOf(keyOf(resource, waiter, this.workload), means.handles);
      const made = yield* means.sys.derive(from, { holder: capability, rights: RESOURCE_RIGHTS });
      message.setU64(HANDLES - MESSAGE + 8 * at, made);
    }
    yield* means.sys.send(capability, message.bytes);
    yield* means.sys.drop(capability);
  }

  /** An agent whose children share the group's weight. */
  private *spawnLeader({ path, weight }: Group, means: Means): Step<void> {
    const { sys, handles } = means;
    const { weightDivisor } = this.options.compiled;
    const image = yield* sys.image(LEADER_IMAGE, means.kernel);
    const share = { weight: Math.max(1, Math.round(weight / weightDivisor)), group: true };
    const child = yield* this.spawn(`group ${path}`, sys, { image, ...share });
    if (!child) return;
    const holder = child.capability;
    const own = new Map<string, number>();
    for (const [key, handle] of handles) own.set(key, yield* sys.derive(handle, { holder }));
    const kernel = yield* sys.derive(Number(means.kernel), { holder });
    this.leaders.set(child.id, { path, means: { kernel, handles: own } });
    yield* sys.send(holder, new Uint8Array(1));
  }

  /** Null, and a refusal, for an agent that the kernel doesn't take. */
  private *spawn(name: string, sys: Sys, options: Spawn): Step<Child | null> {
    try {
      return yield* sys.spawn(options);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.refusals.push({ agent: name, status: error.status.toLowerCase().replaceAll("_", " ") });
      return null;
    }
  }
}

const nameOf = ({ name, instances }: Task, instance: number) =>
  instances === 1 ? name : `${name}-${instance}`;

function handleOf(key: string, handles: ReadonlyMap<string, number>): number {
  const handle = handles.get(key);
  if (handle === undefined) throw new Error(`there is no ${key}`);
  return handle;
}

function* makeResource(sys: Sys, resource: Resource, workload: Workload): Step<number> {
  const endpoint = endpointOf(resource, workload);
  if (!endpoint) {
    const at = yield* sys.allocate(BOARD_BYTES);
    return (yield* sys.call("REGION_SHARE", sys.pool, at, BOARD_BYTES)).value;
  }
  const { type, capacity, initial } = endpoint;
  const handle = yield* sys.endpoint(type, capacity);
  if (initial > 0) yield* sys.signal(handle, initial);
  return handle;
}
