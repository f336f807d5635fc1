/** Projects: agents that share a pool of memory. */
import type { Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import type { Parts } from "./agents.ts";
import { isLive } from "./record.ts";

export class Projects {
  private readonly parts: Parts;
  private readonly bytes: number;

  constructor(parts: Parts, bytes: number) {
    this.parts = parts;
    this.bytes = bytes;
  }

  get table() {
    return {
      "project.list": () => this.list(),
      "project.remove": ({ project }: { project: string }) => this.remove(project),
    };
  }

  private *list(): Work<unknown> {
    const { ledger } = this.parts;
    const all = [...ledger.agents.values()];
    const names = [...new Set(all.map(({ view }) => view.project))].sort();
    return names.map((name) => {
      const agents = all.filter(({ view }) => view.project === name);
      const running = agents.filter(isLive);
      const reserved = running.reduce((sum, { view }) => sum + view.limits.memory, 0);
      return { name, memory: this.bytes, agents: agents.length, running: running.length, reserved };
    });
  }

  /** All of it goes in one batch; what of it still runs when that is written is ended then. */
  private *remove(project: string): Work<{ agents: number }> {
    const { ledger, fleet } = this.parts;
    const all = [...ledger.agents.values()].filter(({ view }) => view.project === project);
    if (all.length === 0) throw new RequestError("not-found", `there is no project ${project}`);
    yield* ledger.remove(all.map(({ view }) => view));
    yield* fleet.close(project);
    return { agents: all.length };
  }
}
