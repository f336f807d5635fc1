/** What the resources of compiled tasks are to the kernel. */
import type { EndpointType } from "../agent/index.ts";
import { waitersOf } from "./conditions.ts";
import type { Workload } from "./model.ts";
import type { Resource } from "./program.ts";
import { QUEUE_MESSAGES } from "./steps-code.ts";

/** Highest count of events that count agents. */
const COUNT_MAX = 1 << 20;

/** Count of an event at the start, or that a lock without inheritance is free. */
export function initialOf(resource: Resource, workload: Workload): number {
  switch (resource.kind) {
    case "mutex":
      return 1;
    case "tokens":
      return Math.max(0, (workload.barriers.get(resource.name) ?? 0) - 1);
    case "room":
      return QUEUE_MESSAGES;
    default:
      return 0;
  }
}

/** Messages that the queue may have to hold. */
function capacityOf({ kind, name }: Resource, workload: Workload): number {
  return kind === "waiters" ? waitersOf(name, workload).length : QUEUE_MESSAGES;
}

/** Type and capacity of the endpoint, and what is signalled to it at first; null for the board. */
export function endpointOf(
  resource: Resource,
  workload: Workload,
): { readonly type: EndpointType; readonly capacity: number; readonly initial: number } | null {
  const initial = initialOf(resource, workload);
  switch (resource.kind) {
    case "board":
      return null;
    case "queue":
    case "forks":
    case "waiters":
      return { type: "queue", capacity: capacityOf(resource, workload), initial: 0 };
    case "mutex":
      // A mutex lets its holder inherit; a count of one doesn't.
      return workload.inheritance
        ? { type: "mutex", capacity: 1, initial: 0 }
        : { type: "event", capacity: 1, initial };
    case "room":
      return { type: "event", capacity: QUEUE_MESSAGES, initial };
    default:
      return { type: "event", capacity: COUNT_MAX, initial };
  }
}
