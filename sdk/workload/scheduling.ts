/** Scheduling parameters of tasks and phases: rt-app's, and "class", "weight" and "foreground". */
import { WEIGHT_DEFAULT } from "../../kernel/sched/defaults.ts";
import type { Value } from "./json.ts";
import type { Budget, Scheduling, SchedulingClass } from "./model.ts";
import { NICE_MAX, NICE_MIN, WEIGHT_MAX, weightOfNice } from "./nice.ts";
import { microseconds } from "./steps.ts";

type Policy = SchedulingClass | "fixed-priority";

const POLICIES: Readonly<Record<string, Policy>> = {
  SCHED_OTHER: "fair",
  SCHED_IDLE: "idle",
  SCHED_DEADLINE: "realtime",
  SCHED_FIFO: "fixed-priority",
  SCHED_RR: "fixed-priority",
};
const CLASSES: Readonly<Record<SchedulingClass, SchedulingClass>> = {
  realtime: "realtime",
  fair: "fair",
  idle: "idle",
};

export const SCHEDULING_KEYS = [
  "policy",
  "class",
  "priority",
  "weight",
  "dl-runtime",
  "dl-period",
  "dl-deadline",
  "foreground",
] as const;
/** Older names of the budget's keys, which a task with phases may use. */
export const LEGACY_KEYS = ["runtime", "period", "deadline"] as const;

type Key = (typeof SCHEDULING_KEYS)[number] | (typeof LEGACY_KEYS)[number];
/** Settings by key; more of them than these may be there. */
export interface SchedulingFields {
  get(key: Key): Value | undefined;
}

/** @throws WorkloadError; the kernel has no class of fixed priorities */
export function readPolicy(value: Value): SchedulingClass {
  const policy = value.choice(POLICIES);
  if (policy !== "fixed-priority") return policy;
  return value.refuse(
    "there is no class of fixed priorities; SCHED_DEADLINE with dl-runtime and dl-period has bounds",
  );
}

function classOf(fields: SchedulingFields, inherited: SchedulingClass): SchedulingClass {
  const [policy, named] = [fields.get("policy"), fields.get("class")];
  if (policy && named) named.refuse("policy says it already");
  return named?.choice(CLASSES) ?? (policy ? readPolicy(policy) : inherited);
}

function weightOf(fields: SchedulingFields, inherited: number): number {
  const [priority, weight] = [fields.get("priority"), fields.get("weight")];
  if (priority && weight) weight.refuse("priority says it already");
  if (weight) return weight.integer(1, WEIGHT_MAX);
  return priority ? weightOfNice(priority.integer(NICE_MIN, NICE_MAX)) : inherited;
}

/** Runtime, period and deadline, each with the one before as its default (as in rt-app). */
function budgetOf(fields: SchedulingFields): Budget | null {
  const given = (key: Key, legacy: Key) => fields.get(key) ?? fields.get(legacy);
  const runtime = given("dl-runtime", "runtime");
  const period = given("dl-period", "period");
  const deadline = given("dl-deadline", "deadline");
  if (!runtime) return (period ?? deadline)?.refuse("a budget needs dl-runtime as well") ?? null;
  const budget = microseconds(runtime, 1);
  const every = period ? microseconds(period, 1) : budget;
  const within = deadline ? microseconds(deadline, 1) : every;
  if (within > every)
    (deadline ?? runtime).refuse(`the deadline, ${within / 1000} us, is after the period's end`);
  if (budget > within)
    runtime.refuse(
      `${budget / 1000} us can't be had within ${within / 1000} us: no schedule meets that deadline`,
    );
  return { runtime: budget, deadline: within, period: every };
}

/** Refuses keys that say nothing about agents of this class. */
function refuseKeys(fields: SchedulingFields, keys: readonly Key[], what: string): void {
  for (const key of keys) fields.get(key)?.refuse(`says nothing about ${what}`);
}

/**
 * What the fields of a task or phase say.
 * @param before what holds without them: the file's default, or the task's own
 * @param place whom to blame when a budget is missing
 * @throws WorkloadError
 */
export function readScheduling(
  fields: SchedulingFields,
  before: Scheduling,
  place: Value,
): Scheduling {
  const kind = classOf(fields, before.class);
  const same = kind === before.class;
  const foreground = fields.get("foreground")?.boolean() ?? before.foreground;
  if (kind === "realtime") {
    fields.get("priority")?.integer(0, 0);
    refuseKeys(fields, ["weight"], "the real-time class");
    const budget = budgetOf(fields) ?? (same ? before.budget : null);
    if (!budget) return place.refuse("the real-time class needs dl-runtime, and mostly dl-period");
    return { class: kind, weight: 0, budget, foreground };
  }
  refuseKeys(fields, ["dl-period", "dl-deadline"], `the ${kind} class`);
  if (kind === "idle") {
    fields.get("priority")?.integer(NICE_MIN, NICE_MAX);
    refuseKeys(fields, ["weight", "dl-runtime"], "the idle class");
    return { class: kind, weight: 0, budget: null, foreground };
  }
  const weight = weightOf(fields, same ? before.weight : WEIGHT_DEFAULT);
  // Newer versions of rt-app pass it to Linux as the request size; here it is the quantum, or in the
  // foreground a part of it.
  const request = fields.get("dl-runtime");
  if (request) microseconds(request, 1);
  return { class: kind, weight, budget: null, foreground };
}
