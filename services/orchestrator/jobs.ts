/**
 * Jobs: agents that are started at times. A run's record and the time of the next one are one batch, so each
 * run is there once, whatever ends in between. Runs that were missed while the system was off are one.
 */
import type { Write } from "../host/store.ts";
import type { Work } from "../host/tasks.ts";
import { RunRequest } from "../messages/api.ts";
import type { Job, JobSpec } from "../messages/document.ts";
import { RequestError } from "../messages/errors.ts";
import type { AgentMethods, Named, Parts } from "./agents.ts";
import { isOver } from "./agents.ts";
import { nextTime, parseCron } from "./cron.ts";
import type { WantedImage } from "./images.ts";
import { AGENTS_PER_PROJECT_MAX, JOBS_PER_PROJECT_MAX } from "./limits.ts";
import { type AgentRecord, keyOf } from "./record.ts";
import { asWished } from "./wishes.ts";

const JOB = "job/";
/** The number of a run has room behind the job's name. */
const NAME_CHARACTERS_MAX = 22;

interface Plan {
  readonly created: string[];
  readonly changed: string[];
  readonly unchanged: string[];
  readonly removed: string[];
}

export class Jobs {
  private readonly parts: Parts;
  private readonly agents: AgentMethods;
  private readonly jobs = new Map<string, Job>();
  /** Those for whose time a task waits. */
  private readonly awaited = new WeakSet<Job>();

  constructor(parts: Parts, agents: AgentMethods) {
    this.parts = parts;
    this.agents = agents;
  }

  get table() {
    return {
      "job.list": ({ project }: { project?: string }) => this.list(project),
      "job.cancel": (named: Named) => this.cancel(named),
    };
  }

  load(records: readonly [string, unknown][]): void {
    for (const [key, job] of records) this.jobs.set(key.slice(JOB.length), job as Job);
  }

  private *list(project?: string): Work<Job[]> {
    return [...this.jobs.values()].filter((job) => !project || job.project === project);
  }

  /** Its schedule stands still, and its runs are ended. */
  private *cancel(named: Named): Work<Job> {
    const { ledger } = this.parts;
    const job = this.jobs.get(keyOf(named));
    if (!job) throw new RequestError("not-found", `there is no job ${keyOf(named)}`);
    const cancelled: Job = { ...job, next: null, spec: { ...job.spec, suspended: true } };
    const stopped = this.runsOf(job)
      .filter((record) => !isOver(record))
      .map((record): AgentRecord => ({ ...record, wanted: "stopped" }));
    this.jobs.set(keyOf(job), cancelled);
    const { project, name } = job;
    const writes = [{ key: JOB + keyOf(job), value: cancelled }];
    yield* ledger.putAll(stopped, [], writes, [{ kind: "job.cancelled", project, name }]);
    for (const record of stopped) this.parts.supervisor.endLater(record);
    return cancelled;
  }

  /** @throws RequestError bad-request, quota-exceeded */
  check(specs: Readonly<Record<string, JobSpec>>): void {
    const names = Object.keys(specs);
    if (names.length > JOBS_PER_PROJECT_MAX)
      throw new RequestError("quota-exceeded", `jobs: ${JOBS_PER_PROJECT_MAX} are the most`);
    for (const [name, { cron }] of Object.entries(specs)) {
      if (name.length > NAME_CHARACTERS_MAX)
        throw new RequestError("bad-request", `jobs.${name}: longer than ${NAME_CHARACTERS_MAX}`);
      try {
        if (cron !== undefined) parseCron(cron);
      } catch (error) {
        const { message } = RequestError.from(error);
        throw new RequestError("bad-request", `jobs.${name}.${message}`);
      }
    }
  }

  plan(project: string, specs: Readonly<Record<string, JobSpec>>): Plan {
    const plan: Plan = { created: [], changed: [], unchanged: [], removed: [] };
    for (const [name, spec] of Object.entries(specs)) {
      const job = this.jobs.get(keyOf({ project, name }));
      const same = JSON.stringify(job?.spec) === JSON.stringify(spec);
      (job ? (same ? plan.unchanged : plan.changed) : plan.created).push(name);
    }
    for (const job of this.jobs.values())
      if (job.project === project && !Object.hasOwn(specs, job.name)) plan.removed.push(job.name);
    return plan;
  }

  /** Takes the jobs of a document; what is to be written of them. */
  writes(project: string, specs: Readonly<Record<string, JobSpec>>, now: number): Write[] {
    const { created, changed, removed } = this.plan(project, specs);
    const gone = removed.map((name): Write => {
      this.jobs.delete(keyOf({ project, name }));
      return { key: JOB + keyOf({ project, name }) };
    });
    const set = [...created, ...changed].map((name): Write => {
      const spec = specs[name] as JobSpec;
      const key = keyOf({ project, name });
      const runs = this.jobs.get(key)?.runs ?? 0;
      const job: Job = { name, project, spec, runs, next: nextOf(spec, now) };
      this.jobs.set(key, job);
      return { key: JOB + key, value: job };
    });
    return [...gone, ...set];
  }

