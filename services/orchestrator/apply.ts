/**
 * Projects as documents say: the difference to what is there is written as one batch, and what runs follows
 * it. The same document again changes nothing, but that it starts who was ended by hand.
 */
import type { Work } from "../host/tasks.ts";
import { RunRequest } from "../messages/api.ts";
import type { AgentSpec, Applied, Document } from "../messages/document.ts";
import { RequestError } from "../messages/errors.ts";
import type { AgentMethods, Parts } from "./agents.ts";
import type { Jobs } from "./jobs.ts";
import { AGENTS_PER_PROJECT_MAX } from "./limits.ts";
import { cycleOf } from "./order.ts";
import type { Projects } from "./projects.ts";
import { type AgentRecord, isLive, keyOf } from "./record.ts";
import { asWished } from "./wishes.ts";

interface Plan {
  readonly created: string[];
  readonly changed: string[];
  readonly unchanged: string[];
  readonly removed: string[];
}

export class Apply {
  private readonly parts: Parts;
  private readonly agents: AgentMethods;
  private readonly projects: Projects;
  private readonly jobs: Jobs;

  constructor(parts: Parts, agents: AgentMethods, projects: Projects, jobs: Jobs) {
    this.parts = parts;
    this.agents = agents;
    this.projects = projects;
    this.jobs = jobs;
  }

  /** @throws RequestError bad-request, with the path of what is wrong; wrong-state, quota-exceeded */
  *apply(document: Document): Work<Applied> {
    const { project, agents, dryRun } = document;
    checkDependencies(agents);
    const digests = new Map<string, string>();
    for (const [name, { image, health }] of Object.entries(agents)) {
      digests.set(name, yield* this.digestOf(image, `agents.${name}.image`));
      const [probe] = health?.exec ?? [];
      if (probe !== undefined) yield* this.digestOf(probe, `agents.${name}.health.exec.0`);
    }
    for (const [name, { image }] of Object.entries(document.jobs))
      yield* this.digestOf(image, `jobs.${name}.image`);
    this.projects.check(project, document.memory);
    this.jobs.check(document.jobs);
    const plan = this.plan(document, digests);
    const jobs = this.jobs.plan(project, document.jobs);
    const applied: Applied = { project, ...merged(plan, jobs) };
    const records: AgentRecord[] = [];
    for (const name of [...plan.created, ...plan.changed])
      records.push(yield* this.wanted(project, name, agents[name], digests.get(name) ?? ""));
    checkMemory(records, document.memory ?? this.projects.memoryOf(project));
    if (dryRun) return applied;
    yield* this.carryOut(document, plan, records);
    return applied;
  }

  private *digestOf(reference: string, path: string): Work<string> {
    try {
      return (yield* this.parts.images.runnable(reference)).digest;
    } catch (error) {
      throw new RequestError("bad-request", `${path}: ${RequestError.from(error).message}`);
    }
  }

  private plan({ project, agents }: Document, digests: ReadonlyMap<string, string>): Plan {
    const { ledger } = this.parts;
    const plan: Plan = { created: [], changed: [], unchanged: [], removed: [] };
    for (const [name, spec] of Object.entries(agents)) {
      const record = ledger.agents.get(keyOf({ project, name }));
      if (record && !record.spec)
        throw new RequestError("exists", `agents.${name}: it was started by hand; remove it first`);
      const same = record?.view.image.digest === digests.get(name) && staysAsItIs(record, spec);
      (record ? (same ? plan.unchanged : plan.changed) : plan.created).push(name);
    }
    for (const { view, spec, leaving } of ledger.agents.values())
      if (view.project === project && spec && !leaving && !Object.hasOwn(agents, view.name))
        plan.removed.push(view.name);
    const all = [...ledger.agents.values()].filter(({ view }) => view.project === project).length;
    if (all + plan.created.length > AGENTS_PER_PROJECT_MAX)
      throw new RequestError("quota-exceeded", `agents: ${AGENTS_PER_PROJECT_MAX} are the most`);
    return plan;
  }

