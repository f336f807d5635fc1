/** Health of agents: each that has a check is asked from time to time as long as it runs. */
import type { Work } from "../host/tasks.ts";
import type { Agent } from "../messages/api.ts";
import type { HealthCheck } from "../messages/document.ts";
import { RequestError } from "../messages/errors.ts";
import type { Parts } from "./agents.ts";
import { type AgentRecord, isLive, keyOf } from "./record.ts";

export class Health {
  private readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Begins with a life of an agent, if that has a check. */
  watch(record: AgentRecord): void {
    const health = record.spec?.health;
    if (health) this.parts.tasks.start(this.follow(keyOf(record.view), record.run, health));
  }

  private *follow(key: string, run: number, check: HealthCheck): Work<void> {
    const { ledger, tasks, fleet } = this.parts;
    let failures = 0;
    while (true) {
      const record = ledger.agents.get(key);
      if (record?.run !== run || !isLive(record)) return;
      // Who stands still can't answer.
      const answers = record.view.state === "paused" || (yield* this.probe(record, check));
      failures = answers ? 0 : failures + 1;
      if (failures === 0) yield* this.set(key, run, "healthy");
      if (failures === check.retries) {
        yield* this.set(key, run, "unhealthy");
        const now = ledger.agents.get(key);
        if (now?.run === run && isLive(now)) yield* fleet.askFor(now, "kill", { code: 1 });
        return;
      }
      yield* tasks.sleep(BigInt(Math.round(check.interval * 1e9)));
    }
  }

  private *probe(record: AgentRecord, { timeout }: HealthCheck): Work<boolean> {
    try {
      yield* this.parts.fleet.askFor(record, "probe", { timeout });
      return true;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return false;
    }
  }

  private *set(key: string, run: number, health: Agent["health"]): Work<void> {
    const { ledger, supervisor } = this.parts;
    const record = ledger.agents.get(key);
    if (record?.run !== run || !isLive(record) || record.view.health === health) return;
    yield* ledger.put({ ...record, view: { ...record.view, health } }, { kind: `agent.${health}` });
    if (health === "healthy") supervisor.nudge(record.view.project);
  }
}
