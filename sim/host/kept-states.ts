/**
 * States in which agents have been cloned, for clones that have not begun. An agent's state is that of
 * its last operation as long as it gives no other; it is kept when it goes on, and when another agent has
 * taken its place.
 */
import type { FreezableProgram } from "./programs.ts";

/** States for which no clone is known to wait: one may have been made between an agent's last operation and its end. */
export const IDLE_STATES_MAX = 16;
/** All of them. */
export const KEPT_STATES_MAX = 256;

/** Plain data. */
export interface KeptState {
  /** The agent, and its inputs so far. */
  readonly agent: number;
  readonly inputs: number;
  /** Clones that are known not to have begun. A clone of such a clone isn't known of. */
  readonly awaited: number;
  readonly state: unknown;
}

interface Kept {
  readonly agent: number;
  readonly inputs: number;
  awaited: number;
  /** Its agent is over, and its state is taken out when it is asked for. */
  program: FreezableProgram | null;
  state: unknown;
}

export class KeptStates {
  /** The oldest first. */
  private readonly states = new Map<string, Kept>();

  /** Keeps the state in which an agent stands that goes on. */
  goesOn(agent: number, inputs: number, awaited: number, program: FreezableProgram): void {
    this.put({ agent, inputs, awaited, program: null, state: program.freeze() });
  }

  /** Keeps the last state of an agent that is over. */
  isOver(agent: number, inputs: number, program: FreezableProgram): void {
    this.put({ agent, inputs, awaited: 0, program, state: null });
  }

  put(kept: Kept | KeptState): void {
    const entry: Kept = { program: null, ...kept };
    this.states.set(`${entry.agent}:${entry.inputs}`, entry);
    this.trim();
  }

  /** The state for a clone that begins; undefined when it isn't there (any more). */
  take(agent: number, inputs: number): { readonly state: unknown } | undefined {
    const kept = this.states.get(`${agent}:${inputs}`);
    if (!kept) return undefined;
    kept.awaited -= 1;
    this.trim();
    return { state: stateOf(kept) };
  }

  /** All of them, in their order. */
  all(): KeptState[] {
    return [...this.states.values()].map((kept) => {
      const { agent, inputs, awaited } = kept;
      return { agent, inputs, awaited, state: stateOf(kept) };
    });
  }

  private trim(): void {
    const idle = [...this.states].filter(([, { awaited }]) => awaited <= 0);
    for (const [key] of idle.slice(0, -IDLE_STATES_MAX)) this.states.delete(key);
    for (const key of this.states.keys()) {
      if (this.states.size <= KEPT_STATES_MAX) return;
      this.states.delete(key);
    }
  }
}

function stateOf(kept: Kept): unknown {
  if (kept.program !== null) {
    kept.state = kept.program.freeze();
    kept.program = null;
  }
  return kept.state;
}
