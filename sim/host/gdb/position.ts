/**
 * Places in a run at which a debugger may stop. In one micro-step one CPU executes, so a place within
 * a step is named by that CPU's clock; the clock never stands still while it executes.
 */
import type { Engine } from "../engine.ts";

/** More than any CPU's index. */
export const NO_CPU = 0xffff_ffff;

export interface Position {
  /** Micro-steps made, that of a paused turn included. */
  readonly steps: bigint;
  /** The paused CPU and its clock; null: between two steps. */
  readonly turn: { readonly cpu: number; readonly clock: bigint } | null;
}

export function positionOf({ state, debug }: Engine): Position {
  const { steps } = state;
  if (debug.paused === 0) return { steps, turn: null };
  const cpu = debug.paused - 1;
  return { steps, turn: { cpu, clock: state.cpusAt(cpu).clock } };
}

/** The last place between two steps that isn't behind the position. */
export function wholeSteps({ steps, turn }: Position): bigint {
  return turn ? steps - 1n : steps;
}

/** Negative when `a` comes before `b`; the end of a step comes after all that is in it. */
export function compare(a: Position, b: Position): number {
  if (a.steps !== b.steps) return a.steps < b.steps ? -1 : 1;
  if (!a.turn || !b.turn) return Number(b.turn !== null) - Number(a.turn !== null);
  return a.turn.clock < b.turn.clock ? -1 : Number(a.turn.clock > b.turn.clock);
}
