/** What is found when the orchestrator begins, after its own end or the machine's. */
import type { Tasks, Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import type { Member } from "../messages/system.ts";
import { type Fleet, unlessOver } from "./fleet.ts";
import type { Ledger } from "./ledger.ts";
import { type AgentRecord, isLive } from "./record.ts";
import { LOST, type Supervisor } from "./supervisor.ts";

export interface ReconciliationParts {
  readonly tasks: Tasks;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly supervisor: Supervisor;
  /** A life was found. */
  onLife(record: AgentRecord): void;
}

export class Reconciliation {
  private readonly parts: ReconciliationParts;

  constructor(parts: ReconciliationParts) {
    this.parts = parts;
  }

  /**
   * When the orchestrator begins: what runs is taken over, what should run and doesn't is started by its
   * policy, and what runs without a record is ended, for nobody was told that it was started.
   */
  *run(): Work<void> {
    const { ledger, fleet, supervisor, tasks } = this.parts;
    const live = new Map<string, { member: Member; shard: number }>();
    for (const { project, shard, members } of yield* fleet.members())
      for (const member of members) {
        const life = `${member.uid}.${member.run}`;
        live.set(life, { member, shard });
        if (!this.isKnown(member)) yield* this.endOrphan(project, shard, member);
      }
    for (const [key, record] of [...ledger.agents]) {
      if (!isLive(record)) {
        if (record.view.state === "waiting") supervisor.wakeLater(key);
        continue;
      }
      const found = live.get(`${record.view.uid}.${record.run}`);
      fleet.reserveIn(record.view.project, record.shard, record.room);
      if (!found) yield* supervisor.settle(record, LOST);
      else if (found.member.end) {
        yield* supervisor.ended(found.member);
        tasks.start(unlessOver(fleet.askFor(record, "forget")));
      } else yield* this.adopt(record, found.member);
    }
    // Of lives that began when the orchestrator ended, somebody may not have heard.
    for (const record of [...ledger.agents.values()]) yield* supervisor.links.catchUp(record);
  }

  private isKnown({ uid, run }: Member): boolean {
    for (const { view, run: known } of this.parts.ledger.agents.values())
      if (view.uid === uid) return known === run && view.agent !== null;
    return false;
  }

  private *endOrphan(project: string, shard: number, { uid, run, end }: Member): Work<void> {
    const { fleet, tasks } = this.parts;
    if (!end) yield* unlessOver(fleet.ask(project, shard, "kill", { uid, run, code: 0 }));
    const forget = function* (): Work<void> {
      // Its end comes a moment after the kill.
      for (let tries = 0; tries < 20; tries++)
        try {
          yield* tasks.sleep(5_000_000n);
          yield* fleet.ask(project, shard, "forget", { uid, run });
          return;
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
        }
    };
    tasks.start(forget());
  }

  /** It runs; what had been asked of it when the orchestrator ended is done now. */
  private *adopt(record: AgentRecord, member: Member): Work<void> {
    const { ledger, fleet, onLife } = this.parts;
    const { wanted, view } = record;
    onLife(record);
    if (wanted === "stopped" || record.stale)
      yield* unlessOver(fleet.askFor(record, "kill", { code: 137 }));
    else if ((wanted === "paused") !== member.paused)
      yield* unlessOver(fleet.askFor(record, member.paused ? "resume" : "suspend"));
    const state = wanted === "paused" ? "paused" : "running";
    if (view.state !== state && wanted !== "stopped")
      yield* ledger.put({ ...record, view: { ...view, state } });
  }
}
