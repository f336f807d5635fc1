/** Projects: agents that share a pool of memory. */
import type { Write } from "../host/store.ts";
import type { Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import type { Parts } from "./agents.ts";
import type { Jobs } from "./jobs.ts";
import { isLive } from "./record.ts";

const PROJECT = "project/";

interface Kept {
  /** Bytes. */
  readonly memory: number;
}

/** Keys of projects in the store. */
export const projectKeys = PROJECT;

export class Projects {
  private readonly parts: Parts;
  private readonly jobs: Jobs;
  private readonly bytes: number;
  private readonly kept = new Map<string, Kept>();
  /** Those whose pool isn't as large as it should be. */
  private readonly resized = new Set<string>();

  /** `bytes` of memory has a project that says nothing else. */
  constructor(parts: Parts, jobs: Jobs, bytes: number) {
    this.jobs = jobs;
    this.parts = parts;
    this.bytes = bytes;
  }

  get table() {
    return {
      "project.list": () => this.list(),
      "project.remove": ({ project }: { project: string }) => this.remove(project),
    };
  }

  load(records: readonly [string, unknown][]): void {
    for (const [key, kept] of records) this.kept.set(key.slice(PROJECT.length), kept as Kept);
  }

  memoryOf(project: string): number {
    return this.kept.get(project)?.memory ?? this.bytes;
  }

  /** @throws RequestError wrong-state: agents run in the pool that is to change */
  check(project: string, memory: number | undefined): void {
    const same = memory === undefined || memory === this.memoryOf(project);
    const runs = [...this.parts.ledger.agents.values()].some(
      (record) => record.view.project === project && isLive(record),
    );
    if (!same && runs)
      throw new RequestError("wrong-state", "memory: can be changed while none of its agents runs");
  }

  /** Takes a project's memory; what is to be written of it. */
  writes(project: string, memory: number | undefined): Write[] {
    if (memory === undefined || memory === this.memoryOf(project)) return [];
    this.kept.set(project, { memory });
    this.resized.add(project);
    return [{ key: PROJECT + project, value: { memory } }];
  }

  /** A pool of another size is another pool. */
  *resize(project: string): Work<void> {
    if (this.resized.delete(project)) yield* this.parts.fleet.close(project);
  }

  private *list(): Work<unknown> {
    const { ledger } = this.parts;
    const all = [...ledger.agents.values()];
    return this.names().map((name) => {
      const agents = all.filter(({ view }) => view.project === name);
      const running = agents.filter(isLive);
      const reserved = running.reduce((sum, { view }) => sum + view.limits.memory, 0);
      return {
        name,
        memory: this.memoryOf(name),
        agents: agents.length,
        running: running.length,
        reserved,
      };
    });
  }

  isThere(project: string): boolean {
    return this.names().includes(project);
  }

  /** Projects that have agents or jobs, or of which a document has said something else. */
  private names(): string[] {
    const ofAgents = [...this.parts.ledger.agents.values()].map(({ view }) => view.project);
    return [...new Set([...ofAgents, ...this.jobs.projects(), ...this.kept.keys()])].sort();
  }

  /** All of it goes in one batch; what of it still runs when that is written is ended then. */
  private *remove(project: string): Work<{ agents: number }> {
    const { ledger, fleet } = this.parts;
    const all = [...ledger.agents.values()].filter(({ view }) => view.project === project);
    if (!this.isThere(project))
      throw new RequestError("not-found", `there is no project ${project}`);
    const gone = all.map(({ view }) => view);
    const writes = [{ key: PROJECT + project }, ...this.jobs.writes(project, {}, 0)];
    const happened = { kind: "project.removed", project, name: null };
    this.kept.delete(project);
    yield* ledger.putAll([], gone, writes, [happened]);
    yield* fleet.close(project);
    return { agents: all.length };
  }
}
