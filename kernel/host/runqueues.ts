/**
 * The run queues of a CPU, as they are in RAM: who runs, who could, in which order. What the kernel
 * will choose can be told from them before it does, decision by decision.
 */
import { RAM_BASE } from "../../sim/host/core.ts";
import { stateName } from "./agents.ts";
import * as Views from "./views.generated.ts";

/** Virtual units of a cycle at weight 1: 2^20 (kernel/sched/fair.ts). */
const SCALE = 1n << 20n;
/** Contexts of one list that are followed at most: RAM may say anything. */
const LIST_MAX = 1 << 20;
const QUEUED = 1;
const CONTEXT_GROUP = 1;
const CONTEXT_SERVER = 2;

const MODES = ["none", "realtime", "fair", "fair-slack", "idle"] as const;
const PLACES = ["none", "fair", "edf", "throttled", "idle", "parked"] as const;

/** Who pays for what a CPU runs: an agent, or one of its groups, or the fair class as a whole. */
export interface Context {
  /** Identifier of the agent, or of the group's leader; 0 for the fair class. */
  readonly id: number;
  readonly kind: "agent" | "group" | "fair class";
  readonly weight: number;
  /** In the fair class: virtual time used and virtual deadline; else the absolute deadline, ns. */
  readonly virtualTime: bigint;
  readonly deadline: bigint;
  /** ns left of this period's budget, and when the next one can begin; in the real-time class. */
  readonly left: number;
  readonly nextRelease: number;
  /** Where it is queued. */
  readonly on: (typeof PLACES)[number];
  /** State of the agent that it belongs to. */
  readonly state: string;
}

type SchedulableView = Pick<
  Views.Schedulable,
  | "id"
  | "weight"
  | "v"
  | "deadline"
  | "left"
  | "nextRelease"
  | "on"
  | "context"
  | "queueFlags"
  | "remainder"
  | "address"
>;

export class RunQueue {
  private readonly data: DataView;
  private readonly cpu: Views.SchedCpu;

  constructor(data: DataView, cpu: Views.SchedCpu) {
    this.data = data;
    this.cpu = cpu;
  }

  /** Identifier of the agent that runs; null when the CPU idles. */
  get current(): number | null {
    return this.cpu.running === 0 ? null : Number(this.cpu.runningAt(0).id);
  }
  /** On whose time it runs: itself, or the one that donates to it. */
  get payer(): number | null {
    return this.cpu.current === 0 ? null : Number(this.cpu.currentAt(0).id);
  }
  /** How it came to run. */
  get mode(): (typeof MODES)[number] {
    return MODES[this.cpu.mode] ?? "none";
  }
  /** Virtual time of the fair class, units of 2^-20 cycles at weight 1, rounded down. */
  get virtualTime(): bigint {
    return this.cpu.fairAt(0).v;
  }
  /** Time up to which everybody is charged, and end of the epoch, ns. */
  get time(): number {
    return Number(this.cpu.time);
  }
  get epochEnd(): number {
    return Number(this.cpu.epochEnd);
  }
  get decisions(): number {
    return Number(this.cpu.decisions);
  }
  get misses(): number {
    return Number(this.cpu.misses);
  }

  /** The fair class's queue: agents outside of groups, and groups, by virtual deadline. */
  queue(): Context[] {
    return this.members().map((it) => this.describe(it));
  }

  /** Those of the queue that are owed time; the first one is whom the fair class runs. */
  eligible(): Context[] {
    const { virtualTime } = this;
    return this.members()
      .filter((it) => BigInt.asIntN(64, virtualTime - it.v) >= 0n)
      .map((it) => this.describe(it));
  }

  /** What agent `id`, which is in the queue, is owed in cycles; below 0: what it has had in advance. */
  lag(id: number): number {
    const it = this.members().find((member) => member.id === BigInt(id));
    if (!it) throw new RangeError(`agent ${id} is not in this queue`);
    const queue = this.cpu.fairAt(0);
    const weight = BigInt(it.weight);
    const units =
      BigInt.asIntN(64, queue.v - it.v) * weight -
      BigInt(it.remainder) +
      (queue.weight === 0n ? 0n : (queue.part * weight) / queue.weight);
    return Number(units >= 0n ? units / SCALE : -((-units + SCALE - 1n) / SCALE));
  }

  /** Reservations with budget that want to run, the fair class among them, by deadline. */
  realtime(): Context[] {
    return this.heap(this.cpu.edfAt(0)).map((it) => this.describe(it));
  }
  /** Reservations out of budget, by their next release. */
  throttled(): Context[] {
    return this.heap(this.cpu.throttledAt(0)).map((it) => this.describe(it));
  }
  /** The idle class, in the order in which it is served. */
  idle(): Context[] {
    return this.list(this.cpu.idleFirst).map((it) => this.describe(it));
  }

  private members(): SchedulableView[] {
    const agents = this.list(this.cpu.fairFirst).filter(
      (it) => new Views.Agent(this.data, it.address).group === 0,
    );
    const groups = this.groups().filter(
      (it) => (it.queueFlags & QUEUED) !== 0 && it.groupAt(0).parent === 0,
    );
    return [...agents, ...groups].sort(byDeadline);
  }

  private groups(): Views.GroupCpu[] {
    const found: Views.GroupCpu[] = [];
    let at = this.cpu.groupFirst;
    for (let count = 0; this.inRam(at) && count < LIST_MAX; count++) {
      const group = new Views.GroupCpu(this.data, at);
      found.push(group);
      at = group.nextGroup;
    }
    return found;
  }

  private list(first: number): Views.Schedulable[] {
    const found: Views.Schedulable[] = [];
    let at = first;
    for (let count = 0; this.inRam(at) && count < LIST_MAX; count++) {
      const it = new Views.Schedulable(this.data, at);
      found.push(it);
      at = it.next;
    }
    return found;
  }

  /** What is in a heap; its slots are u64 deadline, u32 thing, u32 unused (kernel/sched/heap.ts). */
  private heap({ slots, count }: Views.Heap): Views.Schedulable[] {
    return Array.from({ length: Math.min(count, LIST_MAX) }, (_, index) => slots + index * 16 + 8)
      .filter((slot) => this.inRam(slot))
      .map((slot) => new Views.Schedulable(this.data, this.data.getUint32(slot, true)))
      .sort(byDeadline);
  }

  private describe(it: SchedulableView): Context {
    const kind =
      it.context === CONTEXT_GROUP
        ? "group"
        : it.context === CONTEXT_SERVER
          ? "fair class"
          : "agent";
    const state = kind === "agent" ? new Views.Agent(this.data, it.address).state : 0;
    return {
      id: Number(it.id),
      kind,
      weight: it.weight,
      virtualTime: it.v,
      deadline: it.deadline,
      left: Number(it.left),
      nextRelease: Number(it.nextRelease),
      on: PLACES[it.on] ?? "none",
      state: stateName(state),
    };
  }

  private inRam(at: number): boolean {
    return at >= RAM_BASE && at + Views.Agent.size <= this.data.byteLength;
  }
}

function byDeadline(a: SchedulableView, b: SchedulableView): number {
  const difference = BigInt.asIntN(64, a.deadline - b.deadline);
  if (difference !== 0n) return difference < 0n ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
