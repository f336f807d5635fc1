/** Refused requests as events: some of them each second, the others by their number. */
import type { Tasks, Work } from "../host/tasks.ts";
import type { Ledger } from "./ledger.ts";
import { DENIALS_PER_SECOND_MAX } from "./limits.ts";

const SECOND_NS = 1_000_000_000n;

export class Denials {
  private readonly tasks: Tasks;
  private readonly ledger: Ledger;
  private told = 0;
  private more = 0;

  constructor(tasks: Tasks, ledger: Ledger) {
    this.tasks = tasks;
    this.ledger = ledger;
  }

  heard(method: string, needed: string, sender: number): void {
    if (this.told >= DENIALS_PER_SECOND_MAX) {
      this.more++;
      return;
    }
    if (this.told++ === 0) this.tasks.start(this.second());
    this.tasks.start(this.say({ method, needed, sender }));
  }

  private *second(): Work<void> {
    yield* this.tasks.sleep(SECOND_NS);
    const { more } = this;
    this.told = 0;
    this.more = 0;
    if (more > 0) yield* this.say({ more });
  }

  private *say(detail: Record<string, string | number>): Work<void> {
    yield* this.ledger.commit([], [{ kind: "request.denied", project: null, name: null, detail }]);
  }
}
