/** The system is about to be turned off: agents are told, and have some time to end by themselves. */
import type { Tasks, Work } from "../host/tasks.ts";
import { type Fleet, unlessOver } from "./fleet.ts";
import type { Ledger } from "./ledger.ts";
import type { AgentRecord } from "./record.ts";
import type { Supervisor } from "./supervisor.ts";

/** What the host asks for. */
export interface Stop {
  /** Seconds. */
  readonly grace: number;
  /** Called when no agent runs any more, or the time is over. */
  done(): void;
}

export interface EndingParts {
  readonly tasks: Tasks;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly supervisor: Supervisor;
}

const TERMINATE = { terminate: 0 } as const;

export class Ending {
  private readonly parts: EndingParts;

  constructor(parts: EndingParts) {
    this.parts = parts;
  }

  /** Waits until the system is to stop. From then on nothing is started. */
  *run(stopping: Promise<Stop>): Work<void> {
    const { tasks, ledger, fleet, supervisor } = this.parts;
    const { grace, done } = yield* tasks.host(() => stopping);
    supervisor.rest();
    // One that takes no messages, or is over, isn't told.
    for (const record of this.running())
      tasks.start(unlessOver(fleet.askFor(record, "tell", { message: TERMINATE })));
    yield* ledger.wait(() => this.running().length === 0, grace);
    yield* tasks.host(async () => done());
  }

  /** One that is paused reads nothing. */
  private running(): AgentRecord[] {
    const all = [...this.parts.ledger.agents.values()];
    return all.filter(({ view: { state } }) => state === "running" || state === "starting");
  }
}
