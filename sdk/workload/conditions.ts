/** Who may wait for a condition. Those have numbers there: task by task, instance by instance. */
import type { Step, Task, Workload } from "./model.ts";

/** The condition that a step waits for, if it does. */
export function waitsFor(step: Step): string | null {
  if (step.kind === "wait" || step.kind === "sync") return step.condition;
  return step.kind === "suspend" ? step.name : null;
}

const waits = ({ phases }: Task, condition: string) =>
  phases.some(({ steps }) => steps.some((step) => waitsFor(step) === condition));

/** An agent of the workload. */
export interface Waiter {
  readonly task: string;
  readonly instance: number;
}

/** All that may wait for the condition, in the order of their numbers. */
export function waitersOf(condition: string, { tasks }: Workload): Waiter[] {
  return tasks
    .filter((task) => waits(task, condition))
    .flatMap(({ name, instances }) =>
      Array.from({ length: instances }, (_, instance) => ({ task: name, instance })),
    );
}
