/**
 * Turns the stream of scheduling into figures: what each agent got and what it would have got in
 * the fluid ideal, its lag, how long it waited, which deadlines it missed. Memory grows with the
 * agents, not with the run.
 */
import type { AgentInfo, SchedulingEvent, SchedulingSink } from "./events.ts";
import { Histogram } from "./histogram.ts";
import { IdealShares } from "./ideal.ts";
import { LagMeter } from "./lag.ts";
import type { Group, SchedulingClass } from "./model.ts";

/** What is known of an agent at the end. Times in ns. */
export class AgentRecord {
  readonly info: AgentInfo;
  readonly begin: number;
  end: number | null = null;
  /** Processor time that it had. */
  service = 0;
  /** What the fluid ideal would have given it; null where that isn't defined. */
  ideal: number | null = null;
  /** Least and greatest lag at any decision; null outside the fair class. */
  lag: { least: number; greatest: number } | null = null;
  dispatches = 0;
  preemptions = 0;
  misses = 0;
  overruns = 0;
  /** From a wake-up to running. */
  readonly wakeups = new Histogram();
  /** From any time at which it became or stayed runnable without a processor to running. */
  readonly waits = new Histogram();
  /** From the tick of its own timer to running. */
  readonly ticks = new Histogram();

  constructor(info: AgentInfo, begin: number) {
    this.info = info;
    this.begin = begin;
  }
}

export interface ProcessorRecord {
  readonly cpu: number;
  /** Processor time of the agents of each class; the rest was idle, or the kernel's own. */
  readonly service: Record<SchedulingClass, number>;
  switches: number;
}

interface Running {
  readonly agent: number;
  /** On whose time: its own, or that of one who waits for what it holds. */
  readonly payer: number;
  since: number;
}

/** Where an agent is. */
interface Place {
  readonly record: AgentRecord;
  weight: number;
  /** CPU in whose queue it is. */
  cpu: number;
  runnable: boolean;
  woken: number | null;
  /** Since when it waits for a processor. */
  waiting: number | null;
}

export interface ReportOptions {
  readonly cpus: number;
  readonly start: number;
  readonly groups?: readonly Group[];
  /** Sets of processors that agents of the workload may be bound to; null is all. */
  readonly masks?: Iterable<readonly number[] | null>;
}

/** Sets of processors between which agents never cross, as an index for each CPU. */
export function domainsOf(cpus: number, masks: Iterable<readonly number[] | null>): number[] {
  const domain = Array.from({ length: cpus }, (_, cpu) => cpu);
  for (const mask of masks) {
    const [first, ...others] = mask ?? domain.keys();
    const into = domain[first ?? 0] ?? 0;
    for (const cpu of others) {
      const from = domain[cpu];
      for (const [at, each] of domain.entries()) if (each === from) domain[at] = into;
    }
  }
  return domain;
}

export class Report implements SchedulingSink {
  readonly agents: AgentRecord[] = [];
  readonly processors: readonly ProcessorRecord[];
  readonly start: number;
  private readonly places = new Map<number, Place>();
  private readonly running: (Running | null)[];
  private readonly lags = new LagMeter();
  /** Domain of each CPU, and the ideal of each domain. */
  private readonly domains: readonly number[];
  private readonly ideals = new Map<number, IdealShares>();
  private time: number;

  constructor({ cpus, start, groups = [], masks = [null] }: ReportOptions) {
    this.start = start;
    this.time = start;
    this.running = Array.from({ length: cpus }, () => null);
    this.processors = Array.from({ length: cpus }, (_, cpu) => ({
      cpu,
      service: { realtime: 0, fair: 0, idle: 0 },
      switches: 0,
    }));
    this.domains = domainsOf(cpus, masks);
    for (const domain of new Set(this.domains)) {
      const ideal = new IdealShares(this.sizeOf(domain), start);
      for (const { path, weight } of groups) ideal.addGroup(path, weight);
      this.ideals.set(domain, ideal);
    }
  }

