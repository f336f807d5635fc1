/** Health of agents: each that has a check is asked from time to time as long as it runs. */
import type { Work } from "../host/tasks.ts";
import type { Agent } from "../messages/api.ts";
import type { HealthCheck } from "../messages/document.ts";
import { RequestError } from "../messages/errors.ts";
import { type AgentMethods, isOver, type Parts } from "./agents.ts";
import { unlessOver } from "./fleet.ts";
import { type AgentRecord, isLive, keyOf } from "./record.ts";

/** In the fair class, as agents usually are. */
const WEIGHT = 1024;
/** Of those who say whether an agent is well. */
const originOf = (name: string): string => `health:${name}`;

type Said = "well" | "ill" | "nothing";
const NO_ROOM: readonly string[] = ["quota-exceeded", "unavailable"];

export class Health {
  private readonly parts: Parts;
  private readonly agents: AgentMethods;

  constructor(parts: Parts, agents: AgentMethods) {
    this.parts = parts;
    this.agents = agents;
  }

  /** Begins with a life of an agent, if that has a check. */
  watch(record: AgentRecord): void {
    const health = record.spec?.health;
    if (health) this.parts.tasks.start(this.follow(keyOf(record.view), record.run, health));
  }

  private *follow(key: string, run: number, check: HealthCheck): Work<void> {
    const { ledger, tasks, fleet } = this.parts;
    let failures = 0;
    yield* this.clear(key);
    while (true) {
      const record = ledger.agents.get(key);
      if (record?.run !== run || !isLive(record)) return;
      // Who stands still can't answer.
      const says = record.view.state === "paused" ? "well" : yield* this.probe(record, check);
      if (says === "well") {
        failures = 0;
        yield* this.set(key, run, "healthy");
      } else if (says === "ill" && ++failures === check.retries) {
        yield* this.set(key, run, "unhealthy");
        const now = ledger.agents.get(key);
        if (now?.run === run && isLive(now))
          yield* unlessOver(fleet.askFor(now, "kill", { code: 1 }));
        return;
      }
      yield* tasks.sleep(BigInt(Math.round(check.interval * 1e9)));
    }
  }

  private *probe(record: AgentRecord, { exec, timeout }: HealthCheck): Work<Said> {
    try {
      if (exec) return yield* this.execute(record, exec, timeout);
      yield* this.parts.fleet.askFor(record, "probe", { timeout });
      return "well";
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      // That there is no room for who was to say it says nothing about the agent.
      return exec && NO_ROOM.includes(error.code) ? "nothing" : "ill";
    }
  }

  /** Has another image say it, of which nothing is left. It takes none of the agent's share of a processor. */
  private *execute(
    { view: { project, name } }: AgentRecord,
    [image = "", ...args]: readonly string[],
    timeout: number,
  ): Work<Said> {
    const { agents } = this;
    const asked = { project, name, image, args, env: {}, stdin: false, limits: { weight: WEIGHT } };
    const probe = yield* agents.exec(asked, originOf(name));
    const named = { project, name: probe.name };
    const { view } = yield* this.parts.ledger.until(named, isOver, timeout);
    yield* agents.remove({ ...named, force: true });
    return view.exit?.reason === "exited" && view.exit.code === 0 ? "well" : "ill";
  }

  /** What an orchestrator that has ended had begun. */
  private *clear(key: string): Work<void> {
    const { ledger } = this.parts;
    const checked = ledger.agents.get(key);
    if (!checked) return;
    const { project, name } = checked.view;
    for (const { view } of [...ledger.agents.values()])
      if (view.project === project && view.origin === originOf(name))
        yield* unlessOver(this.agents.remove({ project, name: view.name, force: true }));
  }

  private *set(key: string, run: number, health: Agent["health"]): Work<void> {
    const { ledger, supervisor } = this.parts;
    const record = ledger.agents.get(key);
    if (record?.run !== run || !isLive(record) || record.view.health === health) return;
    yield* ledger.put({ ...record, view: { ...record.view, health } }, { kind: `agent.${health}` });
    if (health === "healthy") supervisor.nudge(record.view.project);
  }
}
