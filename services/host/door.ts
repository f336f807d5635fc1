/**
 * How work of the host comes back to a service: what it has to say waits here, and a bell wakes the agent.
 *
 * The bell is a frame to the service's address on the machine's network, a journaled input like any
 * other frame. What the service then does it does by operations, and they are journaled as well; so a
 * replay needs neither this inbox nor the host. A bell that is lost loses nothing: it is rung again
 * with the next post, and a service that is awake looks here in any case.
 */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";

/** Wakes the agent that is behind a door. */
export type Bell = () => void;

/** Until the bell has been answered it isn't rung again. */
const POLL_NS = 1_000_000n;

export class Door {
  private readonly ring: Bell;
  private readonly posted: (() => void)[] = [];
  private rung = false;

  constructor(ring: Bell) {
    this.ring = ring;
  }

  /** Something for the service to do, from the host's side. */
  post(what: () => void): void {
    this.posted.push(what);
    if (this.rung) return;
    this.rung = true;
    this.ring();
  }

  /** @internal The agent's side: what it waits on. */
  *open(sys: Sys): Step<number> {
    return yield* sys.timer((yield* sys.now()) + POLL_NS, POLL_NS);
  }

  /** @internal Does all that has been posted. */
  *take(_sys: Sys, _queue: number): Step<void> {
    this.rung = false;
    for (let what = this.posted.shift(); what; what = this.posted.shift()) what();
  }
}