  /** Time that the report is about, ns. */
  get elapsed(): number {
    return this.time - this.start;
  }

  agent(info: AgentInfo, time: number): void {
    const record = new AgentRecord(info, time);
    this.agents.push(record);
    const { weight } = info;
    const place = { record, weight, cpu: -1, runnable: false, woken: null, waiting: null };
    this.places.set(info.id, place);
  }

  event(event: SchedulingEvent): void {
    this.time = Math.max(this.time, event.time);
    const place = this.places.get(event.agent);
    switch (event.kind) {
      case "dispatch":
        this.dispatch(event, place);
        break;
      case "deschedule":
        this.deschedule(event, place);
        break;
      case "wake":
        if (place) this.wake(place, event.cpu, event.time);
        break;
      case "migrate":
        if (place) this.migrate(place, event.cpu, event.time);
        break;
      case "reweigh":
        if (place) this.reweigh(place, event.weight, event.time);
        break;
      case "miss":
        if (place) place.record.misses += 1;
        break;
      case "tick":
        place?.record.ticks.add(Math.max(0, event.late));
        break;
      case "overrun":
        if (place) place.record.overruns += 1;
        break;
    }
  }

  finish(time: number): void {
    this.time = Math.max(this.time, time);
    for (const cpu of this.running.keys()) this.charge(cpu, this.time);
    for (const { record, weight } of this.places.values()) {
      const ideal = weight > 0 ? this.idealOf(record.info) : null;
      record.ideal = ideal?.serviceOf(record.info.id, record.end ?? this.time) ?? null;
    }
  }

  private dispatch(
    { cpu, agent, time, payer = agent }: Extract<SchedulingEvent, { kind: "dispatch" }>,
    place: Place | undefined,
  ): void {
    this.charge(cpu, time);
    const before = this.running[cpu];
    if (before?.agent === agent) return;
    if (before) this.setRunning(cpu, null, time);
    this.setRunning(cpu, { agent, payer, since: time }, time);
    const processor = this.processors[cpu];
    if (processor) processor.switches += 1;
    if (!place) return;
    if (!place.runnable) this.join(place, cpu, time);
    else if (place.cpu !== cpu) this.migrate(place, cpu, time);
    place.record.dispatches += 1;
    // Who woke it may have been on a processor that is a slice ahead.
    if (place.waiting !== null) place.record.waits.add(Math.max(0, time - place.waiting));
    if (place.woken !== null) place.record.wakeups.add(Math.max(0, time - place.woken));
    place.waiting = null;
    place.woken = null;
    const paying = this.places.get(payer);
    if (paying && paying.weight > 0) {
      this.queueOf(paying).pick(payer);
      this.noteLag(paying);
    }
  }

  private deschedule(
    event: Extract<SchedulingEvent, { kind: "deschedule" }>,
    place: Place | undefined,
  ): void {
    const { cpu, agent, time, reason } = event;
    this.charge(cpu, time);
    const running = this.running[cpu];
    const paying = this.places.get(running?.payer ?? agent);
    if (running?.agent === agent) this.setRunning(cpu, null, time);
    if (paying && paying.weight > 0) this.noteLag(paying);
    if (!place) return;
    if (reason === "preempted" || reason === "yielded") {
      if (reason === "preempted") place.record.preemptions += 1;
      place.waiting = time;
      return;
    }
    this.leave(place, time);
    if (reason === "ended") place.record.end = time;
  }

  private wake(place: Place, cpu: number, time: number): void {
    if (place.runnable) return;
    this.join(place, cpu, time);
    place.woken = time;
    place.waiting = time;
  }

  private join(place: Place, cpu: number, time: number): void {
    place.runnable = true;
    place.cpu = cpu;
    if (place.weight === 0) return;
    const { info } = place.record;
    this.chargeQueue(cpu, time);
    this.queueOf(place).join(info.id, place.weight);
    this.idealOf(info)?.join(info.id, place.weight, info.group, time);
  }