  /** A record as the document has it. What runs by an older one is stale. */
  private *wanted(
    project: string,
    name: string,
    spec: AgentSpec | undefined,
    digest: string,
  ): Work<AgentRecord> {
    if (!spec) throw new Error("what is to be changed is in the document");
    const { dependsOn: _, health: __, ...said } = spec;
    const asked = RunRequest.parse({ project, name, ...said });
    const run = asWished(asked, this.parts.images.wishes(digest));
    const fresh = yield* this.agents.fresh(run, digest);
    const waiting = { state: "waiting", reason: null } as const;
    const record = { ...fresh, spec, view: { ...fresh.view, ...waiting }, due: 0 };
    const before = this.parts.ledger.agents.get(keyOf({ project, name }));
    if (!before) return record;
    const { view } = before;
    const kept = { uid: view.uid, created: view.created, restarts: view.restarts };
    if (!isLive(before)) return { ...record, view: { ...record.view, ...kept } };
    const { agent, state, started, health } = view;
    const running = { ...record.view, ...kept, agent, state, started, health };
    const { run: life, shard, room } = before;
    return { ...record, view: running, run: life, shard, room, due: null, stale: true };
  }

  private *carryOut(document: Document, plan: Plan, records: readonly AgentRecord[]): Work<void> {
    const { ledger, supervisor } = this.parts;
    const { project } = document;
    const removed = plan.removed.map((name) => ledger.find({ project, name }));
    const leaving = removed.filter(isLive).map((record): AgentRecord => {
      return { ...record, wanted: "stopped", leaving: true };
    });
    const gone = removed.filter((record) => !isLive(record)).map(({ view }) => view);
    const { memory } = document;
    const writes = [
      ...this.projects.writes(project, memory),
      ...this.jobs.writes(project, document.jobs, yield* ledger.now()),
    ];
    const detail = {
      created: plan.created.length,
      changed: plan.changed.length,
      removed: plan.removed.length,
    };
    const happened = { kind: "project.applied", project, name: null, detail };
    yield* ledger.putAll([...records, ...leaving], gone, writes, [happened]);
    if (memory !== undefined) yield* this.projects.resize(project);
    for (const { view } of records) supervisor.wakeLater(keyOf(view));
    for (const record of [...records, ...leaving]) supervisor.endLater(record);
    this.jobs.wakeAll();
  }
}

const MIB = 1024 * 1024;

/** Who was ended by hand is to run, if the document is applied anew. */
const staysAsItIs = (record: AgentRecord | undefined, spec: AgentSpec): boolean =>
  !record?.leaving && record?.wanted !== "stopped" && isSame(record, spec);

const isSame = (record: AgentRecord | undefined, spec: AgentSpec): boolean =>
  JSON.stringify(sorted(record?.spec)) === JSON.stringify(sorted(spec));

function sorted(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, it]) => it !== undefined);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, it]) => [key, sorted(it)]);
}

function merged(agents: Plan, jobs: Plan): Plan {
  return {
    created: [...agents.created, ...jobs.created],
    changed: [...agents.changed, ...jobs.changed],
    unchanged: [...agents.unchanged, ...jobs.unchanged],
    removed: [...agents.removed, ...jobs.removed],
  };
}

/** Who needs more than there is would wait for ever. @throws RequestError bad-request */
function checkMemory(records: readonly AgentRecord[], most: number): void {
  const wrong = records.find(({ view }) => view.limits.memory > most);
  if (wrong)
    throw new RequestError(
      "bad-request",
      `agents.${wrong.view.name}.limits.memory: more than the whole project has, ${most / MIB} MiB`,
    );
}

/** @throws RequestError bad-request */
function checkDependencies(agents: Document["agents"]): void {
  const refuse = (path: string, why: string): never => {
    throw new RequestError("bad-request", `${path}: ${why}`);
  };
  const graph = new Map<string, string[]>();
  for (const [name, { dependsOn }] of Object.entries(agents)) {
    graph.set(name, Object.keys(dependsOn));
    for (const [other, condition] of Object.entries(dependsOn)) {
      const path = `agents.${name}.dependsOn.${other}`;
      if (!Object.hasOwn(agents, other)) refuse(path, "the document has no such agent");
      if (condition === "healthy" && !agents[other]?.health)
        refuse(path, `${other} has no health check`);
    }
  }
  const [first = "", ...ring] = cycleOf(graph) ?? [];
  if (ring.length > 0)
    refuse(`agents.${first}.dependsOn`, `it waits for itself: ${[first, ...ring].join(" → ")}`);
}
