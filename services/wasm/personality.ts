/** What an agent's code may import, and who answers. */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Instance, Value } from "./instance.ts";

/**
 * Answers without the machine: nothing happens in the world by it, and no time passes but what the code
 * takes. Parameters are as the code gave them: i32 as signed numbers, i64 as bigints.
 */
export type QuickAnswer = (instance: Instance, args: readonly Value[]) => Value | undefined;

/**
 * Answers by steps of the agent: system calls, waits. The code stands still meanwhile. From the same
 * memory, arguments and replies it does the same: a restored agent goes through it again.
 */
export type StepAnswer = (
  sys: Sys,
  instance: Instance,
  args: readonly Value[],
) => Step<Value | undefined>;

export interface Personality {
  /** Name of the module from which its functions are imported. */
  readonly module: string;
  readonly quick: ReadonlyMap<string, QuickAnswer>;
  readonly steps: ReadonlyMap<string, StepAnswer>;
  /** What it knows of its agent beside what that was told: data, as of the beginning of a call. */
  readonly state?: { freeze(): unknown; thaw(state: unknown): void };
}