  private leave(place: Place, time: number): void {
    place.waiting = null;
    place.woken = null;
    if (!place.runnable) return;
    place.runnable = false;
    if (place.weight === 0) return;
    const { info } = place.record;
    this.chargeQueue(place.cpu, time);
    this.queueOf(place).leave(info.id);
    this.idealOf(info)?.leave(info.id, time);
  }

  /** Time had in advance counts in the other queue too, also for one that sleeps. */
  private migrate(place: Place, cpu: number, time: number): void {
    const from = place.cpu;
    if (from === cpu) return;
    place.cpu = cpu;
    if (place.weight === 0 || from < 0) return;
    const { id, group } = place.record.info;
    this.chargeQueue(from, time);
    this.chargeQueue(cpu, time);
    const ahead = this.lags.queue(from, group).moveOut(id);
    this.queueOf(place).join(id, place.weight, ahead);
    if (!place.runnable) this.queueOf(place).leave(id);
  }

  private reweigh(place: Place, weight: number, time: number): void {
    const { info } = place.record;
    const { runnable, woken, waiting } = place;
    if (weight > 0 && place.weight > 0) {
      this.chargeQueue(place.cpu, time);
      if (runnable) this.queueOf(place).reweigh(info.id, weight);
      const ideal = this.idealOf(info);
      ideal?.leave(info.id, time);
      if (runnable) ideal?.join(info.id, weight, info.group, time);
      place.weight = weight;
      return;
    }
    this.leave(place, time);
    place.weight = weight;
    if (runnable) this.join(place, place.cpu, time);
    place.woken = woken;
    place.waiting = waiting;
  }

  /** Puts what ran on `cpu` since it was last looked at to its account. */
  private charge(cpu: number, time: number): void {
    const running = this.running[cpu];
    if (!running || time <= running.since) return;
    const service = time - running.since;
    running.since = time;
    const place = this.places.get(running.agent);
    if (place) place.record.service += service;
    const paying = this.places.get(running.payer);
    const processor = this.processors[cpu];
    if (!paying || !processor) return;
    const { info } = paying.record;
    const fair = paying.weight > 0;
    processor.service[fair ? "fair" : info.class === "fair" ? "idle" : info.class] += service;
    if (fair) this.queueOf(paying).charge(info.id, service);
  }

  /** Brings the time of the queues of `cpu` up to now, before who is in them changes. */
  private chargeQueue(cpu: number, time: number): void {
    if (cpu >= 0) this.charge(cpu, time);
  }

  private setRunning(cpu: number, next: Running | null, time: number): void {
    this.running[cpu] = next;
    const domain = this.domains[cpu] ?? 0;
    let capacity = 0;
    for (const [each, running] of this.running.entries()) {
      const place = running ? this.places.get(running.payer) : undefined;
      const taken = place !== undefined && place.record.info.budget !== null && place.weight === 0;
      if (this.domains[each] === domain && !taken) capacity += 1;
    }
    this.ideals.get(domain)?.setCapacity(capacity, time);
  }

  private noteLag(place: Place): void {
    const lag = this.queueOf(place).lag(place.record.info.id);
    const { record } = place;
    record.lag ??= { least: lag, greatest: lag };
    record.lag.least = Math.min(record.lag.least, lag);
    record.lag.greatest = Math.max(record.lag.greatest, lag);
  }

  private queueOf(place: Place) {
    return this.lags.queue(place.cpu, place.record.info.group);
  }

  private sizeOf(domain: number): number {
    return this.domains.filter((each) => each === domain).length;
  }

  /** Null for agents that may not use all processors of their domain: no one rate is ideal. */
  private idealOf({ cpus }: AgentInfo): IdealShares | null {
    const domain = this.domains[cpus?.[0] ?? 0] ?? 0;
    const size = cpus?.length ?? this.domains.length;
    return size === this.sizeOf(domain) ? (this.ideals.get(domain) ?? null) : null;
  }
}