  /** Of each job the project that it is in. */
  projects(): string[] {
    return [...this.jobs.values()].map(({ project }) => project);
  }

  /** What jobs run: references of images, and digests. */
  images(): WantedImage[] {
    return [...this.jobs.values()].map(({ project, name, spec }) => ({
      image: spec.image,
      by: `the job ${project}/${name}`,
    }));
  }

  /** Each job waits for its time; one that has been changed meanwhile waits anew. */
  wakeAll(): void {
    for (const [key, job] of this.jobs)
      if (!this.awaited.has(job)) this.parts.tasks.start(this.await(key, job));
  }

  private *await(key: string, job: Job): Work<void> {
    const { ledger, tasks } = this.parts;
    this.awaited.add(job);
    if (job.next === null) return;
    const pause = job.next - (yield* ledger.now());
    if (pause > 0) yield* tasks.sleep(BigInt(Math.ceil(pause * 1e9)));
    // It has been changed.
    if (this.jobs.get(key) !== job) return;
    yield* this.due(key, job);
  }

  private *due(key: string, job: Job): Work<void> {
    const { ledger, supervisor, tasks } = this.parts;
    const { project, name, spec } = job;
    const now = yield* ledger.now();
    const open = this.runsOf(job).filter((record) => !isOver(record));
    const skip = (open.length > 0 && spec.concurrency === "forbid") || this.isFull(project);
    const number = skip ? job.runs : this.nextRun(job);
    const next: Job = { ...job, runs: number, next: nextOf(spec, now) };
    this.jobs.set(key, next);
    const writes = [{ key: JOB + key, value: next }];
    if (skip) yield* ledger.commit(writes, [{ kind: "job.skipped", project, name }]);
    else {
      const replaced = spec.concurrency === "replace" ? open : [];
      const stopped = replaced.map((record): AgentRecord => ({ ...record, wanted: "stopped" }));
      const run = yield* this.run(next);
      const gone = this.overdue(job).map(({ view }) => view);
      const happened = { kind: "job.started", project, name, detail: { run: run.view.name } };
      yield* ledger.putAll([run, ...stopped], gone, writes, [happened]);
      supervisor.wakeLater(keyOf(run.view));
      for (const record of stopped) supervisor.endLater(record);
    }
    tasks.start(this.await(key, next));
  }

  /** Names of others, and of runs from before the job was taken out and in again, aren't taken. */
  private nextRun(job: Job): number {
    const { agents } = this.parts.ledger;
    let number = job.runs + 1;
    while (agents.has(keyOf({ project: job.project, name: runName(job, number) }))) number++;
    return number;
  }

  private isFull(project: string): boolean {
    const all = [...this.parts.ledger.agents.values()];
    return all.filter(({ view }) => view.project === project).length >= AGENTS_PER_PROJECT_MAX;
  }

  /** The run that the job counts as its last. */
  private *run(job: Job): Work<AgentRecord> {
    const { image, args, env, capabilities, mounts, limits } = job.spec;
    const { project } = job;
    const name = runName(job, job.runs);
    const { images } = this.parts;
    const digest = images.digestOf(image);
    const asked = RunRequest.parse({
      project,
      name,
      image,
      args,
      env,
      capabilities,
      mounts,
      limits,
    });
    const run = asWished(asked, images.wishes(digest));
    const origin = `job:${job.name}`;
    const record = yield* this.agents.fresh(run, digest, { origin, state: "waiting" });
    return { ...record, due: 0 };
  }

  /** Runs that are over and beyond the history, the oldest. */
  private overdue(job: Job): AgentRecord[] {
    const over = this.runsOf(job).filter(isOver);
    over.sort((a, b) => (a.view.ended ?? 0) - (b.view.ended ?? 0));
    return over.slice(0, Math.max(0, over.length - job.spec.history));
  }

  private runsOf({ project, name }: Job): AgentRecord[] {
    const all = [...this.parts.ledger.agents.values()];
    return all.filter(({ view }) => view.project === project && view.origin === `job:${name}`);
  }
}

export const jobKeys = JOB;

const runName = ({ name }: Job, number: number): string => `${name}-${number}`;

function nextOf({ every, cron, suspended }: JobSpec, now: number): number | null {
  if (suspended) return null;
  if (every !== undefined) return now + every;
  return cron === undefined ? null : nextTime(parseCron(cron), now);
}
